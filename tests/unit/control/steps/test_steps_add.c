/* SPDX-License-Identifier: MIT */
#include "ldconsole/verbs/timing.h"
#include "tests/unit/control/world.h"

static struct world w;

static void set_up(void)
{
    world_init(&w);
    fake_farm_put(w.farm, 0, "zero");
    fake_farm_put(w.farm, 1, "one");
    world_open(&w);
}

static void tear_down(void)
{
    world_end(&w);
}

TestSuite(ctl_add, .init = set_up, .fini = tear_down, .timeout = 60);

static struct world_answer create(const char *name)
{
    struct ctl_request r = world_request(&w, CACHE_OP_CREATE, -1);
    r.name = name;
    return world_submit(&w, &r);
}

static void expect_result(const struct cache_operation *op, int index, const char *name)
{
    char *wanted = mem_printf("\"index\":%d,\"name\":\"%s\"", index, name);
    cr_expect(op->result && strstr(op->result, wanted), "%s", op->result);
    mem_free(wanted);
}

/* So many looks that what does not change is believed. */
static void look_often(void)
{
    for (int i = 0; i < LDC_TIMING_DISK_LOOKS; i++)
        world_look(&w);
}

/* Turns until 2, which is ours, is listed and the operation has ended well. A copy is quiet first.
 */
static void expect_two(const struct world_answer *a, const char *name)
{
    const struct cache_operation *open = ctl_engine_find(w.engine, a->id);
    if (open && open->kind == CACHE_OP_CLONE) {
        world_until(&w, world_at(&w, 2));
        world_rest_disks(&w);
    }
    struct cache_operation *op = world_ends(&w, a->id, CACHE_OP_SUCCEEDED, NULL);
    expect_result(op, 2, name);
    cr_expect_str_eq(op->target,
                     op->kind == CACHE_OP_CREATE ? world_at(&w, 2)->id : world_at(&w, 0)->id);
    cache_operation_free(op);
}

Test(ctl_add, creates_one_instance_with_all_that_was_asked)
{
    struct ldc_settings settings = {
        .has_resolution = true, .width = 640, .height = 480, .dpi = 120};
    struct ctl_request r = world_request(&w, CACHE_OP_CREATE, -1);
    settings.values[LDC_SETTING_CPU] = (struct ldc_setting_value){.is_set = true, .number = 4};
    r.name = "mine, with a comma";
    r.settings = &settings;
    r.local = (struct ctl_local){
        .labels = "{\"a\":\"b\"}", .group = "g", .desired = CACHE_DESIRED_STOPPED};
    struct world_answer a = world_submit(&w, &r);
    expect_two(&a, "mine, with a comma");
    const struct cache_instance *i = world_at(&w, 2);
    cr_expect_eq(i->settings.values[LDC_SETTING_CPU].number, 4);
    cr_expect_eq(i->width, 640);
    cr_expect_str_eq(i->labels, "{\"a\":\"b\"}");
    cr_expect_str_eq(i->group, "g");
    cr_expect_eq(i->desired, CACHE_DESIRED_STOPPED);
    cr_expect_str_eq(fake_farm_log(w.farm), "add; modify 2");
}

Test(ctl_add, without_a_name_takes_what_the_vendor_gives)
{
    struct world_answer a = create(NULL);
    expect_two(&a, "LDPlayer-2");
    cr_expect_str_eq(fake_farm_log(w.farm), "add");
}

Test(ctl_add, lying_exit_code_is_seen_through)
{
    fake_farm_answer(w.farm, "add", FARM_LIE);
    struct world_answer a = create(NULL);
    world_until(&w, world_at(&w, 2));
    world_look(&w);
    cr_expect_not_null(ctl_engine_find(w.engine, a.id), "72 may still turn up");
    world_skip(&w, 5000);
    expect_two(&a, "LDPlayer-2");
    cr_expect_eq(fake_farm_count(w.farm, "add"), 1);
}

Test(ctl_add, lying_exit_code_does_not_matter_with_a_name)
{
    fake_farm_answer(w.farm, "add", FARM_LIE);
    struct world_answer a = create("mine");
    expect_two(&a, "mine");
}

/* Somebody else adds an instance by hand at the same moment. */
static void add_by_hand(void *arg, const char *verb)
{
    (void)arg;
    if (strcmp(verb, "add") == 0 || strcmp(verb, "copy") == 0)
        fake_farm_put(w.farm, 5, "by hand");
}

Test(ctl_add, of_two_new_instances_the_one_with_our_name_is_ours)
{
    fake_farm_on_verb(w.farm, add_by_hand, NULL);
    fake_farm_answer(w.farm, "add", FARM_LIE);
    struct world_answer a = create("mine");
    expect_two(&a, "mine");
    cr_expect_str_eq(fake_farm_log(w.farm), "add");
}

Test(ctl_add, of_two_new_instances_the_exit_code_names_ours)
{
    fake_farm_on_verb(w.farm, add_by_hand, NULL);
    struct world_answer a = create(NULL);
    expect_two(&a, "LDPlayer-2");
    cr_expect_str_eq(fake_farm_log(w.farm), "add");
}

static void add_by_hand_without_a_name(void *arg, const char *verb)
{
    (void)arg;
    if (strcmp(verb, "add") == 0)
        fake_farm_put(w.farm, 5, "LDPlayer-5");
}

Test(ctl_add, of_two_new_instances_none_is_guessed)
{
    fake_farm_on_verb(w.farm, add_by_hand_without_a_name, NULL);
    fake_farm_answer(w.farm, "add", FARM_LIE);
    struct world_answer a = create(NULL);
    world_until(&w, world_at(&w, 2));
    world_look(&w);
    world_skip(&w, 16000);
    world_expect(&w, a.id, CACHE_OP_FAILED, "NO_EFFECT");
}

/* The row of ours comes later than that of somebody else's. */
static void add_by_hand_and_hide_ours(void *arg, const char *verb)
{
    bool *is_hidden = arg;
    add_by_hand(NULL, verb);
    if (strcmp(verb, "list2") == 0 && fake_farm_has(w.farm, 0) && !*is_hidden) {
        fake_farm_hide_row(w.farm, 0, 2);
        *is_hidden = true;
    }
}

Test(ctl_add, an_instance_of_somebody_else_is_not_taken_at_once)
{
    fake_farm_drop(w.farm, 0);
    world_look(&w);
    bool is_hidden = false;
    fake_farm_on_verb(w.farm, add_by_hand_and_hide_ours, &is_hidden);
    struct world_answer a = create(NULL);
    world_until(&w, world_at(&w, 5));
    cr_expect_null(world_at(&w, 0));
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    expect_result(op, 0, "LDPlayer");
    cache_operation_free(op);
}

/* Ours never comes, and what somebody else makes meanwhile has the index that was to be ours. */
static void expect_theirs_untouched(enum cache_op_kind kind, const char *verb, const char *name)
{
    struct ctl_request r = world_request(&w, kind, kind == CACHE_OP_CLONE ? 0 : -1);
    struct ctl_local local = {.labels = "{\"a\":\"b\"}", .desired = -1};
    r.name = name;
    if (kind == CACHE_OP_CREATE)
        r.local = local;
    fake_farm_answer(w.farm, verb, FARM_IGNORE);
    struct world_answer a = world_submit(&w, &r);
    world_until(&w, fake_farm_count(w.farm, verb) == 1);
    world_look(&w);
    fake_farm_put(w.farm, 2, "theirs");
    world_until(&w, world_at(&w, 2));
    world_skip(&w, 16000);
    world_skip(&w, 1201000);
    if (kind == CACHE_OP_CREATE)
        world_expect(&w, a.id, CACHE_OP_FAILED, "NO_EFFECT");
    else
        world_expect(&w, a.id, CACHE_OP_TIMED_OUT, "OPERATION_TIMED_OUT");
    cr_expect_str_eq(world_at(&w, 2)->name, "theirs");
    cr_expect_str_eq(world_at(&w, 2)->labels, "{}");
    cr_expect_eq(fake_farm_count(w.farm, "rename"), 0);
}

Test(ctl_add, what_somebody_else_named_is_never_ours)
{
    expect_theirs_untouched(CACHE_OP_CREATE, "add", "mine");
}

Test(ctl_add, what_somebody_else_named_is_not_ours_without_a_name_either)
{
    expect_theirs_untouched(CACHE_OP_CREATE, "add", NULL);
}

Test(ctl_add, what_somebody_else_named_is_no_clone_of_ours)
{
    expect_theirs_untouched(CACHE_OP_CLONE, "copy", "mine");
}

static void add_twin_by_hand(void *arg, const char *verb)
{
    (void)arg;
    if (strcmp(verb, "add") == 0)
        fake_farm_put(w.farm, 5, "mine");
}

Test(ctl_add, of_two_with_our_name_the_exit_code_names_ours)
{
    fake_farm_put(w.farm, 3, "three");
    fake_farm_put(w.farm, 4, "four");
    world_look(&w);
    fake_farm_on_verb(w.farm, add_twin_by_hand, NULL);
    struct world_answer a = create("mine");
    expect_two(&a, "mine");
}

/* Somebody removes an instance by hand before ldconsole chooses an index. */
static void free_index_one(void *arg, const char *verb)
{
    (void)arg;
    if ((strcmp(verb, "add") == 0 || strcmp(verb, "copy") == 0) && fake_farm_has(w.farm, 1))
        fake_farm_drop(w.farm, 1);
}

Test(ctl_add, an_index_that_was_freed_meanwhile_may_be_given_to_ours)
{
    char old[UUID_SIZE];
    strcpy(old, world_at(&w, 1)->id);
    fake_farm_on_verb(w.farm, free_index_one, NULL);
    struct world_answer a = create("mine");
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    expect_result(op, 1, "mine");
    cr_expect_str_neq(op->target, old);
    cache_operation_free(op);
}

Test(ctl_add, an_index_that_was_freed_meanwhile_may_be_given_to_a_clone)
{
    struct ctl_request r = world_request(&w, CACHE_OP_CLONE, 0);
    r.name = "mine";
    fake_farm_on_verb(w.farm, free_index_one, NULL);
    struct world_answer a = world_submit(&w, &r);
    world_until(&w, world_at(&w, 1) && strcmp(world_at(&w, 1)->name, "mine") == 0);
    world_rest_disks(&w);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    expect_result(op, 1, "mine");
    cache_operation_free(op);
}

/* ldconsole says 2 and does nothing, and somebody makes one of that index then. */
Test(ctl_add, what_somebody_adds_after_an_add_that_was_ignored_is_not_ours)
{
    fake_farm_answer(w.farm, "add", FARM_IGNORE);
    struct world_answer a = create("mine");
    world_until(&w, fake_farm_count(w.farm, "add") == 1);
    world_look(&w);
    uv_sleep(50); /* the file system's clock moves on */
    fake_farm_put(w.farm, 2, "LDPlayer-2");
    world_look(&w);
    world_skip(&w, 16000);
    world_expect(&w, a.id, CACHE_OP_FAILED, "NO_EFFECT");
    cr_expect_str_eq(fake_farm_log(w.farm), "add");
}

Test(ctl_add, ignored_add_has_no_effect)
{
    fake_farm_answer(w.farm, "add", FARM_IGNORE);
    struct world_answer a = create("mine");
    world_until(&w, fake_farm_count(w.farm, "add") == 1);
    world_look(&w);
    world_skip(&w, 16000);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "NO_EFFECT");
    cr_expect(strstr(op->error, "add --name mine: ldconsole ended with exit code "), "%s",
              op->error);
    cr_expect(strstr(op->error, "printed nothing"), "%s", op->error);
    cache_operation_free(op);
    cr_expect_eq(fake_farm_count(w.farm, "add"), 1);
}

Test(ctl_add, refused_add_fails)
{
    fake_farm_answer(w.farm, "add", FARM_PARAMETER);
    struct world_answer a = create("mine");
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "LDCONSOLE_PARAMETER_ERROR");
    cr_expect(strstr(op->error, "\"retryable\":false"), "%s", op->error);
    cr_expect_str_empty(op->target);
    cache_operation_free(op);
}

/* A failing later step leaves the instance and names it. */
Test(ctl_add, failing_modify_leaves_the_instance)
{
    struct ldc_settings settings = {0};
    struct ctl_request r = world_request(&w, CACHE_OP_CREATE, -1);
    settings.values[LDC_SETTING_CPU] = (struct ldc_setting_value){.is_set = true, .number = 4};
    r.settings = &settings;
    r.local.labels = "{\"a\":\"b\"}";
    fake_farm_answer(w.farm, "modify", FARM_PARAMETER);
    struct world_answer a = world_submit(&w, &r);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "LDCONSOLE_PARAMETER_ERROR");
    cr_expect_str_eq(op->target, world_at(&w, 2)->id);
    cr_expect(strstr(op->error, "instance 2 ('LDPlayer-2', "), "%s", op->error);
    cr_expect(strstr(op->error, "is there; not done: modifying, writing labels; ran: "), "%s",
              op->error);
    cache_operation_free(op);
}

Test(ctl_add, a_new_instance_belongs_to_its_create_until_that_ends)
{
    struct ldc_settings settings = {0};
    struct ctl_request r = world_request(&w, CACHE_OP_CREATE, -1);
    settings.values[LDC_SETTING_CPU] = (struct ldc_setting_value){.is_set = true, .number = 4};
    r.settings = &settings;
    fake_farm_answer(w.farm, "modify", FARM_HANG);
    struct world_answer create_answer = world_submit(&w, &r);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    cr_expect(ctl_engine_is_busy(w.engine, world_at(&w, 2)->id));
    struct world_answer start_answer = world_do(&w, CACHE_OP_START, 2);
    world_settle(&w);
    cr_expect_eq(fake_farm_count(w.farm, "launch"), 0);
    cr_expect_eq(ctl_engine_find(w.engine, start_answer.id)->status, CACHE_OP_QUEUED);
    ctl_engine_cancel(w.engine, create_answer.id, "tester");
    world_expect(&w, create_answer.id, CACHE_OP_CANCELLED, "CANCELLED");
    world_expect(&w, start_answer.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_not(ctl_engine_is_busy(w.engine, world_at(&w, 2)->id));
}

Test(ctl_add, what_turns_up_while_add_runs_waits_until_it_is_known_whose_it_is)
{
    fake_farm_answer(w.farm, "add", FARM_HANG);
    struct world_answer a = create("mine");
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    fake_farm_put(w.farm, 2, "mine");
    fake_farm_put(w.farm, 3, "somebody's");
    world_look(&w);
    struct world_answer mine = world_do(&w, CACHE_OP_START, 2);
    struct world_answer other = world_do(&w, CACHE_OP_START, 3);
    struct world_answer old = world_do(&w, CACHE_OP_START, 0);
    world_expect(&w, old.id, CACHE_OP_SUCCEEDED, NULL);
    world_settle(&w);
    cr_expect_eq(fake_farm_count(w.farm, "launch"), 1, "only what was there before");
    fake_farm_end_hung(w.farm, RUN_EXITED);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    world_expect(&w, mine.id, CACHE_OP_SUCCEEDED, NULL);
    world_expect(&w, other.id, CACHE_OP_SUCCEEDED, NULL);
}

/* As soon as the new instance is seen, and before its create has recognised it. */
static void start_two(void *arg, int status)
{
    (void)status;
    if (!world_at(&w, 2)) {
        (void)ctl_observer_want(w.observer, 0, start_two, arg);
        return;
    }
    struct ctl_request r = world_request(&w, CACHE_OP_START, 2);
    ctl_engine_submit(w.engine, &r, world_on_accept, arg);
}

Test(ctl_add, whoever_is_quicker_than_the_create_waits_for_it)
{
    struct ldc_settings settings = {0};
    struct ctl_request r = world_request(&w, CACHE_OP_CREATE, -1);
    settings.values[LDC_SETTING_CPU] = (struct ldc_setting_value){.is_set = true, .number = 4};
    r.settings = &settings;
    fake_farm_answer(w.farm, "modify", FARM_HANG);
    struct world_answer b = {0}, a = world_submit(&w, &r);
    (void)ctl_observer_want(w.observer, 0, start_two, &b);
    world_until(&w, b.is_there && fake_farm_n_hung(w.farm) == 1);
    world_settle(&w);
    cr_expect_eq(fake_farm_count(w.farm, "launch"), 0);
    ctl_engine_cancel(w.engine, a.id, "tester");
    world_expect(&w, a.id, CACHE_OP_CANCELLED, "CANCELLED");
    world_expect(&w, b.id, CACHE_OP_SUCCEEDED, NULL);
}

/* --- clone --- */

static struct world_answer clone_zero(const char *name)
{
    struct ctl_request r = world_request(&w, CACHE_OP_CLONE, 0);
    r.name = name;
    return world_submit(&w, &r);
}

Test(ctl_add, clones_a_stopped_instance)
{
    struct world_answer a = clone_zero("copy");
    expect_two(&a, "copy");
    cr_expect_str_eq(fake_farm_log(w.farm), "copy 0");
    cr_expect_str_neq(world_at(&w, 2)->id, world_at(&w, 0)->id);
}

Test(ctl_add, clone_waits_long_for_its_row)
{
    fake_farm_answer(w.farm, "copy", FARM_IGNORE);
    struct world_answer a = clone_zero("copy");
    world_until(&w, fake_farm_count(w.farm, "copy") == 1);
    world_look(&w);
    world_skip(&w, 600000);
    cr_expect_not_null(ctl_engine_find(w.engine, a.id));
    fake_farm_put(w.farm, 2, "copy");
    expect_two(&a, "copy");
    cr_expect_eq(fake_farm_count(w.farm, "copy"), 1);
}

Test(ctl_add, clone_without_effect_times_out)
{
    fake_farm_answer(w.farm, "copy", FARM_IGNORE);
    struct world_answer a = clone_zero("copy");
    world_until(&w, fake_farm_count(w.farm, "copy") == 1);
    world_look(&w);
    world_skip(&w, 1201000);
    world_expect(&w, a.id, CACHE_OP_TIMED_OUT, "OPERATION_TIMED_OUT");
}

Test(ctl_add, clone_of_what_runs_is_refused)
{
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_look(&w);
    struct world_answer a = clone_zero("copy");
    cr_expect_eq(a.refusal.http_status, 409);
    cr_expect_str_eq(a.refusal.code, "INSTANCE_NOT_STOPPED");
}

Test(ctl_add, clone_of_what_was_started_meanwhile_fails)
{
    struct ctl_request r = world_request(&w, CACHE_OP_CLONE, 0);
    struct world_answer a = {0};
    fake_farm_set(w.farm, 0, 1, 100, 101);
    fake_clock_skip(1000);
    ctl_engine_submit(w.engine, &r, world_on_accept, &a);
    world_until(&w, a.is_there);
    world_expect(&w, a.id, CACHE_OP_FAILED, "INSTANCE_NOT_STOPPED");
    cr_expect_eq(fake_farm_count(w.farm, "copy"), 0);
}

/* --- the disks of a clone, which has 4 bytes when it is whole --- */

/* Lets the copy come to the point where its row is there and so much of its disk. */
static struct world_answer begin_clone(int n_bytes)
{
    fake_farm_answer(w.farm, "copy", FARM_LATE_DISK);
    struct world_answer a = clone_zero("copy");
    world_until(&w, world_at(&w, 2));
    if (n_bytes > 0)
        fake_farm_grow_disk(w.farm, 2, n_bytes);
    look_often();
    cr_expect_not_null(ctl_engine_find(w.engine, a.id), "a row is no clone");
    return a;
}

Test(ctl_add, clone_is_done_when_its_disk_is_as_large_as_the_source)
{
    struct world_answer a = begin_clone(0);
    for (int n = 1; n < 4; n++) {
        fake_farm_grow_disk(w.farm, 2, n);
        look_often();
        cr_expect_not_null(ctl_engine_find(w.engine, a.id), "%d bytes of 4", n);
    }
    fake_farm_grow_disk(w.farm, 2, 4);
    expect_two(&a, "copy");
}

/* Each look sees another part of it. */
static void grow_at_each_look(void *arg, const char *verb)
{
    int *n_bytes = arg;
    if (strcmp(verb, "list2") == 0)
        fake_farm_grow_disk(w.farm, 2, *n_bytes = *n_bytes % 3 + 1);
}

/* CopyFile gives a file its size before it writes it. */
Test(ctl_add, clone_that_is_written_to_is_not_done_however_large_it_is)
{
    struct world_answer a = begin_clone(4);
    for (int i = 0; i < 3; i++) {
        world_skip(&w, LDC_TIMING_DISK_QUIET_MS / 2);
        fake_farm_grow_disk(w.farm, 2, 4);
        look_often();
        cr_expect_not_null(ctl_engine_find(w.engine, a.id), "it was written to just now");
    }
    expect_two(&a, "copy");
}

Test(ctl_add, what_is_written_to_for_ever_keeps_nobody_out_for_ever)
{
    int n_bytes = 1;
    struct ctl_waiting waiting;
    fake_farm_put(w.farm, 2, "by hand");
    fake_farm_on_verb(w.farm, grow_at_each_look, &n_bytes);
    look_often();
    struct world_answer a = create(NULL), b = world_do(&w, CACHE_OP_START, 2);
    world_settle(&w);
    cr_assert(ctl_engine_waiting(w.engine, a.id, &waiting));
    cr_expect_str_eq(waiting.instance, world_at(&w, 2)->id);
    cr_expect(strstr(waiting.detail, "'by hand' are still written to"), "%s", waiting.detail);
    cr_expect_eq(fake_farm_count(w.farm, "add") + fake_farm_count(w.farm, "launch"), 0);
    world_skip(&w, LDC_TIMING_MAKING_MS);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(fake_farm_count(w.farm, "add"), 1);
    (void)b;
}

Test(ctl_add, clone_that_becomes_larger_is_done_when_it_has_long_stopped_growing)
{
    fake_farm_grow_disk(w.farm, 0, 3);
    world_look(&w);
    struct world_answer a = begin_clone(4);
    expect_two(&a, "copy");
}

Test(ctl_add, clone_that_stays_smaller_than_its_source_is_no_success)
{
    struct world_answer a = begin_clone(3);
    world_skip(&w, LDC_TIMING_DISK_QUIET_MS);
    look_often();
    cr_expect_not_null(ctl_engine_find(w.engine, a.id), "however quiet it is");
    world_skip(&w, 1201000);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_TIMED_OUT, "OPERATION_TIMED_OUT");
    cr_expect(strstr(op->error, "instance 2 ('copy', "), "%s", op->error);
    cr_expect(strstr(op->error, "1 of 1 disks, 3 of 4 bytes"), "%s", op->error);
    cache_operation_free(op);
}

Test(ctl_add, clone_that_is_growing_keeps_out_what_races_for_indexes)
{
    struct world_answer a = begin_clone(2), b = create("other");
    world_settle(&w);
    cr_expect_eq(fake_farm_count(w.farm, "add"), 0);
    fake_farm_grow_disk(w.farm, 2, 4);
    expect_two(&a, "copy");
    world_expect(&w, b.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "copy 0; add");
}

Test(ctl_add, clone_that_is_growing_is_not_started)
{
    struct world_answer a = begin_clone(2), b = world_do(&w, CACHE_OP_START, 2);
    world_settle(&w);
    cr_expect_eq(fake_farm_count(w.farm, "launch"), 0);
    fake_farm_grow_disk(w.farm, 2, 4);
    expect_two(&a, "copy");
    world_expect(&w, b.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "copy 0; launch 2");
}

/* Nobody waits for it any more, and yet LDPlayer is at work on it. */
Test(ctl_add, clone_that_was_cancelled_and_goes_on_behind_is_waited_for_all_the_same)
{
    int n_bytes = 1;
    struct world_answer a = begin_clone(1);
    fake_farm_on_verb(w.farm, grow_at_each_look, &n_bytes);
    ctl_engine_cancel(w.engine, a.id, "tester");
    world_expect(&w, a.id, CACHE_OP_CANCELLED, "CANCELLED");
    look_often();
    struct world_answer add = create("other"), start = world_do(&w, CACHE_OP_START, 2);
    for (int i = 0; i < 10; i++)
        world_look(&w);
    cr_expect_str_eq(fake_farm_log(w.farm), "copy 0");
    fake_farm_on_verb(w.farm, NULL, NULL);
    world_rest_disks(&w);
    world_expect(&w, add.id, CACHE_OP_SUCCEEDED, NULL);
    world_expect(&w, start.id, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_add, clone_that_was_cancelled_and_is_written_to_for_ever_is_not_waited_for_so_long)
{
    int n_bytes = 1;
    struct world_answer a = begin_clone(1);
    fake_farm_on_verb(w.farm, grow_at_each_look, &n_bytes);
    ctl_engine_cancel(w.engine, a.id, "tester");
    world_expect(&w, a.id, CACHE_OP_CANCELLED, "CANCELLED");
    struct world_answer add = create("other");
    look_often();
    cr_expect_eq(fake_farm_count(w.farm, "add"), 0);
    world_skip(&w, LDC_TIMING_MAKING_MS);
    world_expect(&w, add.id, CACHE_OP_SUCCEEDED, NULL);
}

static struct world_answer cancel(const struct world_answer *a)
{
    ctl_engine_cancel(w.engine, a->id, "tester");
    world_expect(&w, a->id, CACHE_OP_CANCELLED, "CANCELLED");
    return create("other");
}

static void expect_no_add(void)
{
    look_often();
    world_settle(&w);
    cr_expect_eq(fake_farm_count(w.farm, "add"), 0);
}

Test(ctl_add, clone_that_was_cancelled_before_its_disk_came_is_waited_for)
{
    struct world_answer a = begin_clone(0), b = cancel(&a);
    expect_no_add();
    fake_farm_grow_disk(w.farm, 2, 2);
    expect_no_add();
    fake_farm_grow_disk(w.farm, 2, 4);
    expect_no_add();
    world_skip(&w, LDC_TIMING_DISK_QUIET_MS);
    world_expect(&w, b.id, CACHE_OP_SUCCEEDED, NULL);
}

/* Returns an add that was asked for behind it. */
static struct world_answer cancel_before_its_row_comes(void)
{
    fake_farm_answer(w.farm, "copy", FARM_IGNORE);
    struct world_answer a = clone_zero("copy");
    world_until(&w, fake_farm_count(w.farm, "copy") == 1);
    world_look(&w);
    return cancel(&a);
}

Test(ctl_add, clone_that_was_cancelled_before_its_row_came_is_waited_for)
{
    struct world_answer b = cancel_before_its_row_comes();
    expect_no_add();
    fake_farm_put(w.farm, 2, "copy");
    expect_no_add();
    world_skip(&w, LDC_TIMING_DISK_QUIET_MS);
    world_expect(&w, b.id, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_add, clone_that_was_cancelled_and_never_comes_is_not_waited_for_for_ever)
{
    struct world_answer b = cancel_before_its_row_comes();
    expect_no_add();
    world_skip(&w, LDC_TIMING_LEFT_ROW_MS);
    world_expect(&w, b.id, CACHE_OP_SUCCEEDED, NULL);
}

/* Our own deadline ended the child, and the work behind it, or not. */
static struct world_answer kill_clone(int n_bytes)
{
    fake_farm_answer(w.farm, "copy", FARM_HANG);
    struct world_answer a = clone_zero("copy");
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    fake_farm_put(w.farm, 2, "copy");
    fake_farm_grow_disk(w.farm, 2, n_bytes);
    fake_farm_end_hung(w.farm, RUN_TIMED_OUT);
    world_until(&w, world_at(&w, 2));
    look_often();
    return a;
}

Test(ctl_add, clone_that_was_killed_is_no_success_by_its_row)
{
    struct world_answer a = kill_clone(3);
    cr_expect_not_null(ctl_engine_find(w.engine, a.id), "it may go on behind");
    world_skip(&w, LDC_TIMING_DISK_QUIET_MS);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "LDCONSOLE_TIMED_OUT");
    cr_expect(strstr(op->error, "1 of 1 disks, 3 of 4 bytes"), "%s", op->error);
    cache_operation_free(op);
}

Test(ctl_add, clone_that_was_killed_and_is_whole_all_the_same_is_a_success)
{
    struct world_answer a = kill_clone(3);
    fake_farm_grow_disk(w.farm, 2, 4);
    expect_two(&a, "copy");
}

/* By hand, for instance. */
Test(ctl_add, what_has_no_disk_yet_is_not_started_before_it_has_or_will_have_none)
{
    fake_farm_put(w.farm, 2, "new");
    fake_farm_lose_disk(w.farm, 2);
    world_until(&w, world_at(&w, 2));
    look_often();
    struct world_answer a = world_do(&w, CACHE_OP_START, 2);
    world_settle(&w);
    cr_expect_eq(fake_farm_count(w.farm, "launch"), 0);
    fake_farm_grow_disk(w.farm, 2, 4);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    fake_farm_put(w.farm, 3, "bare");
    fake_farm_lose_disk(w.farm, 3);
    world_until(&w, world_at(&w, 3));
    (void)world_do(&w, CACHE_OP_START, 3);
    world_skip(&w, LDC_TIMING_LATE_DISK_MS);
    world_until(&w, fake_farm_count(w.farm, "launch") == 2);
}

/* It is by its disk that it is known from the next one that gets its index. */
Test(ctl_add, create_ends_when_the_disk_of_the_new_one_is_known)
{
    fake_farm_answer(w.farm, "add", FARM_LATE_DISK);
    struct world_answer a = create("mine");
    world_until(&w, world_at(&w, 2));
    look_often();
    world_settle(&w);
    cr_expect_not_null(ctl_engine_find(w.engine, a.id), "it has none yet");
    cr_expect_str_empty(world_at(&w, 2)->disk_id);
    fake_farm_grow_disk(w.farm, 2, 1);
    expect_two(&a, "mine");
    cr_expect_str_not_empty(world_at(&w, 2)->disk_id);
}

Test(ctl_add, create_of_one_that_gets_no_disk_ends_all_the_same)
{
    fake_farm_answer(w.farm, "add", FARM_LATE_DISK);
    struct world_answer a = create("mine");
    world_until(&w, world_at(&w, 2));
    world_skip(&w, LDC_TIMING_LATE_DISK_MS);
    expect_two(&a, "mine");
}

Test(ctl_add, create_waits_for_no_disk_where_none_is_seen)
{
    tear_down();
    world_init(&w);
    fake_farm_put(w.farm, 0, "zero");
    fake_farm_put(w.farm, 1, "one");
    fake_farm_lose_disk(w.farm, 0);
    fake_farm_lose_disk(w.farm, 1);
    world_open(&w);
    fake_farm_answer(w.farm, "add", FARM_LATE_DISK);
    struct world_answer a = create("mine");
    expect_two(&a, "mine");
}
