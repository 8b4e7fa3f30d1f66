/* SPDX-License-Identifier: MIT */
/* What a survey that can be believed says of each instance. For each row of list2:
 *
 *      which known instance is it?  identity.c: the disk decides     -> its watch, or a new one
 *      which processes are its own? ldconsole/process/match.c
 *      what state does that mean?   state.c, with what was asked of it and what its guest said
 *
 * then for each instance that no row was:
 *
 *      does it exist?               existence.c: row, config file and disk, over several looks
 *
 * Many are judged over several turns of the loop, all against what was known when the first of them
 * was: only at the end the snapshot is another one. */
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "cache/tables/instances.h"
#include "control/observe/existence.h"
#include "control/observe/identity.h"
#include "control/observe/observer_private.h"
#include "ldconsole/verbs/timing.h"

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
    for (size_t i = 0; survey->has_processes && i < survey->rows.n_items; i++) {
        const struct ldc_row *row = &survey->rows.items[i];
        o->knows_players |= is_process(survey, row->pid, LDC_PROCESS_PLAYER);
        o->knows_vms |= is_process(survey, row->vbox_pid, LDC_PROCESS_HEADLESS);
    }
    o->sees_players = o->knows_players && survey->has_processes;
    o->sees_vms = o->knows_vms && survey->has_processes;
}

static void see_manager(struct ctl_observer *o, const struct ldc_survey *survey)
{
    if (!survey->has_processes)
        return;
    const struct ldc_process *manager =
        ldc_processes_find_manager(survey->processes, ldc_client_install(o->parts.client)->dir);
    int64_t former = o->manager_pid;
    o->manager_pid = manager ? manager->pid : 0;
    if (manager)
        o->manager_survey = survey->number;
    if ((former > 0) != (o->manager_pid > 0))
        ctl_observer_publish_manager(o);
}

static struct ldc_process_id id_of(const struct ldc_process *p)
{
    return p ? (struct ldc_process_id){p->pid, p->born} : (struct ldc_process_id){0};
}

static void find_processes(struct ctl_observer *o, const struct ldc_survey *survey,
                           const struct ldc_row *row, struct ctl_watch *w)
{
    struct ldc_match match;
    struct ldc_claim claim = {row->index, row->pid, row->vbox_pid, w->player, w->headless};
    if (!survey->has_processes)
        return;
    ldc_match_find(survey->processes, ldc_client_install(o->parts.client)->dir, &claim, &match);
    w->player = id_of(match.player);
    w->headless = id_of(match.headless);
    w->is_ambiguous = match.is_ambiguous;
}

/* --- judging one row --- */

/* For one that was never seen running. */
enum { LONG_AGO_MS = 1 };

static bool is_start(enum cache_state state)
{
    return state == CACHE_STATE_STARTING || state == CACHE_STATE_BOOTING ||
           state == CACHE_STATE_STUCK;
}

/* Starting and booting are one phase: what counts is how long the start takes altogether. */
static bool is_same_phase(enum cache_state a, enum cache_state b)
{
    return a == b || (is_start(a) && is_start(b));
}

static bool is_off(const struct ctl_watch *w, const struct ldc_row *row)
{
    return row->android == 0 && row->pid <= 0 && w->player.pid == 0 && w->headless.pid == 0;
}

static void update_expectation(struct ctl_watch *w, const struct ldc_row *row, uint64_t now)
{
    bool is_met = (w->expect == CTL_EXPECT_START && (row->android != 0 || row->pid > 0)) ||
                  (w->expect == CTL_EXPECT_STOP && is_off(w, row));
    if (is_met || now >= w->expect_until_ms)
        w->expect = CTL_EXPECT_NOTHING;
}

/* When a start begins, and how long a boot took that was seen from its beginning. One that somebody
 * had to help says little of how long a boot takes. */
static void follow_start(struct ctl_observer *o, struct ctl_watch *w, enum cache_state next,
                         uint64_t now)
{
    enum { MAX_OF_STUCK = 5 };
    if (w->started_ms == 0 && is_start(next)) {
        w->started_ms = now;
        w->saw_start = w->state == CACHE_STATE_STOPPED;
    } else if (w->started_ms && ctl_state_is_up(next)) {
        uint64_t boot_ms = now - w->started_ms;
        w->started_ms = 0;
        if (w->saw_start && boot_ms < (uint64_t)MAX_OF_STUCK * o->options.stuck_ms) {
            cache_care_add_boot(&w->care, (unsigned)boot_ms);
            cache_instances_put_care(o->parts.store, w->id, &w->care);
        }
    } else if (next == CACHE_STATE_STOPPED) {
        w->started_ms = 0;
        w->wish = CACHE_DESIRED_NONE; /* it is done, or of before */
    }
}

/* A guest that crashes is started again by its window, which stays (reference 5.2, RAM floor). */
static void follow_vm(struct ctl_watch *w, const struct ctl_facts *f, uint64_t now)
{
    int64_t vm = f->headless > 0 ? f->headless : f->vbox_pid;
    int64_t player = f->player > 0 ? f->player : f->pid;
    if (player > 0 && player != w->vm_player) {
        memset(w->vm_restarted_ms, 0, sizeof(w->vm_restarted_ms));
        w->vm_player = player;
        w->vm_pid = 0;
    }
    if (vm > 0 && w->vm_pid > 0 && vm != w->vm_pid) {
        memmove(w->vm_restarted_ms, w->vm_restarted_ms + 1,
                sizeof(w->vm_restarted_ms) - sizeof(w->vm_restarted_ms[0]));
        w->vm_restarted_ms[countof(w->vm_restarted_ms) - 1] = now;
    }
    if (vm > 0)
        w->vm_pid = vm;
}

/* Whose VM is missed, and for how long; says what the facts are together. */
static void remember_vm(struct ctl_watch *w, struct ctl_facts *f)
{
    if (f->android == 0 && f->pid <= 0)
        w->had_vm = false;
    else if (f->headless > 0 || f->vbox_pid > 0)
        w->had_vm = true;
    f->had_vm = w->had_vm;
    w->n_without_vm = ctl_state_misses_vm(f) ? w->n_without_vm + 1 : 0;
    f->n_without_vm = w->n_without_vm;
}

/* Without the key it is off (reference 4). */
static enum cache_adb_debug debug_of(const struct ldc_config *config)
{
    return config->adb_debug <= 0   ? CACHE_ADB_DEBUG_OFF
           : config->adb_debug == 1 ? CACHE_ADB_DEBUG_LOCAL
                                    : CACHE_ADB_DEBUG_REMOTE;
}

static void judge(struct ctl_observer *o, const struct ldc_survey *survey,
                  const struct ldc_row *row, const struct ldc_config *config, struct ctl_watch *w,
                  bool was_on, struct ctl_verdict *ret)
{
    uint64_t now = survey->ended_ms;
    if (row->android != 0)
        w->off_since_ms = 0;
    else if (w->off_since_ms == 0)
        w->off_since_ms = now;
    w->was_on |= !is_off(w, row);
    if (!is_off(w, row))
        w->gone_since_ms = 0;
    else if (w->gone_since_ms == 0)
        w->gone_since_ms = w->state == CACHE_STATE_UNKNOWN && !was_on ? LONG_AGO_MS : now;
    update_expectation(w, row, now);
    if (config && config->is_readable)
        w->adb.debug = debug_of(config);
    ctl_prober_visit(o->prober, w, row->index, row->android == 1 && row->vbox_pid > 0,
                     row->vbox_pid, now);

    struct ctl_facts facts = {
        .android = row->android,
        .pid = row->pid,
        .vbox_pid = row->vbox_pid,
        .sees_players = o->sees_players,
        .sees_vms = o->sees_vms,
        .player = w->player.pid,
        .headless = w->headless.pid,
        .is_ambiguous = w->is_ambiguous,
        .guest = w->guest,
        .guest_reason = w->guest_reason[0] ? w->guest_reason : NULL,
        .expect = w->expect,
        .previous = w->state,
        /* One that is new to us may be newer than the look. */
        .previous_ms = now > w->phase_since_ms ? now - w->phase_since_ms : 0,
        .off_ms = row->android == 0 ? now - w->off_since_ms : 0,
        .stuck_ms = o->options.stuck_ms,
    };
    remember_vm(w, &facts);
    follow_vm(w, &facts, now);
    ctl_state_derive(&facts, ret);
    if (!is_same_phase(w->state, ret->state))
        w->phase_since_ms = now;
    follow_start(o, w, ret->state, now);
    w->state = ret->state;
    o->is_moving |= ctl_state_is_moving(ret->state) || w->n_without_vm == 1;
}

bool ctl_observer_judge_making(const struct ctl_watch *w, uint64_t now)
{
    if (!w->is_new)
        return false;
    return w->disk_bytes < 0 ? now - w->appeared_ms < LDC_TIMING_LATE_DISK_MS
                             : w->n_disk_same < LDC_TIMING_DISK_LOOKS;
}

/* A disk that is written by LDPlayer behind its row (reference 11). */
static void see_disk(struct ctl_observer *o, const struct ldc_survey *survey, struct ctl_watch *w,
                     const struct ldc_config *config)
{
    int64_t bytes = config ? config->disk_bytes : -1;
    uint64_t now = survey->ended_ms;
    if (w->was_on || !survey->has_configs)
        w->is_new = false;
    if (w->n_disk_same == 0 || w->disk_bytes != bytes) {
        w->has_grown |= w->n_disk_same > 0 && w->disk_bytes >= 0;
        w->n_disk_same = 0;
        w->disk_since_ms = now;
    }
    w->disk_bytes = bytes;
    w->n_disk_same++;
    o->is_moving |= ctl_observer_judge_making(w, now);
}

/* What takes the number of one that we have removed before anybody looks is not that one: it has
 * none of its disk, and its config file is younger than the command (reference 1.3). */
static bool is_made_anew(struct ctl_observer *o, const struct cache_entry *known,
                         const struct ldc_config *config)
{
    enum { TICK_MS = 20 }; /* file systems have a coarser clock */
    int64_t removed_ms = ctl_observer_watch(o, known->instance.id)->removed_ms;
    return removed_ms && config && !config->disk_id[0] && config->born_ms + TICK_MS > removed_ms;
}

static void judge_row(struct ctl_observer *o, const struct ldc_survey *survey,
                      const struct ldc_row *row)
{
    char id[UUID_SIZE];
    struct ctl_verdict verdict;
    const struct ldc_config *config = ldc_configs_find(survey->configs, row->index);
    const char *disk_id = config ? config->disk_id : "";
    const struct cache_entry *known = ctl_identity_find(o->snapshot, row->index, disk_id);
    if (known && is_made_anew(o, known, config))
        known = NULL;
    const struct cache_instance *former =
        known ? NULL : ctl_tombstones_find(o->tombstones, disk_id);
    if (former)
        str_copy(id, sizeof(id), former->id);
    else if (!known)
        random_uuid(id);
    struct ctl_watch *w = ctl_observer_watch(o, known ? known->instance.id : id);
    if (!known) {
        w->is_new = !former && cache_snapshot_is_observed(o->snapshot);
        w->appeared_ms = survey->ended_ms;
    }
    w->seen = true;
    w->is_unlisted = false;
    w->n_absent = 0;
    w->was_removed = false;
    str_copy(w->config_loss, sizeof(w->config_loss), config ? config->loss : "");
    w->has_bad_config =
        config && !config->is_missing && (!config->is_readable || config->is_truncated);
    w->has_title = config && config->is_readable && config->player_name[0];
    find_processes(o, survey, row, w);
    bool was_on = known && known->instance.state != CACHE_STATE_STOPPED &&
                  known->instance.state != CACHE_STATE_UNKNOWN;
    judge(o, survey, row, config, w, was_on, &verdict);
    see_disk(o, survey, w, config);
    ctl_observer_publish(o, known, former, w, row, config, &verdict);
}

/* --- judging one that no row was --- */

static enum ctl_disk disk_of(const struct cache_instance *i, const struct ldc_config *config)
{
    if (!config || !config->disk_id[0])
        return CTL_DISK_NONE;
    bool is_own = !i->disk_id[0] || strcmp(config->disk_id, i->disk_id) == 0;
    return is_own ? CTL_DISK_OWN : CTL_DISK_OTHER;
}

static enum ctl_existence judge_existence(const struct ldc_survey *survey,
                                          const struct cache_instance *i, struct ctl_watch *w)
{
    const struct ldc_config *config = ldc_configs_find(survey->configs, i->index);
    bool is_list_whole = survey->list != LDC_LIST_TORN;
    uint64_t now = survey->ended_ms;

    if (is_list_whole && w->n_absent++ == 0)
        w->absent_since_ms = now;
    struct ctl_witnesses witnesses = {
        .is_list_whole = is_list_whole,
        .is_folder_read = survey->has_configs,
        .has_config = config && !config->is_missing,
        .disk = disk_of(i, config),
        .was_removed = w->was_removed,
        .n_absent = w->n_absent,
        .absent_ms = w->n_absent > 0 ? now - w->absent_since_ms : 0,
    };
    return ctl_existence_judge(&witnesses);
}

/* Then it is certain that its disk will not come back. */
static bool was_removed_by_us(const struct ldc_survey *survey, const struct cache_instance *i,
                              const struct ctl_watch *w)
{
    return w->was_removed &&
           disk_of(i, ldc_configs_find(survey->configs, i->index)) != CTL_DISK_OWN;
}

/* It stays as it was while its row may only be late; what is left out for longer is not known. */
static void judge_unlisted(struct ctl_observer *o, const struct ldc_survey *survey,
                           const struct cache_entry *entry)
{
    struct ctl_watch *w = ctl_observer_watch(o, entry->instance.id);
    if (w->seen)
        return;
    if (judge_existence(survey, &entry->instance, w) == CTL_GONE) {
        if (!was_removed_by_us(survey, &entry->instance, w))
            ctl_tombstones_add(o->tombstones, &entry->instance);
        return;
    }
    w->seen = w->is_unlisted = true;
    o->is_moving = true;
    if (w->n_absent < LDC_TIMING_ABSENT_LOOKS) {
        cache_snapshot_keep(o->snapshot, entry);
        return;
    }
    w->state = CACHE_STATE_UNKNOWN;
    ctl_observer_publish_doubt(o, entry,
                               "list2 does not show it, but its files are there; looking again");
}

/* --- all of them, a slice in a turn --- */

static void begin(struct ctl_observer *o, const struct ldc_survey *survey)
{
    for (struct map_node *n = map_next(&o->watches, NULL); n; n = map_next(&o->watches, n))
        container_of(n, struct ctl_watch, by_id)->seen = false;
    o->judging = survey->number;
    o->n_judged = 0;
    o->is_moving = false;
    learn_visibility(o, survey);
    see_manager(o, survey);
    cache_snapshot_begin(o->snapshot);
}

bool ctl_observer_judge_starting(const struct cache_instance *i)
{
    return i->state == CACHE_STATE_STARTING || i->state == CACHE_STATE_BOOTING;
}

/* What every operation that waits at a gate asks. */
static void count_starting(struct ctl_observer *o)
{
    o->n_starting = 0;
    for (size_t n = 0; n < cache_snapshot_count(o->snapshot); n++)
        o->n_starting += ctl_observer_judge_starting(&cache_snapshot_at(o->snapshot, n)->instance);
}

static void end(struct ctl_observer *o, const struct ldc_survey *survey)
{
    o->n_judged = SIZE_MAX;
    o->is_growing = false;
    cache_snapshot_end(o->snapshot, survey->started_ms, survey->wall_ms);
    count_starting(o);
    for (struct map_node *node = map_next(&o->watches, NULL), *next; node; node = next) {
        struct ctl_watch *w = container_of(node, struct ctl_watch, by_id);
        next = map_next(&o->watches, node);
        if (w->seen) {
            o->is_growing |= w->has_grown && ctl_observer_judge_making(w, survey->ended_ms);
            continue;
        }
        ctl_observer_free_watch(o, w);
    }
}

bool ctl_observer_judge(struct ctl_observer *o, const struct ldc_survey *survey)
{
    const struct ldc_rows *rows = &survey->rows;
    size_t n = rows->n_items + cache_snapshot_count(o->snapshot);

    if (o->judging != survey->number)
        begin(o, survey);
    if (o->n_judged == SIZE_MAX)
        return true;
    for (size_t i = 0; i < CTL_OBSERVER_SLICE && o->n_judged < n; i++, o->n_judged++) {
        if (o->n_judged < rows->n_items)
            judge_row(o, survey, &rows->items[o->n_judged]);
        else
            judge_unlisted(o, survey, cache_snapshot_at(o->snapshot, o->n_judged - rows->n_items));
    }
    if (o->n_judged < n)
        return false;
    end(o, survey);
    return true;
}
