/* SPDX-License-Identifier: MIT */
#ifndef SVC_AGENT_HOST_H
#define SVC_AGENT_HOST_H

#include "runner/runner_agent.h"
#include "service/agent/session.h"

/** Keeps a session agent at work: picks the session, starts the agent there, lets nobody else in,
 *  gives the connection to the runner, and starts it again, with growing pauses, when it is lost.
 *  Loop thread only. */
struct svc_agent_host;

struct svc_agent_host_events {
    /** An agent is at work in SESSION. */
    void (*on_started)(void *arg, const struct svc_session *session,
                       const struct agent_hello *hello);
    /** It is no longer, or did not get that far. WHY is a part of a sentence. The next try comes
     *  after RETRY_MS. */
    void (*on_lost)(void *arg, const struct svc_session *session, const char *why,
                    uint64_t retry_ms);
    /** There is no session for it. SENTENCE says why and what to do. */
    void (*on_no_session)(void *arg, const char *sentence);
    /** Somebody else tried to be the agent. */
    void (*on_intruder)(void *arg, const char *reason);
};

struct svc_agent_host_options {
    const char *session_user; /* "" = anybody */
    const char *data_dir;     /* where its socket goes, outside Windows */
    const char *version;
    bool is_own_user;  /* the agent runs as this process's user (console mode) */
    size_t max_output; /* of one run */
};

/** OPTIONS and EVENTS outlive the host. The runner exists from now on, and is absent. */
struct svc_agent_host *svc_agent_host_new(struct loop *loop,
                                          const struct svc_agent_host_options *options,
                                          const struct svc_agent_host_events *events, void *arg);
/** For ldc_client_new, which takes it over; to be asked for once. */
struct runner *svc_agent_host_runner(struct svc_agent_host *host);
/** Looks at the sessions and acts: at start, and whenever they may have changed. */
void svc_agent_host_look(struct svc_agent_host *host);
/** Starts nothing any more and leaves the runner alone, which may be closed from now on. The agent
 *  ends when the runner lets it go, or is ended after a few seconds. ON_CLOSED comes in a later
 *  turn. */
void svc_agent_host_close(struct svc_agent_host *host, void (*on_closed)(void *arg), void *arg);

#endif
