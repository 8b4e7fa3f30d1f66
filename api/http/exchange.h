/* SPDX-License-Identifier: MIT */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include <stdbool.h>

#include <uv.h>

#include "api/http/owner.h"
#include "api/http/parser.h"
#include "api/http/request.h"
#include "api/listen/listener.h"
#include "base/memory/blob.h"
#include "base/memory/list.h"

/** One request and its answer. It belongs to the owner from the moment it is handed over (on_head,
 *  on_request) until exactly one http_respond_* or http_stream_begin; it may be kept over turns of
 *  the loop. When the client goes away meanwhile, what it waits for is cancelled and it is over;
 *  one that waits for nothing is still to be answered, to nobody. Loop thread. */

struct http_conn;
struct http_server;

enum { HTTP_REQUEST_ID_SIZE = 65 };

/** What an answer can wait for: how that is cancelled, and what is answered when time is up. */
struct http_wait {
    /** It may take long, so a client that sends no more is taken for gone. */
    bool is_long;
    /** Forgets the wish behind HANDLE: its callback does not come. */
    void (*cancel)(void *handle);
    /** Time is up, or the server drains; the wish is cancelled already. Answers. NULL: the wish
     *  comes true soon and is waited for in any case. */
    void (*time_up)(struct http_exchange *x);
};

struct http_exchange {
    struct http_server *server;
    struct list link; /* in the pool, or in a list of the one that waits for it */
    struct http_parser parser;
    struct http_request request;
    char request_id[HTTP_REQUEST_ID_SIZE]; /* see http_exchange_id */
    uint64_t began_ns;                     /* uv_hrtime of its first byte */
    struct buf reply;                      /* room to build a body in, for http_respond_reply */

    /* The client; NULL once it is gone. */
    struct http_conn *conn;
    const struct listener *listener; /* that it came by; stays */
    union listener_stream *io;
    void **conn_data; /* what the owner keeps with the connection; NULL at first */

    void *state;                       /* the owner's own; released with mem_free at the end */
    void (*deinit_state)(void *state); /* called before, or NULL */

    /* Private to this room. */
    const struct http_wait *wait; /* NULL = it waits for nothing */
    void *wait_handle;
    uint64_t deadline_ms; /* loop time; 0 = none */
    bool has_etag;
    struct buf lines, out;
    struct blob *blob;
    uv_write_t write;
};

/** SIZE zeroed bytes as the owner's state; DEINIT may be NULL. */
void *http_exchange_new_state(struct http_exchange *x, size_t size, void (*deinit)(void *state));

/** The answer waits, for up to TIMEOUT_MS (0 = as long as it takes). WAIT is static. To be called
 *  before the wish is made where that may come true within its call. */
void http_exchange_wait(struct http_exchange *x, const struct http_wait *wait, uint64_t timeout_ms);
/** The wish was made; HANDLE is for `cancel`. NULL when it came true within its call: X may be over
 *  by now and is not touched. */
void http_exchange_wait_for(struct http_exchange *x, void *handle);
/** The wish came true: the wait is over, the answer is to come. */
void http_exchange_woken(struct http_exchange *x);

bool http_exchange_is_stopping(const struct http_exchange *x);
/** The request's id: the client's X-Request-Id where it is good, else one of ours. */
const char *http_exchange_id(struct http_exchange *x);

/** Adds a header to the answer. VALUE has no control characters. */
void http_exchange_header(struct http_exchange *x, const char *name, const char *value);
void http_exchange_header_number(struct http_exchange *x, const char *name, uint64_t value);

/** Sets the answer's ETag: quoted, and with W/ in front when bodies of the same tag may differ in
 *  their age. Returns true when If-None-Match has it already: then the answer is 304. */
bool http_exchange_matches(struct http_exchange *x, const char *etag);
/** What If-Match says of something that has REVISION now. Only a strong tag matches. */
enum http_precondition {
    HTTP_PRECONDITION_NONE, /* there is no such header, or it takes any revision */
    HTTP_PRECONDITION_HOLDS,
    HTTP_PRECONDITION_FAILS
};
enum http_precondition http_exchange_may_change(const struct http_exchange *x,
                                                const char *revision);

/* For the other files of this room. */

/** One from the pool, ready for a request. */
struct http_exchange *http_exchange_take(struct http_server *server);
/** Back to the pool; what it holds is released. */
void http_exchange_release(struct http_exchange *x);
void http_exchange_free_pool(struct http_server *server);
/** The client went away while the owner has X. */
void http_exchange_lose_client(struct http_exchange *x);
/** Time is up, or the server drains. */
void http_exchange_end_wait(struct http_exchange *x);

#endif
