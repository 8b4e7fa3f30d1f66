/* SPDX-License-Identifier: MIT */

/* base/machine/system_win.c. */

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include <windows.h>

#include "base/machine/system.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "tests/support/folder.h"

static char *folder;
static int n_failed;

#define check(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                                 \
            n_failed++;                                                                            \
        }                                                                                          \
    } while (0)

static struct system_figures *read_all(const char *path)
{
    struct system_figures *f = mem_new(struct system_figures);
    system_read(path, f);
    return f;
}

static void test_memory(void)
{
    struct system_figures *f cleanup(mem_freep) = read_all(folder);
    check(f->memory_total_bytes == uv_get_total_memory());
    check(f->memory_available_bytes > 0);
    check(f->memory_available_bytes <= f->memory_total_bytes);
    check(f->commit_used_bytes > 0);
    check(f->commit_used_bytes <= f->commit_limit_bytes);
}

static void test_names(void)
{
    struct system_figures *f cleanup(mem_freep) = read_all(folder);
    char host[256], version[64];
    size_t n = sizeof(host);
    OSVERSIONINFOW told = {.dwOSVersionInfoSize = sizeof(told)};
    /* Unlike GetVersionEx, which tells a program without a manifest of Windows 8. */
    LONG(WINAPI * get)
    (OSVERSIONINFOW *) = (void *)GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "RtlGetVersion");
    check(get(&told) == 0);
    snprintf(version, sizeof(version), "%lu.%lu.%lu", told.dwMajorVersion, told.dwMinorVersion,
             told.dwBuildNumber);
    check(strcmp(f->os_version, version) == 0);
    check(strstr(f->os_name, "Windows") != NULL);
    check(uv_os_gethostname(host, &n) == 0 && strcmp(f->hostname, host) == 0);
    check(f->arch[0] != '\0');
    check(f->uptime_s > 0);
}

static void test_disks(void)
{
    struct system_figures *f cleanup(mem_freep) = read_all(folder);
    check(f->home < f->n_disks);
    for (size_t i = 0; i < f->n_disks; i++) {
        check(f->disks[i].total_bytes > 0);
        check(f->disks[i].free_bytes <= f->disks[i].total_bytes);
        for (size_t j = 0; j < i; j++)
            check(!str_is_equal_nocase(f->disks[i].mount, f->disks[j].mount));
    }
}

static void test_paths(void)
{
    char *deeper cleanup(mem_freep) = mem_printf("%s\\no such\\place", folder);
    struct system_figures *there cleanup(mem_freep) = read_all(folder);
    struct system_figures *deep cleanup(mem_freep) = read_all(deeper);
    struct system_figures *system cleanup(mem_freep) = read_all("C:\\");
    check(deep->home < deep->n_disks && there->home < there->n_disks);
    check(strcmp(deep->disks[deep->home].mount, there->disks[there->home].mount) == 0);
    check(system->home < system->n_disks);
    check(str_is_equal_nocase(system->disks[system->home].mount, "C:\\"));
}

static void test_processors(void)
{
    struct system_figures *before cleanup(mem_freep) = read_all(folder);
    struct system_figures *after cleanup(mem_freep) = read_all(folder);
    uint64_t began = uv_hrtime();
    while (after->cpu.busy == before->cpu.busy && uv_hrtime() - began < 10000000000u)
        system_read(folder, after);
    double percent = system_cpu_percent(&before->cpu, &after->cpu);
    check(percent > 0 && percent <= 100);
}

int main(void)
{
    folder = folder_make();
    test_memory();
    test_names();
    test_disks();
    test_paths();
    test_processors();
    printf("%d failed\n", n_failed);
    folder_remove(folder);
    return n_failed ? 1 : 0;
}
