/* SPDX-License-Identifier: MIT */
/*     timer or reader -> survey (list2 | configs and processes) -> judge each row -> snapshot
 *                                                                    |                |
 *                                                             waiters, engine       events
 *
 * A bad survey changes nothing but the mark `stale`: what was known stays, with its age. */
#include "control/observer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/str.h"
#include "cache/instances.h"
#include "control/evidence.h"
#include "control/identity.h"
#include "control/prober.h"
#include "control/trouble.h"
#include "control/watch.h"

const struct ctl_observer_options ctl_observer_defaults = {
    .active_ms = 500,
    .idle_ms = 5000,
    .stuck_ms = 120000,
    .codepage = LDC_CODEPAGE_SYSTEM,
};

struct ctl_fresh_wait {
    struct list link;
    ctl_fresh_fn done;
    void *arg;
};

struct ctl_observer {
    struct ctl_observer_parts parts;
    struct ctl_observer_options options;
    struct ldc_surveyor *surveyor;
    struct cache_snapshot *snapshot;
    struct ctl_prober *prober;
    struct map watches;
    struct list waits;
    uv_timer_t timer;
    struct ctl_observer_trouble trouble;
    bool sees_processes;
    bool is_moving; /* some instance was in a passing state */
    int n_hurried;
    bool is_closing;
    void (*on_survey)(void *arg);
    void *on_survey_arg;
    void (*on_closed)(void *arg);
    void *closed_arg;
    unsigned n_open; /* what must close before on_closed */
};

/* --- changes of the snapshot become rows and events --- */

static const char *const change_types[] = {"instance.added", "instance.changed",
                                           "instance.removed"};

static void emit_change(struct ctl_observer *o, const struct cache_change *change)
{
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

static void on_change(void *arg, const struct cache_change *change)
{
    struct ctl_observer *o = arg;
    if (change->kind == CACHE_CHANGE_REMOVED)
        cache_instances_remove(o->parts.store, change->instance->id);
    else
        cache_instances_put(o->parts.store, change->instance, NULL, NULL);
    emit_change(o, change);
}

/* --- judging one row --- */

static struct ctl_watch *watch_of(struct ctl_observer *o, const char *id)
{
    struct map_node *node = map_find(&o->watches, id);
    if (node)
        return container_of(node, struct ctl_watch, by_id);
    struct ctl_watch *w = mem_new(struct ctl_watch);
    str_copy(w->id, sizeof(w->id), id);
    w->phase_since_ms = clock_mono_ms();
    map_insert(&o->watches, &w->by_id, w->id);
    return w;
}

static void forget_unseen(struct ctl_observer *o)
{
    for (struct map_node *node = map_next(&o->watches, NULL), *next; node; node = next) {
        struct ctl_watch *w = container_of(node, struct ctl_watch, by_id);
        next = map_next(&o->watches, node);
        if (!w->seen) {
            map_remove(&o->watches, node);
            mem_free(w);
        }
    }
}

/* Two installations may both have an instance 0, so an index on a command line is not enough:
 * either list2 named the pid, now or earlier, or the program lies in this installation. */
static int64_t find_process(struct ctl_observer *o, const struct ldc_survey *survey,
                            enum ldc_process_role role, int index, int64_t named, int64_t known)
{
    const char *dir = ldc_client_install(o->parts.client)->dir;
    for (size_t i = 0; i < survey->processes->n_items; i++) {
        const struct ldc_process *p = &survey->processes->items[i];
        if (p->role != role)
            continue;
        if (p->pid == named || (p->pid == known && p->index == index))
            return p->pid;
        if (p->index == index && p->image && str_has_prefix(p->image, dir))
            return p->pid;
    }
    return 0;
}

static void look_for_processes(struct ctl_observer *o, const struct ldc_survey *survey,
                               const struct ldc_row *row, struct ctl_watch *w)
{
    w->player = w->headless = 0;
    if (!survey->has_processes)
        return;
    w->player = find_process(o, survey, LDC_PROCESS_PLAYER, row->index, row->pid, w->player);
    w->headless =
        find_process(o, survey, LDC_PROCESS_HEADLESS, row->index, row->vbox_pid, w->headless);
    if (row->pid > 0 && w->player == row->pid)
        o->sees_processes = true;
}

/* Starting and booting are one phase: what counts is how long the start takes altogether. */
static bool is_same_phase(enum cache_state a, enum cache_state b)
{
    bool a_starts = a == CACHE_STATE_STARTING || a == CACHE_STATE_BOOTING || a == CACHE_STATE_STUCK;
    bool b_starts = b == CACHE_STATE_STARTING || b == CACHE_STATE_BOOTING || b == CACHE_STATE_STUCK;
    return a == b || (a_starts && b_starts);
}

static void update_expectation(struct ctl_watch *w, const struct ldc_row *row, uint64_t now)
{
    bool is_met = (w->expect == CTL_EXPECT_START && row->android != 0) ||
                  (w->expect == CTL_EXPECT_STOP && row->android == 0 && w->player == 0 &&
                   w->headless == 0);
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
        .sees_processes = o->sees_processes && survey->has_processes,
        .player = w->player,
        .headless = w->headless,
        .guest = w->guest,
        .expect = w->expect,
        .previous = w->state,
        .previous_ms = now - w->phase_since_ms,
        .off_ms = row->android == 0 ? now - w->off_since_ms : 0,
        .stuck_ms = o->options.stuck_ms,
    };
    ctl_state_derive(&facts, ret);
    if (!is_same_phase(w->state, ret->state))
        w->phase_since_ms = now;
    w->state = ret->state;
}

static void fill_from_config(struct cache_instance *i, const struct ldc_config *config)
{
    if (!config)
        return;
    if (config->player_name[0])
        str_copy(i->name, sizeof(i->name), config->player_name);
    i->settings = config->settings;
    str_copy(i->disk_id, sizeof(i->disk_id), config->disk_id);
    if (i->width == 0 && config->settings.has_resolution) {
        i->width = config->settings.width;
        i->height = config->settings.height;
        i->dpi = config->settings.dpi;
    }
}

static void fill_from_row(struct cache_instance *i, const struct ldc_row *row)
{
    i->index = row->index;
    str_copy(i->name, sizeof(i->name), row->title);
    i->pid = row->pid > 0 ? row->pid : 0;
    i->vbox_pid = row->vbox_pid > 0 ? row->vbox_pid : 0;
    i->top_window = row->top_window;
    i->bind_window = row->bind_window;
    i->width = row->width;
    i->height = row->height;
    i->dpi = row->dpi;
    snprintf(i->adb_serial, sizeof(i->adb_serial), "emulator-%d", 5554 + 2 * row->index);
}

static void publish_row(struct ctl_observer *o, const struct ldc_survey *survey,
                        const struct ldc_row *row)
{
    struct cache_instance i cleanup(cache_instance_deinit);
    struct ctl_verdict verdict;
    const struct ldc_config *config = ldc_configs_find(survey->configs, row->index);

    cache_instance_init(&i);
    ctl_identity_find(o->snapshot, row->index, config ? config->disk_id : "", &i);
    struct ctl_watch *w = watch_of(o, i.id);
    w->seen = true;
    look_for_processes(o, survey, row, w);
    judge(o, survey, row, w, &verdict);

    fill_from_row(&i, row);
    fill_from_config(&i, config);
    i.state = verdict.state;
    str_copy(i.reason, sizeof(i.reason), verdict.reason);
    mem_free(i.evidence);
    i.evidence = ctl_evidence_of_instance(row, w, config, o->sees_processes);
    o->is_moving |= ctl_state_is_moving(i.state);
    cache_snapshot_put(o->snapshot, &i);
}

/* A torn list proves presence, not absence: what it does not show stays as it was. */
static void keep_unlisted(struct ctl_observer *o, const struct ldc_rows *rows)
{
    size_t n = cache_snapshot_count(o->snapshot), n_kept = 0;
    struct cache_instance *kept = mem_calloc(n, sizeof(*kept));
    for (size_t i = 0; i < n; i++) {
        const struct cache_instance *old = &cache_snapshot_at(o->snapshot, i)->instance;
        if (ldc_rows_find(rows, old->index))
            continue;
        watch_of(o, old->id)->seen = true;
        cache_instance_init(&kept[n_kept]);
        cache_instance_copy(&kept[n_kept++], old);
    }
    for (size_t i = 0; i < n_kept; i++) {
        cache_snapshot_put(o->snapshot, &kept[i]);
        cache_instance_deinit(&kept[i]);
    }
    mem_free(kept);
}

static void publish(struct ctl_observer *o, const struct ldc_survey *survey)
{
    for (struct map_node *n = map_next(&o->watches, NULL); n; n = map_next(&o->watches, n))
        container_of(n, struct ctl_watch, by_id)->seen = false;
    o->is_moving = false;
    cache_snapshot_begin(o->snapshot);
    for (size_t i = 0; i < survey->rows.n_items; i++)
        publish_row(o, survey, &survey->rows.items[i]);
    if (survey->rows.n_bad_lines > 0)
        keep_unlisted(o, &survey->rows);
    cache_snapshot_end(o->snapshot, survey->started_ms, survey->wall_ms);
    forget_unseen(o);
}

/* --- the schedule --- */

static void on_timer(uv_timer_t *timer)
{
    struct ctl_observer *o = container_of(timer, struct ctl_observer, timer);
    ldc_surveyor_start(o->surveyor);
}

static void schedule(struct ctl_observer *o)
{
    bool is_active = o->is_moving || o->n_hurried > 0;
    unsigned ms = is_active ? o->options.active_ms : o->options.idle_ms;
    if (!o->is_closing && !ldc_surveyor_is_running(o->surveyor))
        uv_timer_start(&o->timer, on_timer, ms, 0);
}

static void answer_waits(struct ctl_observer *o, int status)
{
    struct list waits;
    list_init(&waits);
    while (!list_is_empty(&o->waits)) {
        struct list *item = o->waits.next;
        list_unlink(item);
        list_append(&waits, item);
    }
    while (!list_is_empty(&waits)) {
        struct ctl_fresh_wait *wait = list_entry(waits.next, struct ctl_fresh_wait, link);
        list_unlink(&wait->link);
        wait->done(wait->arg, status);
        mem_free(wait);
    }
}

static void emit_trouble_change(struct ctl_observer *o, int before)
{
    if ((before == 0) == (o->trouble.status == 0))
        return;
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_bool(doc, root, "is_fresh", o->trouble.status == 0);
    json_add_str(doc, root, "code", o->trouble.status ? o->trouble.code : NULL);
    json_add_str(doc, root, "detail", o->trouble.status ? o->trouble.detail : NULL);
    char *data cleanup(mem_freep) = json_write(doc);
    cache_events_emit(o->parts.events, "workstation.observation", data);
}

static void on_survey(void *arg, const struct ldc_survey *survey)
{
    struct ctl_observer *o = arg;
    int before = o->trouble.status;

    if (o->is_closing)
        return;
    ctl_trouble_read(survey, ldc_client_install(o->parts.client), &o->trouble);
    if (o->trouble.status == 0)
        publish(o, survey);
    cache_snapshot_set_stale(o->snapshot, o->trouble.status ? o->trouble.detail : NULL);
    emit_trouble_change(o, before);
    answer_waits(o, o->trouble.status);
    if (o->on_survey)
        o->on_survey(o->on_survey_arg);
    schedule(o);
}

static void look_again(void *arg)
{
    struct ctl_observer *o = arg;
    if (!o->is_closing)
        ldc_surveyor_start(o->surveyor);
}

/* --- life cycle --- */

struct ctl_observer *ctl_observer_new(const struct ctl_observer_parts *parts,
                                      const struct ctl_observer_options *options)
{
    struct ctl_observer *o = mem_new(struct ctl_observer);
    o->parts = *parts;
    o->options = *options;
    list_init(&o->waits);
    map_init(&o->watches);
    uv_timer_init(&parts->loop->uv, &o->timer);
    o->snapshot = cache_snapshot_new(on_change, o);
    o->prober = ctl_prober_new(parts->client, &o->watches, look_again, o);
    o->surveyor =
        ldc_surveyor_new(parts->loop, parts->client, options->codepage, on_survey, o);
    return o;
}

void ctl_observer_load(struct ctl_observer *o, struct cache_instance *items, size_t n,
                       int64_t observed_wall_ms)
{
    cache_snapshot_load(o->snapshot, items, n, observed_wall_ms);
    for (size_t i = 0; i < n; i++)
        cache_instance_deinit(&items[i]);
    mem_free(items);
}

void ctl_observer_start(struct ctl_observer *o)
{
    ldc_surveyor_start(o->surveyor);
}

static void on_part_closed(struct ctl_observer *o)
{
    if (--o->n_open > 0)
        return;
    ctl_prober_close(o->prober);
    o->prober = NULL;
    cache_snapshot_free(o->snapshot);
    for (struct map_node *node = map_next(&o->watches, NULL); node;
         node = map_next(&o->watches, NULL)) {
        map_remove(&o->watches, node);
        mem_free(container_of(node, struct ctl_watch, by_id));
    }
    map_deinit(&o->watches);
    void (*done)(void *) = o->on_closed;
    void *arg = o->closed_arg;
    mem_free(o);
    done(arg);
}

static void on_surveyor_closed(void *arg)
{
    on_part_closed(arg);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_part_closed(container_of((uv_timer_t *)handle, struct ctl_observer, timer));
}

void ctl_observer_close(struct ctl_observer *o, void (*on_closed)(void *arg), void *arg)
{
    o->is_closing = true;
    o->on_closed = on_closed;
    o->closed_arg = arg;
    o->n_open = 2;
    answer_waits(o, UV_ECANCELED);
    uv_close((uv_handle_t *)&o->timer, on_timer_closed);
    ldc_surveyor_close(o->surveyor, on_surveyor_closed, o);
}

/* --- what others ask --- */

struct cache_snapshot *ctl_observer_snapshot(struct ctl_observer *o)
{
    return o->snapshot;
}

const struct ctl_observer_trouble *ctl_observer_trouble(const struct ctl_observer *o)
{
    return &o->trouble;
}

struct ctl_fresh_wait *ctl_observer_want(struct ctl_observer *o, uint64_t max_age_ms,
                                         ctl_fresh_fn done, void *arg)
{
    bool is_fresh = max_age_ms > 0 && o->trouble.status == 0 &&
                    cache_snapshot_age_ms(o->snapshot, clock_mono_ms()) <= max_age_ms;
    if (is_fresh || o->is_closing) {
        done(arg, is_fresh ? 0 : UV_ECANCELED);
        return NULL;
    }
    struct ctl_fresh_wait *wait = mem_new(struct ctl_fresh_wait);
    wait->done = done;
    wait->arg = arg;
    list_append(&o->waits, &wait->link);
    ldc_surveyor_start(o->surveyor);
    return wait;
}

void ctl_observer_cancel_want(struct ctl_fresh_wait *wait)
{
    list_unlink(&wait->link);
    mem_free(wait);
}

void ctl_observer_on_survey(struct ctl_observer *o, void (*fn)(void *arg), void *arg)
{
    o->on_survey = fn;
    o->on_survey_arg = arg;
}

void ctl_observer_hurry(struct ctl_observer *o, int delta)
{
    o->n_hurried += delta;
    if (delta > 0)
        schedule(o);
}

void ctl_observer_expect(struct ctl_observer *o, const char *id, enum ctl_expect expect,
                         unsigned within_ms)
{
    struct ctl_watch *w = watch_of(o, id);
    w->expect = expect;
    w->expect_until_ms = clock_mono_ms() + within_ms;
}

void ctl_observer_set_local(struct ctl_observer *o, const char *id, const struct ctl_local *local)
{
    const struct cache_entry *entry = cache_snapshot_by_id(o->snapshot, id);
    if (!entry)
        return;
    struct cache_instance i cleanup(cache_instance_deinit);
    cache_instance_init(&i);
    cache_instance_copy(&i, &entry->instance);
    if (local->labels) {
        mem_free(i.labels);
        i.labels = mem_strdup(local->labels);
    }
    if (local->group)
        str_copy(i.group, sizeof(i.group), local->group);
    if (local->desired >= 0)
        i.desired = (enum cache_desired)local->desired;
    cache_snapshot_put_one(o->snapshot, &i);
}

static int end_process(int64_t pid, enum ldc_process_role role, int index)
{
    struct ldc_process process = {.pid = pid, .role = role, .index = index};
    return pid > 0 && ldc_process_kill(&process) == 0;
}

int ctl_observer_end_processes(struct ctl_observer *o, const char *id)
{
    const struct cache_entry *entry = cache_snapshot_by_id(o->snapshot, id);
    if (!entry)
        return 0;
    struct ctl_watch *w = watch_of(o, id);
    int index = entry->instance.index;
    return end_process(w->headless, LDC_PROCESS_HEADLESS, index) +
           end_process(w->player, LDC_PROCESS_PLAYER, index);
}

void ctl_observer_look(struct ctl_observer *o)
{
    look_again(o);
}

bool ctl_observer_sees_processes(const struct ctl_observer *o)
{
    return o->sees_processes;
}
