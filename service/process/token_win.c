/* SPDX-License-Identifier: MIT */
#include <uv.h>
#include <windows.h>
#include <sddl.h>
#include <wtsapi32.h>

#include "base/memory/mem.h"
#include "base/text/wide_win.h"
#include "service/process/token_win.h"

static int last_error(void)
{
    return uv_translate_sys_error((int)GetLastError());
}

/* The other half of an administrator's split token; the same token where it is not split. */
static HANDLE elevate(HANDLE token)
{
    TOKEN_ELEVATION_TYPE type;
    TOKEN_LINKED_TOKEN linked;
    DWORD size;
    if (!GetTokenInformation(token, TokenElevationType, &type, sizeof(type), &size) ||
        type != TokenElevationTypeLimited ||
        !GetTokenInformation(token, TokenLinkedToken, &linked, sizeof(linked), &size))
        return token;
    CloseHandle(token);
    return linked.LinkedToken;
}

int svc_token_of_session(uint32_t session, HANDLE *ret)
{
    HANDLE token, primary;
    if (!WTSQueryUserToken(session, &token))
        return last_error();
    token = elevate(token);
    BOOL is_made = DuplicateTokenEx(token, MAXIMUM_ALLOWED, NULL, SecurityImpersonation,
                                    TokenPrimary, &primary);
    int r = is_made ? 0 : last_error();
    CloseHandle(token);
    if (r == 0)
        *ret = primary;
    return r;
}

int svc_token_own(HANDLE *ret)
{
    return OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, ret) ? 0 : last_error();
}

char *svc_token_user_sid(HANDLE token)
{
    union {
        TOKEN_USER user;
        char room[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    } info;
    DWORD size;
    wchar_t *text;
    if (!GetTokenInformation(token, TokenUser, &info, sizeof(info), &size) ||
        !ConvertSidToStringSidW(info.user.User.Sid, &text))
        return NULL;
    char *sid = wide_to_utf8(text, -1);
    LocalFree(text);
    return sid;
}

bool svc_token_is_elevated(void)
{
    HANDLE token;
    TOKEN_ELEVATION elevation = {0};
    DWORD size;
    if (svc_token_own(&token) < 0)
        return false;
    (void)GetTokenInformation(token, TokenElevation, &elevation, sizeof(elevation), &size);
    CloseHandle(token);
    return elevation.TokenIsElevated != 0;
}
