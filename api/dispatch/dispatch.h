/* SPDX-License-Identifier: MIT */
#ifndef API_DISPATCH_H
#define API_DISPATCH_H

#include "api/http/owner.h"

/** What an HTTP server is told for the API (api/http/owner.h); its ARG is a struct api_server. */
extern const struct http_calls api_dispatch_calls;

#endif
