/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/log/log.h"
#include "base/memory/mem.h"
#include "service/app/app_private.h"
#include "version.h"

/* LDPlayer is registered for the user who installed it, where a service does not look; and a user
 * who was not logged on yet cannot be asked at the start. */
static void adopt_install(struct svc_app *app, const struct agent_hello *hello)
{
    if (!app->install.is_missing || !*hello->ldconsole)
        return;
    ldc_install_deinit(&app->install);
    ldc_install_from_path(hello->ldconsole, &app->install);
    mem_free(app->install.vms_dir);
    app->install.vms_dir = mem_strdup(hello->vms_dir);
    ldc_client_set_install(app->client, &app->install);
    log_info("service", "LDPlayer %s of the user: %s",
             app->install.version ? app->install.version : "(version unknown)",
             app->install.ldconsole);
}

/* The agent may come or go after the observer has, while the app ends. */
static void look(struct svc_app *app)
{
    if (app->observer)
        ctl_observer_look(app->observer);
}

static void on_started(void *arg, const struct svc_session *session,
                       const struct agent_hello *hello)
{
    struct svc_app *app = arg;
    svc_app_tell_agent_started(app, session, hello);
    adopt_install(app, hello);
    /* What was believed before is as old as the last agent. */
    look(app);
}

static void on_lost(void *arg, const struct svc_session *session, const char *why,
                    uint64_t retry_ms)
{
    struct svc_app *app = arg;
    svc_app_tell_agent_lost(app, session, why, retry_ms);
    look(app);
}

static void on_no_session(void *arg, const char *sentence)
{
    struct svc_app *app = arg;
    svc_app_tell_no_session(app, sentence);
    look(app);
}

static void on_intruder(void *arg, const char *reason)
{
    svc_app_tell_intruder(arg, reason);
}

static const struct svc_agent_host_events events = {on_started, on_lost, on_no_session,
                                                    on_intruder};

static bool wants_agent(const struct svc_app *app)
{
    const char *runner = app->config->runner;
    return strcmp(runner, "agent") == 0 || (strcmp(runner, "auto") == 0 && app->options.is_service);
}

struct runner *svc_app_build_runner(struct svc_app *app)
{
    if (!wants_agent(app))
        return runner_direct_new(&app->loop);
    app->agent = (struct svc_agent_host_options){
        .session_user = app->config->session_user,
        .data_dir = app->data_dir,
        .version = LDP_VERSION " " LDP_COMMIT,
        .is_own_user = !app->options.is_service,
        .max_output = (size_t)app->config->max_output_bytes,
    };
    app->agent_host = svc_agent_host_new(&app->loop, &app->agent, &events, app);
    return svc_agent_host_runner(app->agent_host);
}

static void look_at_sessions(void *arg)
{
    struct svc_app *app = arg;
    if (app->agent_host)
        svc_agent_host_look(app->agent_host);
}

void svc_app_session_changed(struct svc_app *app)
{
    loop_post(&app->loop, look_at_sessions, app);
}
