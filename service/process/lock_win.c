/* SPDX-License-Identifier: MIT */
#include "service/process/lock.h"

#include <stdio.h>
#include <stdlib.h>

#include <uv.h>
#include <windows.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/wide_win.h"

struct svc_lock {
    HANDLE file;
};

static int64_t read_pid(const wchar_t *path)
{
    char text[32];
    DWORD n = 0;
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                              OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return 0;
    ReadFile(file, text, sizeof(text) - 1, &n, NULL);
    CloseHandle(file);
    text[n] = '\0';
    return strtoll(text, NULL, 10);
}

static int write_pid(HANDLE file)
{
    char text[32];
    DWORD written = 0;
    int n = snprintf(text, sizeof(text), "%lu\n", (unsigned long)GetCurrentProcessId());
    if (!WriteFile(file, text, (DWORD)n, &written, NULL) || !SetEndOfFile(file))
        return uv_translate_sys_error((int)GetLastError());
    return 0;
}

/* Others may read the file while it is held, but not open it for writing: that is the lock. */
static int open_file(const wchar_t *path, HANDLE *ret_file, int64_t *reterr_pid)
{
    *ret_file = CreateFileW(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, NULL, OPEN_ALWAYS,
                            FILE_ATTRIBUTE_NORMAL, NULL);
    if (*ret_file != INVALID_HANDLE_VALUE)
        return 0;
    DWORD error = GetLastError();
    if (error != ERROR_SHARING_VIOLATION)
        return uv_translate_sys_error((int)error);
    *reterr_pid = read_pid(path);
    return UV_EBUSY;
}

int svc_lock_take(const char *data_dir, struct svc_lock **ret, int64_t *reterr_pid)
{
    char *path cleanup(mem_freep) = fs_join(data_dir, "ldplayerd.lock");
    wchar_t *wide cleanup(mem_freep) = wide_from_utf8(path);
    HANDLE file;
    int r = open_file(wide, &file, reterr_pid);
    if (r < 0)
        return r;
    r = write_pid(file);
    if (r < 0) {
        CloseHandle(file);
        return r;
    }
    *ret = mem_new(struct svc_lock);
    (*ret)->file = file;
    return 0;
}

void svc_lock_release(struct svc_lock *lock)
{
    if (!lock)
        return;
    CloseHandle(lock->file);
    mem_free(lock);
}
