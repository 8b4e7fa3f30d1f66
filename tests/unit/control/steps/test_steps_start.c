/* SPDX-License-Identifier: MIT */
#include "base/system/fs.h"
#include "ldconsole/verbs/timing.h"
#include "base/text/str.h"
#include "tests/unit/control/world.h"

static struct world w;

static void put_two(void)
{
    world_init(&w);
    fake_farm_put(w.farm, 0, "zero");
    fake_farm_put(w.farm, 1, "one");
}

static void set_up(void)
{
    put_two();
    world_open(&w);
}

static void set_up_seeing(void)
{
    put_two();
    fake_farm_put(w.farm, 2, "a witness");
    fake_farm_set(w.farm, 2, 1, 50, 51);
    fake_farm_show_processes(w.farm, true);
    world_open(&w);
    world_look(&w);
}

static void tear_down(void)
{
    world_end(&w);
}

TestSuite(ctl_start, .init = set_up, .fini = tear_down, .timeout = 60);
TestSuite(ctl_start_seeing, .init = set_up_seeing, .fini = tear_down, .timeout = 60);

static unsigned n_launches(void)
{
    return fake_farm_count(w.farm, "launch");
}

/* Submits a start of 0 and turns until it was launched once and looked at. */
static struct world_answer launch(void)
{
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, n_launches() == 1);
    world_look(&w);
    return a;
}

Test(ctl_start, succeeds_when_android_is_up)
{
    fake_farm_launch_to(w.farm, 2, false);
    struct world_answer a = launch();
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_STARTING);
    fake_farm_set(w.farm, 0, 2, 100, 101);
    world_look(&w);
    world_look(&w);
    cr_expect_eq(ctl_engine_find(w.engine, a.id)->percent, 50);
    cr_expect_eq(ctl_engine_find(w.engine, a.id)->status, CACHE_OP_RUNNING);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(op->percent, 100);
    cr_expect(strstr(op->result, "\"state\":\"running\""), "%s", op->result);
    cr_expect_null(strstr(op->result, "already so"));
    cr_expect(strstr(op->evidence, "launch --index 0"), "%s", op->evidence);
    cr_expect(strstr(op->evidence, "\"state\":\"booting\""), "%s", op->evidence);
    cr_expect_leq(op->created_at, op->started_at);
    cache_operation_free(op);
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 0");
    world_flush(&w);
    cr_expect_str_eq(w.told, "queued running succeeded");
}

Test(ctl_start, of_what_is_up_is_success_with_a_note)
{
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_look(&w);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->result, "it was already so"), "%s", op->result);
    cache_operation_free(op);
    cr_expect_eq(n_launches(), 0);
}

/* What was seen a moment before it was asked for is good enough to launch on, as the effect is
 * looked for; to say that there is nothing to do it is not. */
Test(ctl_start, of_what_has_ended_since_the_last_look_is_no_success_without_a_launch)
{
    world_close(&w);
    w.observing.idle_ms = w.observing.active_ms = 60000; /* nobody looks unless he has to */
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_open(&w);
    world_look(&w);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_RUNNING);
    fake_farm_set(w.farm, 0, 0, -1, -1);
    fake_clock_skip(1);
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 1);
    cr_expect(fake_farm_is_on(w.farm, 0));
}

Test(ctl_start, opens_the_window_as_asked)
{
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    r.window = LDC_WINDOW_HIDDEN;
    struct world_answer a = world_submit(&w, &r);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->evidence, "launch --index 0 --hide"), "%s", op->evidence);
    cache_operation_free(op);

    r = world_request(&w, CACHE_OP_START, 0);
    r.window = LDC_WINDOW_MINIMIZED;
    a = world_submit(&w, &r);
    op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->result, "already so"), "%s", op->result);
    cr_expect(strstr(op->result, "its window stays as it is"), "%s", op->result);
    cache_operation_free(op);
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_start, of_what_is_starting_waits_without_a_second_launch)
{
    fake_farm_set(w.farm, 0, 2, 100, -1);
    world_look(&w);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_look(&w);
    cr_expect_eq(ctl_engine_find(w.engine, a.id)->status, CACHE_OP_RUNNING);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 0);
}

/* Launched and quit by hand. */
Test(ctl_start_seeing, of_what_was_starting_and_has_ended_gives_the_launch_itself)
{
    fake_farm_set(w.farm, 0, 2, 100, -1);
    world_look(&w);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, ctl_engine_find(w.engine, a.id)->status == CACHE_OP_RUNNING);
    fake_farm_set(w.farm, 0, 0, -1, -1);
    fake_farm_set_processes(w.farm, 0, 100, 0);
    world_look(&w);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_STOPPING, "list2 had shown it already");
    cr_expect_eq(n_launches(), 0);
    fake_farm_set_processes(w.farm, 0, 0, 0);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 1);
}

/* That nothing came of the former one is known after it had timed out. */
Test(ctl_start_seeing, behind_a_launch_that_came_to_nothing_gives_its_own)
{
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    fake_farm_answer(w.farm, "launch", FARM_IGNORE);
    r.timeout_ms = 3000;
    struct world_answer a = world_submit(&w, &r);
    world_until(&w, n_launches() == 1);
    world_look(&w);
    world_skip(&w, 3000);
    world_expect(&w, a.id, CACHE_OP_TIMED_OUT, "OPERATION_TIMED_OUT");
    fake_farm_answer(w.farm, "launch", FARM_OBEY);
    world_look(&w);
    a = world_do(&w, CACHE_OP_START, 0);
    world_look(&w);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_STARTING);
    cr_expect_eq(n_launches(), 1);
    world_skip(&w, LDC_TIMING_LAUNCH_LAG_MS);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 2);
}

Test(ctl_start_seeing, waits_for_old_processes_to_end)
{
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_look(&w);
    fake_farm_set(w.farm, 0, 0, -1, -1);
    fake_farm_set_processes(w.farm, 0, 100, 0);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_STOPPING);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_settle(&w);
    cr_expect_eq(n_launches(), 0);
    fake_farm_set_processes(w.farm, 0, 0, 0);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_start_seeing, waiting_for_old_processes_keeps_no_other_from_launching)
{
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_look(&w);
    fake_farm_set(w.farm, 0, 0, -1, -1);
    fake_farm_set_processes(w.farm, 0, 100, 0);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_STOPPING);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_try(&w, CACHE_OP_START, 1, CACHE_OP_SUCCEEDED, NULL);
    fake_farm_set_processes(w.farm, 0, 0, 0);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 1; launch 0");
}

Test(ctl_start, ignored_launch_has_no_effect)
{
    fake_farm_answer(w.farm, "launch", FARM_IGNORE);
    struct world_answer a = launch();
    world_skip(&w, 25000);
    cr_expect_eq(ctl_engine_find(w.engine, a.id)->status, CACHE_OP_RUNNING);
    world_skip(&w, 6000);
    world_expect(&w, a.id, CACHE_OP_FAILED, "NO_EFFECT");
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_start, a_deadline_does_not_pass_unseen)
{
    fake_farm_answer(w.farm, "launch", FARM_IGNORE);
    struct world_answer a = launch();
    fake_farm_answer(w.farm, "list2", FARM_HANG);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    fake_clock_skip(31000);
    for (int i = 0; i < 50; i++)
        world_turn(&w);
    cr_expect_not_null(ctl_engine_find(w.engine, a.id), "nobody has looked since");
    fake_farm_answer(w.farm, "list2", FARM_OBEY);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    fake_farm_end_hung(w.farm, RUN_TIMED_OUT);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_start, refused_launch_fails_with_the_words_of_ldconsole)
{
    fake_farm_answer(w.farm, "launch", FARM_NO_PLAYER);
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_FAILED, "LDCONSOLE_NO_SUCH_PLAYER");
    world_look(&w);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_STOPPED, "nothing is expected any more");
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_start, words_that_mean_no_are_not_believed_when_it_starts_all_the_same)
{
    fake_farm_answer(w.farm, "launch", FARM_LIE);
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_start, missing_ldconsole_fails)
{
    fake_farm_answer(w.farm, "launch", FARM_NOT_STARTED);
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_FAILED, "LDCONSOLE_NOT_STARTED");
}

Test(ctl_start, a_launch_that_hangs_may_still_have_worked)
{
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    fake_farm_end_hung(w.farm, RUN_TIMED_OUT);
    world_look(&w);
    cr_expect_not_null(ctl_engine_find(w.engine, a.id));
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_start, a_launch_that_hangs_and_does_nothing_fails)
{
    fake_farm_answer(w.farm, "launch", FARM_HANG);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    fake_farm_end_hung(w.farm, RUN_TIMED_OUT);
    world_look(&w);
    world_skip(&w, 31000);
    world_expect(&w, a.id, CACHE_OP_FAILED, "LDCONSOLE_TIMED_OUT");
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_start, what_is_stuck_may_still_come_until_the_operations_own_limit)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct world_answer a = launch();
    world_skip(&w, 120000);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_STUCK);
    cr_expect_eq(ctl_engine_find(w.engine, a.id)->status, CACHE_OP_RUNNING);
    world_skip(&w, 61000);
    world_expect(&w, a.id, CACHE_OP_TIMED_OUT, "OPERATION_TIMED_OUT");
}

Test(ctl_start, a_player_that_gets_no_vm_has_failed)
{
    fake_farm_launch_to(w.farm, 2, false);
    struct world_answer a = launch();
    world_skip(&w, 30000);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_STARTING);
    cr_expect_not_null(ctl_engine_find(w.engine, a.id));
    world_skip(&w, 11000);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "START_FAILED");
    cr_expect(strstr(op->error, "waits for its VM for more than 40 s"), "%s", op->error);
    cache_operation_free(op);
}

Test(ctl_start, what_the_vms_log_says_of_a_start_that_failed_is_told)
{
    static const struct {
        const char *log, *words, *retryable;
    } cases[] = {
        {"VD: error VERR_VD_IMAGE_READ_ONLY opening 'data.vmdk'\r\n", "take the attribute",
         "\"retryable\":false"},
        {"VD: error VERR_SHARING_VIOLATION opening 'data.vmdk'\r\n", "held by another",
         "\"retryable\":true"},
        {"all is well\r\n", NULL, "\"retryable\":true"},
    };
    fake_farm_launch_to(w.farm, 1, false);
    for (size_t i = 0; i < countof(cases); i++) {
        fake_farm_write_log(w.farm, 0, cases[i].log);
        struct world_answer a = world_do(&w, CACHE_OP_START, 0);
        struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "START_FAILED");
        cr_expect(strstr(op->error, cases[i].words ? cases[i].words : "START_FAILED"), "%s",
                  op->error);
        cr_expect_eq(strstr(op->error, "log says") != NULL, cases[i].words != NULL, "%s",
                     op->error);
        cr_expect(strstr(op->error, cases[i].retryable), "%s", op->error);
        cache_operation_free(op);
        fake_farm_set(w.farm, 0, 0, -1, -1);
        world_look(&w);
    }
}

static char *copies;

static void set_up_keeping(void)
{
    put_two();
    copies = fs_join(w.folder, "configs");
    w.observing.config_copies = copies;
    world_open(&w);
    world_skip(&w, 1000);
}

static void tear_down_keeping(void)
{
    world_end(&w);
    mem_free(copies);
}

TestSuite(ctl_start_keeping, .init = set_up_keeping, .fini = tear_down_keeping, .timeout = 60);

/* Waits until the file is old enough to be believed. */
static void lose_config(const char *text)
{
    fake_farm_write_config(w.farm, 0, text);
    world_skip(&w, 1000);
    world_look(&w);
}

Test(ctl_start_keeping, a_config_that_was_reset_is_put_back_before_the_launch)
{
    lose_config("{\"statusSettings.isNewPlayer\":true}");
    cr_expect(strstr(world_at(&w, 0)->evidence, "it was reset"), "%s", world_at(&w, 0)->evidence);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->evidence, "; the copy was put back"), "%s", op->evidence);
    cr_expect(strstr(op->result, "; the copy was put back"), "%s", op->result);
    cache_operation_free(op);
    world_look(&w);
    cr_expect_str_eq(world_at(&w, 0)->name, "zero");
    cr_expect_eq(world_heard(&w, "instance.config_restored"), 1);
}

static struct cache_operation *boot_that_resets(enum cache_op_kind kind)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct world_answer a = world_do(&w, kind, 0);
    world_until(&w, n_launches() == 1);
    lose_config("{\"statusSettings.isNewPlayer\":true}");
    fake_farm_set(w.farm, 0, 1, 100, 101);
    return world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_start_keeping, a_boot_that_resets_what_was_put_back_is_told_and_what_helps)
{
    lose_config("{\"statusSettings.isNewPlayer\":true}");
    struct cache_operation *op = boot_that_resets(CACHE_OP_START);
    cr_expect(strstr(op->result, "it was reset (name, "), "%s", op->result);
    cr_expect(strstr(op->result, "again by this boot, after the copy was put back"), "%s",
              op->result);
    cr_expect(strstr(op->result, "stop it and start it once more"), "%s", op->result);
    cr_expect_null(strstr(op->result, "; the copy was put back\""), "%s", op->result);
    cache_operation_free(op);
}

Test(ctl_start_keeping, a_boot_that_resets_is_told_and_nobody_is_blamed)
{
    struct ctl_request r = world_request(&w, CACHE_OP_MODIFY, 0);
    struct ldc_settings settings = {0};
    settings.values[LDC_SETTING_CPU].is_set = true;
    settings.values[LDC_SETTING_CPU].number = 3;
    r.settings = &settings;
    struct world_answer a = world_submit(&w, &r);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    world_skip(&w, 1000);
    struct cache_operation *op = boot_that_resets(CACHE_OP_RESTART);
    cr_expect(strstr(op->result, "it was reset (name, cpu"), "%s", op->result);
    cr_expect(strstr(op->result, "stop it and start it once more"), "%s", op->result);
    cr_expect_null(strstr(op->result, "somebody"), "%s", op->result);
    cache_operation_free(op);
}

/* As if it were written again and again. */
static void keep_config_young(void)
{
    uv_fs_t req;
    double soon_s = (double)clock_wall_ms() / 1000 + 60;
    char *path cleanup(mem_freep) =
        ldc_configs_path(ldc_client_install(w.client)->vms_dir, world_at(&w, 0)->index);
    cr_assert_eq(uv_fs_utime(NULL, &req, path, soon_s, soon_s, NULL), 0);
}

Test(ctl_start_keeping, others_are_launched_while_it_is_up_and_its_config_file_is_waited_for)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    (void)world_do(&w, CACHE_OP_START, 1);
    world_until(&w, n_launches() == 1);
    keep_config_young();
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_until(&w, n_launches() == 2);
    cr_expect_not_null(ctl_engine_find(w.engine, a.id));
    world_skip(&w, LDC_TIMING_CONFIG_EFFECT_MS);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_start_keeping, nothing_is_put_back_while_it_runs)
{
    fake_farm_set(w.farm, 0, 1, 100, 101);
    lose_config("{");
    cr_expect(strstr(world_at(&w, 0)->evidence, "it cannot be read any more"), "%s",
              world_at(&w, 0)->evidence);
    struct ctl_request r = world_request(&w, CACHE_OP_RENAME, 0);
    r.name = "other";
    (void)world_submit(&w, &r);
    world_until(&w, fake_farm_count(w.farm, "rename") == 1);
    cr_expect_eq(world_heard(&w, "instance.config_restored"), 0);
}

static struct world_answer start_by_force(void)
{
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    r.force = true;
    return world_submit(&w, &r);
}

Test(ctl_start, a_config_that_cannot_be_used_is_named_before_the_launch)
{
    fake_farm_write_config(w.farm, 0, "{");
    world_skip(&w, 1000);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "CONFIG_UNUSABLE");
    cr_expect(strstr(op->error, "leidian0.config cannot be used (cannot be parsed"), "%s",
              op->error);
    cr_expect(strstr(op->error, "nothing was launched"), "%s", op->error);
    cr_expect(strstr(op->error, "\"retryable\":false"), "%s", op->error);
    cache_operation_free(op);
    cr_expect_eq(n_launches(), 0);
}

Test(ctl_start, a_config_that_cannot_be_used_is_named_when_a_forced_start_fails)
{
    fake_farm_write_config(w.farm, 0, "{");
    fake_farm_answer(w.farm, "launch", FARM_IGNORE);
    struct world_answer a = start_by_force();
    world_until(&w, n_launches() == 1);
    world_look(&w);
    world_skip(&w, 31000);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "NO_EFFECT");
    cr_expect(strstr(op->error, "config file is cut off"), "%s", op->error);
    cr_expect(strstr(op->error, "\"retryable\":false"), "%s", op->error);
    cache_operation_free(op);
}

Test(ctl_start, a_window_without_vm_fails_at_the_second_look)
{
    fake_farm_launch_to(w.farm, 1, false);
    struct world_answer a = launch();
    world_expect(&w, a.id, CACHE_OP_FAILED, "START_FAILED");
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_ZOMBIE);
}

Test(ctl_start, waits_for_what_somebody_else_starts)
{
    fake_farm_set(w.farm, 1, 2, 200, -1);
    world_look(&w);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_settle(&w);
    cr_expect_eq(n_launches(), 0);
    fake_farm_set(w.farm, 1, 1, 200, 201);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_start, waits_for_another_only_until_that_is_stuck)
{
    fake_farm_set(w.farm, 1, 2, 200, -1);
    world_look(&w);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_settle(&w);
    cr_expect_eq(n_launches(), 0);
    world_skip(&w, 120000);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_start, waits_for_another_whose_row_is_left_out_while_it_boots)
{
    fake_farm_set(w.farm, 1, 2, 200, 201);
    world_look(&w);
    fake_farm_hide_row(w.farm, 1, 1000000);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    for (int i = 0; i < 5; i++)
        world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_BOOTING, "%s", world_at(&w, 1)->reason);
    world_skip(&w, 50000);
    world_look(&w);
    cr_expect_eq(n_launches(), 0);
    world_skip(&w, 70000); /* no boot takes that long */
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_start, waits_for_another_that_was_launched_and_was_not_listed_since)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct ctl_request r = world_request(&w, CACHE_OP_START, 1);
    r.timeout_ms = 1000;
    struct world_answer a = world_submit(&w, &r);
    world_until(&w, n_launches() == 1);
    fake_farm_hide_row(w.farm, 1, 1000000);
    world_skip(&w, 2000);
    world_expect(&w, a.id, CACHE_OP_FAILED, "INSTANCE_NOT_LISTED");
    fake_farm_launch_to(w.farm, 1, true);
    a = world_do(&w, CACHE_OP_START, 0);
    for (int i = 0; i < 5; i++)
        world_look(&w);
    cr_expect_eq(n_launches(), 1);
    fake_farm_hide_row(w.farm, 1, 0);
    fake_farm_set(w.farm, 1, 1, 100, 101);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 2);
}

static void open_settling(bool do_show_processes)
{
    put_two();
    w.limits.timeouts.settle_ms = 10000;
    fake_farm_set(w.farm, 0, 1, 100, 101);
    fake_farm_set(w.farm, 1, 1, 200, 201);
    fake_farm_show_processes(w.farm, do_show_processes);
    world_open(&w);
    world_look(&w);
}

static void set_up_settling(void)
{
    open_settling(true);
}

static void set_up_settling_blind(void)
{
    open_settling(false);
}

TestSuite(ctl_start_settling, .init = set_up_settling, .fini = tear_down, .timeout = 60);
TestSuite(ctl_start_settling_blind, .init = set_up_settling_blind, .fini = tear_down,
          .timeout = 60);

Test(ctl_start_settling_blind, the_tail_of_what_cannot_be_seen_counts_too)
{
    struct world_answer a = world_do(&w, CACHE_OP_RESTART, 0);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_STOPPED);
    world_settle(&w);
    world_skip(&w, 14000);
    cr_expect_eq(n_launches(), 0);
    world_skip(&w, 1500);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "quit 0; launch 0");
}

static void expect_launch_after_10_s(void)
{
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_settle(&w);
    world_skip(&w, 9000);
    cr_expect_eq(n_launches(), 0);
    world_skip(&w, 1100);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_start_settling, what_was_closed_by_hand_is_not_launched_at_once)
{
    fake_farm_set(w.farm, 0, 0, -1, -1);
    world_look(&w);
    expect_launch_after_10_s();
}

/* Somebody may have closed it right before. */
Test(ctl_start_settling, what_is_off_at_the_first_look_is_gone_since_then)
{
    fake_farm_set(w.farm, 0, 0, -1, -1);
    fake_farm_set_processes(w.farm, 0, 0, 0);
    world_look(&w);
    world_close(&w);
    world_open(&w);
    expect_launch_after_10_s();
}

Test(ctl_start_settling, the_time_begins_when_the_last_process_is_gone)
{
    fake_farm_set(w.farm, 0, 0, -1, -1);
    fake_farm_set_processes(w.farm, 0, 100, 0);
    world_look(&w);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_skip(&w, 9000);
    fake_farm_set_processes(w.farm, 0, 0, 0);
    world_look(&w);
    world_skip(&w, 9000);
    cr_expect_eq(n_launches(), 0);
    world_skip(&w, 1100);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
}

static void set_up_patient(void)
{
    put_two();
    w.observing.stuck_ms = 100000000;
    world_open(&w);
}

TestSuite(ctl_start_patient, .init = set_up_patient, .fini = tear_down, .timeout = 60);

Test(ctl_start_patient, slow_start_times_out)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct world_answer a = launch();
    world_skip(&w, 179000);
    cr_expect_not_null(ctl_engine_find(w.engine, a.id));
    world_skip(&w, 2000);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_TIMED_OUT, "OPERATION_TIMED_OUT");
    cr_expect(strstr(op->error, "booting"), "%s", op->error);
    cache_operation_free(op);
}

Test(ctl_start_patient, a_time_out_does_not_pass_unseen)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct world_answer a = launch();
    world_skip(&w, 150000);
    fake_farm_answer(w.farm, "list2", FARM_HANG);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    fake_clock_skip(40000);
    for (int i = 0; i < 100; i++)
        world_turn(&w);
    cr_expect_not_null(ctl_engine_find(w.engine, a.id), "nobody has looked since");
    fake_farm_answer(w.farm, "list2", FARM_OBEY);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    fake_farm_end_hung(w.farm, RUN_TIMED_OUT);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
}

Test(ctl_start_patient, the_time_asked_for_is_the_time_of_all_steps)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    r.until_ready = true;
    r.timeout_ms = 100000;
    struct world_answer a = world_submit(&w, &r);
    world_until(&w, n_launches() == 1);
    world_look(&w);
    world_skip(&w, 60000);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_until(
        &w, str_is_equal(ctl_engine_find(w.engine, a.id)->step, "waiting for the guest to answer"));
    world_skip(&w, 30000);
    cr_expect_not_null(ctl_engine_find(w.engine, a.id));
    world_skip(&w, 11000);
    world_expect(&w, a.id, CACHE_OP_TIMED_OUT, "OPERATION_TIMED_OUT");
}

Test(ctl_start_patient, without_any_look_it_ends_at_last)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct world_answer a = launch();
    fake_farm_answer(w.farm, "list2", FARM_GARBAGE);
    world_until(&w, ctl_observer_verdict(w.observer)->status != 0);
    fake_clock_skip(300000);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_TIMED_OUT, "OPERATION_TIMED_OUT");
    cr_expect(strstr(op->error, "of which no line is an instance"), "%s", op->error);
    cache_operation_free(op);
}

Test(ctl_start, a_repairers_pass_ends_well)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct world_answer a = launch();
    world_skip(&w, 40000);
    fake_farm_set(w.farm, 0, 0, -1, -1);
    world_look(&w);
    world_skip(&w, 25000);
    cr_expect_not_null(ctl_engine_find(w.engine, a.id));
    fake_farm_set(w.farm, 0, 2, 200, 201);
    world_look(&w);
    fake_farm_set(w.farm, 0, 0, -1, -1);
    world_look(&w);
    world_skip(&w, 10000);
    cr_expect_not_null(ctl_engine_find(w.engine, a.id), "it is off for 10 s, not for 35");
    fake_farm_set(w.farm, 0, 1, 200, 201);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_start, a_start_that_falls_back_fails)
{
    fake_farm_launch_to(w.farm, 2, true);
    struct world_answer a = launch();
    world_skip(&w, 40000);
    fake_farm_set(w.farm, 0, 0, -1, -1);
    world_look(&w);
    world_look(&w);
    world_skip(&w, 31000);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "NO_EFFECT");
    cr_expect(strstr(op->error, "came to nothing"), "%s", op->error);
    cache_operation_free(op);
}

Test(ctl_start, of_a_zombie_is_refused_by_the_plan)
{
    fake_farm_set(w.farm, 0, 1, 100, -1);
    world_look(&w);
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_FAILED, "INSTANCE_NOT_STARTABLE");
    cr_expect_eq(n_launches(), 0);
}

Test(ctl_start, of_what_vanishes_fails)
{
    fake_farm_launch_to(w.farm, 2, false);
    struct world_answer a = launch();
    fake_farm_drop(w.farm, 0);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "INSTANCE_GONE");
    cr_expect(strstr(op->error, "\"retryable\":false"), "%s", op->error);
    cache_operation_free(op);
}

Test(ctl_start, of_what_vanished_before_launches_nothing)
{
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    struct world_answer a = {0};
    fake_farm_answer(w.farm, "list2", FARM_HANG);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    fake_clock_skip(1000);
    ctl_engine_submit(w.engine, &r, world_on_accept, &a);
    world_until(&w, a.is_there);
    fake_farm_drop(w.farm, 0);
    fake_farm_answer(w.farm, "list2", FARM_OBEY);
    fake_farm_end_hung(w.farm, RUN_TIMED_OUT);
    world_expect(&w, a.id, CACHE_OP_FAILED, "INSTANCE_GONE");
    cr_expect_eq(n_launches(), 0);
}

/* --- until ready --- */

static void set_up_guests(void)
{
    put_two();
    fake_farm_have(w.farm, "ld");
    world_open(&w);
}

TestSuite(ctl_start_guests, .init = set_up_guests, .fini = tear_down, .timeout = 60);

Test(ctl_start_guests, until_ready_waits_for_the_guest)
{
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    r.until_ready = true;
    struct world_answer a = world_submit(&w, &r);
    world_until(&w, fake_farm_count(w.farm, "ld") > 0);
    world_look(&w);
    cr_expect_not_null(ctl_engine_find(w.engine, a.id));
    fake_farm_let_guests_answer(w.farm, true);
    world_skip(&w, 1000);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->result, "\"state\":\"ready\""), "%s", op->result);
    cache_operation_free(op);
    cr_expect_eq(n_launches(), 1);
}

Test(ctl_start_guests, until_ready_of_what_is_ready_is_already_so)
{
    fake_farm_let_guests_answer(w.farm, true);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_READY);
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    r.until_ready = true;
    struct world_answer a = world_submit(&w, &r);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->result, "already so"), "%s", op->result);
    cache_operation_free(op);
}

/* It is taken for ready until it has missed three questions. */
Test(ctl_start_guests, until_ready_of_what_hangs_since_is_no_success)
{
    fake_farm_let_guests_answer(w.farm, true);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_READY);
    fake_farm_let_guests_answer(w.farm, false);
    unsigned n_asked = fake_farm_count(w.farm, "ld");
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    r.until_ready = true;
    r.timeout_ms = 60000;
    struct world_answer a = world_submit(&w, &r);
    world_until(&w, fake_farm_count(w.farm, "ld") > n_asked);
    world_look(&w);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_READY);
    cr_expect_not_null(ctl_engine_find(w.engine, a.id));
    world_skip(&w, 61000);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_TIMED_OUT, "OPERATION_TIMED_OUT");
    cr_expect(strstr(op->error, "its guest last answered"), "%s", op->error);
    cache_operation_free(op);
}

Test(ctl_start_guests, until_ready_says_that_the_guest_never_answered)
{
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    r.until_ready = true;
    r.timeout_ms = 60000;
    struct world_answer a = world_submit(&w, &r);
    world_until(&w, fake_farm_count(w.farm, "ld") > 0);
    world_look(&w);
    world_skip(&w, 61000);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_TIMED_OUT, "OPERATION_TIMED_OUT");
    cr_expect(strstr(op->error, "its guest has not answered any of"), "%s", op->error);
    cache_operation_free(op);
}

/* --- until ready through adb --- */

static void set_up_adb(void)
{
    put_two();
    fake_farm_have(w.farm, "adb");
    fake_farm_write_config(w.farm, 0, "{\"basicSettings.adbDebug\": 0}");
    fake_farm_write_config(w.farm, 1, "{\"basicSettings.adbDebug\": 1}");
    world_open(&w);
    world_look(&w);
}

TestSuite(ctl_start_adb, .init = set_up_adb, .fini = tear_down, .timeout = 60);

Test(ctl_start_adb, until_ready_without_a_way_into_the_guest_is_refused_at_once)
{
    enum cache_op_kind kinds[] = {CACHE_OP_START, CACHE_OP_RESTART};
    for (size_t i = 0; i < countof(kinds); i++) {
        struct ctl_request r = world_request(&w, kinds[i], 0);
        r.until_ready = true;
        struct world_answer a = world_submit(&w, &r);
        cr_expect_eq(a.refusal.http_status, 409);
        cr_expect_str_eq(a.refusal.code, "GUEST_NOT_REACHABLE");
        cr_expect(strstr(a.refusal.detail, "basicSettings.adbDebug"), "%s", a.refusal.detail);
        cr_expect(strstr(a.refusal.detail, "while it is stopped"), "%s", a.refusal.detail);
    }
    cr_expect_eq(n_launches(), 0);
}

/* The farm's launch writes a config file without the key, which is off. */
Test(ctl_start_adb, until_ready_fails_as_soon_as_android_is_up_when_the_way_was_closed)
{
    struct ctl_request r = world_request(&w, CACHE_OP_START, 1);
    r.until_ready = true;
    struct world_answer a = world_submit(&w, &r);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "GUEST_NOT_REACHABLE");
    cr_expect(strstr(op->error, "the instance is running, but its guest cannot be asked"), "%s",
              op->error);
    cache_operation_free(op);
    cr_expect_eq(n_launches(), 1);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_RUNNING);
}

/* --- restart --- */

Test(ctl_start_seeing, restart_quits_and_launches_once)
{
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_look(&w);
    world_try(&w, CACHE_OP_RESTART, 0, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "quit 0; launch 0");
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_RUNNING);
}

Test(ctl_start_seeing, restart_of_what_is_stopped_starts_it)
{
    world_try(&w, CACHE_OP_RESTART, 0, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "launch 0");
}

Test(ctl_start_seeing, restart_with_force_ends_what_is_stuck)
{
    fake_farm_set(w.farm, 0, 2, 100, -1);
    world_look(&w);
    world_skip(&w, 120000);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_STUCK);
    fake_farm_answer(w.farm, "quit", FARM_IGNORE);
    struct ctl_request r = world_request(&w, CACHE_OP_RESTART, 0);
    r.force = true;
    struct world_answer a = world_submit(&w, &r);
    for (unsigned n = 1; n <= 2; n++) {
        world_until(&w, fake_farm_count(w.farm, "quit") == n);
        world_look(&w);
        world_skip(&w, 21000);
    }
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "quit 0; quit 0; launch 0");
    cr_expect_eq(fake_farm_count(w.farm, "kill"), 1);
}
