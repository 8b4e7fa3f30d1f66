/* SPDX-License-Identifier: MIT */
#include "service/process/platform.h"

#include <fcntl.h>
#include <io.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>
#include <windows.h>
#include <shellapi.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/wide_win.h"
#include "service/process/token_win.h"

static UINT former_code_page;

static void restore_code_page(void)
{
    SetConsoleOutputCP(former_code_page);
}

/* For as long as we run: the code page belongs to the window, and what runs in it after us may
 * print in the system's. */
static void use_utf8_in_console(void)
{
    former_code_page = GetConsoleOutputCP();
    if (former_code_page && former_code_page != CP_UTF8 && SetConsoleOutputCP(CP_UTF8))
        atexit(restore_code_page);
}

void svc_platform_start(int *argc, char ***argv)
{
    int n;
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &n);
    if (wide) {
        char **args = mem_calloc((size_t)n + 1, sizeof(*args));
        for (int i = 0; i < n; i++)
            args[i] = wide_to_utf8(wide[i], -1);
        LocalFree(wide);
        *argc = n;
        *argv = args;
    }
    use_utf8_in_console();
    /* A service has no standard output. */
    if (_fileno(stdout) >= 0)
        _setmode(_fileno(stdout), _O_BINARY);
}

char *svc_platform_data_dir(void)
{
    char text[4096];
    size_t n = sizeof(text);
    if (uv_os_getenv("ProgramData", text, &n) < 0 || n == 0)
        return mem_strdup("C:\\ProgramData\\ldplayerd");
    return mem_printf("%s\\ldplayerd", text);
}

char *svc_platform_socket(const char *data_dir)
{
    (void)data_dir;
    return NULL;
}

char *svc_platform_pipe(void)
{
    return mem_strdup("\\\\.\\pipe\\ldplayerd");
}

const char *svc_platform_pipe_advice(void)
{
    return "let it have the option pipe, stop it for this command";
}

const char *svc_platform_admin_advice(void)
{
    return "the account of the service, or in a console that was opened as administrator.";
}

const char *svc_platform_refusal(const char *name)
{
    if (strcmp(name, "socket") == 0)
        return "unix sockets are not for Windows; use the option pipe";
    return NULL;
}

const char *svc_platform_advice(void)
{
    return "To run it in this console: `ldplayerd serve`. To have Windows run it, in a console "
           "that was\nopened as administrator: `ldplayerd service install`, then `ldplayerd "
           "service start`.";
}

/* Windows gives a program about ten seconds after the window was closed (SIGHUP here), so this is
 * an order to stop and never one to reload. */
const struct svc_signal_rule svc_platform_signals[] = {
    {SIGINT, "Ctrl-C", SVC_SIGNAL_STOP},
    {SIGBREAK, "Ctrl-Break", SVC_SIGNAL_STOP},
    {SIGHUP, "closing of the console window", SVC_SIGNAL_STOP},
};

const size_t svc_platform_n_signals = countof(svc_platform_signals);

uint32_t svc_platform_session(void)
{
    DWORD id = 0;
    (void)ProcessIdToSessionId(GetCurrentProcessId(), &id);
    return id;
}

bool svc_platform_is_elevated(void)
{
    return svc_token_is_elevated();
}
