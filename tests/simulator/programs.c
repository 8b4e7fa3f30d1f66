/* SPDX-License-Identifier: MIT */
#include "programs.h"

#include "os.h"
#include "profile.h"

#include <string.h>

const char programs_home_variable[] = "LDSIM_HOME";
const char programs_second_variable[] = "LDSIM_SECOND";

/* Another installation may do the same at this moment: whoever comes last wins, with the same
 * bytes. */
static char *place(const struct settings *settings, const char *source, const char *dir,
                   const char *name)
{
    char *to = mem_printf("%s/%s%s", dir, name, os_exe_suffix);
    char *from = home_path(settings->home, "sim/programs/%s%s", source, os_exe_suffix);
    char *fresh = mem_printf("%s.%lld.new", to, (long long)os_pid());

    if (os_exists(to))
        return to;
    (void)os_make_dirs(dir);
    if (os_copy_file(from, fresh) < 0 || os_rename(fresh, to) < 0)
        (void)os_remove_file(fresh);
    return to;
}

char *programs_player(const struct settings *settings)
{
    return place(settings, "dnplayer", settings->home->dir, settings_text(settings, "player_name"));
}

static bool is_absolute(const char *path)
{
    return *path == '/' || *path == '\\' || (*path && path[1] == ':');
}

char *programs_vm(const struct settings *settings)
{
    const char *name = settings_text(settings, "vm_name");
    const char *dir = settings_text(settings, "vm_dir");

    if (!*name)
        name = profile_get(settings)->headless;
    if (!*dir)
        dir = settings->home->dir;
    else if (!is_absolute(dir))
        dir = home_neighbour(settings->home, dir);
    return place(settings, "Ld9BoxHeadless", dir, name);
}
