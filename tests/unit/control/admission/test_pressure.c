/* SPDX-License-Identifier: MIT */
#include "control/admission/pressure.h"

#include <criterion/criterion.h>
#include <string.h>

#define MB(n) ((uint64_t)(n) << 20)

static const struct ctl_pressure_limits limits = {
    .min_memory_mb = 512, .max_commit_percent = 95, .max_cpu_percent = 90, .min_disk_mb = 2048};

/* A machine of 16 GB that could bear one of 4096 MB and no more. */
static struct ctl_sample sample_of(unsigned free_mb, unsigned committed_mb, double cpu,
                                   unsigned disk_mb)
{
    return (struct ctl_sample){
        .system = {.memory_total_bytes = MB(16384),
                   .memory_available_bytes = MB(free_mb),
                   .commit_limit_bytes = MB(20000),
                   .commit_used_bytes = MB(committed_mb),
                   .disks = {{.mount = "C:\\", .total_bytes = MB(100000)},
                             {.mount = "D:\\", .free_bytes = MB(disk_mb)}},
                   .n_disks = 2,
                   .home = 1},
        .cpu_percent = cpu,
    };
}

Test(ctl_pressure, table)
{
    static const struct {
        const char *what;
        unsigned free_mb, committed_mb;
        double cpu;
        unsigned disk_mb, memory_mb;
        enum ctl_pressure expected;
        const char *figures; /* that the sentence has */
    } table[] = {
        {"just enough of all", 4608, 14904, 90, 2048, 4096, CTL_PRESSURE_NONE, ""},
        {"1 MB of memory less", 4607, 1000, 0, 9000, 4096, CTL_PRESSURE_MEMORY,
         "4607 MB of memory are free; the instance is configured for 4096 MB, and 512"},
        {"enough for a smaller one", 4607, 1000, 0, 9000, 2048, CTL_PRESSURE_NONE, ""},
        {"one whose memory is not known", 511, 1000, 0, 9000, 0, CTL_PRESSURE_MEMORY, "511 MB"},
        {"1 MB of commit more", 9000, 14905, 0, 9000, 4096, CTL_PRESSURE_COMMIT,
         "14905 of 20000 MB"},
        {"a system that does not keep to its limit", 9000, 20001, 0, 9000, 4096, CTL_PRESSURE_NONE,
         ""},
        {"busy", 9000, 1000, 90.5, 9000, 4096, CTL_PRESSURE_CPU, "90 %, more than 90"},
        {"nobody knows how busy", 9000, 1000, -1, 9000, 4096, CTL_PRESSURE_NONE, ""},
        {"1 MB of disk less", 9000, 1000, 0, 2047, 4096, CTL_PRESSURE_DISK,
         "2047 MB are free on D:\\"},
        {"all at once: the memory is told", 10, 14905, 99, 10, 4096, CTL_PRESSURE_MEMORY, "10 MB"},
        {"more than the machine has, whatever is free", 16384, 0, 0, 9000, 15873,
         CTL_PRESSURE_HOPELESS, "this machine has 16384 MB"},
        {"just what the machine has", 16384, 0, 0, 9000, 15872, CTL_PRESSURE_NONE, ""},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char why[300] = "";
        struct ctl_sample sample =
            sample_of(table[i].free_mb, table[i].committed_mb, table[i].cpu, table[i].disk_mb);
        enum ctl_pressure p =
            ctl_pressure_judge(&sample, &limits, table[i].memory_mb, why, sizeof(why));
        cr_expect_eq(p, table[i].expected, "%s: %d, %s", table[i].what, p, why);
        cr_expect(strstr(why, table[i].figures), "%s: %s", table[i].what, why);
        cr_expect_eq(*why != '\0', p != CTL_PRESSURE_NONE, "%s: %s", table[i].what, why);
    }
}

Test(ctl_pressure, what_is_not_looked_at_keeps_nobody)
{
    char why[300];
    struct ctl_sample sample = sample_of(10, 19999, 100, 10);
    struct ctl_pressure_limits none = {0};
    cr_expect_not(ctl_pressure_is_looked_at(&none));
    cr_expect_eq(ctl_pressure_judge(&sample, &none, 99999, why, sizeof(why)), CTL_PRESSURE_NONE);
    for (int i = 0; i < 4; i++) {
        struct ctl_pressure_limits one = {i == 0 ? 1 : 0, i == 1 ? 50 : 0, i == 2 ? 50 : 0,
                                          i == 3 ? 1000 : 0};
        cr_expect(ctl_pressure_is_looked_at(&one));
        cr_expect_neq(ctl_pressure_judge(&sample, &one, 1000, why, sizeof(why)), CTL_PRESSURE_NONE,
                      "%d", i);
    }
}

Test(ctl_pressure, what_the_system_does_not_tell_keeps_nobody)
{
    char why[300];
    struct ctl_sample sample = {.cpu_percent = -1};
    cr_expect_eq(ctl_pressure_judge(&sample, &limits, 4096, why, sizeof(why)), CTL_PRESSURE_NONE);
}
