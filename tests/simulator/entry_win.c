/* SPDX-License-Identifier: MIT */
#include "os.h"
#include "wide_win.h"

#include <windows.h>

#include <shellapi.h>

/* The arguments of main() went through the code page; the command line itself did not. */
int main(void)
{
    int argc = 0;
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &argc);
    char **argv = mem_alloc(((size_t)argc + 1) * sizeof(*argv));

    for (int i = 0; i < argc; i++)
        argv[i] = wide_to_utf8(wide[i]);
    LocalFree(wide);
    return program_main(argc, argv);
}
