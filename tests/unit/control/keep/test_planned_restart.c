/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "control/keep/planned_restart.h"

enum { MINUTE_MS = 60000, HOUR_MS = 3600000, MB = 1024 * 1024 };

static struct ctl_run run;
static struct ctl_usage usage;
static uint64_t now;
static char why[400];

static void begin(void)
{
    run = (struct ctl_run){0};
    usage = (struct ctl_usage){.player = 100, .age_ms = HOUR_MS, .private_bytes = 1000ull * MB};
    now = 5 * HOUR_MS;
}

TestSuite(ctl_planned, .init = begin);

/* Looks every minute; of an hour of one processor it takes PERCENT. */
static void pass(unsigned minutes, double mb_per_h, unsigned percent)
{
    for (unsigned i = 0; i < minutes; i++) {
        ctl_run_note(&run, now, &usage);
        now += MINUTE_MS;
        usage.age_ms += MINUTE_MS;
        usage.cpu_ms += MINUTE_MS * percent / 100;
        usage.private_bytes += (uint64_t)(mb_per_h * MB / 60);
    }
}

static bool is_due(struct ctl_planned_rules rules)
{
    strcpy(why, "");
    return ctl_planned_is_due(&rules, &run, now, &usage, why, sizeof(why));
}

Test(ctl_planned, by_how_long_it_has_run)
{
    usage.age_ms = 24ull * HOUR_MS - 1;
    cr_assert_not(is_due((struct ctl_planned_rules){.after_h = 24}));
    cr_assert_not(is_due((struct ctl_planned_rules){0}));
    usage.age_ms++;
    cr_assert(is_due((struct ctl_planned_rules){.after_h = 24}));
    cr_assert_str_eq(why, "planned: it has run for 24 h (restart_after_h is 24)");
    cr_assert_not(is_due((struct ctl_planned_rules){0}));
}

Test(ctl_planned, by_how_fast_its_memory_grows)
{
    struct ctl_planned_rules rules = {.leak_mb_per_h = 200};
    pass(50, 240, 0);
    cr_assert_not(is_due(rules), "an hour at least");
    pass(20, 240, 0);
    cr_assert(is_due(rules), "%f", ctl_run_leak_mb_per_h(&run));
    cr_assert(strstr(why, "take 240 MB more with each hour (restart_leak_mb_per_h is 200)"), "%s",
              why);
    rules.leak_mb_per_h = 250;
    cr_assert_not(is_due(rules));
    pass(180, 0, 0);
    cr_assert_float_eq(ctl_run_leak_mb_per_h(&run), 0, 0.01, "what was two hours ago is over");
}

Test(ctl_planned, what_is_taken_and_given_back_is_no_leak)
{
    for (unsigned i = 0; i < 12; i++)
        pass(10, i % 2 ? -3000 : 3000, 0);
    cr_assert_lt(ctl_run_leak_mb_per_h(&run), 200);
    cr_assert_not(is_due((struct ctl_planned_rules){.leak_mb_per_h = 200}));
}

Test(ctl_planned, a_guest_that_fills_its_memory_after_the_start_is_no_leak)
{
    usage.age_ms = 0;
    pass(29, 6000, 0);
    cr_assert_eq(run.n_samples, 0);
    pass(120, 0, 0);
    cr_assert_not(is_due((struct ctl_planned_rules){.leak_mb_per_h = 1}));
}

Test(ctl_planned, another_player_is_another_run)
{
    pass(120, 240, 0);
    usage.player = 101;
    pass(1, 240, 0);
    cr_assert_not(is_due((struct ctl_planned_rules){.leak_mb_per_h = 200}));
}

Test(ctl_planned, only_while_it_is_idle_where_that_is_asked_for)
{
    struct ctl_planned_rules rules = {.after_h = 1, .idle_cpu_percent = 20};
    cr_assert_not(is_due(rules), "it is not known yet");
    pass(20, 0, 50);
    cr_assert_not(is_due(rules));
    rules.idle_cpu_percent = 0;
    cr_assert(is_due(rules));
    rules.idle_cpu_percent = 20;
    pass(20, 0, 10);
    cr_assert(is_due(rules));
}
