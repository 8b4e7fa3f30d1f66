/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/text/json.h"
#include "control/observe/evidence.h"

static struct cache_operation *op;

static void set_up(void)
{
    op = cache_operation_new(CACHE_OP_START);
}

static void tear_down(void)
{
    cache_operation_free(op);
}

TestSuite(ctl_evidence, .init = set_up, .fini = tear_down);

static yyjson_doc *read_evidence(void)
{
    yyjson_doc *doc = yyjson_read(op->evidence, strlen(op->evidence), YYJSON_READ_NOFLAG);
    cr_assert(yyjson_is_arr(yyjson_doc_get_root(doc)), "%s", op->evidence);
    return doc;
}

static const char *text_of(yyjson_val *entry, const char *key)
{
    const char *text = yyjson_get_str(yyjson_obj_get(entry, key));
    return text ? text : "(none)";
}

Test(ctl_evidence, a_call_shows_command_outcome_and_output)
{
    struct run_result result = {
        .status = RUN_EXITED,
        .exit_code = -1001,
        .output = "player don't exist!",
        .output_len = 19,
        .duration_ms = 17,
    };
    struct ldc_outcome outcome = {.result = &result, .command_line = "ldconsole quit --index 3"};
    ctl_evidence_add_call(op, &outcome);
    yyjson_doc *doc = read_evidence();
    yyjson_val *entry = yyjson_arr_get_first(yyjson_doc_get_root(doc));
    cr_expect_str_eq(text_of(entry, "command"), "ldconsole quit --index 3");
    cr_expect_str_eq(text_of(entry, "outcome"), "exited");
    cr_expect_str_eq(text_of(entry, "output"), "player don't exist!");
    cr_expect_eq(yyjson_get_int(yyjson_obj_get(entry, "exit_code")), -1001);
    cr_expect_eq(yyjson_get_int(yyjson_obj_get(entry, "duration_ms")), 17);
    cr_expect_str_neq(text_of(entry, "time"), "(none)");
    yyjson_doc_free(doc);
}

Test(ctl_evidence, only_the_head_of_the_output_is_kept)
{
    char *output = mem_alloc(100001);
    memset(output, 'x', 100000);
    struct run_result result = {.status = RUN_FLOODED, .output = output, .output_len = 100000};
    struct ldc_outcome outcome = {.result = &result, .command_line = "ldconsole list2"};
    ctl_evidence_add_call(op, &outcome);
    mem_free(output);
    yyjson_doc *doc = read_evidence();
    yyjson_val *entry = yyjson_arr_get_first(yyjson_doc_get_root(doc));
    cr_expect_eq(strlen(text_of(entry, "output")), 500);
    cr_expect_str_eq(text_of(entry, "outcome"), "flooded");
    cr_expect_null(yyjson_obj_get(entry, "exit_code"));
    yyjson_doc_free(doc);
}

Test(ctl_evidence, a_call_that_never_ran_says_so)
{
    struct ldc_outcome rejected = {.is_rejected = true, .command_line = "a"};
    struct ldc_outcome cancelled = {.answer = LDC_ANSWER_CANCELLED, .command_line = "b"};
    ctl_evidence_add_call(op, &rejected);
    ctl_evidence_add_call(op, &cancelled);
    yyjson_doc *doc = read_evidence();
    yyjson_val *root = yyjson_doc_get_root(doc);
    cr_expect_str_eq(text_of(yyjson_arr_get(root, 0), "outcome"), "rejected");
    cr_expect_str_eq(text_of(yyjson_arr_get(root, 1), "outcome"), "cancelled");
    yyjson_doc_free(doc);
}

Test(ctl_evidence, the_same_state_in_a_row_counts_once)
{
    ctl_evidence_add_state(op, "starting", "a");
    ctl_evidence_add_state(op, "starting", "b");
    ctl_evidence_add_state(op, "running", "c");
    ctl_evidence_add_note(op, "noted");
    ctl_evidence_add_state(op, "running", "d");
    yyjson_doc *doc = read_evidence();
    yyjson_val *root = yyjson_doc_get_root(doc);
    cr_expect_eq(yyjson_arr_size(root), 4);
    cr_expect_str_eq(text_of(yyjson_arr_get(root, 0), "reason"), "a");
    cr_expect_str_eq(text_of(yyjson_arr_get(root, 2), "note"), "noted");
    yyjson_doc_free(doc);
}

Test(ctl_evidence, of_many_entries_the_first_and_the_newest_stay)
{
    char note[16];
    for (int i = 0; i < 200; i++) {
        snprintf(note, sizeof(note), "%d", i);
        ctl_evidence_add_note(op, note);
    }
    yyjson_doc *doc = read_evidence();
    yyjson_val *root = yyjson_doc_get_root(doc);
    cr_expect_eq(yyjson_arr_size(root), 50);
    cr_expect_str_eq(text_of(yyjson_arr_get(root, 48), "note"), "48");
    cr_expect_str_eq(text_of(yyjson_arr_get(root, 49), "note"), "199");
    yyjson_doc_free(doc);
}

Test(ctl_evidence, of_an_instance_names_every_witness)
{
    struct ctl_sight sight = {
        .row = {.android = 1, .pid = 5, .vbox_pid = -1},
        .is_listed = true,
        .player = 5,
        .guest = CTL_GUEST_SILENT,
        .sees_processes = true,
    };
    struct ldc_config config = {.is_readable = true, .is_truncated = true};
    char *text = ctl_evidence_of_instance(&sight, &config, 0);
    cr_expect_str_eq(text, "{\"list2\":{\"android\":1,\"pid\":5,\"vbox_pid\":-1},"
                           "\"processes\":{\"player\":5,\"headless\":null},"
                           "\"config\":\"truncated\",\"guest\":\"silent\"}");
    mem_free(text);

    config.is_readable = false;
    strcpy(config.fault, "cannot be parsed, line 7: x");
    sight.sees_processes = false;
    text =
        ctl_evidence_of_instance(&sight, &config, 1u << LDC_SETTING_CPU | 1u << LDC_SETTING_COUNT);
    cr_expect(strstr(text, "\"processes\":null,\"config\":\"unreadable\","
                           "\"config_fault\":\"cannot be parsed, line 7: x\","
                           "\"drift\":[\"cpu\",\"resolution\"]"),
              "%s", text);
    mem_free(text);

    text = ctl_evidence_of_instance(&sight, NULL, 0);
    cr_expect(strstr(text, "\"config\":\"missing\""), "%s", text);
    mem_free(text);
}
