/* SPDX-License-Identifier: MIT */
#include "service/app/app_private.h"

#include <stdio.h>
#include <string.h>

#include "base/log/log.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/json.h"
#include "service/app/simulate.h"
#include "service/config/address.h"
#include "service/reporting/eventlog.h"
#include "version.h"

static int find_simulator(struct svc_app *app)
{
    char *ldconsole cleanup(mem_freep) = NULL;
    struct svc_simulate_error error;
    int r = svc_simulate(app->config, app->data_dir, &ldconsole, &error);
    if (r < 0)
        return svc_app_refuse(app, r, "%s", error.text);
    ldc_install_from_path(ldconsole, &app->install);
    return 0;
}

/* Without an LDPlayer the service runs all the same and says so: it may be installed in a minute,
 * and everything known of the instances can still be read. The path is one that does not exist
 * and that only the service's owner could fill. */
static void find_ldplayer(struct svc_app *app)
{
    if (ldc_install_find(&app->install) == 0)
        return;
    char *nowhere cleanup(mem_freep) = mem_printf("%s/ldplayer/ldconsole", app->data_dir);
    ldc_install_from_path(nowhere, &app->install);
    app->install.is_missing = true;
    log_error("service", "no LDPlayer was found; set the option ldconsole to the path of "
                         "ldconsole.exe and start again");
}

/* A program that is no ldconsole is never run, not even to see what it says. */
static int take_named(struct svc_app *app)
{
    const char *named = app->config->ldconsole;
    struct ldc_install found cleanup(ldc_install_deinit) = {0};
    bool is_other;
    if (ldc_install_from_option(named, &app->install, &is_other) == 0) {
        if (is_other)
            log_warning(
                "service",
                "the option ldconsole names %s, which is no ldconsole; %s is used and should "
                "be named instead",
                named, app->install.ldconsole);
        return 0;
    }
    bool has_found = ldc_install_find(&found) == 0;
    return svc_app_refuse(app, UV_EINVAL,
                          "the option ldconsole names %s, which is no ldconsole.exe, dnconsole.exe "
                          "or lsconsole.exe, and there is none beside it; name %s",
                          named,
                          has_found ? found.ldconsole
                                    : "the one in the folder of LDPlayer, or leave the option out");
}

int svc_app_find_install(struct svc_app *app)
{
    if (app->config->simulate > 0) {
        int r = find_simulator(app);
        if (r < 0)
            return r;
    } else if (*app->config->ldconsole) {
        int r = take_named(app);
        if (r < 0)
            return r;
    } else {
        find_ldplayer(app);
    }
    if (!app->install.is_missing)
        log_info("service", "LDPlayer %s: %s",
                 app->install.version ? app->install.version : "(version unknown)",
                 app->install.ldconsole);
    return 0;
}

static void read_deadlines(const struct svc_config *c, unsigned deadline_ms[LDC_VERB_COUNT])
{
    deadline_ms[LDC_VERB_USAGE] = (unsigned)c->deadline_list2_ms;
    deadline_ms[LDC_VERB_LIST2] = (unsigned)c->deadline_list2_ms;
    deadline_ms[LDC_VERB_LAUNCH] = (unsigned)c->deadline_launch_ms;
    deadline_ms[LDC_VERB_QUIT] = (unsigned)c->deadline_quit_ms;
    deadline_ms[LDC_VERB_ADD] = (unsigned)c->deadline_add_ms;
    deadline_ms[LDC_VERB_COPY] = (unsigned)c->deadline_copy_ms;
    deadline_ms[LDC_VERB_REMOVE] = (unsigned)c->deadline_remove_ms;
    deadline_ms[LDC_VERB_RENAME] = (unsigned)c->deadline_rename_ms;
    deadline_ms[LDC_VERB_MODIFY] = (unsigned)c->deadline_modify_ms;
    deadline_ms[LDC_VERB_ADB] = (unsigned)c->deadline_guest_ms;
    deadline_ms[LDC_VERB_LD] = (unsigned)c->deadline_guest_ms;
}

static void build_client(struct svc_app *app)
{
    const struct svc_config *c = app->config;
    struct ldc_client_options options = ldc_client_defaults;
    options.concurrency[LDC_CLASS_READ] = (unsigned)c->ldconsole_reads;
    options.concurrency[LDC_CLASS_LAUNCH] = (unsigned)c->ldconsole_launches;
    options.concurrency[LDC_CLASS_QUIT] = (unsigned)c->ldconsole_quits;
    options.concurrency[LDC_CLASS_EXCLUSIVE] = (unsigned)c->ldconsole_exclusive;
    options.concurrency[LDC_CLASS_GUEST] = (unsigned)c->ldconsole_guests;
    options.max_output = (size_t)c->max_output_bytes;
    options.breaker.min_calls = (unsigned)c->breaker_min_calls;
    options.breaker.failure_percent = (unsigned)c->breaker_failure_percent;
    options.breaker.slow_percent = (unsigned)c->breaker_slow_percent;
    options.breaker.consecutive_failures = (unsigned)c->breaker_consecutive_failures;
    options.breaker.window_ms = (unsigned)c->breaker_window_ms;
    options.breaker.open_ms = (unsigned)c->breaker_open_ms;
    options.breaker.max_open_ms = (unsigned)c->breaker_max_open_ms;
    read_deadlines(c, options.deadline_ms);
    struct runner *runner = svc_app_build_runner(app);
    if (c->chaos) {
        runner = ldc_chaos_new(&app->loop, runner);
        app->chaos = ldc_chaos_of(runner);
        ldc_chaos_on_change(app->chaos, svc_app_tell_chaos, app);
    }
    app->client = ldc_client_new(&app->loop, runner, &app->install, &options);
    for (size_t i = 0; i < app->n_breakers; i++)
        (void)ldc_client_restore_breaker(app->client, &app->breakers[i]);
    mem_free(app->breakers);
    app->breakers = NULL;
    ldc_client_on_breaker(app->client, svc_app_on_breaker, app);
}

static void build_observer(struct svc_app *app)
{
    struct ctl_observer_options options = ctl_observer_defaults;
    struct ctl_observer_parts parts = {
        .loop = &app->loop,
        .client = app->client,
        .store = app->store,
        .events = app->events,
    };
    options.active_ms = (unsigned)app->config->refresh_active_ms;
    options.idle_ms = (unsigned)app->config->refresh_idle_ms;
    options.stuck_ms = (unsigned)app->config->stuck_ms;
    (void)ldc_codepage_parse(app->config->codepage, &options.codepage); /* checked before */
    options.config_copies = app->config_copies = fs_join(app->data_dir, "configs");
    app->observer = ctl_observer_new(&parts, &options);
    app->on_survey = (struct ctl_survey_listener){.fn = svc_app_on_survey, .arg = app};
    ctl_observer_listen(app->observer, &app->on_survey);
    ctl_observer_load(app->observer, take_ptr(app->instances), app->n_instances, 0);
    ctl_observer_load_gone(app->observer, take_ptr(app->gone), app->n_gone);
}

static void build_engine(struct svc_app *app)
{
    const struct svc_config *c = app->config;
    struct ctl_engine_options options = ctl_engine_defaults;
    struct ctl_engine_parts parts = {
        .loop = &app->loop,
        .client = app->client,
        .store = app->store,
        .events = app->events,
        .idempotency = app->idempotency,
        .observer = app->observer,
        .figures = app->figures,
    };
    options.max_queued = (unsigned)c->max_queued_operations;
    options.timeouts.start_ms = (unsigned)c->start_timeout_ms;
    options.timeouts.ready_ms = (unsigned)c->ready_timeout_ms;
    options.timeouts.stop_ms = (unsigned)c->stop_timeout_ms;
    options.timeouts.manage_ms = (unsigned)c->manage_timeout_ms;
    options.timeouts.clone_ms = (unsigned)c->clone_timeout_ms;
    options.timeouts.settle_ms = (unsigned)c->settle_ms;
    options.pressure = (struct ctl_pressure_limits){
        .min_memory_mb = (unsigned)c->launch_min_memory_mb,
        .max_commit_percent = (unsigned)c->launch_max_commit_percent,
        .max_cpu_percent = (unsigned)c->launch_max_cpu_percent,
        .min_disk_mb = (unsigned)c->launch_min_disk_mb,
    };
    /* Simulated instances take nothing of what they are configured for. */
    if (c->simulate > 0)
        options.pressure = (struct ctl_pressure_limits){0};
    app->engine = ctl_engine_new(&parts, &options);
    ctl_engine_recover(app->engine, take_ptr(app->operations), app->n_operations);
}

int svc_app_build_control(struct svc_app *app)
{
    /* The disk that matters is the one the emulators are on. */
    const char *home = app->install.is_missing ? app->data_dir : app->install.vms_dir;
    app->figures = ctl_figures_new(&app->loop, home, 0);
    build_client(app);
    build_observer(app);
    build_engine(app);
    return svc_app_build_workstations(app);
}

/* The numbers of the table for GET /api/info; those of the listener the server knows itself. */
static char *make_limits(const struct svc_config *c)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    for (size_t i = 0; i < svc_option_count; i++) {
        const struct svc_option *option = &svc_option_table[i];
        if (option->type != SVC_OPTION_NUMBER)
            continue;
        char *value cleanup(mem_freep) = svc_config_value(c, option);
        json_add_raw(doc, root, option->name, value);
    }
    return json_write(doc);
}

static void restart(void *arg, const char *reason)
{
    svc_app_restart(arg, reason);
}

static struct api_server *build_server(struct svc_app *app)
{
    const struct svc_config *c = app->config;
    struct api_options options = api_options_defaults;
    struct api_context context = {
        .loop = &app->loop,
        .observer = app->observer,
        .engine = app->engine,
        .workstations = app->workstations,
        .events = app->events,
        .store = app->store,
        .tokens = app->tokens,
        .backups = app->backups,
        .results = app->results,
        .client = app->client,
        .chaos = app->chaos,
        .version = LDP_VERSION,
        .revision = LDP_COMMIT,
        .data_dir = app->data_dir,
        .cache_backend = c->cache_backend,
        .runner = app->agent_host ? "agent" : "direct",
        .limits = app->limits,
        .started_at = app->started_at,
        .started_mono_ms = app->started_mono_ms,
        .repair = app->repair.at ? &app->repair : NULL,
        .restored = app->restore_note,
        .restart = restart,
        .restart_arg = app,
    };
    options.http.max_connections = (unsigned)c->max_connections;
    options.http.max_head_bytes = (unsigned)c->max_header_bytes;
    options.http.max_body_bytes = (unsigned)c->max_body_bytes;
    options.http.head_timeout_ms = (unsigned)c->header_timeout_ms;
    options.http.body_timeout_ms = (unsigned)c->body_timeout_ms;
    options.http.idle_timeout_ms = (unsigned)c->idle_timeout_ms;
    options.http.write_timeout_ms = (unsigned)c->write_timeout_ms;
    options.http.heartbeat_ms = (unsigned)c->heartbeat_ms;
    options.http.max_backlog_bytes = (unsigned)c->max_backlog_bytes;
    options.first_survey_ms = (unsigned)c->first_survey_ms;
    options.ready_age_ms = (unsigned)c->ready_age_ms;
    options.operators_group = c->operators_group;
    options.interactive_role = CACHE_ROLE_NONE;
    (void)cache_role_parse(c->interactive_role, &options.interactive_role); /* or it is none */
    options.metrics_on_loopback = c->metrics_on_loopback;
    return api_server_new(&context, &options);
}

/* Windows reserves ranges of ports (Hyper-V, WSL), and answers as for a file that may not be
 * opened; other systems keep those below 1024. */
static const char *why_not_listening(int r, int port)
{
    if (r != UV_EACCES)
        return uv_strerror(r);
    return port < 1024 ? "the system gives ports below 1024 to privileged programs alone"
                       : "the system has reserved this port; on Windows `netsh int ipv4 show "
                         "excludedportrange tcp` lists what Hyper-V, WSL and others keep";
}

static int listen_http(struct svc_app *app, struct buf *ready)
{
    struct svc_address address;
    if (strcmp(app->config->http, "none") == 0)
        return 0;
    (void)svc_address_parse(app->config->http, &address); /* checked before */
    int wanted = address.port ? address.port : app->http_port;
    int r = api_server_listen_tcp(app->server, address.host, (unsigned)wanted, &app->http_port);
    if (r < 0)
        return svc_app_refuse(app, r == UV_EACCES ? UV_EADDRNOTAVAIL : r,
                              "cannot listen on http=%s: %s; choose another address with "
                              "the option http",
                              app->config->http, why_not_listening(r, wanted));
    app->endpoint.http = mem_printf(address.is_ipv6 ? "http://[%s]:%d" : "http://%s:%d",
                                    address.host, app->http_port);
    (void)buf_printf(ready, " http=%s", app->endpoint.http);
    return 0;
}

static int listen_socket(struct svc_app *app, struct buf *ready)
{
    if (strcmp(app->config->socket, "none") == 0)
        return 0;
    int r = api_server_listen_pipe(app->server, app->config->socket);
    if (r < 0)
        return svc_app_refuse(app, r,
                              "cannot listen on socket=%s: %s; choose another path with "
                              "the option socket, or none",
                              app->config->socket, uv_strerror(r));
    app->endpoint.pipe = fs_real(app->config->socket);
    (void)buf_printf(ready, " socket=%s", app->config->socket);
    return 0;
}

static int refuse_taken_pipe(struct svc_app *app, const char *path)
{
    (void)svc_app_refuse(app, UV_EADDRINUSE,
                         "cannot listen on pipe=%s: another process has a pipe of this name. If "
                         "that is another ldplayerd, give one of them another name with the option "
                         "pipe, or none; if not, somebody may be waiting there for what is meant "
                         "for this service: find and end that process",
                         path);
    svc_eventlog_write(SVC_EVENTLOG_PIPE_TAKEN, svc_app_error(app));
    return UV_EADDRINUSE;
}

static int listen_pipe(struct svc_app *app, struct buf *ready)
{
    const char *path = app->config->pipe;
    if (strcmp(path, "none") == 0)
        return 0;
    int r = api_server_listen_pipe(app->server, path);
    if (r == UV_EADDRINUSE)
        return refuse_taken_pipe(app, path);
    if (r < 0)
        return svc_app_refuse(app, r,
                              "cannot listen on pipe=%s: %s; choose another name with the option "
                              "pipe, or none",
                              path, uv_strerror(r));
    app->endpoint.pipe = mem_strdup(path);
    (void)buf_printf(ready, " pipe=%s", path);
    return 0;
}

int svc_app_listen(struct svc_app *app)
{
    struct buf ready cleanup(buf_deinit);
    buf_init(&ready, 0);
    (void)buf_append_str(&ready, "ready");
    app->limits = make_limits(app->config);
    app->server = build_server(app);
    int r = listen_http(app, &ready);
    if (r == 0)
        r = listen_socket(app, &ready);
    if (r == 0)
        r = listen_pipe(app, &ready);
    if (r == 0)
        app->ready_line = buf_take(&ready, NULL);
    return r;
}

/* Commands find the service by it. Without it all else works, so a full disk is no reason not to
 * start. */
int svc_app_publish(struct svc_app *app)
{
    app->endpoint.pid = uv_os_getpid();
    int r = svc_endpoint_write(app->data_dir, &app->endpoint);
    if (r < 0)
        log_warning("service",
                    "commands cannot find this service, because ldplayerd.endpoint in %s cannot be "
                    "written: %s",
                    app->data_dir, uv_strerror(r));
    return 0;
}
