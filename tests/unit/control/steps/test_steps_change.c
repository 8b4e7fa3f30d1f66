/* SPDX-License-Identifier: MIT */
#include "base/system/fs.h"
#include "tests/unit/control/world.h"

static struct world w;
static struct ldc_settings settings;

static void set_up(void)
{
    world_init(&w);
    fake_farm_put(w.farm, 0, "zero");
    fake_farm_put(w.farm, 1, "one");
    world_open(&w);
    settings = (struct ldc_settings){0};
    settings.values[LDC_SETTING_MEMORY_MB] =
        (struct ldc_setting_value){.is_set = true, .number = 4096};
}

static void tear_down(void)
{
    world_end(&w);
}

TestSuite(ctl_change, .init = set_up, .fini = tear_down, .timeout = 60);

static struct world_answer modify(void)
{
    struct ctl_request r = world_request(&w, CACHE_OP_MODIFY, 0);
    r.settings = &settings;
    return world_submit(&w, &r);
}

static struct world_answer switch_adb_debug(int number)
{
    settings = (struct ldc_settings){0};
    ldc_settings_set_adb_debug(&settings, number);
    return modify();
}

static void expect_config(int index, const char *part)
{
    char *text cleanup(mem_freep) = fake_farm_read_config(w.farm, index);
    cr_expect(strstr(text, part), "%s", text);
}

static struct world_answer rename_to(const char *name)
{
    struct ctl_request r = world_request(&w, CACHE_OP_RENAME, 0);
    r.name = name;
    return world_submit(&w, &r);
}

Test(ctl_change, modify_is_read_back_from_the_config_file)
{
    struct world_answer a = modify();
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->result, "\"memory_mb\":4096"), "%s", op->result);
    cr_expect(strstr(op->evidence, "modify --index 0 --memory 4096"), "%s", op->evidence);
    cache_operation_free(op);
    cr_expect_str_eq(fake_farm_log(w.farm), "modify 0");
}

Test(ctl_change, adb_debugging_is_switched_in_the_config_file_and_nothing_else_is)
{
    fake_farm_write_config(w.farm, 0,
                           "{ \"statusSettings.playerName\":\"zero\", // by hand\r\n"
                           "\"basicSettings.adbDebug\" : 0,\"new.unknown\":[2/8*9,] }");
    struct world_answer a = switch_adb_debug(1);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->result, "\"adb_debug\":\"local\""), "%s", op->result);
    cr_expect(strstr(op->evidence, "basicSettings.adbDebug: 1 in its config file: written"), "%s",
              op->evidence);
    cache_operation_free(op);
    char *text cleanup(mem_freep) = fake_farm_read_config(w.farm, 0);
    cr_expect_str_eq(text, "{ \"statusSettings.playerName\":\"zero\", // by hand\r\n"
                           "\"basicSettings.adbDebug\" : 1,\"new.unknown\":[2/8*9,] }");
    cr_expect_str_eq(fake_farm_log(w.farm), "", "modify has no flag for it");
}

Test(ctl_change, adb_debugging_goes_with_other_settings_and_stays)
{
    ldc_settings_set_adb_debug(&settings, 2);
    struct world_answer a = modify();
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->evidence, "modify --index 0 --memory 4096\""), "%s", op->evidence);
    cache_operation_free(op);
    expect_config(0, "\"basicSettings.adbDebug\":2");
    cr_expect_eq(ldc_settings_adb_debug(&world_at(&w, 0)->settings), 2);
    cr_expect_eq(world_at(&w, 0)->settings.values[LDC_SETTING_MEMORY_MB].number, 4096);
}

Test(ctl_change, adb_debugging_of_one_that_runs_is_refused_unless_it_is_so)
{
    static const int zero[] = {0};
    world_expect(&w, switch_adb_debug(1).id, CACHE_OP_SUCCEEDED, NULL);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_look(&w);
    world_expect(&w, switch_adb_debug(1).id, CACHE_OP_SUCCEEDED, NULL);
    struct world_answer a = switch_adb_debug(0);
    cr_expect_eq(a.refusal.http_status, 409);
    cr_expect_str_eq(a.refusal.code, "INSTANCE_NOT_STOPPED");
    cr_expect(strstr(a.refusal.detail, "rewrites when it ends"), "%s", a.refusal.detail);

    struct ctl_request r = world_request(&w, CACHE_OP_MODIFY, -1);
    settings.values[LDC_SETTING_MEMORY_MB] =
        (struct ldc_setting_value){.is_set = true, .number = 4096};
    r.settings = &settings;
    a = world_submit_batch(&w, &r, zero, 1);
    world_expect(&w, a.id, CACHE_OP_FAILED, "BATCH_INCOMPLETE");
    cr_expect_eq(fake_farm_count(w.farm, "modify"), 0, "all of it or nothing");
    expect_config(0, "\"basicSettings.adbDebug\":1");
}

Test(ctl_change, adb_debugging_waits_for_what_a_player_may_still_write)
{
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_look(&w);
    fake_farm_set(w.farm, 0, 0, -1, -1);
    world_look(&w);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_STOPPED);
    struct world_answer a = switch_adb_debug(1);
    world_settle(&w);
    char *text cleanup(mem_freep) = fake_farm_read_config(w.farm, 0);
    cr_expect_null(strstr(text, "adbDebug"), "%s", text);
    world_skip(&w, 5000);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    expect_config(0, "\"basicSettings.adbDebug\":1");
}

Test(ctl_change, adb_debugging_that_cannot_be_written_says_why)
{
    fake_farm_write_config(w.farm, 0, "{ no config");
    world_look(&w);
    struct world_answer a = switch_adb_debug(1);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "CONFIG_NOT_WRITTEN");
    cr_expect(strstr(op->error, "instance 0: it cannot be parsed"), "%s", op->error);
    cache_operation_free(op);
    expect_config(0, "{ no config");
}

static struct world_answer modify_imei_to_auto(void)
{
    settings = (struct ldc_settings){0};
    settings.values[LDC_SETTING_IMEI] = (struct ldc_setting_value){.is_set = true, .text = "auto"};
    return modify();
}

Test(ctl_change, auto_makes_another_value_each_time)
{
    for (int n = 1; n <= 2; n++) {
        struct world_answer a = modify_imei_to_auto();
        world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
        cr_expect_eq(fake_farm_count(w.farm, "modify"), n);
    }
}

Test(ctl_change, auto_that_changes_nothing_fails)
{
    fake_farm_answer(w.farm, "modify", FARM_IGNORE);
    struct world_answer a = modify_imei_to_auto();
    world_until(&w, fake_farm_count(w.farm, "modify") == 1);
    world_look(&w);
    world_skip(&w, 5000);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "NO_EFFECT");
    cr_expect(strstr(op->error, "'imei'"), "%s", op->error);
    cache_operation_free(op);
}

Test(ctl_change, what_ldconsole_said_is_in_the_error)
{
    fake_farm_answer(w.farm, "modify", FARM_PARAMETER);
    struct world_answer a = modify();
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "LDCONSOLE_PARAMETER_ERROR");
    cr_expect(strstr(op->error, "exit code -1005 (0xFFFFFC13) and printed 'parameter error!'"),
              "%s", op->error);
    cache_operation_free(op);
}

Test(ctl_change, modify_to_what_is_so_runs_nothing)
{
    settings.values[LDC_SETTING_MEMORY_MB].number = 2048;
    settings.has_resolution = true;
    settings.width = 960;
    settings.height = 540;
    settings.dpi = 160;
    struct world_answer a = modify();
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "");
}

Test(ctl_change, numbers_that_are_so_are_not_given_to_ldconsole)
{
    settings.values[LDC_SETTING_CPU] = (struct ldc_setting_value){.is_set = true, .number = 2};
    struct world_answer a = modify();
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->evidence, "modify --index 0 --memory 4096\""), "%s", op->evidence);
    cache_operation_free(op);
}

Test(ctl_change, resolution_is_changed_too)
{
    settings.has_resolution = true;
    settings.width = 1280;
    settings.height = 720;
    settings.dpi = 240;
    struct world_answer a = modify();
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(world_at(&w, 0)->width, 1280);
    cr_expect_eq(world_at(&w, 0)->dpi, 240);
}

Test(ctl_change, ignored_modify_has_no_effect)
{
    fake_farm_answer(w.farm, "modify", FARM_IGNORE);
    struct world_answer a = modify();
    world_until(&w, fake_farm_count(w.farm, "modify") == 1);
    world_look(&w);
    world_skip(&w, 5500);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "NO_EFFECT");
    cr_expect(strstr(op->error, "'memory_mb' in the instance's config file"), "%s", op->error);
    cache_operation_free(op);
    cr_expect_eq(fake_farm_count(w.farm, "modify"), 1);
}

Test(ctl_change, refused_modify_fails)
{
    fake_farm_answer(w.farm, "modify", FARM_PARAMETER);
    struct world_answer a = modify();
    world_expect(&w, a.id, CACHE_OP_FAILED, "LDCONSOLE_PARAMETER_ERROR");
}

Test(ctl_change, name_settings_and_labels_are_one_operation)
{
    struct ctl_request r = world_request(&w, CACHE_OP_MODIFY, 0);
    r.name = "other";
    r.settings = &settings;
    r.local = (struct ctl_local){.labels = "{\"k\":\"v\"}", .desired = -1};
    struct world_answer a = world_submit(&w, &r);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->result, "\"k\":\"v\""), "%s", op->result);
    cache_operation_free(op);
    cr_expect_str_eq(world_at(&w, 0)->name, "other");
    cr_expect_str_eq(fake_farm_log(w.farm), "rename 0; modify 0");
}

Test(ctl_change, labels_alone_run_nothing)
{
    struct ctl_request r = world_request(&w, CACHE_OP_MODIFY, 0);
    r.local = (struct ctl_local){.group = "g", .desired = CACHE_DESIRED_RUNNING};
    struct world_answer a = world_submit(&w, &r);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(world_at(&w, 0)->group, "g");
    cr_expect_eq(world_at(&w, 0)->desired, CACHE_DESIRED_RUNNING);
    cr_expect_str_eq(fake_farm_log(w.farm), "");
}

Test(ctl_change, failing_modify_leaves_the_labels)
{
    struct ctl_request r = world_request(&w, CACHE_OP_MODIFY, 0);
    fake_farm_answer(w.farm, "modify", FARM_PARAMETER);
    r.settings = &settings;
    r.local = (struct ctl_local){.group = "g", .desired = -1};
    struct world_answer a = world_submit(&w, &r);
    world_expect(&w, a.id, CACHE_OP_FAILED, "LDCONSOLE_PARAMETER_ERROR");
    cr_expect_str_empty(world_at(&w, 0)->group);
}

Test(ctl_change, one_that_fails_in_the_middle_says_what_was_changed_and_what_was_not)
{
    struct ctl_request r = world_request(&w, CACHE_OP_MODIFY, 0);
    fake_farm_answer(w.farm, "modify", FARM_PARAMETER);
    r.name = "other";
    r.settings = &settings;
    r.local = (struct ctl_local){.labels = "{\"k\":\"v\"}", .desired = -1};
    struct world_answer a = world_submit(&w, &r);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "LDCONSOLE_PARAMETER_ERROR");
    cr_expect(strstr(op->error, "instance 0 'other': "), "%s", op->error);
    cr_expect(strstr(op->error, "of what was asked, done: name; not done: settings."), "%s",
              op->error);
    cr_expect(strstr(op->error, "settings.memory_mb"), "%s", op->error);
    cr_expect(strstr(op->error, ", labels"), "%s", op->error);
    cache_operation_free(op);
}

Test(ctl_change, settings_of_one_that_runs_take_effect_later_and_the_result_says_so)
{
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_look(&w);
    struct world_answer a = modify();
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->result, "take effect when it is stopped and started"), "%s", op->result);
    cache_operation_free(op);
}

Test(ctl_change, rename_shows_in_the_name)
{
    struct world_answer a = rename_to("名前 2");
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(world_at(&w, 0)->name, "名前 2");
    cr_expect_str_eq(fake_farm_log(w.farm), "rename 0");
}

Test(ctl_change, rename_to_the_name_of_another_says_that_it_is_ambiguous)
{
    struct world_answer a = rename_to("one");
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->result, "instance 1 has the same name"), "%s", op->result);
    cache_operation_free(op);
}

Test(ctl_change, rename_to_the_same_name_runs_nothing)
{
    struct world_answer a = rename_to("zero");
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_str_eq(fake_farm_log(w.farm), "");
}

Test(ctl_change, ignored_rename_has_no_effect)
{
    fake_farm_answer(w.farm, "rename", FARM_IGNORE);
    struct world_answer a = rename_to("other");
    world_until(&w, fake_farm_count(w.farm, "rename") == 1);
    world_look(&w);
    world_skip(&w, 5500);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "NO_EFFECT");
    cr_expect(strstr(op->error, "the name is still 'zero'"), "%s", op->error);
    cache_operation_free(op);
}

Test(ctl_change, of_what_vanishes_fails)
{
    fake_farm_answer(w.farm, "modify", FARM_IGNORE);
    struct world_answer a = modify();
    world_until(&w, fake_farm_count(w.farm, "modify") == 1);
    fake_farm_drop(w.farm, 0);
    world_expect(&w, a.id, CACHE_OP_FAILED, "INSTANCE_GONE");
}

/* --- a config file that a forced end has cost something --- */

static char *copies;

static void set_up_keeping(void)
{
    set_up();
    world_close(&w);
    copies = fs_join(w.folder, "configs");
    w.observing.config_copies = copies;
    world_open(&w);
    world_skip(&w, 1000);
}

static void tear_down_keeping(void)
{
    tear_down();
    mem_free(copies);
}

TestSuite(ctl_change_keeping, .init = set_up_keeping, .fini = tear_down_keeping, .timeout = 60);

Test(ctl_change_keeping, what_a_lost_config_says_is_not_already_so)
{
    fake_farm_write_config(w.farm, 0,
                           "{\"statusSettings.isNewPlayer\":true,"
                           "\"advancedSettings.memorySize\":4096}");
    world_skip(&w, 1000);
    world_look(&w);
    cr_expect_eq(world_at(&w, 0)->settings.values[LDC_SETTING_MEMORY_MB].number, 4096);
    struct world_answer a = modify();
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->evidence, "the copy was put back"), "%s", op->evidence);
    cr_expect(strstr(op->evidence, "--memory 4096"), "%s", op->evidence);
    cache_operation_free(op);
    cr_expect_str_eq(world_at(&w, 0)->name, "zero");
}

/* --- the manager's window, and what is changed behind our back --- */

static void set_up_seeing(void)
{
    set_up();
    fake_farm_show_processes(w.farm, true);
}

TestSuite(ctl_change_seeing, .init = set_up_seeing, .fini = tear_down, .timeout = 60);

static void expect_note(const struct world_answer *a, bool is_there)
{
    struct cache_operation *op = world_ends(&w, a->id, CACHE_OP_SUCCEEDED, NULL);
    const char *note = strstr(op->result, "\"note\":");
    bool is_told = note && strstr(note, "manager window is open (process 77)");
    cr_expect_eq(is_told, is_there, "%s", op->result);
    cr_expect_eq(strstr(op->evidence, "manager window is open") != NULL, is_there, "%s",
                 op->evidence);
    cache_operation_free(op);
}

Test(ctl_change_seeing, an_open_manager_is_told_of_by_what_it_may_undo)
{
    fake_farm_open_manager(w.farm, 77, false);
    world_look(&w);
    world_flush(&w);
    cr_expect_eq(world_heard(&w, "workstation.manager"), 1);
    struct world_answer a = modify();
    expect_note(&a, true);
    a = switch_adb_debug(1);
    expect_note(&a, true);
    a = rename_to("other");
    expect_note(&a, true);
    a = world_do(&w, CACHE_OP_START, 0);
    expect_note(&a, false);
    a = world_do(&w, CACHE_OP_REMOVE, 1);
    expect_note(&a, true);

    fake_farm_open_manager(w.farm, 0, false);
    world_look(&w);
    world_flush(&w);
    cr_expect_eq(world_heard(&w, "workstation.manager"), 2);
    a = rename_to("third");
    expect_note(&a, false);
}

Test(ctl_change_seeing, the_manager_of_another_installation_undoes_nothing_of_ours)
{
    fake_farm_open_manager(w.farm, 77, true);
    world_look(&w);
    world_flush(&w);
    cr_expect_eq(world_heard(&w, "workstation.manager"), 0);
    struct world_answer a = modify();
    expect_note(&a, false);
}

static bool has_drifted(const char *names)
{
    char found[100];
    bool has = ctl_observer_drift(w.observer, world_at(&w, 0)->id, found, sizeof(found));
    return has && strcmp(found, names) == 0;
}

Test(ctl_change_seeing, what_is_changed_behind_our_back_is_drift_once)
{
    char *before cleanup(mem_freep) = fake_farm_read_config(w.farm, 0);
    ldc_settings_set_adb_debug(&settings, 1);
    world_expect(&w, modify().id, CACHE_OP_SUCCEEDED, NULL);
    char *after cleanup(mem_freep) = fake_farm_read_config(w.farm, 0);
    world_look(&w);
    fake_farm_write_config(w.farm, 0, before);
    world_look(&w);
    world_look(&w);
    world_flush(&w);
    cr_expect(has_drifted("memory_mb, adb_debug"));
    cr_expect_eq(world_heard(&w, "instance.drifted"), 1);
    cr_expect(strstr(world_at(&w, 0)->evidence, "\"drift\":[\"memory_mb\",\"adb_debug\"]"), "%s",
              world_at(&w, 0)->evidence);

    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect(strstr(op->result, "not as they were set"), "%s", op->result);
    cache_operation_free(op);

    fake_farm_write_config(w.farm, 0, after);
    world_look(&w);
    cr_expect_not(has_drifted("memory_mb, adb_debug"));
    cr_expect_null(strstr(world_at(&w, 0)->evidence, "drift"), "%s", world_at(&w, 0)->evidence);
}

Test(ctl_change_seeing, what_is_changed_behind_our_back_is_drift_after_a_restart_too)
{
    char *before cleanup(mem_freep) = fake_farm_read_config(w.farm, 0);
    ldc_settings_set_adb_debug(&settings, 1);
    world_expect(&w, modify().id, CACHE_OP_SUCCEEDED, NULL);
    world_crash(&w);
    world_crash(&w);
    world_look(&w);
    world_flush(&w);
    cr_expect_eq(world_heard(&w, "instance.drifted"), 0);
    fake_farm_write_config(w.farm, 0, before); /* as the boot of a reset instance does */
    world_look(&w);
    world_flush(&w);
    cr_expect(has_drifted("memory_mb, adb_debug"));
    cr_expect_eq(world_heard(&w, "instance.drifted"), 1);
}

Test(ctl_change_seeing, what_was_changed_while_nobody_looked_is_drift)
{
    char *before cleanup(mem_freep) = fake_farm_read_config(w.farm, 0);
    world_expect(&w, modify().id, CACHE_OP_SUCCEEDED, NULL);
    world_close(&w);
    fake_farm_write_config(w.farm, 0, before);
    world_open(&w);
    world_look(&w);
    cr_expect(has_drifted("memory_mb"));
}

Test(ctl_change_seeing, what_operations_change_is_no_drift)
{
    world_expect(&w, modify().id, CACHE_OP_SUCCEEDED, NULL);
    settings.values[LDC_SETTING_MEMORY_MB].number = 1024;
    world_expect(&w, modify().id, CACHE_OP_SUCCEEDED, NULL);
    world_look(&w);
    world_flush(&w);
    cr_expect_eq(world_heard(&w, "instance.drifted"), 0);
}

Test(ctl_change_seeing, what_drifted_and_is_wanted_so_is_drift_no_more)
{
    char *before cleanup(mem_freep) = fake_farm_read_config(w.farm, 0);
    world_expect(&w, modify().id, CACHE_OP_SUCCEEDED, NULL);
    fake_farm_write_config(w.farm, 0, before);
    world_look(&w);
    cr_expect(has_drifted("memory_mb"));
    world_skip(&w, 10000); /* the file is old enough not to be read again */
    world_look(&w);
    settings.values[LDC_SETTING_MEMORY_MB].number = 2048;
    world_expect(&w, modify().id, CACHE_OP_SUCCEEDED, NULL);
    world_look(&w);
    cr_expect_null(strstr(world_at(&w, 0)->evidence, "drift"), "%s", world_at(&w, 0)->evidence);
    cr_expect_eq(fake_farm_count(w.farm, "modify"), 1);
}
