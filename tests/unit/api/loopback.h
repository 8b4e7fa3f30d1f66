/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_API_LOOPBACK_H
#define TESTS_UNIT_API_LOOPBACK_H

#include "api/exchange/exchange.h"
#include "api/exchange/parts.h"
#include "api/http/state.h"
#include "api/server.h"
#include "base/loop/loop.h"
#include "tests/unit/api/client.h"

/** The HTTP machinery alone, on a real socket, with a few routes of its own:
 *    GET  /hello    "hello" at once
 *    POST /echo     the body
 *    GET  /later    "later" in a later turn
 *    GET  /hold     nothing until loopback_release; ends by itself when the server drains
 *    GET  /big      4 MiB
 *    GET  /stream   chunks, written by the test through loopback_stream */
struct loopback {
    struct loop loop;
    struct api_server *server;
    int port;
    bool is_closed;
    uv_timer_t pulse;
};

extern struct api_exchange *loopback_held;  /* of /hold, until released */
extern struct http_stream *loopback_stream; /* of /stream; NULL once its client is gone */
extern unsigned loopback_n_gone;            /* clients that went away from /hold or /stream */
extern unsigned loopback_n_ready;           /* times the stream said that all was taken */
extern unsigned loopback_n_calls;           /* times a handler was called */

/** Options NULL = defaults. */
void loopback_begin(struct loopback *l, const struct api_options *options);
void loopback_end(struct loopback *l);
void loopback_turn(void *l);
void loopback_connect(struct loopback *l, struct client *c);
/** Answers /hold. */
void loopback_release(void);
/** Starts closing and does not wait. */
void loopback_close(struct loopback *l, uint64_t drain_ms);
/** Turns until CONDITION. */
#define loopback_until(l, condition)                                                               \
    do {                                                                                           \
        uint64_t began_ = uv_hrtime();                                                             \
        while (!(condition)) {                                                                     \
            cr_assert(uv_hrtime() - began_ < 10000000000u, "never came: %s", #condition);          \
            loopback_turn(l);                                                                      \
        }                                                                                          \
    } while (0)

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

#endif
