/* SPDX-License-Identifier: MIT */
#include "service/agent/agent_process.h"

#include <stdio.h>

#include <uv.h>
#include <windows.h>
#include <userenv.h>
#include <wtsapi32.h>

#include "base/loop/pipe_server.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "base/text/wide_win.h"
#include "service/process/token_win.h"

enum { PATH_UNITS = 4096 };

struct svc_agent_process {
    struct loop *loop;
    HANDLE process; /* kept open, so the id cannot belong to anybody else */
    HANDLE wait;
    DWORD pid;
    char *sid; /* of the user that it is to run as */
    bool has_exited, is_closing;
    void (*on_exit)(void *arg, int64_t code);
    void *arg;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

/* --- the end --- */

static void free_process(void *arg)
{
    struct svc_agent_process *p = arg;
    void (*on_closed)(void *arg) = p->on_closed;
    void *on_closed_arg = p->on_closed_arg;
    /* Waits for the callback, which only posts. */
    (void)UnregisterWaitEx(p->wait, INVALID_HANDLE_VALUE);
    CloseHandle(p->process);
    mem_free(p->sid);
    mem_free(p);
    if (on_closed)
        on_closed(on_closed_arg);
}

static void on_exit_seen(void *arg)
{
    struct svc_agent_process *p = arg;
    DWORD code = 0;
    p->has_exited = true;
    if (p->is_closing) {
        free_process(p);
        return;
    }
    (void)GetExitCodeProcess(p->process, &code);
    p->on_exit(p->arg, (int32_t)code);
}

/* On a thread of the system's. */
static void CALLBACK on_process_signalled(void *arg, BOOLEAN is_timeout)
{
    struct svc_agent_process *p = arg;
    (void)is_timeout;
    loop_post(p->loop, on_exit_seen, p);
}

/* --- the start --- */

static int fail(char reterr[SVC_AGENT_WHY_SIZE], const char *what, const char *hint)
{
    DWORD error = GetLastError();
    snprintf(reterr, SVC_AGENT_WHY_SIZE, "%s failed with error %lu%s", what, error, hint);
    return uv_translate_sys_error((int)error);
}

static wchar_t *make_command_line(const wchar_t *self, const char *pipe)
{
    char *path cleanup(mem_freep) = wide_to_utf8(self, -1);
    char *line cleanup(mem_freep) =
        mem_printf("\"%s\" agent --pipe %s --server %lu", path, pipe, GetCurrentProcessId());
    return wide_from_utf8(line);
}

/* TOKEN: of the user it is to run as, or NULL for our own. The window station is the one that the
 * user sees, because emulators have windows. */
static int create(const wchar_t *self, const char *pipe, HANDLE token, PROCESS_INFORMATION *ret,
                  char reterr[SVC_AGENT_WHY_SIZE])
{
    wchar_t desktop[] = L"winsta0\\default";
    STARTUPINFOW startup = {.cb = sizeof(startup)};
    DWORD flags = CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP | CREATE_UNICODE_ENVIRONMENT;
    void *environment = NULL;
    wchar_t *line cleanup(mem_freep) = make_command_line(self, pipe);
    if (!token) {
        if (CreateProcessW(self, line, NULL, NULL, FALSE, flags, NULL, NULL, &startup, ret))
            return 0;
        return fail(reterr, "CreateProcess", "");
    }
    startup.lpDesktop = desktop;
    if (!CreateEnvironmentBlock(&environment, token, FALSE))
        return fail(reterr, "CreateEnvironmentBlock", "");
    BOOL is_made = CreateProcessAsUserW(token, self, line, NULL, NULL, FALSE, flags, environment,
                                        NULL, &startup, ret);
    int r = is_made ? 0
                    : fail(reterr, "CreateProcessAsUser",
                           "; the service must run as LocalSystem with its usual privileges");
    DestroyEnvironmentBlock(environment);
    return r;
}

static int create_in_session(const struct svc_agent_start *start, const wchar_t *self,
                             PROCESS_INFORMATION *ret, char **ret_sid,
                             char reterr[SVC_AGENT_WHY_SIZE])
{
    HANDLE token = NULL;
    int r = start->is_own_user ? svc_token_own(&token)
                               : svc_token_of_session(start->session->id, &token);
    if (r < 0)
        return fail(reterr, "asking for the user's token",
                    "; the service must run as LocalSystem with its usual privileges");
    r = create(self, start->pipe, start->is_own_user ? NULL : token, ret, reterr);
    if (r == 0)
        *ret_sid = svc_token_user_sid(token);
    CloseHandle(token);
    return r;
}

static int watch(struct svc_agent_process *p, char reterr[SVC_AGENT_WHY_SIZE])
{
    if (RegisterWaitForSingleObject(&p->wait, p->process, on_process_signalled, p, INFINITE,
                                    WT_EXECUTEONLYONCE))
        return 0;
    int r = fail(reterr, "RegisterWaitForSingleObject", "");
    TerminateProcess(p->process, 1);
    CloseHandle(p->process);
    return r;
}

int svc_agent_process_start(struct loop *loop, const struct svc_agent_start *start,
                            void (*on_exit)(void *arg, int64_t code), void *arg,
                            struct svc_agent_process **ret, char reterr[SVC_AGENT_WHY_SIZE])
{
    wchar_t self[PATH_UNITS];
    PROCESS_INFORMATION made;
    char *sid cleanup(mem_freep) = NULL;
    DWORD n = GetModuleFileNameW(NULL, self, PATH_UNITS);
    if (n == 0 || n == PATH_UNITS)
        return fail(reterr, "GetModuleFileName", "");
    int r = create_in_session(start, self, &made, &sid, reterr);
    if (r < 0)
        return r;
    CloseHandle(made.hThread);
    struct svc_agent_process *p = mem_new(struct svc_agent_process);
    p->loop = loop;
    p->process = made.hProcess;
    p->pid = made.dwProcessId;
    p->on_exit = on_exit;
    p->arg = arg;
    r = watch(p, reterr);
    if (r < 0) {
        mem_free(p);
        return r;
    }
    p->sid = take_ptr(sid);
    *ret = p;
    return 0;
}

/* --- who connected --- */

static bool is_our_program(HANDLE process)
{
    wchar_t self[PATH_UNITS], image[PATH_UNITS];
    DWORD n = PATH_UNITS;
    return GetModuleFileNameW(NULL, self, PATH_UNITS) > 0 &&
           QueryFullProcessImageNameW(process, 0, image, &n) &&
           CompareStringOrdinal(self, -1, image, -1, TRUE) == CSTR_EQUAL;
}

static bool is_user(HANDLE process, const char *sid)
{
    HANDLE token;
    if (!OpenProcessToken(process, TOKEN_QUERY, &token))
        return false;
    char *found cleanup(mem_freep) = svc_token_user_sid(token);
    CloseHandle(token);
    return found && str_is_equal(found, sid);
}

/* That it is the process which we started says its user and its program too, but a program that was
 * exchanged on disk, or a token that was not what we asked for, is seen here. */
bool svc_agent_process_is_peer(const struct svc_agent_process *process, const uv_pipe_t *pipe,
                               char reason[SVC_AGENT_WHY_SIZE])
{
    int pid = 0;
    int r = pipe_peer_pid(pipe, false, &pid);
    const char *problem = NULL;
    if (r < 0)
        problem = uv_strerror(r);
    else if (pid != (int)process->pid || process->has_exited)
        problem = "it is another process";
    else if (!is_our_program(process->process))
        problem = "it runs another program";
    else if (!is_user(process->process, process->sid))
        problem = "it runs as another user";
    if (problem)
        snprintf(reason, SVC_AGENT_WHY_SIZE, "process %d connected instead of %lu: %s", pid,
                 process->pid, problem);
    return !problem;
}

void svc_agent_process_kill(struct svc_agent_process *process)
{
    if (!process->has_exited)
        (void)TerminateProcess(process->process, 1);
}

void svc_agent_process_close(struct svc_agent_process *process, void (*on_closed)(void *arg),
                             void *arg)
{
    process->is_closing = true;
    process->on_closed = on_closed;
    process->on_closed_arg = arg;
    if (process->has_exited)
        loop_post(process->loop, free_process, process);
    else
        svc_agent_process_kill(process);
}
