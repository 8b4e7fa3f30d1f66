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
    fake_farm_recreate(w.farm, 1);
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
    fake_farm_recreate(w.farm, 1);
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
    cr_expect(strstr(op->result, "it stays"), "%s", op->result);
    cache_operation_free(op);
    cr_expect_eq(n_removes(), 1);
    cr_expect_not_null(world_at(&w, 1));
}

static void expect_it_stays(void (*use_it)(void))
{
    struct world_answer a = remove_one(false);
    world_until(&w, !world_at(&w, 1));
    fake_farm_recreate(w.farm, 1);
    world_until(&w, world_at(&w, 1));
    use_it();
    world_look(&w);
    world_skip(&w, 700);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->result, "it stays"), "%s", op->result);
    cache_operation_free(op);
    cr_expect_eq(n_removes(), 1);
    cr_expect_not_null(world_at(&w, 1));
}

static void give_disk(void)
{
    fake_farm_grow_disk(w.farm, 1, 4);
}

static void set_cpu(void)
{
    fake_farm_write_config(w.farm, 1, "{\"advancedSettings.cpuCount\":1}");
}

Test(ctl_remove, what_comes_back_with_disks_is_somebody_elses)
{
    expect_it_stays(give_disk);
}

Test(ctl_remove, what_comes_back_and_is_changed_is_somebody_elses)
{
    expect_it_stays(set_cpu);
}

Test(ctl_remove, what_cannot_be_kept_away_fails)
{
    struct world_answer a = remove_one(false);
    world_until(&w, !world_at(&w, 1));
    fake_farm_recreate(w.farm, 1);
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

/* --- what LDPlayer makes again when our operation is over --- */

static void remove_to_the_end(void)
{
    struct world_answer a = remove_one(false);
    world_until(&w, !world_at(&w, 1));
    world_skip(&w, 700);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
}

/* So long that what add makes would have its disk. */
static void let_disk_be_late(void)
{
    world_look(&w);
    world_skip(&w, 31000);
    world_look(&w);
    world_flush(&w);
}

Test(ctl_remove, what_comes_back_empty_when_it_is_over_is_told_of_once)
{
    remove_to_the_end();
    world_skip(&w, 20000);
    fake_farm_recreate(w.farm, 1);
    world_look(&w);
    world_flush(&w);
    cr_expect_eq(world_heard(&w, "instance.recreated"), 0, "its disk may only be late");
    let_disk_be_late();
    cr_expect_eq(world_heard(&w, "instance.recreated"), 1);
    let_disk_be_late();
    cr_expect_eq(world_heard(&w, "instance.recreated"), 1);
    cr_expect_eq(n_removes(), 1);
}

Test(ctl_remove, of_what_somebody_makes_there_later_nothing_is_told)
{
    remove_to_the_end();
    fake_farm_put(w.farm, 1, "somebody's");
    let_disk_be_late();
    cr_expect_eq(world_heard(&w, "instance.recreated"), 0);
}

Test(ctl_remove, an_empty_one_of_another_number_or_much_later_is_not_told_of)
{
    remove_to_the_end();
    fake_farm_recreate(w.farm, 2);
    let_disk_be_late();
    world_skip(&w, 300000);
    fake_farm_recreate(w.farm, 1);
    let_disk_be_late();
    cr_expect_eq(world_heard(&w, "instance.recreated"), 0);
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

/* Until what list2 does not show counts as gone. */
static void wait_in_vain(void)
{
    for (int i = 0; i < 4; i++)
        world_look(&w);
    world_skip(&w, 61000);
    world_look(&w);
    world_skip(&w, 16000);
}

static void expect_back(const char *id)
{
    cr_expect(fake_farm_has_disk(w.farm, 1));
    fake_farm_hide_row(w.farm, 1, 0);
    world_until(&w, world_at(&w, 1));
    cr_expect_str_eq(world_at(&w, 1)->id, id);
}

Test(ctl_remove, what_list2_does_not_show_is_no_success)
{
    char id[UUID_SIZE];
    strcpy(id, world_at(&w, 1)->id);
    fake_farm_hide_row(w.farm, 1, 1000000);
    world_look(&w);
    struct world_answer a = remove_one(false);
    wait_in_vain();
    world_expect(&w, a.id, CACHE_OP_FAILED, "INSTANCE_NOT_LISTED");
    cr_expect_eq(n_removes(), 0);
    expect_back(id);
}

static void set_clock_back(void *arg, const char *verb)
{
    (void)arg;
    if (strcmp(verb, "remove") == 0)
        fake_clock_set_wall(-3600000);
}

/* A look that began after the remove has shown it again, whatever the wall clock says. */
Test(ctl_remove, what_was_not_removed_and_moves_away_keeps_its_id)
{
    char id[UUID_SIZE];
    strcpy(id, world_at(&w, 1)->id);
    fake_farm_answer(w.farm, "remove", FARM_CRASH);
    fake_farm_on_verb(w.farm, set_clock_back, NULL);
    world_expect(&w, remove_one(false).id, CACHE_OP_FAILED, "LDCONSOLE_VENDOR_ERROR");
    fake_clock_skip(1);
    world_look(&w);
    fake_farm_move_away(w.farm, 1, true);
    world_look(&w);
    cr_expect_null(world_at(&w, 1));
    fake_farm_move_away(w.farm, 1, false);
    world_look(&w);
    cr_expect_str_eq(world_at(&w, 1)->id, id);
    fake_clock_set_wall(3600000);
}

static void hide_once_removed(void *arg, const char *verb)
{
    (void)arg;
    if (strcmp(verb, "remove") == 0)
        fake_farm_hide_row(w.farm, 1, 1000000);
}

static struct world_answer remove_in_vain(void)
{
    fake_farm_answer(w.farm, "remove", FARM_IGNORE);
    fake_farm_on_verb(w.farm, hide_once_removed, NULL);
    struct world_answer a = remove_one(false);
    world_until(&w, n_removes() == 1);
    world_look(&w);
    world_skip(&w, 16000);
    return a;
}

Test(ctl_remove, a_remove_that_was_ignored_is_no_success_without_the_row_either)
{
    char id[UUID_SIZE];
    strcpy(id, world_at(&w, 1)->id);
    struct world_answer a = remove_in_vain();
    world_expect(&w, a.id, CACHE_OP_FAILED, "INSTANCE_NOT_LISTED");
    expect_back(id);
}

Test(ctl_remove, a_remove_that_was_ignored_is_no_success_without_row_and_disk_either)
{
    fake_farm_lose_disk(w.farm, 1);
    world_look(&w);
    struct world_answer a = remove_in_vain();
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "INSTANCE_NOT_LISTED");
    cr_expect(strstr(op->error, "instance 1 any more, but its files are still there"), "%s",
              op->error);
    cache_operation_free(op);
}

Test(ctl_remove, of_what_is_not_known_says_why)
{
    fake_farm_hide_row(w.farm, 1, 1000000);
    for (int i = 0; i < 4; i++)
        world_look(&w);
    struct world_answer a = remove_one(false);
    cr_expect_eq(a.refusal.http_status, 409);
    cr_expect(strstr(a.refusal.detail, "list2 does not show it"), "%s", a.refusal.detail);
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
