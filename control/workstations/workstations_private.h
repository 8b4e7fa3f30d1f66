/* SPDX-License-Identifier: MIT */
#ifndef CTL_WORKSTATIONS_PRIVATE_H
#define CTL_WORKSTATIONS_PRIVATE_H

#include "base/memory/map.h"
#include "control/workstations/workstations.h"

/** What the files of the workstations share: workstations.c has them and judges this one,
 *  ..._change.c makes changes, ..._check.c looks at the others, ..._publish.c emits events. Private
 *  to them. */

struct ctl_check;

struct ctl_workstation_item {
    struct ctl_workstation w;
    struct map_node by_id;
    struct ctl_check *check; /* the look under way, or NULL */
    uint64_t check_at_ms;    /* when to look next */
    int64_t stored_seen_at;  /* last_seen_at as it was last written */
};

struct ctl_workstations {
    struct ctl_workstations_parts parts;
    struct ctl_workstations_options options;
    struct ctl_workstation_item **items; /* this workstation first */
    size_t n_items, cap;
    struct map by_id;
    struct list listeners;
    struct ctl_survey_listener on_survey;
    uv_timer_t timer;  /* for the next look at another */
    bool is_local_new; /* it has no row yet */
    bool is_started, is_closing;
    unsigned n_open; /* what must end before on_closed */
    void (*on_closed)(void *arg);
    void *closed_arg;

    struct list changes; /* first come, first served */
    bool is_writing;     /* the first of them is at the store */
    struct list local_tests;
    struct list checks; /* under way */
    unsigned n_checks;
};

struct ctl_workstation_item *ctl_workstations_item(const struct ctl_workstations *ws,
                                                   const char *id);
/** Puts a copy of ROW behind the others. */
struct ctl_workstation_item *ctl_workstations_add(struct ctl_workstations *ws,
                                                  const struct cache_workstation *row);
/** Takes ITEM off the list; the caller frees it. */
void ctl_workstations_take_out(struct ctl_workstations *ws, struct ctl_workstation_item *item);
void ctl_workstations_free_item(struct ctl_workstation_item *item);
/** Something that closing waits for has ended. */
void ctl_workstations_release(struct ctl_workstations *ws);
/** What the status of W must be now, and why (SIZE bytes): for W's row as it is, where BEFORE is
 *  what it was. */
enum cache_workstation_status ctl_workstations_derive_status(const struct ctl_workstations *ws,
                                                             const struct cache_workstation *w,
                                                             const struct cache_workstation *before,
                                                             char *reason, size_t size);

/** Writes a new status, emits the event and calls the listeners, when it is another one. REASON
 *  and last_seen_at alone are no change. */
void ctl_workstations_set_status(struct ctl_workstations *ws, struct ctl_workstation_item *item,
                                 enum cache_workstation_status status, const char *reason);
/** Emits the event and calls the listeners. BEFORE: for a change, what it was;
 *  when nothing of it differs there is no event. */
void ctl_workstations_publish(struct ctl_workstations *ws, enum cache_change_kind kind,
                              const struct ctl_workstation *w,
                              const struct cache_workstation *before);

/** Refuses what waits, except what is at the store. */
void ctl_workstations_refuse_changes(struct ctl_workstations *ws);

/** Looks at ITEM as soon as may be. */
void ctl_workstations_check_soon(struct ctl_workstations *ws, struct ctl_workstation_item *item);
/** Spreads the first looks. */
void ctl_workstations_start_checks(struct ctl_workstations *ws);
/** Ends looks and tests. */
void ctl_workstations_stop_checks(struct ctl_workstations *ws);

#endif
