/* SPDX-License-Identifier: MIT */
#include "programs.h"

#include "os.h"
#include "profile.h"

#include <string.h>

/* Of the VM's runtime those without which a guest aborts as soon as it draws (reference 11). */
static const char *const libraries[] = {"libOpenglRender2.dll", "host_manager2.dll",
                                        "fastpipe2.dll", "GLES_V2.dll"};
enum { N_LIBRARIES = sizeof(libraries) / sizeof(libraries[0]) };

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

static const char *vm_name(const struct settings *settings)
{
    const char *name = settings_text(settings, "vm_name");

    return *name ? name : profile_get(settings)->headless;
}

static const char *vm_dir(const struct settings *settings)
{
    const char *dir = settings_text(settings, "vm_dir");

    if (!*dir)
        return settings->home->dir;
    return is_absolute(dir) ? dir : home_neighbour(settings->home, dir);
}

/* Those of LD4 are others, of which nothing is known. */
static bool has_libraries(const struct settings *settings)
{
    return strcmp(profile_get(settings)->headless, "Ld9BoxHeadless") == 0;
}

static void write_library(const char *dir, const char *name)
{
    (void)os_make_dirs(dir);
    (void)os_write_file(mem_printf("%s/%s", dir, name), name, strlen(name));
}

void programs_place_libraries(const struct settings *settings)
{
    const char *missing = settings_text(settings, "runtime_missing");

    for (int i = 0; i < N_LIBRARIES && has_libraries(settings); i++) {
        /* What the installer unpacks the runtime's from. */
        write_library(home_path(settings->home, "vbox64"), libraries[i]);
        if (text_list_has(missing, libraries[i]) || text_list_has(missing, "all"))
            (void)os_remove_file(mem_printf("%s/%s", vm_dir(settings), libraries[i]));
        else
            write_library(vm_dir(settings), libraries[i]);
    }
}

/* A new folder gets the libraries too; one that is there is left as somebody has made it. */
char *programs_vm(const struct settings *settings)
{
    const char *dir = vm_dir(settings);

    if (!os_exists(mem_printf("%s/%s%s", dir, vm_name(settings), os_exe_suffix)))
        programs_place_libraries(settings);
    return place(settings, "Ld9BoxHeadless", dir, vm_name(settings));
}

const char *programs_missing_library(const struct settings *settings)
{
    (void)programs_vm(settings);
    for (int i = 0; i < N_LIBRARIES && has_libraries(settings); i++)
        if (!os_exists(mem_printf("%s/%s", vm_dir(settings), libraries[i])))
            return libraries[i];
    return NULL;
}
