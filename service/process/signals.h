/* SPDX-License-Identifier: MIT */
#ifndef SVC_SIGNALS_H
#define SVC_SIGNALS_H

#include "base/loop/loop.h"
#include "service/process/platform.h"

/** The system's signals as callbacks on the loop. */
struct svc_signals;

typedef void (*svc_signal_fn)(void *arg, const struct svc_signal_rule *rule);

/** Watches every signal of the platform's table; they do not keep the loop alive. A signal that
 *  cannot be watched is left at its default. */
struct svc_signals *svc_signals_new(struct loop *loop, svc_signal_fn fn, void *arg);
/** Stops watching; ON_CLOSED is called in a later turn, and they are gone. */
void svc_signals_close(struct svc_signals *signals, void (*on_closed)(void *arg), void *arg);

#endif
