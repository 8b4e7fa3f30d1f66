/* SPDX-License-Identifier: MIT */
#ifndef LDC_AGENT_MESSAGE_H
#define LDC_AGENT_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "ldconsole/runner.h"

/** What the service and its session agent say to each other over their private pipe. Pure: bytes to
 *  values and back.
 *
 *      agent                          service
 *      HELLO  ------------------------->        who I am, which protocol I speak
 *             <------------------------- WELCOME, or REFUSED and the end
 *             <------------------------- START id, CANCEL id, PING
 *      RESULT id, PONG ---------------->
 *
 *  A frame is its length (4 bytes, of what follows), a type (1 byte) and fields in the order of the
 *  structs below: numbers little-endian, texts as a length and that many bytes. Both sides come
 *  from one build except while an upgrade replaces files, which the version in HELLO catches. */

enum {
    LDC_AGENT_PROTOCOL = 1,
    LDC_AGENT_MAX_COMMAND = 256 * 1024, /* bytes of a frame to the agent */
    LDC_AGENT_FRAME_ROOM = 4096         /* of a frame from the agent, beside the output in it */
};

enum ldc_agent_type {
    LDC_AGENT_HELLO = 1,
    LDC_AGENT_WELCOME,
    LDC_AGENT_REFUSED,
    LDC_AGENT_START,
    LDC_AGENT_CANCEL,
    LDC_AGENT_RESULT,
    LDC_AGENT_PING,
    LDC_AGENT_PONG
};

struct ldc_agent_hello {
    uint32_t protocol;
    uint32_t pid;
    uint32_t session; /* of Windows; 0 elsewhere */
    bool is_elevated;
    char version[64]; /* of the program */
    /** The LDPlayer that the user's part of the registry tells of, which a service does not see; ""
     *  = none. */
    char ldconsole[1024], vms_dir[1024];
};

struct ldc_agent_start {
    uint32_t id;
    uint32_t deadline_ms;
    uint64_t max_output;
    char *file;
    struct ldc_argv args;
};

/** A complete frame within a buffer; valid until that changes. */
struct ldc_agent_frame {
    enum ldc_agent_type type;
    const char *body;
    size_t n;
};

/** Appends one frame to OUT. */
void ldc_agent_write_hello(struct buf *out, const struct ldc_agent_hello *hello);
void ldc_agent_write_start(struct buf *out, uint32_t id, const struct ldc_run_request *request);
void ldc_agent_write_result(struct buf *out, uint32_t id, const struct ldc_run_result *result);
/** CANCEL. */
void ldc_agent_write_id(struct buf *out, enum ldc_agent_type type, uint32_t id);
/** REFUSED, with the reason. */
void ldc_agent_write_text(struct buf *out, enum ldc_agent_type type, const char *text);
/** WELCOME, PING, PONG. */
void ldc_agent_write_empty(struct buf *out, enum ldc_agent_type type);

/** Looks for a frame at the beginning of the N bytes at BYTES. Returns how many of them it takes, 0
 *  when it is not complete, or UV_EPROTO when no frame can begin so or it is longer than MAX. */
ptrdiff_t ldc_agent_read_frame(const char *bytes, size_t n, size_t max,
                               struct ldc_agent_frame *ret);

/** All return 0, or UV_EPROTO when the body is not exactly that. RET owns what it points to unless
 *  said otherwise, and holds nothing after a failure. */
int ldc_agent_read_hello(const struct ldc_agent_frame *frame, struct ldc_agent_hello *ret);
int ldc_agent_read_start(const struct ldc_agent_frame *frame, struct ldc_agent_start *ret);
void ldc_agent_start_deinit(struct ldc_agent_start *start);
/** The output in RET is *RET_OUTPUT, which the caller frees. */
int ldc_agent_read_result(const struct ldc_agent_frame *frame, uint32_t *ret_id,
                          struct ldc_run_result *ret, char **ret_output);
int ldc_agent_read_id(const struct ldc_agent_frame *frame, uint32_t *ret_id);
/** At most SIZE - 1 bytes of the text. */
int ldc_agent_read_text(const struct ldc_agent_frame *frame, char *ret, size_t size);

#endif
