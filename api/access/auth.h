/* SPDX-License-Identifier: MIT */
#ifndef API_AUTH_H
#define API_AUTH_H

#include "api/http/gate.h"
#include "api/http/server_state.h"

void api_auth_init(struct api_auth *auth);
/** Finds out who asks: a bearer token, else the peer of a pipe. OPEN with X->who set (nobody when
 *  there are no credentials), WAITING, or ANSWERED with 401. */
enum api_gate api_auth_identify(struct api_exchange *x);
/** Called on every tick of the server. */
void api_auth_on_tick(struct api_server *server);
/** What connections remember of tokens is no longer true. */
void api_auth_forget(struct api_server *server);
/** 401, with what is missing. */
void api_auth_refuse(struct api_exchange *x, const char *detail);

#endif
