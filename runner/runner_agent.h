/* SPDX-License-Identifier: MIT */
#ifndef RUNNER_AGENT_H
#define RUNNER_AGENT_H

#include "base/loop/loop.h"
#include "runner/agent_message.h"

/** The runner whose children belong to another process: the session agent, in the session of the
 *  interactive user, where ldconsole works (reference 2.5). Without an agent the runner says so
 *  (runner.absence) and nothing can be run. When the agent is lost its runs end as
 *  RUN_LOST: whether the children did their work has to be looked at. Loop thread only. */

struct runner_agent_events {
    /** The agent is at work: runs may be started. */
    void (*on_ready)(void *arg, const struct agent_hello *hello);
    /** It is not, or no longer: it left, answers nothing, speaks another protocol. WHY: a part of a
     *  sentence. The connection is closed already. */
    void (*on_lost)(void *arg, const char *why);
};

struct runner_agent_options {
    const char *version;  /* of this program; the agent must have the same */
    size_t max_output;    /* the largest that a run may ask for */
    unsigned patience_ms; /* for HELLO, and for an answer to a ping; default 60000 */
    unsigned ping_ms;     /* between two pings; default 5000 */
};

/** Absent from the beginning. VERSION and EVENTS outlive the runner. */
struct runner *runner_agent_new(struct loop *loop, const struct runner_agent_options *options,
                                const struct runner_agent_events *events, void *arg);
/** Takes over PIPE (connected, on the heap) to an agent that was checked to be ours. One that is
 *  there is detached first, without an event. */
void runner_agent_attach(struct runner *runner, uv_pipe_t *pipe);
/** Closes the connection to the agent, without an event: its runs are lost, and it ends. */
void runner_agent_detach(struct runner *runner);
/** An agent is on its way: from now on runs wait for it instead of being refused. */
void runner_agent_expect(struct runner *runner);
/** None is: runs are refused from now on, and those that wait end as RUN_NOT_STARTED with
 *  UV_ENOTCONN. SENTENCE says why, for an operator; copied. Not while an agent is attached. */
void runner_agent_set_absence(struct runner *runner, const char *sentence);

#endif
