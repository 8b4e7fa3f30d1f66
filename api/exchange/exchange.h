/* SPDX-License-Identifier: MIT */
#ifndef API_EXCHANGE_H
#define API_EXCHANGE_H

#include "api/describe/problem.h"
#include "api/describe/route.h"
#include "api/exchange/context.h"
#include "api/exchange/identity.h"
#include "api/http/exchange.h"
#include "cache/results/results.h"

struct api_server;
struct yyjson_mut_doc;

enum { API_FINGERPRINT_SIZE = 65 };

/** One request of the API and its answer: an HTTP exchange (api/http/exchange.h has its life and
 *  how it waits) that knows its route and who asks. It belongs to the handler from the moment the
 *  handler is called until exactly one api_respond_* or stream. Loop thread. */
struct api_exchange {
    struct http_exchange http; /* first */
    struct api_server *server;
    const struct api_context *context;
    const struct api_route *route; /* NULL before it was found */
    struct api_identity who;
    const char *key;                        /* Idempotency-Key, in the request; NULL = none */
    char fingerprint[API_FINGERPRINT_SIZE]; /* of the request, with a key */

    /* What the reads and commands of api/common keep here, because every request may need it. */
    void (*answer)(struct api_exchange *x); /* comes when what was waited for is there */
    enum cache_outcome outcome;             /* where a read's answer is from */
    bool is_live;                           /* a survey was, or must be, waited for */
    struct blob *body;                      /* of a cached body, within `answer` */
    char operation[UUID_SIZE];
    int status_open;  /* of the answer when the operation is still open then */
    int status_ended; /* and when it has ended; 0 = 200 */
};

/** The exchange that H is the first member of. */
static inline struct api_exchange *api_exchange_of(struct http_exchange *h)
{
    return (struct api_exchange *)h;
}

/** The query parameter NAME, or NULL. */
const char *api_exchange_query(const struct api_exchange *x, const char *name);
/** SIZE zeroed bytes as the handler's state; DEINIT may be NULL. */
void *api_exchange_new_state(struct api_exchange *x, size_t size, void (*deinit)(void *state));
bool api_exchange_is_stopping(const struct api_exchange *x);
/** Adds a header to the answer. VALUE has no control characters. */
void api_exchange_header(struct api_exchange *x, const char *name, const char *value);
void api_exchange_header_number(struct api_exchange *x, const char *name, uint64_t value);
/** See http_exchange_matches and http_exchange_may_change; If-Match counts where the route says so.
 */
bool api_exchange_matches(struct api_exchange *x, const char *etag);
enum http_precondition api_exchange_may_change(const struct api_exchange *x, const char *revision);

/* exchange_respond.c: the answers. A GET of JSON that was given no ETag gets one from its bytes. */

/** TYPE is the media type. The blob's reference is taken over. */
void api_respond_blob(struct api_exchange *x, int status, const char *type, struct blob *body);
/** The body is what stands in X->http.reply. */
void api_respond_reply(struct api_exchange *x, int status, const char *type);
/** JSON; DOC stays the caller's. */
void api_respond_doc(struct api_exchange *x, int status, const struct yyjson_mut_doc *doc);
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
