/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/loop/pipe_server.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "ldconsole/install/install.h"
#include "runner/agent.h"
#include "service/commands/command.h"
#include "service/process/platform.h"
#include "version.h"

/* `ldplayerd agent`: connects to the service that started it, does what it says, and ends with it.
 */

struct program {
    struct loop loop;
    uv_connect_t connect;
    uv_pipe_t *pipe;
    const char *name;
    uint64_t server; /* process id */
    enum svc_exit status;
};

static void free_pipe(uv_handle_t *handle)
{
    mem_free(handle);
}

static void give_up(struct program *p, const char *why)
{
    p->status = svc_exit_fail("agent: %s: %s", p->name, why);
    uv_close((uv_handle_t *)take_ptr(p->pipe), free_pipe);
}

static void on_end(void *arg, const char *why)
{
    struct program *p = arg;
    if (why)
        p->status = svc_exit_fail("agent: %s", why);
}

/* Whoever serves the pipe has this process do what it likes, so it must be who started us. */
static const char *find_fault(const struct program *p)
{
    int pid = 0;
    if (pipe_peer_pid(p->pipe, true, &pid) < 0)
        return "the system does not tell who serves it";
    return (uint64_t)pid == p->server ? NULL : "it is not served by the service that was named";
}

static void read_install(struct agent_hello *hello)
{
    struct ldc_install install cleanup(ldc_install_deinit) = {0};
    if (ldc_install_find(&install) < 0 || strlen(install.ldconsole) >= sizeof(hello->ldconsole) ||
        strlen(install.vms_dir) >= sizeof(hello->vms_dir))
        return;
    str_copy(hello->ldconsole, sizeof(hello->ldconsole), install.ldconsole);
    str_copy(hello->vms_dir, sizeof(hello->vms_dir), install.vms_dir);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct program *p = container_of(connect, struct program, connect);
    struct agent_hello hello = {
        .protocol = AGENT_PROTOCOL,
        .pid = (uint32_t)uv_os_getpid(),
        .session = svc_platform_session(),
        .is_elevated = svc_platform_is_elevated(),
    };
    str_copy(hello.version, sizeof(hello.version), LDP_VERSION " " LDP_COMMIT);
    read_install(&hello);
    const char *fault = status < 0 ? uv_strerror(status) : find_fault(p);
    if (fault)
        give_up(p, fault);
    else
        (void)agent_new(&p->loop, take_ptr(p->pipe), &hello, on_end, p);
}

static void connect_to(struct program *p)
{
    p->pipe = mem_new(uv_pipe_t);
    uv_pipe_init(&p->loop.uv, p->pipe, 0);
    int r = uv_pipe_connect2(&p->connect, p->pipe, p->name, strlen(p->name), UV_PIPE_NO_TRUNCATE,
                             on_connected);
    if (r < 0)
        give_up(p, uv_strerror(r));
}

enum svc_exit svc_agent_cmd(const struct svc_args *args)
{
    const char *server = svc_args_flag(args, "server");
    struct program p = {.name = svc_args_flag(args, "pipe")};
    if (!p.name || !server || str_parse_u64(server, UINT32_MAX, &p.server) < 0)
        return svc_exit_fail("agent: this is started by the service itself, in the session "
                             "that ldconsole is to run in; use `ldplayerd serve`, or the "
                             "Windows service");
    if (loop_init(&p.loop) < 0)
        return svc_exit_fail("agent: the event loop could not be made");
    connect_to(&p);
    loop_run(&p.loop);
    if (loop_deinit(&p.loop) < 0)
        p.status = svc_exit_fail("agent: something was still open at the end");
    return p.status;
}
