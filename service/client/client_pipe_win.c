/* SPDX-License-Identifier: MIT */
#include "service/client/client_pipe.h"

#include <fcntl.h>
#include <io.h>

#include <windows.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/wide_win.h"

/* Not libuv's own connect: it lets the server act as us. */
static HANDLE open_pipe(const wchar_t *name)
{
    return CreateFileW(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                       FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION,
                       NULL);
}

/* All instances of the pipe may be taken for a moment. */
static HANDLE open_patiently(const wchar_t *name, unsigned timeout_ms)
{
    uint64_t end = clock_mono_ms() + timeout_ms;
    for (;;) {
        HANDLE handle = open_pipe(name);
        uint64_t now = clock_mono_ms();
        if (handle != INVALID_HANDLE_VALUE || GetLastError() != ERROR_PIPE_BUSY || now >= end)
            return handle;
        WaitNamedPipeW(name, (DWORD)(end - now));
    }
}

int svc_client_pipe_connect(uv_pipe_t *pipe, const char *path, unsigned timeout_ms)
{
    wchar_t *name cleanup(mem_freep) = wide_from_utf8(path);
    HANDLE handle = open_patiently(name, timeout_ms);
    if (handle == INVALID_HANDLE_VALUE) {
        DWORD error = GetLastError();
        return error == ERROR_PIPE_BUSY ? UV_ETIMEDOUT : uv_translate_sys_error((int)error);
    }
    int fd = _open_osfhandle((intptr_t)handle, _O_BINARY);
    if (fd < 0) {
        CloseHandle(handle);
        return UV_EMFILE;
    }
    int r = uv_pipe_open(pipe, fd);
    if (r < 0)
        _close(fd);
    return r;
}
