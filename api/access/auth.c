/* SPDX-License-Identifier: MIT */
#include "api/access/auth.h"

#include <string.h>

#include <sodium.h>

#include "api/http/conn.h"
#include "api/access/peer.h"
#include "base/memory/mem.h"
#include "base/text/str.h"

enum { RELOAD_EVERY_MS = 1000, BELIEVE_MS = 1000 };

void api_auth_init(struct api_auth *auth)
{
    list_init(&auth->waiting);
    list_init(&auth->serving);
}

void api_auth_forget(struct api_server *server)
{
    server->auth.generation++;
}

void api_auth_refuse(struct api_exchange *x, const char *detail)
{
    api_exchange_header(x, "WWW-Authenticate", "Bearer realm=\"ldplayerd\"");
    api_respond_code(x, API_UNAUTHORIZED, "%s", detail);
}

/* Comparing secrets must not tell by its duration how far they agree. */
static bool is_same_token(const char *a, const char *b)
{
    return sodium_memcmp(a, b, CACHE_TOKEN_SIZE) == 0;
}

static void remember(struct api_exchange *x, const char token[CACHE_TOKEN_SIZE])
{
    struct api_conn *conn = x->conn;
    memcpy(conn->token, token, CACHE_TOKEN_SIZE);
    conn->token_who = x->who;
    conn->token_until_ms = api_server_now(x->server) + BELIEVE_MS;
    conn->token_generation = x->server->auth.generation;
}

/* A client on a kept-alive connection sends the same token again and again; hashing it once a
 * second is enough. */
static bool is_remembered(const struct api_exchange *x, const char token[CACHE_TOKEN_SIZE])
{
    const struct api_conn *conn = x->conn;
    return conn->token_until_ms > api_server_now(x->server) &&
           conn->token_generation == x->server->auth.generation &&
           is_same_token(conn->token, token);
}

static bool check_token(struct api_exchange *x, const char token[CACHE_TOKEN_SIZE])
{
    if (is_remembered(x, token)) {
        x->who = x->conn->token_who;
        return true;
    }
    const struct cache_token *row = cache_tokens_check(x->context->tokens, token);
    if (!row)
        return false;
    x->who = (struct api_identity){
        .kind = API_IDENTITY_TOKEN, .role = row->role, .expires_at = row->expires_at};
    memcpy(x->who.name, row->name, sizeof(x->who.name));
    memcpy(x->who.token_id, row->id, sizeof(x->who.token_id));
    remember(x, token);
    return true;
}

static bool is_denied(const struct api_server *server, const char token[CACHE_TOKEN_SIZE])
{
    for (size_t i = 0; i < API_DENIED_COUNT; i++) {
        if (server->auth.denied[i].until_ms > uv_now(server->tick.loop) &&
            is_same_token(server->auth.denied[i].token, token))
            return true;
    }
    return false;
}

static void deny(struct api_server *server, const char token[CACHE_TOKEN_SIZE])
{
    unsigned i = server->auth.next_denied++ % API_DENIED_COUNT;
    memcpy(server->auth.denied[i].token, token, CACHE_TOKEN_SIZE);
    server->auth.denied[i].until_ms = api_server_now(server) + RELOAD_EVERY_MS;
}

/* The token of "Bearer TOKEN", padded with zeros; false for anything else. */
static bool read_token(const struct api_exchange *x, char ret[CACHE_TOKEN_SIZE])
{
    const char *header = api_request_header(&x->request, API_HEADER_AUTHORIZATION);
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

static void kick(struct api_server *server);

/* The table is as new as it gets: the token is in it or is none. */
static void settle(struct api_exchange *x, int status)
{
    char token[CACHE_TOKEN_SIZE];
    list_unlink(&x->link);
    x->on_gone = NULL;
    (void)read_token(x, token);
    if (check_token(x, token)) {
        if (api_gate_check_identified(x) == API_GATE_OPEN)
            api_conn_continue(x->conn);
    } else if (status < 0) {
        api_respond_store_error(x, status);
    } else {
        deny(x->server, token);
        api_auth_refuse(x, "The token is not known, has expired or was revoked.");
    }
}

static void on_reloaded(void *arg, int status)
{
    struct api_server *server = arg;
    server->auth.is_reloading = false;
    server->n_exchanges--;
    while (!list_is_empty(&server->auth.serving))
        settle(list_entry(server->auth.serving.next, struct api_exchange, link), status);
    kick(server);
    api_server_check_closed(server);
}

static void kick(struct api_server *server)
{
    struct api_auth *auth = &server->auth;
    uint64_t now = api_server_now(server);
    if (auth->is_reloading || list_is_empty(&auth->waiting) || now < auth->next_ms)
        return;
    list_foreach(item, &auth->waiting) {
        list_unlink(item);
        list_append(&auth->serving, item);
    }
    auth->is_reloading = true;
    auth->next_ms = now + RELOAD_EVERY_MS;
    /* The reload points at the server, so the server must not be gone before. */
    server->n_exchanges++;
    cache_tokens_reload(server->context.tokens, on_reloaded, server);
}

void api_auth_on_tick(struct api_server *server)
{
    kick(server);
}

static void on_gone(struct api_exchange *x)
{
    api_exchange_drop(x);
}

static enum api_gate wait_for_reload(struct api_exchange *x)
{
    x->on_gone = on_gone;
    list_append(&x->server->auth.waiting, &x->link);
    kick(x->server);
    return API_GATE_WAITING;
}

/* Not when the connection comes: Windows tells who it is once something was read from it. */
static const struct api_identity *find_peer(struct api_conn *conn)
{
    if (api_listener_is_pipe(conn->listener) && !conn->is_peer_known)
        api_peers_identify(conn->server->peers, &conn->io.pipe, &conn->peer);
    conn->is_peer_known = true;
    return &conn->peer;
}

enum api_gate api_auth_identify(struct api_exchange *x)
{
    char token[CACHE_TOKEN_SIZE];
    if (!api_request_header(&x->request, API_HEADER_AUTHORIZATION)) {
        x->who = *find_peer(x->conn);
        return API_GATE_OPEN;
    }
    if (!read_token(x, token)) {
        api_auth_refuse(x, "The Authorization header is not 'Bearer' and one token.");
        return API_GATE_ANSWERED;
    }
    if (check_token(x, token))
        return API_GATE_OPEN;
    if (is_denied(x->server, token)) {
        api_auth_refuse(x, "The token is not known, has expired or was revoked.");
        return API_GATE_ANSWERED;
    }
    return wait_for_reload(x);
}
