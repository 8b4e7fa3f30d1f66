/* SPDX-License-Identifier: MIT */

/* %ProgramData% lets every user make folders, so the data directory may be there before us, with
 * files that somebody meant us to believe. What is not plainly ours is refused: a folder of another
 * owner, one with other things in it, links to elsewhere. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include <uv.h>

#include <windows.h>

#include <aclapi.h>
#include <sddl.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/wide_win.h"
#include "service/process/node_id.h"
#include "service/process/service_name.h"
#include "service/process/win_error.h"
#include "service/windows/setup.h"

enum { MAX_DEPTH = 8 };

/* Owner Administrators; not inherited from above; SYSTEM and Administrators everything, passed on
 * to what is made inside. */
static const wchar_t folder_sddl[] = L"O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";
static const wchar_t file_sddl[] = L"O:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)";

static void local_freep(void *pointer)
{
    LocalFree(*(void **)pointer);
}

static void handle_closep(HANDLE *handle)
{
    if (*handle != INVALID_HANDLE_VALUE && *handle)
        CloseHandle(*handle);
}

static PSECURITY_DESCRIPTOR make_descriptor(const wchar_t *sddl)
{
    PSECURITY_DESCRIPTOR sd = NULL;
    ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl, SDDL_REVISION_1, &sd, NULL);
    return sd;
}

/* --- what is there --- */

/* SYSTEM, Administrators, or who runs this, who is an administrator. */
static bool is_trusted(PSID owner)
{
    static const WELL_KNOWN_SID_TYPE kinds[] = {WinLocalSystemSid, WinBuiltinAdministratorsSid};
    BYTE buffer[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    HANDLE token cleanup(handle_closep) = NULL;
    DWORD n;
    for (size_t i = 0; i < countof(kinds); i++) {
        if (IsWellKnownSid(owner, kinds[i]))
            return true;
    }
    return OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token) &&
           GetTokenInformation(token, TokenUser, buffer, sizeof(buffer), &n) &&
           EqualSid(owner, ((TOKEN_USER *)(void *)buffer)->User.Sid);
}

static enum svc_exit check_owner(HANDLE folder, const char *path)
{
    PSECURITY_DESCRIPTOR sd cleanup(local_freep) = NULL;
    PSID owner = NULL;
    DWORD error = GetSecurityInfo(folder, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL,
                                  NULL, NULL, &sd);
    if (error)
        return svc_win_error_fail(error, "the owner of %s cannot be read", path);
    if (is_trusted(owner))
        return SVC_EXIT_OK;
    return svc_exit_fail("%s belongs to a user who is no administrator, so what is in it cannot "
                         "be trusted; move it away, or choose another with --data-dir",
                         path);
}

/* Also what a repair, a restore or an update has put aside: all of that begins with our name. */
static bool is_ours(const wchar_t *name)
{
    static const wchar_t prefix[] = L"ldplayerd.";
    static const wchar_t *const others[] = {L"config.json", L"" SVC_NODE_ID_FILE, L"logs"};
    if (_wcsnicmp(name, prefix, countof(prefix) - 1) == 0)
        return true;
    for (size_t i = 0; i < countof(others); i++) {
        if (_wcsicmp(name, others[i]) == 0)
            return true;
    }
    return false;
}

static bool is_dots(const wchar_t *name)
{
    return wcscmp(name, L".") == 0 || wcscmp(name, L"..") == 0;
}

static HANDLE find_first(const char *folder, WIN32_FIND_DATAW *ret)
{
    char *pattern cleanup(mem_freep) = mem_printf("%s\\*", folder);
    wchar_t *wide cleanup(mem_freep) = wide_from_utf8(pattern);
    return FindFirstFileW(wide, ret);
}

/* Somebody's drive or documents must not be closed to them by a slip of the pen. */
static enum svc_exit check_content(const char *path)
{
    WIN32_FIND_DATAW found;
    bool has_any = false, has_ours = false;
    HANDLE find = find_first(path, &found);
    if (find == INVALID_HANDLE_VALUE)
        return SVC_EXIT_OK;
    do {
        has_any = has_any || !is_dots(found.cFileName);
        has_ours = has_ours || is_ours(found.cFileName);
    } while (FindNextFileW(find, &found));
    FindClose(find);
    if (!has_any || has_ours)
        return SVC_EXIT_OK;
    return svc_exit_fail("%s has files in it and none of ldplayerd; choose an empty folder with "
                         "--data-dir",
                         path);
}

/* --- closing it --- */

static enum svc_exit check_link(HANDLE file, const char *path, bool *ret_is_folder)
{
    BY_HANDLE_FILE_INFORMATION info;
    if (!GetFileInformationByHandle(file, &info))
        return svc_win_error_fail(GetLastError(), "%s cannot be looked at", path);
    *ret_is_folder = info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY;
    if (info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT)
        return svc_exit_fail("%s is a link to somewhere else; remove it", path);
    if (!*ret_is_folder && info.nNumberOfLinks > 1)
        return svc_exit_fail("%s is the same file as another one elsewhere; remove it", path);
    return SVC_EXIT_OK;
}

static enum svc_exit set_descriptor(HANDLE file, const char *path, bool is_folder)
{
    PSECURITY_DESCRIPTOR sd cleanup(local_freep) =
        make_descriptor(is_folder ? folder_sddl : file_sddl);
    BOOL is_there = FALSE, is_default;
    PACL dacl = NULL;
    PSID owner = NULL;
    if (!sd || !GetSecurityDescriptorDacl(sd, &is_there, &dacl, &is_default) ||
        !GetSecurityDescriptorOwner(sd, &owner, &is_default))
        return svc_win_error_fail(GetLastError(), "the permissions of %s cannot be made", path);
    DWORD error = SetSecurityInfo(file, SE_FILE_OBJECT,
                                  OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION |
                                      PROTECTED_DACL_SECURITY_INFORMATION,
                                  owner, NULL, dacl, NULL);
    if (error)
        return svc_win_error_fail(error, "the permissions of %s cannot be set", path);
    return SVC_EXIT_OK;
}

/* Of the link itself, should it be one. */
static HANDLE open_itself(const char *path)
{
    wchar_t *wide cleanup(mem_freep) = wide_from_utf8(path);
    return CreateFileW(wide, READ_CONTROL | WRITE_DAC | WRITE_OWNER | FILE_READ_ATTRIBUTES,
                       FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                       FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
}

static enum svc_exit close_inside(const char *path, unsigned depth);

static enum svc_exit close_one(const char *path, unsigned depth)
{
    bool is_folder = false;
    HANDLE file cleanup(handle_closep) = open_itself(path);
    if (file == INVALID_HANDLE_VALUE)
        return svc_win_error_fail(GetLastError(), "%s cannot be opened", path);
    enum svc_exit status = check_link(file, path, &is_folder);
    if (status == SVC_EXIT_OK && depth == 0)
        status = check_owner(file, path);
    if (status == SVC_EXIT_OK)
        status = set_descriptor(file, path, is_folder);
    /* From here on nobody else can put anything into it. */
    return status == SVC_EXIT_OK && is_folder ? close_inside(path, depth + 1) : status;
}

static enum svc_exit close_inside(const char *path, unsigned depth)
{
    WIN32_FIND_DATAW found;
    enum svc_exit status = SVC_EXIT_OK;
    if (depth > MAX_DEPTH)
        return svc_exit_fail("%s is nested deeper than ldplayerd makes folders", path);
    HANDLE find = find_first(path, &found);
    if (find == INVALID_HANDLE_VALUE)
        return SVC_EXIT_OK;
    do {
        if (is_dots(found.cFileName))
            continue;
        char *name cleanup(mem_freep) = wide_to_utf8(found.cFileName, -1);
        char *inside cleanup(mem_freep) = mem_printf("%s\\%s", path, name);
        if (close_one(inside, depth) != SVC_EXIT_OK)
            status = SVC_EXIT_FAILED;
    } while (FindNextFileW(find, &found));
    FindClose(find);
    return status;
}

/* ERROR_ALREADY_EXISTS for one that was there. */
static DWORD make_folder(const char *path)
{
    wchar_t *wide cleanup(mem_freep) = wide_from_utf8(path);
    PSECURITY_DESCRIPTOR sd cleanup(local_freep) = make_descriptor(folder_sddl);
    SECURITY_ATTRIBUTES attributes = {sizeof(attributes), sd, FALSE};
    char *above cleanup(mem_freep) = fs_dirname(path);
    (void)fs_make_dirs(above);
    return CreateDirectoryW(wide, &attributes) ? ERROR_SUCCESS : GetLastError();
}

/* An empty folder, made in Explorer for us, say, and so its user's. It is replaced rather than
 * closed: who has it open could open it again. One that has anything in it is not removed. */
static bool remove_empty(const char *path)
{
    wchar_t *wide cleanup(mem_freep) = wide_from_utf8(path);
    DWORD attributes = GetFileAttributesW(wide);
    return attributes != INVALID_FILE_ATTRIBUTES && !(attributes & FILE_ATTRIBUTE_REPARSE_POINT) &&
           RemoveDirectoryW(wide);
}

enum svc_exit svc_setup_data_dir(const struct svc_setup *setup)
{
    DWORD error = make_folder(setup->data_dir);
    if (error == ERROR_ALREADY_EXISTS && remove_empty(setup->data_dir))
        error = make_folder(setup->data_dir);
    if (error == ERROR_SUCCESS)
        return SVC_EXIT_OK;
    if (error != ERROR_ALREADY_EXISTS)
        return svc_win_error_fail(error, "the data directory %s cannot be made", setup->data_dir);
    enum svc_exit status = check_content(setup->data_dir);
    return status == SVC_EXIT_OK ? close_one(setup->data_dir, 0) : status;
}
