/* SPDX-License-Identifier: MIT */
/* What a former process left of an operation, step by step: what was not marked runs, what was
 * marked is never issued again, and its effect decides. */
#include "base/memory/cleanup.h"
#include "control/jobs/request.h"
#include "tests/unit/control/world.h"

static struct world w;

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

TestSuite(ctl_engine_recover, .init = set_up, .fini = tear_down, .timeout = 60);

static unsigned n_launches(void)
{
    return fake_farm_count(w.farm, "launch");
}

struct left {
    enum cache_op_kind kind;
    enum cache_op_status status;
    int step;
    bool is_issued;
};

static int compare_keys(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Leaves an operation on instance 1 (none for create), and does DO_BETWEEN while no service
 * runs. */
static char *leave(const struct left *left, const struct ctl_request *request,
                   void (*do_between)(void))
{
    struct cache_operation *op = cache_operation_new(left->kind);
    const struct cache_instance *i = world_at(&w, 1);
    if (left->kind != CACHE_OP_CREATE)
        strcpy(op->target, i->id);
    op->status = left->status;
    op->step_index = left->step;
    op->step_issued = left->is_issued;
    op->started_at = left->status == CACHE_OP_RUNNING ? clock_wall_ms() : 0;
    op->requested_by = mem_strdup("former");
    mem_free(op->params);
    op->params = ctl_request_write(request);
    mem_free(op->memo);
    uint32_t known[3];
    for (int n = 0; n < 3; n++)
        known[n] = (uint32_t)strtoul(world_at(&w, n)->id, NULL, 16);
    qsort(known, countof(known), sizeof(*known), compare_keys);
    op->memo = mem_printf("{\"subject\":\"%s\",\"subject_index\":1,\"known\":[%u,%u,%u]}",
                          left->kind == CACHE_OP_CREATE ? "" : i->id, known[0], known[1], known[2]);
    char *id = mem_strdup(op->id);
    world_close(&w);
    world_leave(&w, op);
    if (do_between)
        do_between();
    world_open(&w);
    return id;
}

static void expect_and_free(char *id, enum cache_op_status status, const char *code)
{
    world_expect(&w, id, status, code);
    mem_free(id);
}

/* Nothing happens until the step's patience is over. */
static void expect_interrupted(char *id, uint64_t patience_ms)
{
    world_look(&w);
    world_look(&w);
    cr_expect_not_null(ctl_engine_find(w.engine, id));
    world_skip(&w, patience_ms + 1000);
    expect_and_free(id, CACHE_OP_INTERRUPTED, "INTERRUPTED");
}

static const struct ctl_request plain = {.local = {.desired = -1}, .requested_by = "former"};

static void bring_up(void)
{
    fake_farm_set(w.farm, 1, 1, 100, 101);
}

Test(ctl_engine_recover, left_before_the_mark_runs)
{
    static const struct left cases[] = {
        {CACHE_OP_START, CACHE_OP_QUEUED, 0, false},
        {CACHE_OP_START, CACHE_OP_RUNNING, 0, false},
        {CACHE_OP_START, CACHE_OP_WAITING_FOR_SESSION, 0, false},
    };
    for (size_t n = 0; n < countof(cases); n++) {
        expect_and_free(leave(&cases[n], &plain, NULL), CACHE_OP_SUCCEEDED, NULL);
        cr_expect_eq(n_launches(), n + 1);
        fake_farm_set(w.farm, 1, 0, -1, -1);
    }
}

Test(ctl_engine_recover, left_after_the_launch_succeeds_when_it_is_up)
{
    static const struct left left = {CACHE_OP_START, CACHE_OP_RUNNING, 0, true};
    expect_and_free(leave(&left, &plain, bring_up), CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 0);
}

Test(ctl_engine_recover, left_after_the_launch_is_interrupted_when_nothing_shows)
{
    static const struct left left = {CACHE_OP_START, CACHE_OP_RUNNING, 0, true};
    expect_interrupted(leave(&left, &plain, NULL), 30000);
    cr_expect_eq(n_launches(), 0);
}

Test(ctl_engine_recover, left_while_waiting_goes_on_waiting)
{
    static const struct left left = {CACHE_OP_START, CACHE_OP_RUNNING, 1, false};
    expect_and_free(leave(&left, &plain, bring_up), CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 0);
}

Test(ctl_engine_recover, left_after_quit_succeeds_when_it_is_off)
{
    static const struct left left = {CACHE_OP_STOP, CACHE_OP_RUNNING, 0, true};
    expect_and_free(leave(&left, &plain, NULL), CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(fake_farm_count(w.farm, "quit"), 0);
}

Test(ctl_engine_recover, left_after_quit_goes_on_with_the_second_quit)
{
    static const struct left left = {CACHE_OP_STOP, CACHE_OP_RUNNING, 0, true};
    char *id = leave(&left, &plain, bring_up);
    world_settle(&w);
    cr_expect_eq(fake_farm_count(w.farm, "quit"), 0);
    world_skip(&w, 22000);
    expect_and_free(id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(fake_farm_count(w.farm, "quit"), 1);
}

Test(ctl_engine_recover, left_after_the_second_quit_sends_no_third)
{
    static const struct left left = {CACHE_OP_STOP, CACHE_OP_RUNNING, 1, true};
    char *id = leave(&left, &plain, bring_up);
    world_look(&w);
    world_skip(&w, 22000);
    expect_and_free(id, CACHE_OP_FAILED, "QUIT_IGNORED");
    cr_expect_eq(fake_farm_count(w.farm, "quit"), 0);
}

Test(ctl_engine_recover, left_after_the_launch_of_a_restart_launches_nothing)
{
    static const struct left left = {CACHE_OP_RESTART, CACHE_OP_RUNNING, 3, true};
    expect_and_free(leave(&left, &plain, bring_up), CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "");
}

static void add_mine(void)
{
    fake_farm_put(w.farm, 3, "LDPlayer-3");
}

static void add_theirs(void)
{
    fake_farm_put(w.farm, 3, "theirs");
}

static void copy_mine(void)
{
    fake_farm_put(w.farm, 3, "one-3");
}

Test(ctl_engine_recover, left_after_add_takes_what_is_new)
{
    static const struct left left = {CACHE_OP_CREATE, CACHE_OP_RUNNING, 0, true};
    char *id = leave(&left, &plain, add_mine);
    struct cache_operation *op = world_ends(&w, id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(op->target, world_at(&w, 3)->id);
    cache_operation_free(op);
    mem_free(id);
    cr_expect_eq(fake_farm_count(w.farm, "add"), 0);
}

Test(ctl_engine_recover, left_after_add_does_not_take_what_somebody_else_made)
{
    static const struct left left = {CACHE_OP_CREATE, CACHE_OP_RUNNING, 0, true};
    expect_interrupted(leave(&left, &plain, add_theirs), 15000);
    cr_expect_str_eq(world_at(&w, 3)->name, "theirs");
}

Test(ctl_engine_recover, left_after_add_is_interrupted_when_nothing_is_new)
{
    static const struct left left = {CACHE_OP_CREATE, CACHE_OP_RUNNING, 0, true};
    expect_interrupted(leave(&left, &plain, NULL), 15000);
    cr_expect_eq(fake_farm_count(w.farm, "add"), 0);
}

Test(ctl_engine_recover, left_after_copy_is_interrupted_when_nothing_is_new_for_long)
{
    static const struct left left = {CACHE_OP_CLONE, CACHE_OP_RUNNING, 0, true};
    expect_interrupted(leave(&left, &plain, NULL), 1200000);
    cr_expect_eq(fake_farm_count(w.farm, "copy"), 0);
}

Test(ctl_engine_recover, left_after_copy_takes_what_is_new)
{
    static const struct left left = {CACHE_OP_CLONE, CACHE_OP_RUNNING, 0, true};
    char *id = leave(&left, &plain, copy_mine);
    world_rest_disks(&w);
    expect_and_free(id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(fake_farm_count(w.farm, "copy"), 0);
}

static void change_cpu(void)
{
    fake_farm_write_config(w.farm, 1, "{\"advancedSettings.cpuCount\":4}");
}

static char *leave_modify(void (*do_between)(void))
{
    static const struct left left = {CACHE_OP_MODIFY, CACHE_OP_RUNNING, 1, true};
    static struct ldc_settings settings;
    struct ctl_request r = plain;
    settings.values[LDC_SETTING_CPU] = (struct ldc_setting_value){.is_set = true, .number = 4};
    r.settings = &settings;
    return leave(&left, &r, do_between);
}

Test(ctl_engine_recover, left_after_modify_succeeds_when_the_file_says_so)
{
    expect_and_free(leave_modify(change_cpu), CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(fake_farm_count(w.farm, "modify"), 0);
}

Test(ctl_engine_recover, left_after_modify_is_interrupted_when_it_does_not)
{
    expect_interrupted(leave_modify(NULL), 5000);
    cr_expect_eq(fake_farm_count(w.farm, "modify"), 0);
}

Test(ctl_engine_recover, left_after_rename_is_interrupted_when_nothing_shows)
{
    static const struct left left = {CACHE_OP_RENAME, CACHE_OP_RUNNING, 0, true};
    struct ctl_request r = plain;
    r.name = "other";
    expect_interrupted(leave(&left, &r, NULL), 5000);
    cr_expect_eq(fake_farm_count(w.farm, "rename"), 0);
}

static void drop_one(void)
{
    fake_farm_drop(w.farm, 1);
}

/* While the service was down: LDPlayer removed it, and somebody made a new one. */
static void reuse_one(void)
{
    fake_farm_drop(w.farm, 1);
    fake_farm_put(w.farm, 1, "somebody's");
}

static char *leave_remove(void (*do_between)(void))
{
    static const struct left left = {CACHE_OP_REMOVE, CACHE_OP_RUNNING, 3, true};
    return leave(&left, &plain, do_between);
}

Test(ctl_engine_recover, left_after_remove_succeeds_when_it_is_gone)
{
    char *id = leave_remove(drop_one);
    world_look(&w);
    world_skip(&w, 1000);
    expect_and_free(id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(fake_farm_count(w.farm, "remove"), 0);
}

Test(ctl_engine_recover, left_after_remove_spares_who_has_its_number_now)
{
    char *id = leave_remove(reuse_one);
    world_look(&w);
    world_skip(&w, 1000);
    expect_and_free(id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(fake_farm_count(w.farm, "remove"), 0);
    cr_expect(fake_farm_has(w.farm, 1));
}

/* The second remove was issued, so what came back may still go. */
static char *leave_second_remove(void (*do_between)(void))
{
    static const struct left left = {CACHE_OP_REMOVE, CACHE_OP_RUNNING, 4, true};
    return leave(&left, &plain, do_between);
}

Test(ctl_engine_recover, left_after_the_second_remove_succeeds_when_it_is_gone)
{
    char *id = leave_second_remove(drop_one);
    world_look(&w);
    world_skip(&w, 1000);
    expect_and_free(id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(fake_farm_count(w.farm, "remove"), 0);
}

Test(ctl_engine_recover, left_after_the_second_remove_is_interrupted_when_it_is_still_there)
{
    expect_interrupted(leave_second_remove(reuse_one), 15000);
    cr_expect_eq(fake_farm_count(w.farm, "remove"), 0);
}

Test(ctl_engine_recover, left_after_remove_is_interrupted_when_it_is_still_there)
{
    expect_interrupted(leave_remove(NULL), 15000);
    cr_expect_eq(fake_farm_count(w.farm, "remove"), 0);
}

Test(ctl_engine_recover, left_in_a_step_that_nobody_knows_is_interrupted)
{
    static const struct left cases[] = {{CACHE_OP_START, CACHE_OP_RUNNING, 99, true},
                                        {CACHE_OP_START, CACHE_OP_RUNNING, -1, false},
                                        {CACHE_OP_RENAME, CACHE_OP_RUNNING, 1, false}};
    for (size_t n = 0; n < countof(cases); n++)
        expect_and_free(leave(&cases[n], &plain, NULL), CACHE_OP_INTERRUPTED, "INTERRUPTED");
    cr_expect_str_eq(fake_farm_log(w.farm), "");
}

Test(ctl_engine_recover, a_batch_left_without_its_children_is_interrupted)
{
    struct cache_operation *op = cache_operation_new(CACHE_OP_BATCH);
    char *id = mem_strdup(op->id);
    op->status = CACHE_OP_RUNNING;
    op->requested_by = mem_strdup("former");
    op->n_children = 3;
    op->n_children_ended = 2;
    op->n_children_failed = 1;
    world_close(&w);
    world_leave(&w, op);
    world_open(&w);
    op = world_ends(&w, id, CACHE_OP_INTERRUPTED, "BATCH_INCOMPLETE");
    cr_expect_str_eq(op->result, "{\"total\":3,\"succeeded\":1,\"not_succeeded\":2}");
    cache_operation_free(op);
    mem_free(id);
}
