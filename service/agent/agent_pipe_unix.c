/* SPDX-License-Identifier: MIT */
#include "service/agent/agent_pipe.h"

#include "base/system/fs.h"

/* The folder is the owner's alone, and so is the socket. */
int svc_agent_pipe_describe(const struct svc_session *session, bool is_own_user,
                            const char *data_dir, char **ret_path, char **ret_sddl,
                            char reterr[300])
{
    (void)session;
    (void)is_own_user;
    (void)reterr;
    *ret_path = fs_join(data_dir, "agent.sock");
    *ret_sddl = NULL;
    return 0;
}
