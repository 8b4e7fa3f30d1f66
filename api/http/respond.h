/* SPDX-License-Identifier: MIT */
#ifndef HTTP_RESPOND_H
#define HTTP_RESPOND_H

#include "api/http/exchange.h"

/** The answer of an exchange: exactly one of these, which ends it. STATUS 304 stands for the answer
 *  without its body. */

/** TYPE is the media type. The blob's reference is taken over. */
void http_respond_blob(struct http_exchange *x, int status, const char *type, struct blob *body);
/** The body is what stands in X->reply. */
void http_respond_reply(struct http_exchange *x, int status, const char *type);
/** No body: 204, 304. */
void http_respond_empty(struct http_exchange *x, int status);

#endif
