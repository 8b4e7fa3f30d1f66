/* SPDX-License-Identifier: MIT */
#include "api/exchange/exchange.h"

const char *api_exchange_query(const struct api_exchange *x, const char *name)
{
    return http_request_query(&x->http.request, name);
}

void *api_exchange_new_state(struct api_exchange *x, size_t size, void (*deinit)(void *state))
{
    return http_exchange_new_state(&x->http, size, deinit);
}

bool api_exchange_is_stopping(const struct api_exchange *x)
{
    return http_exchange_is_stopping(&x->http);
}

void api_exchange_header(struct api_exchange *x, const char *name, const char *value)
{
    http_exchange_header(&x->http, name, value);
}

void api_exchange_header_number(struct api_exchange *x, const char *name, uint64_t value)
{
    http_exchange_header_number(&x->http, name, value);
}

bool api_exchange_matches(struct api_exchange *x, const char *etag)
{
    return http_exchange_matches(&x->http, etag);
}

enum http_precondition api_exchange_may_change(const struct api_exchange *x, const char *revision)
{
    return x->route->condition == API_IF_MATCH ? http_exchange_may_change(&x->http, revision)
                                               : HTTP_PRECONDITION_NONE;
}
