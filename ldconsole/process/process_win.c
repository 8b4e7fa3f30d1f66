/* SPDX-License-Identifier: MIT */
#include "ldconsole/process/process.h"

#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include <windows.h>

#include <psapi.h>
#include <tlhelp32.h>
#include <winternl.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/wide_win.h"

/* NtQueryInformationProcess class 60, Windows 8.1 and later: the answer is a UNICODE_STRING with
 * its text behind it. It needs no right to read the process's memory, which an elevated VM
 * process would not give. */
enum { PROCESS_COMMAND_LINE_CLASS = 60, COMMAND_LINE_BYTES = 16384 };

static char *ask_command_line(HANDLE process)
{
    char *room cleanup(mem_freep) = mem_alloc(COMMAND_LINE_BYTES);
    ULONG used;
    NTSTATUS status = NtQueryInformationProcess(
        process, (PROCESSINFOCLASS)PROCESS_COMMAND_LINE_CLASS, room, COMMAND_LINE_BYTES, &used);
    if (!NT_SUCCESS(status))
        return NULL;
    UNICODE_STRING *text = (UNICODE_STRING *)room;
    return wide_to_utf8(text->Buffer, text->Length / (int)sizeof(wchar_t));
}

static bool read_memory(HANDLE process, const void *from, void *into, size_t n)
{
    SIZE_T n_read;
    return ReadProcessMemory(process, from, into, n, &n_read) && n_read == n;
}

/* Wine does not know class 60: there the text is read where the process itself has it. */
static char *peek_command_line(HANDLE process)
{
    PROCESS_BASIC_INFORMATION info;
    PEB peb;
    RTL_USER_PROCESS_PARAMETERS parameters;
    ULONG used;
    NTSTATUS status =
        NtQueryInformationProcess(process, ProcessBasicInformation, &info, sizeof(info), &used);
    if (!NT_SUCCESS(status) || !read_memory(process, info.PebBaseAddress, &peb, sizeof(peb)) ||
        !read_memory(process, peb.ProcessParameters, &parameters, sizeof(parameters)))
        return NULL;
    size_t n = parameters.CommandLine.Length;
    wchar_t *text cleanup(mem_freep) = mem_alloc(n + sizeof(*text));
    if (!read_memory(process, parameters.CommandLine.Buffer, text, n))
        return NULL;
    return wide_to_utf8(text, (int)(n / sizeof(*text)));
}

static char *read_command_line(DWORD pid, HANDLE process)
{
    char *line = ask_command_line(process);
    if (line)
        return line;
    HANDLE readable = OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, FALSE, pid);
    if (!readable)
        return NULL;
    line = peek_command_line(readable);
    CloseHandle(readable);
    return line;
}

static char *read_image(HANDLE process)
{
    wchar_t path[4096];
    DWORD n = sizeof(path) / sizeof(path[0]);
    if (!QueryFullProcessImageNameW(process, 0, path, &n))
        return NULL;
    return wide_to_utf8(path, (int)n);
}

enum { TICKS_PER_MS = 10000 };

static uint64_t ticks_of(FILETIME time)
{
    return (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;
}

static uint64_t read_birth(HANDLE process, uint64_t *ret_cpu_ms)
{
    FILETIME born, ended, kernel, user;
    *ret_cpu_ms = 0;
    if (!GetProcessTimes(process, &born, &ended, &kernel, &user))
        return 0;
    *ret_cpu_ms = (ticks_of(kernel) + ticks_of(user)) / TICKS_PER_MS;
    return ticks_of(born);
}

/* Its commit charge, which is all private memory; since Windows 8 it is told there. */
static uint64_t read_private_bytes(HANDLE process)
{
    PROCESS_MEMORY_COUNTERS counters;
    return GetProcessMemoryInfo(process, &counters, sizeof(counters)) ? counters.PagefileUsage : 0;
}

/* Births are by the wall clock, which may have been set back since. */
static uint64_t age_of(uint64_t born)
{
    FILETIME now;
    GetSystemTimeAsFileTime(&now);
    uint64_t ticks = ticks_of(now);
    if (born == 0)
        return 0;
    return ticks >= born + TICKS_PER_MS ? (ticks - born) / TICKS_PER_MS : 1;
}

/* A process that the system will not open still counts, without an index. */
static bool inspect(HANDLE process, const char *name, struct ldc_process *ret)
{
    char *line cleanup(mem_freep) =
        process ? read_command_line(GetProcessId(process), process) : NULL;
    if (!ldc_process_classify(name, line, ret))
        return false;
    ret->born = process ? read_birth(process, &ret->cpu_ms) : 0;
    ret->age_ms = age_of(ret->born);
    ret->private_bytes = process ? read_private_bytes(process) : 0;
    ret->image = process ? read_image(process) : NULL;
    return true;
}

static void add_entry(struct ldc_processes *ret, const PROCESSENTRY32W *entry)
{
    enum ldc_process_role role;
    struct ldc_process process = {.pid = entry->th32ProcessID};
    char *name cleanup(mem_freep) = wide_to_utf8(entry->szExeFile, -1);
    if (!ldc_process_is_emulator(name, &role))
        return;
    HANDLE handle = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, entry->th32ProcessID);
    bool is_emulator = inspect(handle, name, &process);
    if (handle)
        CloseHandle(handle);
    if (!is_emulator)
        return;
    ret->items = mem_grow(ret->items, ret->n_items, &ret->cap, sizeof(*ret->items));
    ret->items[ret->n_items++] = process;
}

static int compare_pid(const void *a, const void *b)
{
    const struct ldc_process *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

int ldc_processes_scan(struct ldc_processes *ret)
{
    ldc_processes_deinit(ret);
    HANDLE list = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    if (list == INVALID_HANDLE_VALUE)
        return uv_translate_sys_error((int)GetLastError());
    PROCESSENTRY32W entry = {.dwSize = sizeof(entry)};
    for (BOOL more = Process32FirstW(list, &entry); more; more = Process32NextW(list, &entry))
        add_entry(ret, &entry);
    CloseHandle(list);
    if (ret->n_items > 0)
        qsort(ret->items, ret->n_items, sizeof(*ret->items), compare_pid);
    return 0;
}

static char fold(char c)
{
    if (c == '/')
        return '\\';
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool ldc_process_is_in(const struct ldc_process *process, const char *dir)
{
    const char *image = process->image;
    size_t n = strlen(dir);
    if (!image)
        return false;
    while (n > 0 && fold(dir[n - 1]) == '\\')
        n--;
    for (size_t i = 0; i < n; i++) {
        if (fold(image[i]) != fold(dir[i]))
            return false;
    }
    return fold(image[n]) == '\\';
}

/* One that the system will not open is there. */
bool ldc_process_lives(int64_t pid)
{
    DWORD exit_code;
    HANDLE handle = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, (DWORD)pid);
    if (!handle)
        return GetLastError() != ERROR_INVALID_PARAMETER;
    bool is_running = !GetExitCodeProcess(handle, &exit_code) || exit_code == STILL_ACTIVE;
    CloseHandle(handle);
    return is_running;
}

/* Everything happens on one handle, so the number cannot change hands between look and blow. */
static int kill_if_same(HANDLE handle, const struct ldc_process *process)
{
    struct ldc_process now;
    char *image cleanup(mem_freep) = read_image(handle);
    DWORD exit_code;
    if (!image || !inspect(handle, image, &now))
        return UV_ESRCH;
    mem_free(now.image);
    if (now.role != process->role || now.index != process->index ||
        (process->born && now.born != process->born) || !GetExitCodeProcess(handle, &exit_code) ||
        exit_code != STILL_ACTIVE)
        return UV_ESRCH;
    return TerminateProcess(handle, 1) ? 0 : uv_translate_sys_error((int)GetLastError());
}

int ldc_process_kill(const struct ldc_process *process)
{
    HANDLE handle = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_TERMINATE, FALSE,
                                (DWORD)process->pid);
    if (!handle)
        return GetLastError() == ERROR_INVALID_PARAMETER
                   ? UV_ESRCH
                   : uv_translate_sys_error((int)GetLastError());
    int r = kill_if_same(handle, process);
    CloseHandle(handle);
    return r;
}
