/* SPDX-License-Identifier: MIT */
#ifndef CTL_REACH_H
#define CTL_REACH_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

/** Looking whether the ldplayerd of another workstation answers. How that is asked is known to a
 *  layer on the right, which gives these functions. Loop thread. */

struct ctl_reach_result {
    bool is_reachable;
    uint64_t latency_ms; /* from the begin to the answer, or until it was given up */
    char detail[1300];   /* what happened, in words; names the address */
};

struct ctl_reach;
typedef void (*ctl_reach_fn)(void *arg, const struct ctl_reach_result *result);

struct ctl_reach_ops {
    /** Asks ADDRESS (as address_parse takes it; copied) whether it is alive. DONE comes exactly
     *  once, in a later turn, after DEADLINE_MS at the latest; the handle ends with it. */
    struct ctl_reach *(*start)(struct loop *loop, const char *address, unsigned deadline_ms,
                               ctl_reach_fn done, void *arg);
    /** DONE comes soon, in a later turn. */
    void (*cancel)(struct ctl_reach *reach);
};

#endif
