/* SPDX-License-Identifier: MIT */
#include "service/app_state.h"

#include <stdio.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "version.h"

/* An event whose data is one JSON object under construction. */
struct telling {
    yyjson_mut_doc *doc;
    yyjson_mut_val *data;
};

static struct telling begin(void)
{
    struct telling t = {.doc = yyjson_mut_doc_new(NULL)};
    t.data = yyjson_mut_obj(t.doc);
    yyjson_mut_doc_set_root(t.doc, t.data);
    return t;
}

static void emit(struct svc_app *app, const char *type, struct telling *t)
{
    char *text cleanup(mem_freep) = json_write(t->doc);
    cache_events_emit(app->events, type, text);
    yyjson_mut_doc_free(t->doc);
}

static void tell_database_replaced(struct svc_app *app)
{
    struct telling t = begin();
    json_add_str(t.doc, t.data, "kept", app->quarantined);
    emit(app, "service.database_replaced", &t);
}

int svc_app_tell_started(struct svc_app *app)
{
    struct telling t = begin();
    if (app->quarantined)
        tell_database_replaced(app);
    json_add_str(t.doc, t.data, "version", LDP_VERSION);
    yyjson_mut_obj_add_int(t.doc, t.data, "pid", uv_os_getpid());
    json_add_str(t.doc, t.data, "ldconsole", app->is_installed ? app->install.ldconsole : NULL);
    emit(app, "service.started", &t);
    return 0;
}

void svc_app_tell_stopping(struct svc_app *app, const char *reason)
{
    struct telling t = begin();
    json_add_str(t.doc, t.data, "reason", reason);
    emit(app, "service.stopping", &t);
}

void svc_app_on_breaker(void *arg, const struct ldc_breaker *breaker, const char *by)
{
    struct svc_app *app = arg;
    struct telling t = begin();
    const char *state = ldc_breaker_state_name(breaker->state);
    char type[48];
    snprintf(type, sizeof(type), "breaker.%s", state);
    json_add_str(t.doc, t.data, "name", breaker->name);
    json_add_str(t.doc, t.data, "state", state);
    json_add_str(t.doc, t.data, "reason", *breaker->reason ? breaker->reason : NULL);
    json_add_str(t.doc, t.data, "by", by);
    emit(app, type, &t);
    if (app->workstations)
        ctl_workstations_judge(app->workstations);
    if (by)
        log_warning("service", "breaker %s was made %s by %s", breaker->name, state, by);
    else if (breaker->state == LDC_BREAKER_OPEN)
        log_warning("service", "breaker %s is open: %s", breaker->name, breaker->reason);
    else
        log_info("service", "breaker %s is %s", breaker->name, state);
}
