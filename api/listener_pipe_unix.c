/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/peer.h"
#include "api/server_state.h"
#include "base/loop.h"

enum { BACKLOG = 1024, SOCKET_MODE = 0660 };

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

static int bind_and_listen(struct api_listener *l, const char *path)
{
    l->io.handle.data = l;
    int r = uv_pipe_bind2(&l->io.pipe, path, strlen(path), UV_PIPE_NO_TRUNCATE);
    if (r < 0)
        return r;
    /* Nobody can connect before listen, so there is no moment with other rights. */
    if (chmod(path, SOCKET_MODE) < 0)
        return uv_translate_sys_error(errno);
    return uv_listen(&l->io.stream, BACKLOG, api_listener_on_connection);
}

int api_server_listen_pipe(struct api_server *server, const char *path)
{
    struct sockaddr_un address;
    if (strlen(path) >= sizeof(address.sun_path))
        return UV_ENAMETOOLONG;
    int r = remove_stale(path);
    if (r < 0)
        return r;
    struct api_listener *l = api_listener_new(server);
    l->identify = api_peer_identify;
    uv_pipe_init(&server->context.loop->uv, &l->io.pipe, 0);
    r = bind_and_listen(l, path);
    if (r < 0)
        api_listener_close(l);
    return r;
}
