/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "ldsim.h"
#include "machine.h"
#include "os.h"
#include "programs.h"
#include "settings.h"

#include <string.h>

enum { MAX_INSTANCES = 100000, DEFAULT_INSTANCES = 3 };

struct plan {
    const struct home *home;
    bool is_new;
    int instances;
    bool bare;
    bool awkward;
    char **titles; /* by index, NULL: none given */
    int argc;
    char **argv;
};

/* Programs of the installation: the name there and the one beside ldsim. Those in sim/programs are
 * put into place by programs.c, and here, when they differ from what is there. */
static const struct {
    const char *name;
    const char *source;
} programs[] = {
    {"ldconsole", "ldconsole"},
    {"dnconsole", "ldconsole"},
    {"adb", "adb"},
    {"ld", "ld"},
    {"dnmultiplayer", "dnmultiplayer"},
    {"sim/programs/dnplayer", "dnplayer"},
    {"sim/programs/Ld9BoxHeadless", "Ld9BoxHeadless"},
};

/* Titles that have broken a wrapper once: commas, twins, numbers, blanks, other scripts. */
static const char *const awkward_titles[] = {
    NULL, "a,b,,c", "twin", "twin", "12345", "雷电模拟器-5", "0", "game 🎮", " blanks ", "99999",
};

static bool is_same_file(const char *a, const char *b)
{
    struct text left = {0};
    struct text right = {0};

    return os_exists(b) && os_read_file(a, &left) == 0 && os_read_file(b, &right) == 0 &&
           left.len == right.len && memcmp(left.data, right.data, left.len) == 0;
}

/* A copy and not a link: what a test does to the file must not reach the build.  A program that
 * runs cannot be overwritten everywhere, but it can be renamed. */
static int place_program(const char *source, const char *to)
{
    char *from = mem_printf("%s/%s%s", os_self_dir(), source, os_exe_suffix);
    char *fresh = mem_printf("%s.%lld.new", to, (long long)os_pid());

    if (is_same_file(from, to))
        return 0;
    if (os_copy_file(from, fresh) < 0)
        return ldsim_fail(1, "cannot copy %s to %s", from, fresh);
    if (os_exists(to))
        (void)os_rename(to, mem_printf("%s.old", to));
    if (os_rename(fresh, to) < 0)
        return ldsim_fail(1, "cannot put %s in place", to);
    (void)os_remove_file(mem_printf("%s.old", to)); /* stays while it runs */
    return 0;
}

static int place_programs(const struct home *home)
{
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        struct mem_mark mark = mem_mark();
        int r = place_program(programs[i].source,
                              home_path(home, "%s%s", programs[i].name, os_exe_suffix));

        if (r != 0)
            return r;
        mem_release(mark);
    }
    return 0;
}

static int place_named_programs(const struct home *home)
{
    struct settings settings;
    char *error;
    int r;

    if (settings_load(home, &settings, &error) < 0)
        return ldsim_fail(1, "%s", error);
    programs_place_libraries(&settings);
    r = place_program("dnplayer", programs_player(&settings));
    return r != 0 ? r : place_program("Ld9BoxHeadless", programs_vm(&settings));
}

static const char *title_of(const struct plan *plan, int index)
{
    if (plan->titles[index])
        return plan->titles[index];
    if (plan->awkward && (size_t)index < sizeof(awkward_titles) / sizeof(awkward_titles[0]))
        return awkward_titles[index];
    return NULL;
}

static int seed_instances(const struct plan *plan)
{
    struct settings settings;
    char *error;

    if (settings_load(plan->home, &settings, &error) < 0)
        return ldsim_fail(1, "%s", error);
    config_write_global(plan->home);
    for (int i = 0; i < plan->instances; i++) {
        struct mem_mark mark = mem_mark();
        struct config config = config_new(home_config_path(plan->home, i));

        config_fill_new(&config, &settings, title_of(plan, i));
        if (config_save(&config) < 0)
            return ldsim_fail(1, "cannot write %s", config.path);
        if (!plan->bare)
            machine_create(plan->home, i, -1);
        mem_release(mark);
    }
    return 0;
}

/* A configuration can also be given another shape later, by another init. */
static int reshape_configs(const struct plan *plan)
{
    for (int i = 0; i + 1 < plan->argc; i++) {
        const char *value = plan->argv[i + 1];
        const char *equals = strchr(value, '=');
        int index;

        if (strcmp(plan->argv[i], "--config") != 0)
            continue;
        if (!equals || !text_to_int(mem_text_n(value, (size_t)(equals - value)), &index) ||
            !text_list_has(config_shapes, equals + 1))
            return ldsim_fail(2, "--config wants INDEX=SHAPE, a shape of %s, not %s", config_shapes,
                              value);
        if (!os_exists(home_config_path(plan->home, index)))
            return ldsim_fail(1, "--config %s: there is no such instance", value);
        config_reshape(home_config_path(plan->home, index), equals + 1);
    }
    return 0;
}

static int add_title(struct plan *plan, const char *value)
{
    const char *equals = strchr(value, '=');
    int index;

    if (!equals || !text_to_int(mem_text_n(value, (size_t)(equals - value)), &index) || index < 0 ||
        index >= MAX_INSTANCES)
        return ldsim_fail(2, "--title wants INDEX=TEXT, not %s", value);
    plan->titles[index] = text_valid_utf8(equals + 1);
    return 0;
}

/* Options that are knobs wait until the directory is there. */
static int read_options(struct plan *plan)
{
    for (int i = 0; i < plan->argc; i++) {
        const char *option = plan->argv[i];
        const char *value = i + 1 < plan->argc ? plan->argv[i + 1] : NULL;

        if (strcmp(option, "--bare") == 0) {
            plan->bare = true;
        } else if (strcmp(option, "--awkward") == 0) {
            plan->awkward = true;
        } else if (!text_list_has("--instances,--title,--profile,--codepage,--speed,--config,"
                                  "--set",
                                  option) ||
                   !value) {
            return ldsim_fail(2, "init: %s is unknown or lacks its value; see `ldsim help`",
                              option);
        } else {
            i++;
            if (strcmp(option, "--title") == 0 && add_title(plan, value) != 0)
                return 2;
            if (strcmp(option, "--instances") == 0 &&
                (!text_to_int(value, &plan->instances) || plan->instances < 0 ||
                 plan->instances > MAX_INSTANCES))
                return ldsim_fail(2, "--instances wants a number from 0 to %d", MAX_INSTANCES);
        }
    }
    return 0;
}

static int store_knobs(const struct plan *plan)
{
    int r = 0;
    intptr_t lock = home_lock(plan->home);

    if (plan->bare)
        r = ldsim_store(plan->home, "boot_without_disk=true");
    for (int i = 0; i + 1 < plan->argc && r == 0; i++) {
        const char *option = plan->argv[i];

        if (strcmp(option, "--set") == 0)
            r = ldsim_store(plan->home, plan->argv[++i]);
        else if (text_list_has("--profile,--codepage,--speed", option)) {
            r = ldsim_store(plan->home, mem_printf("%s=%s", option + 2, plan->argv[i + 1]));
            i++;
        }
    }
    home_unlock(lock);
    return r;
}

/* Nobody wants a real LDPlayer overwritten. */
static bool is_foreign(const struct home *home)
{
    return !home_exists(home) && (os_exists(home_path(home, "vms")) ||
                                  os_exists(home_path(home, "ldconsole%s", os_exe_suffix)));
}

static int make_dirs(const struct home *home)
{
    static const char *const dirs[] = {"vms/config", "sim/programs", "sim/proc", "sim/guest",
                                       "sim/run"};

    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
        if (os_make_dirs(home_path(home, "%s", dirs[i])) < 0)
            return ldsim_fail(1, "cannot create %s", home_path(home, "%s", dirs[i]));
    return 0;
}

int ldsim_init(const char *dir, int argc, char **argv)
{
    struct home home = {.dir = dir};
    struct plan plan = {.home = &home,
                        .instances = DEFAULT_INSTANCES,
                        .titles = mem_alloc(MAX_INSTANCES * sizeof(char *)),
                        .argc = argc,
                        .argv = argv};
    int r = read_options(&plan);

    if (r != 0)
        return r;
    if (is_foreign(&home))
        return ldsim_fail(1, "%s holds something else; choose a new directory", dir);
    plan.is_new = !home_exists(&home);
    r = make_dirs(&home);
    home.dir = r == 0 ? os_real_path(dir) : NULL;
    if (!home.dir)
        return 1;
    r = place_programs(&home);
    if (r == 0)
        r = store_knobs(&plan);
    if (r == 0)
        r = place_named_programs(&home);
    if (r == 0 && plan.is_new)
        r = seed_instances(&plan);
    if (r == 0)
        r = reshape_configs(&plan);
    if (r == 0)
        ldsim_print("%s\n", os_native_path(home_path(&home, "ldconsole%s", os_exe_suffix)));
    return r;
}
