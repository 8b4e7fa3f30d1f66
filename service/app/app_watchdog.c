/* SPDX-License-Identifier: MIT */
#include "service/app/app_private.h"

void svc_app_start_reconciler(struct svc_app *app)
{
    const struct svc_config *c = app->config;
    struct ctl_reconciler_options options = ctl_reconciler_defaults;
    struct ctl_reconciler_parts parts = {
        .engine = app->engine,
        .observer = app->observer,
        .events = app->events,
    };
    options.looks = (unsigned)c->repair_looks;
    options.look_ms = (unsigned)c->refresh_idle_ms;
    options.budget.per_hour = (unsigned)c->repair_per_hour;
    options.budget.host_per_hour = (unsigned)c->repair_host_per_hour;
    options.planned.after_h = (unsigned)c->restart_after_h;
    options.planned.leak_mb_per_h = (unsigned)c->restart_leak_mb_per_h;
    options.planned.idle_cpu_percent = (unsigned)c->restart_idle_cpu_percent;
    app->reconciler = ctl_reconciler_new(&parts, &options);
    svc_app_tell_reconciler(app, ctl_workstations_at(app->workstations, 0));
}

void svc_app_tell_reconciler(struct svc_app *app, const struct ctl_workstation *w)
{
    if (app->reconciler && ctl_workstation_is_local(w))
        ctl_reconciler_set_maintenance(app->reconciler, w->row.is_maintained);
}
