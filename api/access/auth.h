/* SPDX-License-Identifier: MIT */
#ifndef API_AUTH_H
#define API_AUTH_H

#include "api/exchange/exchange.h"

/** Finds out who asks: the owner of a bearer token, else the peer of a pipe. Loop thread. */

/** Sets X->who (nobody when there are no credentials). Credentials that are no good are answered
 *  with 401; returns false then. */
bool api_auth_identify(struct api_exchange *x);
/** 401, with what is missing. */
void api_auth_refuse(struct api_exchange *x, const char *detail);
/** Frees what is kept with a connection (see http_calls). */
void api_auth_free_caller(void *caller);

#endif
