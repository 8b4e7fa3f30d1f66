/* SPDX-License-Identifier: MIT */
#include "tests/unit/control/stations.h"

#include "base/text/str.h"

struct ctl_workstation_request station_request(enum ctl_workstation_action action, const char *id)
{
    return (struct ctl_workstation_request){.action = action, .id = id, .maintenance = -1};
}

void station_on_answer(void *arg, const char *id, const struct ctl_workstation *s,
                       const struct ctl_refusal *refusal)
{
    struct station_answer *a = arg;
    a->n++;
    a->has_station = s != NULL;
    str_copy(a->id, sizeof(a->id), id);
    if (refusal)
        a->refusal = *refusal;
}

struct station_answer station_submit(struct world *w, const struct ctl_workstation_request *request)
{
    struct station_answer a = {0};
    ctl_workstations_submit(w->workstations, request, station_on_answer, &a);
    cr_assert_eq(a.n, 0, "answered in the same turn");
    world_until(w, a.n > 0);
    return a;
}

const char *station_add(struct world *w, const char *name, const char *address)
{
    static struct station_answer a;
    struct ctl_workstation_request r = station_request(CTL_WORKSTATION_ADD, NULL);
    r.name = name;
    r.address = address;
    a = station_submit(w, &r);
    cr_assert_eq(a.refusal.http_status, 0, "%s", a.refusal.detail);
    cr_assert(a.has_station);
    return a.id;
}

void station_maintain(struct world *w, const char *id, bool is_maintained)
{
    struct ctl_workstation_request r = station_request(CTL_WORKSTATION_CHANGE, id);
    r.maintenance = is_maintained;
    struct station_answer a = station_submit(w, &r);
    cr_assert_eq(a.refusal.http_status, 0, "%s", a.refusal.detail);
}

const struct ctl_workstation *station(struct world *w, const char *id)
{
    const struct ctl_workstation *s = ctl_workstations_find(w->workstations, id);
    cr_assert_not_null(s, "no workstation %s", id);
    return s;
}

const char *station_status(struct world *w, const char *id)
{
    return cache_workstation_status_name(station(w, id)->row.status);
}

static struct cache_subscriber *subscriber;
static struct world *heard;
static yyjson_doc *newest;
static unsigned n_events;

static void on_event(void *arg, const struct cache_event *event)
{
    (void)arg;
    if (!str_has_prefix(event->type, "workstation.") ||
        strcmp(event->type, "workstation.observation") == 0)
        return;
    n_events++;
    yyjson_doc_free(newest);
    newest = yyjson_read(event->json->data, event->json->len, 0);
}

void station_unlisten(void)
{
    cache_events_unsubscribe(subscriber);
    yyjson_doc_free(newest);
    subscriber = NULL;
    newest = NULL;
}

void station_listen(struct world *w)
{
    station_unlisten();
    world_flush(w);
    n_events = 0;
    heard = w;
    subscriber = cache_events_subscribe(w->events, on_event, NULL);
}

const char *station_event_type(void)
{
    world_flush(heard);
    cr_assert_not_null(newest, "there was no event");
    return yyjson_get_str(yyjson_doc_ptr_get(newest, "/type"));
}

const char *station_event_text(const char *pointer)
{
    static char text[500];
    world_flush(heard);
    cr_assert_not_null(newest, "there was no event");
    char *path = mem_printf("/data%s", pointer);
    yyjson_val *value = yyjson_doc_ptr_get(newest, path);
    char *json = value ? yyjson_val_write(value, 0, NULL) : NULL;
    cr_assert_not_null(value, "no %s in %s", path, yyjson_write(newest, 0, NULL));
    str_copy(text, sizeof(text),
             yyjson_is_null(value)  ? ""
             : yyjson_is_str(value) ? yyjson_get_str(value)
                                    : json);
    free(json);
    mem_free(path);
    return text;
}

unsigned station_n_events(void)
{
    world_flush(heard);
    return n_events;
}
