/* SPDX-License-Identifier: MIT */
/* What a survey that can be believed says of each instance. For each row of list2:
 *
 *      which known instance is it?  identity.c: disk, marks, index   -> its watch, or a new one
 *      which processes are its own? ldconsole/process/match.c
 *      what state does that mean?   state.c, with what was asked of it and what its guest said
 *
 * then for each instance that no row was:
 *
 *      does it exist?               existence.c: row, files and processes, over several looks
 *
 * Many are judged over several turns of the loop, all against what was known when the first of them
 * was: only at the end the snapshot is another one. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "cache/tables/instances.h"
#include "control/judge/existence.h"
#include "control/judge/identity.h"
#include "control/observe/observer_private.h"
#include "ldconsole/verbs/timing.h"

/* --- processes --- */

static const struct ldc_process *find_process(const struct ldc_survey *survey, int64_t pid,
                                              enum ldc_process_role role)
{
    const struct ldc_process *p = pid > 0 ? ldc_processes_find_pid(survey->processes, pid) : NULL;
    return p && p->role == role ? p : NULL;
}

/* Once a pid of list2 was found in the table, or a process that is one of its instances' by itself
 * (find_processes), the table is of the same machine and readable, and from then on absence proves
 * something. For players and VMs apart: each kind of program may have a name that we do not know.
 */
static void learn_visibility(struct ctl_observer *o, const struct ldc_survey *survey)
{
    for (size_t i = 0; survey->has_processes && i < survey->rows.n_items; i++) {
        const struct ldc_row *row = &survey->rows.items[i];
        o->knows_players |= find_process(survey, row->pid, LDC_PROCESS_PLAYER) != NULL;
        o->knows_vms |= find_process(survey, row->vbox_pid, LDC_PROCESS_HEADLESS) != NULL;
    }
    o->sees_players = o->knows_players && survey->has_processes;
    o->sees_vms = o->knows_vms && survey->has_processes;
}

/* Whether absence of what list2 names as PID says something: in a table of this machine, unless it
 * lives and its program has a name that we do not know, as after an update of LDPlayer. Where list2
 * names none: SEES. */
static bool would_be_seen(const struct ctl_observer *o, const struct ldc_survey *survey,
                          int64_t pid, bool sees)
{
    if (pid <= 0)
        return sees;
    return survey->has_processes && (o->knows_players || o->knows_vms) &&
           (ldc_processes_find_pid(survey->processes, pid) || !ldc_process_lives(pid));
}

/* All VMs of an installation are of one program. */
static void learn_vm_dir(struct ctl_observer *o, const struct ldc_survey *survey)
{
    for (size_t i = 0; survey->has_processes && i < survey->rows.n_items; i++) {
        const struct ldc_process *vm =
            find_process(survey, survey->rows.items[i].vbox_pid, LDC_PROCESS_HEADLESS);
        if (!vm || !vm->image || (o->vm_dir && ldc_process_is_in(vm, o->vm_dir)))
            continue;
        mem_free(o->vm_dir);
        o->vm_dir = fs_dirname(vm->image);
    }
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

static struct ctl_usage usage_of(const struct ldc_process *player, const struct ldc_process *vm)
{
    struct ctl_usage usage = {0};
    if (player)
        usage =
            (struct ctl_usage){player->pid, player->age_ms, player->cpu_ms, player->private_bytes};
    if (vm) {
        usage.cpu_ms += vm->cpu_ms;
        usage.private_bytes += vm->private_bytes;
    }
    return usage;
}

static void find_processes(struct ctl_observer *o, const struct ldc_survey *survey,
                           const struct ldc_row *row, const struct ldc_config *config,
                           struct ctl_watch *w)
{
    struct ldc_match match;
    /* By now, which is later than the ages of the processes: rather too old than too young. */
    int64_t disk_age_ms =
        config && config->disk_born_ms ? clock_wall_ms() - config->disk_born_ms : 0;
    struct ldc_claim claim = {
        .index = row->index,
        .pid = row->pid,
        .vbox_pid = row->vbox_pid,
        .player = w->player,
        .headless = w->headless,
        .vm_dir = o->vm_dir,
        .age_ms = disk_age_ms > 0 ? (uint64_t)disk_age_ms + LDC_TIMING_DISK_SLACK_MS : 0,
        .has_neighbour = o->has_neighbour,
    };
    w->sees_player = would_be_seen(o, survey, row->pid, o->sees_players);
    w->sees_vm = would_be_seen(o, survey, row->vbox_pid, o->sees_vms);
    if (!survey->has_processes)
        return;
    ldc_match_find(survey->processes, ldc_client_install(o->parts.client)->dir, &claim, &match);
    w->player = id_of(match.player);
    w->usage = usage_of(match.player, match.headless);
    w->is_repaired = match.player && match.player->is_repairer;
    w->headless = id_of(match.headless);
    w->possible = match.possible ? match.possible->pid : 0;
    o->knows_players |= match.player != NULL;
    o->knows_vms |= match.headless != NULL;
}

/* --- judging one row --- */

/* For one that has appeared while we looked and was never seen running. */
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

static const char too_soon[] = "it was launched too soon after its last run";
static const char together[] =
    "it was launched at the same time as another instance, and each hangs the other";

/* Another player is another launch, unless the repairer has taken it over. What is wrong with one
 * gets it stuck (reference 2.6); ours wait for their turn. */
static void follow_launch(struct ctl_observer *o, struct ctl_watch *w, const struct ldc_row *row,
                          uint64_t now)
{
    int64_t player = w->player.pid > 0 ? w->player.pid : row->pid, former = w->start_pid;
    if (player <= 0 && w->headless.pid > 0)
        return;
    w->start_pid = player > 0 ? player : 0;
    if (player <= 0 || player == former || w->is_repaired)
        return;
    w->flaw = NULL;
    w->start_ms = now;
    w->had_vm = false;
    if (!cache_snapshot_is_observed(o->snapshot))
        return; /* the first look sees what is there, not what begins */
    uint64_t began_ms = now - (w->usage.age_ms < now ? w->usage.age_ms : 0);
    /* Its end came later than it was seen on last. Ours wait as they are told to. */
    bool is_soon = w->on_ms && began_ms < w->on_ms + LDC_TIMING_LAUNCH_APART_MS;
    if ((former > 0 || is_soon) && w->expect != CTL_EXPECT_START)
        w->flaw = too_soon;
    struct map_node *node = o->last_start[0] && now - o->last_start_ms < LDC_TIMING_LAUNCH_APART_MS
                                ? map_find(&o->watches, o->last_start)
                                : NULL;
    struct ctl_watch *other = node ? container_of(node, struct ctl_watch, by_id) : NULL;
    if (other && other != w && other->start_pid > 0 && is_start(other->state)) {
        w->flaw = w->flaw ? w->flaw : together;
        other->flaw = other->flaw ? other->flaw : together;
    }
    str_copy(o->last_start, sizeof(o->last_start), w->id);
    o->last_start_ms = now;
}

/* What is missed of its processes, and for how long; says what the facts are together. */
static void remember_missing(struct ctl_watch *w, struct ctl_facts *f)
{
    if (f->android == 0 && f->pid <= 0)
        w->had_vm = false;
    else if (f->headless > 0 || f->vbox_pid > 0)
        w->had_vm = true;
    f->had_vm = w->had_vm;
    w->n_without_vm = ctl_state_misses_vm(f) ? w->n_without_vm + 1 : 0;
    f->n_without_vm = w->n_without_vm;
    w->n_without_any = ctl_state_misses_all(f) ? w->n_without_any + 1 : 0;
    f->n_without_any = w->n_without_any;
}

static void copy_setting(const struct ldc_settings *settings, enum ldc_setting setting, char *ret,
                         size_t size)
{
    const struct ldc_setting_value *value = &settings->values[setting];
    str_copy(ret, size, value->is_set ? value->text : "");
}

/* Whatever is set from now on is for the next boot. */
static void remember_boot(struct ctl_observer *o, const struct ldc_config *config,
                          struct ctl_watch *w, int64_t vm)
{
    struct cache_booted *booted = &w->care.booted;
    if (vm <= 0 || vm == booted->vm || !config || !config->is_readable)
        return;
    booted->vm = vm;
    copy_setting(&config->settings, LDC_SETTING_MAC, booted->mac, sizeof(booted->mac));
    copy_setting(&config->settings, LDC_SETTING_ANDROID_ID, booted->android_id,
                 sizeof(booted->android_id));
    copy_setting(&config->settings, LDC_SETTING_SIM_SERIAL, booted->sim_serial,
                 sizeof(booted->sim_serial));
    cache_instances_put_care(o->parts.store, w->id, &w->care);
}

/* Without the key it is off (reference 4). */
static enum cache_adb_debug debug_of(const struct ldc_config *config)
{
    return config->adb_debug <= 0   ? CACHE_ADB_DEBUG_OFF
           : config->adb_debug == 1 ? CACHE_ADB_DEBUG_LOCAL
                                    : CACHE_ADB_DEBUG_REMOTE;
}

/* Why it does not come up, or its VM has ended: what its log says, read once, as it is begun anew
 * by each start. The clock of the file system may be behind ours. */
static void explain_vm(struct ctl_observer *o, struct ctl_watch *w, int index, uint64_t now,
                       struct ctl_verdict *ret)
{
    bool is_stuck = ret->state == CACHE_STATE_STUCK, is_zombie = ret->state == CACHE_STATE_ZOMBIE;
    struct ldc_vm_fault fault;
    if (w->state != ret->state && (is_stuck || is_zombie)) {
        int64_t since_ms = w->started_ms ? clock_wall_ms() - (int64_t)(now - w->started_ms) : 0;
        bool is_told = ldc_vm_log_read(ldc_client_install(o->parts.client)->vms_dir, index,
                                       since_ms - LDC_TIMING_LOG_SLACK_MS, &fault);
        str_copy(w->vm_fault, sizeof(w->vm_fault), is_told ? fault.sentence : "");
    }
    if ((is_stuck || is_zombie) && w->vm_fault[0])
        snprintf(ret->reason, sizeof(ret->reason), "%s; the VM's log says: %s",
                 is_stuck ? "it does not come up" : "its VM has ended", w->vm_fault);
}

/* A guest that crashes is up and booting in turn. */
static void tell_vm_restarts(const struct ctl_watch *w, uint64_t now, struct ctl_verdict *ret)
{
    size_t len = strlen(ret->reason);
    unsigned n = ctl_observer_count_vm_restarts(w, now);
    if (n > 0 && (ctl_state_is_starting(ret->state) || ctl_state_is_up(ret->state)))
        snprintf(ret->reason + len, sizeof(ret->reason) - len,
                 "; its VM ended by itself and a new one came, %u time%s in 10 minutes", n,
                 n > 1 ? "s" : "");
}

static void judge(struct ctl_observer *o, const struct ldc_survey *survey,
                  const struct ldc_row *row, const struct ldc_config *config, struct ctl_watch *w,
                  struct ctl_verdict *ret)
{
    uint64_t now = survey->ended_ms;
    follow_launch(o, w, row, now);
    if (row->android != 0)
        w->off_since_ms = 0;
    else if (w->off_since_ms == 0)
        w->off_since_ms = now;
    w->was_on |= !is_off(w, row);
    if (!is_off(w, row)) {
        w->on_ms = now;
        w->gone_since_ms = 0;
    } else if (w->gone_since_ms == 0) {
        w->gone_since_ms = w->is_new && !w->was_on ? LONG_AGO_MS : now;
    }
    update_expectation(w, row, now);
    if (config && config->is_readable)
        w->adb.debug = debug_of(config);
    /* list2 may lose the pids of what it shows as up (reference 5.2). */
    int64_t vm = row->vbox_pid > 0 ? row->vbox_pid : w->headless.pid;
    remember_boot(o, config, w, vm);
    if (w->guest_has_answered && !w->care.has_answered) {
        w->care.has_answered = true;
        cache_instances_put_care(o->parts.store, w->id, &w->care);
    }
    ctl_prober_visit(o->prober, w, row->index, row->android == 1 && vm > 0, vm, now);

    struct ctl_facts facts = {
        .android = row->android,
        .pid = row->pid,
        .vbox_pid = row->vbox_pid,
        .sees_players = w->sees_player,
        .sees_vms = w->sees_vm,
        .player = w->player.pid,
        .headless = w->headless.pid,
        .player_age_ms = w->usage.age_ms,
        .possible = w->possible,
        .is_repaired = w->is_repaired,
        .flaw = w->flaw,
        .guest = w->guest,
        .guest_reason = w->guest_reason[0] ? w->guest_reason : NULL,
        .expect = w->expect,
        .previous = w->state,
        /* One that is new to us may be newer than the look. */
        .previous_ms = now > w->phase_since_ms ? now - w->phase_since_ms : 0,
        .off_ms = row->android == 0 ? now - w->off_since_ms : 0,
        .stuck_ms = o->options.stuck_ms,
        .longest_boot_ms = cache_care_longest_boot_ms(&w->care),
    };
    remember_missing(w, &facts);
    facts.without_vm_ms = w->had_vm || w->start_pid == 0 ? 0 : now - w->start_ms;
    follow_vm(w, &facts, now);
    ctl_state_derive(&facts, ret);
    explain_vm(o, w, row->index, now, ret);
    tell_vm_restarts(w, now, ret);
    /* What a second look has to confirm is no other state yet. */
    bool is_doubted = ret->state == CACHE_STATE_UNKNOWN && w->n_without_vm == 1;
    bool is_silent = w->guest == CTL_GUEST_ANSWERS && w->guest_failures > 0;
    o->is_moving |= ctl_state_is_moving(ret->state) || is_doubted || is_silent;
    if (is_doubted)
        return;
    if (!is_same_phase(w->state, ret->state))
        w->phase_since_ms = now;
    follow_start(o, w, ret->state, now);
    w->state = ret->state;
}

bool ctl_observer_judge_making(const struct ctl_watch *w, uint64_t now)
{
    uint64_t age_ms = now - w->appeared_ms;
    if (!w->is_new || age_ms >= LDC_TIMING_MAKING_MS)
        return false;
    if (w->disk_bytes < 0)
        return age_ms < LDC_TIMING_LATE_DISK_MS;
    return w->n_disk_same < LDC_TIMING_DISK_LOOKS ||
           (w->has_grown && now - w->disk_since_ms < LDC_TIMING_DISK_QUIET_MS);
}

/* A disk that is written by LDPlayer behind its row (reference 11). */
static void see_disk(struct ctl_observer *o, const struct ldc_survey *survey, struct ctl_watch *w,
                     const struct ldc_config *config)
{
    int64_t bytes = config ? config->disk_bytes : -1;
    unsigned n_disks = config ? config->n_disks : 0;
    uint64_t time = config ? config->disk_time : 0, now = survey->ended_ms;
    if (w->was_on || !survey->has_configs)
        w->is_new = false;
    if (w->n_disk_same == 0 || w->disk_bytes != bytes || w->n_disks != n_disks ||
        w->disk_time != time) {
        w->has_grown |= w->n_disk_same > 0 && w->disk_bytes >= 0;
        w->n_disk_same = 0;
        w->disk_since_ms = now;
    }
    w->disk_bytes = bytes;
    w->n_disks = n_disks;
    w->disk_time = time;
    w->n_disk_same++;
    o->is_moving |= ctl_observer_judge_making(w, now);
}

/* --- what LDPlayer makes in the place of one that we have removed --- */

static void note_removal(struct ctl_observer *o, int index, int64_t asked_wall_ms, uint64_t now)
{
    o->removals[o->n_removals++ % CTL_OBSERVER_REMOVALS] =
        (struct ctl_removal){index, asked_wall_ms, now};
}

static bool is_younger(const struct ctl_watch *w, int64_t wall_ms)
{
    return w->born_ms + LDC_TIMING_FILE_TICK_MS > wall_ms;
}

/* While our operation lasts it removes that once more (steps_remove.c); later it is told of:
 * whether nobody wants it is not for us to say. What add or copy made has its disks by then. */
static void see_recreated(struct ctl_observer *o, const struct ctl_watch *w, int index,
                          uint64_t now)
{
    if (!w->is_new || now - w->appeared_ms < LDC_TIMING_LATE_DISK_MS ||
        !ctl_observer_is_blank(o, w->id))
        return;
    for (size_t i = 0; i < CTL_OBSERVER_REMOVALS; i++) {
        struct ctl_removal *r = &o->removals[i];
        if (r->asked_wall_ms == 0 || r->index != index)
            continue;
        if (w->appeared_ms - r->gone_ms < LDC_TIMING_RECREATE_MS && is_younger(w, r->asked_wall_ms))
            ctl_observer_publish_recreated(o, w->id, index);
        r->asked_wall_ms = 0;
    }
}

/* What takes the number of one that we have removed before anybody looks is not that one: it has
 * none of its disk, and its config file is younger than the command (reference 1.3). */
static bool is_made_anew(struct ctl_observer *o, const struct cache_entry *known,
                         const struct ldc_config *config)
{
    int64_t removed_ms = ctl_observer_watch(o, known->instance.id)->removed_wall_ms;
    return removed_ms && config && !config->disk_id[0] &&
           config->born_ms + LDC_TIMING_FILE_TICK_MS > removed_ms;
}

/* Each is taken once a survey: a second row that would be it is another one. */
static void identify(struct ctl_observer *o, const struct ldc_survey *survey,
                     const struct ldc_row *row, struct ctl_identity *ret)
{
    ctl_identity_find(o->snapshot, o->tombstones, survey->configs, row, ret);
    const struct cache_entry *known = ret->known;
    if (known && (is_made_anew(o, known, ldc_configs_find(survey->configs, row->index)) ||
                  ctl_observer_watch(o, known->instance.id)->seen))
        ret->known = NULL;
    if (ret->former && ctl_observer_watch(o, ret->former->id)->seen)
        ret->former = NULL;
}

/* Of one that is new: LDPlayer makes it in one go, what is set later somebody sets. */
static void see_settings(struct ctl_watch *w, const struct cache_entry *known,
                         const struct ldc_config *config)
{
    const struct ldc_settings *before = known ? &known->instance.settings : NULL;
    if (!w->is_new || !before || ldc_settings_is_empty(before) || !config || !config->is_readable)
        return;
    w->was_set |= ldc_settings_differing(before, NULL, &config->settings) != 0 ||
                  ldc_settings_differing(&config->settings, NULL, before) != 0;
}

static void judge_row(struct ctl_observer *o, const struct ldc_survey *survey,
                      const struct ldc_row *row)
{
    char id[UUID_SIZE];
    struct ctl_verdict verdict;
    struct ctl_identity identity;
    const struct ldc_config *config = ldc_configs_find(survey->configs, row->index);
    identify(o, survey, row, &identity);
    const struct cache_entry *known = identity.known;
    const struct cache_instance *former = identity.former;
    if (former)
        str_copy(id, sizeof(id), former->id);
    else if (!known)
        random_uuid(id);
    struct ctl_watch *w = ctl_observer_watch(o, known ? known->instance.id : id);
    if (!known) {
        w->is_new = !former && cache_snapshot_is_observed(o->snapshot);
        w->appeared_ms = survey->ended_ms;
    }
    see_settings(w, known, config);
    w->seen = true;
    w->is_unlisted = false;
    w->n_unlisted = w->n_absent = 0;
    w->was_removed &=
        survey->started_ms <= w->removed_ms; /* a look that began before says nothing */
    str_copy(w->config_loss, sizeof(w->config_loss), config ? config->loss : "");
    w->is_config_judged = !config || !config->is_unkept || !config->disk_id[0] ||
                          !o->options.config_copies; /* without a disk none is kept */
    bool is_bad = config && !config->is_missing && (!config->is_readable || config->is_truncated);
    str_copy(w->config_fault, sizeof(w->config_fault),
             !is_bad                ? ""
             : config->is_truncated ? "it was cut off: realWidth or realHeigh is 0"
                                    : config->fault);
    w->has_resbak = config && config->has_resbak;
    w->read_only_disks = config ? config->read_only_disks : 0;
    w->born_ms = config ? config->born_ms : 0;
    w->has_title = config && config->is_readable && config->player_name[0];
    find_processes(o, survey, row, config, w);
    judge(o, survey, row, config, w, &verdict);
    see_disk(o, survey, w, config);
    ctl_observer_publish(o, known, former, w, row, config, &verdict);
    see_recreated(o, w, row->index, survey->ended_ms);
}

/* --- judging one that no row was --- */

/* As another instance: its own row would have been that. */
static bool is_index_listed(const struct ldc_survey *survey, int index)
{
    for (size_t i = 0; i < survey->rows.n_items; i++) {
        if (survey->rows.items[i].index == index)
            return true;
    }
    return false;
}

static enum ctl_disk disk_of(const struct ldc_survey *survey, const struct cache_instance *i)
{
    const struct ldc_config *config = ldc_configs_find(survey->configs, i->index);
    if (is_index_listed(survey, i->index))
        return CTL_DISK_OTHER;
    if (!config || !config->disk_id[0])
        return CTL_DISK_NONE;
    return ctl_identity_has_files(i, config) ? CTL_DISK_OWN : CTL_DISK_OTHER;
}

static bool lives(const struct ctl_watch *w)
{
    return w->player.pid > 0 || w->headless.pid > 0;
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
        .has_process = survey->has_processes && lives(w),
        .has_config = config && !config->is_missing,
        .disk = disk_of(survey, i),
        .n_absent = w->n_absent,
        .absent_ms = w->n_absent > 0 ? now - w->absent_since_ms : 0,
    };
    return ctl_existence_judge(&witnesses);
}

/* Then it is certain that it will not come back. */
static bool was_removed_by_us(const struct ldc_survey *survey, const struct cache_instance *i,
                              const struct ctl_watch *w)
{
    const struct ldc_config *config = ldc_configs_find(survey->configs, i->index);
    enum ctl_disk disk = disk_of(survey, i);
    bool has_files =
        disk == CTL_DISK_OWN || (disk == CTL_DISK_NONE && config && !config->is_missing);
    return w->was_removed && !has_files;
}

static void judge_state_unlisted(struct ctl_observer *o, const struct ldc_survey *survey,
                                 const struct cache_entry *entry, struct ctl_watch *w)
{
    struct ctl_verdict verdict;
    uint64_t now = survey->ended_ms;
    struct ctl_facts facts = {
        .is_torn = survey->list == LDC_LIST_TORN,
        .expect = now < w->expect_until_ms ? w->expect : CTL_EXPECT_NOTHING,
        .previous = entry->instance.state,
        .previous_ms = now > w->phase_since_ms ? now - w->phase_since_ms : 0,
        .sees_players = w->sees_player,
        .sees_vms = w->sees_vm,
        .player = survey->has_processes ? w->player.pid : 0,
        .headless = survey->has_processes ? w->headless.pid : 0,
        .player_age_ms = w->usage.age_ms,
        .possible = survey->has_processes ? w->possible : 0,
        .stuck_ms = o->options.stuck_ms,
    };
    if (!ctl_state_derive_unlisted(&facts, ++w->n_unlisted, &verdict)) {
        cache_snapshot_keep_unseen(o->snapshot, entry,
                                   survey->list == LDC_LIST_TORN
                                       ? "list2 printed a broken row, and none of this instance"
                                       : "list2 left the row of this instance out");
        return;
    }
    if (!is_same_phase(w->state, verdict.state))
        w->phase_since_ms = now;
    follow_start(o, w, verdict.state, now);
    w->state = verdict.state;
    w->is_unlisted = verdict.state != CACHE_STATE_UNREACHABLE;
    ctl_observer_publish_doubt(o, entry, w,
                               ldc_configs_find(survey->configs, entry->instance.index), &verdict);
}

static void judge_unlisted(struct ctl_observer *o, const struct ldc_survey *survey,
                           const struct cache_entry *entry)
{
    struct ctl_watch *w = ctl_observer_watch(o, entry->instance.id);
    if (w->seen)
        return;
    /* List2 does not name any, but those that were its own, and players of its index, are. */
    struct ldc_row row = {.index = entry->instance.index};
    find_processes(o, survey, &row, ldc_configs_find(survey->configs, row.index), w);
    if (w->headless.pid == 0)
        ctl_prober_visit(o->prober, w, row.index, false, 0, survey->ended_ms);
    if (judge_existence(survey, &entry->instance, w) == CTL_GONE) {
        if (was_removed_by_us(survey, &entry->instance, w))
            note_removal(o, entry->instance.index, w->removed_wall_ms, survey->ended_ms);
        else
            ctl_tombstones_add(o->tombstones, &entry->instance);
        return;
    }
    w->seen = w->is_unlisted = true;
    /* A row that is late comes soon, if at all. */
    o->is_moving |=
        w->n_absent == 0 || survey->ended_ms - w->absent_since_ms < LDC_TIMING_ABSENT_MS;
    judge_state_unlisted(o, survey, entry, w);
}

/* --- all of them, a slice in a turn --- */

static void begin(struct ctl_observer *o, const struct ldc_survey *survey)
{
    for (struct map_node *n = map_next(&o->watches, NULL); n; n = map_next(&o->watches, n))
        container_of(n, struct ctl_watch, by_id)->seen = false;
    o->judging = survey->number;
    o->n_judged = 0;
    o->is_moving = false;
    o->has_processes = survey->has_processes;
    learn_visibility(o, survey);
    learn_vm_dir(o, survey);
    o->has_neighbour |=
        survey->has_processes &&
        ldc_match_sees_neighbour(survey->processes, ldc_client_install(o->parts.client)->dir);
    see_manager(o, survey);
    o->premises = *survey->premises;
    cache_snapshot_begin(o->snapshot);
}

/* What every operation that waits at a gate asks. */
static void find_starting(struct ctl_observer *o)
{
    size_t n_found = 0;
    memset(o->starting, 0, sizeof(o->starting));
    for (size_t n = 0; n < cache_snapshot_count(o->snapshot) && n_found < countof(o->starting);
         n++) {
        const struct cache_instance *i = &cache_snapshot_at(o->snapshot, n)->instance;
        if (ctl_state_is_starting(i->state))
            str_copy(o->starting[n_found++], UUID_SIZE, i->id);
    }
}

/* Of one that came of what was left, and is not told from others that came since. What runs
 * by now is new no longer. */
static bool is_being_made(const struct ctl_watch *w, uint64_t now)
{
    uint64_t age_ms = now - w->appeared_ms;
    if (w->disk_bytes < 0)
        return age_ms < LDC_TIMING_LATE_DISK_MS;
    return age_ms < LDC_TIMING_MAKING_MS && (w->n_disk_same < LDC_TIMING_DISK_LOOKS ||
                                             now - w->disk_since_ms < LDC_TIMING_DISK_QUIET_MS);
}

/* Whether something may yet come of what was left. */
static bool may_come(struct ctl_observer *o, uint64_t now)
{
    bool has_come = false, is_made = true;
    for (struct map_node *n = map_next(&o->watches, NULL); n; n = map_next(&o->watches, n)) {
        const struct ctl_watch *w = container_of(n, struct ctl_watch, by_id);
        if (!w->seen || w->appeared_ms < o->left_since_ms)
            continue;
        has_come = true;
        is_made &= !w->is_new || !is_being_made(w, now);
    }
    return has_come ? !is_made : now - o->left_since_ms < LDC_TIMING_LEFT_ROW_MS;
}

static void end(struct ctl_observer *o, const struct ldc_survey *survey)
{
    o->n_judged = SIZE_MAX;
    o->growing[0] = '\0';
    cache_snapshot_end(o->snapshot, survey->started_ms, survey->wall_ms);
    find_starting(o);
    for (struct map_node *node = map_next(&o->watches, NULL), *next; node; node = next) {
        struct ctl_watch *w = container_of(node, struct ctl_watch, by_id);
        next = map_next(&o->watches, node);
        if (w->seen) {
            if (w->has_grown && ctl_observer_judge_making(w, survey->ended_ms))
                str_copy(o->growing, sizeof(o->growing), w->id);
            continue;
        }
        ctl_observer_free_watch(o, w);
    }
    if (o->left_since_ms && survey->ended_ms > o->left_since_ms && !may_come(o, survey->ended_ms))
        o->left_since_ms = 0;
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
