/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <uv.h>

#include <windows.h>

#include <shellapi.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/wide_win.h"
#include "runner/argv.h"
#include "service/process/win_error.h"
#include "service/windows/scm_handle_win.h"
#include "service/windows/service_status.h"

/* QueryServiceConfigW gives at most this (documented). */
enum { MAX_CONFIG_BYTES = 8192 };

static const char *state_name(DWORD state)
{
    static const char *const names[] = {
        [SERVICE_STOPPED] = "stopped",
        [SERVICE_START_PENDING] = "starting",
        [SERVICE_STOP_PENDING] = "stopping",
        [SERVICE_RUNNING] = "running",
        [SERVICE_CONTINUE_PENDING] = "continuing",
        [SERVICE_PAUSE_PENDING] = "pausing",
        [SERVICE_PAUSED] = "paused",
    };
    return state < countof(names) && names[state] ? names[state] : "unknown";
}

static bool is_delayed(SC_HANDLE service)
{
    SERVICE_DELAYED_AUTO_START_INFO info = {FALSE};
    DWORD n;
    return QueryServiceConfig2W(service, SERVICE_CONFIG_DELAYED_AUTO_START_INFO, (BYTE *)&info,
                                sizeof(info), &n) &&
           info.fDelayedAutostart;
}

static const char *start_name(SC_HANDLE service, DWORD type)
{
    if (type == SERVICE_AUTO_START)
        return is_delayed(service) ? "automatic (delayed)" : "automatic";
    return type == SERVICE_DEMAND_START ? "manual"
           : type == SERVICE_DISABLED   ? "disabled"
                                        : "other";
}

/* The words of COMMAND behind the program and its two words. */
static void split(const wchar_t *command, struct argv *argv)
{
    int n;
    wchar_t **words = CommandLineToArgvW(command, &n);
    for (int i = 3; words && i < n; i++) {
        char *word cleanup(mem_freep) = wide_to_utf8(words[i], -1);
        argv_add(argv, word);
    }
    LocalFree(words);
}

/* Which folder and file the installed command means; for this environment, which for the two is
 * the service's too unless somebody set LDPLAYERD_ variables. */
static void read_files(const wchar_t *command, struct svc_config *ret)
{
    static const struct svc_args_rule rule = {NULL, true, 0, 0};
    struct argv argv cleanup(argv_deinit);
    struct svc_args args cleanup(svc_args_deinit);
    struct svc_problems problems cleanup(svc_problems_deinit);
    argv_init(&argv);
    svc_problems_init(&problems);
    split(command, &argv);
    (void)svc_args_parse(&rule, argv.items, &args, &problems);
    (void)svc_config_load(args.flags, args.n_flags, ret, &problems);
}

static enum svc_exit print_status(const struct svc_service_status *status, const char *format)
{
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    if (strcmp(format, "json") == 0)
        svc_service_status_json(status, &out);
    else
        svc_service_status_text(status, &out);
    return svc_exit_print(&out);
}

static enum svc_exit show(SC_HANDLE service, const char *format)
{
    SERVICE_STATUS_PROCESS s;
    DWORD n;
    QUERY_SERVICE_CONFIGW *entry cleanup(mem_freep) = mem_alloc(MAX_CONFIG_BYTES);
    if (!QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *)&s, sizeof(s), &n) ||
        !QueryServiceConfigW(service, entry, MAX_CONFIG_BYTES, &n))
        return svc_win_error_fail(GetLastError(), "the service cannot be asked");
    struct svc_config config cleanup(svc_config_deinit);
    read_files(entry->lpBinaryPathName, &config);
    char *command cleanup(mem_freep) = wide_to_utf8(entry->lpBinaryPathName, -1);
    struct svc_service_status status = {
        .state = state_name(s.dwCurrentState),
        .start_type = start_name(service, entry->dwStartType),
        .pid = s.dwProcessId,
        .exit_code = s.dwWin32ExitCode,
        .command = command,
        .data_dir = config.data_dir,
        .config_file = config.file,
    };
    if (s.dwWin32ExitCode == ERROR_SERVICE_SPECIFIC_ERROR)
        status.specific_code = s.dwServiceSpecificExitCode;
    return print_status(&status, format);
}

enum svc_exit svc_service_status_show(const struct svc_args *args)
{
    SC_HANDLE service cleanup(svc_scm_closep) = NULL;
    const char *format = svc_args_flag(args, "format");
    if (format && strcmp(format, "json") != 0 && strcmp(format, "text") != 0) {
        (void)svc_exit_fail("--format: it must be text or json");
        return SVC_EXIT_USAGE;
    }
    enum svc_exit status = svc_scm_open(SERVICE_QUERY_STATUS | SERVICE_QUERY_CONFIG, &service);
    return status == SVC_EXIT_OK ? show(service, format ? format : "text") : status;
}
