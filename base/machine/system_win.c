/* SPDX-License-Identifier: MIT */
#include "base/machine/system_private.h"

#include <stdbool.h>
#include <string.h>

#include <uv.h>

#include <windows.h>

#include <psapi.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"

static uint64_t number(const FILETIME *time)
{
    return (uint64_t)time->dwHighDateTime << 32 | time->dwLowDateTime;
}

void system_read_cpu(struct system_figures *ret)
{
    FILETIME idle, kernel, user;
    if (!GetSystemTimes(&idle, &kernel, &user))
        return;
    /* Kernel time has the idle time in it. */
    ret->cpu.total = number(&kernel) + number(&user);
    ret->cpu.busy = ret->cpu.total - number(&idle);
}

void system_read_memory(struct system_figures *ret)
{
    PERFORMANCE_INFORMATION info = {.cb = sizeof(info)};
    if (!GetPerformanceInfo(&info, sizeof(info)))
        return;
    ret->memory_total_bytes = (uint64_t)info.PhysicalTotal * info.PageSize;
    ret->memory_available_bytes = (uint64_t)info.PhysicalAvailable * info.PageSize;
    ret->commit_limit_bytes = (uint64_t)info.CommitLimit * info.PageSize;
    ret->commit_used_bytes = (uint64_t)info.CommitTotal * info.PageSize;
}

/* libuv asks RtlGetVersion, which tells the truth to programs without a manifest too, and the
 * registry for the product's name, with the 11 that the registry still calls 10. */
void system_read_os(struct system_figures *ret)
{
    uv_utsname_t name;
    if (uv_os_uname(&name) < 0)
        return;
    str_copy(ret->os_name, sizeof(ret->os_name), name.version[0] ? name.version : "Windows");
    str_copy(ret->os_version, sizeof(ret->os_version), name.release);
}

/* Returns where it stands; n_disks when it cannot be read. */
static size_t add(struct system_figures *figures, const wchar_t *mount)
{
    ULARGE_INTEGER available, total;
    char text[SYSTEM_MOUNT_SIZE];
    size_t at = figures->n_disks;
    if (!GetDiskFreeSpaceExW(mount, &available, &total, NULL) ||
        WideCharToMultiByte(CP_UTF8, 0, mount, -1, text, sizeof(text), NULL, NULL) == 0)
        return at;
    struct system_disk *disk = system_add_disk(figures, text);
    if (!disk)
        return at;
    disk->total_bytes = total.QuadPart;
    disk->free_bytes = available.QuadPart;
    return at;
}

/* "C:\" of a path, or the folder where a volume without a letter is mounted. */
static bool find_volume(const char *path, wchar_t out[SYSTEM_MOUNT_SIZE])
{
    int n = MultiByteToWideChar(CP_UTF8, 0, path, -1, NULL, 0);
    wchar_t *wide cleanup(mem_freep) = mem_calloc((size_t)n + 1, sizeof(*wide));
    MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, n);
    return n > 0 && GetVolumePathNameW(wide, out, SYSTEM_MOUNT_SIZE);
}

void system_read_disks(const char *path, struct system_figures *ret)
{
    wchar_t home[SYSTEM_MOUNT_SIZE] = L"";
    DWORD letters = GetLogicalDrives();
    bool has_home = path && find_volume(path, home);
    for (int i = 0; i < 26; i++) {
        wchar_t mount[] = {(wchar_t)(L'A' + i), L':', L'\\', L'\0'};
        if (!(letters & (1u << i)) || GetDriveTypeW(mount) != DRIVE_FIXED)
            continue;
        size_t at = add(ret, mount);
        if (has_home && at < ret->n_disks && lstrcmpiW(mount, home) == 0)
            ret->home = at;
    }
    if (has_home && ret->home >= ret->n_disks)
        ret->home = add(ret, home);
}
