/* SPDX-License-Identifier: MIT */
#include "api/http/state.h"

#include "base/system/clock.h"

const char *http_state_date(struct http_server *server)
{
    uint64_t now = http_state_now(server);
    if (now >= server->date_until_ms) {
        int64_t wall = clock_wall_ms();
        http_response_format_date(wall, server->date);
        server->date_until_ms = now + 1000 - (uint64_t)(wall % 1000);
    }
    return server->date;
}

void http_state_check_closed(struct http_server *server)
{
    void (*finish)(struct http_server * s) = server->finish;
    /* Exchanges without a connection still wait for somebody who points at them. */
    if (!server->is_closing || !finish || server->n_listeners || server->stats.n_conns ||
        server->n_holds)
        return;
    server->finish = NULL;
    finish(server);
}

void http_state_update_tick(struct http_server *server)
{
    uv_handle_t *handle = (uv_handle_t *)&server->tick;
    if (uv_is_closing(handle))
        return;
    if (server->stats.n_conns == 0)
        uv_timer_stop(&server->tick);
    else if (!uv_is_active(handle))
        uv_timer_start(&server->tick, server->on_tick, server->tick_ms, server->tick_ms);
}
