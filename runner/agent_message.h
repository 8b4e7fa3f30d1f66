/* SPDX-License-Identifier: MIT */
#ifndef AGENT_MESSAGE_H
#define AGENT_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory/buf.h"
#include "runner/runner.h"

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
    AGENT_PROTOCOL = 1,
    AGENT_MAX_COMMAND = 256 * 1024, /* bytes of a frame to the agent */
    AGENT_FRAME_ROOM = 4096         /* of a frame from the agent, beside the output in it */
};

enum agent_type {
    AGENT_HELLO = 1,
    AGENT_WELCOME,
    AGENT_REFUSED,
    AGENT_START,
    AGENT_CANCEL,
    AGENT_RESULT,
    AGENT_PING,
    AGENT_PONG
};

struct agent_hello {
    uint32_t protocol;
    uint32_t pid;
    uint32_t session; /* of Windows; 0 elsewhere */
    bool is_elevated;
    char version[64]; /* of the program */
    /** The LDPlayer that the user's part of the registry names, which a service does not see; ""
     *  = none. */
    char ldconsole[1024], vms_dir[1024];
};

struct agent_start {
    uint32_t id;
    uint32_t deadline_ms;
    uint64_t max_output;
    char *file;
    struct argv args;
};

/** A complete frame within a buffer; valid until that changes. */
struct agent_frame {
    enum agent_type type;
    const char *body;
    size_t n;
};

/** Appends one frame to OUT. */
void agent_write_hello(struct buf *out, const struct agent_hello *hello);
void agent_write_start(struct buf *out, uint32_t id, const struct run_request *request);
void agent_write_result(struct buf *out, uint32_t id, const struct run_result *result);
/** CANCEL. */
void agent_write_id(struct buf *out, enum agent_type type, uint32_t id);
/** REFUSED, with the reason. */
void agent_write_text(struct buf *out, enum agent_type type, const char *text);
/** WELCOME, PING, PONG. */
void agent_write_empty(struct buf *out, enum agent_type type);

/** Looks for a frame at the beginning of the N bytes at BYTES. Returns how many of them it takes, 0
 *  when it is not complete, or UV_EPROTO when no frame can begin so or it is longer than MAX. */
ptrdiff_t agent_read_frame(const char *bytes, size_t n, size_t max, struct agent_frame *ret);

/** All return 0, or UV_EPROTO when the body is not exactly that. RET owns what it points to unless
 *  said otherwise, and holds nothing after a failure. */
int agent_read_hello(const struct agent_frame *frame, struct agent_hello *ret);
int agent_read_start(const struct agent_frame *frame, struct agent_start *ret);
void agent_start_deinit(struct agent_start *start);
/** The output in RET is *RET_OUTPUT, which the caller frees. */
int agent_read_result(const struct agent_frame *frame, uint32_t *ret_id, struct run_result *ret,
                      char **ret_output);
int agent_read_id(const struct agent_frame *frame, uint32_t *ret_id);
/** At most SIZE - 1 bytes of the text. */
int agent_read_text(const struct agent_frame *frame, char *ret, size_t size);

#endif
