/* SPDX-License-Identifier: MIT */
#include "control/operations/engine_private.h"
#include "tests/unit/control/world.h"

static struct world w;

static void put_three(void)
{
    world_init(&w);
    fake_farm_put(w.farm, 0, "zero");
    fake_farm_put(w.farm, 1, "one");
    fake_farm_put(w.farm, 2, "two");
}

static void set_up(void)
{
    put_three();
    world_open(&w);
}

static void tear_down(void)
{
    world_end(&w);
}

TestSuite(ctl_engine, .init = set_up, .fini = tear_down, .timeout = 60);

static unsigned n_launches(void)
{
    return fake_farm_count(w.farm, "launch");
}

/* --- finding and waiting --- */

struct waited {
    unsigned n;
    bool is_timeout;
    enum cache_op_status status;
};

static void note_wait(void *arg, const struct cache_operation *op, bool is_timeout)
{
    struct waited *waited = arg;
    waited->n++;
    waited->is_timeout = is_timeout;
    waited->status = op->status;
}

Test(ctl_engine, who_waits_is_told_the_durable_end)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct waited a = {0}, b = {0};
    struct world_answer start = world_do(&w, CACHE_OP_START, 0);
    cr_expect_not_null(ctl_engine_wait(w.engine, start.id, 1000000, note_wait, &a));
    cr_expect_not_null(ctl_engine_wait(w.engine, start.id, 1000000, note_wait, &b));
    world_until(&w, n_launches() == 1);
    cr_expect_eq(a.n, 0);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_until(&w, a.n == 1);
    cr_expect_not(a.is_timeout);
    cr_expect_eq(a.status, CACHE_OP_SUCCEEDED);
    cr_expect_eq(b.n, 1);
    world_expect(&w, start.id, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_engine, who_waits_too_long_is_told_so)
{
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    struct waited a = {0}, b = {0};
    struct world_answer start = world_do(&w, CACHE_OP_START, 0);
    (void)ctl_engine_wait(w.engine, start.id, 30000, note_wait, &a);
    struct ctl_wait *wait = ctl_engine_wait(w.engine, start.id, 60000, note_wait, &b);
    fake_clock_skip(30000);
    world_until(&w, a.n == 1);
    cr_expect(a.is_timeout);
    cr_expect_eq(a.status, CACHE_OP_RUNNING);
    cr_expect_eq(b.n, 0);
    ctl_engine_cancel_wait(wait);
}

static struct ctl_wait *other_wait;

static void cancel_other(void *arg, const struct cache_operation *op, bool is_timeout)
{
    note_wait(arg, op, is_timeout);
    ctl_engine_cancel_wait(other_wait);
}

Test(ctl_engine, who_waits_may_stop_the_waiting_of_others)
{
    struct waited a = {0}, b = {0}, c = {0};
    struct world_answer start = world_do(&w, CACHE_OP_START, 0);
    (void)ctl_engine_wait(w.engine, start.id, 1000000, cancel_other, &a);
    other_wait = ctl_engine_wait(w.engine, start.id, 1000000, note_wait, &b);
    (void)ctl_engine_wait(w.engine, start.id, 1000000, note_wait, &c);
    world_expect(&w, start.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(a.n, 1);
    cr_expect_eq(b.n, 0);
    cr_expect_eq(c.n, 1);
}

Test(ctl_engine, what_is_not_open_cannot_be_waited_for)
{
    struct waited a = {0};
    struct world_answer start = world_do(&w, CACHE_OP_START, 0);
    world_expect(&w, start.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_null(ctl_engine_wait(w.engine, start.id, 1000, note_wait, &a));
    cr_expect_null(ctl_engine_wait(w.engine, "no such id", 1000, note_wait, &a));
    cr_expect_null(ctl_engine_find(w.engine, start.id));
    cr_expect_eq(ctl_engine_cancel(w.engine, "no such id", "tester"), UV_ENOENT);
}

Test(ctl_engine, what_is_not_acknowledged_is_not_there_yet)
{
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    struct world_answer a = {0};
    ctl_engine_submit(w.engine, &r, world_on_accept, &a);
    cr_expect(ctl_engine_is_busy(w.engine, r.target));
    struct ctl_job *job = list_entry(w.engine->jobs.all.next, struct ctl_job, link);
    char id[UUID_SIZE];
    strcpy(id, job->op->id);
    cr_expect_null(ctl_engine_find(w.engine, id));
    cr_expect_eq(ctl_engine_cancel(w.engine, id, "tester"), UV_ENOENT);
    world_until(&w, a.is_there);
    cr_expect_str_eq(a.id, id);
    cr_expect_not_null(ctl_engine_find(w.engine, id));
}

Test(ctl_engine, counts_what_is_open)
{
    unsigned counts[CACHE_OP_STATUS_COUNT];
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    (void)world_do(&w, CACHE_OP_START, 0);
    (void)world_do(&w, CACHE_OP_START, 1);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    ctl_engine_counts(w.engine, counts);
    cr_expect_eq(counts[CACHE_OP_RUNNING], 1);
    cr_expect_eq(counts[CACHE_OP_QUEUED], 1);
    cr_expect(ctl_engine_is_busy(w.engine, world_at(&w, 0)->id));
    cr_expect_not(ctl_engine_is_busy(w.engine, world_at(&w, 2)->id));
}

/* --- crashes --- */

/* Goes on as if the service had been killed and the operation found again. */
static void crash_and_expect(const struct world_answer *a, enum cache_op_status status,
                             const char *code)
{
    world_crash(&w);
    world_expect(&w, a->id, status, code);
}

Test(ctl_engine, what_was_queued_runs_after_a_crash)
{
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    struct world_answer b = world_do(&w, CACHE_OP_START, 1);
    struct world_answer c = world_do(&w, CACHE_OP_STOP, 1);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    fake_farm_answer(w.farm, "launch", FARM_OBEY);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    crash_and_expect(&a, CACHE_OP_SUCCEEDED, NULL);
    world_expect(&w, b.id, CACHE_OP_SUCCEEDED, NULL);
    world_expect(&w, c.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 0; launch 1; quit 1");
}

Test(ctl_engine, what_was_issued_is_not_issued_again_after_a_crash)
{
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    fake_farm_answer(w.farm, "launch", FARM_OBEY);
    world_crash(&w);
    cr_expect_eq(ctl_engine_find(w.engine, a.id)->status, CACHE_OP_RUNNING);
    world_look(&w);
    world_skip(&w, 31000);
    world_expect(&w, a.id, CACHE_OP_INTERRUPTED, "INTERRUPTED");
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_engine, what_was_being_waited_for_is_waited_for_after_a_crash)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    struct world_answer b = world_do(&w, CACHE_OP_START, 1);
    world_until(&w, n_launches() == 1);
    world_look(&w);
    world_crash(&w);
    world_settle(&w);
    cr_expect_eq(n_launches(), 1, "the one that is starting keeps the gate");
    fake_farm_launch_to(w.farm, 1, true);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    world_expect(&w, b.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 0; launch 1");
}

Test(ctl_engine, a_batch_goes_on_after_a_crash)
{
    static const int all[] = {0, 1, 2};
    fake_farm_launch_to(w.farm, 2, true);
    struct ctl_request r = world_request(&w, CACHE_OP_START, -1);
    struct world_answer a = world_submit_batch(&w, &r, all, 3);
    world_until(&w, n_launches() == 1);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_until(&w, n_launches() == 2);
    world_crash(&w);
    cr_expect_eq(ctl_engine_find(w.engine, a.id)->n_children_ended, 1);
    fake_farm_launch_to(w.farm, 1, true);
    fake_farm_set(w.farm, 1, 1, 200, 201);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(op->n_children_ended, 3);
    cr_expect_eq(op->n_children_failed, 0);
    cache_operation_free(op);
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 0; launch 1; launch 2");
}

Test(ctl_engine, a_create_finds_its_instance_after_a_crash)
{
    fake_farm_answer(w.farm, "add", FARM_HANG);
    struct ctl_request r = world_request(&w, CACHE_OP_CREATE, -1);
    r.name = "mine";
    struct world_answer a = world_submit(&w, &r);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    fake_farm_put(w.farm, 7, "by hand");
    fake_farm_put(w.farm, 8, "mine");
    world_crash(&w);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(op->target, world_at(&w, 8)->id);
    cache_operation_free(op);
    cr_expect_eq(fake_farm_count(w.farm, "add"), 1);
}

/* --- closing --- */

Test(ctl_engine, who_waits_is_told_when_the_service_stops)
{
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    struct waited a = {0};
    struct world_answer start = world_do(&w, CACHE_OP_START, 0);
    (void)ctl_engine_wait(w.engine, start.id, 1000000, note_wait, &a);
    w.engine->options.close_grace_ms = 1;
    world_close(&w);
    cr_expect_eq(a.n, 1);
    cr_expect(a.is_timeout);
}

static void set_flag(void *arg)
{
    *(bool *)arg = true;
}

/* Closes the engine and what follows it as the service does. */
static void close_engine(bool *is_closed)
{
    ctl_engine_close(w.engine, set_flag, is_closed);
}

static void close_rest(void)
{
    bool is_closed = false;
    world_close_workstations(&w);
    world_close_figures(&w);
    ctl_observer_close(w.observer, set_flag, &is_closed);
    world_until(&w, is_closed);
    is_closed = false;
    ldc_client_close(w.client, set_flag, &is_closed);
    world_until(&w, is_closed);
    is_closed = false;
    cache_store_close(w.store, set_flag, &is_closed);
    world_until(&w, is_closed);
    cache_events_unsubscribe(w.subscriber);
    cache_events_free(w.events);
    cache_idempotency_free(w.idempotency);
    w.engine = NULL;
}

Test(ctl_engine, a_command_under_way_is_given_its_time_when_the_service_stops)
{
    bool is_closed = false;
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    close_engine(&is_closed);
    for (int i = 0; i < 20; i++)
        world_turn(&w);
    cr_expect_not(is_closed);
    cr_expect_eq(fake_farm_n_hung(w.farm), 1);

    struct ctl_request r = world_request(&w, CACHE_OP_START, 1);
    struct world_answer refused = world_submit(&w, &r);
    cr_expect_eq(refused.refusal.http_status, 503);
    cr_expect_str_eq(refused.refusal.code, "STOPPING");
    struct waited waited = {0};
    cr_expect_null(ctl_engine_wait(w.engine, a.id, 1000, note_wait, &waited));

    fake_farm_set(w.farm, 0, 1, 100, 101);
    fake_farm_end_hung(w.farm, RUN_LOST);
    world_until(&w, is_closed);
    close_rest();
    world_open(&w);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_engine, a_command_that_hangs_does_not_keep_the_service_from_stopping)
{
    bool is_closed = false;
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    w.engine->options.close_grace_ms = 20;
    close_engine(&is_closed);
    world_until(&w, is_closed);
    close_rest();
    fake_farm_answer(w.farm, "launch", FARM_OBEY);
    world_open(&w);
    world_look(&w);
    world_skip(&w, 31000);
    world_expect(&w, a.id, CACHE_OP_INTERRUPTED, "INTERRUPTED");
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_engine, what_was_only_marked_runs_after_the_next_start)
{
    bool is_closed = false;
    world_look(&w);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    cr_assert_eq(ctl_jobs_find(&w.engine->jobs, a.id)->phase, CTL_PHASE_MARKING);
    close_engine(&is_closed);
    world_until(&w, is_closed);
    close_rest();
    cr_expect_eq(n_launches(), 0);
    world_open(&w);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_engine, what_is_being_accepted_is_answered_when_the_service_stops)
{
    bool is_closed = false;
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    struct world_answer a = {0};
    ctl_engine_submit(w.engine, &r, world_on_accept, &a);
    close_engine(&is_closed);
    world_until(&w, is_closed);
    cr_expect(a.is_there);
    close_rest();
    world_open(&w);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
}
