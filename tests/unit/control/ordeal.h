/* SPDX-License-Identifier: MIT */
#ifndef CTL_ORDEAL_H
#define CTL_ORDEAL_H

#include <stdarg.h>

#include "base/memory/buf.h"
#include "tests/unit/control/world.h"

/** A farm that lives (fake_farm.h), on the fake clock, with the watchdog at work, to which known
 *  faults happen. The farm counts what is done to whom; the rules of ordeal_check hold at every
 *  moment of every schedule. What was heard and said of a fault is kept with its time. */

enum { ORDEAL_N = 5, ORDEAL_MAX_OPS = 64 };

struct ordeal;

struct ordeal_fault {
    const char *name; /* as reference 5.2 has it */
    /* What is said of it and of nothing else, in a state's reason or an event. */
    const char *sign;
    const char *seen, *done; /* for docs/faults.md */
    void (*begin)(struct ordeal *c, int index);
    enum {
        ORDEAL_CURED,   /* it is well again, by what we do */
        ORDEAL_PASSES,  /* it gets well by itself, and nothing is done */
        ORDEAL_REPORTED /* somebody has to mend it, who is told what */
    } outcome;
    bool is_of_host;    /* not of one instance */
    bool needs_witness; /* who did not see the launch does not know what was wrong with it */
};
extern const struct ordeal_fault ordeal_faults[];
extern const size_t ordeal_n_faults;

/** One fault that happened. */
struct ordeal_case {
    const struct ordeal_fault *fault;
    int index;
    uint64_t began_ms, noticed_ms, healed_ms; /* 0 = not yet */
    bool is_excused;                          /* nobody need know any more what it was */
};

struct ordeal_op {
    char id[UUID_SIZE];
    unsigned n_ends;
};

struct ordeal {
    struct world w;
    struct ctl_survey_listener listener;
    char *copies;
    uint64_t seed, random;
    struct buf told; /* what happened, for a failure */
    uint64_t began_ms;
    struct ordeal_case cases[8];
    size_t n_cases;
    bool may_touch[ORDEAL_N], may_end[ORDEAL_N]; /* to quit or start it; to end its processes */
    bool is_restarting, is_healing_stopped;
    bool has_looked; /* a survey since the last question */
    uint64_t well_since_ms;
    struct ordeal_op ops[ORDEAL_MAX_OPS]; /* those that were heard of */
    size_t n_ops;
};

/** SEED decides what ordeal_random says. HURRIES: while something moves there is one look a second,
 *  not two. */
void ordeal_begin(struct ordeal *c, uint64_t seed, bool hurries);
/** Checks what must be so at the end of everything, too. */
void ordeal_end(struct ordeal *c);
unsigned ordeal_random(struct ordeal *c, unsigned below);
/** Lets MS pass. */
void ordeal_pass(struct ordeal *c, uint64_t ms);
/** FAULT happens to the instance at INDEX, now; unless something is wrong with that already:
 *  returns whether it did. */
bool ordeal_strike(struct ordeal *c, const struct ordeal_fault *fault, int index);
/** Somebody asks for it; force as well. */
void ordeal_ask(struct ordeal *c, enum cache_op_kind kind, int index, bool force);
/** The service is killed and starts again. */
void ordeal_restart(struct ordeal *c);
/** Whether this machine runs on Hyper-V, from the next start on. */
void ordeal_set_hyper_v(bool is_on);
/** Lets time pass until everything is well or reported, and nothing is under way. */
void ordeal_settle(struct ordeal *c);
/** What it should be. */
void ordeal_desire(struct ordeal *c, int index, enum cache_desired desired);
void ordeal_tell(struct ordeal *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define ordeal_must(c, condition, ...)                                                             \
    do {                                                                                           \
        char why_[400];                                                                            \
        snprintf(why_, sizeof(why_), __VA_ARGS__);                                                 \
        cr_assert(condition, "%s\nLDP_SEED=%" PRIu64 ": %s", why_, (c)->seed, (c)->told.data);     \
    } while (0)

#endif
