/* SPDX-License-Identifier: MIT */
#ifndef API_DESCRIBE_ROUTE_H
#define API_DESCRIBE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "api/http/request.h"
#include "cache/tables/tokens.h"

struct api_cacheable;
struct api_exchange;

/** One row of the table of routes: everything there is to know about a route but the code behind
 *  it. What answers, checks and describes a request reads the row; nothing is said twice. */

/** Answers X now or keeps it and answers later; see exchange.h. */
typedef void (*api_handler_fn)(struct api_exchange *x);

enum api_need { API_OPTIONAL, API_REQUIRED };

/** A query parameter. */
struct api_route_query {
    const char *name;
    const char *type; /* in the notation of notation.h */
    enum api_need need;
    const char *description;
};

/** Headers of an answer besides those that every answer has, and those that follow from the row:
 *  X-Cache and Age where the answer is kept, ETag where If-None-Match is taken. */
enum api_answer_header {
    API_ANSWER_ETAG = 1 << 0,
    API_ANSWER_LOCATION = 1 << 1,
    API_ANSWER_NO_STORE = 1 << 2, /* Cache-Control: no-store */
    API_ANSWER_PAGE = 1 << 3,     /* what a browser is told of a page */
};

/** One possible success. */
struct api_route_answer {
    int status;         /* 0 ends the list */
    const char *schema; /* in the notation of notation.h; NULL = no JSON */
    const char *summary;
    const char *type; /* media type, two apart by a space; NULL = application/json */
    unsigned headers; /* enum api_answer_header */
};

/** Which conditional header means something. */
enum api_condition {
    API_UNCONDITIONAL,
    API_IF_NONE_MATCH, /* answers have an ETag; 304 when the client has it */
    API_IF_MATCH,      /* changes only what has the revision that the client names; else 412 */
};

struct api_route {
    enum http_method method;
    const char *path;     /* "/api/instances/{ref}"; literal segments win over parameters */
    enum cache_role role; /* needed at least; CACHE_ROLE_NONE = no credentials */
    api_handler_fn handler;
    const char *id; /* operation id of OpenAPI and name of the documentation page */
    const char *tag;
    const char *summary;                        /* one line */
    const char *description;                    /* paragraphs in Markdown, or NULL */
    const struct api_route_query *const *query; /* NULL-terminated; NULL = takes none */
    const char *body;                           /* name of the request's schema; NULL = no body */
    bool is_body_required;                      /* nothing or {} is refused */
    bool is_idempotent;                         /* takes Idempotency-Key */
    bool is_resumable;                          /* takes Last-Event-ID */
    enum api_condition condition;
    const struct api_cacheable *cacheable;  /* how its result is kept; NULL = it is not */
    const struct api_route_answer *answers; /* ends with status 0 */
    const int *refusals; /* zero-terminated statuses besides the usual; NULL = none */
};

#endif
