/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/memory/mem.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "control/workstations/workstations_private.h"

/* When somebody was last seen is written with the status, and by itself now and then. */
static const int64_t note_seen_every_ms = 600000;

static const char *const types[] = {
    [CACHE_CHANGE_ADDED] = "workstation.added",
    [CACHE_CHANGE_CHANGED] = "workstation.changed",
    [CACHE_CHANGE_REMOVED] = "workstation.removed",
};

static yyjson_mut_val *add_change(yyjson_mut_doc *doc, yyjson_mut_val *changes, const char *name)
{
    return yyjson_mut_obj_add_obj(doc, changes, name);
}

static void add_text(yyjson_mut_doc *doc, yyjson_mut_val *changes, const char *name,
                     const char *from, const char *to)
{
    if (strcmp(from, to) == 0)
        return;
    yyjson_mut_val *change = add_change(doc, changes, name);
    json_add_str(doc, change, "from", *from ? from : NULL);
    json_add_str(doc, change, "to", *to ? to : NULL);
}

/* The fields that differ; empty when none does. */
static yyjson_mut_val *make_changes(yyjson_mut_doc *doc, const struct cache_workstation *from,
                                    const struct cache_workstation *to)
{
    yyjson_mut_val *changes = yyjson_mut_obj(doc);
    add_text(doc, changes, "name", from->name, to->name);
    add_text(doc, changes, "address", from->address, to->address);
    if (strcmp(from->labels, to->labels) != 0) {
        yyjson_mut_val *change = add_change(doc, changes, "labels");
        json_add_raw(doc, change, "from", from->labels);
        json_add_raw(doc, change, "to", to->labels);
    }
    if (from->is_maintained != to->is_maintained) {
        yyjson_mut_val *change = add_change(doc, changes, "maintenance");
        yyjson_mut_obj_add_bool(doc, change, "from", from->is_maintained);
        yyjson_mut_obj_add_bool(doc, change, "to", to->is_maintained);
    }
    add_text(doc, changes, "status", cache_workstation_status_name(from->status),
             cache_workstation_status_name(to->status));
    return changes;
}

void ctl_workstations_publish(struct ctl_workstations *ws, enum cache_change_kind kind,
                              const struct ctl_workstation *w,
                              const struct cache_workstation *before)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_val *changes =
        kind == CACHE_CHANGE_CHANGED ? make_changes(doc, before, &w->row) : NULL;
    if (changes && yyjson_mut_obj_size(changes) == 0)
        return;
    yyjson_mut_doc_set_root(doc, root);
    json_add_str(doc, root, "id", w->row.id);
    json_add_str(doc, root, "name", w->row.name);
    json_add_str(doc, root, "status", cache_workstation_status_name(w->row.status));
    json_add_str(doc, root, "status_reason", w->reason);
    if (changes)
        yyjson_mut_obj_add_val(doc, root, "changes", changes);
    char *data cleanup(mem_freep) = json_write(doc);
    cache_events_emit(ws->parts.events, types[kind], data);
    list_foreach(item, &ws->listeners) {
        struct ctl_workstations_listener *l =
            list_entry(item, struct ctl_workstations_listener, link);
        l->fn(l->arg, kind, w);
    }
}

static void store_status(struct ctl_workstations *ws, struct ctl_workstation_item *item)
{
    const struct cache_workstation *row = &item->w.row;
    item->stored_seen_at = row->last_seen_at;
    cache_workstations_put_status(ws->parts.store, row->id, row->status, row->last_seen_at);
}

void ctl_workstations_set_status(struct ctl_workstations *ws, struct ctl_workstation_item *item,
                                 enum cache_workstation_status status, const char *reason)
{
    struct cache_workstation *row = &item->w.row;
    str_copy(item->w.reason, sizeof(item->w.reason), reason);
    if (row->status == status) {
        if (row->last_seen_at - item->stored_seen_at >= note_seen_every_ms)
            store_status(ws, item);
        return;
    }
    struct cache_workstation before = {.labels = NULL};
    cache_workstation_copy(&before, row);
    row->status = status;
    store_status(ws, item);
    ctl_workstations_publish(ws, CACHE_CHANGE_CHANGED, &item->w, &before);
    cache_workstation_deinit(&before);
}
