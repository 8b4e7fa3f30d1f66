/* SPDX-License-Identifier: MIT */
#include "control/observe/evidence.h"

#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "ldconsole/output/row.h"

enum { MAX_ENTRIES = 50, OUTPUT_HEAD = 500 };

static void add_pid(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, int64_t pid)
{
    if (pid > 0)
        yyjson_mut_obj_add_sint(doc, object, key, pid);
    else
        yyjson_mut_obj_add_null(doc, object, key);
}

void ctl_evidence_add_settings(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key,
                               unsigned settings)
{
    yyjson_mut_val *names = yyjson_mut_obj_add_arr(doc, object, key);
    for (unsigned i = 0; i <= LDC_SETTING_COUNT; i++) {
        if (settings & 1u << i)
            yyjson_mut_arr_add_str(doc, names, ldc_setting_name(i));
    }
}

char *ctl_evidence_of_instance(const struct ctl_sight *sight, const struct ldc_config *config,
                               unsigned drift)
{
    const struct ldc_row *row = &sight->row;
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);

    if (sight->is_listed) {
        yyjson_mut_val *list2 = yyjson_mut_obj_add_obj(doc, root, "list2");
        yyjson_mut_obj_add_int(doc, list2, "android", row->android);
        yyjson_mut_obj_add_sint(doc, list2, "pid", row->pid);
        yyjson_mut_obj_add_sint(doc, list2, "vbox_pid", row->vbox_pid);
    } else {
        yyjson_mut_obj_add_null(doc, root, "list2");
    }
    if (sight->sees_processes) {
        yyjson_mut_val *processes = yyjson_mut_obj_add_obj(doc, root, "processes");
        add_pid(doc, processes, "player", sight->player);
        add_pid(doc, processes, "headless", sight->headless);
    } else {
        yyjson_mut_obj_add_null(doc, root, "processes");
    }
    yyjson_mut_obj_add_str(doc, root, "config",
                           !config                ? "missing"
                           : !config->is_readable ? "unreadable"
                           : config->is_truncated ? "truncated"
                                                  : "readable");
    if (config && *config->fault)
        json_add_str(doc, root, "config_fault", config->fault);
    if (config && *config->loss)
        json_add_str(doc, root, "config_loss", config->loss);
    if (drift)
        ctl_evidence_add_settings(doc, root, "drift", drift);
    yyjson_mut_obj_add_str(doc, root, "guest", ctl_guest_name(sight->guest));
    if (sight->guest_answered_ms)
        json_add_time(doc, root, "guest_answered_at",
                      clock_wall_ms() - (int64_t)(clock_mono_ms() - sight->guest_answered_ms));
    return json_write(doc);
}

/* The array is rebuilt with one entry more. Past the maximum the beginning is kept, because the
 * cause stands there, and the end is overwritten by the newest. */
static void append_entry(struct cache_operation *op, yyjson_mut_doc *doc, yyjson_mut_val *entry)
{
    yyjson_doc *old cleanup(json_doc_freep) =
        yyjson_read(op->evidence, strlen(op->evidence), YYJSON_READ_NOFLAG);
    yyjson_mut_val *array = yyjson_val_mut_copy(doc, yyjson_doc_get_root(old));
    if (!yyjson_mut_is_arr(array))
        array = yyjson_mut_arr(doc);
    if (yyjson_mut_arr_size(array) >= MAX_ENTRIES)
        yyjson_mut_arr_remove_last(array);
    yyjson_mut_arr_append(array, entry);
    yyjson_mut_doc_set_root(doc, array);
    mem_free(op->evidence);
    op->evidence = json_write(doc);
}

static yyjson_mut_val *new_entry(yyjson_mut_doc *doc)
{
    yyjson_mut_val *entry = yyjson_mut_obj(doc);
    json_add_time(doc, entry, "time", clock_wall_ms());
    return entry;
}

static void add_result(yyjson_mut_doc *doc, yyjson_mut_val *entry, const struct run_result *result)
{
    char head[OUTPUT_HEAD + 1];
    size_t n = result->output_len < OUTPUT_HEAD ? result->output_len : OUTPUT_HEAD;

    ldc_text_decode(result->output, n, LDC_CODEPAGE_SYSTEM, head, sizeof(head));
    yyjson_mut_obj_add_str(doc, entry, "outcome", run_status_name(result->status));
    if (result->status == RUN_EXITED)
        yyjson_mut_obj_add_int(doc, entry, "exit_code", result->exit_code);
    if (result->error)
        yyjson_mut_obj_add_str(doc, entry, "error", uv_strerror(result->error));
    json_add_str(doc, entry, "output", head);
    yyjson_mut_obj_add_uint(doc, entry, "duration_ms", result->duration_ms);
}

void ctl_evidence_add_call(struct cache_operation *op, const struct ldc_outcome *outcome)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *entry = new_entry(doc);
    json_add_str(doc, entry, "command", outcome->command_line);
    if (outcome->result)
        add_result(doc, entry, outcome->result);
    else
        yyjson_mut_obj_add_str(doc, entry, "outcome",
                               outcome->is_rejected ? "rejected" : "cancelled");
    append_entry(op, doc, entry);
}

void ctl_evidence_add_state(struct cache_operation *op, const char *state, const char *reason)
{
    yyjson_doc *old cleanup(json_doc_freep) =
        yyjson_read(op->evidence, strlen(op->evidence), YYJSON_READ_NOFLAG);
    yyjson_val *last = yyjson_arr_get_last(yyjson_doc_get_root(old));
    if (str_is_equal(yyjson_get_str(yyjson_obj_get(last, "state")), state))
        return;

    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *entry = new_entry(doc);
    json_add_str(doc, entry, "state", state);
    json_add_str(doc, entry, "reason", reason);
    append_entry(op, doc, entry);
}

void ctl_evidence_add_note(struct cache_operation *op, const char *note)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *entry = new_entry(doc);
    json_add_str(doc, entry, "note", note);
    append_entry(op, doc, entry);
}
