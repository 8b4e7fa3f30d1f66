/* SPDX-License-Identifier: MIT */
#ifndef CTL_REMEDY_H
#define CTL_REMEDY_H

#include "control/judge/health.h"

/** What is to be done for one instance: so that it is as desired, or because it is ill. Pure. */
enum ctl_remedy {
    CTL_REMEDY_NONE,
    CTL_REMEDY_START,
    CTL_REMEDY_STOP,
    CTL_REMEDY_REPAIR,
    CTL_REMEDY_QUARANTINE, /* nothing helps: leave it to a person */
    CTL_REMEDY_HOLD        /* something would be, were it not for the budget of the host */
};

/** How much may be done by itself. */
struct ctl_budget {
    unsigned per_hour;      /* acts for one instance; 1..CACHE_CARE_ACTS */
    unsigned host_per_hour; /* for all of them */
};

struct ctl_case {
    enum cache_state state;
    enum cache_desired desired; /* its desired state */
    enum cache_desired wish;    /* the same, or what a person asked for last */
    enum cache_repair_mode repair;
    bool is_quarantined;
    bool is_ill;      /* surely: seen in enough looks */
    bool is_shared;   /* many are: whatever it is, it is not this instance */
    bool is_service;  /* that is the VM service, it seems, and this one is to show whether it is */
    unsigned n_tries; /* acts in a row after which it did not stay well */
    bool is_lasting;  /* the last one failed for a reason that somebody has to mend */
    unsigned n_acts;  /* for it in the last hour, to heal it */
    unsigned n_on_host; /* for all of them */
};

/** A first start or stop for the sake of the desired state costs nothing; one that repeats what did
 *  not last, and every act on an ill instance, is paid for by the budgets, and only done where
 *  `repair` allows it; without that a start that fails is tried again for ever, more and more
 *  seldom. Of one that should be stopped only the stop is carried out. */
enum ctl_remedy ctl_remedy_choose(const struct ctl_case *c, const struct ctl_budget *budget);

/** Whether what is done in this case counts against the budgets. */
bool ctl_remedy_is_paid(const struct ctl_case *c);
/** Whether the state is the desired one, or its opposite; neither while it is on its way, or ill.
 */
bool ctl_remedy_is_as_desired(enum cache_desired desired, enum cache_state state);
bool ctl_remedy_is_opposite(enum cache_desired desired, enum cache_state state);
/** Whether so many that are ill at the same time have one cause: three, and half of N_ALIVE, those
 *  that run or should. */
bool ctl_remedy_is_shared(size_t n_ill, size_t n_alive);

#endif
