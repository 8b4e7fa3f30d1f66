/* SPDX-License-Identifier: MIT */
#ifndef CTL_PROBER_H
#define CTL_PROBER_H

#include "base/loop/loop.h"
#include "cache/snapshot/snapshot.h"
#include "control/observe/watch.h"
#include "ldconsole/guard/client.h"

/** Asks the guests of running instances whether Android answers, its system server included, and
 *  whose guest it is: by `ld` where it stands beside ldconsole (it needs no ADB), else by `adb`,
 *  unless ADB debugging is off. Often after a start, once a minute later. Without either tool
 *  guests stay unknown. Loop thread. */
struct ctl_prober;

/** ON_CHANGE is called in a later turn when an answer changed what a watch knows of its guest. ALL
 *  has the configs that answers are held against. WATCHES is keyed by instance id; a watch may
 *  vanish while its guest is asked. */
struct ctl_prober *ctl_prober_new(struct ldc_client *client, const struct cache_snapshot *all,
                                  struct map *watches, void (*on_change)(void *arg), void *arg);
/** Calls that are out are forgotten; their callbacks still come through the client. */
void ctl_prober_close(struct ctl_prober *p);
/** For every instance of a survey: asks the guest when it is due, forgets what was known when the
 *  instance is not up or has another VM. WATCH has what its config says of ADB debugging. */
void ctl_prober_visit(struct ctl_prober *p, struct ctl_watch *watch, int index, bool is_up,
                      int64_t vm_pid, uint64_t now_ms);
/** Whether there is no way into a guest with ADB debugging as in DEBUG, so that it is never
 *  `ready`. */
bool ctl_prober_is_closed(const struct ldc_install *install, enum cache_adb_debug debug);
/** That, as a sentence without beginning and end. */
extern const char ctl_prober_closed[];

#endif
