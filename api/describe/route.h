/* SPDX-License-Identifier: MIT */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "api/http/request.h"
#include "cache/tables/tokens.h"

struct api_exchange;
struct api_field;

/** Answers X now or keeps it and answers later; see exchange.h. */
typedef void (*api_handler_fn)(struct api_exchange *x);

/** A query parameter, for checking names and for the documents. */
struct api_route_query {
    const char *name;
    const char *type; /* in the notation of schema.h */
    const char *description;
};

enum { API_ROUTE_MAX_ANSWERS = 4 };

/** One possible success. */
struct api_route_answer {
    int status;         /* 0 ends the list */
    const char *schema; /* name of a schema, [Name] for a list of it, or NULL for none */
    const char *type;   /* media type; NULL = application/json */
    const char *summary;
};

/** One row of the table: everything there is to know about a route but the code behind it. */
struct api_route {
    enum http_method method;
    const char *path;     /* "/api/instances/{ref}"; literal segments win over parameters */
    enum cache_role role; /* needed at least; CACHE_ROLE_NONE = no credentials */
    api_handler_fn handler;
    const char *id; /* operation id of OpenAPI and name of the documentation page */
    const char *tag;
    const char *summary;                 /* one line */
    const char *description;             /* paragraphs in Markdown, or NULL */
    const struct api_route_query *query; /* ends with a NULL name; NULL = takes none */
    const char *body;                    /* name of the request's schema; NULL = no body */
    const char *headers; /* request headers that mean something, space separated; or NULL */
    struct api_route_answer answers[API_ROUTE_MAX_ANSWERS];
    const int *refusals; /* zero-terminated statuses besides the usual; NULL = none */
};

#endif
