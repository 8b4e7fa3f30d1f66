/* SPDX-License-Identifier: MIT */
/* What operations, people and the watchdog let the observer know. */
#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "cache/tables/instances.h"
#include "control/observe/observer_private.h"
#include "ldconsole/verbs/timing.h"

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

void ctl_observer_note_removed(struct ctl_observer *o, const char *id)
{
    struct ctl_watch *w = ctl_observer_watch(o, id);
    w->was_removed = true;
    w->removed_ms = clock_mono_ms();
    w->removed_wall_ms = clock_wall_ms();
}

void ctl_observer_note_left(struct ctl_observer *o, uint64_t since_ms)
{
    o->left_since_ms = since_ms;
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

void ctl_observer_ask_guest(struct ctl_observer *o, const char *id)
{
    struct ctl_watch *w = ctl_observer_watch(o, id);
    w->guest_wanted_ms = clock_mono_ms();
    w->guest_next_ms = 0;
}
