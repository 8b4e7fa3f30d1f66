/* SPDX-License-Identifier: MIT */

/* The process that writes the dump is the broken one, so as little as can be happens in it: no
 * memory is asked for, path and thread are made beforehand, and whatever goes wrong ends the
 * process. A thread of its own writes, because the one that broke may have no stack left. */
#include "service/process/crash.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <wchar.h>

#include <uv.h>

#include <windows.h>

#include <dbghelp.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/wide_win.h"

/* STATUS_FATAL_APP_EXIT of ntstatus.h, which does not go together with windows.h. */
static const DWORD FATAL_APP_EXIT = 0x40000015;

enum { MAX_PATH_UNITS = 1024, NAME_UNITS = 64, STACK_RESERVE = 64 * 1024, MAX_WRITE_MS = 60000 };

static wchar_t folder[MAX_PATH_UNITS];
static volatile LONG broken_thread; /* 0: none */
static EXCEPTION_POINTERS *broken;
static HANDLE is_broken, is_written; /* events */

static void write_dump(void)
{
    static wchar_t path[MAX_PATH_UNITS + NAME_UNITS];
    SYSTEMTIME t;
    GetSystemTime(&t);
    swprintf(path, countof(path), L"%ls\\ldplayerd-%04u%02u%02uT%02u%02u%02uZ-%lu.dmp", folder,
             t.wYear, t.wMonth, t.wDay, t.wHour, t.wMinute, t.wSecond, GetCurrentProcessId());
    HANDLE file = CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return;
    MINIDUMP_EXCEPTION_INFORMATION info = {(DWORD)broken_thread, broken, FALSE};
    MiniDumpWriteDump(GetCurrentProcess(), GetCurrentProcessId(), file,
                      MiniDumpNormal | MiniDumpWithThreadInfo, &info, NULL, NULL);
    CloseHandle(file);
}

static DWORD WINAPI run_writer(void *unused)
{
    (void)unused;
    WaitForSingleObject(is_broken, INFINITE);
    write_dump();
    SetEvent(is_written);
    return 0;
}

static LONG WINAPI on_exception(EXCEPTION_POINTERS *exception)
{
    /* Two at once: the first one's dump is the better one, and it ends the process. The writer
     * itself may be the second, so the first does not wait for ever. */
    if (InterlockedCompareExchange(&broken_thread, (LONG)GetCurrentThreadId(), 0) != 0)
        Sleep(INFINITE);
    broken = exception;
    SetEvent(is_broken);
    WaitForSingleObject(is_written, MAX_WRITE_MS);
    /* Without the system's own report, which could show a window that nobody sees. */
    TerminateProcess(GetCurrentProcess(), exception->ExceptionRecord->ExceptionCode);
    return EXCEPTION_EXECUTE_HANDLER;
}

/* abort() would end the process behind the filter's back; as an exception it comes there with the
 * stack of who called it. */
static void on_abort(int signum)
{
    (void)signum;
    RaiseException(FATAL_APP_EXIT, EXCEPTION_NONCONTINUABLE, 0, NULL);
}

static bool start_writer(void)
{
    is_broken = CreateEventW(NULL, FALSE, FALSE, NULL);
    is_written = CreateEventW(NULL, FALSE, FALSE, NULL);
    HANDLE thread = CreateThread(NULL, 0, run_writer, NULL, 0, NULL);
    if (thread)
        CloseHandle(thread);
    return is_broken && is_written && thread;
}

void svc_crash_arm(const char *data_dir)
{
    ULONG reserve = STACK_RESERVE;
    char *dir cleanup(mem_freep) = fs_join(data_dir, "crashes");
    wchar_t *wide cleanup(mem_freep) = wide_from_utf8(dir);
    if (fs_make_dirs(dir) < 0 || wcslen(wide) >= countof(folder) || !start_writer())
        return;
    wcscpy(folder, wide);
    /* A stack that is used up has no room for the filter otherwise. */
    SetThreadStackGuarantee(&reserve);
    SetUnhandledExceptionFilter(on_exception);
    signal(SIGABRT, on_abort);
}
