/* SPDX-License-Identifier: MIT */
#include "service/process/lock.h"

#include <string.h>

#include <uv.h>
#include <windows.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/wide_win.h"

struct svc_lock {
    HANDLE file;
    char *path;
};

static void read_holder(const wchar_t *path, struct svc_lock_holder *ret)
{
    char text[SVC_LOCK_TEXT_SIZE];
    DWORD n = 0;
    *ret = (struct svc_lock_holder){0};
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                              OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return;
    ReadFile(file, text, sizeof(text) - 1, &n, NULL);
    CloseHandle(file);
    text[n] = '\0';
    svc_lock_read_text(text, ret);
}

static int write_holder(HANDLE file, const char *what)
{
    char text[SVC_LOCK_TEXT_SIZE];
    DWORD written = 0;
    svc_lock_write_text(what, text);
    if (!WriteFile(file, text, (DWORD)strlen(text), &written, NULL) || !SetEndOfFile(file))
        return uv_translate_sys_error((int)GetLastError());
    return 0;
}

/* Others may read the file while it is held, but not open it for writing: that is the lock. */
static int open_file(const wchar_t *path, HANDLE *ret_file, struct svc_lock_holder *reterr)
{
    *ret_file = CreateFileW(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, NULL, OPEN_ALWAYS,
                            FILE_ATTRIBUTE_NORMAL, NULL);
    if (*ret_file != INVALID_HANDLE_VALUE)
        return 0;
    DWORD error = GetLastError();
    if (error != ERROR_SHARING_VIOLATION)
        return uv_translate_sys_error((int)error);
    read_holder(path, reterr);
    return UV_EBUSY;
}

int svc_lock_take(const char *data_dir, const char *what, struct svc_lock **ret,
                  struct svc_lock_holder *reterr)
{
    char *path cleanup(mem_freep) = fs_join(data_dir, SVC_LOCK_FILE);
    wchar_t *wide cleanup(mem_freep) = wide_from_utf8(path);
    HANDLE file;
    int r = open_file(wide, &file, reterr);
    if (r < 0)
        return r;
    r = write_holder(file, what);
    if (r < 0) {
        CloseHandle(file);
        return r;
    }
    *ret = mem_new(struct svc_lock);
    (*ret)->file = file;
    (*ret)->path = take_ptr(path);
    return 0;
}

void svc_lock_release(struct svc_lock *lock)
{
    if (!lock)
        return;
    CloseHandle(lock->file);
    mem_free(lock->path);
    mem_free(lock);
}

/* What is open cannot be removed: neither ours nor that of somebody who has taken it since. */
int svc_lock_remove(struct svc_lock *lock)
{
    char *path cleanup(mem_freep) = take_ptr(lock->path);
    svc_lock_release(lock);
    return fs_remove(path);
}
