/* SPDX-License-Identifier: MIT */
#include "api/describe/problem.h"
#include "api/http/response.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/text/json.h"
#include "base/text/str.h"

const struct api_problem_row api_problem_table[API_CODE_COUNT] = {
    [API_BAD_REQUEST] = {"BAD_REQUEST", 400, "The request cannot be understood", false},
    [API_BAD_TARGET] = {"BAD_TARGET", 400, "The request target is not valid", false},
    [API_BAD_HEADER] = {"BAD_HEADER", 400, "A header is not valid", false},
    [API_HOST_MISSING] = {"HOST_MISSING", 400, "The Host header is missing or not valid", false},
    [API_BODY_NOT_JSON] = {"BODY_NOT_JSON", 400, "The body is not valid JSON", false},
    [API_UNAUTHORIZED] = {"UNAUTHORIZED", 401, "Credentials are needed", false},
    [API_FORBIDDEN] = {"FORBIDDEN", 403, "The role does not allow this", false},
    [API_HOST_REFUSED] = {"HOST_REFUSED", 403, "The Host header names another host", false},
    [API_ORIGIN_REFUSED] = {"ORIGIN_REFUSED", 403, "Requests of other web sites are refused",
                            false},
    [API_NOT_FOUND] = {"NOT_FOUND", 404, "There is nothing under this path", false},
    [API_INSTANCE_NOT_FOUND] = {"INSTANCE_NOT_FOUND", 404, "No such instance", false},
    [API_OPERATION_NOT_FOUND] = {"OPERATION_NOT_FOUND", 404, "No such operation", false},
    [API_DIAGNOSTICS_NOT_FOUND] = {"DIAGNOSTICS_NOT_FOUND", 404,
                                   "There are no diagnostics of this operation", false},
    [API_DIAGNOSTICS_NOT_READY] = {"DIAGNOSTICS_NOT_READY", 503,
                                   "The diagnostics are being collected", true},
    [API_BREAKER_NOT_FOUND] = {"BREAKER_NOT_FOUND", 404, "No such breaker", false},
    [API_CHAOS_NOT_ALLOWED] = {"CHAOS_NOT_ALLOWED", 409, "No drills are allowed here", false},
    [API_TOKEN_NOT_FOUND] = {"TOKEN_NOT_FOUND", 404, "No such token", false},
    [API_WORKSTATION_NOT_FOUND] = {"WORKSTATION_NOT_FOUND", 404, "No such workstation", false},
    [API_METHOD_NOT_ALLOWED] = {"METHOD_NOT_ALLOWED", 405, "The path does not take this method",
                                false},
    [API_REQUEST_TIMEOUT] = {"REQUEST_TIMEOUT", 408, "The request did not arrive in time", true},
    [API_NAME_NOT_UNIQUE] = {"NAME_NOT_UNIQUE", 409, "Several instances have this name", false},
    [API_OPERATION_ENDED] = {"OPERATION_ENDED", 409, "The operation has ended already", false},
    [API_TOKEN_EXISTS] = {"TOKEN_EXISTS", 409, "A token with this name exists", false},
    [API_WORKSTATION_HAS_NO_ADDRESS] = {"WORKSTATION_HAS_NO_ADDRESS", 409,
                                        "The workstation has no address", false},
    [API_PRECONDITION_FAILED] = {"PRECONDITION_FAILED", 412, "It has changed meanwhile", false},
    [API_BODY_TOO_LARGE] = {"BODY_TOO_LARGE", 413, "The body is too large", false},
    [API_TARGET_TOO_LONG] = {"TARGET_TOO_LONG", 414, "The request target is too long", false},
    [API_UNSUPPORTED_MEDIA_TYPE] = {"UNSUPPORTED_MEDIA_TYPE", 415, "The body must be JSON", false},
    [API_EXPECTATION_FAILED] = {"EXPECTATION_FAILED", 417, "The expectation cannot be met", false},
    [API_VALIDATION_FAILED] = {"VALIDATION_FAILED", 422, "The request breaks a rule", false},
    [API_HEAD_TOO_LARGE] = {"HEAD_TOO_LARGE", 431, "The request head is too large", false},
    [API_QUEUE_FULL] = {"QUEUE_FULL", 429, "Too many operations are waiting", true},
    [API_STORE_UNAVAILABLE] = {"STORE_UNAVAILABLE", 503, "The database does not work", true},
    [API_METHOD_UNKNOWN] = {"METHOD_UNKNOWN", 501, "The method is not known", false},
    [API_TRANSFER_ENCODING_UNKNOWN] = {"TRANSFER_ENCODING_UNKNOWN", 501,
                                       "The transfer encoding is not known", false},
    [API_TOO_MANY_CONNECTIONS] = {"TOO_MANY_CONNECTIONS", 503, "Too many connections are open",
                                  true},
    [API_NOT_READY] = {"NOT_READY", 503, "The service is not ready", true},
    [API_WORKSTATION_NOT_MIRRORED] = {"WORKSTATION_NOT_MIRRORED", 503,
                                      "Only that workstation itself knows this", false},
    [API_STOPPING] = {"STOPPING", 503, "The service is stopping", true},
    [API_BREAKER_OPEN] = {"BREAKER_OPEN", 503, "ldconsole fails and is left alone for a while",
                          true},
    [API_DISK_FULL] = {"DISK_FULL", 503, "The disk of the data folder is full", true},
    [API_BACKUP_NOT_FOUND] = {"BACKUP_NOT_FOUND", 404, "No such backup", false},
    [API_BACKUP_UNDER_WAY] = {"BACKUP_UNDER_WAY", 409, "A backup is being made", true},
    [API_BACKUP_FAILED] = {"BACKUP_FAILED", 503, "The backups cannot be worked with", true},
    [API_RESTORE_NOT_STAGED] = {"RESTORE_NOT_STAGED", 409, "There is nothing to restore", false},
    [API_RESTORE_UNDER_WAY] = {"RESTORE_UNDER_WAY", 409, "Another restore is under way", true},
    [API_RESTORE_FAILED] = {"RESTORE_FAILED", 503, "The backup cannot be restored", true},
    [API_LDCONSOLE_TIMED_OUT] = {"LDCONSOLE_TIMED_OUT", 504, "ldconsole gave no answer in time",
                                 true},
    [API_HTTP_VERSION_UNKNOWN] = {"HTTP_VERSION_UNKNOWN", 505, "The HTTP version is not known",
                                  false},
    [API_INSTANCE_NOT_STOPPED] = {"INSTANCE_NOT_STOPPED", 409, "The instance is not stopped",
                                  false},
    [API_GUEST_NOT_REACHABLE] = {"GUEST_NOT_REACHABLE", 409, "There is no way into the guest",
                                 false},
    [API_MEMORY_BELOW_FLOOR] = {"MEMORY_BELOW_FLOOR", 409,
                                "The instance has too little memory to live", false},
    [API_TOO_LATE_ALREADY] = {"TOO_LATE_ALREADY", 503, "It could not begin in time", true},
    [API_OPERATION_PRUNED] = {"OPERATION_PRUNED", 409, "The operation of this key was removed",
                              false},
    [API_OPERATION_LOST] = {"OPERATION_LOST", 409,
                            "The record of the operation of this key is lost", false},
    [API_IDEMPOTENCY_KEY_REUSED] = {"IDEMPOTENCY_KEY_REUSED", 422,
                                    "The Idempotency-Key belongs to another request", false},
    [API_SETTING_NOT_SUPPORTED] = {"SETTING_NOT_SUPPORTED", 422,
                                   "This version of LDPlayer does not have the setting", false},
    [API_IDEMPOTENCY_FULL] = {"IDEMPOTENCY_FULL", 503, "Too many Idempotency-Keys are kept", true},
    [API_LDCONSOLE_NOT_STARTED] = {"LDCONSOLE_NOT_STARTED", 503, "ldconsole could not be started",
                                   true},
    [API_LDCONSOLE_NOT_ELEVATED] = {"LDCONSOLE_NOT_ELEVATED", 503, "ldconsole asks for elevation",
                                    true},
    [API_LDCONSOLE_FLOODED] = {"LDCONSOLE_FLOODED", 503, "ldconsole printed too much", true},
    [API_NO_SESSION] = {"NO_SESSION", 503, "Nobody's session runs ldconsole", true},
    [API_LDCONSOLE_LOST] = {"LDCONSOLE_LOST", 503, "The runner of ldconsole was lost", true},
    [API_LDCONSOLE_VENDOR_ERROR] = {"LDCONSOLE_VENDOR_ERROR", 503, "ldconsole failed", true},
    [API_LDCONSOLE_UNKNOWN_VERSION] = {"LDCONSOLE_UNKNOWN_VERSION", 503,
                                       "ldconsole is of a version that is not understood", true},
    [API_LDCONSOLE_GARBAGE] = {"LDCONSOLE_GARBAGE", 503, "ldconsole printed what is no list", true},
    [API_LDCONSOLE_EMPTY_LIST] = {"LDCONSOLE_EMPTY_LIST", 503,
                                  "ldconsole lists nothing although instances exist", true},
    [API_WORKSTATION_EXISTS] = {"WORKSTATION_EXISTS", 409, "A workstation with this name exists",
                                false},
    [API_WORKSTATION_IS_LOCAL] = {"WORKSTATION_IS_LOCAL", 409,
                                  "The workstation of the service itself is always there", false},
    [API_WORKSTATION_LIMIT] = {"WORKSTATION_LIMIT", 409, "Too many workstations are known", false},
};

void api_field_errors_add(struct api_field_errors *errors, const char *field, const char *fmt, ...)
{
    errors->n_all++;
    if (errors->n_items == API_MAX_FIELD_ERRORS)
        return;
    struct api_field_error *e = &errors->items[errors->n_items++];
    char rule[2 * sizeof(e->rule)];
    va_list args;
    va_start(args, fmt);
    vsnprintf(rule, sizeof(rule), fmt, args);
    va_end(args);
    str_copy(e->field, sizeof(e->field), field);
    str_copy(e->rule, sizeof(e->rule), rule);
}

void api_problem_init(struct api_problem *p, enum api_code code, const char *detail)
{
    const struct api_problem_row *row = &api_problem_table[code];
    *p = (struct api_problem){.code = row->code,
                              .title = row->title,
                              .status = row->status,
                              .is_retryable = row->is_retryable,
                              .detail = detail};
}

void api_problem_foreign(struct api_problem *p, int status, const char *code, const char *detail)
{
    *p = (struct api_problem){.code = code, .status = status, .detail = detail};
    for (size_t i = 0; i < API_CODE_COUNT; i++) {
        if (strcmp(api_problem_table[i].code, code) == 0) {
            p->title = api_problem_table[i].title;
            p->is_retryable = api_problem_table[i].is_retryable;
            return;
        }
    }
    p->title = http_response_reason(status);
    p->is_retryable = status == 429 || status == 503 || status == 504;
}

static void append_errors(const struct api_field_errors *errors, struct buf *out)
{
    (void)buf_append_str(out, ",\"errors\":[");
    for (size_t i = 0; i < errors->n_items; i++) {
        (void)buf_append_str(out, i ? ",{\"field\":" : "{\"field\":");
        json_append_str(out, errors->items[i].field);
        (void)buf_append_str(out, ",\"rule\":");
        json_append_str(out, errors->items[i].rule);
        (void)buf_append_str(out, "}");
    }
    (void)buf_append_str(out, "]");
}

void api_problem_append(const struct api_problem *p, const char *request_id, struct buf *out)
{
    (void)buf_printf(out, "{\"type\":\"/api/docs#%s\",\"title\":", p->code);
    json_append_str(out, p->title);
    (void)buf_printf(out, ",\"status\":%d,\"detail\":", p->status);
    json_append_str(out, p->detail);
    (void)buf_printf(out, ",\"code\":\"%s\",\"retryable\":%s", p->code,
                     p->is_retryable ? "true" : "false");
    if (p->retry_ms)
        (void)buf_printf(out, ",\"retry_after_ms\":%" PRIu64, p->retry_ms);
    (void)buf_append_str(out, ",\"request_id\":");
    json_append_str(out, request_id);
    if (p->errors)
        append_errors(p->errors, out);
    if (p->member) {
        (void)buf_append_str(out, ",");
        json_append_str(out, p->member);
        (void)buf_append_str(out, ":");
        (void)buf_append_str(out, p->member_json);
    }
    (void)buf_append_str(out, "}");
}
