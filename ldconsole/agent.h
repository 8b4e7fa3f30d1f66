/* SPDX-License-Identifier: MIT */
#ifndef LDC_AGENT_H
#define LDC_AGENT_H

#include "base/loop.h"
#include "ldconsole/agent_message.h"

/** The session agent's side: runs what the service asks for, in the session that this process
 *  belongs to, and tells what came of it. It decides nothing. When the service is gone its children
 *  are ended, as they are when the service itself runs them. Loop thread only. */
struct ldc_agent;

/** WHY: a sentence when it ended for a reason other than the service's leaving, else NULL. The
 * agent is gone. */
typedef void (*ldc_agent_end_fn)(void *arg, const char *why);

/** Takes over PIPE (connected to a service that was checked to be ours, on the heap) and says
 * HELLO.
 */
struct ldc_agent *ldc_agent_new(struct loop *loop, uv_pipe_t *pipe,
                                const struct ldc_agent_hello *hello, ldc_agent_end_fn on_end,
                                void *arg);

#endif
