/* SPDX-License-Identifier: MIT */
#include "base/text/str.h"
#include "tests/unit/control/world.h"

static struct world w;

static void set_up(void)
{
    world_init(&w);
    fake_farm_put(w.farm, 0, "zero");
    fake_farm_set(w.farm, 0, 1, 100, 101);
    fake_farm_show_processes(w.farm, true);
    world_open(&w);
    world_look(&w);
}

static void tear_down(void)
{
    world_end(&w);
}

TestSuite(ctl_stop, .init = set_up, .fini = tear_down, .timeout = 60);

static unsigned n_quits(void)
{
    return fake_farm_count(w.farm, "quit");
}

static struct world_answer stop(bool force)
{
    struct ctl_request r = world_request(&w, CACHE_OP_STOP, 0);
    r.force = force;
    return world_submit(&w, &r);
}

/* Lets both quits pass their deadlines. */
static void ignore_both(void)
{
    for (unsigned n = 1; n <= 2; n++) {
        world_until(&w, n_quits() == n);
        world_look(&w);
        world_skip(&w, 20000);
        cr_expect_eq(n_quits(), n);
        world_skip(&w, 1500);
    }
}

Test(ctl_stop, succeeds_when_no_process_is_left)
{
    fake_farm_answer(w.farm, "quit", FARM_IGNORE);
    struct world_answer a = stop(false);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_STOPPING);
    fake_farm_set(w.farm, 0, 0, -1, -1);
    fake_farm_set_processes(w.farm, 0, 100, 0);
    world_look(&w);
    world_look(&w);
    cr_expect_eq(ctl_engine_find(w.engine, a.id)->status, CACHE_OP_RUNNING);
    fake_farm_set_processes(w.farm, 0, 0, 0);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "quit 0");
}

Test(ctl_stop, of_what_is_stopped_is_success_with_a_note)
{
    fake_farm_set(w.farm, 0, 0, -1, -1);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_STOPPED);
    struct world_answer a = stop(false);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->result, "it was already so"), "%s", op->result);
    cache_operation_free(op);
    cr_expect_eq(n_quits(), 0);
}

Test(ctl_stop, ignored_quit_is_sent_twice_and_then_fails)
{
    fake_farm_answer(w.farm, "quit", FARM_IGNORE);
    struct world_answer a = stop(false);
    ignore_both();
    world_expect(&w, a.id, CACHE_OP_FAILED, "QUIT_IGNORED");
    cr_expect_eq(n_quits(), 2);
    cr_expect_eq(fake_farm_count(w.farm, "kill"), 0);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_RUNNING, "nothing is expected any more");
}

Test(ctl_stop, a_second_quit_may_help)
{
    fake_farm_answer(w.farm, "quit", FARM_IGNORE);
    struct world_answer a = stop(false);
    world_until(&w, n_quits() == 1);
    world_look(&w);
    fake_farm_answer(w.farm, "quit", FARM_OBEY);
    world_skip(&w, 21500);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_quits(), 2);
}

Test(ctl_stop, force_ends_the_processes)
{
    fake_farm_answer(w.farm, "quit", FARM_IGNORE);
    struct world_answer a = stop(true);
    ignore_both();
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->evidence, "by force: ended player 100; ended VM 101"), "%s", op->evidence);
    cache_operation_free(op);
    cr_expect_eq(n_quits(), 2);
    cr_expect_eq(fake_farm_count(w.farm, "kill"), 2);
}

Test(ctl_stop, force_that_reaches_nothing_times_out)
{
    fake_farm_answer(w.farm, "quit", FARM_IGNORE);
    struct world_answer a = stop(true);
    world_until(&w, n_quits() == 1);
    fake_farm_show_processes(w.farm, false);
    ignore_both();
    world_until(&w,
                str_is_equal(ctl_engine_find(w.engine, a.id)->step, "ending processes by force"));
    world_look(&w);
    world_skip(&w, 19000);
    world_expect(&w, a.id, CACHE_OP_TIMED_OUT, "OPERATION_TIMED_OUT");
}

Test(ctl_stop, force_that_finds_no_process_says_so_and_which_list2_names)
{
    fake_farm_answer(w.farm, "quit", FARM_NO_PLAYER);
    fake_farm_show_processes(w.farm, false);
    world_look(&w);
    struct world_answer a = stop(true);
    world_until(&w,
                str_is_equal(ctl_engine_find(w.engine, a.id)->step, "ending processes by force"));
    world_look(&w);
    world_skip(&w, 21000);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_TIMED_OUT, "OPERATION_TIMED_OUT");
    cr_expect(strstr(op->error, "no process was found that is this instance's"), "%s", op->error);
    cr_expect(strstr(op->error, "list2 names process 100 and VM 101"), "%s", op->error);
    cr_expect(strstr(op->error, "instance 0 'zero'"), "%s", op->error);
    cache_operation_free(op);
}

Test(ctl_stop, quits_that_hang_are_ended_within_the_time_given_and_not_called_ignored)
{
    fake_farm_answer(w.farm, "quit", FARM_HANG);
    struct ctl_request r = world_request(&w, CACHE_OP_STOP, 0);
    r.timeout_ms = 10000;
    struct world_answer a = world_submit(&w, &r);
    for (unsigned n = 1; n <= 2; n++) {
        world_until(&w, n_quits() == n && fake_farm_n_hung(w.farm) == 1);
        cr_expect_leq(fake_farm_deadline_ms(w.farm, "quit"), 3500);
        fake_clock_skip(3500);
        fake_farm_end_hung(w.farm, RUN_TIMED_OUT);
    }
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "LDCONSOLE_TIMED_OUT");
    cr_expect(strstr(op->error, "ldconsole hung when it was asked to quit"), "%s", op->error);
    cr_expect(strstr(op->error, "ran: "), "%s", op->error);
    cr_expect(strstr(op->error, "quit --index 0: ldconsole hung and was ended by us"), "%s",
              op->error);
    cache_operation_free(op);
}

Test(ctl_stop, a_cancelled_quit_is_expected_no_longer_than_list2_is_late)
{
    fake_farm_answer(w.farm, "quit", FARM_IGNORE);
    struct world_answer a = stop(false);
    world_until(&w, n_quits() == 1);
    world_look(&w);
    cr_expect_eq(ctl_engine_cancel(w.engine, a.id, "tester"), 0);
    world_expect(&w, a.id, CACHE_OP_CANCELLED, "CANCELLED");
    world_look(&w);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_STOPPING);
    world_skip(&w, 5000);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_RUNNING);
}

Test(ctl_stop, refused_quit_fails_at_once_with_the_words_of_ldconsole)
{
    fake_farm_answer(w.farm, "quit", FARM_NO_PLAYER);
    struct world_answer a = stop(false);
    world_expect(&w, a.id, CACHE_OP_FAILED, "LDCONSOLE_NO_SUCH_PLAYER");
    cr_expect_eq(n_quits(), 2);
    world_look(&w);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_RUNNING);
}

Test(ctl_stop, force_helps_where_ldconsole_refuses)
{
    fake_farm_answer(w.farm, "quit", FARM_NO_PLAYER);
    struct world_answer a = stop(true);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(fake_farm_count(w.farm, "kill"), 2);
}

Test(ctl_stop, quit_that_says_no_and_works_is_success)
{
    fake_farm_answer(w.farm, "quit", FARM_LIE);
    struct world_answer a = stop(false);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_quits(), 1);
}

Test(ctl_stop, unreachable_instance_is_stopped_by_force)
{
    fake_farm_set(w.farm, 0, 0, -1, -1);
    fake_farm_set_processes(w.farm, 0, 100, 101);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_STOPPING);
    world_skip(&w, 30000);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_UNREACHABLE);
    fake_farm_answer(w.farm, "quit", FARM_IGNORE);
    struct world_answer a = stop(true);
    ignore_both();
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(fake_farm_count(w.farm, "kill"), 2);
}

Test(ctl_stop, of_what_vanishes_is_success)
{
    fake_farm_answer(w.farm, "quit", FARM_IGNORE);
    struct world_answer a = stop(false);
    world_until(&w, n_quits() == 1);
    fake_farm_drop(w.farm, 0);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
}

/* Long enough for list2's silence to be seen. */
static void hide_zero(void)
{
    fake_farm_put(w.farm, 1, "one"); /* an empty list is not believed */
    fake_farm_hide_row(w.farm, 0, 1000000);
    for (int i = 0; i < 4; i++)
        world_look(&w);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_UNREACHABLE, "%s", world_at(&w, 0)->reason);
}

Test(ctl_stop, what_list2_does_not_show_is_quit_all_the_same)
{
    hide_zero();
    struct world_answer a = stop(false);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "quit 0");
    cr_expect_not(fake_farm_is_on(w.farm, 0));
}

Test(ctl_stop, what_list2_does_not_show_is_ended_by_force)
{
    hide_zero();
    fake_farm_answer(w.farm, "quit", FARM_NO_PLAYER);
    struct world_answer a = stop(true);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(fake_farm_count(w.farm, "kill"), 2);
}

Test(ctl_stop, what_list2_does_not_show_and_nobody_can_see_is_no_success)
{
    fake_farm_put(w.farm, 1, "one");
    fake_farm_show_processes(w.farm, false);
    world_crash(&w);
    fake_farm_hide_row(w.farm, 0, 1000000);
    for (int i = 0; i < 4; i++)
        world_look(&w);
    struct world_answer a = stop(true);
    for (int i = 0; i < 4; i++)
        world_look(&w);
    world_skip(&w, 61000);
    world_expect(&w, a.id, CACHE_OP_FAILED, "INSTANCE_NOT_LISTED");
    cr_expect(fake_farm_is_on(w.farm, 0));
}
