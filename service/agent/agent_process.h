/* SPDX-License-Identifier: MIT */
#ifndef SVC_AGENT_PROCESS_H
#define SVC_AGENT_PROCESS_H

#include "base/loop/loop.h"
#include "service/agent/session.h"

/** The process of the session agent: this program, started in a session. Loop thread only. */
struct svc_agent_process;

struct svc_agent_start {
    const struct svc_session *session;
    bool is_own_user; /* run it as this process's user here, not as the session's (console mode) */
    const char *pipe; /* where it is to connect to */
};

enum { SVC_AGENT_WHY_SIZE = 300 };

/** ON_EXIT comes once, in a later turn, when the process has ended; it is still to be closed.
 *  Returns 0, or a UV code with a sentence in RETERR: which call failed, and what to do. */
int svc_agent_process_start(struct loop *loop, const struct svc_agent_start *start,
                            void (*on_exit)(void *arg, int64_t code), void *arg,
                            struct svc_agent_process **ret, char reterr[SVC_AGENT_WHY_SIZE]);
/** Whether the client at the other end of PIPE is this very process, still running this program as
 *  the session's user. Otherwise REASON says what it is instead. */
bool svc_agent_process_is_peer(const struct svc_agent_process *process, const uv_pipe_t *pipe,
                               char reason[SVC_AGENT_WHY_SIZE]);
void svc_agent_process_kill(struct svc_agent_process *process);
/** Kills it when it still runs. ON_CLOSED comes in a later turn, after which ON_EXIT does not. */
void svc_agent_process_close(struct svc_agent_process *process, void (*on_closed)(void *arg),
                             void *arg);

#endif
