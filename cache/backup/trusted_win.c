/* SPDX-License-Identifier: MIT */
#include "cache/backup/trusted.h"

#include <stdbool.h>

#include <uv.h>

#include <windows.h>

#include <aclapi.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/wide_win.h"

static void local_freep(void *pointer)
{
    LocalFree(*(void **)pointer);
}

static void handle_closep(HANDLE *handle)
{
    if (*handle)
        CloseHandle(*handle);
}

/* RET_OWNER points into what is returned, for LocalFree; NULL with *RETERR. */
static PSECURITY_DESCRIPTOR read_owner(wchar_t *path, PSID *ret_owner, int *reterr)
{
    PSECURITY_DESCRIPTOR sd = NULL;
    DWORD error = GetNamedSecurityInfoW(path, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, ret_owner,
                                        NULL, NULL, NULL, &sd);
    *reterr = error ? uv_translate_sys_error((int)error) : 0;
    return error ? NULL : sd;
}

static bool is_own(PSID owner)
{
    BYTE buffer[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    HANDLE token cleanup(handle_closep) = NULL;
    DWORD n;
    return OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token) &&
           GetTokenInformation(token, TokenUser, buffer, sizeof(buffer), &n) &&
           EqualSid(owner, ((TOKEN_USER *)(void *)buffer)->User.Sid);
}

static bool is_trusted(PSID owner, PSID folder_owner)
{
    return EqualSid(owner, folder_owner) || IsWellKnownSid(owner, WinLocalSystemSid) ||
           IsWellKnownSid(owner, WinBuiltinAdministratorsSid) || is_own(owner);
}

int cache_trusted_check(const char *path, const char *dir)
{
    wchar_t *wide cleanup(mem_freep) = wide_from_utf8(path);
    wchar_t *wide_dir cleanup(mem_freep) = wide_from_utf8(dir);
    PSECURITY_DESCRIPTOR file cleanup(local_freep) = NULL, folder cleanup(local_freep) = NULL;
    PSID owner, folder_owner;
    int r = 0;
    DWORD attributes = GetFileAttributesW(wide);
    if (attributes == INVALID_FILE_ATTRIBUTES)
        return uv_translate_sys_error((int)GetLastError());
    if (attributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT))
        return UV_EPERM;
    file = read_owner(wide, &owner, &r);
    if (r == 0)
        folder = read_owner(wide_dir, &folder_owner, &r);
    if (r < 0)
        return r;
    return is_trusted(owner, folder_owner) ? 0 : UV_EPERM;
}
