/* SPDX-License-Identifier: MIT */
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

static void set_up_small(void)
{
    put_three();
    w.limits.max_queued = 2;
    world_open(&w);
}

static void tear_down(void)
{
    world_end(&w);
}

TestSuite(ctl_accept, .init = set_up, .fini = tear_down, .timeout = 60);
TestSuite(ctl_accept_small, .init = set_up_small, .fini = tear_down, .timeout = 60);

static unsigned n_launches(void)
{
    return fake_farm_count(w.farm, "launch");
}

static void expect_refusal(const struct world_answer *a, int http_status, const char *code)
{
    cr_expect_str_empty(a->id);
    cr_expect_eq(a->refusal.http_status, http_status, "%d", a->refusal.http_status);
    cr_expect_str_eq(a->refusal.code, code);
    cr_expect_str_not_empty(a->refusal.detail);
}

/* --- refusals --- */

Test(ctl_accept, what_is_not_there_is_not_found)
{
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    r.target = "00000000-0000-4000-8000-000000000000";
    struct world_answer a = world_submit(&w, &r);
    expect_refusal(&a, 404, "INSTANCE_NOT_FOUND");
    r.target = NULL;
    a = world_submit(&w, &r);
    expect_refusal(&a, 404, "INSTANCE_NOT_FOUND");
}

Test(ctl_accept_small, queue_has_an_end)
{
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    (void)world_do(&w, CACHE_OP_START, 1);
    struct ctl_request r = world_request(&w, CACHE_OP_START, 2);
    struct world_answer b = world_submit(&w, &r);
    expect_refusal(&b, 429, "QUEUE_FULL");
    cr_expect_gt(b.refusal.retry_ms, 0);
    cr_expect_eq(ctl_engine_cancel(w.engine, a.id, "tester"), 0);
    world_expect(&w, a.id, CACHE_OP_CANCELLED, "CANCELLED");
    (void)world_do(&w, CACHE_OP_START, 2);
}

Test(ctl_accept_small, batch_is_too_large_as_a_whole)
{
    static const int both[] = {0, 1};
    struct ctl_request r = world_request(&w, CACHE_OP_START, -1);
    struct world_answer a = world_submit_batch(&w, &r, both, 2);
    expect_refusal(&a, 429, "QUEUE_FULL");
    unsigned counts[CACHE_OP_STATUS_COUNT];
    ctl_engine_counts(w.engine, counts);
    cr_expect_eq(counts[CACHE_OP_QUEUED], 0);
    a = world_submit_batch(&w, &r, both, 1);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_accept, open_breaker_refuses_at_once)
{
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    static const int zero[] = {0};
    world_order(&w, "start", LDC_BREAKER_FORCED_OPEN);
    struct world_answer a = world_submit(&w, &r);
    expect_refusal(&a, 503, "BREAKER_OPEN");
    cr_expect_gt(a.refusal.retry_ms, 0);
    (void)world_do(&w, CACHE_OP_STOP, 0);

    r.priority = CTL_PRIORITY_BATCH;
    a = world_submit_batch(&w, &r, zero, 1);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    world_order(&w, "queued-start", LDC_BREAKER_FORCED_OPEN);
    a = world_submit_batch(&w, &r, zero, 1);
    expect_refusal(&a, 503, "BREAKER_OPEN");
}

Test(ctl_accept, breaker_that_opened_by_failures_says_when_to_come_back)
{
    fake_farm_answer(w.farm, "launch", FARM_NOT_STARTED);
    const struct ldc_breaker *b = ldc_client_breaker(w.client, LDC_PURPOSE_START);
    while (b->state == LDC_BREAKER_CLOSED)
        world_try(&w, CACHE_OP_START, 0, CACHE_OP_FAILED, "LDCONSOLE_NOT_STARTED");
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    struct world_answer a = world_submit(&w, &r);
    expect_refusal(&a, 503, "BREAKER_OPEN");
    cr_expect_gt(a.refusal.retry_ms, 0);
    cr_expect_leq(a.refusal.retry_ms, 5000);

    fake_farm_answer(w.farm, "launch", FARM_OBEY);
    world_skip(&w, 5000);
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_SUCCEEDED, NULL);
}

static void set_up_old(void)
{
    put_three();
    fake_farm_set_usage(w.farm, "dnplayer v4.0.83 Command Line Management Interface\r\n"
                                "modify <--name mnq_name | --index mnq_idx> [--cpu <1 | 2>]\r\n");
    world_open(&w);
    world_until(&w, ldc_client_abilities(w.client)->is_known);
}

TestSuite(ctl_accept_old, .init = set_up_old, .fini = tear_down, .timeout = 60);

Test(ctl_accept_old, a_setting_that_would_be_ignored_is_refused)
{
    struct ldc_settings settings = {0};
    struct ctl_request r = world_request(&w, CACHE_OP_MODIFY, 0);
    settings.values[LDC_SETTING_ROOT] = (struct ldc_setting_value){.is_set = true, .number = 1};
    r.settings = &settings;
    struct world_answer a = world_submit(&w, &r);
    expect_refusal(&a, 422, "SETTING_NOT_SUPPORTED");
    settings.values[LDC_SETTING_ROOT].is_set = false;
    settings.values[LDC_SETTING_CPU] = (struct ldc_setting_value){.is_set = true, .number = 4};
    a = world_submit(&w, &r);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_accept_old, a_window_that_would_open_all_the_same_is_refused)
{
    static const int zero[] = {0};
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    r.window = LDC_WINDOW_HIDDEN;
    struct world_answer a = world_submit(&w, &r);
    expect_refusal(&a, 422, "SETTING_NOT_SUPPORTED");
    cr_expect(strstr(a.refusal.detail, "window: "), "%s", a.refusal.detail);
    r.kind = CACHE_OP_RESTART;
    a = world_submit_batch(&w, &r, zero, 1);
    expect_refusal(&a, 422, "SETTING_NOT_SUPPORTED");
    cr_expect_eq(n_launches(), 0);
    r.window = LDC_WINDOW_NORMAL;
    a = world_submit(&w, &r);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_accept_old, a_value_that_only_newer_versions_may_know_is_refused)
{
    struct ldc_settings settings = {0};
    struct ctl_request r = world_request(&w, CACHE_OP_MODIFY, 0);
    settings.values[LDC_SETTING_CPU] = (struct ldc_setting_value){.is_set = true, .number = 6};
    r.settings = &settings;
    struct world_answer a = world_submit(&w, &r);
    expect_refusal(&a, 422, "SETTING_NOT_SUPPORTED");
    cr_expect_str_eq(a.refusal.detail,
                     "settings.cpu: the installed ldconsole is too old for this value");
    r.kind = CACHE_OP_CREATE;
    r.target = NULL;
    r.name = "x";
    a = world_submit(&w, &r);
    expect_refusal(&a, 422, "SETTING_NOT_SUPPORTED");
}

Test(ctl_accept, a_value_that_newer_versions_may_know_is_tried)
{
    struct ldc_settings settings = {0};
    struct ctl_request r = world_request(&w, CACHE_OP_MODIFY, 0);
    settings.values[LDC_SETTING_CPU] = (struct ldc_setting_value){.is_set = true, .number = 6};
    r.settings = &settings;
    struct world_answer a = world_submit(&w, &r);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    fake_farm_answer(w.farm, "modify", FARM_PARAMETER);
    settings.values[LDC_SETTING_CPU].number = 8;
    r = world_request(&w, CACHE_OP_MODIFY, 0);
    r.settings = &settings;
    a = world_submit(&w, &r);
    world_expect(&w, a.id, CACHE_OP_FAILED, "LDCONSOLE_PARAMETER_ERROR");
}

Test(ctl_accept, what_cannot_be_stored_is_not_accepted)
{
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    r.key = (struct cache_key){"owner", "key", "print"};
    world_break_store(&w, true);
    struct world_answer a = {0}, b = {0};
    ctl_engine_submit(w.engine, &r, world_on_accept, &a);
    ctl_engine_submit(w.engine, &r, world_on_accept, &b);
    world_until(&w, a.is_there && b.is_there);
    expect_refusal(&a, 503, "STORE_UNAVAILABLE");
    expect_refusal(&b, 503, "STORE_UNAVAILABLE");
    cr_expect_not(ctl_engine_is_busy(w.engine, r.target));
    cr_expect_eq(n_launches(), 0);

    world_break_store(&w, false);
    a = world_submit(&w, &r);
    cr_expect_not(a.is_repeat, "the key was given back");
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_accept, batch_that_cannot_be_stored_leaves_nothing)
{
    static const int both[] = {0, 1};
    struct ctl_request r = world_request(&w, CACHE_OP_START, -1);
    unsigned counts[CACHE_OP_STATUS_COUNT];
    world_break_store(&w, true);
    struct world_answer a = world_submit_batch(&w, &r, both, 2);
    expect_refusal(&a, 503, "STORE_UNAVAILABLE");
    ctl_engine_counts(w.engine, counts);
    cr_expect_eq(counts[CACHE_OP_QUEUED], 0);
    world_break_store(&w, false);
    world_crash(&w);
    ctl_engine_counts(w.engine, counts);
    cr_expect_eq(counts[CACHE_OP_QUEUED] + counts[CACHE_OP_RUNNING], 0);
}

/* --- what is accepted --- */

Test(ctl_accept, an_acknowledged_operation_is_durable)
{
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    cr_expect_eq(a.status, CACHE_OP_QUEUED);
    struct cache_operation *op = world_load(&w, a.id);
    cr_expect_eq(op->kind, CACHE_OP_START);
    cr_expect_str_eq(op->target, world_at(&w, 0)->id);
    cr_expect_str_eq(op->requested_by, "tester");
    cr_expect_gt(op->created_at, 0);
    cache_operation_free(op);
}

/* --- idempotency --- */

static struct ctl_request keyed(const char *key, const char *fingerprint)
{
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    r.key = (struct cache_key){"owner", key, fingerprint};
    return r;
}

Test(ctl_accept, two_equal_requests_in_one_turn_are_one_operation)
{
    struct ctl_request r = keyed("key", "print");
    struct world_answer a = {0}, b = {0};
    ctl_engine_submit(w.engine, &r, world_on_accept, &a);
    ctl_engine_submit(w.engine, &r, world_on_accept, &b);
    world_until(&w, a.is_there && b.is_there);
    cr_expect_str_eq(a.id, b.id);
    cr_expect_not(a.is_repeat);
    cr_expect(b.is_repeat);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_accept, a_repeat_gets_what_came_of_it)
{
    struct ctl_request r = keyed("key", "print");
    struct world_answer a = world_submit(&w, &r);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    struct world_answer b = world_submit(&w, &r);
    cr_expect_str_eq(a.id, b.id);
    cr_expect(b.is_repeat);
    cr_expect_eq(b.status, CACHE_OP_SUCCEEDED);

    world_crash(&w);
    r = keyed("key", "print");
    b = world_submit(&w, &r);
    cr_expect_str_eq(a.id, b.id);
    cr_expect(b.is_repeat);
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_accept, a_repeat_while_it_runs_gets_it_too)
{
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    struct ctl_request r = keyed("key", "print");
    struct world_answer a = world_submit(&w, &r);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    struct world_answer b = world_submit(&w, &r);
    cr_expect_str_eq(a.id, b.id);
    cr_expect_eq(b.status, CACHE_OP_RUNNING);
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_accept, the_same_key_with_another_request_is_refused)
{
    struct ctl_request r = keyed("key", "print");
    struct world_answer a = world_submit(&w, &r);
    r = keyed("key", "another print");
    struct world_answer b = world_submit(&w, &r);
    expect_refusal(&b, 422, "IDEMPOTENCY_KEY_REUSED");
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_accept, the_key_of_somebody_else_is_another_key)
{
    struct ctl_request r = keyed("key", "print");
    struct world_answer a = world_submit(&w, &r);
    r.key.owner = "somebody else";
    struct world_answer b = world_submit(&w, &r);
    cr_expect_not(b.is_repeat);
    cr_expect_str_neq(a.id, b.id);
}

Test(ctl_accept, a_key_is_forgotten_after_a_day)
{
    struct ctl_request r = keyed("key", "print");
    struct world_answer a = world_submit(&w, &r);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    world_skip(&w, 86400000);
    r = keyed("key", "print");
    struct world_answer b = world_submit(&w, &r);
    cr_expect_not(b.is_repeat);
    cr_expect_str_neq(a.id, b.id);
}

static void note_pruned(void *arg, int status, uint64_t n)
{
    cr_expect_eq(status, 0);
    *(uint64_t *)arg = n;
}

Test(ctl_accept, a_repeat_of_what_was_pruned_is_not_run_again)
{
    uint64_t n_pruned = 0;
    struct ctl_request r = keyed("key", "print");
    struct world_answer a = world_submit(&w, &r);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cache_operations_prune(w.store, clock_wall_ms() + 1000, note_pruned, &n_pruned);
    world_until(&w, n_pruned == 1);
    struct world_answer b = world_submit(&w, &r);
    expect_refusal(&b, 409, "OPERATION_PRUNED");
    cr_expect_eq(n_launches(), 1);

    world_crash(&w);
    r = keyed("key", "print");
    b = world_submit(&w, &r);
    expect_refusal(&b, 409, "OPERATION_PRUNED");
    cr_expect_eq(n_launches(), 1);
}

static int exec_lose(sqlite3 *db, void *arg)
{
    (void)arg;
    return cache_sql_run(db, "DELETE FROM operations", "");
}

static void note_lost(void *arg, int status)
{
    cr_expect_eq(status, 0);
    *(bool *)arg = true;
}

Test(ctl_accept, a_repeat_of_what_was_lost_is_not_run_again_and_nothing_is_claimed_of_it)
{
    bool is_lost = false;
    struct ctl_request r = keyed("key", "print");
    struct world_answer a = world_submit(&w, &r);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cache_store_write(w.store, exec_lose, note_lost, &is_lost);
    world_until(&w, is_lost);
    struct world_answer b = world_submit(&w, &r);
    expect_refusal(&b, 409, "OPERATION_LOST");
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_accept, a_wall_clock_set_ahead_repeats_nothing)
{
    struct ctl_request r = keyed("key", "print");
    struct world_answer a = world_submit(&w, &r);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    fake_clock_set_wall(INT64_C(2) * 86400000);
    struct world_answer b = world_submit(&w, &r);
    cr_expect_str_eq(a.id, b.id);
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_accept, a_batch_has_its_key_too)
{
    static const int both[] = {0, 1};
    struct ctl_request r = world_request(&w, CACHE_OP_START, -1);
    r.key = (struct cache_key){"owner", "key", "print"};
    struct world_answer a = world_submit_batch(&w, &r, both, 2);
    struct world_answer b = world_submit_batch(&w, &r, both, 2);
    cr_expect_str_eq(a.id, b.id);
    cr_expect(b.is_repeat);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 2);
}
