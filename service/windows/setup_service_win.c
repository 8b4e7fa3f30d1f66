/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <uv.h>

#include <windows.h>

#include "base/memory/cleanup.h"
#include "service/process/service_name.h"
#include "service/process/win_error.h"
#include "service/windows/scm_handle_win.h"
#include "service/windows/setup.h"

enum { DAY_S = 24 * 60 * 60, PRESHUTDOWN_MS = 60000 };

static wchar_t description_text[] =
    L"Runs and watches the LDPlayer instances of this computer and answers programs that ask for "
    L"them. While it is stopped instances go on running, and nobody looks after them.";
static SERVICE_DESCRIPTIONW description = {description_text};

static SERVICE_DELAYED_AUTO_START_INFO delayed = {.fDelayedAutostart = TRUE};

/* The last action stands for all further failures too. */
static SC_ACTION restarts[] = {
    {SC_ACTION_RESTART, 5000},
    {SC_ACTION_RESTART, 30000},
    {SC_ACTION_RESTART, 120000},
};
static SERVICE_FAILURE_ACTIONSW recovery = {
    .dwResetPeriod = DAY_S,
    .cActions = countof(restarts),
    .lpsaActions = restarts,
};
/* Also when it ends by itself with an error, as it does when a start fails. */
static SERVICE_FAILURE_ACTIONS_FLAG on_errors = {.fFailureActionsOnNonCrashFailures = TRUE};

/* Draining takes drain_ms and a little; Windows would wait three minutes. */
static SERVICE_PRESHUTDOWN_INFO preshutdown = {.dwPreshutdownTimeout = PRESHUTDOWN_MS};

/* NT SERVICE\ldplayerd in the token, so that an ACL can name this service and no other. */
static SERVICE_SID_INFO sid = {.dwServiceSidType = SERVICE_SID_TYPE_UNRESTRICTED};

/* All that is left of LocalSystem's privileges:
 *   SeAssignPrimaryToken, SeIncreaseQuota  CreateProcessAsUser with the session user's token
 *   SeTcb             WTSQueryUserToken, and a linked token that a process can be made with
 *   SeImpersonate     to learn who speaks on the pipe
 *   SeDebug           to look at and end processes of instances that keep the system out
 *   SeChangeNotify    to reach a path without access to each folder above it */
#define AND L"\0"
static wchar_t privileges[] = SE_ASSIGNPRIMARYTOKEN_NAME AND SE_INCREASE_QUOTA_NAME AND SE_TCB_NAME
    AND SE_IMPERSONATE_NAME AND SE_DEBUG_NAME AND SE_CHANGE_NOTIFY_NAME AND;
static SERVICE_REQUIRED_PRIVILEGES_INFOW required = {privileges};

static const struct {
    const char *what;
    DWORD level;
    void *value;
} settings[] = {
    {"description", SERVICE_CONFIG_DESCRIPTION, &description},
    {"delayed start", SERVICE_CONFIG_DELAYED_AUTO_START_INFO, &delayed},
    {"recovery actions", SERVICE_CONFIG_FAILURE_ACTIONS, &recovery},
    {"recovery from errors", SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &on_errors},
    {"preshutdown timeout", SERVICE_CONFIG_PRESHUTDOWN_INFO, &preshutdown},
    {"service SID", SERVICE_CONFIG_SERVICE_SID_INFO, &sid},
    {"required privileges", SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, &required},
};

static enum svc_exit set(SC_HANDLE service, size_t i)
{
    if (ChangeServiceConfig2W(service, settings[i].level, settings[i].value))
        return SVC_EXIT_OK;
    DWORD error = GetLastError();
    if (error != ERROR_INVALID_LEVEL)
        return svc_win_error_fail(error, "the %s of the service cannot be set", settings[i].what);
    /* Every Windows that LDPlayer runs on knows them all; Wine does not. */
    fprintf(stderr, "ldplayerd: this system does not know the %s of services; left out\n",
            settings[i].what);
    return SVC_EXIT_OK;
}

/* Delayed start is refused for a service that is not started by itself. */
static enum svc_exit set_automatic(SC_HANDLE service)
{
    if (ChangeServiceConfigW(service, SERVICE_NO_CHANGE, SERVICE_AUTO_START, SERVICE_NO_CHANGE,
                             NULL, NULL, NULL, NULL, NULL, NULL, NULL))
        return SVC_EXIT_OK;
    return svc_win_error_fail(GetLastError(), "the service cannot be made to start by itself");
}

enum svc_exit svc_setup_service(const struct svc_setup *setup)
{
    /* Windows asks for SERVICE_START from who sets a restart. */
    DWORD access = SERVICE_CHANGE_CONFIG | SERVICE_START;
    SC_HANDLE service cleanup(svc_scm_closep) = NULL;
    (void)setup;
    enum svc_exit status = svc_scm_open(access, &service);
    if (status != SVC_EXIT_OK)
        return status;
    status = set_automatic(service);
    for (size_t i = 0; i < countof(settings); i++) {
        if (set(service, i) != SVC_EXIT_OK)
            status = SVC_EXIT_FAILED;
    }
    return status;
}
