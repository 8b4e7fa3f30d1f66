/* SPDX-License-Identifier: MIT */
#include "api/http/conn.h"
#include "api/access/peer.h"
#include "api/http/server_state.h"
#include "base/log/log.h"
#include "base/loop/pipe_server.h"

enum { BACKLOG = 1024, SOCKET_MODE = 0660 };

static void on_connection(void *arg, int status)
{
    struct api_listener *l = arg;
    bool is_news = status != l->trouble; /* it is told at each try */
    l->trouble = status;
    if (status == 0)
        api_conn_accept(l);
    else if (is_news)
        log_warning("api", "no further client can connect to the pipe for now: %s; trying again",
                    uv_strerror(status));
}

int api_server_listen_pipe(struct api_server *server, const char *path)
{
    const struct api_options *o = &server->options;
    if (!server->peers)
        server->peers = api_peers_new(o->operators_group, o->interactive_role);
    const struct pipe_server_options options = {.path = path,
                                                .sddl = api_peers_sddl(server->peers),
                                                .mode = SOCKET_MODE,
                                                .backlog = BACKLOG};
    struct api_listener *l = api_listener_new(server, NULL);
    int r = pipe_server_new(server->context.loop, &options, on_connection, l, &l->pipe);
    if (r < 0)
        api_listener_close(l);
    return r;
}
