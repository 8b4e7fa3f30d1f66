/* SPDX-License-Identifier: MIT */
#include "tests/unit/control/world.h"

static struct world w;

static void set_up(void)
{
    world_init(&w);
    fake_farm_put(w.farm, 0, "zero");
    fake_farm_put(w.farm, 1, "one");
    w.has_reconciler = true;
    world_open(&w);
}

static void tear_down(void)
{
    world_end(&w);
}

TestSuite(ctl_reconciler, .init = set_up, .fini = tear_down, .timeout = 60);

static unsigned n_launches(void)
{
    return fake_farm_count(w.farm, "launch");
}

static unsigned n_quits(void)
{
    return fake_farm_count(w.farm, "quit");
}

static void desire(int index, enum cache_desired desired)
{
    struct ctl_local local = {.desired = (int)desired};
    ctl_observer_set_local(w.observer, world_at(&w, index)->id, &local);
}

static bool is_idle(void)
{
    unsigned counts[CACHE_OP_STATUS_COUNT];
    ctl_engine_counts(w.engine, counts);
    for (int i = 0; i < CACHE_OP_STATUS_COUNT; i++) {
        if (counts[i] > 0)
            return false;
    }
    return true;
}

/* Gives it every chance to do something. */
static void let_it_look(void)
{
    world_settle(&w);
    world_until(&w, is_idle());
}

struct found {
    bool is_there;
    struct cache_operation *op;
};

static void keep_newest(void *arg, int status, struct cache_operations_page *page)
{
    struct found *f = arg;
    cr_assert_eq(status, 0);
    f->is_there = true;
    f->op = page->n_items > 0 ? take_ptr(page->items[0]) : NULL;
}

static struct cache_operation *newest_operation(void)
{
    struct found f = {0};
    struct cache_operations_filter filter = {.status = -1, .kind = -1, .limit = 1};
    cache_operations_find(w.store, &filter, keep_newest, &f);
    world_until(&w, f.is_there);
    cr_assert_not_null(f.op);
    return f.op;
}

Test(ctl_reconciler, starts_what_should_run)
{
    desire(0, CACHE_DESIRED_RUNNING);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_RUNNING);
    let_it_look();
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 0");
    struct cache_operation *op = newest_operation();
    cr_expect_eq(op->kind, CACHE_OP_START);
    cr_expect_eq(op->status, CACHE_OP_SUCCEEDED);
    cr_expect_str_eq(op->requested_by, "desired-state");
    cr_expect(strstr(op->params, "\"priority\":1"), "%s", op->params);
    cache_operation_free(op);
}

Test(ctl_reconciler, stops_what_should_not_run)
{
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_RUNNING);
    desire(0, CACHE_DESIRED_STOPPED);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_STOPPED);
    let_it_look();
    cr_expect_str_eq(fake_farm_log(w.farm), "quit 0");
}

Test(ctl_reconciler, leaves_alone_what_is_as_it_should_be)
{
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_look(&w);
    desire(0, CACHE_DESIRED_RUNNING);
    desire(1, CACHE_DESIRED_STOPPED);
    let_it_look();
    cr_expect_str_eq(fake_farm_log(w.farm), "");
}

Test(ctl_reconciler, goes_on_after_a_restart_of_the_service)
{
    desire(0, CACHE_DESIRED_RUNNING);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_RUNNING);
    world_until(&w, is_idle());
    fake_farm_set(w.farm, 0, 0, -1, -1);
    world_crash(&w);
    world_until(&w, n_launches() == 2);
}

Test(ctl_reconciler, backs_off_after_failures)
{
    static const unsigned delays_ms[] = {10000,  20000,  40000,  80000, 160000,
                                         320000, 600000, 600000, 600000};
    fake_farm_answer(w.farm, "launch", FARM_NO_PLAYER);
    desire(0, CACHE_DESIRED_RUNNING);
    for (unsigned n = 0; n < countof(delays_ms); n++) {
        world_until(&w, n_launches() == n + 1);
        world_until(&w, is_idle());
        world_skip(&w, delays_ms[n] - 2000);
        let_it_look();
        cr_expect_eq(n_launches(), n + 1, "before %u ms", delays_ms[n]);
        world_skip(&w, 2001);
    }
    world_until(&w, n_launches() == countof(delays_ms) + 1);
}

Test(ctl_reconciler, each_instance_has_its_own_patience)
{
    fake_farm_answer(w.farm, "launch", FARM_NO_PLAYER);
    desire(0, CACHE_DESIRED_RUNNING);
    world_until(&w, n_launches() == 1);
    world_until(&w, is_idle());
    desire(1, CACHE_DESIRED_RUNNING);
    world_until(&w, n_launches() == 2);
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 0; launch 1");
}

Test(ctl_reconciler, is_patient_with_what_does_not_stay_up)
{
    desire(0, CACHE_DESIRED_RUNNING);
    world_until(&w, n_launches() == 1 && world_state(&w, 0) == CACHE_STATE_RUNNING);
    let_it_look();
    fake_farm_set(w.farm, 0, 0, -1, -1);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_STOPPED);
    let_it_look();
    cr_expect_eq(n_launches(), 1);
    world_skip(&w, 10000);
    world_until(&w, n_launches() == 2);
}

Test(ctl_reconciler, patience_is_new_when_the_state_has_held)
{
    fake_farm_answer(w.farm, "launch", FARM_NO_PLAYER);
    desire(0, CACHE_DESIRED_RUNNING);
    for (unsigned n = 1; n <= 4; n++) {
        world_until(&w, n_launches() == n);
        world_until(&w, is_idle());
        if (n == 4)
            fake_farm_answer(w.farm, "launch", FARM_OBEY);
        world_skip(&w, 80000);
    }
    world_until(&w, world_state(&w, 0) == CACHE_STATE_RUNNING);
    let_it_look();
    cr_expect_eq(n_launches(), 5);
    world_skip(&w, 160000);
    fake_farm_set(w.farm, 0, 0, -1, -1);
    world_until(&w, n_launches() == 6 && world_state(&w, 0) == CACHE_STATE_RUNNING);
    let_it_look();
    fake_farm_set(w.farm, 0, 0, -1, -1);
    world_look(&w);
    world_skip(&w, 10000);
    world_until(&w, n_launches() == 7);
}

Test(ctl_reconciler, never_acts_while_another_operation_is_open)
{
    fake_farm_answer(w.farm, "rename", FARM_HANG);
    struct ctl_request r = world_request(&w, CACHE_OP_RENAME, 0);
    r.name = "other";
    struct world_answer a = world_submit(&w, &r);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    desire(0, CACHE_DESIRED_RUNNING);
    world_settle(&w);
    unsigned counts[CACHE_OP_STATUS_COUNT];
    ctl_engine_counts(w.engine, counts);
    cr_expect_eq(counts[CACHE_OP_QUEUED], 0);
    cr_expect_eq(ctl_engine_cancel(w.engine, a.id, "tester"), 0);
    world_until(&w, n_launches() == 1);
}

Test(ctl_reconciler, never_repairs)
{
    fake_farm_set(w.farm, 0, 1, 100, -1);
    fake_farm_set(w.farm, 1, 2, 200, 201);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_ZOMBIE);
    world_look(&w);
    world_skip(&w, 120000);
    cr_assert_eq(world_state(&w, 1), CACHE_STATE_STUCK);
    for (int desired = CACHE_DESIRED_RUNNING; desired <= CACHE_DESIRED_STOPPED; desired++) {
        desire(0, (enum cache_desired)desired);
        desire(1, (enum cache_desired)desired);
        let_it_look();
    }
    cr_expect_str_eq(fake_farm_log(w.farm), "");
}

Test(ctl_reconciler, never_acts_on_what_is_stale)
{
    fake_farm_answer(w.farm, "list2", FARM_GARBAGE);
    world_until(&w, ctl_observer_verdict(w.observer)->status != 0);
    desire(0, CACHE_DESIRED_RUNNING);
    for (int i = 0; i < 100; i++)
        world_turn(&w);
    cr_expect(is_idle());
    fake_farm_answer(w.farm, "list2", FARM_OBEY);
    world_until(&w, n_launches() == 1);
}

Test(ctl_reconciler, never_acts_before_the_first_look)
{
    desire(0, CACHE_DESIRED_RUNNING);
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    fake_farm_answer(w.farm, "list2", FARM_NOT_STARTED);
    world_crash(&w);
    for (int i = 0; i < 100; i++)
        world_turn(&w);
    cr_expect_eq(world_at(&w, 0)->desired, CACHE_DESIRED_RUNNING, "remembered as stopped");
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_STOPPED);
    cr_expect(is_idle());
}

Test(ctl_reconciler, waits_when_it_is_refused)
{
    world_order(&w, "queued-start", LDC_BREAKER_FORCED_OPEN);
    desire(0, CACHE_DESIRED_RUNNING);
    let_it_look();
    world_order(&w, "queued-start", LDC_BREAKER_CLOSED);
    world_skip(&w, 58000);
    let_it_look();
    cr_expect_eq(n_launches(), 0, "the breaker said a minute");
    world_skip(&w, 2001);
    world_until(&w, n_launches() == 1);
}

Test(ctl_reconciler, does_not_undo_an_explicit_stop)
{
    desire(0, CACHE_DESIRED_RUNNING);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_RUNNING);
    world_until(&w, is_idle());
    world_skip(&w, 20000);
    world_try(&w, CACHE_OP_STOP, 0, CACHE_OP_SUCCEEDED, NULL);
    world_skip(&w, 700000);
    let_it_look();
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_STOPPED);
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 0; quit 0");
}

Test(ctl_reconciler, does_not_undo_an_explicit_start)
{
    desire(0, CACHE_DESIRED_STOPPED);
    let_it_look();
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_SUCCEEDED, NULL);
    world_skip(&w, 700000);
    let_it_look();
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_RUNNING);
    cr_expect_eq(n_quits(), 0);
}

Test(ctl_reconciler, forgets_what_is_no_longer_desired_or_there)
{
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    desire(0, CACHE_DESIRED_RUNNING);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    desire(0, CACHE_DESIRED_NONE);
    fake_farm_drop(w.farm, 1);
    fake_farm_end_hung(w.farm, RUN_LOST);
    world_look(&w);
    world_skip(&w, 40000);
    world_until(&w, is_idle());
    world_skip(&w, 700000);
    let_it_look();
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_reconciler, closes_while_it_is_at_work)
{
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    desire(0, CACHE_DESIRED_RUNNING);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    w.limits.close_grace_ms = 1;
    fake_farm_end_hung(w.farm, RUN_LOST);
    world_close(&w);
}

Test(ctl_reconciler, closes_while_it_submits)
{
    desire(0, CACHE_DESIRED_RUNNING);
    world_until(&w, ctl_engine_is_busy(w.engine, world_at(&w, 0)->id));
    world_close(&w);
}
