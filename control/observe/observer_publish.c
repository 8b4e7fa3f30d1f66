/* SPDX-License-Identifier: MIT */
/* How a survey that can be believed becomes the snapshot. For each row of list2:
 *
 *      which known instance is it?  identity.c: the disk decides     -> its watch, or a new one
 *      which processes are its own? those that list2 names, or of this installation
 *      what state does that mean?   state.c, with what was asked of it and what its guest said
 *      is it what it was?           kept as it is published, or put anew with its evidence
 *
 * What no row showed is gone, with its watch. Many rows are judged over several turns of the loop,
 * all against what was known when the first of them was: only at the end the snapshot is another
 * one. It says what changed: that becomes a row of the database and an event. */
#include <stdio.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "cache/tables/instances.h"
#include "control/observe/evidence.h"
#include "control/observe/identity.h"
#include "control/observe/observer_private.h"

/* --- changes of the snapshot become rows and events --- */

static const char *const change_types[] = {"instance.added", "instance.changed",
                                           "instance.removed"};

void ctl_observer_publish_change(void *arg, const struct cache_change *change)
{
    struct ctl_observer *o = arg;
    if (change->kind == CACHE_CHANGE_REMOVED)
        cache_instances_remove(o->parts.store, change->instance->id);
    else
        cache_instances_put(o->parts.store, change->instance, NULL, NULL);

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

/* --- processes --- */

static bool is_process(const struct ldc_survey *survey, int64_t pid, enum ldc_process_role role)
{
    const struct ldc_process *p = pid > 0 ? ldc_processes_find_pid(survey->processes, pid) : NULL;
    return p && p->role == role;
}

/* Once a pid of list2 was found in the table, the table is of the same machine and readable, and
 * from then on absence proves something. For players and VMs apart: each kind of program may have
 * a name that we do not know. */
static void learn_visibility(struct ctl_observer *o, const struct ldc_survey *survey)
{
    for (size_t i = 0; i < survey->rows.n_items; i++) {
        const struct ldc_row *row = &survey->rows.items[i];
        o->sees_players |= is_process(survey, row->pid, LDC_PROCESS_PLAYER);
        o->sees_vms |= is_process(survey, row->vbox_pid, LDC_PROCESS_HEADLESS);
    }
}

/* Two installations may both have an instance 0, so an index on a command line is not enough:
 * either list2 named the pid, now or earlier, or the program lies in this installation. */
static int64_t find_process(struct ctl_observer *o, const struct ldc_survey *survey,
                            enum ldc_process_role role, int index, int64_t known)
{
    const char *dir = ldc_client_install(o->parts.client)->dir;
    for (size_t i = 0; i < survey->processes->n_items; i++) {
        const struct ldc_process *p = &survey->processes->items[i];
        if (p->role == role && p->index == index && (p->pid == known || ldc_process_is_in(p, dir)))
            return p->pid;
    }
    return 0;
}

static void find_processes(struct ctl_observer *o, const struct ldc_survey *survey,
                           const struct ldc_row *row, struct ctl_watch *w)
{
    if (!survey->has_processes)
        return;
    w->player = is_process(survey, row->pid, LDC_PROCESS_PLAYER)
                    ? row->pid
                    : find_process(o, survey, LDC_PROCESS_PLAYER, row->index, w->player);
    w->headless = is_process(survey, row->vbox_pid, LDC_PROCESS_HEADLESS)
                      ? row->vbox_pid
                      : find_process(o, survey, LDC_PROCESS_HEADLESS, row->index, w->headless);
}

/* --- judging one row --- */

/* Starting and booting are one phase: what counts is how long the start takes altogether. */
static bool is_same_phase(enum cache_state a, enum cache_state b)
{
    bool a_starts = a == CACHE_STATE_STARTING || a == CACHE_STATE_BOOTING || a == CACHE_STATE_STUCK;
    bool b_starts = b == CACHE_STATE_STARTING || b == CACHE_STATE_BOOTING || b == CACHE_STATE_STUCK;
    return a == b || (a_starts && b_starts);
}

static void update_expectation(struct ctl_watch *w, const struct ldc_row *row, uint64_t now)
{
    bool is_met =
        (w->expect == CTL_EXPECT_START && row->android != 0) ||
        (w->expect == CTL_EXPECT_STOP && row->android == 0 && w->player == 0 && w->headless == 0);
    if (is_met || now >= w->expect_until_ms)
        w->expect = CTL_EXPECT_NOTHING;
}

static void judge(struct ctl_observer *o, const struct ldc_survey *survey,
                  const struct ldc_row *row, struct ctl_watch *w, struct ctl_verdict *ret)
{
    uint64_t now = survey->ended_ms;
    if (row->android != 0)
        w->off_since_ms = 0;
    else if (w->off_since_ms == 0)
        w->off_since_ms = now;
    update_expectation(w, row, now);
    ctl_prober_visit(o->prober, w, row->index, row->android == 1 && row->vbox_pid > 0,
                     row->vbox_pid, now);

    struct ctl_facts facts = {
        .android = row->android,
        .pid = row->pid,
        .vbox_pid = row->vbox_pid,
        .sees_players = o->sees_players && survey->has_processes,
        .sees_vms = o->sees_vms && survey->has_processes,
        .player = w->player,
        .headless = w->headless,
        .guest = w->guest,
        .expect = w->expect,
        .previous = w->state,
        /* One that is new to us may be newer than the look. */
        .previous_ms = now > w->phase_since_ms ? now - w->phase_since_ms : 0,
        .off_ms = row->android == 0 ? now - w->off_since_ms : 0,
        .stuck_ms = o->options.stuck_ms,
    };
    ctl_state_derive(&facts, ret);
    if (!is_same_phase(w->state, ret->state))
        w->phase_since_ms = now;
    w->state = ret->state;
}

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
    snprintf(i->adb_serial, sizeof(i->adb_serial), "emulator-%d", 5554 + 2 * row->index);
}

/* --- publishing one row --- */

/* KNOWN is NULL for an instance that is new. */
static void put(struct ctl_observer *o, const struct cache_entry *known, const struct ctl_watch *w,
                const struct ldc_config *config, const struct ctl_verdict *verdict)
{
    struct cache_instance i cleanup(cache_instance_deinit);
    cache_instance_init(&i);
    if (known)
        cache_instance_copy(&i, &known->instance);
    str_copy(i.id, sizeof(i.id), w->id);
    fill_from_row(&i, &w->sight.row);
    fill_from_config(&i, &w->sight.row, config);
    i.state = verdict->state;
    str_copy(i.reason, sizeof(i.reason), verdict->reason);
    mem_free(i.evidence);
    i.evidence = ctl_evidence_of_instance(&w->sight, config);
    cache_snapshot_put(o->snapshot, &i);
}

static bool is_same_row(const struct ldc_row *a, const struct ldc_row *b)
{
    return a->index == b->index && a->top_window == b->top_window &&
           a->bind_window == b->bind_window && a->android == b->android && a->pid == b->pid &&
           a->vbox_pid == b->vbox_pid && a->width == b->width && a->height == b->height &&
           a->dpi == b->dpi && strcmp(a->title, b->title) == 0;
}

/* Remembers what is seen now; returns whether that is what was seen before. */
static bool update_sight(struct ctl_watch *w, const struct ldc_row *row,
                         const struct ldc_config *config, bool sees_processes)
{
    struct ctl_sight *s = &w->sight;
    uint64_t revision = config ? config->revision : 0;
    bool is_same = s->config_revision == revision && s->player == w->player &&
                   s->headless == w->headless && s->guest == w->guest &&
                   s->sees_processes == sees_processes && is_same_row(&s->row, row);
    if (!is_same)
        *s = (struct ctl_sight){*row, revision, w->player, w->headless, w->guest, sees_processes};
    return is_same;
}

static void publish_row(struct ctl_observer *o, const struct ldc_survey *survey,
                        const struct ldc_row *row)
{
    char id[UUID_SIZE];
    struct ctl_verdict verdict;
    const struct ldc_config *config = ldc_configs_find(survey->configs, row->index);
    const struct cache_entry *known =
        ctl_identity_find(o->snapshot, row->index, config ? config->disk_id : "");
    if (!known)
        random_uuid(id);
    struct ctl_watch *w = ctl_observer_watch(o, known ? known->instance.id : id);
    w->seen = true;
    find_processes(o, survey, row, w);
    judge(o, survey, row, w, &verdict);
    o->is_moving |= ctl_state_is_moving(verdict.state);

    bool is_same = update_sight(w, row, config, o->sees_players && survey->has_processes) &&
                   known && known->instance.state == verdict.state &&
                   strcmp(known->instance.reason, verdict.reason) == 0;
    if (is_same)
        cache_snapshot_keep(o->snapshot, known);
    else
        put(o, known, w, config, &verdict);
}

/* A torn list proves presence, not absence: what it does not show stays as it was. */
static void keep_unlisted(struct ctl_observer *o, const struct ldc_rows *rows,
                          const struct cache_entry *entry)
{
    if (ldc_rows_find(rows, entry->instance.index))
        return;
    ctl_observer_watch(o, entry->instance.id)->seen = true;
    o->is_moving |= ctl_state_is_moving(entry->instance.state);
    cache_snapshot_keep(o->snapshot, entry);
}

static void begin(struct ctl_observer *o, const struct ldc_survey *survey)
{
    for (struct map_node *n = map_next(&o->watches, NULL); n; n = map_next(&o->watches, n))
        container_of(n, struct ctl_watch, by_id)->seen = false;
    o->judging = survey->number;
    o->n_judged = 0;
    o->is_moving = false;
    if (survey->has_processes)
        learn_visibility(o, survey);
    cache_snapshot_begin(o->snapshot);
}

static void end(struct ctl_observer *o, const struct ldc_survey *survey)
{
    o->n_judged = SIZE_MAX;
    cache_snapshot_end(o->snapshot, survey->started_ms, survey->wall_ms);
    for (struct map_node *node = map_next(&o->watches, NULL), *next; node; node = next) {
        struct ctl_watch *w = container_of(node, struct ctl_watch, by_id);
        next = map_next(&o->watches, node);
        if (!w->seen) {
            map_remove(&o->watches, node);
            mem_free(w);
        }
    }
}

bool ctl_observer_judge(struct ctl_observer *o, const struct ldc_survey *survey)
{
    const struct ldc_rows *rows = &survey->rows;
    bool is_torn = survey->list == LDC_LIST_TORN;
    size_t n = rows->n_items + (is_torn ? cache_snapshot_count(o->snapshot) : 0);

    if (o->judging != survey->number)
        begin(o, survey);
    if (o->n_judged == SIZE_MAX)
        return true;
    for (size_t i = 0; i < CTL_OBSERVER_SLICE && o->n_judged < n; i++, o->n_judged++) {
        if (o->n_judged < rows->n_items)
            publish_row(o, survey, &rows->items[o->n_judged]);
        else
            keep_unlisted(o, rows, cache_snapshot_at(o->snapshot, o->n_judged - rows->n_items));
    }
    if (o->n_judged < n)
        return false;
    end(o, survey);
    return true;
}
