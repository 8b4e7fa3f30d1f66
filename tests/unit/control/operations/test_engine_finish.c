/* SPDX-License-Identifier: MIT */
#include "tests/unit/control/world.h"

static struct world w;
static const int all[] = {0, 1, 2};

static void set_up(void)
{
    world_init(&w);
    fake_farm_put(w.farm, 0, "zero");
    fake_farm_put(w.farm, 1, "one");
    fake_farm_put(w.farm, 2, "two");
    world_open(&w);
}

static void tear_down(void)
{
    world_end(&w);
}

TestSuite(ctl_engine_finish, .init = set_up, .fini = tear_down, .timeout = 60);

static unsigned n_launches(void)
{
    return fake_farm_count(w.farm, "launch");
}

/* --- batches --- */

static struct world_answer start_all(void)
{
    struct ctl_request r = world_request(&w, CACHE_OP_START, -1);
    r.priority = CTL_PRIORITY_BATCH;
    return world_submit_batch(&w, &r, all, 3);
}

static void expect_counts(const struct cache_operation *op, unsigned n_ended, unsigned n_failed)
{
    cr_expect_eq(op->kind, CACHE_OP_BATCH);
    cr_expect_eq(op->n_children, 3);
    cr_expect_eq(op->n_children_ended, n_ended, "%u", op->n_children_ended);
    cr_expect_eq(op->n_children_failed, n_failed, "%u", op->n_children_failed);
}

struct children {
    bool is_there;
    unsigned n, n_succeeded;
};

static void count_children(void *arg, int status, struct cache_operations_page *page)
{
    struct children *c = arg;
    cr_assert_eq(status, 0);
    c->is_there = true;
    c->n = (unsigned)page->n_items;
    for (size_t i = 0; i < page->n_items; i++) {
        cr_expect_eq(page->items[i]->kind, CACHE_OP_START);
        c->n_succeeded += page->items[i]->status == CACHE_OP_SUCCEEDED;
    }
}

static struct children children_of(const char *id)
{
    struct children c = {0};
    struct cache_operations_filter filter = {.status = -1, .kind = -1, .limit = 100};
    strcpy(filter.parent, id);
    cache_operations_find(w.store, &filter, count_children, &c);
    world_until(&w, c.is_there);
    return c;
}

Test(ctl_engine_finish, batch_succeeds_when_all_of_it_does)
{
    struct world_answer a = start_all();
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    expect_counts(op, 3, 0);
    cr_expect_eq(op->percent, 100);
    cr_expect_str_eq(op->result, "{\"total\":3,\"succeeded\":3,\"not_succeeded\":0}");
    cr_expect_leq(op->created_at, op->started_at);
    cache_operation_free(op);
    struct children c = children_of(a.id);
    cr_expect_eq(c.n, 3);
    cr_expect_eq(c.n_succeeded, 3);
    cr_expect_eq(n_launches(), 3);
    cr_expect_eq(fake_farm_peak(w.farm, "launch"), 1);
    world_flush(&w);
    cr_expect_eq(world_heard(&w, "operation.queued"), 4);
    cr_expect_eq(world_heard(&w, "operation.running"), 4);
    cr_expect_eq(world_heard(&w, "operation.succeeded"), 4);
}

Test(ctl_engine_finish, batch_counts_while_it_runs)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct world_answer a = start_all();
    world_until(&w, n_launches() == 1);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_until(&w, n_launches() == 2);
    const struct cache_operation *live = ctl_engine_find(w.engine, a.id);
    cr_expect_eq(live->status, CACHE_OP_RUNNING);
    cr_expect_eq(live->n_children_ended, 1);
    cr_expect_eq(live->percent, 33);
    struct cache_operation *op = world_load(&w, a.id);
    expect_counts(op, 1, 0);
    cr_expect_eq(op->status, CACHE_OP_RUNNING);
    cache_operation_free(op);
}

Test(ctl_engine_finish, batch_fails_when_a_part_of_it_does)
{
    fake_farm_set(w.farm, 1, 1, 100, -1);
    world_until(&w, world_state(&w, 1) == CACHE_STATE_ZOMBIE);
    struct world_answer a = start_all();
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "BATCH_INCOMPLETE");
    expect_counts(op, 3, 1);
    cr_expect(strstr(op->error, "1 of 3 operations did not succeed"), "%s", op->error);
    cr_expect_str_eq(op->result, "{\"total\":3,\"succeeded\":2,\"not_succeeded\":1}");
    cache_operation_free(op);
    cr_expect_eq(children_of(a.id).n_succeeded, 2);
}

Test(ctl_engine_finish, batch_is_cancelled_as_a_whole)
{
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    struct world_answer a = start_all();
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    cr_expect_eq(ctl_engine_cancel(w.engine, a.id, "tester"), 0);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_CANCELLED, "BATCH_INCOMPLETE");
    expect_counts(op, 3, 3);
    cache_operation_free(op);
    cr_expect_eq(n_launches(), 1);
    cr_expect_eq(children_of(a.id).n, 3);
}

Test(ctl_engine_finish, batch_of_which_nothing_is_left_to_do_succeeds)
{
    for (int i = 0; i < 3; i++)
        fake_farm_set(w.farm, i, 1, 100 + 2 * i, 101 + 2 * i);
    world_look(&w);
    struct world_answer a = start_all();
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    expect_counts(op, 3, 0);
    cache_operation_free(op);
    cr_expect_eq(n_launches(), 0);
}

Test(ctl_engine_finish, a_child_can_be_cancelled_alone)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct world_answer a = start_all();
    world_until(&w, n_launches() == 1);
    struct world_answer extra = world_do(&w, CACHE_OP_STOP, 2);
    cr_expect_eq(ctl_engine_cancel(w.engine, extra.id, "tester"), 0);
    fake_farm_launch_to(w.farm, 1, true);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    world_expect(&w, extra.id, CACHE_OP_CANCELLED, "CANCELLED");
}

/* --- the desired state --- */

static void desire(int index, enum cache_desired desired)
{
    struct ctl_local local = {.desired = (int)desired};
    ctl_observer_set_local(w.observer, world_at(&w, index)->id, &local);
}

Test(ctl_engine_finish, explicit_start_and_stop_change_a_desired_state)
{
    desire(0, CACHE_DESIRED_STOPPED);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->result, "\"desired_state\":\"running\""), "%s", op->result);
    cache_operation_free(op);
    cr_expect_eq(world_at(&w, 0)->desired, CACHE_DESIRED_RUNNING);
    world_try(&w, CACHE_OP_STOP, 0, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(world_at(&w, 0)->desired, CACHE_DESIRED_STOPPED);
    world_try(&w, CACHE_OP_STOP, 0, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(world_at(&w, 0)->desired, CACHE_DESIRED_STOPPED);
}

Test(ctl_engine_finish, stop_of_what_is_stopped_already_changes_it_too)
{
    desire(0, CACHE_DESIRED_RUNNING);
    world_try(&w, CACHE_OP_STOP, 0, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(world_at(&w, 0)->desired, CACHE_DESIRED_STOPPED);
}

Test(ctl_engine_finish, restart_wants_it_running)
{
    desire(0, CACHE_DESIRED_STOPPED);
    struct world_answer a = world_do(&w, CACHE_OP_RESTART, 0);
    world_look(&w);
    world_skip(&w, 3000);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(world_at(&w, 0)->desired, CACHE_DESIRED_RUNNING);
}

Test(ctl_engine_finish, without_a_desired_state_none_is_set)
{
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_SUCCEEDED, NULL);
    world_try(&w, CACHE_OP_STOP, 0, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(world_at(&w, 0)->desired, CACHE_DESIRED_NONE);
}

Test(ctl_engine_finish, a_failed_start_was_meant_all_the_same)
{
    desire(0, CACHE_DESIRED_STOPPED);
    fake_farm_answer(w.farm, "launch", FARM_NO_PLAYER);
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_FAILED, "LDCONSOLE_NO_SUCH_PLAYER");
    cr_expect_eq(world_at(&w, 0)->desired, CACHE_DESIRED_RUNNING);
}

Test(ctl_engine_finish, a_cancelled_stop_changes_nothing)
{
    desire(0, CACHE_DESIRED_RUNNING);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_look(&w);
    fake_farm_answer(w.farm, "quit", FARM_HANG);
    struct world_answer a = world_do(&w, CACHE_OP_STOP, 0);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    cr_expect_eq(ctl_engine_cancel(w.engine, a.id, "tester"), 0);
    world_expect(&w, a.id, CACHE_OP_CANCELLED, "CANCELLED");
    cr_expect_eq(world_at(&w, 0)->desired, CACHE_DESIRED_RUNNING);
}

Test(ctl_engine_finish, other_operations_change_nothing)
{
    desire(0, CACHE_DESIRED_RUNNING);
    struct ctl_request r = world_request(&w, CACHE_OP_RENAME, 0);
    r.name = "other";
    struct world_answer a = world_submit(&w, &r);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(world_at(&w, 0)->desired, CACHE_DESIRED_RUNNING);
}

/* --- the database --- */

Test(ctl_engine_finish, an_end_that_cannot_be_written_is_kept_and_tried_again)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, n_launches() == 1);
    world_look(&w);
    world_break_store(&w, true);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_until(&w, ctl_engine_find(w.engine, a.id)->status == CACHE_OP_SUCCEEDED);
    world_skip(&w, 1500);
    for (int i = 0; i < 200; i++)
        world_turn(&w);
    cr_expect_not_null(ctl_engine_find(w.engine, a.id));
    world_break_store(&w, false);
    world_skip(&w, 1500);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
}
