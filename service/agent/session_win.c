/* SPDX-License-Identifier: MIT */
#include "service/agent/session.h"

#include <stdio.h>

#include <uv.h>
#include <windows.h>
#include <wtsapi32.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "base/text/wide_win.h"

enum { NO_SESSION = 0xFFFFFFFF };

/* A text about a session as UTF-8, owned by the caller; never NULL. */
static char *query(DWORD id, WTS_INFO_CLASS what)
{
    wchar_t *text = NULL;
    DWORD size;
    if (!WTSQuerySessionInformationW(WTS_CURRENT_SERVER_HANDLE, id, what, &text, &size) || !text)
        return mem_strdup("");
    char *utf8 = wide_to_utf8(text, -1);
    WTSFreeMemory(text);
    return utf8;
}

static void read_user(DWORD id, char *ret, size_t size)
{
    char *domain cleanup(mem_freep) = query(id, WTSDomainName);
    char *user cleanup(mem_freep) = query(id, WTSUserName);
    char text[512] = "";
    if (*user)
        snprintf(text, sizeof(text), "%s%s%s", domain, *domain ? "\\" : "", user);
    str_copy(ret, size, text);
}

static void read_session(DWORD id, WTS_CONNECTSTATE_CLASS state, struct svc_session *ret)
{
    *ret = (struct svc_session){
        .id = id,
        .is_console = id == WTSGetActiveConsoleSessionId(),
        .is_active = state == WTSActive,
    };
    read_user(id, ret->user, sizeof(ret->user));
}

/* Where the list is empty although somebody is there (Wine), the console is asked for by itself:
 * its user is the one whose token there is. */
static size_t read_console(struct svc_session *ret)
{
    DWORD id = WTSGetActiveConsoleSessionId(), size = 256;
    HANDLE token;
    wchar_t name[256];
    if (id == NO_SESSION)
        return 0;
    read_session(id, WTSActive, ret);
    if (*ret->user || !WTSQueryUserToken(id, &token))
        return *ret->user ? 1 : 0;
    CloseHandle(token);
    if (!GetUserNameW(name, &size))
        return 0;
    char *utf8 cleanup(mem_freep) = wide_to_utf8(name, -1);
    str_copy(ret->user, sizeof(ret->user), utf8);
    return 1;
}

size_t svc_session_list(struct svc_session *ret, size_t max)
{
    WTS_SESSION_INFOW *all = NULL;
    DWORD n_all = 0;
    size_t n = 0;
    if (WTSEnumerateSessionsW(WTS_CURRENT_SERVER_HANDLE, 0, 1, &all, &n_all)) {
        for (DWORD i = 0; i < n_all && n < max; i++) {
            bool is_of_users = all[i].SessionId != 0 &&
                               (all[i].State == WTSActive || all[i].State == WTSDisconnected);
            if (is_of_users)
                read_session(all[i].SessionId, all[i].State, &ret[n++]);
        }
        WTSFreeMemory(all);
    }
    return n == 0 && n_all == 0 && max > 0 ? read_console(ret) : n;
}
