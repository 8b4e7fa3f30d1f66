/* SPDX-License-Identifier: MIT */
/*     timer or reader -> survey (list2 | configs and processes) -> judge each row -> snapshot
 *                                                                    |                |
 *                                                             waiters, engine       events
 *
 * A bad survey changes nothing but the mark `stale`: what was known stays, with its age. */
#include "control/observe/observer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "cache/tables/instances.h"
#include "control/observe/observer_private.h"
#include "control/observe/survey_verdict.h"
#include "ldconsole/install/config_keep.h"
#include "ldconsole/verbs/timing.h"

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

/* --- what others ask --- */

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

void ctl_observer_expect(struct ctl_observer *o, const char *id, enum ctl_expect expect,
                         unsigned within_ms)
{
    struct ctl_watch *w = ctl_observer_watch(o, id);
    w->expect = expect;
    w->expect_until_ms = clock_mono_ms() + within_ms;
}

void ctl_observer_expect_no_longer(struct ctl_observer *o, const char *id, uint64_t issued_ms)
{
    struct ctl_watch *w = ctl_observer_watch(o, id);
    uint64_t until_ms = issued_ms + (w->expect == CTL_EXPECT_START ? LDC_TIMING_LAUNCH_LAG_MS
                                                                   : LDC_TIMING_QUIT_LAG_MS);
    if (until_ms < w->expect_until_ms)
        w->expect_until_ms = until_ms;
}

static void set_quarantine(struct ctl_observer *o, struct cache_instance *i,
                           const struct cache_quarantine *quarantine)
{
    struct ctl_watch *w = ctl_observer_watch(o, i->id);
    i->quarantine = *quarantine;
    if (quarantine->since || w->care.n_acts == 0)
        return;
    w->care.n_acts = 0;
    cache_instances_put_care(o->parts.store, i->id, &w->care);
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
    if (local->repair)
        i.repair = *local->repair;
    if (local->quarantine)
        set_quarantine(o, &i, local->quarantine);
    cache_snapshot_put_one(o->snapshot, &i);
}

void ctl_observer_note_set(struct ctl_observer *o, const char *id)
{
    const struct cache_entry *entry = cache_snapshot_by_id(o->snapshot, id);
    if (!entry)
        return;
    struct cache_instance i cleanup(cache_instance_deinit);
    cache_instance_init(&i);
    cache_instance_copy(&i, &entry->instance);
    cache_instance_revise(&i, NULL);
    cache_snapshot_put_one(o->snapshot, &i);
    /* It is no change of what events tell, which would be written by itself. */
    cache_instances_put(o->parts.store, &i, NULL, NULL);
}

void ctl_observer_guard_settings(struct ctl_observer *o, const char *id,
                                 const struct ldc_settings *wanted, bool is_so)
{
    const struct cache_entry *entry = cache_snapshot_by_id(o->snapshot, id);
    if (!entry || ldc_settings_is_empty(wanted))
        return;
    struct ctl_watch *w = ctl_observer_watch(o, id);
    if (!w->set)
        w->set = mem_new(struct ldc_settings);
    const struct ldc_settings *actual = &entry->instance.settings;
    struct ldc_settings before = *w->set;
    ldc_settings_take(w->set, wanted, is_so ? actual : NULL);
    if (memcmp(&before, w->set, sizeof(before)) != 0)
        cache_instances_put_guarded(o->parts.store, id, w->set);
    if (w->drift == 0)
        return;
    w->drift &= ldc_settings_differing(w->set, NULL, actual);
    w->sight.config_revision = 0; /* the evidence is written anew */
}

bool ctl_observer_drift(struct ctl_observer *o, const char *id, char *out, size_t size)
{
    unsigned drift = ctl_observer_watch(o, id)->drift;
    str_copy(out, size, "");
    for (unsigned i = 0; i <= LDC_SETTING_COUNT; i++) {
        size_t n = strlen(out);
        if (drift & 1u << i)
            snprintf(out + n, size - n, "%s%s", n ? ", " : "", ldc_setting_name(i));
    }
    return drift != 0;
}

int64_t ctl_observer_manager(const struct ctl_observer *o)
{
    return o->manager_pid;
}

void ctl_observer_note_removed(struct ctl_observer *o, const char *id)
{
    struct ctl_watch *w = ctl_observer_watch(o, id);
    w->was_removed = true;
    w->removed_ms = clock_mono_ms();
    w->removed_wall_ms = clock_wall_ms();
}

struct ctl_disks ctl_observer_disks(struct ctl_observer *o, const char *id)
{
    const struct ctl_watch *w = ctl_observer_watch(o, id);
    return (struct ctl_disks){w->disk_bytes, w->n_disks, w->n_disk_same,
                              clock_mono_ms() - w->disk_since_ms};
}

bool ctl_observer_has_open_disk(struct ctl_observer *o, const char *id)
{
    const struct cache_entry *entry = cache_snapshot_by_id(o->snapshot, id);
    return entry && ldc_configs_has_open_disk(ldc_client_install(o->parts.client)->vms_dir,
                                              entry->instance.index);
}

bool ctl_observer_is_unlisted(struct ctl_observer *o, const char *id)
{
    return ctl_observer_watch(o, id)->is_unlisted;
}

bool ctl_observer_is_doubted(struct ctl_observer *o, const char *id)
{
    return ctl_observer_watch(o, id)->n_without_vm == 1;
}

bool ctl_observer_is_in_the_making(struct ctl_observer *o, const char *id)
{
    return ctl_observer_judge_making(ctl_observer_watch(o, id), clock_mono_ms());
}

void ctl_observer_note_left(struct ctl_observer *o, uint64_t since_ms)
{
    o->left_since_ms = since_ms;
}

bool ctl_observer_sees_growing(const struct ctl_observer *o)
{
    return o->growing[0] || o->left_since_ms;
}

const char *ctl_observer_growing(const struct ctl_observer *o)
{
    return o->growing[0] ? o->growing : NULL;
}

bool ctl_observer_has_title(struct ctl_observer *o, const char *id)
{
    return ctl_observer_watch(o, id)->has_title;
}

int64_t ctl_observer_born_ms(struct ctl_observer *o, const char *id)
{
    return ctl_observer_watch(o, id)->born_ms;
}

bool ctl_observer_is_blank(struct ctl_observer *o, const char *id)
{
    const struct ctl_watch *w = ctl_observer_watch(o, id);
    return !w->has_title && !w->was_on && !w->was_set && w->disk_bytes < 0;
}

enum ctl_life ctl_observer_life(struct ctl_observer *o, const char *id)
{
    const struct ctl_watch *w = ctl_observer_watch(o, id);
    if (w->player.pid > 0 || w->headless.pid > 0)
        return CTL_LIFE_SOME;
    return w->sees_player && w->sees_vm && w->possible == 0 ? CTL_LIFE_NONE : CTL_LIFE_UNKNOWN;
}

const char *ctl_observer_left_files(struct ctl_observer *o, const char *id, int *ret_index)
{
    const struct cache_instance *i = ctl_tombstones_by_id(o->tombstones, id);
    /* Then they are that one's. */
    if (!i || cache_snapshot_by_index(o->snapshot, i->index))
        return NULL;
    const char *vms_dir = ldc_client_install(o->parts.client)->vms_dir;
    char *config cleanup(mem_freep) = ldc_configs_path(vms_dir, i->index);
    char *disk cleanup(mem_freep) = ldc_configs_disk_path(vms_dir, i->index, "data.vmdk");
    bool has_config = fs_exists(config), has_disk = fs_exists(disk);
    *ret_index = i->index;
    return has_config && has_disk ? "its config file and its disk are"
           : has_config           ? "its config file is"
           : has_disk             ? "its disk is"
                                  : NULL;
}

/* Not the numbers that list2 named at the last look: they may be somebody else's by now, and what
 * they named then is known with its birth. */
static struct ldc_claim claim_of(struct ctl_observer *o, const struct cache_instance *i)
{
    const struct ctl_watch *w = ctl_observer_watch(o, i->id);
    return (struct ldc_claim){
        .index = i->index,
        .player = w->player,
        .headless = w->headless,
        .vm_dir = o->vm_dir,
        .has_neighbour = o->has_neighbour,
    };
}

bool ctl_observer_locate(struct ctl_observer *o, const char *id, struct ctl_places *ret)
{
    const struct cache_entry *entry = cache_snapshot_by_id(o->snapshot, id);
    const struct ldc_install *install = ldc_client_install(o->parts.client);
    if (!entry)
        return false;
    *ret = (struct ctl_places){
        .dir = mem_strdup(install->dir),
        .vms_dir = mem_strdup(install->vms_dir),
        .vm_dir = mem_strdup(o->vm_dir),
        .claim = claim_of(o, &entry->instance),
    };
    ret->claim.vm_dir = ret->vm_dir;
    return true;
}

void ctl_places_deinit(struct ctl_places *places)
{
    mem_free(places->dir);
    mem_free(places->vms_dir);
    mem_free(places->vm_dir);
}

/* Returns whether it is ended. */
static bool end_process(const struct ldc_process *process, struct buf *ret_report)
{
    const char *what = process->role == LDC_PROCESS_PLAYER ? "player" : "VM";
    const char *comma = ret_report->len > 0 ? "; " : "";
    int r = ldc_process_kill(process);
    if (r == 0)
        (void)buf_printf(ret_report, "%sended %s %" PRId64, comma, what, process->pid);
    else if (r != UV_ESRCH)
        (void)buf_printf(ret_report, "%s%s %" PRId64 " could not be ended: %s", comma, what,
                         process->pid, uv_strerror(r));
    return r == 0;
}

unsigned ctl_observer_end_processes(struct ctl_observer *o, const char *id, struct buf *ret_report)
{
    const struct cache_entry *entry = cache_snapshot_by_id(o->snapshot, id);
    struct ldc_processes now cleanup(ldc_processes_deinit) = {0};
    unsigned n_ended = 0;
    if (!entry || ldc_processes_scan(&now) < 0)
        return 0;
    struct ldc_claim claim = claim_of(o, &entry->instance);
    const char *dir = ldc_client_install(o->parts.client)->dir;
    struct ldc_match match;
    for (size_t n = 0; n < now.n_items; n++) {
        if (ldc_match_owns(&now, dir, &claim, &now.items[n]))
            n_ended += end_process(&now.items[n], ret_report);
    }
    ldc_match_find(&now, dir, &claim, &match);
    if (match.possible)
        (void)buf_printf(ret_report,
                         "%sVM %" PRId64 " (%s) was left alone: it is this instance's or another "
                         "installation's, and nothing tells which; end it if you know",
                         ret_report->len > 0 ? "; " : "", match.possible->pid,
                         match.possible->image ? match.possible->image : "its path is hidden");
    return n_ended;
}

bool ctl_observer_read_vm_log(struct ctl_observer *o, const char *id, int64_t since_wall_ms,
                              struct ldc_vm_fault *ret)
{
    const struct cache_entry *entry = cache_snapshot_by_id(o->snapshot, id);
    const char *vms_dir = ldc_client_install(o->parts.client)->vms_dir;
    return entry && ldc_vm_log_read(vms_dir, entry->instance.index, since_wall_ms, ret);
}

const char *ctl_observer_config_loss(struct ctl_observer *o, const char *id)
{
    return ctl_observer_watch(o, id)->config_loss;
}

bool ctl_observer_knows_config_loss(struct ctl_observer *o, const char *id)
{
    return ctl_observer_watch(o, id)->is_config_judged;
}

bool ctl_observer_has_bad_config(struct ctl_observer *o, const char *id)
{
    return *ctl_observer_watch(o, id)->config_fault != '\0';
}

/* Where its VMs were seen to run from elsewhere, that folder is none of theirs. */
static bool is_runtime_other(const struct ctl_observer *o)
{
    char *program cleanup(mem_freep) = fs_join(o->vm_dir ? o->vm_dir : "", "vm");
    return o->vm_dir &&
           !ldc_process_is_in(&(struct ldc_process){.image = program}, o->premises.runtime_dir);
}

bool ctl_observer_find_obstacle(struct ctl_observer *o, const struct cache_instance *i,
                                struct ldc_obstacle *ret)
{
    const struct ctl_watch *w = ctl_observer_watch(o, i->id);
    const char *vms_dir = ldc_client_install(o->parts.client)->vms_dir;
    char *config cleanup(mem_freep) = ldc_configs_path(vms_dir, i->index);
    struct ldc_premises premises = o->premises;
    if (is_runtime_other(o))
        premises.missing[0] = '\0';
    struct ldc_preflight preflight = {
        .premises = &premises,
        .read_only_disks = w->read_only_disks,
        .config_path = config,
        .config_fault = *w->config_loss ? "" : w->config_fault,
        .has_resbak = w->has_resbak,
    };
    return ldc_preflight_judge(&preflight, ret);
}

const char *ctl_observer_launch_flaw(struct ctl_observer *o, const char *id)
{
    return ctl_observer_watch(o, id)->flaw;
}

int ctl_observer_restore_config(struct ctl_observer *o, const char *id)
{
    const struct cache_entry *entry = cache_snapshot_by_id(o->snapshot, id);
    struct ctl_watch *w = ctl_observer_watch(o, id);
    if (!entry)
        return UV_ENOENT;
    const char *vms_dir = ldc_client_install(o->parts.client)->vms_dir;
    char *path cleanup(mem_freep) = ldc_configs_path(vms_dir, entry->instance.index);
    int r = ldc_config_restore(o->options.config_copies, path, entry->instance.index,
                               entry->instance.disk_id);
    if (r == 0)
        ctl_observer_publish_restored(o, &entry->instance, w->config_loss);
    w->config_loss[0] = '\0';
    return r;
}

int ctl_observer_edit_config(struct ctl_observer *o, const char *id, const char *key,
                             const char *json_value)
{
    const struct cache_entry *entry = cache_snapshot_by_id(o->snapshot, id);
    if (!entry)
        return UV_ENOENT;
    const char *vms_dir = ldc_client_install(o->parts.client)->vms_dir;
    char *path cleanup(mem_freep) = ldc_configs_path(vms_dir, entry->instance.index);
    return ldc_config_set(path, key, json_value);
}

unsigned ctl_observer_count_vm_restarts(const struct ctl_watch *w, uint64_t now)
{
    unsigned n = 0;
    for (size_t i = 0; i < countof(w->vm_restarted_ms); i++)
        n += w->vm_restarted_ms[i] && now - w->vm_restarted_ms[i] < LDC_TIMING_CRASH_LOOP_MS;
    return n;
}

enum ctl_illness ctl_observer_illness(struct ctl_observer *o, const struct cache_instance *i)
{
    if (i->state == CACHE_STATE_STOPPED)
        return CTL_ILLNESS_NONE; /* most of a large farm */
    const struct ctl_watch *w = ctl_observer_watch(o, i->id);
    const struct ldc_setting_value *memory = &i->settings.values[LDC_SETTING_MEMORY_MB];
    uint64_t now = clock_mono_ms();
    struct ctl_vitals vitals = {
        .state = i->state,
        .state_ms = now - w->phase_since_ms,
        .starting_ms = w->started_ms ? now - w->started_ms : 0,
        .waits_for_vm = w->start_pid > 0 && !w->had_vm && !w->is_repaired,
        .guest = w->guest,
        .has_answered = w->guest_has_answered,
        .n_vm_restarts = ctl_observer_count_vm_restarts(w, now),
        .is_below_floor = memory->is_set && memory->number <= LDC_MEMORY_FLOOR_MB,
        .has_lost_config = w->config_loss[0] != '\0',
        .stuck_ms = o->options.stuck_ms,
        .longest_boot_ms = cache_care_longest_boot_ms(&w->care),
    };
    return ctl_health_judge(&vitals);
}

const struct cache_care *ctl_observer_care(struct ctl_observer *o, const char *id)
{
    return &ctl_observer_watch(o, id)->care;
}

void ctl_observer_note_act(struct ctl_observer *o, const char *id)
{
    struct ctl_watch *w = ctl_observer_watch(o, id);
    cache_care_add_act(&w->care, clock_wall_ms());
    cache_instances_put_care(o->parts.store, id, &w->care);
}

void ctl_observer_note_wish(struct ctl_observer *o, const char *id, enum cache_desired wish)
{
    ctl_observer_watch(o, id)->wish = wish;
}

enum cache_desired ctl_observer_wish(struct ctl_observer *o, const struct cache_instance *i)
{
    return i->desired != CACHE_DESIRED_NONE ? i->desired : ctl_observer_watch(o, i->id)->wish;
}

void ctl_observer_ask_guest(struct ctl_observer *o, const char *id)
{
    struct ctl_watch *w = ctl_observer_watch(o, id);
    w->guest_wanted_ms = clock_mono_ms();
    w->guest_next_ms = 0;
}

uint64_t ctl_observer_guest_answered_ms(struct ctl_observer *o, const char *id)
{
    return ctl_observer_watch(o, id)->guest_answered_ms;
}

unsigned ctl_observer_guest_failures(struct ctl_observer *o, const char *id)
{
    return ctl_observer_watch(o, id)->guest_failures;
}

uint64_t ctl_observer_guest_replied_ms(struct ctl_observer *o, const char *id)
{
    return ctl_observer_watch(o, id)->guest_replied_ms;
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

uint64_t ctl_observer_gone_ms(struct ctl_observer *o, const char *id)
{
    uint64_t since_ms = ctl_observer_watch(o, id)->gone_since_ms;
    return since_ms ? clock_mono_ms() - since_ms : 0;
}

bool ctl_observer_has_run(struct ctl_observer *o, const char *id)
{
    return ctl_observer_watch(o, id)->was_on;
}

const char *ctl_observer_starting(const struct ctl_observer *o, const char *id)
{
    for (size_t i = 0; i < countof(o->starting); i++) {
        if (o->starting[i][0] && strcmp(o->starting[i], id) != 0)
            return o->starting[i];
    }
    return NULL;
}

bool ctl_observer_is_guest_closed(const struct ctl_observer *o, const struct cache_instance *i)
{
    return ctl_prober_is_closed(ldc_client_install(o->parts.client), i->adb.debug);
}

bool ctl_observer_sees_processes(const struct ctl_observer *o)
{
    return o->knows_players;
}
