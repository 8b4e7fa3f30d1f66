/* SPDX-License-Identifier: MIT */

/* service/process/crash_win.c: this program crashes on purpose, as a child of itself. The product
 * has no way to be made to. */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include <windows.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "service/process/crash.h"
#include "tests/support/folder.h"

static int n_failed;

#define check(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                                 \
            n_failed++;                                                                            \
        }                                                                                          \
    } while (0)

/* --- the child --- */

static void write_nowhere(void *arg)
{
    volatile int *nowhere = arg;
    *nowhere = 1;
}

static int depth;

static int use_up_stack(int n)
{
    volatile char room[4096];
    room[0] = (char)n;
    if (++depth < 0)
        return 0;
    return use_up_stack(n + 1) + room[0];
}

static int crash(const char *how, const char *folder)
{
    uv_thread_t thread;
    svc_crash_arm(folder);
    if (strcmp(how, "access") == 0)
        write_nowhere(NULL);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "stack") == 0)
        return use_up_stack(0);
    if (strcmp(how, "thread") == 0 && uv_thread_create(&thread, write_nowhere, NULL) == 0)
        uv_thread_join(&thread);
    return 0;
}

/* --- the test --- */

static DWORD run_child(const char *how, const char *folder)
{
    char exe[MAX_PATH];
    STARTUPINFOA startup = {.cb = sizeof(startup)};
    PROCESS_INFORMATION child;
    DWORD code = 0;
    GetModuleFileNameA(NULL, exe, sizeof(exe));
    char *line cleanup(mem_freep) = mem_printf("\"%s\" %s \"%s\"", exe, how, folder);
    check(CreateProcessA(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &child));
    check(WaitForSingleObject(child.hProcess, 60000) == WAIT_OBJECT_0);
    GetExitCodeProcess(child.hProcess, &code);
    CloseHandle(child.hThread);
    CloseHandle(child.hProcess);
    return code;
}

static bool is_dump(const char *path)
{
    char magic[4] = "";
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    size_t n = fread(magic, 1, sizeof(magic), file);
    fclose(file);
    return n == 4 && memcmp(magic, "MDMP", 4) == 0;
}

static void test_crash(const char *how, DWORD expected)
{
    char *folder = folder_make();
    DWORD code = run_child(how, folder);
    char *path cleanup(mem_freep) = svc_crash_take_report(folder);
    char *again cleanup(mem_freep) = svc_crash_take_report(folder);
    printf("%s: exit code %08lx, dump %s\n", how, code, path ? path : "none");
    check(code == expected);
    check(path && is_dump(path));
    check(!again);
    folder_remove(folder);
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return crash(argv[1], argv[2]);
    test_crash("access", (DWORD)STATUS_ACCESS_VIOLATION);
    test_crash("abort", 0x40000015);
    test_crash("thread", (DWORD)STATUS_ACCESS_VIOLATION);
    test_crash("stack", (DWORD)STATUS_STACK_OVERFLOW);
    printf("%d failed\n", n_failed);
    return n_failed ? 1 : 0;
}
