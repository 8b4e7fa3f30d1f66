/* SPDX-License-Identifier: MIT */
#include "service/reporting/eventlog.h"

#include <string.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/json.h"

static const struct {
    const char *type;
    enum svc_eventlog_id id;
} types[] = {
    {"service.started", SVC_EVENTLOG_STARTED},
    {"service.stopping", SVC_EVENTLOG_STOPPED},
    {"service.crashed", SVC_EVENTLOG_CRASHED},
    {"service.database_repaired", SVC_EVENTLOG_DATABASE_REPAIRED},
    {"service.database_missing", SVC_EVENTLOG_DATABASE_MISSING},
    {"service.database_recovered", SVC_EVENTLOG_DATABASE_RECOVERED},
    {"service.disk_low", SVC_EVENTLOG_DISK_LOW},
    {"breaker.open", SVC_EVENTLOG_BREAKER_OPEN},
    {"breaker.closed", SVC_EVENTLOG_BREAKER_CLOSED},
    {"session.agent_started", SVC_EVENTLOG_AGENT_STARTED},
    {"session.agent_lost", SVC_EVENTLOG_AGENT_LOST},
    {"session.agent_refused", SVC_EVENTLOG_AGENT_REFUSED},
    {"session.none", SVC_EVENTLOG_NO_SESSION},
    {"security.caller_refused", SVC_EVENTLOG_CALLER_REFUSED},
};

enum svc_eventlog_id svc_eventlog_find(const char *type)
{
    for (size_t i = 0; i < countof(types); i++) {
        if (strcmp(types[i].type, type) == 0)
            return types[i].id;
    }
    return 0;
}

enum svc_eventlog_level svc_eventlog_level(enum svc_eventlog_id id)
{
    switch (id) {
    case SVC_EVENTLOG_STARTED:
    case SVC_EVENTLOG_STOPPED:
    case SVC_EVENTLOG_BREAKER_CLOSED:
    case SVC_EVENTLOG_AGENT_STARTED:
    case SVC_EVENTLOG_DATABASE_RECOVERED:
        return SVC_EVENTLOG_INFO;
    case SVC_EVENTLOG_BREAKER_OPEN:
    case SVC_EVENTLOG_AGENT_REFUSED:
    case SVC_EVENTLOG_CALLER_REFUSED:
    case SVC_EVENTLOG_AGENT_LOST:
    case SVC_EVENTLOG_NO_SESSION:
    case SVC_EVENTLOG_DISK_LOW:
        return SVC_EVENTLOG_WARNING;
    case SVC_EVENTLOG_START_FAILED:
    case SVC_EVENTLOG_CRASHED:
    case SVC_EVENTLOG_SETUP_FAILED:
    case SVC_EVENTLOG_PIPE_TAKEN:
    case SVC_EVENTLOG_LOG_TROUBLE:
    case SVC_EVENTLOG_DATABASE_REPAIRED:
    case SVC_EVENTLOG_DATABASE_FAILING:
    case SVC_EVENTLOG_DATABASE_MISSING:
        break;
    }
    return SVC_EVENTLOG_ERROR;
}

static void append_field(struct buf *out, yyjson_val *key, yyjson_val *value)
{
    if (yyjson_is_null(value))
        return;
    char *text cleanup(mem_freep) = NULL;
    if (!yyjson_is_str(value))
        text = json_write_value(value);
    (void)buf_printf(out, "%s%s: %s", out->len ? "\n" : "", yyjson_get_str(key),
                     text ? text : yyjson_get_str(value));
}

char *svc_eventlog_details(const char *event_json, size_t n)
{
    yyjson_doc *doc cleanup(json_doc_freep) = NULL;
    const char *error;
    struct buf out cleanup(buf_deinit);
    size_t i, max;
    yyjson_val *key, *value;
    buf_init(&out, 0);
    (void)buf_append_str(&out, "");
    if (json_parse(event_json, n, &doc, &error) == 0) {
        yyjson_obj_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "data"), i, max, key, value) {
            append_field(&out, key, value);
        }
    }
    return buf_take(&out, NULL);
}

char *svc_eventlog_plain(const char *text)
{
    static const char full_width[] = "\xEF\xBC\x85";
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    (void)buf_append_str(&out, "");
    for (const char *c = text; *c; c++) {
        if (*c == '%' && (c[1] == '%' || (c[1] >= '0' && c[1] <= '9')))
            (void)buf_append_str(&out, full_width);
        else
            (void)buf_append(&out, c, 1);
    }
    return buf_take(&out, NULL);
}

static void on_event(void *arg, const struct cache_event *event)
{
    enum svc_eventlog_id id = svc_eventlog_find(event->type);
    (void)arg;
    if (id == 0)
        return;
    char *details cleanup(mem_freep) =
        svc_eventlog_details((const char *)event->json->data, event->json->len);
    svc_eventlog_write(id, details);
}

struct cache_subscriber *svc_eventlog_follow(struct cache_events *events)
{
    return cache_events_subscribe(events, on_event, NULL);
}
