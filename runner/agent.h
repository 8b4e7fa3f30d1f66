/* SPDX-License-Identifier: MIT */
#ifndef AGENT_H
#define AGENT_H

#include "base/loop/loop.h"
#include "runner/agent_message.h"

/** The session agent's side: runs what the service asks for, in the session that this process
 *  belongs to, and reports what came of it. It decides nothing. When the service is gone its
 *  children are ended, as they are when the service itself runs them. Loop thread only. */
struct agent;

/** WHY: a sentence when it ended for a reason other than the service's leaving, else NULL. The
 *  agent is gone. */
typedef void (*agent_end_fn)(void *arg, const char *why);

/** Takes over PIPE (connected to a service that was checked to be ours, on the heap) and says
 *  HELLO.
 */
struct agent *agent_new(struct loop *loop, uv_pipe_t *pipe, const struct agent_hello *hello,
                        agent_end_fn on_end, void *arg);

#endif
