/* SPDX-License-Identifier: MIT */
#include "api/peer.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

void api_peer_identify(const uv_pipe_t *pipe, struct api_identity *ret)
{
    uv_os_fd_t fd;
    struct ucred peer;
    socklen_t size = sizeof(peer);
    *ret = (struct api_identity){0};
    if (uv_fileno((const uv_handle_t *)pipe, &fd) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return;
    if (peer.uid != 0 && peer.uid != geteuid())
        return;
    ret->kind = API_IDENTITY_PEER;
    ret->role = CACHE_ROLE_ADMIN;
    snprintf(ret->name, sizeof(ret->name), "uid:%u", (unsigned)peer.uid);
}

char *api_peer_sddl(void)
{
    return NULL;
}
