/* SPDX-License-Identifier: MIT */

/* Being a service. Three threads of Windows meet here: main, which waits in the dispatcher and in
 * which the control handler runs; service_main, which is the loop thread of the app; and nobody
 * else. The handler decides nothing: it posts to the loop. report() alone speaks to the service
 * control manager.
 *
 *      service_main: START_PENDING -> (each step) -> RUNNING -> STOP_PENDING -> (each step) ->
 * STOPPED
 */
#include <uv.h>

#include <windows.h>

#include "base/log/log.h"
#include "base/loop/loop.h"
#include "base/memory/cleanup.h"
#include "service/app/app.h"
#include "service/process/service_name.h"
#include "service/process/win_error.h"
#include "service/reporting/eventlog.h"
#include "service/reporting/logging.h"
#include "service/windows/scm.h"
#include "service/windows/service_code.h"

/* How long one step of the start or the end may take before Windows calls the service hung: the
 * longest are the check of a large database and the answer of requests under way. */
enum { START_STEP_MS = 60000, STOP_STEP_MS = 30000 };

/* The dispatcher gives service_main no argument, so what they share is here. */
static struct {
    const struct svc_args *args;
    SERVICE_STATUS_HANDLE handle;
    SRWLOCK lock; /* of those below, which the handler's thread knows too */
    SERVICE_STATUS status;
    struct svc_app *app;          /* while all controls are accepted; NULL also during a restart */
    const struct control *wanted; /* the end that was asked for during a restart */
} scm = {.lock = SRWLOCK_INIT};

/* --- controls --- */

struct control {
    DWORD control, event_type; /* 0: any type */
    DWORD accept;
    void (*act)(struct svc_app *app, const char *reason);
    const char *reason;
};

static void resume(struct svc_app *app, const char *reason)
{
    (void)reason;
    svc_app_resumed(app);
}

static void reload(struct svc_app *app, const char *reason)
{
    (void)reason;
    svc_app_reload(app);
}

static void change_session(struct svc_app *app, const char *reason)
{
    (void)reason;
    svc_app_session_changed(app);
}

/* Not SHUTDOWN: PRESHUTDOWN comes before it, while other services still run, and has time. */
static const struct control controls[] = {
    {SERVICE_CONTROL_STOP, 0, SERVICE_ACCEPT_STOP, svc_app_stop,
     "the service control manager asked for it"},
    {SERVICE_CONTROL_PRESHUTDOWN, 0, SERVICE_ACCEPT_PRESHUTDOWN, svc_app_stop,
     "Windows shuts down"},
    {SERVICE_CONTROL_POWEREVENT, PBT_APMRESUMEAUTOMATIC, SERVICE_ACCEPT_POWEREVENT, resume, NULL},
    {SERVICE_CONTROL_SESSIONCHANGE, 0, SERVICE_ACCEPT_SESSIONCHANGE, change_session, NULL},
    {SERVICE_CONTROL_PARAMCHANGE, 0, SERVICE_ACCEPT_PARAMCHANGE, reload, NULL},
};

/* The app outlives every post: the loop ends only behind STOP_PENDING, from where on nothing is
 * posted, and runs what was posted before. Written before the first control is accepted. */
struct order {
    struct svc_app *app;
    const struct control *control;
};

static struct order orders[countof(controls)];

/* During a restart within the process there is nobody to post to, but an end can be asked for. */
static DWORD accepted(bool is_restart)
{
    DWORD all = 0;
    for (size_t i = 0; i < countof(controls); i++) {
        if (!is_restart || controls[i].act == svc_app_stop)
            all |= controls[i].accept;
    }
    return all;
}

/* --- what Windows is told --- */

/* The one way to it. CHECKPOINT counts up while a state is pending, which is how Windows tells slow
 * from hung. */
static void report(DWORD state, DWORD wait_hint_ms, DWORD specific_code)
{
    bool is_pending = state == SERVICE_START_PENDING || state == SERVICE_STOP_PENDING;
    AcquireSRWLockExclusive(&scm.lock);
    SERVICE_STATUS *s = &scm.status;
    s->dwCheckPoint = !is_pending ? 0 : s->dwCurrentState == state ? s->dwCheckPoint + 1 : 1;
    s->dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    s->dwCurrentState = state;
    s->dwControlsAccepted = state == SERVICE_RUNNING ? accepted(!scm.app) : 0;
    s->dwWaitHint = is_pending ? wait_hint_ms : 0;
    s->dwWin32ExitCode = specific_code ? ERROR_SERVICE_SPECIFIC_ERROR : NO_ERROR;
    s->dwServiceSpecificExitCode = specific_code;
    if (state != SERVICE_RUNNING)
        scm.app = NULL;
    SetServiceStatus(scm.handle, s);
    ReleaseSRWLockExclusive(&scm.lock);
}

/* Returns whether the end is wanted. */
static bool forget_app(void)
{
    AcquireSRWLockExclusive(&scm.lock);
    scm.app = NULL;
    bool is_end_wanted = scm.wanted != NULL;
    ReleaseSRWLockExclusive(&scm.lock);
    return is_end_wanted;
}

/* From here on APP has the controls, or the end that was asked for before. */
static const struct control *take_over(struct svc_app *app)
{
    AcquireSRWLockExclusive(&scm.lock);
    const struct control *wanted = scm.wanted;
    scm.app = wanted ? NULL : app;
    ReleaseSRWLockExclusive(&scm.lock);
    return wanted;
}

static void on_ready(void *arg, struct svc_app *app, bool is_again)
{
    (void)arg;
    (void)is_again;
    log_info("service", "%s", svc_app_ready_line(app));
    for (size_t i = 0; i < countof(controls); i++)
        orders[i] = (struct order){app, &controls[i]};
    const struct control *wanted = take_over(app);
    if (wanted)
        wanted->act(app, wanted->reason);
    else
        report(SERVICE_RUNNING, 0, 0);
}

static void on_failed(void *arg, const struct svc_app *app, int code)
{
    DWORD *service_code = arg;
    log_error("service", "%s", svc_app_error(app));
    svc_eventlog_write(SVC_EVENTLOG_START_FAILED, svc_app_error(app));
    *service_code = svc_service_code_of(code);
}

/* A restart within the process is none to Windows: the service goes on running, and knows only the
 * controls that end it for the moment. */
static void on_step(void *arg, enum svc_app_phase phase)
{
    (void)arg;
    switch (phase) {
    case SVC_APP_STARTING:
        report(SERVICE_START_PENDING, START_STEP_MS, 0);
        break;
    case SVC_APP_STOPPING:
        report(SERVICE_STOP_PENDING, STOP_STEP_MS, 0);
        break;
    case SVC_APP_RESTARTING:
        if (forget_app())
            report(SERVICE_STOP_PENDING, STOP_STEP_MS, 0);
        else
            report(SERVICE_RUNNING, 0, 0);
        break;
    }
}

/* --- what Windows says --- */

static void on_order(void *arg)
{
    const struct order *order = arg;
    order->control->act(order->app, order->control->reason);
}

static void post(size_t i)
{
    AcquireSRWLockExclusive(&scm.lock);
    if (scm.app)
        loop_post(svc_app_loop(scm.app), on_order, &orders[i]);
    else if (controls[i].act == svc_app_stop)
        scm.wanted = &controls[i];
    ReleaseSRWLockExclusive(&scm.lock);
}

static DWORD WINAPI on_control(DWORD control, DWORD event_type, void *data, void *context)
{
    DWORD result = control == SERVICE_CONTROL_INTERROGATE ? NO_ERROR : ERROR_CALL_NOT_IMPLEMENTED;
    (void)data;
    (void)context;
    for (size_t i = 0; i < countof(controls); i++) {
        if (controls[i].control != control)
            continue;
        result = NO_ERROR; /* other events of an accepted control are of no interest */
        if (controls[i].event_type == 0 || controls[i].event_type == event_type)
            post(i);
    }
    return result;
}

/* --- the life of the service --- */

static DWORD serve(struct svc_config *config)
{
    DWORD code = 0;
    const struct svc_app_options options = {
        .config = config,
        .flags = scm.args->flags,
        .n_flags = scm.args->n_flags,
        .is_service = true,
        .on_step = on_step,
        .on_ready = on_ready,
        .on_failed = on_failed,
        .arg = &code,
    };
    (void)svc_app_serve(&options);
    return code;
}

static DWORD refuse_config(const struct svc_problems *problems)
{
    log_error("service", "the configuration is wrong: %s", svc_problems_text(problems));
    svc_eventlog_write(SVC_EVENTLOG_START_FAILED, svc_problems_text(problems));
    return SVC_SCM_EXIT_CONFIG;
}

static DWORD configure_and_serve(void)
{
    struct svc_config config cleanup(svc_config_deinit);
    struct svc_problems problems cleanup(svc_problems_deinit);
    svc_problems_init(&problems);
    int r = svc_config_load(scm.args->flags, scm.args->n_flags, &config, &problems);
    /* What is wrong has its default, so there is a log in any case. */
    svc_logging_start(&config, true);
    DWORD code = r < 0 ? refuse_config(&problems) : serve(&config);
    svc_logging_stop();
    return code;
}

static void WINAPI service_main(DWORD argc, wchar_t **argv)
{
    (void)argc; /* of StartService; the options are in the command line, where they last */
    (void)argv;
    scm.handle = RegisterServiceCtrlHandlerExW(SVC_SCM_NAME, on_control, NULL);
    if (!scm.handle)
        return;
    report(SERVICE_START_PENDING, START_STEP_MS, 0);
    svc_eventlog_open();
    DWORD code = configure_and_serve();
    svc_eventlog_close();
    /* Windows may end the process from here on. */
    report(SERVICE_STOPPED, 0, code);
}

enum svc_exit svc_scm_run(const struct svc_args *args)
{
    static wchar_t name[] = SVC_SCM_NAME;
    const SERVICE_TABLE_ENTRYW table[] = {{name, service_main}, {NULL, NULL}};
    scm.args = args;
    if (StartServiceCtrlDispatcherW(table))
        return scm.status.dwServiceSpecificExitCode ? SVC_EXIT_FAILED : SVC_EXIT_OK;
    if (GetLastError() == ERROR_FAILED_SERVICE_CONTROLLER_CONNECT)
        return svc_exit_fail(
            "`service run` is what Windows starts; in a console use `ldplayerd serve`, or have "
            "Windows start it: `ldplayerd service install`, then `ldplayerd service start`");
    return svc_win_error_fail(GetLastError(), "the service control manager cannot be reached");
}
