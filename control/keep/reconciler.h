/* SPDX-License-Identifier: MIT */
#ifndef CTL_RECONCILER_H
#define CTL_RECONCILER_H

#include "cache/tables/events.h"
#include "control/keep/planned_restart.h"
#include "control/keep/remedy.h"
#include "control/operations/engine.h"

/** The watchdog: the one that acts on instances by itself. It keeps them in their desired state:
 * one that should be running and is seen stopped is started, one that should be stopped and is seen
 * up is stopped. And it tells of those that are ill (control/judge/health.h) by events, and heals
 *  them as far as their `repair` allows. Each act is an operation of its own, requested by
 *  "desired-state" or "watchdog" with its reason as first evidence, behind interactive ones, never
 *  while another operation of the instance is open, and never on what is stale or was not seen by
 *  this process.
 *
 *  An illness is believed when it is seen in `looks` looks in a row, over as many spans of
 * `look_ms` less one; a guest is called silent only after three questions without an answer anyway.
 *  After each act it waits 10 s, doubling up to 10 min, before the next on the same instance; when
 *  the instance has been well for as long, the count starts again. What the budgets do not cover is
 *  not done: the instance is quarantined, or all healing stops until the hour is over. Where many
 * are ill at the same time nothing is healed, and that is told once. What an explicit start or stop
 * does to the desired state and the quarantine: see engine.h; a repair that a stop or removal by
 * hand waits for is given up. Planned restarts are for those that should run, are well and whose
 *  `repair` allows a restart, one at a time; they cost no budget. Loop thread. */
struct ctl_reconciler;

struct ctl_reconciler_parts {
    struct ctl_engine *engine;
    struct ctl_observer *observer;
    struct cache_events *events;
};

struct ctl_reconciler_options {
    unsigned looks;                   /* that must show an illness, one after another; default 3 */
    unsigned look_ms;                 /* between two of them, as a rule; default 5000 */
    struct ctl_budget budget;         /* default 5 and 10 */
    struct ctl_planned_rules planned; /* default: no planned restarts */
};
extern const struct ctl_reconciler_options ctl_reconciler_defaults;

/** Begins with the next survey. The parts outlive it. */
struct ctl_reconciler *ctl_reconciler_new(const struct ctl_reconciler_parts *parts,
                                          const struct ctl_reconciler_options *options);
/** In maintenance mode it does nothing, tells nothing, and its operations that have not begun are
 *  cancelled. */
void ctl_reconciler_set_maintenance(struct ctl_reconciler *r, bool is_maintained);
/** Starts nothing more; what it submitted goes on. Must come before ctl_engine_close. */
void ctl_reconciler_close(struct ctl_reconciler *r);

#endif
