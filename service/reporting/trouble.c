/* SPDX-License-Identifier: MIT */
#include "service/reporting/trouble.h"

#include "base/log/log.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/json.h"
#include "base/text/str.h"

static const char *text_of(yyjson_val *object, const char *key)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, key));
    return text ? text : "";
}

/* The detail begins with whose it is, where it is somebody's. */
static char *line_of_operation(yyjson_val *data)
{
    yyjson_val *error = yyjson_obj_get(data, "error");
    return mem_printf("%s %s (operation %s): %s: %s", text_of(data, "kind"),
                      text_of(data, "status"), text_of(data, "id"), text_of(error, "code"),
                      text_of(error, "detail"));
}

static char *line_of_instance(yyjson_val *data)
{
    static const char *const bad[] = {"stuck", "zombie", "unreachable"};
    yyjson_val *changes = yyjson_obj_get(data, "changes");
    const char *state = text_of(yyjson_obj_get(changes, "state"), "to");
    for (size_t i = 0; i < countof(bad); i++) {
        if (str_is_equal(state, bad[i]))
            return mem_printf("instance %d '%s' became %s: %s",
                              yyjson_get_int(yyjson_obj_get(data, "index")), text_of(data, "name"),
                              state, text_of(yyjson_obj_get(changes, "state_reason"), "to"));
    }
    return NULL;
}

char *svc_trouble_line(const char *type, const char *event_json, size_t n)
{
    bool is_instance = str_is_equal(type, "instance.changed");
    bool is_operation = str_is_equal(type, "operation.failed") ||
                        str_is_equal(type, "operation.timed_out") ||
                        str_is_equal(type, "operation.interrupted");
    yyjson_doc *doc cleanup(json_doc_freep) = NULL;
    const char *error;
    if ((!is_instance && !is_operation) || json_parse(event_json, n, &doc, &error) < 0)
        return NULL;
    yyjson_val *data = yyjson_obj_get(yyjson_doc_get_root(doc), "data");
    return is_instance ? line_of_instance(data) : line_of_operation(data);
}

static void on_event(void *arg, const struct cache_event *event)
{
    (void)arg;
    char *line cleanup(mem_freep) =
        svc_trouble_line(event->type, (const char *)event->json->data, event->json->len);
    if (line)
        log_warning("service", "%s", line);
}

struct cache_subscriber *svc_trouble_follow(struct cache_events *events)
{
    return cache_events_subscribe(events, on_event, NULL);
}
