/* SPDX-License-Identifier: MIT */
#include "ldsim.h"
#include "os.h"
#include "programs.h"
#include "settings.h"

#include <string.h>

static void add_knob(struct text *out, const struct knob *knob)
{
    text_printf(out, "  %s%s\n      %s\n      %s; at the start %s\n", knob->name,
                *knob_scope_text(knob) ? mem_printf("  [%s]", knob_scope_text(knob)) : "",
                knob->help, knob_values(knob), *knob->initial ? knob->initial : "empty");
}

int ldsim_help(void)
{
    struct text out = {0};

    text_add(
        &out,
        "ldsim: simulated LDPlayer installations\n\n"
        "  ldsim init DIR [--instances N] [--profile P] [--codepage C] [--speed F]\n"
        "             [--bare] [--title INDEX=TEXT]... [--awkward]\n"
        "             [--config INDEX=SHAPE]... [--set KEY=VALUE]...\n"
        "      make an installation, or put fresh programs into one; prints its ldconsole\n"
        "  ldsim set DIR KEY=VALUE...   turn knobs; KEY= puts one back as at the start\n"
        "  ldsim reset DIR              put all back but profile, codepage and speed\n"
        "  ldsim show DIR               knobs, instances and processes, as JSON\n"
        "  ldsim manager DIR open|close the manager's window, which writes configs when closed\n"
        "  ldsim kill DIR [INDEX [player|vm]]\n"
        "      end every process of the installation, or of one instance, or one of those\n"
        "  ldsim help\n\n"
        "Knobs are keys of DIR/sim.json, which every call reads. Where it says so, a verb,\n"
        "an instance or both may stand behind the name; the most specific key counts:\n"
        "hang.list2, fault.3, ignore.quit.3. The programs adb and ld have the verbs\n"
        "host_adb and ld.\n\n");
    for (const struct knob *knob = knobs; knob->name; knob++)
        add_knob(&out, knob);
    os_write_stdout(out.data, out.len);
    return 0;
}

static int fail_unknown(const char *key)
{
    struct text out = {0};

    text_printf(&out, "there is no knob %s; there are:", key);
    for (const struct knob *knob = knobs; knob->name; knob++)
        text_printf(&out, "\n  %s  %s", knob->name, knob_scope_text(knob));
    return ldsim_fail(2, "%s", out.data);
}

/* Returns 0 with the parts, else the exit code. */
static int check(const char *assignment, char **ret_key, const char **ret_value)
{
    const char *equals = strchr(assignment, '=');
    const struct knob *knob;
    const char *verb;
    int index;

    if (!equals)
        return ldsim_fail(2, "%s is not KEY=VALUE", assignment);
    *ret_key = mem_text_n(assignment, (size_t)(equals - assignment));
    *ret_value = equals[1] ? equals + 1 : NULL;
    if (!knob_parse_key(*ret_key, &knob, &verb, &index))
        return fail_unknown(*ret_key);
    if (*ret_value && !knob_accepts(knob, *ret_value))
        return ldsim_fail(2, "%s takes %s, not %s", *ret_key, knob_values(knob), *ret_value);
    return 0;
}

int ldsim_store(const struct home *home, const char *assignment)
{
    const char *value = NULL;
    char *key = NULL;
    int r = check(assignment, &key, &value);

    if (r != 0)
        return r;
    if (settings_store(home, key, value) < 0)
        return ldsim_fail(1, "cannot change %s", settings_path(home));
    return 0;
}

/* What a knob says of files is so at once. */
static void place_files(const struct home *home)
{
    struct settings settings;
    char *error;

    if (settings_load(home, &settings, &error) < 0)
        return;
    (void)programs_vm(&settings);
    programs_place_libraries(&settings);
}

static bool is_of_files(const char *key)
{
    return strcmp(key, "runtime_missing") == 0;
}

int ldsim_set(const struct home *home, int argc, char **argv)
{
    bool has_files = false;
    const char *value;
    intptr_t lock;
    char *key;
    int r = argc > 0 ? 0 : ldsim_fail(2, "set wants KEY=VALUE; see `ldsim help`");

    for (int i = 0; i < argc && r == 0; i++) {
        r = check(argv[i], &key, &value);
        has_files = has_files || (r == 0 && is_of_files(key));
    }
    if (r != 0)
        return r;
    lock = home_lock(home);
    for (int i = 0; i < argc && r == 0; i++)
        r = ldsim_store(home, argv[i]);
    if (has_files)
        place_files(home);
    home_unlock(lock);
    return r;
}

int ldsim_reset(const struct home *home)
{
    bool has_files = false;
    intptr_t lock = home_lock(home);
    struct settings now;
    yyjson_obj_iter iter;
    yyjson_val *key;
    char *error;
    int r = 0;

    if (settings_load(home, &now, &error) < 0)
        r = ldsim_fail(1, "%s", error);
    iter = yyjson_obj_iter_with(now.doc ? yyjson_doc_get_root(now.doc) : NULL);
    while (r == 0 && (key = yyjson_obj_iter_next(&iter))) {
        const struct knob *knob = knob_find(yyjson_get_str(key));

        if (knob && (knob->scope & KNOB_KEPT))
            continue;
        has_files = has_files || is_of_files(yyjson_get_str(key));
        if (settings_store(home, yyjson_get_str(key), NULL) < 0)
            r = ldsim_fail(1, "cannot change %s", settings_path(home));
    }
    if (has_files)
        place_files(home);
    home_unlock(lock);
    return r;
}
