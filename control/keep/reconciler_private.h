/* SPDX-License-Identifier: MIT */
#ifndef CTL_RECONCILER_PRIVATE_H
#define CTL_RECONCILER_PRIVATE_H

#include "base/memory/map.h"
#include "control/keep/reconciler.h"

/** What the reconciler's files share: reconciler.c looks at all instances after each survey,
 *  reconciler_act.c does what is to be done for one, reconciler_tell.c tells of it,
 *  reconciler_plan.c restarts those that are well. Private to them. */

enum { CTL_WHY_SIZE = 400, CTL_MAX_DELAY_MS = 600000 };

struct ctl_reconciler {
    struct ctl_reconciler_parts parts;
    struct ctl_reconciler_options options;
    struct ctl_survey_listener listener;
    struct map wards;
    unsigned n_submitting;
    unsigned n_on_host; /* acts of the last hour, for all instances; counted with each survey */
    bool has_vm;        /* some instance has one, as the last look shows */
    uint64_t tried_ms;  /* when the VM service was to be ended last; 0 = never */
    uint64_t cured_ms;  /* when that helped last: what many have is no mystery then; 0 = never */
    bool is_maintained, is_closing;
    struct map planned;                /* what is remembered of the present runs */
    bool is_planning;                  /* a planned restart is being submitted ... */
    char planned_operation[UUID_SIZE]; /* ... and the last one; "" = none */
    char told[CTL_WHY_SIZE]; /* why healing has stopped, as it was told; "" = it has not */
};

/** One instance that is ill or was acted on. */
struct ctl_ward {
    struct ctl_reconciler *reconciler;
    char id[UUID_SIZE];
    struct map_node by_id;
    bool is_there; /* scratch of a survey */

    enum ctl_illness illness; /* as the last look shows it */
    unsigned n_looks;         /* in a row that showed it */
    uint64_t since_ms;        /* of the first of them */
    bool is_sure;
    enum ctl_illness told; /* NONE: nothing, or that it is well again */
    bool was_quarantined;

    unsigned n; /* acts after which it did not stay well */
    uint64_t retry_at_ms;
    uint64_t well_since_ms; /* 0 = it is not */
    bool is_submitting, is_healing, ends_service;
    struct ctl_wait *wait; /* for the end of the operation */
    char operation[UUID_SIZE];
    bool has_failed, is_lasting; /* the last act; and would again */
    char why[CTL_WHY_SIZE];      /* it failed */
};

/* reconciler.c */
void ctl_reconciler_free_ward(struct ctl_ward *w);
/** Once it is closing and nothing is being submitted any more. */
void ctl_reconciler_free_if_done(struct ctl_reconciler *r);

/* reconciler_act.c */
/** Whether an operation for it is on its way. */
bool ctl_ward_is_under_way(const struct ctl_ward *w);
/** How long it is left alone after the last act, and has to be well until that is forgotten. */
uint64_t ctl_ward_delay_ms(const struct ctl_ward *w);
/** Cancels its operation, unless that has begun, for the maintenance mode. */
void ctl_reconciler_give_up(struct ctl_ward *w);
/** Acts for the instance ID in the last hour. */
unsigned ctl_reconciler_count_acts(struct ctl_reconciler *r, const char *id);
/** Does what is to be done for I, if anything is. IS_SHARED: many are ill. RET_STOPPED: why nothing
 * is done any more, when that is so. */
void ctl_reconciler_act(struct ctl_ward *w, const struct cache_instance *i, bool is_shared,
                        const char **ret_stopped);

/* reconciler_plan.c */
/** Begins a planned restart, if one is due. IS_STOPPED: nothing is healed just now. */
void ctl_reconciler_plan(struct ctl_reconciler *r, uint64_t now, bool is_stopped);
/** Cancels the one that has not begun, for the maintenance mode. */
void ctl_reconciler_give_up_planned(struct ctl_reconciler *r);
void ctl_reconciler_forget_planned(struct ctl_reconciler *r);

/* reconciler_tell.c */
/** What is known of why I suffers from ILLNESS, a sentence without beginning and end. */
void ctl_reconciler_describe(struct ctl_reconciler *r, const struct cache_instance *i,
                             enum ctl_illness illness, char *out, size_t size);
/** That I is ill, or (NONE) well again, unless that was told. REASON: NULL = what is known of it.
 */
void ctl_reconciler_tell(struct ctl_ward *w, const struct cache_instance *i,
                         enum ctl_illness illness, const char *reason);
/** That healing has stopped, and why; "" = it goes on. */
void ctl_reconciler_tell_stopped(struct ctl_reconciler *r, const char *reason);

#endif
