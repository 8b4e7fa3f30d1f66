/* SPDX-License-Identifier: MIT */
#ifndef CTL_STEPS_H
#define CTL_STEPS_H

#include "control/jobs/job.h"

/** One step of an operation, and all that there are (flow.c puts them together, the engine carries
 *  them out). A step plans from what is seen, issues at most one vendor command, and is done when
 *  its effect is seen. For the engine. */

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
    CTL_CHECK_BACK,      /* what this waited for has ended without us: the step before is planned
                            again */
    CTL_CHECK_FAILED     /* it will not come; `why` says it */
};

struct ctl_step {
    const char *name;         /* what is going on, for people: "launching" */
    enum ldc_verb verb;       /* of its command; of no meaning without `build` */
    enum ctl_gate gate;       /* held from the plan to the end of the step */
    enum ctl_expect expect;   /* what list2 may take a moment to show */
    int percent;              /* progress when the step begins */
    unsigned timeout_percent; /* share of the operation's time-out this step may use */
    bool is_stopping;         /* the share is of the time a stop may take */
    unsigned effect_ms;       /* CTL_CHECK_NO_EFFECT for this long is a failure; 0 = the deadline
                                 alone decides */
    unsigned settle_ms;       /* the check must hold this long */
    bool awaits_absence;      /* its check needs no row of list2, only that there was a look */
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
    /** What else is known of why it failed, or took too long, and whether it would again until
     *  somebody mends something; NULL: nothing. */
    bool (*explain)(struct ctl_job *job, struct ctl_why *ret, bool *ret_is_lasting);
};

/** steps_start.c */
extern const struct ctl_step ctl_step_launch;
extern const struct ctl_step ctl_step_until_up;
extern const struct ctl_step ctl_step_until_ready;

/** steps_stop.c */
extern const struct ctl_step ctl_step_quit;
extern const struct ctl_step ctl_step_quit_again;
extern const struct ctl_step ctl_step_kill;

/** steps_add.c */
extern const struct ctl_step ctl_step_add;
extern const struct ctl_step ctl_step_copy;
extern const struct ctl_step ctl_step_until_disk;
/** JOB ends so at an add or copy that may go on behind: what races for indexes waits for that. */
void ctl_steps_leave_making(const struct ctl_job *job, enum cache_op_status status);
/** Whether MAKER is at an add or copy whose new instance is not known yet, and I may be it. */
bool ctl_steps_may_be_making(const struct ctl_job *maker, const struct cache_instance *i);

/** steps_change.c */
extern const struct ctl_step ctl_step_rename;
extern const struct ctl_step ctl_step_adb_debug;
extern const struct ctl_step ctl_step_modify;
extern const struct ctl_step ctl_step_set_local;

/** steps_remove.c */
extern const struct ctl_step ctl_step_remove;
extern const struct ctl_step ctl_step_remove_again;

/** steps_repair.c */
extern const struct ctl_step ctl_step_probe_again;
extern const struct ctl_step ctl_step_end_vm_service;
/** Whether there is nothing for JOB, a repair, to do any more: I is well by itself. */
bool ctl_steps_is_cured(const struct ctl_job *job, const struct cache_instance *i);

/** Whether the config file of I, which is stopped, has lost what can be given back (reference 5.2):
 *  what it says now will not last. */
bool ctl_steps_has_lost_config(struct ctl_job *job, const struct cache_instance *i);
/** Right before a command: gives it back. Returns whether it did. */
bool ctl_steps_mend_config(struct ctl_job *job, const struct cache_instance *i);
/** Once that is seen to hold: says so in the result. */
void ctl_steps_tell_mended(struct ctl_job *job);

/** Whether the subject of JOB, which is no longer listed, has left files: then nobody knows whether
 *  it is gone. WHY says so. */
bool ctl_why_left(struct ctl_job *job, struct ctl_why *why);

/** (steps_start.c) Whether I has so little memory that it would crash in a loop: WHY says it. */
bool ctl_steps_lacks_memory(const struct cache_instance *i, char *why, size_t size);

/** For every plan and check that needs an instance and has none. */
static inline enum ctl_plan ctl_why_gone(struct ctl_why *why)
{
    ctl_why_set(why, "INSTANCE_GONE", "the instance is no longer listed by ldconsole");
    return CTL_PLAN_FAIL;
}

#endif
