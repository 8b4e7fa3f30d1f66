/* SPDX-License-Identifier: MIT */
#include "service/agent/agent_process.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/loop/pipe_server.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"

enum { PATH_BYTES = 4096 };

struct svc_agent_process {
    uv_process_t process;
    bool has_exited, is_closing;
    void (*on_exit)(void *arg, int64_t code);
    void *arg;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

static void on_handle_closed(uv_handle_t *handle)
{
    struct svc_agent_process *p = handle->data;
    void (*on_closed)(void *arg) = p->on_closed;
    void *arg = p->on_closed_arg;
    mem_free(p);
    if (on_closed)
        on_closed(arg);
}

/* The handle is closed after the exit was seen, because libuv then reaps the process. */
static void on_exit_seen(uv_process_t *process, int64_t code, int signal_number)
{
    struct svc_agent_process *p = process->data;
    p->has_exited = true;
    if (p->is_closing)
        uv_close((uv_handle_t *)process, on_handle_closed);
    else
        p->on_exit(p->arg, signal_number ? -signal_number : code);
}

/* A session of its own, so that Ctrl-C in our terminal is for us alone; it ends when its pipe
 * does. */
static int spawn(struct loop *loop, struct svc_agent_process *p, const char *self, const char *pipe)
{
    char server[24];
    snprintf(server, sizeof(server), "%d", (int)getpid());
    const char *args[] = {self, "agent", "--pipe", pipe, "--server", server, NULL};
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE}, {.flags = UV_IGNORE}, {.flags = UV_INHERIT_FD, .data.fd = 2}};
    uv_process_options_t options = {
        .exit_cb = on_exit_seen,
        .file = self,
        .args = (char **)args,
        .flags = UV_PROCESS_DETACHED,
        .stdio = stdio,
        .stdio_count = countof(stdio),
    };
    p->process.data = p;
    return uv_spawn(&loop->uv, &p->process, &options);
}

int svc_agent_process_start(struct loop *loop, const struct svc_agent_start *start,
                            void (*on_exit)(void *arg, int64_t code), void *arg,
                            struct svc_agent_process **ret, char reterr[SVC_AGENT_WHY_SIZE])
{
    char self[PATH_BYTES];
    size_t size = sizeof(self);
    struct svc_agent_process *p = mem_new(struct svc_agent_process);
    p->on_exit = on_exit;
    p->arg = arg;
    int r = uv_exepath(self, &size);
    if (r == 0)
        r = spawn(loop, p, self, start->pipe);
    if (r == 0) {
        *ret = p;
        return 0;
    }
    snprintf(reterr, SVC_AGENT_WHY_SIZE, "it could not be started: %s", uv_strerror(r));
    p->process.data = p;
    if (p->process.type == UV_PROCESS)
        uv_close((uv_handle_t *)&p->process, on_handle_closed);
    else
        mem_free(p);
    return r;
}

/* It is our child and not reaped, so its id cannot belong to anybody else. */
bool svc_agent_process_is_peer(const struct svc_agent_process *process, const uv_pipe_t *pipe,
                               char reason[SVC_AGENT_WHY_SIZE])
{
    int pid = 0;
    int r = pipe_peer_pid(pipe, false, &pid);
    if (r == 0 && pid == process->process.pid && !process->has_exited)
        return true;
    snprintf(reason, SVC_AGENT_WHY_SIZE, "process %d connected instead of %d%s%s", pid,
             process->process.pid, r < 0 ? ": " : "", r < 0 ? uv_strerror(r) : "");
    return false;
}

void svc_agent_process_kill(struct svc_agent_process *process)
{
    if (!process->has_exited)
        (void)uv_process_kill(&process->process, SIGKILL);
}

void svc_agent_process_close(struct svc_agent_process *process, void (*on_closed)(void *arg),
                             void *arg)
{
    process->is_closing = true;
    process->on_closed = on_closed;
    process->on_closed_arg = arg;
    if (process->has_exited)
        uv_close((uv_handle_t *)&process->process, on_handle_closed);
    else
        svc_agent_process_kill(process);
}
