/* SPDX-License-Identifier: MIT */
#ifndef CTL_CHAOS_H
#define CTL_CHAOS_H

#include <stdarg.h>

#include "base/memory/buf.h"
#include "tests/unit/control/world.h"

/** A farm that lives (fake_farm.h), on the fake clock, with the watchdog at work, to which known
 *  faults happen. The farm counts what is done to whom; the rules of chaos_check hold at every
 *  moment of every schedule. What was heard and said of a fault is kept with its time. */

enum { CHAOS_N = 5, CHAOS_MAX_OPS = 64 };

struct chaos;

struct chaos_fault {
    const char *name; /* as reference 5.2 has it */
    /* What is said of it and of nothing else, in a state's reason or an event. */
    const char *sign;
    const char *seen, *done;            /* for docs/faults.md */
    void (*begin)(struct chaos *c, int index);
    enum {
        CHAOS_CURED,    /* it is well again, by what we do */
        CHAOS_PASSES,   /* it gets well by itself, and nothing is done */
        CHAOS_REPORTED  /* somebody has to mend it, who is told what */
    } outcome;
    bool is_of_host;     /* not of one instance */
    bool needs_witness;  /* who did not see the launch does not know what was wrong with it */
};
extern const struct chaos_fault chaos_faults[];
extern const size_t chaos_n_faults;

/** One fault that happened. */
struct chaos_case {
    const struct chaos_fault *fault;
    int index;
    uint64_t began_ms, noticed_ms, healed_ms; /* 0 = not yet */
    bool is_excused; /* nobody need know any more what it was */
};

struct chaos_op {
    char id[UUID_SIZE];
    unsigned n_ends;
};

struct chaos {
    struct world w;
    struct ctl_survey_listener listener;
    char *copies;
    uint64_t seed, random;
    struct buf told; /* what happened, for a failure */
    uint64_t began_ms;
    struct chaos_case cases[8];
    size_t n_cases;
    bool may_touch[CHAOS_N], may_end[CHAOS_N]; /* to quit or start it; to end its processes */
    bool is_restarting, is_healing_stopped;
    bool has_looked; /* a survey since the last question */
    uint64_t well_since_ms;
    struct chaos_op ops[CHAOS_MAX_OPS]; /* those that were heard of */
    size_t n_ops;
};

/** SEED decides what chaos_random says. */
void chaos_begin(struct chaos *c, uint64_t seed);
/** Checks what must be so at the end of everything, too. */
void chaos_end(struct chaos *c);
unsigned chaos_random(struct chaos *c, unsigned below);
/** Lets MS pass. */
void chaos_pass(struct chaos *c, uint64_t ms);
/** FAULT happens to the instance at INDEX, now; unless something is wrong with that already:
 *  returns whether it did. */
bool chaos_strike(struct chaos *c, const struct chaos_fault *fault, int index);
/** Somebody asks for it; force as well. */
void chaos_ask(struct chaos *c, enum cache_op_kind kind, int index, bool force);
/** The service is killed and starts again. */
void chaos_restart(struct chaos *c);
/** Whether this machine runs on Hyper-V, from the next start on. */
void chaos_set_hyper_v(bool is_on);
/** Lets time pass until everything is well or reported, and nothing is under way. */
void chaos_settle(struct chaos *c);
/** What it should be. */
void chaos_desire(struct chaos *c, int index, enum cache_desired desired);
void chaos_tell(struct chaos *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define chaos_must(c, condition, ...)                                                              \
    do {                                                                                           \
        char why_[400];                                                                            \
        snprintf(why_, sizeof(why_), __VA_ARGS__);                                                 \
        cr_assert(condition, "%s\nLDP_SEED=%" PRIu64 ": %s", why_, (c)->seed, (c)->told.data);     \
    } while (0)

#endif
