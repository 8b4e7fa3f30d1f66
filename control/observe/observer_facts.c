/* SPDX-License-Identifier: MIT */
/* What the last looks say of one instance, for whoever asks; no look of its own. */
#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "control/observe/observer_private.h"
#include "ldconsole/verbs/timing.h"

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

struct ctl_disks ctl_observer_disks(struct ctl_observer *o, const char *id)
{
    const struct ctl_watch *w = ctl_observer_watch(o, id);
    return (struct ctl_disks){w->disk_bytes, w->n_disks, w->n_disk_same,
                              clock_mono_ms() - w->disk_since_ms};
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

struct ctl_usage ctl_observer_usage(struct ctl_observer *o, const char *id)
{
    return ctl_observer_watch(o, id)->usage;
}

const char *ctl_observer_launch_flaw(struct ctl_observer *o, const char *id)
{
    return ctl_observer_watch(o, id)->flaw;
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

enum cache_desired ctl_observer_wish(struct ctl_observer *o, const struct cache_instance *i)
{
    return i->desired != CACHE_DESIRED_NONE ? i->desired : ctl_observer_watch(o, i->id)->wish;
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
