/* SPDX-License-Identifier: MIT */
#ifndef LDC_CHAOS_H
#define LDC_CHAOS_H

#include "runner/runner.h"

/** Chaos for drills: a runner that stands in front of another one and, while a drill lasts, spoils
 *  some of what it is asked to run. What is spoiled is not run at all (but for latency), so a drill
 *  does nothing to an instance. Without a drill everything is handed on. It is only there where the
 *  configuration allows drills. Loop thread. */
enum ldc_chaos_kind {
    LDC_CHAOS_LATENCY, /* begins so much later */
    LDC_CHAOS_HANG,    /* gives no answer until its deadline */
    LDC_CHAOS_ERROR,   /* ends at once with exit code -1 */
    LDC_CHAOS_GARBAGE, /* ends with 0 and prints what means nothing */
    LDC_CHAOS_KIND_COUNT
};
/** "latency", "hang", "error", "garbage". */
extern const char *const ldc_chaos_kind_names[LDC_CHAOS_KIND_COUNT];

enum {
    LDC_CHAOS_MAX_LATENCY_MS = 60000,
    LDC_CHAOS_MAX_DURATION_MS = 3600000,
    LDC_CHAOS_VERB_SIZE = 32,
    LDC_CHAOS_BY_SIZE = 80
};

struct ldc_chaos_drill {
    enum ldc_chaos_kind kind;
    unsigned percent;               /* of the runs that it is about, 1 to 100 */
    unsigned latency_ms;            /* for LDC_CHAOS_LATENCY, 1 to LDC_CHAOS_MAX_LATENCY_MS */
    unsigned duration_ms;           /* 1 to LDC_CHAOS_MAX_DURATION_MS, then it ends by itself */
    char verb[LDC_CHAOS_VERB_SIZE]; /* only runs with this first argument; "" = all */
    char by[LDC_CHAOS_BY_SIZE];     /* who wanted it: what is spoiled says so */
    uint64_t ends_ms;               /* of a drill that has begun: when, monotonic ... */
    unsigned n_spoiled;             /* ... and what it has done so far */
};

struct ldc_chaos;

/** Takes INNER over, and closes it with itself. */
struct runner *ldc_chaos_new(struct loop *loop, struct runner *inner);
/** RUNNER is one of ldc_chaos_new. */
struct ldc_chaos *ldc_chaos_of(struct runner *runner);

/** Called after a drill has begun or ended; WHY: NULL when it begins. */
typedef void (*ldc_chaos_fn)(void *arg, const struct ldc_chaos_drill *drill, const char *why);
void ldc_chaos_on_change(struct ldc_chaos *c, ldc_chaos_fn fn, void *arg);
/** Begins DRILL (copied; its last two members do not count) in the place of one that is on. */
void ldc_chaos_begin(struct ldc_chaos *c, const struct ldc_chaos_drill *drill);
/** Ends what is on, because of WHY; what was spoiled already stays so. */
void ldc_chaos_end(struct ldc_chaos *c, const char *why);
/** NULL when there is none; until the loop turns. */
const struct ldc_chaos_drill *ldc_chaos_drill(const struct ldc_chaos *c);

#endif
