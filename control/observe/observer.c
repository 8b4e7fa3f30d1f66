/* SPDX-License-Identifier: MIT */
/*     timer or reader -> survey (list2 | configs and processes) -> judge each row -> snapshot
 *                                                                    |                |
 *                                                             waiters, engine       events
 *
 * A bad survey changes nothing but the mark `stale`: what was known stays, with its age. */
#include "control/observe/observer.h"

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "control/judge/survey_verdict.h"
#include "control/observe/observer_private.h"

/* Starting a child holds the loop up: who waited for the start gets what is remembered before. */
enum { FIRST_MS = 5 };

const struct ctl_observer_options ctl_observer_defaults = {
    .active_ms = 500,
    .idle_ms = 5000,
    .stuck_ms = 120000,
    .codepage = LDC_CODEPAGE_SYSTEM,
};

struct ctl_fresh_wait {
    struct list link;
    uint64_t survey; /* number of the first one that will do */
    ctl_fresh_fn done;
    void *arg;
};

/* --- what is remembered between two surveys --- */

struct ctl_watch *ctl_observer_watch(struct ctl_observer *o, const char *id)
{
    struct map_node *node = map_find(&o->watches, id);
    if (node)
        return container_of(node, struct ctl_watch, by_id);
    struct ctl_watch *w = mem_new(struct ctl_watch);
    str_copy(w->id, sizeof(w->id), id);
    w->phase_since_ms = clock_mono_ms();
    w->disk_bytes = -1;
    const struct cache_entry *known = cache_snapshot_by_id(o->snapshot, id);
    if (known) {
        w->player = known->instance.player;
        w->headless = known->instance.headless;
        w->adb.debug = known->instance.adb.debug;
        w->was_on = known->instance.state != CACHE_STATE_STOPPED &&
                    known->instance.state != CACHE_STATE_UNKNOWN;
        w->care = known->instance.care;
        w->guest_has_answered = w->care.has_answered;
    }
    map_insert(&o->watches, &w->by_id, w->id);
    return w;
}

void ctl_observer_free_watch(struct ctl_observer *o, struct ctl_watch *w)
{
    map_remove(&o->watches, &w->by_id);
    mem_free(w->set);
    mem_free(w);
}

/* --- the schedule --- */

static void on_timer(uv_timer_t *timer)
{
    struct ctl_observer *o = container_of(timer, struct ctl_observer, timer);
    (void)ldc_surveyor_start(o->surveyor, UINT64_MAX);
}

static void schedule(struct ctl_observer *o)
{
    /* A list2 that hung once is asked again soon: a second one makes it certain that it hangs. */
    bool is_active = o->is_moving || o->n_hurried > 0 || o->verdict.status == UV_ETIMEDOUT;
    unsigned ms = is_active ? o->options.active_ms : o->options.idle_ms;
    if (!o->is_closing && !ldc_surveyor_is_running(o->surveyor))
        uv_timer_start(&o->timer, on_timer, ms, 0);
}

/* Those whom SURVEY, by its number, does for; the others wait for the next. */
static void answer_waits(struct ctl_observer *o, uint64_t survey, int status)
{
    struct list waits;
    list_init(&waits);
    list_foreach(item, &o->waits) {
        if (list_entry(item, struct ctl_fresh_wait, link)->survey > survey)
            continue;
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

static void read_verdict(const struct ctl_observer *o, const struct ldc_survey *survey,
                         struct ctl_survey_verdict *ret)
{
    ctl_survey_verdict_read(survey, ldc_client_install(o->parts.client),
                            ldc_client_absence(o->parts.client), ret);
}

static bool on_seen(void *arg, const struct ldc_survey *survey)
{
    struct ctl_observer *o = arg;
    struct ctl_survey_verdict verdict;

    read_verdict(o, survey, &verdict);
    bool is_believed = survey->number >= o->first_believed && verdict.status == 0;
    if (is_believed && !ctl_observer_judge(o, survey))
        return false;
    return !cache_snapshot_report(o->snapshot, CTL_OBSERVER_SLICE);
}

static void on_survey(void *arg, const struct ldc_survey *survey)
{
    struct ctl_observer *o = arg;
    int before = o->verdict.status;

    if (survey->number < o->first_believed)
        return;
    read_verdict(o, survey, &o->verdict);
    if (o->verdict.status == 0) {
        str_copy(o->noise, sizeof(o->noise), survey->rows.noise);
        ldc_client_probe(o->parts.client);
    }
    cache_snapshot_set_stale(o->snapshot, o->verdict.status ? o->verdict.detail : NULL);
    if ((before == 0) != (o->verdict.status == 0))
        ctl_observer_publish_verdict(o);
    list_foreach(item, &o->listeners) {
        struct ctl_survey_listener *listener = list_entry(item, struct ctl_survey_listener, link);
        listener->fn(listener->arg);
    }
    answer_waits(o, survey->number, o->verdict.status);
    schedule(o);
}

static void look_again(void *arg)
{
    struct ctl_observer *o = arg;
    if (!o->is_closing)
        (void)ldc_surveyor_start(o->surveyor, UINT64_MAX);
}

/* --- life cycle --- */

struct ctl_observer *ctl_observer_new(const struct ctl_observer_parts *parts,
                                      const struct ctl_observer_options *options)
{
    struct ctl_observer *o = mem_new(struct ctl_observer);
    o->parts = *parts;
    o->options = *options;
    o->premises.free_bytes = UINT64_MAX;
    list_init(&o->waits);
    list_init(&o->listeners);
    map_init(&o->watches);
    o->tombstones = ctl_tombstones_new();
    uv_timer_init(&parts->loop->uv, &o->timer);
    o->snapshot = cache_snapshot_new(ctl_observer_publish_change, o);
    o->prober = ctl_prober_new(parts->client, o->snapshot, &o->watches, look_again, o);
    o->surveyor =
        ldc_surveyor_new(parts->loop, parts->client, options->codepage, on_seen, on_survey, o);
    if (options->config_copies)
        ldc_surveyor_keep_configs(o->surveyor, options->config_copies);
    return o;
}

void ctl_observer_load(struct ctl_observer *o, struct cache_instance *items, size_t n,
                       int64_t observed_wall_ms)
{
    cache_snapshot_load(o->snapshot, items, n, observed_wall_ms);
    for (size_t i = 0; i < n; i++) {
        if (items[i].guarded)
            ctl_observer_watch(o, items[i].id)->set = items[i].guarded;
        items[i].guarded = NULL;
        cache_instance_deinit(&items[i]);
    }
    mem_free(items);
}

void ctl_observer_load_gone(struct ctl_observer *o, struct cache_instance *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ctl_tombstones_add(o->tombstones, &items[i]);
        cache_instance_deinit(&items[i]);
    }
    mem_free(items);
}

void ctl_observer_start(struct ctl_observer *o)
{
    uv_update_time(&o->parts.loop->uv);
    uv_timer_start(&o->timer, on_timer, FIRST_MS, 0);
}

static void on_part_closed(struct ctl_observer *o)
{
    if (--o->n_open > 0)
        return;
    ctl_prober_close(o->prober);
    o->prober = NULL;
    cache_snapshot_free(o->snapshot);
    for (struct map_node *node = map_next(&o->watches, NULL); node;
         node = map_next(&o->watches, NULL))
        ctl_observer_free_watch(o, container_of(node, struct ctl_watch, by_id));
    map_deinit(&o->watches);
    ctl_tombstones_free(o->tombstones);
    mem_free(o->vm_dir);
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
    /* What readers may have seen is to be found again at the next start. */
    (void)cache_snapshot_report(o->snapshot, SIZE_MAX);
    answer_waits(o, UINT64_MAX, UV_ECANCELED);
    uv_close((uv_handle_t *)&o->timer, on_timer_closed);
    ldc_surveyor_close(o->surveyor, on_surveyor_closed, o);
}

/* --- who looks along --- */

struct cache_snapshot *ctl_observer_snapshot(struct ctl_observer *o)
{
    return o->snapshot;
}

const struct ctl_survey_verdict *ctl_observer_verdict(const struct ctl_observer *o)
{
    return &o->verdict;
}

const char *ctl_observer_noise(const struct ctl_observer *o)
{
    return o->noise;
}

struct ctl_fresh_wait *ctl_observer_want(struct ctl_observer *o, uint64_t max_age_ms,
                                         ctl_fresh_fn done, void *arg)
{
    bool is_fresh = max_age_ms > 0 && cache_snapshot_is_observed(o->snapshot) &&
                    !cache_snapshot_stale_reason(o->snapshot) &&
                    cache_snapshot_age_ms(o->snapshot, clock_mono_ms()) <= max_age_ms;
    if (is_fresh || o->is_closing) {
        done(arg, is_fresh ? 0 : UV_ECANCELED);
        return NULL;
    }
    struct ctl_fresh_wait *wait = mem_new(struct ctl_fresh_wait);
    wait->done = done;
    wait->arg = arg;
    wait->survey = ldc_surveyor_start(o->surveyor, max_age_ms);
    list_append(&o->waits, &wait->link);
    return wait;
}

void ctl_observer_cancel_want(struct ctl_fresh_wait *wait)
{
    list_unlink(&wait->link);
    mem_free(wait);
}

void ctl_observer_listen(struct ctl_observer *o, struct ctl_survey_listener *listener)
{
    list_append(&o->listeners, &listener->link);
}

void ctl_observer_unlisten(struct ctl_survey_listener *listener)
{
    list_unlink(&listener->link);
}

void ctl_observer_hurry(struct ctl_observer *o, int delta)
{
    o->n_hurried += delta;
    if (delta > 0)
        schedule(o);
}

void ctl_observer_look(struct ctl_observer *o)
{
    look_again(o);
}

void ctl_observer_distrust(struct ctl_observer *o, const char *reason)
{
    cache_snapshot_set_stale(o->snapshot, reason);
    if (!o->is_closing)
        o->first_believed = ldc_surveyor_start(o->surveyor, 0);
}
