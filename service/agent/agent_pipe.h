/* SPDX-License-Identifier: MIT */
#ifndef SVC_AGENT_PIPE_H
#define SVC_AGENT_PIPE_H

#include <stdbool.h>

#include "service/agent/session.h"

/** Where the pipe of SESSION's agent is and who may connect to it, both owned by the caller. SDDL
 *  is NULL where there is none. Returns 0 or a UV code with a sentence in RETERR. */
int svc_agent_pipe_describe(const struct svc_session *session, bool is_own_user,
                            const char *data_dir, char **ret_path, char **ret_sddl,
                            char reterr[300]);

#endif
