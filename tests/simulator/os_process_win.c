/* SPDX-License-Identifier: MIT */
#include "os.h"
#include "wide_win.h"

#include <windows.h>

#include <ntsecapi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* CreateProcess itself fails with this code; a program that does run can only exit with it. */
const int os_exit_not_elevated = 740;

int64_t os_now_ms(void)
{
    return (int64_t)GetTickCount64();
}

int64_t os_wall_ns(void)
{
    FILETIME now;

    GetSystemTimeAsFileTime(&now);
    return (int64_t)(((uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime) -
                     116444736000000000ULL) *
           100;
}

void os_sleep_ms(int64_t ms)
{
    Sleep((DWORD)ms);
}

char *os_self_dir(void)
{
    wchar_t path[4096];
    DWORD n = GetModuleFileNameW(NULL, path, 4096);
    wchar_t *slash;

    path[n < 4096 ? n : 4095] = L'\0';
    slash = wcsrchr(path, L'\\');
    if (!slash)
        return mem_text(".");
    *slash = L'\0';
    return wide_to_utf8(path);
}

int64_t os_pid(void)
{
    return (int64_t)GetCurrentProcessId();
}

/* 0 for a process that has ended. */
static uint64_t birth_of(HANDLE process)
{
    FILETIME created, other[3];

    if (WaitForSingleObject(process, 0) != WAIT_TIMEOUT ||
        !GetProcessTimes(process, &created, &other[0], &other[1], &other[2]))
        return 0;
    return (uint64_t)created.dwHighDateTime << 32 | created.dwLowDateTime;
}

uint64_t os_birth(int64_t pid)
{
    HANDLE process =
        OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, FALSE, (DWORD)pid);
    uint64_t birth;

    if (!process)
        return 0;
    birth = birth_of(process);
    CloseHandle(process);
    return birth;
}

static void add_backslashes(struct text *line, size_t n)
{
    while (n-- > 0)
        text_add(line, "\\");
}

/* The rule that CommandLineToArgvW and the C run-time read by: backslashes count double only in
 * front of a quotation mark. */
static void add_argument(struct text *line, const char *argument)
{
    size_t backslashes = 0;

    if (*argument && !strpbrk(argument, " \t\n\v\"")) {
        text_add(line, argument);
        return;
    }
    text_add(line, "\"");
    for (const char *at = argument; *at; at++) {
        if (*at == '\\') {
            backslashes++;
            continue;
        }
        add_backslashes(line, *at == '"' ? backslashes * 2 + 1 : backslashes);
        backslashes = 0;
        text_add_bytes(line, at, 1);
    }
    add_backslashes(line, backslashes * 2);
    text_add(line, "\"");
}

int64_t os_spawn(char *const argv[], bool keep_output)
{
    STARTUPINFOW start = {.cb = sizeof(start)};
    PROCESS_INFORMATION process;
    struct text line = {0};

    for (int i = 0; argv[i]; i++) {
        if (i > 0)
            text_add(&line, " ");
        add_argument(&line, argv[i]);
    }
    if (keep_output) {
        start.dwFlags = STARTF_USESTDHANDLES;
        start.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
        start.hStdError = GetStdHandle(STD_ERROR_HANDLE);
        SetHandleInformation(start.hStdOutput, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
        SetHandleInformation(start.hStdError, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    }
    if (!CreateProcessW(NULL, wide_from_utf8(text_str(&line)), NULL, NULL, keep_output,
                        DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP, NULL, NULL, &start, &process))
        return -1;
    CloseHandle(process.hThread);
    CloseHandle(process.hProcess);
    return process.dwProcessId;
}

/* On one handle: numbers of processes are given out again at once. */
void os_kill(int64_t pid, uint64_t birth)
{
    HANDLE process = OpenProcess(
        PROCESS_TERMINATE | PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, FALSE, (DWORD)pid);

    if (!process)
        return;
    if (birth_of(process) == birth)
        TerminateProcess(process, 1);
    CloseHandle(process);
}

void os_crash(void)
{
    TerminateProcess(GetCurrentProcess(), (UINT)STATUS_INVALID_HANDLE);
    abort();
}

void os_ignore_children(void)
{
    /* Nothing to do: a process leaves nothing behind once its handles are closed. */
}

void os_set_variable(const char *name, const char *value)
{
    SetEnvironmentVariableW(wide_from_utf8(name), value ? wide_from_utf8(value) : NULL);
}

char *os_variable(const char *name)
{
    wchar_t value[4096];
    DWORD n = GetEnvironmentVariableW(wide_from_utf8(name), value, 4096);

    return n > 0 && n < 4096 ? wide_to_utf8(value) : NULL;
}

uint64_t os_random(void)
{
    uint64_t value;

    if (!RtlGenRandom(&value, sizeof(value)))
        abort();
    return value;
}
