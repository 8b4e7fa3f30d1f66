/* SPDX-License-Identifier: MIT */
#include "service/app/app_private.h"

#include "api/reach/reach.h"
#include "base/log/log.h"

static const char *const changes[] = {
    [CACHE_CHANGE_ADDED] = "is known now",
    [CACHE_CHANGE_CHANGED] = "has changed",
    [CACHE_CHANGE_REMOVED] = "was removed",
};

static void on_change(void *arg, enum cache_change_kind kind, const struct ctl_workstation *w)
{
    svc_app_tell_reconciler(arg, w);
    log_info("service", "workstation %s (%s) %s; it is %s: %s", w->row.id, w->row.name,
             changes[kind], cache_workstation_status_name(w->row.status), w->reason);
}

int svc_app_build_workstations(struct svc_app *app)
{
    struct ctl_workstations_parts parts = {
        .loop = &app->loop,
        .client = app->client,
        .store = app->store,
        .events = app->events,
        .idempotency = app->idempotency,
        .observer = app->observer,
        .figures = app->figures,
        .reach = &api_reach_ops,
    };
    app->workstations = ctl_workstations_new(&parts, &ctl_workstations_defaults,
                                             take_ptr(app->stations), app->n_stations);
    app->on_workstation = (struct ctl_workstations_listener){.fn = on_change, .arg = app};
    ctl_workstations_listen(app->workstations, &app->on_workstation);
    return 0;
}

void svc_app_start_workstations(struct svc_app *app)
{
    ctl_figures_start(app->figures);
    ctl_workstations_start(app->workstations);
}
