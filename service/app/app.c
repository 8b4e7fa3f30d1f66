/* SPDX-License-Identifier: MIT */
#include "service/app/app_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log/log.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"

int svc_app_refuse(struct svc_app *app, int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(app->error, sizeof(app->error), fmt, args);
    va_end(args);
    return code;
}

static void on_signal(void *arg, const struct svc_signal_rule *rule)
{
    struct svc_app *app = arg;
    if (rule->action == SVC_SIGNAL_RELOAD) {
        svc_app_reload(app);
    } else if (!app->is_stopping || app->is_restarting) {
        svc_app_stop(app, rule->name);
    } else {
        /* Whatever is acknowledged is on disk; the next start settles it. */
        log_warning("service", "%s came again: ending at once", rule->name);
        _Exit(1);
    }
}

static int start_loop(struct svc_app *app)
{
    int r = loop_init(&app->loop);
    if (r < 0)
        return svc_app_refuse(app, r, "the event loop could not be made: %s", uv_strerror(r));
    app->has_loop = true;
    app->signals = svc_signals_new(&app->loop, on_signal, app);
    return 0;
}

/* Each gets the worker now that nobody else uses the database. */
static int start_store(struct svc_app *app)
{
    app->store = cache_store_new(&app->loop, take_ptr(app->db),
                                 cache_profile_find(app->config->store_profile));
    cache_store_on_health(app->store, svc_app_on_store, app);
    cache_events_set_store(app->events, app->store);
    cache_tokens_set_store(app->tokens, app->store);
    app->backups =
        cache_backups_new(&app->loop, app->data_dir, app->store, svc_app_tell_backup, app);
    cache_backups_set_missing(app->backups, &app->missing);
    cache_backups_set_clock(app->backups, &app->clock);
    return 0;
}

static int start_control(struct svc_app *app)
{
    if (app->agent_host)
        svc_agent_host_look(app->agent_host);
    ctl_observer_start(app->observer);
    ctl_engine_start(app->engine);
    svc_app_start_workstations(app);
    svc_app_start_reconciler(app);
    app->housekeeping = cache_housekeeping_new(app->store, app->idempotency, &app->clock);
    cache_backups_start(app->backups);
    return 0;
}

/* The order of the start. Each step may use what those before it built; nothing happens before
 * the loop runs, so that a port that is taken leaves no trace. */
static int (*const start_steps[])(struct svc_app *app) = {
    start_loop,      svc_app_open_data_dir, svc_app_restore_db,
    svc_app_open_db, svc_app_load,          svc_app_find_install,
    start_store,     svc_app_build_results, svc_app_build_control,
    svc_app_listen,  svc_app_publish,       svc_app_tell_started,
    start_control,
};

static void tell_step(struct svc_app *app)
{
    enum svc_app_phase phase = app->is_restarting || (app->is_again && !app->is_stopping)
                                   ? SVC_APP_RESTARTING
                               : app->is_stopping ? SVC_APP_STOPPING
                                                  : SVC_APP_STARTING;
    if (app->options.on_step)
        app->options.on_step(app->options.arg, phase);
}

static int start(struct svc_app *app)
{
    for (size_t i = 0; i < countof(start_steps); i++) {
        tell_step(app);
        int r = start_steps[i](app);
        if (r < 0 && !app->is_stopping)
            svc_app_stop(app, "the start failed");
        if (r < 0)
            return r;
    }
    return 0;
}

const char *svc_app_error(const struct svc_app *app)
{
    return app->error;
}

const char *svc_app_ready_line(const struct svc_app *app)
{
    return app->ready_line;
}

struct loop *svc_app_loop(struct svc_app *app)
{
    return &app->loop;
}

static void close_next(void *arg);

/* Windows, installers and people wait half a minute for a service to stop, and all that comes after
 * this has to be done in it too. */
static uint64_t drain_ms(const struct svc_app *app)
{
    enum { SERVICE_DRAIN_MS = 15000 };
    uint64_t wanted = (uint64_t)app->config->drain_ms;
    return app->options.is_service && wanted > SERVICE_DRAIN_MS ? SERVICE_DRAIN_MS : wanted;
}

static void close_server(struct svc_app *app)
{
    if (app->lock)
        svc_endpoint_withdraw(app->data_dir);
    /* Its clients are waited for, so what they wait for must end. */
    if (app->backups)
        cache_backups_stop(app->backups);
    if (app->server)
        api_server_close(take_ptr(app->server), drain_ms(app), close_next, app);
    else
        close_next(app);
}

static void close_backups(struct svc_app *app)
{
    if (app->backups)
        cache_backups_close(take_ptr(app->backups), close_next, app);
    else
        close_next(app);
}

static void close_workstations(struct svc_app *app)
{
    if (app->workstations)
        ctl_workstations_close(take_ptr(app->workstations), close_next, app);
    else
        close_next(app);
}

static void close_reconciler(struct svc_app *app)
{
    if (app->reconciler)
        ctl_reconciler_close(take_ptr(app->reconciler));
    close_next(app);
}

static void close_figures(struct svc_app *app)
{
    if (app->figures)
        ctl_figures_close(take_ptr(app->figures), close_next, app);
    else
        close_next(app);
}

static void close_engine(struct svc_app *app)
{
    if (app->engine)
        ctl_engine_close(take_ptr(app->engine), close_next, app);
    else
        close_next(app);
}

static void close_observer(struct svc_app *app)
{
    if (app->observer)
        ctl_observer_close(take_ptr(app->observer), close_next, app);
    else
        close_next(app);
}

static void close_client(struct svc_app *app)
{
    if (app->client)
        ldc_client_close(take_ptr(app->client), close_next, app);
    else
        close_next(app);
}

static void on_agent_closed(void *arg)
{
    struct svc_app *app = arg;
    app->agent_host = NULL;
    if (app->is_awaiting_agent)
        close_next(app);
}

/* Before the client, which closes the runner that it looks after; the agent itself ends when it
 * hears of that, so it is waited for later. */
static void close_agent(struct svc_app *app)
{
    if (app->agent_host)
        svc_agent_host_close(app->agent_host, on_agent_closed, app);
    close_next(app);
}

static void await_agent(struct svc_app *app)
{
    app->is_awaiting_agent = true;
    if (!app->agent_host)
        close_next(app);
}

static void on_results_closed(void *arg)
{
    struct svc_app *app = arg;
    app->results = NULL;
    if (app->is_awaiting_results)
        close_next(app);
}

/* Before what loads are made from, so that none begins any more; those under way end when it does,
 * so they are waited for later. */
static void close_results(struct svc_app *app)
{
    if (app->results)
        cache_results_close(app->results, on_results_closed, app);
    close_next(app);
}

static void await_results(struct svc_app *app)
{
    app->is_awaiting_results = true;
    if (!app->results)
        close_next(app);
}

static void close_housekeeping(struct svc_app *app)
{
    if (app->housekeeping)
        cache_housekeeping_close(take_ptr(app->housekeeping), close_next, app);
    else
        close_next(app);
}

static void close_store(struct svc_app *app)
{
    if (app->store)
        cache_store_close(take_ptr(app->store), close_next, app);
    else
        close_next(app);
}

/* Events are the store's user to its last job, so they go after it. */
static void free_events(struct svc_app *app)
{
    cache_events_unsubscribe(take_ptr(app->eventlog));
    cache_events_unsubscribe(take_ptr(app->trouble));
    if (app->events)
        app->last_seq = cache_events_last_seq(app->events);
    cache_events_free(take_ptr(app->events));
    cache_idempotency_free(take_ptr(app->idempotency));
    cache_tokens_free(take_ptr(app->tokens));
    close_next(app);
}

static void close_signals(struct svc_app *app)
{
    if (app->signals)
        svc_signals_close(take_ptr(app->signals), close_next, app);
    else
        close_next(app);
}

/* The order of the end, the reverse of the start. Signals go last: a second Ctrl-C must be heard
 * while a close hangs. */
static void (*const close_steps[])(struct svc_app *app) = {
    close_server,       close_backups, close_results, close_workstations,
    close_reconciler,   close_engine,  close_figures, close_observer,
    close_agent,        close_client,  await_agent,   await_results,
    close_housekeeping, close_store,   free_events,   close_signals,
};

static void close_next(void *arg)
{
    struct svc_app *app = arg;
    tell_step(app);
    if (app->next_close < countof(close_steps))
        close_steps[app->next_close++](app);
}

void svc_app_stop(struct svc_app *app, const char *reason)
{
    if (app->is_stopping && app->is_restarting) {
        log_info("service", "%s: it ends, and does not start again", reason);
        app->is_restarting = false;
    }
    if (app->is_stopping)
        return;
    app->is_stopping = true;
    if (app->ready_line) {
        log_info("service", "stopping: %s", reason);
        svc_app_tell_stopping(app, reason);
    }
    if (app->has_loop)
        close_next(app);
}

void svc_app_restart(struct svc_app *app, const char *reason)
{
    if (app->is_stopping)
        return;
    app->is_restarting = true;
    svc_app_stop(app, reason);
}

static void free_loaded(struct svc_app *app)
{
    for (size_t i = 0; app->instances && i < app->n_instances; i++)
        cache_instance_deinit(&app->instances[i]);
    mem_free(app->instances);
    for (size_t i = 0; app->gone && i < app->n_gone; i++)
        cache_instance_deinit(&app->gone[i]);
    mem_free(app->gone);
    for (size_t i = 0; app->operations && i < app->n_operations; i++)
        cache_operation_free(app->operations[i]);
    mem_free(app->operations);
    for (size_t i = 0; app->stations && i < app->n_stations; i++)
        cache_workstation_deinit(&app->stations[i]);
    mem_free(app->stations);
    mem_free(app->breakers);
}

/* What follows finds nothing of this one but the port, since one that was chosen by the system
 * stays the one that clients know, when it was restarted for a repair, and the number of the last
 * event that clients have. */
static void app_deinit(struct svc_app *app)
{
    free_loaded(app);
    cache_db_close(app->db);
    ldc_install_deinit(&app->install);
    /* A mistake in the program, which harms nobody at the end of a process. */
    if (app->has_loop && loop_deinit(&app->loop) < 0)
        log_error("service", "something was still open at the end");
    svc_lock_release(app->lock);
    cache_repair_deinit(&app->repair);
    cache_missing_deinit(&app->missing);
    svc_endpoint_deinit(&app->endpoint);
    mem_free(app->restore_note);
    mem_free(app->cache_preference);
    mem_free(app->limits);
    mem_free(app->data_dir);
    mem_free(app->config_copies);
    mem_free(app->ready_line);
}

/* One life from the start to the end, also of a start that fails: then what had been built is taken
 * down. */
static int live(struct svc_app *app)
{
    const struct svc_app_options *options = &app->options;
    int r = start(app);
    if (r == 0)
        options->on_ready(options->arg, app, app->is_again);
    else if (!app->is_restarting)
        options->on_failed(options->arg, app, r);
    if (app->has_loop)
        loop_run(&app->loop);
    app_deinit(app);
    return r;
}

int svc_app_serve(const struct svc_app_options *options)
{
    bool is_again = false;
    int r, http_port = 0;
    uint64_t damaged_ms = 0, last_seq = 0;
    do {
        struct svc_app *app cleanup(mem_freep) = mem_new(struct svc_app);
        app->options = *options;
        app->config = options->config;
        app->started_at = clock_wall_ms();
        app->started_mono_ms = clock_mono_ms();
        app->is_again = is_again;
        app->http_port = http_port;
        app->damaged_ms = damaged_ms;
        app->last_seq = last_seq;
        r = live(app);
        is_again = app->is_restarting;
        http_port = app->http_port;
        damaged_ms = app->damaged_ms;
        last_seq = app->last_seq;
    } while (is_again);
    return r;
}
