/* SPDX-License-Identifier: MIT */
#include "api/access/auth.h"

#include <string.h>

#include <sodium.h>

#include "api/access/peer.h"
#include "api/exchange/parts.h"
#include "base/memory/mem.h"
#include "base/text/str.h"

/* A token that is not in the table in memory may have been made by the command line just now, so
 * the table is read again: once a second at most, whatever strangers send, and for all who wait.
 * What a reading did not find is refused at once for a second. What was found is remembered with
 * the connection for a second, because a client that keeps it sends the same token again and again.
 */

enum { RELOAD_EVERY_MS = 1000, BELIEVE_MS = 1000 };

/* What is kept with a connection. */
struct caller {
    struct api_identity peer; /* who is at the other end of a pipe ... */
    bool is_peer_known;       /* ... once somebody asked */
    struct api_identity who;  /* of the token last checked here ... */
    char token[CACHE_TOKEN_SIZE];
    uint64_t until_ms; /* ... may be believed until then */
    unsigned generation;
};

struct api_auth *api_auth_new(struct api_server *server)
{
    struct api_auth *auth = mem_new(struct api_auth);
    auth->server = server;
    list_init(&auth->waiting);
    list_init(&auth->serving);
    return auth;
}

void api_auth_free(struct api_auth *auth)
{
    mem_free(auth);
}

void api_auth_forget(struct api_auth *auth)
{
    auth->generation++;
}

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
    unsigned generation = x->server->auth->generation;
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

static bool is_denied(const struct api_exchange *x, const char token[CACHE_TOKEN_SIZE])
{
    const struct api_auth *auth = x->server->auth;
    for (size_t i = 0; i < API_DENIED_COUNT; i++) {
        if (auth->denied[i].until_ms > now_ms(x) && is_same_token(auth->denied[i].token, token))
            return true;
    }
    return false;
}

static void deny(const struct api_exchange *x, const char token[CACHE_TOKEN_SIZE])
{
    struct api_auth *auth = x->server->auth;
    unsigned i = auth->next_denied++ % API_DENIED_COUNT;
    memcpy(auth->denied[i].token, token, CACHE_TOKEN_SIZE);
    auth->denied[i].until_ms = now_ms(x) + RELOAD_EVERY_MS;
}

static void refuse_token(struct api_exchange *x)
{
    api_auth_refuse(x, "The token is not known, has expired or was revoked.");
}

/* --- reading the table again --- */

static void reload(struct api_auth *auth);

/* The table is as new as it gets: the token is in it or is none. */
static void settle(struct api_exchange *x, int status)
{
    char token[CACHE_TOKEN_SIZE];
    list_unlink(&x->http.link);
    http_exchange_woken(&x->http);
    (void)read_token(x, token);
    if (check_token(x, token)) {
        x->answer(x);
    } else if (status < 0) {
        api_respond_store_error(x, status);
    } else {
        deny(x, token);
        refuse_token(x);
    }
}

static void on_reloaded(void *arg, int status)
{
    struct api_auth *auth = arg;
    auth->is_reloading = false;
    while (!list_is_empty(&auth->serving))
        settle(list_entry(auth->serving.next, struct api_exchange, http.link), status);
    reload(auth);
    /* The last: the server may be gone behind it. */
    http_server_hold(auth->server->http, -1);
}

static void reload(struct api_auth *auth)
{
    uint64_t now = uv_now(&auth->server->context.loop->uv);
    if (auth->is_reloading || list_is_empty(&auth->waiting) || now < auth->next_ms)
        return;
    list_foreach(item, &auth->waiting) {
        list_unlink(item);
        list_append(&auth->serving, item);
    }
    auth->is_reloading = true;
    auth->next_ms = now + RELOAD_EVERY_MS;
    /* The reload points at us, so the server must not be gone before. */
    http_server_hold(auth->server->http, 1);
    cache_tokens_reload(auth->server->context.tokens, on_reloaded, auth);
}

void api_auth_on_tick(struct api_auth *auth)
{
    reload(auth);
}

static void cancel_wait(void *handle)
{
    struct api_exchange *x = handle;
    list_unlink(&x->http.link);
}

static const struct http_wait reload_wait = {.cancel = cancel_wait};

static void wait_for_reload(struct api_exchange *x, void (*then)(struct api_exchange *x))
{
    x->answer = then;
    http_exchange_wait(&x->http, &reload_wait, 0);
    http_exchange_wait_for(&x->http, x);
    list_append(&x->server->auth->waiting, &x->http.link);
    reload(x->server->auth);
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

void api_auth_identify(struct api_exchange *x, void (*then)(struct api_exchange *x))
{
    char token[CACHE_TOKEN_SIZE];
    if (!http_request_header(&x->http.request, HTTP_HEADER_AUTHORIZATION)) {
        x->who = *find_peer(x);
        then(x);
    } else if (!read_token(x, token)) {
        api_auth_refuse(x, "The Authorization header is not 'Bearer' and one token.");
    } else if (check_token(x, token)) {
        then(x);
    } else if (is_denied(x, token)) {
        refuse_token(x);
    } else {
        wait_for_reload(x, then);
    }
}
