/* SPDX-License-Identifier: MIT */
#ifndef CTL_FLOW_H
#define CTL_FLOW_H

#include "control/operations/job.h"

/** What each kind of operation does, as a table of steps. A step plans from what is seen, issues
 *  at most one vendor command, and is done when its effect is seen. */

/** Whether a step has something to do. */
enum ctl_plan {
    CTL_PLAN_RUN,
    CTL_PLAN_SKIP,  /* it is already so */
    CTL_PLAN_LATER, /* not possible yet; look again */
    CTL_PLAN_FAIL   /* not possible; `why` says it */
};

enum ctl_check {
    CTL_CHECK_PENDING, /* on its way */
    CTL_CHECK_DONE,
    CTL_CHECK_NO_EFFECT, /* nothing is different from before the command; `why` may say more */
    CTL_CHECK_FAILED     /* it will not come; `why` says it */
};

struct ctl_why {
    char code[48];
    char detail[300];
};

struct ctl_step {
    const char *name;         /* what is going on, for people: "launching" */
    enum ctl_gate gate;       /* held from the plan to the end of the step */
    enum ctl_expect expect;   /* what list2 may take a moment to show */
    int percent;              /* progress when the step begins */
    unsigned timeout_percent; /* share of the operation's time-out this step may use */
    bool is_stopping;         /* the share is of the time a stop may take */
    unsigned effect_ms;       /* CTL_CHECK_NO_EFFECT for this long is a failure; 0 = the deadline
                                 alone decides */
    unsigned settle_ms;       /* the check must hold this long */
    bool is_optional;         /* a deadline passed, or a refusal, leads to the next step */

    /** Asked again right before the command is issued, so it may not depend on what it did
     *  itself. */
    enum ctl_plan (*plan)(struct ctl_job *job, const struct cache_instance *i, struct ctl_why *why);
    /** The vendor command; NULL for a step that only waits or acts by itself. */
    void (*build)(struct ctl_job *job, const struct cache_instance *i, struct ldc_command *ret);
    /** Something we do ourselves; NULL for none. */
    void (*act)(struct ctl_job *job, const struct cache_instance *i);
    /** NULL: done at once. */
    enum ctl_check (*check)(struct ctl_job *job, const struct cache_instance *i,
                            struct ctl_why *why);
};

struct ctl_flow {
    const struct ctl_step *const *steps;
    size_t n_steps;
};

/** NULL for a batch. */
const struct ctl_flow *ctl_flow_of(enum cache_op_kind kind);
/** The time an operation may take, without waiting in the queue and at gates. */
unsigned ctl_flow_timeout_ms(const struct ctl_job *job);
/** The part of it that its present step may use. */
unsigned ctl_flow_step_timeout_ms(const struct ctl_job *job);
/** Why REQUEST cannot be accepted in the present state of its target (I may be NULL): false with
 *  RETERR filled. */
bool ctl_flow_accepts(const struct ctl_request *request, const struct cache_instance *i,
                      struct ctl_refusal *reterr);

void ctl_why_say(struct ctl_why *why, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** Says INSTANCE_GONE. */
enum ctl_plan ctl_why_gone(struct ctl_why *why);

/** Whether MAKER is at an add or copy whose new instance is not known yet, and I may be it. */
bool ctl_add_may_be_making(const struct ctl_job *maker, const struct cache_instance *i);

#endif
