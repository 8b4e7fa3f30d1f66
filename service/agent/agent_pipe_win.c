/* SPDX-License-Identifier: MIT */
#include "service/agent/agent_pipe.h"

#include <stdio.h>

#include <uv.h>
#include <windows.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/random.h"
#include "service/process/token_win.h"

/* Protected, so nothing is inherited; in this order:
 *   no access over the network, none for anonymous callers,
 *   all for LocalSystem and for the account of this process, which makes the pipe,
 *   reading and writing for the user of the session, but no further instance of the pipe. */
#define AGENT_PIPE_SDDL "D:P(D;;GA;;;NU)(D;;GA;;;AN)(A;;GA;;;SY)(A;;GA;;;%s)(A;;0x12019b;;;%s)"

static char *sid_of(int status, HANDLE token)
{
    if (status < 0)
        return NULL;
    char *sid = svc_token_user_sid(token);
    CloseHandle(token);
    return sid;
}

static char *own_sid(void)
{
    HANDLE token = NULL;
    int r = svc_token_own(&token);
    return sid_of(r, token);
}

static char *session_sid(const struct svc_session *session, bool is_own_user)
{
    HANDLE token = NULL;
    if (is_own_user)
        return own_sid();
    int r = svc_token_of_session(session->id, &token);
    return sid_of(r, token);
}

int svc_agent_pipe_describe(const struct svc_session *session, bool is_own_user,
                            const char *data_dir, char **ret_path, char **ret_sddl,
                            char reterr[300])
{
    char id[UUID_SIZE];
    char *own cleanup(mem_freep) = own_sid();
    char *user cleanup(mem_freep) = session_sid(session, is_own_user);
    (void)data_dir;
    if (!own || !user) {
        snprintf(reterr, 300,
                 "the user of session %lu could not be asked for (error %lu); the service must "
                 "run as LocalSystem",
                 (unsigned long)session->id, GetLastError());
        return UV_EPERM;
    }
    random_uuid(id);
    *ret_path = mem_printf("\\\\.\\pipe\\ldplayerd-agent-%s", id);
    *ret_sddl = mem_printf(AGENT_PIPE_SDDL, own, user);
    return 0;
}
