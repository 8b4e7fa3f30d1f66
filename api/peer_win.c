/* SPDX-License-Identifier: MIT */
#include "api/peer.h"

#include "base/mem.h"

void api_peer_identify(const uv_pipe_t *pipe, struct api_identity *ret)
{
    (void)pipe;
    *ret = (struct api_identity){0};
}

/* Nobody from the network, nobody anonymous; SYSTEM and administrators. */
char *api_peer_sddl(void)
{
    return mem_strdup("D:P(D;;GA;;;NU)(D;;GA;;;AN)(A;;GA;;;SY)(A;;GA;;;BA)");
}
