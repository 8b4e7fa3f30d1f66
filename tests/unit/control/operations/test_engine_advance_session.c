/* SPDX-License-Identifier: MIT */
#include "control/operations/engine_private.h"
#include "tests/unit/control/world.h"

/* What operations and looks do while there is no session that ldconsole could run in. */

static struct world w;

static void set_up(void)
{
    world_init(&w);
    fake_farm_put(w.farm, 0, "zero");
    fake_farm_put(w.farm, 1, "one");
    world_open(&w);
    world_look(&w);
}

static void tear_down(void)
{
    world_end(&w);
}

TestSuite(ctl_engine_advance_session, .init = set_up, .fini = tear_down, .timeout = 60);

static const char nobody[] = "Nobody is logged on.";

static unsigned n_launches(void)
{
    return fake_farm_count(w.farm, "launch");
}

static void leave_session(void)
{
    fake_farm_set_absence(w.farm, nobody);
    world_look(&w);
}

static void enter_session(void)
{
    fake_farm_set_absence(w.farm, NULL);
    ctl_observer_look(w.observer);
}

static bool is_waiting(const struct world_answer *a)
{
    const struct cache_operation *op = ctl_engine_find(w.engine, a->id);
    return op && op->status == CACHE_OP_WAITING_FOR_SESSION;
}

Test(ctl_engine_advance_session, a_look_without_a_session_leaves_what_is_known_as_stale)
{
    leave_session();
    cr_expect_str_eq(ctl_observer_verdict(w.observer)->code, "NO_SESSION");
    cr_expect_str_eq(ctl_observer_verdict(w.observer)->detail, nobody);
    cr_expect_eq(cache_snapshot_count(ctl_observer_snapshot(w.observer)), 2);
    cr_expect_str_eq(cache_snapshot_stale_reason(ctl_observer_snapshot(w.observer)), nobody);
    enter_session();
    world_until(&w, ctl_observer_verdict(w.observer)->status == 0);
    cr_expect_null(cache_snapshot_stale_reason(ctl_observer_snapshot(w.observer)));
}

Test(ctl_engine_advance_session, a_missing_session_opens_no_breaker)
{
    fake_farm_set_absence(w.farm, nobody);
    for (int i = 0; i < 20; i++)
        world_look(&w);
    cr_expect_eq(ldc_client_breaker(w.client, LDC_PURPOSE_LIST)->state, LDC_BREAKER_CLOSED);
}

Test(ctl_engine_advance_session, an_operation_waits_for_the_session_and_then_runs)
{
    leave_session();
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, is_waiting(&a));
    world_skip(&w, 3600000);
    cr_expect(is_waiting(&a), "however long it takes");
    cr_expect_eq(n_launches(), 0);
    enter_session();
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 1);
    world_flush(&w);
    cr_expect_str_eq(w.told, "queued waiting_for_session queued running succeeded");
}

Test(ctl_engine_advance_session, what_waits_is_planned_on_what_is_seen_afterwards)
{
    leave_session();
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, is_waiting(&a));
    fake_farm_set(w.farm, 0, 1, 100, 101);
    enter_session();
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 0, "it was up already");
}

Test(ctl_engine_advance_session, what_waits_can_be_cancelled)
{
    leave_session();
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, is_waiting(&a));
    cr_expect_eq(ctl_engine_cancel(w.engine, a.id, "me"), 0);
    world_expect(&w, a.id, CACHE_OP_CANCELLED, "CANCELLED");
    enter_session();
    world_look(&w);
    cr_expect_eq(n_launches(), 0);
}

Test(ctl_engine_advance_session, only_the_first_in_line_waits_for_it)
{
    leave_session();
    struct world_answer first = world_do(&w, CACHE_OP_START, 0);
    struct world_answer second = world_do(&w, CACHE_OP_STOP, 0);
    world_until(&w, is_waiting(&first));
    cr_expect_eq(ctl_engine_find(w.engine, second.id)->status, CACHE_OP_QUEUED);
    enter_session();
    world_expect(&w, second.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 0; quit 0");
}

Test(ctl_engine_advance_session, what_waits_keeps_no_gate)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct world_answer first = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, n_launches() == 1);
    struct world_answer second = world_do(&w, CACHE_OP_START, 1);
    world_until(&w, ctl_jobs_find(&w.engine->jobs, second.id)->phase == CTL_PHASE_GATED);
    leave_session();
    world_until(&w, is_waiting(&second));
    cr_expect_eq(w.engine->jobs.gate_holder[CTL_GATE_LAUNCH],
                 ctl_jobs_find(&w.engine->jobs, first.id));
    fake_farm_set(w.farm, 0, 1, 100, 101);
    fake_farm_launch_to(w.farm, 1, true);
    enter_session();
    world_expect(&w, first.id, CACHE_OP_SUCCEEDED, NULL);
    world_expect(&w, second.id, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_engine_advance_session, an_operation_that_has_begun_goes_on_where_it_was)
{
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_look(&w);
    fake_farm_answer(w.farm, "launch", FARM_NO_SESSION);
    struct world_answer a = world_do(&w, CACHE_OP_RESTART, 0);
    world_until(&w, n_launches() > 0);
    leave_session();
    world_until(&w, is_waiting(&a));
    cr_expect_not(ctl_engine_find(w.engine, a.id)->step_issued, "nothing ran");
    fake_farm_answer(w.farm, "launch", FARM_OBEY);
    enter_session();
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(fake_farm_count(w.farm, "quit"), 1);
}

Test(ctl_engine_advance_session, what_waited_in_a_former_process_waits_on)
{
    leave_session();
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, is_waiting(&a));
    world_crash(&w);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_engine_advance_session, an_agent_lost_in_a_command_leaves_the_truth_to_the_next_look)
{
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    struct world_answer done = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    fake_farm_end_hung(w.farm, RUN_LOST);
    world_expect(&w, done.id, CACHE_OP_SUCCEEDED, NULL);

    struct world_answer not_done = world_do(&w, CACHE_OP_START, 1);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    fake_farm_end_hung(w.farm, RUN_LOST);
    world_look(&w);
    world_skip(&w, 31000);
    struct cache_operation *op = world_ends(&w, not_done.id, CACHE_OP_FAILED, "LDCONSOLE_LOST");
    cr_expect(strstr(op->error, "\"retryable\":true"), "%s", op->error);
    cache_operation_free(op);
    cr_expect_eq(n_launches(), 2, "never again by itself");
}
