/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include <windows.h>

#include <shellapi.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/wide_win.h"
#include "service/commands/command.h"
#include "service/commands/command_line.h"
#include "service/process/service_name.h"
#include "service/process/win_error.h"
#include "service/windows/scm.h"
#include "service/windows/scm_handle_win.h"
#include "service/windows/service_status.h"
#include "service/windows/setup.h"

/* --- install --- */

static char *absolute(const char *path)
{
    wchar_t full[32768];
    wchar_t *wide cleanup(mem_freep) = wide_from_utf8(path);
    DWORD n = GetFullPathNameW(wide, countof(full), full, NULL);
    return n > 0 && n < countof(full) ? wide_to_utf8(full, (int)n) : mem_strdup(path);
}

/* The service runs in another folder than who types the command. */
static bool is_path(const char *name)
{
    return strcmp(name, "data-dir") == 0 || strcmp(name, "config") == 0 ||
           strcmp(name, "log-file") == 0 || strcmp(name, "ldconsole") == 0;
}

/* Letters that the caller has given to shares and folders are his own: the service has none of
 * them. The device of such a letter is another path: "\\??\\C:\\work". */
static bool is_of_caller_alone(const char *path)
{
    wchar_t root[] = L"?:\\", letter[] = L"?:", device[1024];
    if ((path[0] == '\\' || path[0] == '/') && (path[1] == '\\' || path[1] == '/'))
        return false; /* a share by its name is the same for everybody */
    root[0] = letter[0] = (wchar_t)path[0];
    if (GetDriveTypeW(root) == DRIVE_REMOTE)
        return true;
    return QueryDosDeviceW(letter, device, countof(device)) > 0 &&
           wcsncmp(device, L"\\??\\", 4) == 0 && device[4] && device[5] == L':';
}

static enum svc_exit add_path(const struct svc_flag *flag, struct buf *line)
{
    bool is_none = strcmp(flag->name, "log-file") == 0 && strcmp(flag->value, "none") == 0;
    char *path cleanup(mem_freep) = is_none ? mem_strdup(flag->value) : absolute(flag->value);
    if (!is_none && is_of_caller_alone(path))
        return svc_exit_fail(
            "--%s: %s is on a drive that only you have (a network drive or one made "
            "by subst), the service has not; name a folder of this machine, or a "
            "share as \\\\server\\share\\...",
            flag->name, path);
    svc_command_line_add(line, path);
    return SVC_EXIT_OK;
}

static enum svc_exit add_flag(const struct svc_flag *flag, struct buf *line)
{
    const struct svc_option *option = svc_option_find_flag(flag->name);
    if (strcmp(flag->name, "add-user") == 0)
        return SVC_EXIT_OK;
    if (option && option->is_secret)
        return svc_exit_fail("--%s: every user can read the command line of a service; put it "
                             "into config.json in the data directory",
                             flag->name);
    char *name cleanup(mem_freep) = mem_printf("--%s", flag->name);
    svc_command_line_add(line, name);
    if (is_path(flag->name))
        return add_path(flag, line);
    svc_command_line_add(line, flag->value);
    return SVC_EXIT_OK;
}

/* "C:\Program Files\...\ldplayerd.exe" service run --data-dir ... The quotes are not for looks:
 * without them Windows would try C:\Program.exe first. */
static enum svc_exit make_command(const struct svc_args *args, const struct svc_config *config,
                                  wchar_t **ret)
{
    wchar_t exe[32768];
    struct buf line cleanup(buf_deinit);
    buf_init(&line, 0);
    DWORD n = GetModuleFileNameW(NULL, exe, countof(exe));
    char *path cleanup(mem_freep) = wide_to_utf8(exe, (int)n);
    (void)buf_printf(&line, "\"%s\" service run", path);
    for (size_t i = 0; i < args->n_flags; i++) {
        if (add_flag(&args->flags[i], &line) != SVC_EXIT_OK)
            return SVC_EXIT_FAILED;
    }
    /* The service has another environment than who installs it. What is prepared now is meant.
     */
    size_t data_dir = (size_t)(svc_option_find("data_dir") - svc_option_table);
    enum svc_source source = config->origins[data_dir].source;
    if (source == SVC_SOURCE_DEFAULT || source == SVC_SOURCE_ENV) {
        svc_command_line_add(&line, "--data-dir");
        svc_command_line_add(&line, config->data_dir);
    }
    *ret = wide_from_utf8(line.data);
    return SVC_EXIT_OK;
}

static enum svc_exit update_entry(SC_HANDLE manager, const wchar_t *command)
{
    SC_HANDLE service cleanup(svc_scm_closep) =
        OpenServiceW(manager, SVC_SCM_NAME, SERVICE_CHANGE_CONFIG);
    if (service && ChangeServiceConfigW(service, SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
                                        SERVICE_ERROR_NORMAL, command, NULL, NULL, NULL, NULL, NULL,
                                        SVC_SCM_DISPLAY_NAME))
        return SVC_EXIT_OK;
    return svc_win_error_fail(GetLastError(), "the service that is there cannot be changed");
}

static enum svc_exit make_entry(const wchar_t *command)
{
    SC_HANDLE manager cleanup(svc_scm_closep) = NULL;
    DWORD access = SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE;
    enum svc_exit status = svc_scm_open_manager(access, &manager);
    if (status != SVC_EXIT_OK)
        return status;
    SC_HANDLE service cleanup(svc_scm_closep) =
        CreateServiceW(manager, SVC_SCM_NAME, SVC_SCM_DISPLAY_NAME, SERVICE_QUERY_STATUS,
                       SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, command,
                       NULL, NULL, NULL, NULL, NULL);
    DWORD error = service ? ERROR_SUCCESS : GetLastError();
    if (error == ERROR_SERVICE_EXISTS)
        return update_entry(manager, command);
    return service ? SVC_EXIT_OK : svc_win_error_fail(error, "the service cannot be installed");
}

static enum svc_exit stop(SC_HANDLE service)
{
    SERVICE_STATUS ignored;
    if (!ControlService(service, SERVICE_CONTROL_STOP, &ignored) &&
        GetLastError() != ERROR_SERVICE_NOT_ACTIVE)
        return svc_win_error_fail(GetLastError(), "the service cannot be stopped");
    return svc_scm_await(service, SERVICE_STOPPED);
}

static enum svc_exit delete_entry(bool *ret_was_there)
{
    SC_HANDLE service cleanup(svc_scm_closep) = NULL;
    DWORD access = SERVICE_STOP | SERVICE_QUERY_STATUS | DELETE;
    enum svc_exit status = svc_scm_open_if_there(access, &service);
    *ret_was_there = service != NULL;
    if (status == SVC_EXIT_OK && service)
        status = stop(service);
    if (status == SVC_EXIT_OK && service && !DeleteService(service))
        status = svc_win_error_fail(GetLastError(), "the service cannot be removed");
    return status;
}

static bool is_installed(void)
{
    SC_HANDLE service cleanup(svc_scm_closep) = NULL;
    return svc_scm_open_if_there(SERVICE_QUERY_STATUS, &service) == SVC_EXIT_OK && service;
}

/* A service that could not be set up must not be started by the next start of Windows. */
static void undo_install(void)
{
    bool was_there;
    bool is_clean = delete_entry(&was_there) == SVC_EXIT_OK && svc_setup_remove() == SVC_EXIT_OK;
    fprintf(stderr, "%s\n",
            is_clean ? "Nothing of the service is left installed."
                     : "Not all could be taken back: run `ldplayerd service uninstall`.");
}

enum svc_exit svc_service_cmd_install(const struct svc_args *args)
{
    struct svc_config config cleanup(svc_config_deinit);
    wchar_t *command cleanup(mem_freep) = NULL;
    /* A mistake is told now rather than by a service that does not start. */
    enum svc_exit status = svc_command_config(args, &config);
    if (status == SVC_EXIT_OK)
        status = make_command(args, &config, &command);
    if (status != SVC_EXIT_OK)
        return status;
    char *data_dir cleanup(mem_freep) = absolute(config.data_dir);
    struct svc_setup setup = {data_dir, svc_args_flag(args, "add-user")};
    bool was_there = is_installed();
    status = svc_setup_prepare(&setup);
    if (status == SVC_EXIT_OK)
        status = make_entry(command);
    if (status == SVC_EXIT_OK)
        status = svc_setup_service(&setup);
    if (status == SVC_EXIT_OK)
        printf("%s\n", was_there ? "The service ldplayerd was installed already; its settings are "
                                   "those of this command now, from its next start on."
                                 : "The service ldplayerd is installed; `ldplayerd service start` "
                                   "starts it, and so does the next start of Windows.");
    else if (!was_there)
        undo_install();
    return status;
}

enum svc_exit svc_service_cmd_configure(const struct svc_args *args)
{
    struct svc_config config cleanup(svc_config_deinit);
    enum svc_exit status = svc_command_config(args, &config);
    if (status != SVC_EXIT_OK)
        return status;
    char *data_dir cleanup(mem_freep) = absolute(config.data_dir);
    struct svc_setup setup = {data_dir, svc_args_flag(args, "add-user")};
    status = svc_setup_prepare(&setup);
    return status == SVC_EXIT_OK ? svc_setup_service(&setup) : status;
}

enum svc_exit svc_service_cmd_unconfigure(const struct svc_args *args)
{
    (void)args;
    return svc_setup_remove();
}

/* --- start, stop, uninstall --- */

enum svc_exit svc_service_cmd_start(const struct svc_args *args)
{
    SC_HANDLE service cleanup(svc_scm_closep) = NULL;
    (void)args;
    enum svc_exit status = svc_scm_open(SERVICE_START | SERVICE_QUERY_STATUS, &service);
    if (status != SVC_EXIT_OK)
        return status;
    if (!StartServiceW(service, 0, NULL) && GetLastError() != ERROR_SERVICE_ALREADY_RUNNING)
        return svc_win_error_fail(GetLastError(), "the service cannot be started");
    status = svc_scm_await(service, SERVICE_RUNNING);
    if (status == SVC_EXIT_OK)
        printf("The service ldplayerd runs.\n");
    return status;
}

enum svc_exit svc_service_cmd_stop(const struct svc_args *args)
{
    SC_HANDLE service cleanup(svc_scm_closep) = NULL;
    (void)args;
    enum svc_exit status = svc_scm_open(SERVICE_STOP | SERVICE_QUERY_STATUS, &service);
    if (status == SVC_EXIT_OK)
        status = stop(service);
    if (status == SVC_EXIT_OK)
        printf("The service ldplayerd is stopped; instances go on running.\n");
    return status;
}

enum svc_exit svc_service_cmd_reload(const struct svc_args *args)
{
    SC_HANDLE service cleanup(svc_scm_closep) = NULL;
    SERVICE_STATUS ignored;
    (void)args;
    enum svc_exit status = svc_scm_open(SERVICE_PAUSE_CONTINUE, &service);
    if (status != SVC_EXIT_OK)
        return status;
    if (!ControlService(service, SERVICE_CONTROL_PARAMCHANGE, &ignored))
        return svc_win_error_fail(GetLastError(), "the service cannot be told to reload");
    printf("The service ldplayerd reads its configuration again; the log says what changed.\n");
    return SVC_EXIT_OK;
}

enum svc_exit svc_service_cmd_uninstall(const struct svc_args *args)
{
    bool was_there = false;
    (void)args;
    enum svc_exit status = delete_entry(&was_there);
    if (status == SVC_EXIT_OK)
        status = svc_setup_remove();
    if (status == SVC_EXIT_OK)
        printf("%s\n", was_there ? "The service ldplayerd is uninstalled; its data is kept."
                                 : "There was no service ldplayerd to uninstall.");
    return status;
}

enum svc_exit svc_service_cmd_run(const struct svc_args *args)
{
    return svc_scm_run(args);
}

enum svc_exit svc_service_cmd_status(const struct svc_args *args)
{
    return svc_service_status_show(args);
}
