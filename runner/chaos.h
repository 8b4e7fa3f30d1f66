/* SPDX-License-Identifier: MIT */
#ifndef CHAOS_H
#define CHAOS_H

#include "runner/runner.h"

/** Chaos for drills: a runner that stands in front of another one and, while a drill lasts, spoils
 *  some of what it is asked to run. What is spoiled is not run at all (but for latency), so a drill
 *  does nothing to an instance. Without a drill everything is handed on. It is only there where the
 *  configuration allows drills. Loop thread. */
enum chaos_kind {
    CHAOS_LATENCY, /* begins so much later */
    CHAOS_HANG,    /* gives no answer until its deadline */
    CHAOS_ERROR,   /* ends at once with exit code -1 */
    CHAOS_GARBAGE, /* ends with 0 and prints what means nothing */
    CHAOS_KIND_COUNT
};
/** "latency", "hang", "error", "garbage". */
extern const char *const chaos_kind_names[CHAOS_KIND_COUNT];

enum {
    CHAOS_MAX_LATENCY_MS = 60000,
    CHAOS_MAX_DURATION_MS = 3600000,
    CHAOS_VERB_SIZE = 32,
    CHAOS_BY_SIZE = 80
};

struct chaos_drill {
    enum chaos_kind kind;
    unsigned percent;           /* of the runs that it is about, 1 to 100 */
    unsigned latency_ms;        /* for CHAOS_LATENCY, 1 to CHAOS_MAX_LATENCY_MS */
    unsigned duration_ms;       /* 1 to CHAOS_MAX_DURATION_MS, then it ends by itself */
    char verb[CHAOS_VERB_SIZE]; /* only runs with this first argument; "" = all */
    char by[CHAOS_BY_SIZE];     /* who wanted it: what is spoiled says so */
    uint64_t ends_ms;           /* of a drill that has begun: when, monotonic ... */
    unsigned n_spoiled;         /* ... and what it has done so far */
};

struct chaos;

/** Takes INNER over, and closes it with itself. */
struct runner *chaos_new(struct loop *loop, struct runner *inner);
/** RUNNER is one of chaos_new. */
struct chaos *chaos_of(struct runner *runner);

/** Called after a drill has begun or ended; WHY: NULL when it begins. */
typedef void (*chaos_fn)(void *arg, const struct chaos_drill *drill, const char *why);
void chaos_on_change(struct chaos *c, chaos_fn fn, void *arg);
/** Begins DRILL (copied; its last two members do not count) in the place of one that is on. */
void chaos_begin(struct chaos *c, const struct chaos_drill *drill);
/** Ends what is on, because of WHY; what was spoiled already stays so. */
void chaos_end(struct chaos *c, const char *why);
/** NULL when there is none; until the loop turns. */
const struct chaos_drill *chaos_drill(const struct chaos *c);

#endif
