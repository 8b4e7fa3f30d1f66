/* SPDX-License-Identifier: MIT */
#ifndef CTL_RECONCILER_H
#define CTL_RECONCILER_H

#include "control/operations/engine.h"

/** Keeps instances in their desired state. One that should be running and is seen stopped is
 *  started, one that should be stopped and is seen up is stopped, each by an operation of its own
 *  (requested by "desired-state", behind interactive ones), never while another operation of the
 *  instance is open, and never on what is stale or was not seen by this process.
 *
 *  It does not touch instances that are on their way, stuck, zombie, unreachable or unknown: to
 *  repair those is a decision of its own. After each attempt it waits 10 s, doubling up to 10 min,
 *  before the next on the same instance; when the desired state held for as long, the count starts
 *  again. What an explicit start or stop does to the desired state: see engine.h. Loop thread. */
struct ctl_reconciler;

/** Begins with the next survey. Both parts outlive it. */
struct ctl_reconciler *ctl_reconciler_new(struct ctl_engine *engine, struct ctl_observer *observer);
/** Starts nothing more; what it submitted goes on. Must come before ctl_engine_close. */
void ctl_reconciler_close(struct ctl_reconciler *r);

#endif
