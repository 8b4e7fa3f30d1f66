/* SPDX-License-Identifier: MIT */
#include "base/machine/system.h"

#include <string.h>

#include <uv.h>

#include "base/machine/system_private.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/str.h"

static char *real_path(const char *path)
{
    uv_fs_t req;
    int r = uv_fs_realpath(NULL, &req, path, NULL);
    char *real = r == 0 ? mem_strdup(req.ptr) : NULL;
    uv_fs_req_cleanup(&req);
    return real;
}

/* The longest part of PATH that exists, owned by the caller; NULL when none does. A path without
 * a separator ends in ".", a rooted one in itself. */
static char *existing_part(const char *path)
{
    char *part cleanup(mem_freep) = mem_strdup(path);
    for (;;) {
        char *real = real_path(part);
        if (real)
            return real;
        char *parent = fs_dirname(part);
        bool is_end = strcmp(parent, part) == 0;
        mem_free(part);
        part = parent;
        if (is_end)
            return NULL;
    }
}

static void read_names(struct system_figures *ret)
{
    uv_utsname_t name;
    size_t n = sizeof(ret->hostname);
    if (uv_os_gethostname(ret->hostname, &n) < 0)
        ret->hostname[0] = '\0';
    if (uv_os_uname(&name) == 0)
        str_copy(ret->arch, sizeof(ret->arch), name.machine);
    system_read_os(ret);
    str_make_utf8(ret->hostname);
    str_make_utf8(ret->os_name);
    str_make_utf8(ret->os_version);
}

void system_read(const char *path, struct system_figures *ret)
{
    double uptime_s;
    char *existing cleanup(mem_freep) = existing_part(path);
    *ret = (struct system_figures){.home = SYSTEM_MAX_DISKS};
    system_read_cpu(ret);
    system_read_memory(ret);
    system_read_disks(existing, ret);
    if (ret->home > ret->n_disks)
        ret->home = ret->n_disks;
    read_names(ret);
    if (uv_uptime(&uptime_s) == 0)
        ret->uptime_s = (uint64_t)uptime_s;
}

double system_cpu_percent(const struct system_cpu *before, const struct system_cpu *after)
{
    /* Some systems let a counter step back a little (idle time of a processor that slept). */
    if (after->total <= before->total)
        return -1;
    uint64_t total = after->total - before->total;
    uint64_t busy = after->busy > before->busy ? after->busy - before->busy : 0;
    return busy < total ? 100.0 * (double)busy / (double)total : 100.0;
}

struct system_disk *system_add_disk(struct system_figures *figures, const char *mount)
{
    if (figures->n_disks == SYSTEM_MAX_DISKS || strlen(mount) >= SYSTEM_MOUNT_SIZE)
        return NULL;
    struct system_disk *disk = &figures->disks[figures->n_disks++];
    *disk = (struct system_disk){0};
    str_copy(disk->mount, sizeof(disk->mount), mount);
    return disk;
}
