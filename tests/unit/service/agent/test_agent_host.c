/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/buf.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "runner/agent.h"
#include "service/agent/agent_host.h"
#include "service/agent/agent_process.h"
#include "tests/support/folder.h"

/* The sessions and the agent's process are the test's own: the linker puts these in place of the
 * system's. Pipe, messages and runner are real; the agent is one within the test. */

static const struct svc_session ann = {2, true, true, "PC\\ann", false};
static const struct svc_session bob = {3, false, true, "PC\\bob", false};

enum mode { CONNECTS, REFUSES_TO_START, ENDS_AT_ONCE };

static struct world {
    struct loop loop;
    char *folder;
    struct svc_agent_host_options options;
    struct svc_agent_host *host;
    struct runner *runner;
    struct svc_session sessions[4];
    size_t n_sessions;
    int list_status;
    enum mode mode;
    struct svc_agent_process *process; /* that runs */
    unsigned n_strangers;              /* connections that are not let in */
    unsigned n_started, n_closed, n_agents;
    struct buf told;
    uint64_t retry_ms;
    bool is_closed;
} w;

struct svc_agent_process {
    void (*on_exit)(void *arg, int64_t code);
    void *arg;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
    bool is_closing;
};

/* --- in place of the system --- */

int __wrap_svc_session_list(struct svc_session *ret, size_t max, size_t *ret_n);
int __wrap_svc_agent_process_start(struct loop *loop, const struct svc_agent_start *start,
                                   void (*on_exit)(void *arg, int64_t code), void *arg,
                                   struct svc_agent_process **ret, char reterr[SVC_AGENT_WHY_SIZE]);
bool __wrap_svc_agent_process_is_peer(const struct svc_agent_process *process,
                                      const uv_pipe_t *pipe, char reason[SVC_AGENT_WHY_SIZE]);
void __wrap_svc_agent_process_kill(struct svc_agent_process *process);
void __wrap_svc_agent_process_close(struct svc_agent_process *process, void (*on_closed)(void *arg),
                                    void *arg);

int __wrap_svc_session_list(struct svc_session *ret, size_t max, size_t *ret_n)
{
    cr_assert_leq(w.n_sessions, max);
    memcpy(ret, w.sessions, w.n_sessions * sizeof(*ret));
    *ret_n = w.n_sessions;
    return w.list_status;
}

struct dial {
    uv_connect_t connect;
    uv_pipe_t *pipe;
};

static void end_process(struct svc_agent_process *p, int64_t code)
{
    w.process = NULL;
    if (!p->is_closing)
        p->on_exit(p->arg, code);
}

/* The process ends with what it is for. */
static void on_agent_end(void *arg, const char *why)
{
    (void)arg;
    (void)why;
    if (--w.n_agents == 0 && w.process)
        end_process(w.process, 0);
}

static void free_pipe(uv_handle_t *handle)
{
    mem_free(handle);
}

static void on_connected(uv_connect_t *connect, int status)
{
    static const struct agent_hello hello = {.protocol = AGENT_PROTOCOL, .version = "1"};
    struct dial *dial = (struct dial *)connect;
    uv_pipe_t *pipe = dial->pipe;
    mem_free(dial);
    if (status == 0) {
        agent_new(&w.loop, pipe, &hello, on_agent_end, NULL);
        return;
    }
    uv_close((uv_handle_t *)pipe, free_pipe);
    on_agent_end(NULL, NULL);
}

static void connect_to(const char *path)
{
    struct dial *dial = mem_new(struct dial);
    dial->pipe = mem_new(uv_pipe_t);
    w.n_agents++;
    uv_pipe_init(&w.loop.uv, dial->pipe, 0);
    uv_pipe_connect(&dial->connect, dial->pipe, path, on_connected);
}

static void end_at_once(void *arg)
{
    end_process(arg, 7);
}

int __wrap_svc_agent_process_start(struct loop *loop, const struct svc_agent_start *start,
                                   void (*on_exit)(void *arg, int64_t code), void *arg,
                                   struct svc_agent_process **ret, char reterr[SVC_AGENT_WHY_SIZE])
{
    w.n_started++;
    if (w.mode == REFUSES_TO_START) {
        snprintf(reterr, SVC_AGENT_WHY_SIZE, "no token");
        return UV_EPERM;
    }
    *ret = w.process = mem_new(struct svc_agent_process);
    (*ret)->on_exit = on_exit;
    (*ret)->arg = arg;
    if (w.mode == ENDS_AT_ONCE) {
        loop_post(loop, end_at_once, *ret);
    } else {
        for (unsigned i = 0; i <= w.n_strangers; i++)
            connect_to(start->pipe);
    }
    return 0;
}

bool __wrap_svc_agent_process_is_peer(const struct svc_agent_process *process,
                                      const uv_pipe_t *pipe, char reason[SVC_AGENT_WHY_SIZE])
{
    (void)process;
    (void)pipe;
    snprintf(reason, SVC_AGENT_WHY_SIZE, "a stranger");
    if (w.n_strangers == 0)
        return true;
    w.n_strangers--;
    return false;
}

static void finish_close(void *arg)
{
    struct svc_agent_process *p = arg;
    void (*on_closed)(void *arg) = p->on_closed;
    void *on_closed_arg = p->on_closed_arg;
    w.n_closed++;
    mem_free(p);
    on_closed(on_closed_arg);
}

void __wrap_svc_agent_process_kill(struct svc_agent_process *process)
{
    (void)process;
    cr_assert_fail("it ends by itself");
}

void __wrap_svc_agent_process_close(struct svc_agent_process *process, void (*on_closed)(void *arg),
                                    void *arg)
{
    process->is_closing = true;
    w.process = NULL;
    process->on_closed = on_closed;
    process->on_closed_arg = arg;
    loop_post(&w.loop, finish_close, process);
}

/* --- what the host tells --- */

static void on_started(void *arg, const struct svc_session *session,
                       const struct agent_hello *hello)
{
    (void)arg;
    (void)hello;
    (void)buf_printf(&w.told, "started %u;", session->id);
}

static void on_lost(void *arg, const struct svc_session *session, const char *why,
                    uint64_t retry_ms)
{
    (void)arg;
    (void)buf_printf(&w.told, "lost %u: %s;", session->id, why);
    w.retry_ms = retry_ms;
}

static void on_no_session(void *arg, const char *sentence)
{
    (void)arg;
    cr_assert_str_eq(sentence, w.runner->absence);
    (void)buf_append_str(&w.told, "none;");
}

static void on_intruder(void *arg, const char *reason)
{
    (void)arg;
    (void)buf_printf(&w.told, "intruder: %s;", reason);
}

static const struct svc_agent_host_events events = {on_started, on_lost, on_no_session,
                                                    on_intruder};

/* --- the tests --- */

static void begin(const char *session_user)
{
    signal(SIGPIPE, SIG_IGN); /* as the service does */
    cr_assert_eq(loop_init(&w.loop), 0);
    w.folder = folder_make();
    w.options = (struct svc_agent_host_options){
        .session_user = session_user,
        .data_dir = w.folder,
        .version = "1",
        .max_output = 1000,
    };
    (void)buf_append_str(&w.told, "");
    w.host = svc_agent_host_new(&w.loop, &w.options, &events, NULL);
    w.runner = svc_agent_host_runner(w.host);
}

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

static void finish(void)
{
    bool is_runner_closed = false;
    svc_agent_host_close(w.host, note_closed, &w.is_closed);
    w.runner->ops->close(w.runner, note_closed, &is_runner_closed);
    loop_run(&w.loop);
    cr_assert(w.is_closed);
    cr_assert(is_runner_closed);
    cr_assert_eq(w.n_agents, 0);
    cr_assert_eq(loop_deinit(&w.loop), 0);
    buf_deinit(&w.told);
    folder_remove(w.folder);
}

static void turn(void)
{
    cr_assert(uv_run(&w.loop.uv, UV_RUN_ONCE));
}

static void see(const struct svc_session *a, const struct svc_session *b)
{
    w.n_sessions = 0;
    if (a)
        w.sessions[w.n_sessions++] = *a;
    if (b)
        w.sessions[w.n_sessions++] = *b;
    svc_agent_host_look(w.host);
}

static void wait_told(const char *text)
{
    while (!str_is_equal(w.told.data, text))
        turn();
}

Test(svc_agent_host, a_logon_starts_an_agent_and_a_logoff_ends_it)
{
    begin("");
    see(NULL, NULL);
    cr_assert_str_eq(w.told.data, "none;");
    see(NULL, NULL);
    cr_assert_str_eq(w.told.data, "none;", "told once");
    cr_assert(strstr(w.runner->absence, "nobody is logged on"));
    see(&ann, NULL);
    cr_assert_null(w.runner->absence, "what is asked now waits for it");
    wait_told("none;started 2;");
    see(&ann, NULL);
    cr_assert_eq(w.n_started, 1);
    see(NULL, NULL);
    wait_told("none;started 2;none;");
    cr_assert_not_null(w.runner->absence);
    while (w.n_agents > 0 || w.n_closed < 1)
        turn();
    see(&bob, NULL);
    wait_told("none;started 2;none;started 3;");
    finish();
}

Test(svc_agent_host, it_stays_while_its_user_is_logged_on_and_then_goes_to_the_next)
{
    struct svc_session left = bob;
    left.is_active = false;
    begin("");
    see(&bob, NULL);
    wait_told("started 3;");
    see(&ann, &left);
    cr_assert_eq(w.n_started, 1);
    see(&ann, NULL);
    wait_told("started 3;started 2;");
    cr_assert_eq(w.n_closed, 1);
    finish();
}

Test(svc_agent_host, only_the_wanted_user_will_do)
{
    begin("bob");
    see(&ann, NULL);
    cr_assert(strstr(w.runner->absence, "bob is not logged on"));
    see(&ann, &bob);
    wait_told("none;started 3;");
    finish();
}

Test(svc_agent_host, what_cannot_be_started_is_tried_again_later_and_later)
{
    uint64_t expected_ms[] = {200, 400, 800};
    begin("");
    w.mode = REFUSES_TO_START;
    see(&ann, NULL);
    for (size_t i = 0; i < countof(expected_ms); i++) {
        while (w.n_started <= i)
            turn();
        cr_assert_eq(w.retry_ms, expected_ms[i], "%d", (int)w.retry_ms);
    }
    cr_assert(strstr(w.runner->absence, "lost 3 times in a row (no token)"), "%s",
              w.runner->absence);
    w.mode = CONNECTS;
    buf_clear(&w.told);
    (void)buf_append_str(&w.told, "");
    wait_told("started 2;");
    cr_assert_null(w.runner->absence);
    finish();
}

Test(svc_agent_host, a_process_that_ends_is_replaced)
{
    begin("");
    w.mode = ENDS_AT_ONCE;
    see(&ann, NULL);
    wait_told("lost 2: its process ended with 7;");
    w.mode = CONNECTS;
    wait_told("lost 2: its process ended with 7;started 2;");
    cr_assert_eq(w.n_closed, 1);
    finish();
}

Test(svc_agent_host, a_session_that_ends_is_left_alone_until_somebody_is_there)
{
    static const int64_t codes[] = {(int32_t)0xC000026B, (int32_t)0xC0000142, 0x40010004};
    for (size_t i = 0; i < countof(codes); i++) {
        begin("");
        see(&ann, NULL);
        wait_told("started 2;");
        end_process(w.process, codes[i]);
        cr_assert_str_eq(w.told.data, "started 2;lost 2: its session is ending;");
        cr_assert(strstr(w.runner->absence, "is ending"));
        cr_assert_geq(w.retry_ms, 10000, "the next look is before that");
        see(NULL, NULL);
        wait_told("started 2;lost 2: its session is ending;none;");
        cr_assert_eq(w.n_started, 1);
        finish();
        memset(&w, 0, sizeof(w));
    }
}

Test(svc_agent_host, a_system_that_does_not_answer_has_not_said_that_somebody_left)
{
    begin("");
    see(&ann, NULL);
    wait_told("started 2;");
    w.list_status = UV_EBUSY;
    see(NULL, NULL);
    cr_assert_str_eq(w.told.data, "started 2;");
    w.list_status = 0;
    see(NULL, NULL);
    wait_told("started 2;none;");
    finish();
}

Test(svc_agent_host, strangers_are_shown_the_door_and_the_agent_is_let_in)
{
    begin("");
    w.n_strangers = 2;
    see(&ann, NULL);
    wait_told("intruder: a stranger;intruder: a stranger;started 2;");
    finish();
}

Test(svc_agent_host, it_may_be_closed_at_any_moment)
{
    for (int turns = 0; turns < 12; turns++) {
        w = (struct world){.n_sessions = 0};
        begin("");
        see(&ann, NULL);
        for (int i = 0; i < turns; i++)
            uv_run(&w.loop.uv, UV_RUN_NOWAIT);
        finish();
    }
}

Test(svc_agent_host, it_may_be_closed_without_ever_having_looked_or_in_a_pause)
{
    begin("");
    finish();
    w = (struct world){.mode = REFUSES_TO_START};
    begin("");
    see(&ann, NULL);
    while (w.n_started == 0)
        turn();
    finish();
}
