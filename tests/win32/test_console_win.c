/* SPDX-License-Identifier: MIT */
/* The code page of a console belongs to its window: a command that prints in UTF-8 leaves it as it
 * was, so that what runs in the window after it prints as before. Needs a console. */
#include <stdio.h>

#include <windows.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/wide_win.h"

enum { CODE_PAGE = 437 };

static int fail(const char *what)
{
    printf("%s (error %lu)\n", what, GetLastError());
    return 1;
}

static DWORD run_in_this_console(const char *program)
{
    STARTUPINFOW startup = {.cb = sizeof(startup)};
    PROCESS_INFORMATION child;
    DWORD code = (DWORD)-1;
    char *line cleanup(mem_freep) = mem_printf("\"%s\" version", program);
    wchar_t *wide cleanup(mem_freep) = wide_from_utf8(line);
    if (!CreateProcessW(NULL, wide, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &child))
        return code;
    WaitForSingleObject(child.hProcess, INFINITE);
    GetExitCodeProcess(child.hProcess, &code);
    CloseHandle(child.hThread);
    CloseHandle(child.hProcess);
    return code;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return fail("usage: test_console_win LDPLAYERD");
    if (!SetConsoleOutputCP(CODE_PAGE))
        return fail("there is no console");
    if (run_in_this_console(argv[1]) != 0)
        return fail("the command failed");
    if (GetConsoleOutputCP() != CODE_PAGE)
        return fail("the console has another code page than before");
    return 0;
}
