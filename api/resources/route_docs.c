/* SPDX-License-Identifier: MIT */
#include "api/resources/handlers.h"

#include "api/describe/openapi.h"
#include "api/exchange/parts.h"

static struct blob *make(const struct api_server *server,
                         void (*append)(const struct api_route *routes, size_t n,
                                        const char *version, struct buf *out))
{
    struct buf text cleanup(buf_deinit);
    buf_init(&text, 0);
    append(server->routes, server->n_routes, server->context.version, &text);
    return blob_copy(text.data, text.len);
}

void api_handle_openapi(struct api_exchange *x)
{
    struct api_server *server = x->server;
    if (!server->openapi)
        server->openapi = make(server, api_openapi_append);
    api_respond_blob(x, 200, API_JSON, blob_ref(server->openapi));
}

void api_handle_docs(struct api_exchange *x)
{
    struct api_server *server = x->server;
    if (!server->docs)
        server->docs = make(server, api_docs_append);
    api_exchange_header(x, "Content-Security-Policy",
                        "default-src 'none'; style-src 'unsafe-inline'");
    api_exchange_header(x, "X-Content-Type-Options", "nosniff");
    api_respond_blob(x, 200, "text/html; charset=utf-8", blob_ref(server->docs));
}
