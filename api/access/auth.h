/* SPDX-License-Identifier: MIT */
#ifndef API_AUTH_H
#define API_AUTH_H

#include "api/exchange/exchange.h"

/** Finds out who asks: the owner of a bearer token, else the peer of a pipe. Loop thread. */
enum { API_DENIED_COUNT = 8 };

struct api_auth {
    struct api_server *server;
    struct list waiting; /* exchanges that need a reload begun after they came */
    struct list serving; /* exchanges that the reload under way is for */
    uint64_t next_ms;    /* no reload before */
    bool is_reloading;
    unsigned next_denied;
    struct {
        char token[CACHE_TOKEN_SIZE];
        uint64_t until_ms;
    } denied[API_DENIED_COUNT];
    unsigned generation; /* of what connections remember; moves when a token is revoked here */
};

struct api_auth *api_auth_new(struct api_server *server);
/** Accepts NULL. */
void api_auth_free(struct api_auth *auth);

/** Calls THEN with X->who set (nobody when there are no credentials), within the call, or later
 *  when the table of tokens is read again because it does not have the token yet. Credentials that
 *  are no good are answered with 401; THEN is not called. */
void api_auth_identify(struct api_exchange *x, void (*then)(struct api_exchange *x));
/** 401, with what is missing. */
void api_auth_refuse(struct api_exchange *x, const char *detail);
/** What connections remember of tokens is no longer true. */
void api_auth_forget(struct api_auth *auth);
/** To be called a few times in a second. */
void api_auth_on_tick(struct api_auth *auth);
/** Frees what is kept with a connection (see http_calls). */
void api_auth_free_caller(void *caller);

#endif
