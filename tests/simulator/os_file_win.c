/* SPDX-License-Identifier: MIT */
#include "os.h"
#include "wide_win.h"

#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char os_exe_suffix[] = ".exe";

enum {
    SHARE_ALL = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
    BUSY_TRIES = 200, /* of 5 ms each: somebody reads the file that is to be replaced */
};

/* FILETIME counts 100 ns since 1601. */
static int64_t file_time_ns(FILETIME time)
{
    uint64_t ticks = (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;

    return ((int64_t)ticks - 116444736000000000) * 100;
}

static struct os_info info_of(DWORD attributes, FILETIME changed, DWORD high, DWORD low)
{
    return (struct os_info){
        .size = (uint64_t)high << 32 | low,
        .changed_ns = file_time_ns(changed),
        .is_dir = (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0,
        .read_only = (attributes & FILE_ATTRIBUTE_READONLY) != 0,
    };
}

int os_stat(const char *path, struct os_info *ret_info)
{
    WIN32_FILE_ATTRIBUTE_DATA data;

    if (!GetFileAttributesExW(wide_from_utf8(path), GetFileExInfoStandard, &data))
        return -1;
    *ret_info =
        info_of(data.dwFileAttributes, data.ftLastWriteTime, data.nFileSizeHigh, data.nFileSizeLow);
    return 0;
}

bool os_exists(const char *path)
{
    return GetFileAttributesW(wide_from_utf8(path)) != INVALID_FILE_ATTRIBUTES;
}

static bool is_busy(void)
{
    DWORD error = GetLastError();

    return error == ERROR_SHARING_VIOLATION || error == ERROR_ACCESS_DENIED ||
           error == ERROR_LOCK_VIOLATION;
}

static HANDLE open_file(const char *path, DWORD access, DWORD disposition)
{
    const wchar_t *wide = wide_from_utf8(path);
    HANDLE file = INVALID_HANDLE_VALUE;

    for (int i = 0; i < BUSY_TRIES; i++) {
        file = CreateFileW(wide, access, SHARE_ALL, NULL, disposition, FILE_ATTRIBUTE_NORMAL, NULL);
        if (file != INVALID_HANDLE_VALUE || !is_busy())
            break;
        Sleep(5);
    }
    return file;
}

int os_read_file(const char *path, struct text *ret_bytes)
{
    HANDLE file = open_file(path, GENERIC_READ, OPEN_EXISTING);
    char chunk[16384];
    DWORD n = 0;
    BOOL ok;

    if (file == INVALID_HANDLE_VALUE)
        return -1;
    text_add(ret_bytes, "");
    while ((ok = ReadFile(file, chunk, sizeof(chunk), &n, NULL)) && n > 0)
        text_add_bytes(ret_bytes, chunk, n);
    CloseHandle(file);
    return ok ? 0 : -1;
}

static int write_all(HANDLE file, const char *bytes, size_t len)
{
    while (len > 0) {
        DWORD n = len > 65536 ? 65536 : (DWORD)len;

        if (!WriteFile(file, bytes, n, &n, NULL))
            return -1;
        bytes += n;
        len -= n;
    }
    return 0;
}

int os_write_file(const char *path, const void *bytes, size_t len)
{
    HANDLE file = open_file(path, GENERIC_WRITE, CREATE_ALWAYS);
    int r;

    if (file == INVALID_HANDLE_VALUE)
        return -1;
    r = write_all(file, bytes, len);
    CloseHandle(file);
    return r;
}

static int replace(const char *from, const char *to)
{
    const wchar_t *wide_from = wide_from_utf8(from);
    const wchar_t *wide_to = wide_from_utf8(to);

    for (int i = 0; i < BUSY_TRIES; i++) {
        if (MoveFileExW(wide_from, wide_to, MOVEFILE_REPLACE_EXISTING))
            return 0;
        if (!is_busy())
            break;
        Sleep(5);
    }
    return -1;
}

int os_replace_file(const char *path, const void *bytes, size_t len)
{
    char *fresh = mem_printf("%s.%lu.tmp", path, (unsigned long)GetCurrentProcessId());

    if (os_write_file(fresh, bytes, len) == 0 && replace(fresh, path) == 0)
        return 0;
    os_remove_file(fresh);
    return -1;
}

/* Windows appends at once, Wine in two steps: look for the end, write there. The lock, on a byte
 * far behind the end, keeps others out meanwhile and is gone with the handle. */
static bool lock_end(HANDLE file)
{
    OVERLAPPED at = {.OffsetHigh = 0x7FFFFFFF};

    return LockFileEx(file, LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, &at);
}

int os_append_file(const char *path, const void *bytes, size_t len, uint64_t max_bytes)
{
    HANDLE file = open_file(path, FILE_APPEND_DATA | FILE_READ_DATA | SYNCHRONIZE, OPEN_ALWAYS);
    LARGE_INTEGER size;
    DWORD n = 0;
    int r = -1;

    if (file == INVALID_HANDLE_VALUE)
        return -1;
    if (lock_end(file) && GetFileSizeEx(file, &size) && (uint64_t)size.QuadPart < max_bytes)
        r = WriteFile(file, bytes, (DWORD)len, &n, NULL) && n == len ? 0 : -1;
    CloseHandle(file);
    return r;
}

intptr_t os_open_file(const char *path)
{
    HANDLE file = open_file(path, GENERIC_WRITE, OPEN_EXISTING);

    return file == INVALID_HANDLE_VALUE ? -1 : (intptr_t)file;
}

void os_touch_file(intptr_t file)
{
    FILETIME now;

    GetSystemTimeAsFileTime(&now);
    (void)SetFileTime((HANDLE)file, NULL, NULL, &now);
}

int os_copy_file(const char *from, const char *to)
{
    return CopyFileW(wide_from_utf8(from), wide_from_utf8(to), FALSE) ? 0 : -1;
}

int os_rename(const char *from, const char *to)
{
    return replace(from, to);
}

char *os_real_path(const char *path)
{
    wchar_t full[4096];
    DWORD n = GetFullPathNameW(wide_from_utf8(path), 4096, full, NULL);
    char *ret;

    if (n == 0 || n >= 4096 || !os_exists(path))
        return NULL;
    ret = wide_to_utf8(full);
    while (strlen(ret) > 3 && ret[strlen(ret) - 1] == '\\')
        ret[strlen(ret) - 1] = '\0';
    return ret;
}

char *os_native_path(const char *path)
{
    char *ret = mem_text(path);

    for (char *at = ret; *at; at++)
        if (*at == '/')
            *at = '\\';
    return ret;
}

int os_make_dirs(const char *path)
{
    char *copy = mem_text(path);

    for (char *at = copy + 1; *at; at++) {
        char kept = *at;

        if (kept != '\\' && kept != '/')
            continue;
        *at = '\0';
        CreateDirectoryW(wide_from_utf8(copy), NULL);
        *at = kept;
    }
    if (CreateDirectoryW(wide_from_utf8(copy), NULL) || GetLastError() == ERROR_ALREADY_EXISTS)
        return 0;
    return -1;
}

int os_remove_file(const char *path)
{
    return DeleteFileW(wide_from_utf8(path)) ? 0 : -1;
}

static void remove_entry(void *arg, const char *name, const struct os_info *info)
{
    char *path = mem_printf("%s/%s", (const char *)arg, name);

    if (info && info->is_dir) {
        os_remove_tree(path);
        return;
    }
    os_set_read_only(path, false);
    os_remove_file(path);
}

void os_remove_tree(const char *path)
{
    char *copy = mem_text(path);

    os_list_dir(path, true, remove_entry, copy);
    RemoveDirectoryW(wide_from_utf8(path));
}

void os_set_read_only(const char *path, bool read_only)
{
    const wchar_t *wide = wide_from_utf8(path);
    DWORD attributes = GetFileAttributesW(wide);

    if (attributes == INVALID_FILE_ATTRIBUTES)
        return;
    attributes &= ~(DWORD)FILE_ATTRIBUTE_READONLY;
    SetFileAttributesW(wide, read_only ? attributes | FILE_ATTRIBUTE_READONLY : attributes);
}

int os_list_dir(const char *path, bool with_info,
                void (*each)(void *arg, const char *name, const struct os_info *info), void *arg)
{
    WIN32_FIND_DATAW found;
    HANDLE search = FindFirstFileW(wide_from_utf8(mem_printf("%s/*", path)), &found);

    if (search == INVALID_HANDLE_VALUE)
        return -1;
    do {
        struct os_info info = info_of(found.dwFileAttributes, found.ftLastWriteTime,
                                      found.nFileSizeHigh, found.nFileSizeLow);

        if (wcscmp(found.cFileName, L".") != 0 && wcscmp(found.cFileName, L"..") != 0)
            each(arg, wide_to_utf8(found.cFileName), with_info ? &info : NULL);
    } while (FindNextFileW(search, &found));
    FindClose(search);
    return 0;
}

intptr_t os_lock(const char *path)
{
    HANDLE file = open_file(path, GENERIC_READ | GENERIC_WRITE, OPEN_ALWAYS);
    OVERLAPPED at = {0};

    if (file == INVALID_HANDLE_VALUE)
        return -1;
    if (LockFileEx(file, LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, &at))
        return (intptr_t)file;
    CloseHandle(file);
    return -1;
}

void os_unlock(intptr_t lock)
{
    if (lock != -1)
        CloseHandle((HANDLE)lock);
}

void os_write_stdout(const void *bytes, size_t len)
{
    /* A reader that went away is the caller's business, as it is for the real program. */
    (void)write_all(GetStdHandle(STD_OUTPUT_HANDLE), bytes, len);
}

void os_write_stderr(const void *bytes, size_t len)
{
    (void)write_all(GetStdHandle(STD_ERROR_HANDLE), bytes, len);
}
