/* SPDX-License-Identifier: MIT */
#include "tests/support/lesser_win.h"

#include <windows.h>

static HANDLE restrict_token(HANDLE token)
{
    union {
        TOKEN_USER user;
        BYTE bytes[256];
    } own;
    BYTE administrators[SECURITY_MAX_SID_SIZE];
    DWORD n_own, n = sizeof(administrators);
    HANDLE lesser = NULL;
    if (!GetTokenInformation(token, TokenUser, &own, sizeof(own), &n_own) ||
        !CreateWellKnownSid(WinBuiltinAdministratorsSid, NULL, administrators, &n))
        return NULL;
    SID_AND_ATTRIBUTES disabled[] = {{own.user.User.Sid, 0}, {administrators, 0}};
    if (!CreateRestrictedToken(token, DISABLE_MAX_PRIVILEGE, 2, disabled, 0, NULL, 0, NULL,
                               &lesser))
        return NULL;
    return lesser;
}

bool lesser_begin(void)
{
    HANDLE token;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY | TOKEN_DUPLICATE | TOKEN_ASSIGN_PRIMARY,
                          &token))
        return false;
    HANDLE lesser = restrict_token(token);
    CloseHandle(token);
    if (!lesser)
        return false;
    bool is_begun = ImpersonateLoggedOnUser(lesser);
    CloseHandle(lesser);
    return is_begun;
}

void lesser_end(void)
{
    RevertToSelf();
}
