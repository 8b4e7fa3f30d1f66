/* SPDX-License-Identifier: MIT */
#include "service/agent/agent_host.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/loop/pipe_server.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "service/agent/agent_pipe.h"
#include "service/agent/agent_process.h"

/*      look: a session          connected, checked        HELLO
 *  IDLE ---------------> STARTING ---------------> GREETING ------> UP
 *   ^  \________________   |            |             |            |
 *   | no session        \  v            v             v            v
 *   '------------------- PAUSING <------------- (lost, ended, too slow)
 *
 * Each start has a pipe of its own with a name that nobody can know before, which is closed as
 * soon as the agent is in. What a former start left (process, pipe) is closed in the background:
 * `n_parts` counts what is not gone yet, and the next start waits for it. */

enum {
    CONNECT_MS = 20000,   /* a machine that has just booted is slow */
    FIRST_PAUSE_MS = 200, /* before the next start ... */
    MAX_PAUSE_MS = 30000, /* ... doubling up to this */
    LASTING_MS = 60000,   /* an agent that lasted so long was a good one */
    LOOK_MS = 10000,      /* between two looks at the sessions, should a change be missed */
    END_GRACE_MS = 5000
};

enum state { IDLE, STARTING, GREETING, UP, PAUSING };

struct svc_agent_host {
    struct loop *loop;
    struct svc_agent_host_options options;
    const struct svc_agent_host_events *events;
    void *arg;
    struct runner *runner;
    enum state state;
    struct svc_session session; /* of the agent; in every state but IDLE */
    struct svc_agent_process *process;
    struct pipe_server *server;
    unsigned n_parts, n_failures;
    uint64_t up_ms;   /* since when it is UP */
    bool is_reported; /* that there is no session */
    uv_timer_t timer; /* of the state: for connecting, pausing */
    uv_timer_t looking;
    bool is_closing;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

static void start_agent(struct svc_agent_host *h);

/* --- parts that close in the background --- */

static void close_if_idle(struct svc_agent_host *h)
{
    if (!h->is_closing || h->n_parts > 0 || h->process)
        return;
    void (*on_closed)(void *arg) = h->on_closed;
    void *arg = h->on_closed_arg;
    mem_free(h);
    on_closed(arg);
}

static void on_part_closed(void *arg)
{
    struct svc_agent_host *h = arg;
    h->n_parts--;
    close_if_idle(h);
}

static void close_server(struct svc_agent_host *h)
{
    if (!h->server)
        return;
    h->n_parts++;
    pipe_server_close(take_ptr(h->server), on_part_closed, h);
}

static void close_process(struct svc_agent_host *h)
{
    if (!h->process)
        return;
    h->n_parts++;
    svc_agent_process_close(take_ptr(h->process), on_part_closed, h);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

static void close_timer(struct svc_agent_host *h)
{
    h->n_parts++;
    uv_close((uv_handle_t *)&h->timer, on_timer_closed);
}

static void free_pipe(uv_handle_t *handle)
{
    mem_free(handle);
}

/* --- losing it, and the pause --- */

static void on_pause_over(uv_timer_t *timer)
{
    struct svc_agent_host *h = timer->data;
    /* Closing what is left of the last one takes as long as it takes. */
    if (h->n_parts > 0)
        uv_timer_start(&h->timer, on_pause_over, FIRST_PAUSE_MS, 0);
    else
        start_agent(h);
}

static uint64_t next_pause(struct svc_agent_host *h)
{
    uint64_t pause_ms = FIRST_PAUSE_MS;
    if (h->state == UP && clock_mono_ms() - h->up_ms >= LASTING_MS)
        h->n_failures = 0;
    for (unsigned i = 0; i < h->n_failures && pause_ms < MAX_PAUSE_MS; i++)
        pause_ms *= 2;
    h->n_failures++;
    return pause_ms < MAX_PAUSE_MS ? pause_ms : MAX_PAUSE_MS;
}

static void drop_agent(struct svc_agent_host *h)
{
    uv_timer_stop(&h->timer);
    runner_agent_detach(h->runner);
    close_server(h);
    close_process(h);
}

static void lose(struct svc_agent_host *h, const char *why)
{
    char text[SVC_AGENT_WHY_SIZE], sentence[SVC_AGENT_WHY_SIZE + 300];
    str_copy(text, sizeof(text), why);
    uint64_t pause_ms = next_pause(h);
    snprintf(sentence, sizeof(sentence),
             "The session agent in the session of %.100s was lost %u times in a row (%s); it is "
             "started again.",
             h->session.user, h->n_failures, text);
    drop_agent(h);
    /* After the first time the next one is here soon: what is asked meanwhile waits for it. */
    if (h->n_failures > 1)
        runner_agent_set_absence(h->runner, sentence);
    h->state = PAUSING;
    uv_timer_start(&h->timer, on_pause_over, pause_ms, 0);
    h->events->on_lost(h->arg, &h->session, text, pause_ms);
}

/* --- one agent --- */

/* What Windows ends a process with in a session that is ending, or answers to one that is started
 * there: STATUS_DLL_INIT_FAILED_LOGOFF, STATUS_DLL_INIT_FAILED, DBG_TERMINATE_PROCESS. */
static bool is_end_of_session(int64_t code)
{
    uint32_t status = (uint32_t)code;
    return status == 0xC000026B || status == 0xC0000142 || status == 0x40010004;
}

/* No failure, and nothing to be started again: either the session is gone by the next look, or the
 * logoff was called off. */
static void wait_for_end_of_session(struct svc_agent_host *h)
{
    static const char why[] = "its session is ending";
    char sentence[500];
    snprintf(sentence, sizeof(sentence),
             "The session of %.200s is ending; the session agent is started again when somebody is "
             "logged on.",
             h->session.user);
    drop_agent(h);
    runner_agent_set_absence(h->runner, sentence);
    h->state = PAUSING;
    uv_timer_start(&h->timer, on_pause_over, LOOK_MS + FIRST_PAUSE_MS, 0);
    h->events->on_lost(h->arg, &h->session, why, LOOK_MS + FIRST_PAUSE_MS);
}

static void on_process_exit(void *arg, int64_t code)
{
    struct svc_agent_host *h = arg;
    char why[80];
    if (h->is_closing) {
        close_timer(h);
        close_process(h);
        return;
    }
    if (is_end_of_session(code)) {
        wait_for_end_of_session(h);
        return;
    }
    snprintf(why, sizeof(why), "its process ended with %" PRId64, code);
    lose(h, why);
}

static void on_agent_ready(void *arg, const struct agent_hello *hello)
{
    struct svc_agent_host *h = arg;
    if (h->is_closing)
        return;
    h->state = UP;
    h->up_ms = clock_mono_ms();
    runner_agent_expect(h->runner);
    uv_timer_stop(&h->timer);
    h->events->on_started(h->arg, &h->session, hello);
}

static void on_agent_lost(void *arg, const char *why)
{
    struct svc_agent_host *h = arg;
    if (!h->is_closing)
        lose(h, why);
}

static const struct runner_agent_events runner_events = {on_agent_ready, on_agent_lost};

static void on_too_slow(uv_timer_t *timer)
{
    lose(timer->data, "it did not connect in time");
}

/* Nobody else can be let in from here on: the pipe is closed. */
static void greet(struct svc_agent_host *h, uv_pipe_t *pipe)
{
    h->state = GREETING;
    close_server(h);
    runner_agent_attach(h->runner, pipe);
}

static void on_connection(void *arg, int status)
{
    struct svc_agent_host *h = arg;
    char reason[SVC_AGENT_WHY_SIZE];
    if (status < 0 || h->state != STARTING || !h->server)
        return;
    uv_pipe_t *pipe = mem_new(uv_pipe_t);
    uv_pipe_init(&h->loop->uv, pipe, 0);
    if (pipe_server_accept(h->server, pipe) < 0) {
        uv_close((uv_handle_t *)pipe, free_pipe);
    } else if (!svc_agent_process_is_peer(h->process, pipe, reason)) {
        uv_close((uv_handle_t *)pipe, free_pipe);
        h->events->on_intruder(h->arg, reason);
    } else {
        greet(h, pipe);
    }
}

static int listen_for_agent(struct svc_agent_host *h, const char *path, const char *sddl,
                            char reterr[SVC_AGENT_WHY_SIZE])
{
    const struct pipe_server_options options = {
        .path = path,
        .sddl = sddl,
        .mode = 0600,
        .backlog = 4,
    };
    int r = pipe_server_new(h->loop, &options, on_connection, h, &h->server);
    if (r < 0)
        snprintf(reterr, SVC_AGENT_WHY_SIZE, "its pipe %.150s could not be made: %s", path,
                 uv_strerror(r));
    return r;
}

static int try_start(struct svc_agent_host *h, char reterr[SVC_AGENT_WHY_SIZE])
{
    const struct svc_agent_host_options *o = &h->options;
    char *path cleanup(mem_freep) = NULL;
    char *sddl cleanup(mem_freep) = NULL;
    int r = svc_agent_pipe_describe(&h->session, o->is_own_user, o->data_dir, &path, &sddl, reterr);
    if (r == 0)
        r = listen_for_agent(h, path, sddl, reterr);
    if (r < 0)
        return r;
    const struct svc_agent_start start = {&h->session, o->is_own_user, path};
    return svc_agent_process_start(h->loop, &start, on_process_exit, h, &h->process, reterr);
}

static void start_agent(struct svc_agent_host *h)
{
    char why[SVC_AGENT_WHY_SIZE];
    h->state = STARTING;
    if (try_start(h, why) < 0)
        lose(h, why);
    else
        uv_timer_start(&h->timer, on_too_slow, CONNECT_MS, 0);
}

/* --- sessions --- */

static void leave_session(struct svc_agent_host *h)
{
    const char *user = h->options.session_user;
    char sentence[500];
    if (h->state != IDLE)
        drop_agent(h);
    h->state = IDLE;
    snprintf(sentence, sizeof(sentence),
             "ldconsole works only in the session of a user, and %.200s%s logged on to this "
             "machine; log on at the console or by remote desktop.",
             *user ? user : "nobody", *user ? " is not" : " is");
    runner_agent_set_absence(h->runner, sentence);
    if (!h->is_reported)
        h->events->on_no_session(h->arg, sentence);
    h->is_reported = true;
}

static void enter_session(struct svc_agent_host *h, const struct svc_session *session)
{
    if (h->state != IDLE)
        drop_agent(h);
    h->session = *session;
    h->n_failures = 0;
    h->is_reported = false;
    h->state = PAUSING;
    runner_agent_expect(h->runner);
    uv_timer_start(&h->timer, on_pause_over, 0, 0);
}

static bool is_current(const struct svc_agent_host *h, const struct svc_session *session)
{
    return h->state != IDLE && session->id == h->session.id &&
           (session->is_unnamed || str_is_equal_nocase(session->user, h->session.user));
}

static void on_look(uv_timer_t *timer)
{
    svc_agent_host_look(timer->data);
}

void svc_agent_host_look(struct svc_agent_host *h)
{
    struct svc_session sessions[SVC_SESSION_MAX];
    if (h->is_closing)
        return;
    uv_timer_start(&h->looking, on_look, LOOK_MS, 0);
    size_t n;
    /* A system that does not answer has not said that somebody left. */
    if (svc_session_list(sessions, SVC_SESSION_MAX, &n) < 0 && h->state != IDLE)
        return;
    const struct svc_session *current = h->state == IDLE ? NULL : &h->session;
    const struct svc_session *picked =
        svc_session_pick(sessions, n, h->options.session_user, current);
    if (!picked)
        leave_session(h);
    else if (!is_current(h, picked))
        enter_session(h, picked);
}

/* --- its owner --- */

struct svc_agent_host *svc_agent_host_new(struct loop *loop,
                                          const struct svc_agent_host_options *options,
                                          const struct svc_agent_host_events *events, void *arg)
{
    struct svc_agent_host *h = mem_new(struct svc_agent_host);
    const struct runner_agent_options runner_options = {
        .version = options->version,
        .max_output = options->max_output,
    };
    h->loop = loop;
    h->options = *options;
    h->events = events;
    h->arg = arg;
    h->runner = runner_agent_new(loop, &runner_options, &runner_events, h);
    uv_timer_init(&loop->uv, &h->timer);
    uv_timer_init(&loop->uv, &h->looking);
    h->timer.data = h->looking.data = h;
    return h;
}

struct runner *svc_agent_host_runner(struct svc_agent_host *host)
{
    return host->runner;
}

static void on_end_grace_over(uv_timer_t *timer)
{
    struct svc_agent_host *h = timer->data;
    svc_agent_process_kill(h->process);
}

void svc_agent_host_close(struct svc_agent_host *h, void (*on_closed)(void *arg), void *arg)
{
    h->is_closing = true;
    h->on_closed = on_closed;
    h->on_closed_arg = arg;
    h->n_parts++;
    uv_close((uv_handle_t *)&h->looking, on_timer_closed);
    close_server(h);
    if (h->process)
        uv_timer_start(&h->timer, on_end_grace_over, END_GRACE_MS, 0);
    else
        close_timer(h);
}
