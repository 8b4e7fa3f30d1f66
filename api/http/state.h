/* SPDX-License-Identifier: MIT */
#ifndef HTTP_STATE_H
#define HTTP_STATE_H

#include <stdbool.h>

#include <uv.h>

#include "api/http/owner.h"
#include "api/http/response.h"
#include "base/loop/loop.h"
#include "base/memory/list.h"

/** What the files of this room share of one server; for nobody else. */
struct http_server {
    struct loop *loop;
    struct http_limits limits;
    const struct http_calls *calls;
    void *arg;
    struct list listeners, conns, pool;
    unsigned n_listeners, n_pooled;
    unsigned n_holds; /* exchanges that are out: no end before them */
    struct http_stats stats;
    char date[HTTP_DATE_SIZE];
    uint64_t date_until_ms;
    uint32_t request_prefix, request_count;
    uv_timer_t tick;
    unsigned tick_ms;
    uv_timer_cb on_tick;
    bool is_closing;
    uint64_t kill_at_ms;                   /* end of the drain */
    void (*finish)(struct http_server *s); /* nothing is left; NULL once it was called */
    void (*on_closed)(void *arg);
    void *on_closed_arg;
    char read_buf[65536]; /* shared: what must outlive a callback is copied */
};

static inline uint64_t http_state_now(const struct http_server *server)
{
    return uv_now(&server->loop->uv);
}
/** The Date header's value now. */
const char *http_state_date(struct http_server *server);
/** Finishes when the server is closing and the last connection, listener and exchange is gone. */
void http_state_check_closed(struct http_server *server);
/** Keeps the timer running while there are connections. */
void http_state_update_tick(struct http_server *server);

#endif
