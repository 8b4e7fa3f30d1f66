/* SPDX-License-Identifier: MIT */
#include "service/windows/scm_handle_win.h"

#include "base/system/clock.h"
#include "service/process/service_name.h"
#include "service/process/win_error.h"
#include "service/windows/service_code.h"

enum { LOOK_MS = 50, MAX_WAIT_MS = 180000 };

void svc_scm_closep(SC_HANDLE *handle)
{
    if (*handle)
        CloseServiceHandle(*handle);
}

enum svc_exit svc_scm_open_manager(DWORD access, SC_HANDLE *ret)
{
    *ret = OpenSCManagerW(NULL, NULL, access);
    if (*ret)
        return SVC_EXIT_OK;
    return svc_win_error_fail(GetLastError(), "the service control manager cannot be opened");
}

enum svc_exit svc_scm_open_if_there(DWORD access, SC_HANDLE *ret)
{
    SC_HANDLE manager = NULL;
    *ret = NULL;
    enum svc_exit status = svc_scm_open_manager(SC_MANAGER_CONNECT, &manager);
    if (status != SVC_EXIT_OK)
        return status;
    *ret = OpenServiceW(manager, SVC_SCM_NAME, access);
    DWORD error = GetLastError();
    CloseServiceHandle(manager);
    if (*ret || error == ERROR_SERVICE_DOES_NOT_EXIST)
        return SVC_EXIT_OK;
    return svc_win_error_fail(error, "the service cannot be opened");
}

enum svc_exit svc_scm_open(DWORD access, SC_HANDLE *ret)
{
    enum svc_exit status = svc_scm_open_if_there(access, ret);
    if (status == SVC_EXIT_OK && !*ret)
        return svc_win_error_fail(ERROR_SERVICE_DOES_NOT_EXIST, "there is no service ldplayerd");
    return status;
}

static enum svc_exit tell_stopped(const SERVICE_STATUS_PROCESS *s)
{
    const char *meaning = svc_service_code_meaning(s->dwServiceSpecificExitCode);
    if (s->dwWin32ExitCode == ERROR_SERVICE_SPECIFIC_ERROR && meaning)
        return svc_exit_fail("the service stopped again: %s", meaning);
    return svc_win_error_fail(s->dwWin32ExitCode, "the service stopped again");
}

enum svc_exit svc_scm_await(SC_HANDLE service, DWORD state)
{
    SERVICE_STATUS_PROCESS s;
    DWORD size;
    uint64_t began = clock_mono_ms();
    for (;;) {
        if (!QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *)&s, sizeof(s), &size))
            return svc_win_error_fail(GetLastError(), "the state of the service cannot be read");
        if (s.dwCurrentState == state)
            return SVC_EXIT_OK;
        if (s.dwCurrentState == SERVICE_STOPPED)
            return tell_stopped(&s);
        if (clock_mono_ms() - began > MAX_WAIT_MS)
            return svc_exit_fail("the service did not get there within %d s; the log file in "
                                 "its data directory says what it does",
                                 MAX_WAIT_MS / 1000);
        Sleep(LOOK_MS);
    }
}
