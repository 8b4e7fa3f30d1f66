/* SPDX-License-Identifier: MIT */
/* A refusal must be certain. So a runtime is looked for where installers put it, is one only with
 * the program of the VMs in it, and lacks only what it is known to have had: a library that lies
 * beside its program in part, or in the installation, where the installer has it from. Versions
 * before 9 have other libraries and another program. */
#include "ldconsole/install/preflight.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/str.h"

/* Without one of them a guest aborts as soon as it draws (reference 11). */
static const char *const libraries[] = {"libOpenglRender2.dll", "host_manager2.dll",
                                        "fastpipe2.dll", "GLES_V2.dll"};

static bool has(const char *dir, const char *name)
{
    char *path cleanup(mem_freep) = fs_join(dir, name);
    return fs_exists(path);
}

static bool is_runtime(const char *dir)
{
    return has(dir, "Ld9BoxHeadless.exe") || has(dir, "Ld9BoxHeadless");
}

/* Owned by the caller; NULL = nowhere. The folder is shared by all installations. */
static char *find_runtime(const char *dir)
{
    char programs[256];
    size_t size = sizeof(programs);
    bool has_programs = uv_os_getenv("ProgramFiles", programs, &size) == 0;
    char *above cleanup(mem_freep) = fs_dirname(dir);
    char *usual cleanup(mem_freep) = has_programs ? fs_join(programs, "ldplayer9box") : NULL;
    char *beside cleanup(mem_freep) = fs_join(above, "ldplayer9box");
    const char *found = usual && is_runtime(usual) ? usual : is_runtime(beside) ? beside : NULL;
    return found ? fs_real(found) : NULL;
}

static void find_missing(const char *dir, struct ldc_premises *ret)
{
    /* A repairer's pass unpacks into `vbox` what it could not put into its place. */
    char *first cleanup(mem_freep) = fs_join(dir, "vbox64");
    char *second cleanup(mem_freep) = fs_join(dir, "vbox");
    bool is_there[countof(libraries)], has_some = false;
    for (size_t i = 0; i < countof(libraries); i++) {
        is_there[i] = has(ret->runtime_dir, libraries[i]);
        has_some |= is_there[i];
    }
    for (size_t i = 0; i < countof(libraries); i++) {
        size_t n = strlen(ret->missing);
        if (!is_there[i] && (has_some || has(first, libraries[i]) || has(second, libraries[i])))
            snprintf(ret->missing + n, sizeof(ret->missing) - n, "%s%s", n ? ", " : "",
                     libraries[i]);
    }
}

void ldc_premises_look(const char *dir, const char *vms_dir, struct ldc_premises *ret)
{
    char *runtime_dir cleanup(mem_freep) = find_runtime(dir);
    *ret = (struct ldc_premises){.free_bytes = fs_free_bytes(vms_dir)};
    if (!runtime_dir || strlen(runtime_dir) >= sizeof(ret->runtime_dir))
        return;
    str_copy(ret->runtime_dir, sizeof(ret->runtime_dir), runtime_dir);
    find_missing(dir, ret);
}

static void name_disks(unsigned disks, char *out, size_t size)
{
    str_copy(out, size, "");
    for (unsigned i = 0; i < LDC_DISK_COUNT; i++) {
        size_t n = strlen(out);
        if (disks & 1u << i)
            snprintf(out + n, size - n, "%s%s", n ? ", " : "", ldc_disk_names[i]);
    }
}

bool ldc_preflight_judge(const struct ldc_preflight *p, struct ldc_obstacle *ret)
{
    enum { MB = 1024 * 1024 };
    char disks[64];
    const struct ldc_premises *premises = p->premises;
    const char *code = NULL;

    if (p->read_only_disks) {
        code = "DISK_READ_ONLY";
        name_disks(p->read_only_disks, disks, sizeof(disks));
        snprintf(ret->sentence, sizeof(ret->sentence),
                 "a VM cannot start from disks that are read-only, as a copy may leave them: take "
                 "the attribute read-only from %s in its folder under vms",
                 disks);
    } else if (*premises->missing) {
        code = "VM_RUNTIME_INCOMPLETE";
        snprintf(
            ret->sentence, sizeof(ret->sentence),
            "in %.100s, a part of LDPlayer's VM, there is no %s, as after a repair that was cut "
            "short, and no VM lives without: end LDPlayer, then repair or install it again",
            premises->runtime_dir, premises->missing);
    } else if (premises->free_bytes / MB < LDC_PREFLIGHT_MIN_FREE_MB) {
        code = "INSTANCE_DISK_FULL";
        snprintf(ret->sentence, sizeof(ret->sentence),
                 "%" PRIu64 " MB are free on the disk with the instances, and a boot writes more; "
                 "with less than %d MB it is not begun: free some",
                 premises->free_bytes / MB, LDC_PREFLIGHT_MIN_FREE_MB);
    } else if (*p->config_fault) {
        code = "CONFIG_UNUSABLE";
        snprintf(ret->sentence, sizeof(ret->sentence),
                 "its config file %.110s cannot be used (%.70s) and no copy of it is kept: %s",
                 p->config_path, p->config_fault,
                 p->has_resbak ? "put the .resbak that LDPlayer left beside it in its place"
                               : "put a good one in its place, or clone another instance");
    }
    if (code)
        str_copy(ret->code, sizeof(ret->code), code);
    return code != NULL;
}
