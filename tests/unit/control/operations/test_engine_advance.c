/* SPDX-License-Identifier: MIT */
#include "control/operations/engine_private.h"
#include "tests/unit/control/world.h"

static struct world w;

static void put_four(void)
{
    world_init(&w);
    fake_farm_put(w.farm, 0, "zero");
    fake_farm_put(w.farm, 1, "one");
    fake_farm_put(w.farm, 2, "two");
    fake_farm_put(w.farm, 3, "three");
}

static void set_up(void)
{
    put_four();
    world_open(&w);
}

/* Surveys only when somebody asks. */
static void set_up_quiet(void)
{
    put_four();
    w.observing.active_ms = w.observing.idle_ms = 1000000;
    world_open(&w);
    world_look(&w);
}

static void tear_down(void)
{
    world_end(&w);
}

TestSuite(ctl_advance, .init = set_up, .fini = tear_down, .timeout = 60);
TestSuite(ctl_advance_quiet, .init = set_up_quiet, .fini = tear_down, .timeout = 60);

static unsigned n_launches(void)
{
    return fake_farm_count(w.farm, "launch");
}

static enum ctl_phase phase_of(const struct world_answer *a)
{
    struct ctl_job *job = ctl_jobs_find(&w.engine->jobs, a->id);
    cr_assert_not_null(job);
    return job->phase;
}

static void bring_up(int index)
{
    fake_farm_set(w.farm, index, 1, 500 + index, 600 + index);
}

/* A start of 0 that has been launched, is not up, and so holds the gate. */
static struct world_answer hold_launch_gate(void)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, n_launches() == 1);
    world_look(&w);
    cr_assert_eq(phase_of(&a), CTL_PHASE_AWAITING);
    return a;
}

/* --- order --- */

Test(ctl_advance, operations_of_one_instance_go_one_after_another)
{
    struct world_answer a[4];
    a[0] = world_do(&w, CACHE_OP_START, 0);
    a[1] = world_do(&w, CACHE_OP_STOP, 0);
    a[2] = world_do(&w, CACHE_OP_START, 0);
    struct ctl_request r = world_request(&w, CACHE_OP_RENAME, 0);
    r.name = "other";
    a[3] = world_submit(&w, &r);
    for (int i = 0; i < 4; i++)
        world_expect(&w, a[i].id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 0; quit 0; launch 0; rename 0");
}

Test(ctl_advance, a_later_operation_waits_while_an_earlier_one_hangs)
{
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    struct world_answer b = world_do(&w, CACHE_OP_STOP, 0);
    world_look(&w);
    cr_expect_eq(phase_of(&b), CTL_PHASE_QUEUED);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    fake_farm_end_hung(w.farm, RUN_TIMED_OUT);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    world_expect(&w, b.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 0; quit 0");
}

Test(ctl_advance, a_later_operation_runs_when_an_earlier_one_failed)
{
    fake_farm_answer(w.farm, "launch", FARM_NO_PLAYER);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    struct ctl_request r = world_request(&w, CACHE_OP_RENAME, 0);
    r.name = "other";
    struct world_answer b = world_submit(&w, &r);
    world_expect(&w, a.id, CACHE_OP_FAILED, "LDCONSOLE_NO_SUCH_PLAYER");
    world_expect(&w, b.id, CACHE_OP_SUCCEEDED, NULL);
}

/* --- gates --- */

Test(ctl_advance, one_launch_at_a_time_until_android_is_up)
{
    struct world_answer a = hold_launch_gate();
    struct world_answer b = world_do(&w, CACHE_OP_START, 1);
    world_settle(&w);
    cr_expect_eq(n_launches(), 1);
    cr_expect_eq(phase_of(&b), CTL_PHASE_GATED);
    cr_expect_eq(ctl_engine_find(w.engine, b.id)->status, CACHE_OP_QUEUED);
    bring_up(0);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    world_until(&w, n_launches() == 2);
    bring_up(1);
    world_expect(&w, b.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 0; launch 1");
}

Test(ctl_advance, the_gate_opens_when_its_holder_fails)
{
    struct world_answer a = hold_launch_gate();
    struct world_answer b = world_do(&w, CACHE_OP_START, 1);
    fake_farm_launch_to(w.farm, 1, true);
    fake_farm_drop(w.farm, 0);
    world_expect(&w, a.id, CACHE_OP_FAILED, "INSTANCE_GONE");
    world_expect(&w, b.id, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_advance, the_gate_stays_closed_for_what_a_cancelled_holder_has_begun)
{
    struct world_answer a = hold_launch_gate();
    struct world_answer b = world_do(&w, CACHE_OP_START, 1);
    fake_farm_launch_to(w.farm, 1, true);
    cr_expect_eq(ctl_engine_cancel(w.engine, a.id, "tester"), 0);
    world_expect(&w, a.id, CACHE_OP_CANCELLED, "CANCELLED");
    world_settle(&w);
    cr_expect_eq(n_launches(), 1);
    bring_up(0);
    world_expect(&w, b.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 2);
}

Test(ctl_advance, what_is_behind_a_gate_looks_again_when_it_opens)
{
    struct world_answer a = hold_launch_gate();
    struct world_answer b = world_do(&w, CACHE_OP_START, 1);
    bring_up(1);
    bring_up(0);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    world_expect(&w, b.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 0");
}

Test(ctl_advance, what_is_done_by_others_does_not_wait_at_its_gate)
{
    struct world_answer a = hold_launch_gate();
    struct world_answer b = world_do(&w, CACHE_OP_START, 1);
    world_until(&w, phase_of(&b) == CTL_PHASE_GATED);
    bring_up(1);
    struct cache_operation *op = world_ends(&w, b.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->result, "already so"), "%s", op->result);
    cache_operation_free(op);
    cr_expect_not_null(ctl_engine_find(w.engine, a.id), "it holds the gate still");
}

Test(ctl_advance, the_time_that_is_asked_for_counts_the_wait_at_a_gate)
{
    struct world_answer a = hold_launch_gate();
    struct ctl_request r = world_request(&w, CACHE_OP_START, 1);
    r.timeout_ms = 20000;
    struct world_answer b = world_submit(&w, &r);
    world_until(&w, phase_of(&b) == CTL_PHASE_GATED);
    world_skip(&w, 19000);
    cr_expect_not_null(ctl_engine_find(w.engine, b.id));
    world_skip(&w, 1100);
    struct cache_operation *op = world_ends(&w, b.id, CACHE_OP_TIMED_OUT, "OPERATION_TIMED_OUT");
    cr_expect(strstr(op->error, "instance 1 '"), "%s", op->error);
    cr_expect(
        strstr(op->error, "'launching' was not begun in time (it has 20 s, and was accepted 2"),
        "%s", op->error);
    cr_expect(
        strstr(op->error, "and nothing was run; it waited for this: one instance is launched"),
        "%s", op->error);
    cr_expect_null(strstr(op->error, "ran: "), "%s", op->error);
    cache_operation_free(op);
    cr_expect_eq(n_launches(), 1);
    cr_expect_not_null(ctl_engine_find(w.engine, a.id));
}

Test(ctl_advance, the_time_that_is_asked_for_counts_the_wait_behind_another_operation)
{
    (void)hold_launch_gate();
    struct ctl_request r = world_request(&w, CACHE_OP_STOP, 0);
    r.timeout_ms = 20000;
    struct world_answer b = world_submit(&w, &r);
    world_skip(&w, 20100);
    world_expect(&w, b.id, CACHE_OP_TIMED_OUT, "OPERATION_TIMED_OUT");
    cr_expect_eq(fake_farm_count(w.farm, "quit"), 0);
}

Test(ctl_advance, parts_of_a_batch_do_not_wait_for_each_other_in_their_time)
{
    static const int both[] = {0, 1};
    fake_farm_launch_to(w.farm, 2, true);
    struct ctl_request r = world_request(&w, CACHE_OP_START, -1);
    r.timeout_ms = 20000;
    struct world_answer a = world_submit_batch(&w, &r, both, 2);
    world_until(&w, n_launches() == 1);
    world_look(&w);
    world_skip(&w, 15000);
    bring_up(0);
    world_until(&w, n_launches() == 2);
    world_look(&w);
    world_skip(&w, 15000);
    bring_up(1);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_advance, a_command_has_no_more_time_than_its_operation)
{
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    r.timeout_ms = 3000;
    struct world_answer a = world_submit(&w, &r);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    cr_expect_leq(fake_farm_deadline_ms(w.farm, "launch"), 3000);
    fake_clock_skip(3000);
    fake_farm_end_hung(w.farm, RUN_TIMED_OUT);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_TIMED_OUT, "OPERATION_TIMED_OUT");
    cr_expect(strstr(op->error, "launch --index 0: ldconsole hung and was ended by us"), "%s",
              op->error);
    cache_operation_free(op);
}

Test(ctl_advance, who_can_see_nothing_waits_no_longer_than_his_time_again)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    r.timeout_ms = 5000;
    struct world_answer a = world_submit(&w, &r);
    world_until(&w, n_launches() == 1);
    world_look(&w);
    fake_farm_answer(w.farm, "list2", FARM_HANG);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    fake_clock_skip(6000);
    world_expect(&w, a.id, CACHE_OP_TIMED_OUT, "OPERATION_TIMED_OUT");
    fake_farm_answer(w.farm, "list2", FARM_OBEY);
    fake_farm_end_hung(w.farm, RUN_TIMED_OUT);
}

static struct world_answer gate_holder;

/* 1 comes up after the gate has opened and before the next look. */
static void start_one_by_hand(void *arg, const char *verb)
{
    (void)arg;
    struct ctl_job *job = ctl_jobs_find(&w.engine->jobs, gate_holder.id);
    if (strcmp(verb, "list2") == 0 && (!job || job->phase == CTL_PHASE_FINISHING))
        bring_up(1);
}

Test(ctl_advance, an_open_gate_is_passed_on_new_facts_only)
{
    gate_holder = hold_launch_gate();
    struct world_answer b = world_do(&w, CACHE_OP_START, 1);
    world_until(&w, phase_of(&b) == CTL_PHASE_GATED);
    fake_farm_on_verb(w.farm, start_one_by_hand, NULL);
    /* Otherwise all may happen within one millisecond, which counts as one moment. */
    fake_clock_creep(1);
    bring_up(0);
    world_expect(&w, b.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 0");
}

Test(ctl_advance, who_cannot_use_an_open_gate_gives_it_back)
{
    struct world_answer a = hold_launch_gate();
    struct world_answer b = world_do(&w, CACHE_OP_START, 1);
    struct world_answer c = world_do(&w, CACHE_OP_START, 2);
    world_until(&w, phase_of(&b) == CTL_PHASE_GATED && phase_of(&c) == CTL_PHASE_GATED);
    /* It is never seen up, with which its start would be over; nor by a look that began before. */
    bring_up(1);
    world_until(&w, (ctl_observer_expect(w.observer, world_at(&w, 1)->id, CTL_EXPECT_STOP, 20000),
                     world_state(&w, 1) == CACHE_STATE_STOPPING));
    fake_farm_launch_to(w.farm, 1, true);
    bring_up(0);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    world_expect(&w, c.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(phase_of(&b), CTL_PHASE_LOOKING);
    fake_farm_set(w.farm, 1, 0, -1, -1);
    world_expect(&w, b.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 0; launch 2; launch 1");
}

Test(ctl_advance, a_launch_keeps_no_stop_waiting)
{
    bring_up(1);
    bring_up(2);
    world_look(&w);
    struct world_answer a = hold_launch_gate();
    world_try(&w, CACHE_OP_STOP, 1, CACHE_OP_SUCCEEDED, NULL);
    world_try(&w, CACHE_OP_STOP, 2, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(phase_of(&a), CTL_PHASE_AWAITING);
}

Test(ctl_advance, changes_of_the_farm_go_one_at_a_time)
{
    struct ldc_settings settings = {0};
    settings.values[LDC_SETTING_CPU] = (struct ldc_setting_value){.is_set = true, .number = 4};
    fake_farm_answer(w.farm, "modify", FARM_HANG);
    struct ctl_request r = world_request(&w, CACHE_OP_MODIFY, 0);
    r.settings = &settings;
    struct world_answer a[4];
    a[0] = world_submit(&w, &r);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    r = world_request(&w, CACHE_OP_CREATE, -1);
    a[1] = world_submit(&w, &r);
    r = world_request(&w, CACHE_OP_CLONE, 1);
    a[2] = world_submit(&w, &r);
    r = world_request(&w, CACHE_OP_RENAME, 2);
    r.name = "other";
    a[3] = world_submit(&w, &r);
    world_look(&w);
    cr_expect_str_eq(fake_farm_log(w.farm), "modify 0");
    fake_farm_end_hung(w.farm, RUN_LOST);
    fake_farm_write_config(w.farm, 0, "{\"advancedSettings.cpuCount\":4}");
    world_until(&w, fake_farm_count(w.farm, "copy") == 1);
    world_rest_disks(&w);
    for (int i = 0; i < 4; i++)
        world_expect(&w, a[i].id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "modify 0; add; copy 1; rename 2");
}

Test(ctl_advance, interactive_goes_before_watchdog_before_batch)
{
    static const int one[] = {1};
    struct world_answer a = hold_launch_gate();
    struct ctl_request r = world_request(&w, CACHE_OP_START, -1);
    r.priority = CTL_PRIORITY_BATCH;
    struct world_answer batch = world_submit_batch(&w, &r, one, 1);
    r = world_request(&w, CACHE_OP_START, 2);
    r.priority = CTL_PRIORITY_WATCHDOG;
    struct world_answer watchdog = world_submit(&w, &r);
    struct world_answer interactive = world_do(&w, CACHE_OP_START, 3);
    fake_farm_launch_to(w.farm, 1, true);
    bring_up(0);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    world_expect(&w, interactive.id, CACHE_OP_SUCCEEDED, NULL);
    world_expect(&w, watchdog.id, CACHE_OP_SUCCEEDED, NULL);
    world_expect(&w, batch.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 0; launch 3; launch 2; launch 1");
}

/* --- looking --- */

static void be_slow(void *arg, const char *verb)
{
    (void)arg;
    if (strcmp(verb, "list2") == 0)
        fake_clock_skip(2000);
}

Test(ctl_advance, a_slow_list2_keeps_nothing_from_running)
{
    fake_farm_on_verb(w.farm, be_slow, NULL);
    world_look(&w);
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_advance, time_that_passes_between_two_thoughts_does_no_harm)
{
    struct ctl_request r = world_request(&w, CACHE_OP_CREATE, -1);
    fake_clock_creep(2);
    struct world_answer a = world_submit(&w, &r);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_SUCCEEDED, NULL);
    world_try(&w, CACHE_OP_RESTART, 0, CACHE_OP_SUCCEEDED, NULL);
    world_try(&w, CACHE_OP_STOP, 0, CACHE_OP_SUCCEEDED, NULL);
    a = world_do(&w, CACHE_OP_CLONE, 0);
    world_until(&w, fake_farm_count(w.farm, "copy") == 1);
    world_rest_disks(&w);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    world_try(&w, CACHE_OP_REMOVE, 0, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm),
                     "add; launch 0; quit 0; launch 0; quit 0; copy 0; remove 0");
}

static void turn_for(uint64_t ms)
{
    uint64_t began = uv_hrtime();
    while (uv_hrtime() - began < ms * 1000000)
        world_turn(&w);
}

Test(ctl_advance_quiet, an_operation_looks_once_before_and_once_after_its_command)
{
    fake_clock_skip(1000);
    unsigned before = fake_farm_count(w.farm, "list2");
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(fake_farm_count(w.farm, "list2"), before + 2);
}

Test(ctl_advance_quiet, waiting_for_an_old_process_does_not_look_without_pause)
{
    bring_up(1);
    world_look(&w);
    ctl_observer_expect(w.observer, world_at(&w, 1)->id, CTL_EXPECT_STOP, 20000);
    world_look(&w);
    cr_assert_eq(world_state(&w, 1), CACHE_STATE_STOPPING);
    struct world_answer a = world_do(&w, CACHE_OP_START, 1);
    unsigned before = fake_farm_count(w.farm, "list2");
    turn_for(250);
    cr_expect_eq(phase_of(&a), CTL_PHASE_LOOKING);
    cr_expect_leq(fake_farm_count(w.farm, "list2"), before + 1);
}

Test(ctl_advance_quiet, a_look_that_failed_is_not_repeated_without_pause)
{
    fake_farm_answer(w.farm, "list2", FARM_NOT_STARTED);
    fake_clock_skip(1000);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, ctl_observer_verdict(w.observer)->status != 0);
    unsigned before = fake_farm_count(w.farm, "list2");
    turn_for(250);
    cr_expect_eq(phase_of(&a), CTL_PHASE_LOOKING);
    cr_expect_eq(fake_farm_count(w.farm, "list2"), before);
    cr_expect_eq(n_launches(), 0);
}

Test(ctl_advance, what_cannot_be_seen_for_a_minute_is_not_done)
{
    fake_farm_answer(w.farm, "list2", FARM_GARBAGE);
    world_until(&w, ctl_observer_verdict(w.observer)->status != 0);
    fake_clock_skip(1000);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    fake_clock_skip(60001);
    world_expect(&w, a.id, CACHE_OP_FAILED, "LDCONSOLE_GARBAGE");
    cr_expect_eq(n_launches(), 0);
}

/* --- the mark --- */

Test(ctl_advance, a_command_is_marked_on_disk_before_it_is_issued)
{
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, n_launches() == 1);
    struct cache_operation *op = world_load(&w, a.id);
    cr_expect(op->step_issued);
    cr_expect_eq(op->status, CACHE_OP_RUNNING);
    cr_expect_eq(op->step_index, 0);
    cache_operation_free(op);
}

Test(ctl_advance, nothing_is_issued_when_the_mark_is_refused)
{
    struct world_answer a = hold_launch_gate();
    struct world_answer b = world_do(&w, CACHE_OP_START, 1);
    world_break_store(&w, true);
    bring_up(0);
    world_until(&w, phase_of(&b) == CTL_PHASE_FINISHING);
    cr_expect_eq(n_launches(), 1);
    cr_expect_eq(ctl_engine_find(w.engine, b.id)->status, CACHE_OP_FAILED);
    cr_expect_eq(ctl_engine_find(w.engine, a.id)->status, CACHE_OP_SUCCEEDED,
                 "ended, and waits for the database");
    world_break_store(&w, false);
    world_skip(&w, 1000);
    world_expect(&w, b.id, CACHE_OP_FAILED, "STORE_UNAVAILABLE");
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 1);
}

/* The database is busy from the acknowledgement on, so the mark takes its time. */
static uv_sem_t disk;

static int wait_for_disk(sqlite3 *db, void *arg)
{
    (void)db;
    (void)arg;
    uv_sem_wait(&disk);
    return 0;
}

static void accept_and_block(void *arg, const struct cache_operation *op, bool is_repeat,
                             const struct ctl_refusal *refusal)
{
    world_on_accept(arg, op, is_repeat, refusal);
    cache_store_write(w.store, wait_for_disk, NULL, NULL);
}

/* Turns until the operation waits for its mark. */
static struct world_answer submit_and_block(enum cache_op_kind kind, int index)
{
    struct ctl_request r = world_request(&w, kind, index);
    struct world_answer a = {0};
    uv_sem_init(&disk, 0);
    world_look(&w);
    ctl_engine_submit(w.engine, &r, accept_and_block, &a);
    world_until(&w, a.is_there && phase_of(&a) == CTL_PHASE_MARKING);
    return a;
}

Test(ctl_advance, what_came_up_while_the_mark_was_written_is_not_launched)
{
    struct world_answer a = submit_and_block(CACHE_OP_START, 1);
    bring_up(1);
    world_look(&w);
    uv_sem_post(&disk);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 0);
}

Test(ctl_advance, who_got_the_number_while_the_mark_was_written_is_not_removed)
{
    struct world_answer a = submit_and_block(CACHE_OP_REMOVE, 1);
    fake_farm_drop(w.farm, 1);
    world_look(&w);
    fake_farm_put(w.farm, 1, "somebody's");
    world_look(&w);
    uv_sem_post(&disk);
    world_until(&w, phase_of(&a) != CTL_PHASE_MARKING);
    world_settle(&w);
    cr_expect(fake_farm_has(w.farm, 1));
    cr_expect_eq(fake_farm_count(w.farm, "remove"), 0);
}

/* --- breakers on the way --- */

Test(ctl_advance, an_open_breaker_is_waited_for)
{
    struct world_answer a = hold_launch_gate();
    struct world_answer b = world_do(&w, CACHE_OP_START, 1);
    world_order(&w, "start", LDC_BREAKER_FORCED_OPEN);
    fake_farm_launch_to(w.farm, 1, true);
    bring_up(0);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    world_until(&w, strstr(ctl_engine_find(w.engine, b.id)->evidence, "the breaker 'start'"));
    world_flush(&w);
    struct cache_operation *op = world_load(&w, b.id);
    cr_expect_not(op->step_issued, "nothing was asked of it");
    cache_operation_free(op);
    world_until(&w, world_state(&w, 1) == CACHE_STATE_STOPPED);
    world_order(&w, "start", LDC_BREAKER_CLOSED);
    world_skip(&w, 1000);
    world_expect(&w, b.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 0; launch 1");
}

Test(ctl_advance, a_breaker_that_stays_open_fails_the_operation)
{
    struct world_answer a = hold_launch_gate();
    struct world_answer b = world_do(&w, CACHE_OP_START, 1);
    world_order(&w, "start", LDC_BREAKER_FORCED_OPEN);
    bring_up(0);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    world_until(&w, strstr(ctl_engine_find(w.engine, b.id)->evidence, "the breaker 'start'"));
    world_skip(&w, 90000);
    world_skip(&w, 91000);
    world_expect(&w, b.id, CACHE_OP_FAILED, "BREAKER_OPEN");
    cr_expect_eq(n_launches(), 1);
}

/* --- cancelling --- */

static void cancel(const struct world_answer *a)
{
    cr_expect_eq(ctl_engine_cancel(w.engine, a->id, "tester"), 0);
    struct cache_operation *op = world_ends(&w, a->id, CACHE_OP_CANCELLED, "CANCELLED");
    cr_expect(strstr(op->error, "cancelled by tester"), "%s", op->error);
    cr_expect(strstr(op->error, "\"retryable\":false"), "%s", op->error);
    cache_operation_free(op);
    cr_expect_eq(ctl_engine_cancel(w.engine, a->id, "tester"), UV_ENOENT);
}

Test(ctl_advance, what_is_queued_is_cancelled_without_running)
{
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    struct world_answer b = world_do(&w, CACHE_OP_STOP, 0);
    cr_expect_eq(phase_of(&b), CTL_PHASE_QUEUED);
    cancel(&b);
    cr_expect_eq(phase_of(&a), CTL_PHASE_CALLING);
    cr_expect_eq(fake_farm_count(w.farm, "quit"), 0);
}

Test(ctl_advance, what_waits_for_a_gate_is_cancelled_without_running)
{
    (void)hold_launch_gate();
    struct world_answer b = world_do(&w, CACHE_OP_START, 1);
    world_until(&w, phase_of(&b) == CTL_PHASE_GATED);
    cancel(&b);
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_advance, what_is_being_marked_is_cancelled_without_running)
{
    world_look(&w);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    cr_assert_eq(phase_of(&a), CTL_PHASE_MARKING);
    cancel(&a);
    cr_expect_eq(n_launches(), 0);
}

Test(ctl_advance, a_running_child_is_ended)
{
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    cr_expect_eq(ctl_engine_cancel(w.engine, a.id, "tester"), 0);
    cr_expect_eq(ctl_engine_cancel(w.engine, a.id, "tester"), UV_EALREADY);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_CANCELLED, "CANCELLED");
    cr_expect(strstr(op->error, "was not undone"), "%s", op->error);
    cr_expect(strstr(op->evidence, "cancelled"), "%s", op->evidence);
    cache_operation_free(op);
    cr_expect_eq(fake_farm_n_hung(w.farm), 0);
    world_look(&w);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_STOPPED, "nothing is expected any more");
}

Test(ctl_advance, a_command_that_waits_for_its_turn_is_cancelled_without_running)
{
    for (int i = 0; i < 3; i++)
        bring_up(i);
    world_look(&w);
    fake_farm_answer(w.farm, "quit", FARM_HANG);
    (void)world_do(&w, CACHE_OP_STOP, 0);
    (void)world_do(&w, CACHE_OP_STOP, 1);
    struct world_answer a = world_do(&w, CACHE_OP_STOP, 2);
    world_until(&w, fake_farm_n_hung(w.farm) == 2 && phase_of(&a) == CTL_PHASE_GATED);
    cr_expect_eq(ctl_engine_cancel(w.engine, a.id, "tester"), 0);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_CANCELLED, "CANCELLED");
    cr_expect_null(strstr(op->error, "not undone"), "%s", op->error);
    cache_operation_free(op);
    cr_expect_eq(fake_farm_count(w.farm, "quit"), 2);
    fake_farm_end_hung(w.farm, RUN_EXITED);
}

Test(ctl_advance, what_waits_for_room_at_ldconsole_is_planned_again)
{
    for (int i = 0; i < 3; i++)
        bring_up(i);
    world_look(&w);
    fake_farm_answer(w.farm, "quit", FARM_HANG);
    (void)world_do(&w, CACHE_OP_STOP, 0);
    (void)world_do(&w, CACHE_OP_STOP, 1);
    struct world_answer a = world_do(&w, CACHE_OP_STOP, 2);
    world_until(&w, fake_farm_n_hung(w.farm) == 2 && phase_of(&a) == CTL_PHASE_GATED);
    world_skip(&w, 59000); /* no time of its own passes while it waits */
    fake_farm_set(w.farm, 2, 0, -1, -1);
    fake_farm_answer(w.farm, "quit", FARM_OBEY);
    fake_farm_end_hung(w.farm, RUN_EXITED);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_null(strstr(fake_farm_log(w.farm), "quit 2"), "%s", fake_farm_log(w.farm));
}

Test(ctl_advance, waiting_for_an_effect_is_given_up)
{
    struct world_answer a = hold_launch_gate();
    cancel(&a);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_BOOTING);
    bring_up(0);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_RUNNING);
}

/* --- bound to a revision --- */

/* A change of the group of instance 0 that is bound to REVISION. */
static struct world_answer change_group(const char *revision, const char *group)
{
    struct ctl_request r = world_request(&w, CACHE_OP_MODIFY, 0);
    r.revision = revision;
    r.local.group = group;
    return world_submit(&w, &r);
}

static void revision_of_0(char out[CACHE_REVISION_SIZE])
{
    world_until(&w, world_at(&w, 0));
    memcpy(out, world_at(&w, 0)->revision, CACHE_REVISION_SIZE);
}

Test(ctl_advance, of_two_changes_of_one_revision_the_second_fails)
{
    char revision[CACHE_REVISION_SIZE];
    revision_of_0(revision);
    struct world_answer a = change_group(revision, "first");
    struct world_answer b = change_group(revision, "second");
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    struct cache_operation *op = world_ends(&w, b.id, CACHE_OP_FAILED, "PRECONDITION_FAILED");
    cr_expect(strstr(op->error, "\"retryable\":false"), "%s", op->error);
    cache_operation_free(op);
    cr_expect_str_eq(world_at(&w, 0)->group, "first");
}

Test(ctl_advance_quiet, what_somebody_else_changed_meanwhile_is_left_alone)
{
    char revision[CACHE_REVISION_SIZE];
    revision_of_0(revision);
    fake_farm_write_config(w.farm, 0, "{\"advancedSettings.cpuCount\":3}");
    world_skip(&w, 1000);
    struct ctl_request r = world_request(&w, CACHE_OP_REMOVE, 0);
    r.revision = revision;
    r.force = true;
    struct world_answer a = world_submit(&w, &r);
    world_expect(&w, a.id, CACHE_OP_FAILED, "PRECONDITION_FAILED");
    cr_expect_str_eq(fake_farm_log(w.farm), "");
}

Test(ctl_advance, what_it_changes_itself_does_not_hold_an_operation_up)
{
    char revision[CACHE_REVISION_SIZE];
    revision_of_0(revision);
    struct ctl_request r = world_request(&w, CACHE_OP_MODIFY, 0);
    r.revision = revision;
    r.name = "other";
    r.local.group = "g";
    struct world_answer a = world_submit(&w, &r);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(world_at(&w, 0)->name, "other");
    cr_expect_str_eq(world_at(&w, 0)->group, "g");
}

Test(ctl_advance, a_setting_that_was_not_known_is_a_change_when_it_was_asked_for)
{
    char before[CACHE_REVISION_SIZE], after[CACHE_REVISION_SIZE];
    struct ldc_settings settings = {0};
    settings.values[LDC_SETTING_CPU] = (struct ldc_setting_value){.is_set = true, .number = 4};
    revision_of_0(before);
    struct ctl_request r = world_request(&w, CACHE_OP_MODIFY, 0);
    r.settings = &settings;
    struct world_answer a = world_submit(&w, &r);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    revision_of_0(after);
    cr_expect_str_neq(after, before);
    world_close(&w);
    world_open(&w);
    revision_of_0(before);
    cr_expect_str_eq(after, before, "it outlives a restart");
}

Test(ctl_advance, what_moves_by_itself_is_no_change_of_the_revision)
{
    char before[CACHE_REVISION_SIZE], after[CACHE_REVISION_SIZE];
    revision_of_0(before);
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_SUCCEEDED, NULL);
    revision_of_0(after);
    cr_expect_str_eq(after, before);
}
