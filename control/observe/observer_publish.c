/* SPDX-License-Identifier: MIT */
/* What was judged of an instance, as others see it: its entry of the snapshot, and what changed of
 * that as a row of the database and an event. */
#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "cache/tables/instances.h"
#include "control/observe/evidence.h"
#include "control/observe/observer_private.h"
#include "ldconsole/verbs/adb_serial.h"

/* --- changes of the snapshot become rows and events --- */

static const char *const change_types[] = {"instance.added", "instance.changed",
                                           "instance.removed"};

void ctl_observer_publish_change(void *arg, const struct cache_change *change)
{
    struct ctl_observer *o = arg;
    const char *id = change->instance->id;
    if (change->kind != CACHE_CHANGE_REMOVED) {
        ctl_tombstones_forget(o->tombstones, id);
        cache_instances_put(o->parts.store, change->instance, NULL, NULL);
    } else if (ctl_tombstones_has(o->tombstones, id)) {
        cache_instances_mark_gone(o->parts.store, id);
    } else {
        cache_instances_remove(o->parts.store, id);
    }

    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "id", change->instance->id);
    yyjson_mut_obj_add_int(doc, root, "index", change->instance->index);
    yyjson_mut_obj_add_str(doc, root, "name", change->instance->name);
    yyjson_mut_obj_add_str(doc, root, "state", cache_state_name(change->instance->state));
    if (change->diff)
        json_add_raw(doc, root, "changes", change->diff);
    char *data cleanup(mem_freep) = json_write(doc);
    cache_events_emit(o->parts.events, change_types[change->kind], data);
}

void ctl_observer_publish_verdict(struct ctl_observer *o)
{
    bool is_good = o->verdict.status == 0;
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_bool(doc, root, "is_fresh", is_good);
    json_add_str(doc, root, "code", is_good ? NULL : o->verdict.code);
    json_add_str(doc, root, "detail", is_good ? NULL : o->verdict.detail);
    char *data cleanup(mem_freep) = json_write(doc);
    cache_events_emit(o->parts.events, "workstation.observation", data);
}

void ctl_observer_publish_restored(struct ctl_observer *o, const struct cache_instance *i,
                                   const char *loss)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "id", i->id);
    yyjson_mut_obj_add_int(doc, root, "index", i->index);
    yyjson_mut_obj_add_str(doc, root, "reason", loss);
    char *data cleanup(mem_freep) = json_write(doc);
    cache_events_emit(o->parts.events, "instance.config_restored", data);
}

/* A look reads the files first: what the manager wrote in its last moment is read one look later
 * than its absence is. */
static const char *why_drifted(const struct ctl_observer *o)
{
    return o->manager_survey > 0 && o->judging - o->manager_survey <= 2
               ? "LDPlayer's manager window is or was open: when it closes it writes the config "
                 "files as it had read them"
               : "LDPlayer, or somebody by hand, has changed them";
}

void ctl_observer_publish_drift(struct ctl_observer *o, const struct cache_instance *i,
                                unsigned drift)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "id", i->id);
    yyjson_mut_obj_add_int(doc, root, "index", i->index);
    ctl_evidence_add_settings(doc, root, "settings", drift);
    yyjson_mut_obj_add_str(doc, root, "reason", why_drifted(o));
    char *data cleanup(mem_freep) = json_write(doc);
    cache_events_emit(o->parts.events, "instance.drifted", data);
}

void ctl_observer_publish_recreated(struct ctl_observer *o, const char *id, int index)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "id", id);
    yyjson_mut_obj_add_int(doc, root, "index", index);
    yyjson_mut_obj_add_str(
        doc, root, "reason",
        "LDPlayer has made an empty instance of the number that was removed: without a title and "
        "disks, and never started; remove it too, unless somebody wants it");
    char *data cleanup(mem_freep) = json_write(doc);
    cache_events_emit(o->parts.events, "instance.recreated", data);
}

void ctl_observer_publish_manager(struct ctl_observer *o)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_bool(doc, root, "is_open", o->manager_pid > 0);
    if (o->manager_pid > 0)
        yyjson_mut_obj_add_sint(doc, root, "pid", o->manager_pid);
    else
        yyjson_mut_obj_add_null(doc, root, "pid");
    char *data cleanup(mem_freep) = json_write(doc);
    cache_events_emit(o->parts.events, "workstation.manager", data);
}

/* --- an instance becomes an entry --- */

/* A file that cannot be read may be one that LDPlayer is writing: what it said before stays. */
static void fill_from_config(struct cache_instance *i, const struct ldc_row *row,
                             const struct ldc_config *config)
{
    bool is_readable = config && config->is_readable;

    if (is_readable && config->player_name[0])
        str_copy(i->name, sizeof(i->name), config->player_name);
    else if (is_readable || !config || !i->name[0])
        str_copy(i->name, sizeof(i->name), row->title);
    if (config && config->disk_id[0])
        str_copy(i->disk_id, sizeof(i->disk_id), config->disk_id);
    if (!is_readable)
        return;
    i->settings = config->settings;
    if (i->width == 0 && config->settings.has_resolution) {
        i->width = config->settings.width;
        i->height = config->settings.height;
        i->dpi = config->settings.dpi;
    }
}

static void fill_from_row(struct cache_instance *i, const struct ldc_row *row)
{
    i->index = row->index;
    i->pid = row->pid > 0 ? row->pid : 0;
    i->vbox_pid = row->vbox_pid > 0 ? row->vbox_pid : 0;
    i->top_window = row->top_window;
    i->bind_window = row->bind_window;
    i->width = row->width;
    i->height = row->height;
    i->dpi = row->dpi;
    ldc_adb_serial_write(row->index, i->adb_serial);
}

static bool is_same_process(const struct ldc_process_id *a, const struct ldc_process_id *b)
{
    return a->pid == b->pid && a->born == b->born;
}

/* Whether what operations have set is still so. A file that has lost what we keep is put back. */
static void see_drift(struct ctl_observer *o, struct ctl_watch *w, const struct cache_instance *i,
                      const struct ldc_config *config)
{
    bool is_good = config && config->is_readable && !config->is_truncated && !*config->loss;
    if (!w->set || !is_good || !w->is_config_judged)
        return;
    unsigned drift = ldc_settings_differing(w->set, NULL, &config->settings);
    unsigned more = drift & ~w->drift;
    w->drift = drift;
    if (more)
        ctl_observer_publish_drift(o, i, more);
}

static void put(struct ctl_observer *o, const struct cache_instance *before, struct ctl_watch *w,
                const struct ldc_config *config, const struct ctl_verdict *verdict)
{
    struct cache_instance i cleanup(cache_instance_deinit);
    cache_instance_init(&i);
    if (before)
        cache_instance_copy(&i, before);
    str_copy(i.id, sizeof(i.id), w->id);
    fill_from_row(&i, &w->sight.row);
    fill_from_config(&i, &w->sight.row, config);
    i.state = verdict->state;
    str_copy(i.reason, sizeof(i.reason), verdict->reason);
    see_drift(o, w, &i, config);
    mem_free(i.evidence);
    i.evidence = ctl_evidence_of_instance(&w->sight, config, w->drift);
    i.player = w->player;
    i.headless = w->headless;
    i.adb = w->adb;
    bool is_stored = !before || (is_same_process(&before->player, &i.player) &&
                                 is_same_process(&before->headless, &i.headless) &&
                                 strcmp(before->disk_id, i.disk_id) == 0);
    cache_snapshot_put(o->snapshot, &i);
    /* It is no change of what events tell, which would be written by itself. */
    if (!is_stored)
        cache_instances_put(o->parts.store, &i, NULL, NULL);
}

/* Remembers what is seen now; returns whether that is what was seen before. */
static bool update_sight(struct ctl_watch *w, const struct ldc_row *row, bool is_listed,
                         const struct ldc_config *config, bool sees_processes)
{
    struct ctl_sight *s = &w->sight;
    uint64_t revision = config ? config->revision : 0;
    bool is_same = s->config_revision == revision && s->player == w->player.pid &&
                   s->headless == w->headless.pid && s->guest == w->guest &&
                   s->guest_answered_ms == w->guest_answered_ms &&
                   memcmp(&s->adb, &w->adb, sizeof(s->adb)) == 0 &&
                   s->sees_processes == sees_processes && s->is_listed == is_listed &&
                   ldc_row_is_same(&s->row, row);
    if (!is_same)
        *s = (struct ctl_sight){.row = *row,
                                .is_listed = is_listed,
                                .config_revision = revision,
                                .player = w->player.pid,
                                .headless = w->headless.pid,
                                .guest = w->guest,
                                .guest_answered_ms = w->guest_answered_ms,
                                .adb = w->adb,
                                .sees_processes = sees_processes};
    return is_same;
}

static void publish(struct ctl_observer *o, const struct cache_entry *known,
                    const struct cache_instance *former, struct ctl_watch *w,
                    const struct ldc_row *row, bool is_listed, const struct ldc_config *config,
                    const struct ctl_verdict *verdict)
{
    bool is_found = o->has_processes && (w->player.pid > 0 || w->headless.pid > 0);
    bool is_same = update_sight(w, row, is_listed, config, w->sees_player || is_found) && known &&
                   known->instance.state == verdict->state &&
                   strcmp(known->instance.reason, verdict->reason) == 0;
    if (is_same)
        cache_snapshot_keep(o->snapshot, known);
    else
        put(o, known ? &known->instance : former, w, config, verdict);
}

void ctl_observer_publish(struct ctl_observer *o, const struct cache_entry *known,
                          const struct cache_instance *former, struct ctl_watch *w,
                          const struct ldc_row *row, const struct ldc_config *config,
                          const struct ctl_verdict *verdict)
{
    publish(o, known, former, w, row, true, config, verdict);
}

void ctl_observer_publish_doubt(struct ctl_observer *o, const struct cache_entry *known,
                                struct ctl_watch *w, const struct ldc_config *config,
                                const struct ctl_verdict *verdict)
{
    const struct cache_instance *i = &known->instance;
    struct ldc_row row = {.index = i->index,
                          .pid = -1,
                          .vbox_pid = -1,
                          .width = i->width,
                          .height = i->height,
                          .dpi = i->dpi};
    str_copy(row.title, sizeof(row.title), i->name);
    publish(o, known, NULL, w, &row, false, config, verdict);
}
