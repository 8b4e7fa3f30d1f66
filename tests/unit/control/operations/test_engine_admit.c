/* SPDX-License-Identifier: MIT */
/* What waits in front of its command, in which order it is let through, and what it says of that.
 * The machine is not real: the test says how much of it is free. */
#include "control/operations/engine_private.h"
#include "ldconsole/verbs/timing.h"
#include "tests/unit/control/world.h"

#define MB(n) ((uint64_t)(n) << 20)

void __wrap_system_read(const char *path, struct system_figures *ret);

static struct world w;
static unsigned free_mb; /* of memory, read by a worker while the test waits for it */

void __wrap_system_read(const char *path, struct system_figures *ret)
{
    (void)path;
    *ret = (struct system_figures){
        .cpu = {1, 2}, .memory_total_bytes = MB(16384), .memory_available_bytes = MB(free_mb)};
}

static void put_some(void)
{
    world_init(&w);
    for (int i = 0; i < 8; i++) {
        char title[] = {'n', (char)('0' + i), '\0'};
        fake_farm_put(w.farm, i, title);
    }
}

static void set_up(void)
{
    put_some();
    /* What a test keeps waiting is not over before the test says so. */
    w.observing.stuck_ms = w.limits.timeouts.start_ms = 1000000;
    world_open(&w);
}

static void set_up_pressed(void)
{
    put_some();
    free_mb = 1000;
    w.limits.pressure.min_memory_mb = 512; /* and each instance is configured for 2048 */
    world_open(&w);
}

static void set_up_small(void)
{
    put_some();
    w.limits.max_queued = 32;
    world_open(&w);
}

static void tear_down(void)
{
    world_end(&w);
}

TestSuite(ctl_admit, .init = set_up, .fini = tear_down, .timeout = 60);
TestSuite(ctl_admit_pressed, .init = set_up_pressed, .fini = tear_down, .timeout = 60);
TestSuite(ctl_admit_small, .init = set_up_small, .fini = tear_down, .timeout = 60);

static unsigned n_launches(void)
{
    return fake_farm_count(w.farm, "launch");
}

static void bring_up(int index)
{
    fake_farm_set(w.farm, index, 1, 500 + index, 600 + index);
}

static struct world_answer try_to_ask(enum cache_op_kind kind, int index,
                                      enum ctl_priority priority)
{
    struct ctl_request r = world_request(&w, kind, index);
    r.priority = priority;
    return world_submit(&w, &r);
}

static struct world_answer ask(enum cache_op_kind kind, int index, enum ctl_priority priority)
{
    struct world_answer a = try_to_ask(kind, index, priority);
    cr_assert_str_not_empty(a.id, "%s", a.refusal.detail);
    return a;
}

/* To be begun within MS. */
static struct world_answer ask_in_time(enum cache_op_kind kind, int index, unsigned ms)
{
    struct ctl_request r = world_request(&w, kind, index);
    r.begin_within_ms = ms;
    return world_submit(&w, &r);
}

static enum ctl_phase phase_of(const struct world_answer *a)
{
    struct ctl_job *job = ctl_jobs_find(&w.engine->jobs, a->id);
    cr_assert_not_null(job);
    return job->phase;
}

static struct ctl_waiting waiting_of(const struct world_answer *a)
{
    struct ctl_waiting waiting;
    if (!ctl_engine_waiting(w.engine, a->id, &waiting))
        waiting.code = "nothing";
    return waiting;
}

static bool waits_for(const struct world_answer *a, const char *code)
{
    return strcmp(waiting_of(a).code, code) == 0;
}

/* A start of 0 that has been launched, is not up, and so holds the gate. */
static struct world_answer hold_launch_gate(void)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, n_launches() == 1);
    world_look(&w);
    return a;
}

static void expect_succeeded(const struct world_answer *a)
{
    world_expect(&w, a->id, CACHE_OP_SUCCEEDED, NULL);
}

/* --- lanes --- */

Test(ctl_admit, lanes_stand_in_their_order)
{
    struct world_answer first = hold_launch_gate();
    struct world_answer a[] = {
        ask(CACHE_OP_START, 1, CTL_PRIORITY_BATCH),
        ask(CACHE_OP_START, 2, CTL_PRIORITY_SCHEDULE),
        ask(CACHE_OP_START, 3, CTL_PRIORITY_WATCHDOG),
        ask(CACHE_OP_START, 4, CTL_PRIORITY_INTERACTIVE),
    };
    world_settle(&w);
    fake_farm_launch_to(w.farm, 1, true);
    bring_up(0);
    expect_succeeded(&first);
    for (int i = 0; i < 4; i++)
        expect_succeeded(&a[i]);
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 0; launch 4; launch 3; launch 2; launch 1");
}

Test(ctl_admit, a_lane_that_was_passed_over_for_long_has_its_turn_once)
{
    struct world_answer first = hold_launch_gate();
    struct world_answer batch = ask(CACHE_OP_START, 1, CTL_PRIORITY_BATCH);
    struct world_answer batch2 = ask(CACHE_OP_START, 2, CTL_PRIORITY_BATCH);
    world_until(&w, phase_of(&batch2) == CTL_PHASE_GATED);
    world_skip(&w, 241000);
    struct world_answer a = ask(CACHE_OP_START, 3, CTL_PRIORITY_INTERACTIVE);
    struct world_answer b = ask(CACHE_OP_START, 4, CTL_PRIORITY_INTERACTIVE);
    world_until(&w, phase_of(&b) == CTL_PHASE_GATED);
    fake_farm_launch_to(w.farm, 1, true);
    bring_up(0);
    expect_succeeded(&first);
    expect_succeeded(&a);
    expect_succeeded(&b);
    expect_succeeded(&batch);
    expect_succeeded(&batch2);
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 0; launch 1; launch 3; launch 4; launch 2");
}

Test(ctl_admit, an_interactive_stop_has_the_next_place_at_ldconsole)
{
    struct world_answer a[6];
    for (int i = 0; i < 7; i++)
        bring_up(i);
    world_look(&w);
    fake_farm_answer(w.farm, "quit", FARM_HANG);
    for (int i = 0; i < 6; i++)
        a[i] = ask(CACHE_OP_STOP, i, CTL_PRIORITY_BATCH);
    world_until(&w, fake_farm_n_hung(w.farm) == 2);
    struct world_answer urgent = ask(CACHE_OP_STOP, 6, CTL_PRIORITY_INTERACTIVE);
    world_until(&w, phase_of(&urgent) == CTL_PHASE_GATED && phase_of(&a[5]) == CTL_PHASE_GATED);
    cr_expect(waits_for(&urgent, "places"), "%s", waiting_of(&urgent).detail);
    fake_farm_answer(w.farm, "quit", FARM_OBEY);
    fake_farm_set(w.farm, 0, 0, -1, -1);
    fake_farm_set(w.farm, 1, 0, -1, -1);
    fake_farm_end_hung(w.farm, RUN_EXITED);
    expect_succeeded(&urgent);
    for (int i = 0; i < 6; i++)
        expect_succeeded(&a[i]);
    cr_expect(strstr(fake_farm_log(w.farm), "quit 0; quit 1; quit 6; quit 2"), "%s",
              fake_farm_log(w.farm));
}

Test(ctl_admit, no_more_look_again_than_there_are_places)
{
    struct world_answer a[6];
    for (int i = 0; i < 6; i++)
        bring_up(i);
    world_look(&w);
    fake_farm_answer(w.farm, "quit", FARM_HANG);
    for (int i = 0; i < 6; i++)
        a[i] = ask(CACHE_OP_STOP, i, CTL_PRIORITY_BATCH);
    world_until(&w, fake_farm_n_hung(w.farm) == 2);
    world_settle(&w);
    for (int i = 2; i < 6; i++)
        cr_expect_eq(phase_of(&a[i]), CTL_PHASE_GATED, "%d", i);
    cr_expect_eq(w.engine->jobs.n_places[LDC_CLASS_QUIT], 0, "they are ldconsole's now");
    fake_farm_answer(w.farm, "quit", FARM_OBEY);
    fake_farm_set(w.farm, 0, 0, -1, -1);
    fake_farm_set(w.farm, 1, 0, -1, -1);
    fake_farm_end_hung(w.farm, RUN_EXITED);
    world_until(&w, phase_of(&a[2]) != CTL_PHASE_GATED);
    cr_expect_eq(phase_of(&a[4]), CTL_PHASE_GATED);
    cr_expect_eq(phase_of(&a[5]), CTL_PHASE_GATED);
    for (int i = 0; i < 6; i++)
        expect_succeeded(&a[i]);
    cr_expect_eq(w.engine->jobs.n_places[LDC_CLASS_QUIT], 0);
}

Test(ctl_admit, who_stands_in_front_of_an_urgent_one_is_served_as_fast)
{
    struct world_answer first = hold_launch_gate();
    struct world_answer other = ask(CACHE_OP_START, 1, CTL_PRIORITY_BATCH);
    struct world_answer start = ask(CACHE_OP_START, 2, CTL_PRIORITY_BATCH);
    struct world_answer stop = ask(CACHE_OP_STOP, 2, CTL_PRIORITY_INTERACTIVE);
    world_settle(&w);
    cr_expect(waits_for(&stop, "line"), "%s", waiting_of(&stop).detail);
    cr_expect_str_eq(waiting_of(&stop).operation, start.id);
    fake_farm_launch_to(w.farm, 1, true);
    bring_up(0);
    expect_succeeded(&first);
    expect_succeeded(&start);
    expect_succeeded(&stop);
    expect_succeeded(&other);
    cr_expect(strstr(fake_farm_log(w.farm), "launch 0; launch 2;"), "%s", fake_farm_log(w.farm));
}

Test(ctl_admit_small, a_batch_leaves_room_for_those_who_wait_themselves)
{
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    for (int i = 0; i < 26; i++)
        (void)ask(CACHE_OP_START, i % 8, CTL_PRIORITY_INTERACTIVE);
    struct world_answer a = try_to_ask(CACHE_OP_START, 0, CTL_PRIORITY_BATCH);
    cr_expect_eq(a.refusal.http_status, 429);
    cr_expect_str_eq(a.refusal.code, "QUEUE_FULL");
    cr_expect(strstr(a.refusal.detail, "lane 'batch'"), "%s", a.refusal.detail);
    (void)ask(CACHE_OP_START, 0, CTL_PRIORITY_SCHEDULE);
    for (int i = 0; i < 5; i++)
        (void)ask(CACHE_OP_START, 0, CTL_PRIORITY_INTERACTIVE);
    a = try_to_ask(CACHE_OP_START, 0, CTL_PRIORITY_INTERACTIVE);
    cr_expect_str_eq(a.refusal.code, "QUEUE_FULL");
}

/* --- what is told of it --- */

Test(ctl_admit, a_gate_says_which_instance_is_behind_it)
{
    struct world_answer a = hold_launch_gate();
    struct world_answer b = ask(CACHE_OP_START, 1, CTL_PRIORITY_INTERACTIVE);
    world_until(&w, phase_of(&b) == CTL_PHASE_GATED);
    struct ctl_waiting waiting = waiting_of(&b);
    cr_expect_str_eq(waiting.code, "gate");
    cr_expect_str_eq(waiting.operation, a.id);
    cr_expect_str_eq(waiting.instance, world_at(&w, 0)->id);
    cr_expect(strstr(waiting.detail, "'n0'") && strstr(waiting.detail, "booting"), "%s",
              waiting.detail);
    cr_expect_not(ctl_engine_waiting(w.engine, a.id, &waiting), "it acts");
    cr_expect_not(ctl_engine_waiting(w.engine, "no such operation", &waiting));
}

Test(ctl_admit, a_launch_by_hand_is_named_too)
{
    fake_farm_set(w.farm, 5, 2, 505, 605);
    world_look(&w);
    struct world_answer b = ask(CACHE_OP_START, 1, CTL_PRIORITY_INTERACTIVE);
    world_until(&w, phase_of(&b) == CTL_PHASE_GATED);
    struct ctl_waiting waiting = waiting_of(&b);
    cr_expect_str_eq(waiting.code, "gate");
    cr_expect_str_empty(waiting.operation);
    cr_expect_str_eq(waiting.instance, world_at(&w, 5)->id);
    cr_expect(strstr(waiting.detail, "'n5'"), "%s", waiting.detail);
    bring_up(5);
    expect_succeeded(&b);
}

Test(ctl_admit, another_lane_is_named)
{
    struct world_answer a = hold_launch_gate();
    struct world_answer b = ask(CACHE_OP_START, 1, CTL_PRIORITY_BATCH);
    struct world_answer c = ask(CACHE_OP_START, 2, CTL_PRIORITY_INTERACTIVE);
    world_settle(&w);
    /* The gate is free, and nobody has come by yet. */
    w.engine->jobs.gate_holder[CTL_GATE_LAUNCH] = NULL;
    fake_farm_set(w.farm, 0, 1, 500, 600);
    ctl_jobs_find(&w.engine->jobs, a.id)->held = CTL_GATE_NONE;
    w.engine->is_advancing = true;
    world_look(&w);
    cr_expect(waits_for(&b, "lane"), "%s", waiting_of(&b).detail);
    cr_expect(strstr(waiting_of(&b).detail, "'interactive' go first"), "%s", waiting_of(&b).detail);
    w.engine->is_advancing = false;
    fake_farm_launch_to(w.farm, 1, true);
    expect_succeeded(&c);
    expect_succeeded(&b);
}

Test(ctl_admit, want_of_a_session_is_told)
{
    fake_farm_set_absence(w.farm, "nobody is logged on");
    struct world_answer a = ask(CACHE_OP_START, 1, CTL_PRIORITY_INTERACTIVE);
    world_until(&w, ctl_engine_find(w.engine, a.id)->status == CACHE_OP_WAITING_FOR_SESSION);
    cr_expect(waits_for(&a, "session"));
    cr_expect_str_eq(waiting_of(&a).detail, "nobody is logged on");
    fake_farm_set_absence(w.farm, NULL);
    expect_succeeded(&a);
}

Test(ctl_admit, an_instance_that_is_not_ready_for_it_is_told)
{
    bring_up(1);
    world_look(&w);
    ctl_observer_expect(w.observer, world_at(&w, 1)->id, CTL_EXPECT_STOP, 20000);
    world_look(&w);
    struct world_answer a = ask(CACHE_OP_START, 1, CTL_PRIORITY_INTERACTIVE);
    world_until(&w, waits_for(&a, "settling"));
    cr_expect(strstr(waiting_of(&a).detail, "stopping"), "%s", waiting_of(&a).detail);
    fake_farm_set(w.farm, 1, 0, -1, -1);
    expect_succeeded(&a);
}

Test(ctl_admit, blindness_is_told)
{
    fake_farm_answer(w.farm, "list2", FARM_GARBAGE);
    world_until(&w, ctl_observer_verdict(w.observer)->status != 0);
    fake_clock_skip(1000);
    struct world_answer a = ask(CACHE_OP_START, 1, CTL_PRIORITY_INTERACTIVE);
    world_until(&w, waits_for(&a, "look"));
    cr_expect(strstr(waiting_of(&a).detail, "the last one failed"), "%s", waiting_of(&a).detail);
    fake_farm_answer(w.farm, "list2", FARM_OBEY);
    expect_succeeded(&a);
}

Test(ctl_admit, a_breaker_is_told_and_nothing_is_run_or_marked_meanwhile)
{
    struct world_answer a = hold_launch_gate();
    struct world_answer b = ask(CACHE_OP_START, 1, CTL_PRIORITY_INTERACTIVE);
    world_order(&w, "start", LDC_BREAKER_FORCED_OPEN);
    fake_farm_launch_to(w.farm, 1, true);
    bring_up(0);
    expect_succeeded(&a);
    world_until(&w, waits_for(&b, "breaker"));
    cr_expect(strstr(waiting_of(&b).detail, "'start'"), "%s", waiting_of(&b).detail);
    world_settle(&w);
    cr_expect_eq(n_launches(), 1);
    world_order(&w, "start", LDC_BREAKER_CLOSED);
    world_skip(&w, 1000);
    expect_succeeded(&b);
}

/* Whoever waits for a breaker does not keep the other lanes from the gate. */
Test(ctl_admit, who_waits_for_a_breaker_keeps_nobody_up)
{
    struct world_answer a = hold_launch_gate();
    struct world_answer b = ask(CACHE_OP_START, 1, CTL_PRIORITY_INTERACTIVE);
    struct world_answer c = ask(CACHE_OP_START, 2, CTL_PRIORITY_BATCH);
    world_order(&w, "start", LDC_BREAKER_FORCED_OPEN);
    fake_farm_launch_to(w.farm, 1, true);
    bring_up(0);
    expect_succeeded(&a);
    expect_succeeded(&c);
    cr_expect(waits_for(&b, "breaker"), "%s", waiting_of(&b).detail);
}

/* --- the VM service --- */

static void give_up(const struct world_answer *a, int index)
{
    cr_expect_eq(ctl_engine_cancel(w.engine, a->id, "tester"), 0);
    world_expect(&w, a->id, CACHE_OP_CANCELLED, "CANCELLED");
    fake_farm_set(w.farm, index, 0, -1, -1);
    world_until(&w, world_state(&w, index) == CACHE_STATE_STOPPED);
}

/* A start of INDEX, whose player comes up and its VM does not. */
static struct world_answer start_without_vm(int index)
{
    unsigned before = n_launches();
    struct world_answer a = ask(CACHE_OP_START, index, CTL_PRIORITY_INTERACTIVE);
    world_until(&w, n_launches() == before + 1);
    world_look(&w);
    world_skip(&w, LDC_TIMING_VM_LATE_MS + 1);
    return a;
}

Test(ctl_admit, starts_of_three_instances_without_a_vm_hold_up_the_fourth)
{
    fake_farm_launch_to(w.farm, 2, false);
    for (int i = 0; i < 3; i++) {
        struct world_answer a = start_without_vm(i);
        cr_expect_not(waits_for(&a, "breaker"));
        give_up(&a, i);
    }
    struct world_answer d = ask(CACHE_OP_START, 3, CTL_PRIORITY_INTERACTIVE);
    world_until(&w, waits_for(&d, "breaker"));
    cr_expect(strstr(waiting_of(&d).detail, "'vm-service'"), "%s", waiting_of(&d).detail);
    world_settle(&w);
    cr_expect_eq(n_launches(), 3);
    fake_farm_launch_to(w.farm, 1, true);
    world_skip(&w, 61000);
    expect_succeeded(&d);
}

Test(ctl_admit, one_instance_without_a_vm_is_its_own_trouble)
{
    fake_farm_launch_to(w.farm, 2, false);
    for (int i = 0; i < 4; i++) {
        struct world_answer a = start_without_vm(0);
        give_up(&a, 0);
    }
    fake_farm_launch_to(w.farm, 1, true);
    world_try(&w, CACHE_OP_START, 1, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_admit, a_vm_that_came_late_is_none_that_is_missing)
{
    fake_farm_launch_to(w.farm, 2, false);
    for (int i = 0; i < 4; i++) {
        struct world_answer a = start_without_vm(i);
        bring_up(i);
        expect_succeeded(&a);
    }
    cr_expect_eq(n_launches(), 4);
}

Test(ctl_admit, a_vm_that_is_there_speaks_for_the_vm_service_also_when_it_does_not_boot)
{
    fake_farm_launch_to(w.farm, 2, false);
    for (int i = 0; i < 4; i++) {
        struct world_answer a = start_without_vm(i);
        if (i == 2) {
            fake_farm_set(w.farm, i, 2, 500 + i, 600 + i);
            world_until(&w, world_state(&w, i) == CACHE_STATE_BOOTING);
        }
        give_up(&a, i);
    }
    fake_farm_launch_to(w.farm, 1, true);
    world_try(&w, CACHE_OP_START, 4, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_admit_small, one_that_is_stuck_keeps_no_other_from_starting)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct world_answer a = ask(CACHE_OP_START, 0, CTL_PRIORITY_INTERACTIVE);
    world_until(&w, n_launches() == 1);
    world_look(&w);
    struct world_answer b = ask(CACHE_OP_START, 1, CTL_PRIORITY_INTERACTIVE);
    world_until(&w, phase_of(&b) == CTL_PHASE_GATED);
    fake_farm_launch_to(w.farm, 1, true);
    world_skip(&w, w.observing.stuck_ms + 1);
    expect_succeeded(&b);
    cr_expect_eq(phase_of(&a), CTL_PHASE_AWAITING, "it has its own time");
    bring_up(0);
    expect_succeeded(&a);
}

/* --- the machine --- */

Test(ctl_admit_pressed, a_launch_waits_for_memory_and_says_so)
{
    struct world_answer a = ask(CACHE_OP_START, 0, CTL_PRIORITY_INTERACTIVE);
    world_until(&w, strstr(waiting_of(&a).detail, "1000 MB of memory are free"));
    cr_expect(waits_for(&a, "pressure"));
    cr_expect(strstr(waiting_of(&a).detail, "configured for 2048 MB"), "%s", waiting_of(&a).detail);
    world_settle(&w);
    cr_expect_eq(n_launches(), 0);
    cr_expect_eq(ctl_engine_find(w.engine, a.id)->status, CACHE_OP_QUEUED);
    free_mb = 2560;
    world_skip(&w, 3000);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->evidence, "the launch waits: 1000 MB"), "%s", op->evidence);
    cache_operation_free(op);
}

Test(ctl_admit_pressed, a_smaller_one_is_launched_meanwhile)
{
    fake_farm_write_config(w.farm, 1, "{\"advancedSettings.memorySize\":1536}");
    free_mb = 2048;
    world_skip(&w, 1000);
    struct world_answer a = ask(CACHE_OP_START, 0, CTL_PRIORITY_INTERACTIVE);
    struct world_answer b = ask(CACHE_OP_START, 1, CTL_PRIORITY_BATCH);
    expect_succeeded(&b);
    cr_expect(waits_for(&a, "pressure"), "%s", waiting_of(&a).detail);
}

Test(ctl_admit_pressed, pressure_that_stays_ends_the_operation_with_its_figures)
{
    struct world_answer a = ask(CACHE_OP_START, 0, CTL_PRIORITY_INTERACTIVE);
    world_until(&w, strstr(waiting_of(&a).detail, "1000 MB of memory are free"));
    fake_clock_skip(w.limits.timeouts.start_ms);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "HOST_PRESSURE");
    cr_expect(strstr(op->error, "1000 MB of memory are free"), "%s", op->error);
    cr_expect(strstr(op->error, "\"retryable\":true"), "%s", op->error);
    cache_operation_free(op);
    cr_expect_eq(n_launches(), 0);
}

Test(ctl_admit_pressed, what_this_machine_can_never_bear_fails_at_once)
{
    fake_farm_write_config(w.farm, 0, "{\"advancedSettings.memorySize\":16384}");
    world_skip(&w, 1000);
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_FAILED, "HOST_TOO_SMALL");
    cr_expect_eq(n_launches(), 0);
}

Test(ctl_admit_pressed, only_a_launch_looks_at_the_machine)
{
    bring_up(1);
    world_look(&w);
    world_try(&w, CACHE_OP_STOP, 1, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_admit_pressed, a_service_that_stops_does_not_wait_for_the_machine)
{
    struct world_answer a = ask(CACHE_OP_START, 0, CTL_PRIORITY_INTERACTIVE);
    world_until(&w, waits_for(&a, "pressure"));
    fake_clock_skip(5000); /* it wants to know anew */
    world_turn(&w);
    world_close(&w);
    free_mb = 9000;
    world_open(&w);
    expect_succeeded(&a);
}

/* --- too little memory to live --- */

static void give_memory(int index, int mb)
{
    char config[64];
    snprintf(config, sizeof(config), "{\"advancedSettings.memorySize\":%d}", mb);
    fake_farm_write_config(w.farm, index, config);
    world_skip(&w, 1000);
    cr_assert_eq(world_at(&w, index)->settings.values[LDC_SETTING_MEMORY_MB].number, mb);
}

Test(ctl_admit, an_instance_that_would_crash_in_a_loop_is_not_started)
{
    static const int both[] = {0, 1};
    give_memory(0, LDC_MEMORY_FLOOR_MB);
    struct world_answer a = try_to_ask(CACHE_OP_START, 0, CTL_PRIORITY_INTERACTIVE);
    cr_expect_eq(a.refusal.http_status, 409);
    cr_expect_str_eq(a.refusal.code, "MEMORY_BELOW_FLOOR");
    cr_expect(strstr(a.refusal.detail, "768 MB") && strstr(a.refusal.detail, "force"), "%s",
              a.refusal.detail);
    a = try_to_ask(CACHE_OP_RESTART, 0, CTL_PRIORITY_INTERACTIVE);
    cr_expect_str_eq(a.refusal.code, "MEMORY_BELOW_FLOOR");
    a = ask(CACHE_OP_STOP, 0, CTL_PRIORITY_INTERACTIVE);
    expect_succeeded(&a);

    struct ctl_request r = world_request(&w, CACHE_OP_START, -1);
    r.priority = CTL_PRIORITY_BATCH;
    a = world_submit_batch(&w, &r, both, 2);
    world_expect(&w, a.id, CACHE_OP_FAILED, "BATCH_INCOMPLETE");
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 1");
}

Test(ctl_admit, unless_it_is_forced)
{
    give_memory(0, 512);
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    r.force = true;
    struct world_answer a = world_submit(&w, &r);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->result, "it has 512 MB of memory"), "%s", op->result);
    cache_operation_free(op);
}

Test(ctl_admit, little_memory_is_noted)
{
    give_memory(0, LDC_MEMORY_FLOOR_MB + 1);
    give_memory(1, LDC_MEMORY_LOW_MB);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->result, "less than 1536 MB"), "%s", op->result);
    cache_operation_free(op);
    a = world_do(&w, CACHE_OP_START, 1);
    op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_null(strstr(op->result, "1536 MB"), "%s", op->result);
    cache_operation_free(op);
}

/* --- what has to begin in time --- */

Test(ctl_admit, what_cannot_begin_in_time_is_refused_with_the_arithmetic)
{
    (void)hold_launch_gate();
    /* One launch takes 15 s, until this machine has shown how long it takes. */
    struct world_answer a = ask_in_time(CACHE_OP_START, 1, 15000);
    cr_expect_str_not_empty(a.id, "%s", a.refusal.detail);
    struct world_answer b = ask_in_time(CACHE_OP_START, 2, 15000);
    cr_expect_eq(b.refusal.http_status, 503);
    cr_expect_str_eq(b.refusal.code, "TOO_LATE_ALREADY");
    cr_expect_eq(b.refusal.retry_ms, 15000);
    cr_expect(strstr(b.refusal.detail, "2 launches") && strstr(b.refusal.detail, "30 s"), "%s",
              b.refusal.detail);
    b = ask_in_time(CACHE_OP_STOP, 2, 15000);
    expect_succeeded(&b);
}

Test(ctl_admit, a_batch_is_judged_by_its_last)
{
    static const int three[] = {1, 2, 3};
    struct ctl_request r = world_request(&w, CACHE_OP_START, -1);
    r.priority = CTL_PRIORITY_BATCH;
    r.begin_within_ms = 29000;
    struct world_answer a = world_submit_batch(&w, &r, three, 3);
    cr_expect_str_eq(a.refusal.code, "TOO_LATE_ALREADY");
    r.begin_within_ms = 30000;
    a = world_submit_batch(&w, &r, three, 3);
    expect_succeeded(&a);
}

Test(ctl_admit, what_has_not_begun_in_time_is_not_begun)
{
    struct world_answer a = hold_launch_gate();
    struct world_answer b = ask_in_time(CACHE_OP_START, 1, 20000);
    world_until(&w, phase_of(&b) == CTL_PHASE_GATED);
    world_skip(&w, 20001);
    struct cache_operation *op = world_ends(&w, b.id, CACHE_OP_TIMED_OUT, "NOT_BEGUN_IN_TIME");
    cr_expect(strstr(op->error, "one instance is launched at a time"), "%s", op->error);
    cache_operation_free(op);
    bring_up(0);
    expect_succeeded(&a);
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_admit, what_has_begun_in_time_takes_its_time)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct world_answer a = ask_in_time(CACHE_OP_START, 1, 5000);
    world_until(&w, n_launches() == 1);
    world_skip(&w, 6000);
    world_settle(&w);
    bring_up(1);
    expect_succeeded(&a);
}

/* --- retries --- */

Test(ctl_admit, a_command_that_could_not_be_started_just_now_is_given_again)
{
    fake_farm_answer(w.farm, "launch", FARM_BUSY);
    struct world_answer a = ask(CACHE_OP_START, 0, CTL_PRIORITY_INTERACTIVE);
    world_until(&w, waits_for(&a, "retry"));
    cr_expect_eq(n_launches(), 1);
    world_flush(&w);
    struct cache_operation *op = world_load(&w, a.id);
    cr_expect_not(op->step_issued, "the mark was taken back");
    cache_operation_free(op);
    fake_farm_answer(w.farm, "launch", FARM_OBEY);
    fake_clock_skip(500);
    expect_succeeded(&a);
    cr_expect_eq(n_launches(), 2);
}

Test(ctl_admit, but_only_so_often)
{
    fake_farm_answer(w.farm, "launch", FARM_BUSY);
    struct world_answer a = ask(CACHE_OP_START, 0, CTL_PRIORITY_INTERACTIVE);
    for (unsigned i = 1; i <= CTL_RETRY_MAX; i++) {
        world_until(&w, n_launches() >= i);
        fake_clock_skip(10000);
    }
    world_expect(&w, a.id, CACHE_OP_FAILED, "LDCONSOLE_NOT_STARTED");
    cr_expect_eq(n_launches(), CTL_RETRY_MAX + 1);
}

Test(ctl_admit, and_not_when_there_is_no_such_program)
{
    fake_farm_answer(w.farm, "launch", FARM_NOT_STARTED);
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_FAILED, "LDCONSOLE_NOT_STARTED");
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_admit, and_not_when_the_budget_of_all_is_spent)
{
    while (ctl_retry_spend(&w.engine->retries))
        ;
    fake_farm_answer(w.farm, "launch", FARM_BUSY);
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_FAILED, "LDCONSOLE_NOT_STARTED");
    cr_expect_eq(n_launches(), 1);
}
