/* SPDX-License-Identifier: MIT */
#include "api/access/peer.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text/str.h"

const char api_peer_medium[] = "socket";

/* A socket's rule needs nothing to be looked up. */
struct api_peers *api_peers_new(const char *operators_group, enum cache_role interactive)
{
    (void)operators_group;
    (void)interactive;
    return NULL;
}

struct api_peers *api_peers_free(struct api_peers *peers)
{
    (void)peers;
    return NULL;
}

const char *api_peers_sddl(const struct api_peers *peers)
{
    (void)peers;
    return NULL;
}

void api_peers_identify(struct api_peers *peers, const uv_pipe_t *pipe, struct api_identity *ret)
{
    uv_os_fd_t fd;
    struct ucred peer;
    socklen_t size = sizeof(peer);
    (void)peers;
    *ret = (struct api_identity){0};
    if (uv_fileno((const uv_handle_t *)pipe, &fd) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return;
    snprintf(ret->name, sizeof(ret->name), "uid:%u", (unsigned)peer.uid);
    str_copy(ret->id, sizeof(ret->id), ret->name);
    if (peer.uid != 0 && peer.uid != geteuid())
        return;
    ret->kind = API_IDENTITY_PEER;
    ret->role = CACHE_ROLE_ADMIN;
}
