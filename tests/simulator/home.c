/* SPDX-License-Identifier: MIT */
#include "home.h"

#include "os.h"

char *home_path(const struct home *home, const char *format, ...)
{
    va_list args;
    char *rest;

    va_start(args, format);
    rest = mem_vprintf(format, args);
    va_end(args);
    return mem_printf("%s/%s", home->dir, rest);
}

char *home_config_path(const struct home *home, int index)
{
    return home_path(home, "vms/config/leidian%d.config", index);
}

char *home_run_path(const struct home *home, int index)
{
    return home_path(home, "sim/run/%d", index);
}

char *home_run_config_path(const struct home *home, int index)
{
    return home_path(home, "sim/run/%d.config", index);
}

char *home_killed_path(const struct home *home, int index)
{
    return home_path(home, "sim/run/%d.killed", index);
}

char *home_settle_path(const struct home *home, int index)
{
    return home_path(home, "sim/run/%d.settle", index);
}

char *home_neighbour(const struct home *home, const char *name)
{
    const char *slash = home->dir;

    for (const char *at = home->dir; *at; at++)
        if (*at == '/' || *at == '\\')
            slash = at;
    return mem_printf("%s/%s", mem_text_n(home->dir, (size_t)(slash - home->dir)), name);
}

bool home_exists(const struct home *home)
{
    return os_exists(home_path(home, "sim/run"));
}

intptr_t home_lock(const struct home *home)
{
    return os_lock(home_path(home, "sim/lock"));
}

void home_unlock(intptr_t lock)
{
    os_unlock(lock);
}
