/* SPDX-License-Identifier: MIT */
#include "control/keep/remedy.h"

bool ctl_remedy_is_as_desired(enum cache_desired desired, enum cache_state state)
{
    return desired == CACHE_DESIRED_RUNNING ? ctl_state_is_up(state) : state == CACHE_STATE_STOPPED;
}

bool ctl_remedy_is_opposite(enum cache_desired desired, enum cache_state state)
{
    return desired == CACHE_DESIRED_RUNNING   ? state == CACHE_STATE_STOPPED
           : desired == CACHE_DESIRED_STOPPED ? ctl_state_is_up(state)
                                              : false;
}

bool ctl_remedy_is_shared(size_t n_ill, size_t n_alive)
{
    return n_ill >= 3 && 2 * n_ill >= n_alive;
}

static bool may_repair(const struct ctl_case *c)
{
    return c->repair == CACHE_REPAIR_RESTART || c->repair == CACHE_REPAIR_FULL;
}

bool ctl_remedy_is_paid(const struct ctl_case *c)
{
    bool is_opposite = ctl_remedy_is_opposite(c->desired, c->state);
    bool is_repeated = is_opposite && c->desired == CACHE_DESIRED_RUNNING && c->n_tries > 0;
    return may_repair(c) && (is_opposite ? is_repeated : c->is_ill);
}

enum ctl_remedy ctl_remedy_choose(const struct ctl_case *c, const struct ctl_budget *budget)
{
    enum ctl_remedy remedy = CTL_REMEDY_NONE;

    if (c->is_quarantined)
        return CTL_REMEDY_NONE;
    if (ctl_remedy_is_opposite(c->desired, c->state))
        remedy = c->desired == CACHE_DESIRED_RUNNING ? CTL_REMEDY_START : CTL_REMEDY_STOP;
    else if (c->is_ill && may_repair(c))
        remedy = c->wish == CACHE_DESIRED_STOPPED ? CTL_REMEDY_STOP : CTL_REMEDY_REPAIR;
    if (!ctl_remedy_is_paid(c))
        return remedy;
    if (c->is_shared && !c->is_service)
        return CTL_REMEDY_NONE;
    if (c->is_lasting || c->n_acts >= budget->per_hour)
        return CTL_REMEDY_QUARANTINE;
    return c->n_on_host >= budget->host_per_hour ? CTL_REMEDY_HOLD : remedy;
}
