/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>

#include "base/machine/system_private.h"
#include "base/memory/mem.h"

Test(system_proc, processor_time_is_all_but_idle_and_waiting)
{
    struct system_cpu cpu = {0};
    system_proc_cpu("intr 5\ncpu  1 20 300 4000 50000 600000 7000000 80000000 9 9\ncpu0 9 9\n",
                    &cpu);
    cr_assert_eq(cpu.busy, 1u + 20 + 300 + 600000 + 7000000 + 80000000);
    cr_assert_eq(cpu.total, cpu.busy + 4000 + 50000);
}

Test(system_proc, processor_time_that_is_not_told_is_left_alone)
{
    static const char *const texts[] = {"", "cpu0 1 2 3 4 5 6 7 8\n", "cpu  1 2 3\n", "cpu  x\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct system_cpu cpu = {7, 8};
        system_proc_cpu(texts[i], &cpu);
        cr_expect(cpu.busy == 7 && cpu.total == 8, "%s", texts[i]);
    }
}

Test(system_proc, memory_is_told_in_kib)
{
    struct system_figures *f = mem_new(struct system_figures);
    system_proc_memory("MemTotal:       4 kB\nMemFree: 1 kB\nMemAvailable:   2 kB\n"
                       "CommitLimit:  10 kB\nCommitted_AS:   3 kB\n",
                       f);
    cr_assert_eq(f->memory_total_bytes, 4096);
    cr_assert_eq(f->memory_available_bytes, 2048);
    cr_assert_eq(f->commit_limit_bytes, 10240);
    cr_assert_eq(f->commit_used_bytes, 3072);
    system_proc_memory("MemTotal: much\n", f);
    cr_assert_eq(f->memory_total_bytes, 4096);
    mem_free(f);
}

Test(system_proc, the_system_has_a_name_and_a_version)
{
    struct system_figures *f = mem_new(struct system_figures);
    system_proc_os("PRETTY_NAME=\"No\"\nNAME=\"Some Linux\"\nVERSION_ID=12\nVERSION='12 (x)'\n", f);
    cr_assert_str_eq(f->os_name, "Some Linux");
    cr_assert_str_eq(f->os_version, "12 (x)");
    system_proc_os("NAME=rolling\nVERSION_ID=3", f);
    cr_assert_str_eq(f->os_name, "rolling");
    cr_assert_str_eq(f->os_version, "3");
    system_proc_os("ID=x\nNAME=\"not closed\nVERSION_ID=4\n", f);
    cr_assert_str_eq(f->os_name, "not closed");

    char text[400] = "NAME=";
    memset(text + 5, 'n', 300);
    system_proc_os(text, f);
    cr_assert_eq(strlen(f->os_name), sizeof(f->os_name) - 1);
    mem_free(f);
}

Test(system_proc, mounts_are_read_line_by_line)
{
    const char *text =
        "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n"
        "no mount at all\n"
        "1 2 3 - ext4 /dev/vdb\n"
        "30 27 8:1 /sub /a\\040b\\134c\\9\\4 rw shared:1 master:2 - xfs /dev/sda1 rw\n"
        "31 27 0:9 / /cut rw - tmpfs";
    struct system_mount m;
    cr_assert(system_proc_next_mount(&text, &m));
    cr_assert_str_eq(m.point, "/");
    cr_assert_str_eq(m.type, "ext4");
    cr_assert_str_eq(m.source, "/dev/vda");
    cr_assert(system_proc_next_mount(&text, &m));
    cr_assert_str_eq(m.point, "/a b\\c\\9\\4");
    cr_assert_str_eq(m.source, "/dev/sda1");
    cr_assert_not(system_proc_next_mount(&text, &m));
    cr_assert_not(system_proc_next_mount(&text, &m));
}

Test(system_proc, a_mount_whose_name_has_no_room_is_passed_over)
{
    char *room = mem_alloc(9000);
    struct system_mount m;
    strcpy(room, "1 2 3:4 / /");
    memset(room + 11, 'x', 300);
    strcat(room, " rw - ext4 /dev/a rw\n1 2 3:4 / /");
    memset(room + strlen(room), 'y', 5000);
    strcat(room, " rw - ext4 /dev/b rw\n1 2 3:4 / /z rw - ext4 /dev/c rw\n");
    const char *text = room;
    cr_assert(system_proc_next_mount(&text, &m));
    cr_assert_str_eq(m.point, "/z");
    cr_assert_not(system_proc_next_mount(&text, &m));
    mem_free(room);
}

Test(system_proc, real_disks_are_told_from_others)
{
    static const struct {
        const char *source;
        bool is_disk;
    } rows[] = {{"/dev/vda", true},  {"/dev/mapper/root", true}, {"/dev/loop3", false},
                {"tmpfs", false},    {"overlay", false},         {"none", false},
                {"host:/nfs", false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct system_mount m = {0};
        strcpy(m.source, rows[i].source);
        cr_expect_eq(system_proc_is_disk(&m), rows[i].is_disk, "%s", rows[i].source);
    }
}

Test(system_proc, a_mount_holds_what_is_below_it)
{
    static const struct {
        const char *point, *path;
        bool holds;
    } rows[] = {
        {"/", "/x", true},    {"/", "/", true},      {"/a", "/a", true},  {"/a", "/a/b", true},
        {"/a", "/ab", false}, {"/a/b", "/a", false}, {"/b", "/a", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct system_mount m = {0};
        strcpy(m.point, rows[i].point);
        cr_expect_eq(system_proc_holds(&m, rows[i].path), rows[i].holds, "%s %s", rows[i].point,
                     rows[i].path);
    }
}
