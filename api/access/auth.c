/* SPDX-License-Identifier: MIT */
#include "api/access/auth.h"

#include <string.h>

#include <sodium.h>

#include "api/access/peer.h"
#include "api/exchange/parts.h"
#include "base/memory/mem.h"
#include "base/text/str.h"

/* What was found is remembered with the connection for a second, or until a token is revoked,
 * because a client that keeps it sends the same token again and again. */

enum { BELIEVE_MS = 1000 };

/* What is kept with a connection. */
struct caller {
    struct api_identity peer; /* who is at the other end of a pipe ... */
    bool is_peer_known;       /* ... once somebody asked */
    struct api_identity who;  /* of the token last checked here ... */
    char token[CACHE_TOKEN_SIZE];
    uint64_t until_ms; /* ... may be believed until then */
    unsigned generation;
};

void api_auth_free_caller(void *caller)
{
    mem_free(caller);
}

void api_auth_refuse(struct api_exchange *x, const char *detail)
{
    api_exchange_header(x, "WWW-Authenticate", "Bearer realm=\"ldplayerd\"");
    api_respond_code(x, API_UNAUTHORIZED, "%s", detail);
}

static uint64_t now_ms(const struct api_exchange *x)
{
    return uv_now(&x->context->loop->uv);
}

static struct caller *caller_of(const struct api_exchange *x)
{
    void **data = x->http.conn_data;
    if (!*data)
        *data = mem_new(struct caller);
    return *data;
}

/* --- tokens --- */

/* Comparing secrets must not tell by its duration how far they agree. */
static bool is_same_token(const char *a, const char *b)
{
    return sodium_memcmp(a, b, CACHE_TOKEN_SIZE) == 0;
}

/* The token of "Bearer TOKEN", padded with zeros; false for anything else. */
static bool read_token(const struct api_exchange *x, char ret[CACHE_TOKEN_SIZE])
{
    const char *header = http_request_header(&x->http.request, HTTP_HEADER_AUTHORIZATION);
    char scheme[8];
    str_copy(scheme, sizeof(scheme), header);
    if (!str_is_equal_nocase(scheme, "Bearer "))
        return false;
    const char *token = header + 7 + strspn(header + 7, " ");
    size_t n = strlen(token);
    if (n == 0 || n >= CACHE_TOKEN_SIZE)
        return false;
    memset(ret, 0, CACHE_TOKEN_SIZE);
    memcpy(ret, token, n);
    return true;
}

/* Sets who X is from by the table in memory, or by what the connection remembers of it. */
static bool check_token(struct api_exchange *x, const char token[CACHE_TOKEN_SIZE])
{
    struct caller *caller = caller_of(x);
    unsigned generation = cache_tokens_generation(x->context->tokens);
    if (caller->until_ms > now_ms(x) && caller->generation == generation &&
        is_same_token(caller->token, token)) {
        x->who = caller->who;
        return true;
    }
    const struct cache_token *row = cache_tokens_check(x->context->tokens, token);
    if (!row)
        return false;
    x->who = (struct api_identity){
        .kind = API_IDENTITY_TOKEN, .role = row->role, .expires_at = row->expires_at};
    memcpy(x->who.name, row->name, sizeof(x->who.name));
    memcpy(x->who.id, row->id, sizeof(row->id));
    caller->who = x->who;
    caller->until_ms = now_ms(x) + BELIEVE_MS;
    caller->generation = generation;
    memcpy(caller->token, token, CACHE_TOKEN_SIZE);
    return true;
}

/* --- who it is --- */

/* Not when the connection comes: Windows tells who it is once something was read from it. */
static const struct api_identity *find_peer(const struct api_exchange *x)
{
    struct caller *caller = caller_of(x);
    if (listener_is_pipe(x->http.listener) && !caller->is_peer_known)
        api_peers_identify(x->server->peers, &x->http.io->pipe, &caller->peer);
    caller->is_peer_known = true;
    return &caller->peer;
}

bool api_auth_identify(struct api_exchange *x)
{
    char token[CACHE_TOKEN_SIZE];
    if (!http_request_header(&x->http.request, HTTP_HEADER_AUTHORIZATION)) {
        x->who = *find_peer(x);
        return true;
    }
    if (!read_token(x, token))
        api_auth_refuse(x, "The Authorization header is not 'Bearer' and one token.");
    else if (check_token(x, token))
        return true;
    else
        api_auth_refuse(x, "The token is not known, has expired or was revoked.");
    return false;
}
