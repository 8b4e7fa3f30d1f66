/* SPDX-License-Identifier: MIT */
#include "tests/unit/control/world.h"

static struct world w;

enum { N = 3, HOUR_MS = 3600000 };

/* Three that run, with processes that can be seen. */
static void open_with(struct ctl_planned_rules rules)
{
    world_init(&w);
    for (int i = 0; i < N; i++) {
        char title[16];
        snprintf(title, sizeof(title), "n%d", i);
        fake_farm_put(w.farm, i, title);
        fake_farm_set(w.farm, i, 1, 100 + 10 * i, 101 + 10 * i);
    }
    fake_farm_show_processes(w.farm, true);
    fake_farm_set_age(w.farm, HOUR_MS);
    w.has_reconciler = true;
    w.keeping.planned = rules;
    world_open(&w);
    world_look(&w);
}

static void set_up(void)
{
    open_with((struct ctl_planned_rules){.after_h = 24});
}

static void tear_down(void)
{
    world_end(&w);
}

TestSuite(ctl_plan, .init = set_up, .fini = tear_down, .timeout = 60);

static void allow(int index, enum cache_repair_mode repair)
{
    struct ctl_local local = {.desired = CACHE_DESIRED_RUNNING, .repair = &repair};
    ctl_observer_set_local(w.observer, world_at(&w, index)->id, &local);
}

static bool is_busy(int index)
{
    return ctl_engine_is_busy(w.engine, world_at(&w, index)->id);
}

static unsigned n_quits(void)
{
    return fake_farm_count(w.farm, "quit");
}

/* What is launched from now on is new. */
static void make_young(void *arg, const char *verb)
{
    (void)arg;
    if (strcmp(verb, "launch") == 0)
        fake_farm_set_age(w.farm, 60000);
}

Test(ctl_plan, what_has_run_for_long_is_restarted_one_at_a_time)
{
    fake_farm_on_verb(w.farm, make_young, NULL);
    allow(1, CACHE_REPAIR_RESTART);
    allow(2, CACHE_REPAIR_FULL);
    world_settle(&w);
    cr_expect_eq(n_quits(), 0, "it is not time");
    fake_farm_answer(w.farm, "quit", FARM_HANG);
    fake_farm_set_age(w.farm, 25ull * HOUR_MS);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    world_settle(&w);
    cr_expect(is_busy(1) && !is_busy(2) && !is_busy(0));
    fake_farm_answer(w.farm, "quit", FARM_OBEY);
    fake_farm_set(w.farm, 1, 0, -1, -1);
    fake_farm_end_hung(w.farm, RUN_EXITED);
    world_until(&w, fake_farm_count(w.farm, "launch") == 1);
    world_until(&w, world_state(&w, 1) == CACHE_STATE_RUNNING && !is_busy(1));
    cr_expect_eq(n_quits(), 1, "those of the others are young, too");
    cr_expect_eq(world_at(&w, 1)->desired, CACHE_DESIRED_RUNNING);
}

Test(ctl_plan, only_what_should_run_and_may_be_restarted)
{
    struct ctl_local local = {.desired = CACHE_DESIRED_NONE,
                              .repair = &(enum cache_repair_mode){CACHE_REPAIR_FULL}};
    allow(0, CACHE_REPAIR_REPORT);
    ctl_observer_set_local(w.observer, world_at(&w, 1)->id, &local);
    fake_farm_set_age(w.farm, 25ull * HOUR_MS);
    world_settle(&w);
    cr_expect_eq(n_quits(), 0);
}

Test(ctl_plan, not_in_maintenance_mode)
{
    ctl_reconciler_set_maintenance(w.reconciler, true);
    allow(0, CACHE_REPAIR_RESTART);
    fake_farm_set_age(w.farm, 25ull * HOUR_MS);
    world_settle(&w);
    cr_expect_eq(n_quits(), 0);
    ctl_reconciler_set_maintenance(w.reconciler, false);
    world_until(&w, n_quits() == 1);
}

Test(ctl_plan, it_gives_way_to_a_stop)
{
    allow(0, CACHE_REPAIR_RESTART);
    fake_farm_answer(w.farm, "quit", FARM_IGNORE);
    fake_farm_set_age(w.farm, 25ull * HOUR_MS);
    world_until(&w, n_quits() == 1);
    fake_farm_answer(w.farm, "quit", FARM_OBEY);
    struct world_answer a = world_do(&w, CACHE_OP_STOP, 0);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    world_settle(&w);
    cr_expect_eq(fake_farm_count(w.farm, "launch"), 0);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_STOPPED);
}

static void set_up_leak(void)
{
    open_with((struct ctl_planned_rules){.leak_mb_per_h = 100, .idle_cpu_percent = 50});
}

TestSuite(ctl_plan_leak, .init = set_up_leak, .fini = tear_down, .timeout = 60);

Test(ctl_plan_leak, what_leaks_is_restarted_while_it_is_idle)
{
    enum { TEN_MINUTES_MS = 600000, STEP_MB = 30 };
    uint64_t cpu_ms = 0, bytes = 1 << 30;
    allow(0, CACHE_REPAIR_RESTART);
    for (int i = 0; i < 9; i++) {
        fake_farm_set_used(w.farm, cpu_ms += TEN_MINUTES_MS, bytes += STEP_MB << 20);
        world_skip(&w, TEN_MINUTES_MS);
    }
    world_settle(&w);
    cr_expect_eq(n_quits(), 0, "it is at work");
    world_skip(&w, TEN_MINUTES_MS);
    world_until(&w, n_quits() == 1);
}
