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

/* A text about a session as UTF-8, owned by the caller; NULL when the system does not say. */
static char *query(DWORD id, WTS_INFO_CLASS what)
{
    wchar_t *text = NULL;
    DWORD size;
    if (!WTSQuerySessionInformationW(WTS_CURRENT_SERVER_HANDLE, id, what, &text, &size) || !text)
        return NULL;
    char *utf8 = wide_to_utf8(text, -1);
    WTSFreeMemory(text);
    return utf8;
}

static void read_user(DWORD id, struct svc_session *ret)
{
    char *domain cleanup(mem_freep) = query(id, WTSDomainName);
    char *user cleanup(mem_freep) = query(id, WTSUserName);
    char text[512] = "";
    ret->is_unnamed = !domain || !user;
    if (user && *user)
        snprintf(text, sizeof(text), "%s%s%s", domain ? domain : "", domain && *domain ? "\\" : "",
                 user);
    str_copy(ret->user, sizeof(ret->user), text);
}

static void read_session(DWORD id, WTS_CONNECTSTATE_CLASS state, struct svc_session *ret)
{
    *ret = (struct svc_session){
        .id = id,
        .is_console = id == WTSGetActiveConsoleSessionId(),
        .is_active = state == WTSActive,
    };
    read_user(id, ret);
}

static bool is_wine(void)
{
    return GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_get_version") != NULL;
}

/* Wine 8 has a session and lists none: the console is asked for by itself, and its user is the one
 * whose token there is. */
static size_t read_console(struct svc_session *ret)
{
    DWORD id = WTSGetActiveConsoleSessionId(), size = 256;
    HANDLE token;
    wchar_t name[256];
    if (id == NO_SESSION)
        return 0;
    read_session(id, WTSActive, ret);
    ret->is_unnamed = false;
    if (*ret->user || !WTSQueryUserToken(id, &token))
        return *ret->user ? 1 : 0;
    CloseHandle(token);
    if (!GetUserNameW(name, &size))
        return 0;
    char *utf8 cleanup(mem_freep) = wide_to_utf8(name, -1);
    str_copy(ret->user, sizeof(ret->user), utf8);
    return 1;
}

int svc_session_list(struct svc_session *ret, size_t max, size_t *ret_n)
{
    WTS_SESSION_INFOW *all = NULL;
    DWORD n_all = 0;
    *ret_n = 0;
    if (max > 0 && is_wine()) {
        *ret_n = read_console(ret);
        return 0;
    }
    if (!WTSEnumerateSessionsW(WTS_CURRENT_SERVER_HANDLE, 0, 1, &all, &n_all))
        return uv_translate_sys_error((int)GetLastError());
    for (DWORD i = 0; i < n_all && *ret_n < max; i++) {
        bool is_of_users =
            all[i].SessionId != 0 && (all[i].State == WTSActive || all[i].State == WTSDisconnected);
        if (is_of_users)
            read_session(all[i].SessionId, all[i].State, &ret[(*ret_n)++]);
    }
    WTSFreeMemory(all);
    return 0;
}
