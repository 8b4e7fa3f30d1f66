/* SPDX-License-Identifier: MIT */
#ifndef API_EXCHANGE_H
#define API_EXCHANGE_H

#include <uv.h>
#include <yyjson.h>

#include "api/access/identity.h"
#include "api/http/parser.h"
#include "api/describe/problem.h"
#include "api/http/request.h"
#include "api/http/route.h"
#include "api/http/server.h"
#include "base/memory/blob.h"
#include "base/memory/list.h"
#include "cache/results/results.h"

struct api_conn;

enum { API_REQUEST_ID_SIZE = 65 };

/** One request and its answer. It belongs to the handler from the moment the handler is called
 *  until exactly one api_respond_* (or, after on_gone, api_exchange_drop); it may be kept over
 *  turns of the loop. When the client goes away meanwhile, `conn` becomes NULL and answering does
 *  nothing but release it. Loop thread. */
struct api_exchange {
    struct api_server *server;
    const struct api_context *context;
    struct api_conn *conn;
    struct list link; /* in the pool, or in a list of the one that waits for it */
    struct api_parser parser;
    struct api_request request;
    const struct api_route *route;
    struct api_identity who;
    char request_id[API_REQUEST_ID_SIZE];
    uint64_t began_ns; /* uv_hrtime of its first byte */
    bool is_by_pipe;   /* or socket; the connection may be gone when it is answered */
    struct buf reply;  /* room to build a body in, for api_respond_reply */

    void *state;                       /* the handler's own; released with mem_free at the end */
    void (*deinit_state)(void *state); /* called before, or NULL */

    /* What it waits for, kept here because every read may have to. */
    void (*then)(struct api_exchange *x);
    void (*then_kept)(struct api_exchange *x, struct blob *body);
    void *waiting; /* handle at the observer or the engine */
    bool is_live;  /* a survey was, or must be, waited for */
    enum cache_outcome outcome;
    char operation[UUID_SIZE];
    int status_open;  /* of the answer when the operation is still open then */
    int status_ended; /* and when it has ended; 0 = 200 */

    /* Inside of the machinery. */
    bool has_etag;
    struct buf lines, out;
    struct blob *blob;
    uv_write_t write;
    void (*on_time)(struct api_exchange *x);
    void (*on_gone)(struct api_exchange *x);
};

/** SIZE zeroed bytes as the handler's state; DEINIT may be NULL. */
void *api_exchange_new_state(struct api_exchange *x, size_t size, void (*deinit)(void *state));

/** For answers that may take long. ON_TIME comes after TIMEOUT_MS, or earlier when the server
 *  drains; it cancels what it waits for and answers. ON_GONE comes when the client went away; it
 *  cancels and drops. Neither comes once an answer was given. */
void api_exchange_wait(struct api_exchange *x, uint64_t timeout_ms,
                       void (*on_time)(struct api_exchange *x),
                       void (*on_gone)(struct api_exchange *x));
/** The wait is over, the answer is to come. */
void api_exchange_unwait(struct api_exchange *x);
/** Releases X without an answer; only from on_gone. */
void api_exchange_drop(struct api_exchange *x);
bool api_exchange_is_stopping(const struct api_exchange *x);

/** Adds a header to the answer. VALUE has no control characters. */
void api_exchange_header(struct api_exchange *x, const char *name, const char *value);
void api_exchange_header_number(struct api_exchange *x, const char *name, uint64_t value);

/** Sets the answer's ETag: quoted, and with W/ in front when bodies of the same tag may differ in
 *  their age. Returns true when If-None-Match has it already: then the answer is 304. */
bool api_exchange_matches(struct api_exchange *x, const char *etag);
/** What If-Match says of something that has REVISION now. Only a strong tag matches. */
enum api_precondition {
    API_PRECONDITION_NONE, /* there is no such header, or it takes any revision */
    API_PRECONDITION_HOLDS,
    API_PRECONDITION_FAILS,
};
enum api_precondition api_exchange_may_change(const struct api_exchange *x, const char *revision);

/** TYPE is the media type. The blob's reference is taken over. */
void api_respond_blob(struct api_exchange *x, int status, const char *type, struct blob *body);
/** The body is what stands in X->reply. */
void api_respond_reply(struct api_exchange *x, int status, const char *type);
/** JSON; DOC stays the caller's. */
void api_respond_doc(struct api_exchange *x, int status, const yyjson_mut_doc *doc);
/** No body: 204, 304. */
void api_respond_empty(struct api_exchange *x, int status);
void api_respond_problem(struct api_exchange *x, const struct api_problem *problem);
void api_respond_code(struct api_exchange *x, enum api_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** 422 with the fields. */
void api_respond_errors(struct api_exchange *x, const struct api_field_errors *errors);
/** 422 about one field. */
void api_respond_field(struct api_exchange *x, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** 503 about the database. */
void api_respond_store_error(struct api_exchange *x, int status);

/* Windows PowerShell 5.1 reads what does not say its charset as Latin-1. */
#define API_JSON "application/json; charset=utf-8"

#endif
