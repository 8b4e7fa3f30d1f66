/* SPDX-License-Identifier: MIT */
#include "guest.h"

#include "kv.h"
#include "os.h"
#include "timeline.h"

#include <string.h>

/* Keys of the file: pkg.NAME, app.NAME (runs), prop.NAME. */

static char *state_path(const struct home *home, int index)
{
    return home_path(home, "sim/guest/%d", index);
}

static struct kv load(const struct home *home, int index)
{
    struct kv kv;

    (void)kv_load(state_path(home, index), &kv); /* no file: nothing is inside yet */
    return kv;
}

/* A NULL value takes the key away. */
static void change(const struct home *home, int index, const char *key, const char *value)
{
    intptr_t lock = home_lock(home);
    struct kv kv = load(home, index);

    if (value)
        kv_set(&kv, key, value);
    else
        kv_remove(&kv, key);
    (void)kv_save(state_path(home, index), &kv);
    home_unlock(lock);
}

void guest_boot(const struct home *home, int index)
{
    struct kv kv;
    size_t i = 0;

    if (kv_load(state_path(home, index), &kv) < 0)
        return;
    while (i < kv.n_items) {
        if (text_starts(kv.items[i].key, "app."))
            kv_remove(&kv, kv.items[i].key);
        else
            i++;
    }
    (void)kv_save(state_path(home, index), &kv);
}

static void copy_one_file(void *arg, const char *name, const struct os_info *info)
{
    char **dirs = arg;

    if (info && !info->is_dir)
        (void)os_copy_file(mem_printf("%s/%s", dirs[0], name), mem_printf("%s/%s", dirs[1], name));
}

void guest_create(const struct home *home, int index, int from)
{
    char *dirs[2] = {NULL, home_path(home, "sim/guest/%d.files", index)};

    os_remove_file(state_path(home, index));
    os_remove_tree(dirs[1]);
    if (from < 0)
        return;
    dirs[0] = home_path(home, "sim/guest/%d.files", from);
    if (os_exists(state_path(home, from)))
        (void)os_copy_file(state_path(home, from), state_path(home, index));
    if (os_exists(dirs[0]) && os_make_dirs(dirs[1]) == 0)
        os_list_dir(dirs[0], true, copy_one_file, dirs);
}

void guest_install(const struct home *home, int index, const char *package)
{
    change(home, index, mem_printf("pkg.%s", package), "1");
}

bool guest_has_package(const struct home *home, int index, const char *package)
{
    struct kv kv = load(home, index);

    return kv_get(&kv, mem_printf("pkg.%s", package)) != NULL;
}

bool guest_uninstall(const struct home *home, int index, const char *package)
{
    if (!guest_has_package(home, index, package))
        return false;
    change(home, index, mem_printf("app.%s", package), NULL);
    change(home, index, mem_printf("pkg.%s", package), NULL);
    return true;
}

void guest_run_app(const struct home *home, int index, const char *package)
{
    if (guest_has_package(home, index, package))
        change(home, index, mem_printf("app.%s", package), "1");
}

void guest_kill_app(const struct home *home, int index, const char *package)
{
    change(home, index, mem_printf("app.%s", package), NULL);
}

void guest_set_prop(const struct home *home, int index, const char *key, const char *value)
{
    change(home, index, mem_printf("prop.%s", key), value);
}

const char *guest_get_prop(const struct home *home, int index, const char *key)
{
    struct kv kv = load(home, index);
    const char *value = kv_get(&kv, mem_printf("prop.%s", key));

    return value ? value : "";
}

void guest_list_props(const struct home *home, int index, struct text *out)
{
    struct kv kv = load(home, index);

    for (size_t i = 0; i < kv.n_items; i++)
        if (text_starts(kv.items[i].key, "prop."))
            text_printf(out, "[%s]: [%s]\n", kv.items[i].key + strlen("prop."), kv.items[i].value);
}

void guest_list_packages(const struct home *home, int index, bool all, struct text *out)
{
    struct kv kv = load(home, index);

    if (all)
        text_add(out, "package:android\npackage:com.android.settings\n"
                      "package:com.android.flysilkworm\n");
    for (size_t i = 0; i < kv.n_items; i++)
        if (text_starts(kv.items[i].key, "pkg."))
            text_printf(out, "package:%s\n", kv.items[i].key + strlen("pkg."));
}

char *guest_file(const struct home *home, int index, const char *guest_path)
{
    char *flat = mem_text(guest_path);

    for (char *at = flat; *at; at++)
        if (strchr("/\\:", *at))
            *at = '%';
    (void)os_make_dirs(home_path(home, "sim/guest/%d.files", index));
    return home_path(home, "sim/guest/%d.files/%s", index, flat);
}

int guest_app_pid(const struct home *home, int index, const char *package)
{
    struct kv kv = load(home, index);
    struct run run;
    int pid = 1000;

    for (const char *at = package; *at; at++)
        pid = (pid * 31 + *at) % 30000;
    pid += 1000;
    if (kv_get(&kv, mem_printf("app.%s", package)))
        return pid;
    /* launchex asked for it; it opens by itself once Android is there. */
    if (run_load(home, index, &run) == 0 && strcmp(run.app, package) == 0 &&
        kv_get(&kv, mem_printf("pkg.%s", package)) && timeline_boot_completed(&run, os_now_ms()))
        return pid;
    return 0;
}
