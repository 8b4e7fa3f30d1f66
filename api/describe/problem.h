/* SPDX-License-Identifier: MIT */
#ifndef API_PROBLEM_H
#define API_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory/buf.h"

/** Everything a request is refused with. One table row each: stable code, HTTP status, title,
 *  and whether the same request may succeed later without being changed. */
enum api_code {
    API_BAD_REQUEST,
    API_BAD_TARGET,
    API_BAD_HEADER,
    API_HOST_MISSING,
    API_BODY_NOT_JSON,
    API_UNAUTHORIZED,
    API_FORBIDDEN,
    API_HOST_REFUSED,
    API_ORIGIN_REFUSED,
    API_NOT_FOUND,
    API_INSTANCE_NOT_FOUND,
    API_OPERATION_NOT_FOUND,
    API_DIAGNOSTICS_NOT_FOUND,
    API_DIAGNOSTICS_NOT_READY,
    API_BREAKER_NOT_FOUND,
    API_CHAOS_NOT_ALLOWED,
    API_TOKEN_NOT_FOUND,
    API_WORKSTATION_NOT_FOUND,
    API_METHOD_NOT_ALLOWED,
    API_REQUEST_TIMEOUT,
    API_NAME_NOT_UNIQUE,
    API_OPERATION_ENDED,
    API_TOKEN_EXISTS,
    API_WORKSTATION_HAS_NO_ADDRESS,
    API_PRECONDITION_FAILED,
    API_BODY_TOO_LARGE,
    API_TARGET_TOO_LONG,
    API_UNSUPPORTED_MEDIA_TYPE,
    API_EXPECTATION_FAILED,
    API_VALIDATION_FAILED,
    API_HEAD_TOO_LARGE,
    API_QUEUE_FULL,
    API_STORE_UNAVAILABLE,
    API_METHOD_UNKNOWN,
    API_TRANSFER_ENCODING_UNKNOWN,
    API_TOO_MANY_CONNECTIONS,
    API_NOT_READY,
    API_WORKSTATION_NOT_MIRRORED,
    API_STOPPING,
    API_BREAKER_OPEN,
    API_DISK_FULL,
    API_BACKUP_NOT_FOUND,
    API_BACKUP_UNDER_WAY,
    API_BACKUP_FAILED,
    API_RESTORE_NOT_STAGED,
    API_RESTORE_UNDER_WAY,
    API_RESTORE_FAILED,
    API_LDCONSOLE_TIMED_OUT,
    API_HTTP_VERSION_UNKNOWN,
    /* Of the layers below, which give them by name. */
    API_INSTANCE_NOT_STOPPED,
    API_GUEST_NOT_REACHABLE,
    API_MEMORY_BELOW_FLOOR,
    API_TOO_LATE_ALREADY,
    API_OPERATION_PRUNED,
    API_OPERATION_LOST,
    API_IDEMPOTENCY_KEY_REUSED,
    API_SETTING_NOT_SUPPORTED,
    API_IDEMPOTENCY_FULL,
    API_LDCONSOLE_NOT_STARTED,
    API_LDCONSOLE_NOT_ELEVATED,
    API_LDCONSOLE_FLOODED,
    API_LDCONSOLE_LOST,
    API_NO_SESSION,
    API_LDCONSOLE_VENDOR_ERROR,
    API_LDCONSOLE_UNKNOWN_VERSION,
    API_LDCONSOLE_GARBAGE,
    API_LDCONSOLE_EMPTY_LIST,
    API_WORKSTATION_EXISTS,
    API_WORKSTATION_IS_LOCAL,
    API_WORKSTATION_LIMIT,
    API_CODE_COUNT
};

struct api_problem_row {
    const char *code;
    int status;
    const char *title;
    bool is_retryable;
};
extern const struct api_problem_row api_problem_table[API_CODE_COUNT];

/** One refused field of a request. */
struct api_field_error {
    char field[64];
    char rule[200];
};

enum { API_MAX_FIELD_ERRORS = 16 };

/** The refused fields of one request; more than fit are counted only. */
struct api_field_errors {
    struct api_field_error items[API_MAX_FIELD_ERRORS];
    size_t n_items, n_all;
};

void api_field_errors_add(struct api_field_errors *errors, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** What a problem document says. Strings are the caller's. */
struct api_problem {
    const char *code, *title;
    int status;
    bool is_retryable;
    const char *detail;
    uint64_t retry_ms;                     /* 0 = unknown */
    const struct api_field_errors *errors; /* NULL = none */
    const char *member, *member_json;      /* one more member, or NULL */
};

void api_problem_init(struct api_problem *p, enum api_code code, const char *detail);
/** A refusal with a code of another layer: title and retryable come from the table where it knows
 *  the code, else from STATUS. */
void api_problem_foreign(struct api_problem *p, int status, const char *code, const char *detail);
/** Appends the document of RFC 9457. */
void api_problem_append(const struct api_problem *p, const char *request_id, struct buf *out);

#endif
