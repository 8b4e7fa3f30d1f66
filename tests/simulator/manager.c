/* SPDX-License-Identifier: MIT */
#include "manager.h"

#include "os.h"
#include "process.h"

#include <string.h>

/* What the window keeps lies in sim/manager; a file `close` there asks it to go. */

enum { POLL_MS = 20, PATIENCE_MS = 30000 };

struct copying {
    const struct home *home;
    const char *from; /* folders of the installation */
    const char *to;
    bool only_existing;
};

static void copy_one(void *arg, const char *name, const struct os_info *info)
{
    const struct copying *copying = arg;
    char *to = home_path(copying->home, "%s/%s", copying->to, name);
    struct text bytes = {0};

    (void)info;
    if (!text_starts(name, "leidian") || !text_ends(name, ".config") ||
        (copying->only_existing && !os_exists(to)))
        return;
    if (os_read_file(home_path(copying->home, "%s/%s", copying->from, name), &bytes) == 0)
        (void)os_replace_file(to, text_str(&bytes), bytes.len);
}

static void copy_configs(const struct home *home, const char *from, const char *to,
                         bool only_existing)
{
    struct copying copying = {.home = home, .from = from, .to = to, .only_existing = only_existing};
    intptr_t lock = home_lock(home);

    os_list_dir(home_path(home, "%s", from), false, copy_one, &copying);
    home_unlock(lock);
}

static char *close_path(const struct home *home)
{
    return home_path(home, "sim/manager/close");
}

void manager_live(const struct home *home)
{
    struct mem_mark mark;

    os_remove_tree(home_path(home, "sim/manager"));
    (void)os_make_dirs(home_path(home, "sim/manager"));
    copy_configs(home, "vms/config", "sim/manager", false);
    process_register(home, "manager", -1);
    mark = mem_mark();
    while (home_exists(home) && !os_exists(close_path(home))) {
        os_sleep_ms(POLL_MS);
        mem_release(mark);
    }
    /* An instance that was removed meanwhile stays so. */
    if (home_exists(home))
        copy_configs(home, "sim/manager", "vms/config", true);
    process_unregister(home, "manager", -1);
}

static bool is_open(const struct home *home)
{
    struct process_list list = process_find(home, -1);

    for (size_t i = 0; i < list.n_items; i++)
        if (strcmp(list.items[i].kind, "manager") == 0)
            return true;
    return false;
}

static int wait_until(const struct home *home, bool open)
{
    for (int64_t end = os_now_ms() + PATIENCE_MS; is_open(home) != open; os_sleep_ms(POLL_MS))
        if (os_now_ms() > end)
            return -1;
    return 0;
}

int manager_open(const struct home *home)
{
    const char *const argv[] = {"dnmultiplayer", NULL};

    if (is_open(home))
        return 0;
    (void)process_start(home, "manager", -1, argv, false);
    return wait_until(home, true);
}

int manager_close(const struct home *home)
{
    if (!is_open(home))
        return 0;
    (void)os_write_file(close_path(home), "", 0);
    return wait_until(home, false);
}
