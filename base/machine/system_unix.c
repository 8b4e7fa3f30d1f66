/* SPDX-License-Identifier: MIT */
#include "base/machine/system_private.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <uv.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/system/fs.h"
#include "base/text/str.h"

enum { MAX_FILE = 4 << 20 };

/* The text of a file of the system; NULL where there is none. */
static const char *read_file(const char *path, struct buf *into)
{
    buf_init(into, MAX_FILE);
    return fs_read(path, into) == 0 ? into->data : NULL;
}

void system_read_cpu(struct system_figures *ret)
{
    struct buf file cleanup(buf_deinit);
    const char *text = read_file("/proc/stat", &file);
    if (text)
        system_proc_cpu(text, &ret->cpu);
}

void system_read_memory(struct system_figures *ret)
{
    struct buf file cleanup(buf_deinit);
    const char *text = read_file("/proc/meminfo", &file);
    if (text)
        system_proc_memory(text, ret);
}

void system_read_os(struct system_figures *ret)
{
    uv_utsname_t name;
    struct buf file cleanup(buf_deinit);
    if (uv_os_uname(&name) == 0) {
        str_copy(ret->os_name, sizeof(ret->os_name), name.sysname);
        str_copy(ret->os_version, sizeof(ret->os_version), name.release);
    }
    const char *text = read_file("/etc/os-release", &file);
    if (text)
        system_proc_os(text, ret);
}

/* Which disk each entry of the figures is, to list none twice. */
struct disks {
    struct system_figures *figures;
    char sources[SYSTEM_MAX_DISKS][SYSTEM_MOUNT_SIZE];
};

/* n_disks when it is not there yet. */
static size_t find_source(const struct disks *d, const char *source)
{
    size_t i = 0;
    while (i < d->figures->n_disks && strcmp(d->sources[i], source) != 0)
        i++;
    return i;
}

static size_t add(struct disks *d, const struct system_mount *mount)
{
    struct statvfs fs;
    size_t at = find_source(d, mount->source);
    if (at < d->figures->n_disks || statvfs(mount->point, &fs) < 0 || fs.f_blocks == 0)
        return at;
    struct system_disk *disk = system_add_disk(d->figures, mount->point);
    if (!disk)
        return at;
    disk->total_bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
    disk->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    str_make_utf8(disk->mount);
    str_copy(d->sources[at], sizeof(d->sources[at]), mount->source);
    return at;
}

/* A container has single files mounted from the disk of its host. */
static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

void system_read_disks(const char *path, struct system_figures *ret)
{
    struct buf file cleanup(buf_deinit);
    struct disks disks = {.figures = ret};
    struct system_mount mount, home = {.point = ""};
    const char *text = read_file("/proc/self/mountinfo", &file);
    while (text && system_proc_next_mount(&text, &mount)) {
        /* Of two at one point the later hides the earlier. */
        if (path && strlen(mount.point) >= strlen(home.point) && system_proc_holds(&mount, path))
            home = mount;
        if (system_proc_is_disk(&mount) && is_folder(mount.point))
            (void)add(&disks, &mount);
    }
    if (home.point[0])
        ret->home = add(&disks, &home);
}
