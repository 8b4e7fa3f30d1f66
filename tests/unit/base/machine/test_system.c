/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <uv.h>

#include "base/machine/system_private.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "tests/support/folder.h"

static struct system_figures *read_all(const char *path)
{
    struct system_figures *f = mem_new(struct system_figures);
    system_read(path, f);
    return f;
}

Test(system, memory_and_commit_are_those_of_this_machine)
{
    struct system_figures *f = read_all("/");
    cr_assert_eq(f->memory_total_bytes, uv_get_total_memory());
    cr_assert_gt(f->memory_available_bytes, 0);
    cr_assert_leq(f->memory_available_bytes, f->memory_total_bytes);
    cr_assert_gt(f->commit_limit_bytes, 0);
    cr_assert_gt(f->commit_used_bytes, 0);
    mem_free(f);
}

Test(system, names_and_uptime)
{
    struct system_figures *f = read_all("/");
    char host[256];
    size_t n = sizeof(host);
    cr_assert_eq(uv_os_gethostname(host, &n), 0);
    cr_assert_str_eq(f->hostname, host);
    cr_assert_str_not_empty(f->os_name);
    cr_assert_str_not_empty(f->os_version);
    cr_assert_str_not_empty(f->arch);
    cr_assert_gt(f->uptime_s, 0);
    mem_free(f);
}

Test(system, the_disk_of_a_path_is_listed_with_its_size)
{
    char *folder = folder_make();
    struct system_figures *f = read_all(folder);
    struct statvfs fs;
    cr_assert_eq(statvfs(folder, &fs), 0);
    cr_assert_lt(f->home, f->n_disks);
    cr_assert_eq(f->disks[f->home].total_bytes, (uint64_t)fs.f_blocks * fs.f_frsize);
    cr_assert_leq(f->disks[f->home].free_bytes, f->disks[f->home].total_bytes);
    cr_assert(str_has_prefix(folder, f->disks[f->home].mount), "%s", f->disks[f->home].mount);
    mem_free(f);
    folder_remove(folder);
}

Test(system, no_disk_is_listed_twice)
{
    struct system_figures *f = read_all("/");
    for (size_t i = 0; i < f->n_disks; i++) {
        cr_assert_gt(f->disks[i].total_bytes, 0);
        for (size_t j = 0; j < i; j++)
            cr_assert_str_neq(f->disks[i].mount, f->disks[j].mount);
    }
    mem_free(f);
}

Test(system, a_path_in_memory_has_its_disk_too)
{
    struct system_figures *f = read_all("/proc/self");
    /* /proc has no room at all, which is no figure of a disk. */
    cr_assert_eq(f->home, f->n_disks);
    mem_free(f);
    f = read_all("/dev/shm");
    cr_assert_lt(f->home, f->n_disks);
    cr_assert_str_eq(f->disks[f->home].mount, "/dev/shm");
    mem_free(f);
}

Test(system, what_does_not_exist_of_a_path_is_left_out)
{
    struct system_figures *there = read_all("/"), *deeper = read_all("/no such/place/at all");
    cr_assert_lt(deeper->home, deeper->n_disks);
    cr_assert_str_eq(deeper->disks[deeper->home].mount, there->disks[there->home].mount);
    mem_free(there);
    mem_free(deeper);

    struct system_figures *here = read_all("no such place");
    cr_assert_lt(here->home, here->n_disks);
    mem_free(here);
}

Test(system, nothing_is_left_of_a_path)
{
    char *folder = folder_make();
    cr_assert_eq(chdir(folder), 0);
    folder_remove(folder);
    struct system_figures *f = read_all("no such place");
    cr_assert_eq(f->home, f->n_disks);
    cr_assert_gt(f->memory_total_bytes, 0);
    mem_free(f);
}

Test(system, processor_time_moves_when_somebody_works)
{
    struct system_figures *before = read_all("/"), *after = read_all("/");
    uint64_t began = uv_hrtime();
    while (after->cpu.busy == before->cpu.busy) {
        cr_assert(uv_hrtime() - began < 10000000000u, "a busy machine looks idle");
        system_read("/", after);
    }
    double percent = system_cpu_percent(&before->cpu, &after->cpu);
    cr_assert_gt(percent, 0);
    cr_assert_leq(percent, 100);
    mem_free(before);
    mem_free(after);
}

Test(system, percent_of_processor_time)
{
    static const struct {
        struct system_cpu before, after;
        double percent;
    } rows[] = {
        {{10, 100}, {60, 200}, 50},  {{10, 100}, {10, 200}, 0}, {{10, 100}, {110, 200}, 100},
        {{10, 100}, {10, 100}, -1},  {{10, 100}, {9, 90}, -1},  {{10, 100}, {9, 200}, 0},
        {{0, 100}, {500, 200}, 100},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        cr_expect_float_eq(system_cpu_percent(&rows[i].before, &rows[i].after), rows[i].percent,
                           1e-9, "row %zu", i);
}

Test(system, there_is_room_for_so_many_disks)
{
    struct system_figures *f = mem_new(struct system_figures);
    char long_name[SYSTEM_MOUNT_SIZE + 1];
    memset(long_name, 'x', sizeof(long_name));
    long_name[SYSTEM_MOUNT_SIZE] = '\0';
    cr_assert_null(system_add_disk(f, long_name));
    long_name[SYSTEM_MOUNT_SIZE - 1] = '\0';
    for (int i = 0; i < SYSTEM_MAX_DISKS; i++)
        cr_assert_not_null(system_add_disk(f, long_name));
    cr_assert_null(system_add_disk(f, "/"));
    cr_assert_eq(f->n_disks, SYSTEM_MAX_DISKS);
    cr_assert_str_eq(f->disks[SYSTEM_MAX_DISKS - 1].mount, long_name);
    mem_free(f);
}
