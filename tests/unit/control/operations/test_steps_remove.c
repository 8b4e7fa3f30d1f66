/* SPDX-License-Identifier: MIT */
#include "tests/unit/control/world.h"

static struct world w;

static void set_up(void)
{
    world_init(&w);
    fake_farm_put(w.farm, 0, "zero");
    fake_farm_put(w.farm, 1, "one");
    fake_farm_show_processes(w.farm, true);
    world_open(&w);
}

static void tear_down(void)
{
    world_end(&w);
}

TestSuite(ctl_remove, .init = set_up, .fini = tear_down, .timeout = 60);

static unsigned n_removes(void)
{
    return fake_farm_count(w.farm, "remove");
}

static struct world_answer remove_one(bool force)
{
    struct ctl_request r = world_request(&w, CACHE_OP_REMOVE, 1);
    r.force = force;
    return world_submit(&w, &r);
}

Test(ctl_remove, removes_once_and_waits_whether_it_stays_away)
{
    struct world_answer a = remove_one(false);
    world_until(&w, !world_at(&w, 1));
    cr_expect_not_null(ctl_engine_find(w.engine, a.id));
    world_skip(&w, 700);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(op->result, "{\"removed\":true}");
    cache_operation_free(op);
    cr_expect_str_eq(fake_farm_log(w.farm), "remove 1");
    cr_expect_not_null(world_at(&w, 0));
}

Test(ctl_remove, what_comes_back_empty_is_removed_again)
{
    struct world_answer a = remove_one(false);
    world_until(&w, !world_at(&w, 1));
    fake_farm_put(w.farm, 1, "");
    world_until(&w, world_at(&w, 1));
    world_skip(&w, 700);
    world_until(&w, n_removes() == 2);
    world_until(&w, !world_at(&w, 1));
    world_skip(&w, 700);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "remove 1; remove 1");
}

/* Before anybody has seen that it was away. */
static void make_again_at_once(void *arg, const char *verb)
{
    (void)arg;
    if (strcmp(verb, "list2") != 0 || n_removes() != 1 || fake_farm_has(w.farm, 1))
        return;
    fake_farm_put(w.farm, 1, "");
    fake_farm_lose_disk(w.farm, 1);
}

Test(ctl_remove, what_comes_back_at_once_and_without_a_disk_is_removed_again)
{
    char old[UUID_SIZE];
    strcpy(old, world_at(&w, 1)->id);
    fake_farm_on_verb(w.farm, make_again_at_once, NULL);
    struct world_answer a = remove_one(false);
    world_until(&w, world_at(&w, 1) && strcmp(world_at(&w, 1)->id, old) != 0);
    world_skip(&w, 700);
    world_until(&w, n_removes() == 2);
    world_until(&w, !world_at(&w, 1));
    world_skip(&w, 700);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_remove, what_somebody_else_makes_there_stays)
{
    struct world_answer a = remove_one(false);
    world_until(&w, !world_at(&w, 1));
    fake_farm_put(w.farm, 1, "somebody's");
    world_until(&w, world_at(&w, 1));
    world_skip(&w, 700);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->evidence, "it stays"), "%s", op->evidence);
    cache_operation_free(op);
    cr_expect_eq(n_removes(), 1);
    cr_expect_not_null(world_at(&w, 1));
}

Test(ctl_remove, what_cannot_be_kept_away_fails)
{
    struct world_answer a = remove_one(false);
    world_until(&w, !world_at(&w, 1));
    fake_farm_put(w.farm, 1, "");
    fake_farm_answer(w.farm, "remove", FARM_IGNORE);
    world_until(&w, world_at(&w, 1));
    world_skip(&w, 700);
    world_until(&w, n_removes() == 2);
    world_look(&w);
    world_skip(&w, 16000);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "NO_EFFECT");
    cr_expect(strstr(op->error, "empty instance 1 again"), "%s", op->error);
    cache_operation_free(op);
    cr_expect_eq(n_removes(), 2);
}

Test(ctl_remove, running_instance_is_refused)
{
    fake_farm_set(w.farm, 1, 1, 100, 101);
    world_look(&w);
    struct world_answer a = remove_one(false);
    cr_expect_eq(a.refusal.http_status, 409);
    cr_expect_str_eq(a.refusal.code, "INSTANCE_NOT_STOPPED");
    cr_expect(strstr(a.refusal.detail, "or use force"));
}

Test(ctl_remove, what_was_started_meanwhile_is_not_removed)
{
    struct ctl_request r = world_request(&w, CACHE_OP_REMOVE, 1);
    struct world_answer a = {0};
    fake_farm_set(w.farm, 1, 1, 100, 101);
    fake_clock_skip(1000);
    ctl_engine_submit(w.engine, &r, world_on_accept, &a);
    world_until(&w, a.is_there);
    world_expect(&w, a.id, CACHE_OP_FAILED, "INSTANCE_NOT_STOPPED");
    cr_expect_eq(n_removes(), 0);
}

Test(ctl_remove, force_stops_it_first)
{
    fake_farm_set(w.farm, 1, 1, 100, 101);
    world_look(&w);
    struct world_answer a = remove_one(true);
    world_until(&w, !world_at(&w, 1));
    world_skip(&w, 700);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "quit 1; remove 1");
}

Test(ctl_remove, ignored_remove_has_no_effect)
{
    fake_farm_answer(w.farm, "remove", FARM_IGNORE);
    struct world_answer a = remove_one(false);
    world_until(&w, n_removes() == 1);
    world_look(&w);
    world_skip(&w, 16000);
    world_expect(&w, a.id, CACHE_OP_FAILED, "NO_EFFECT");
    cr_expect_eq(n_removes(), 1);
}

Test(ctl_remove, of_what_is_gone_by_then_removes_nothing)
{
    struct ctl_request r = world_request(&w, CACHE_OP_REMOVE, 1);
    struct world_answer a = {0};
    fake_farm_drop(w.farm, 1);
    fake_clock_skip(1000);
    ctl_engine_submit(w.engine, &r, world_on_accept, &a);
    world_until(&w, a.is_there);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_removes(), 0);
}

Test(ctl_remove, nobody_else_adds_before_it_is_clear_that_it_stays_away)
{
    struct ctl_request r = world_request(&w, CACHE_OP_CREATE, -1);
    struct world_answer a = remove_one(false);
    world_until(&w, !world_at(&w, 1));
    struct world_answer b = world_submit(&w, &r);
    world_settle(&w);
    cr_expect_eq(fake_farm_count(w.farm, "add"), 0);
    world_skip(&w, 700);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    world_expect(&w, b.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "remove 1; add");
}
