/* SPDX-License-Identifier: MIT */
#ifndef API_PARTS_H
#define API_PARTS_H

#include "api/describe/route.h"
#include "api/exchange/context.h"
#include "api/http/server.h"
#include "base/memory/blob.h"

struct api_audit;
struct api_cached;
struct api_peers;
struct api_router;

/** What one server of the API is made of. Each part is made and freed by the room that is named
 *  here, and only looked into there. Loop thread. */
struct api_server {
    struct api_context context;
    struct api_options options;
    struct http_server *http;
    const struct api_route *routes;
    size_t n_routes;
    struct api_router *router;    /* dispatch */
    struct api_audit *audit;      /* access */
    struct api_peers *peers;      /* access; NULL until a pipe is listened to */
    struct api_cached *cached;    /* common; NULL without an observer */
    struct blob *openapi, *docs;  /* resources: made when first asked for */
    uint64_t n_events, n_cut_off; /* resources: sent to streams; streams ended for being slow */
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

#endif
