/* SPDX-License-Identifier: MIT */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <uv.h>

#include "base/memory/list.h"

/** The one event loop. It owns all state; other threads only post to it. */
typedef void (*loop_fn)(void *arg);

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_mutex_t lock;
    struct list posted;
    size_t n_posted;
};

/** Returns 0 or a UV error. */
int loop_init(struct loop *l);
/** Runs until no other handle is alive and nothing posted is left. */
void loop_run(struct loop *l);
/** Closes the loop. Every other handle must be closed by now: returns UV_EBUSY if one is not. */
int loop_deinit(struct loop *l);
/** Calls FN(ARG) on the loop thread in a later turn, in the order posted. Any thread. A post from
 *  another thread does not keep the loop running; whoever waits for it must. */
void loop_post(struct loop *l, loop_fn fn, void *arg);

#endif
