/* SPDX-License-Identifier: MIT */
#include "base/loop/pipe_server.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"

struct pipe_server {
    uv_pipe_t pipe;
    pipe_server_fn on_connection;
    void *arg;
    void (*on_closed)(void *arg); /* NULL: it never came to listen, and nobody waits */
    void *on_closed_arg;
};

/* Whether somebody listens at PATH; connecting to a local socket answers at once. */
static bool is_alive(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true;
    int r = connect(fd, (struct sockaddr *)&address, sizeof(address));
    bool is_refused = r < 0 && (errno == ECONNREFUSED || errno == ENOENT);
    close(fd);
    return !is_refused;
}

/* Removes the socket file that a dead server left; anything else stays. */
static int remove_stale(const char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : uv_translate_sys_error(errno);
    if (!S_ISSOCK(st.st_mode) || is_alive(path))
        return UV_EADDRINUSE;
    return unlink(path) < 0 ? uv_translate_sys_error(errno) : 0;
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct pipe_server *s = container_of((uv_pipe_t *)stream, struct pipe_server, pipe);
    s->on_connection(s->arg, status);
}

static int bind_and_listen(struct pipe_server *s, const struct pipe_server_options *o)
{
    int r = uv_pipe_bind2(&s->pipe, o->path, strlen(o->path), UV_PIPE_NO_TRUNCATE);
    if (r < 0)
        return r;
    /* Nobody can connect before listen, so there is no moment with other rights. */
    if (chmod(o->path, (mode_t)o->mode) < 0)
        return uv_translate_sys_error(errno);
    return uv_listen((uv_stream_t *)&s->pipe, (int)o->backlog, on_connection);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct pipe_server *s = container_of((uv_pipe_t *)handle, struct pipe_server, pipe);
    void (*on_closed)(void *arg) = s->on_closed;
    void *arg = s->on_closed_arg;
    mem_free(s);
    if (on_closed)
        on_closed(arg);
}

int pipe_server_new(struct loop *loop, const struct pipe_server_options *options,
                    pipe_server_fn on_conn, void *arg, struct pipe_server **ret)
{
    struct sockaddr_un address;
    if (!*options->path)
        return UV_EINVAL;
    if (strlen(options->path) >= sizeof(address.sun_path))
        return UV_ENAMETOOLONG;
    int r = remove_stale(options->path);
    if (r < 0)
        return r;
    struct pipe_server *s = mem_new(struct pipe_server);
    s->on_connection = on_conn;
    s->arg = arg;
    uv_pipe_init(&loop->uv, &s->pipe, 0);
    r = bind_and_listen(s, options);
    if (r < 0)
        uv_close((uv_handle_t *)&s->pipe, on_handle_closed);
    else
        *ret = s;
    return r;
}

int pipe_server_accept(struct pipe_server *server, uv_pipe_t *client)
{
    return uv_accept((uv_stream_t *)&server->pipe, (uv_stream_t *)client);
}

void pipe_server_close(struct pipe_server *server, void (*on_closed)(void *arg), void *arg)
{
    server->on_closed = on_closed;
    server->on_closed_arg = arg;
    uv_close((uv_handle_t *)&server->pipe, on_handle_closed);
}

int pipe_peer_pid(const uv_pipe_t *pipe, int is_server, int *ret_pid)
{
    uv_os_fd_t fd;
    struct ucred peer;
    socklen_t size = sizeof(peer);
    (void)is_server; /* a socket has one other end; of a server it names who called listen */
    int r = uv_fileno((const uv_handle_t *)pipe, &fd);
    if (r < 0)
        return r;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return uv_translate_sys_error(errno);
    *ret_pid = (int)peer.pid;
    return 0;
}
