/* SPDX-License-Identifier: MIT */
#include "service/client/client_pipe.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* A full backlog has connect() wait, for as long as a write may. */
static int connect_to(int fd, const char *path, unsigned timeout_ms)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = timeout_ms / 1000,
                               .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
    size_t n = strlen(path);
    if (n >= sizeof(address.sun_path))
        return UV_ENAMETOOLONG;
    memcpy(address.sun_path, path, n);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
        connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return 0;
    return errno == EAGAIN ? UV_ETIMEDOUT : uv_translate_sys_error(errno);
}

int svc_client_pipe_connect(uv_pipe_t *pipe, const char *path, unsigned timeout_ms)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return uv_translate_sys_error(errno);
    int r = connect_to(fd, path, timeout_ms);
    if (r == 0)
        r = uv_pipe_open(pipe, fd);
    if (r < 0)
        close(fd);
    return r;
}
