/* SPDX-License-Identifier: MIT */
/* A repair is a restart that first makes sure that there is something to repair, and stops as soon
 * as there is nothing any more: the instance may have come to itself, or somebody was quicker. The
 * rungs of its ladder are the steps of the flow: look again, quit, quit again, with `full` end the
 * processes by force and, when nothing else helped, the VM service too; give the config file back
 * what it has lost (ctl_steps_mend_config, before the launch), launch. */
#include <inttypes.h>

#include <uv.h>

#include "base/memory/mem.h"
#include "control/judge/state.h"
#include "control/observe/evidence.h"
#include "control/steps/steps.h"

bool ctl_steps_is_cured(const struct ctl_job *job, const struct cache_instance *i)
{
    /* Behind our own quit, which was ignored, one that was stuck counts as starting anew. */
    bool is_starting = (i->state == CACHE_STATE_STARTING || i->state == CACHE_STATE_BOOTING) &&
                       ctl_job_step(job) == &ctl_step_quit;
    return (ctl_state_is_up(i->state) || is_starting) &&
           ctl_observer_illness(job->observer, i) == CTL_ILLNESS_NONE;
}

/* What list2 and the processes say is a look of this operation's own anyway. */
static enum ctl_plan plan_probe(struct ctl_job *job, const struct cache_instance *i,
                                struct ctl_why *why)
{
    if (!i)
        return ctl_why_gone(why);
    return ctl_observer_illness(job->observer, i) == CTL_ILLNESS_SILENT ? CTL_PLAN_RUN
                                                                        : CTL_PLAN_SKIP;
}

static void act_probe(struct ctl_job *job, const struct cache_instance *i)
{
    ctl_observer_ask_guest(job->observer, i->id);
}

static enum ctl_check check_probe(struct ctl_job *job, const struct cache_instance *i,
                                  struct ctl_why *why)
{
    (void)why;
    bool is_over = !i || ctl_observer_illness(job->observer, i) != CTL_ILLNESS_SILENT ||
                   ctl_observer_guest_replied_ms(job->observer, i->id) >= job->begun_ms;
    return is_over ? CTL_CHECK_DONE : CTL_CHECK_PENDING;
}

const struct ctl_step ctl_step_probe_again = {
    .name = "asking the guest once more",
    .percent = 5,
    .timeout_percent = 10,
    .is_optional = true,
    .plan = plan_probe,
    .act = act_probe,
    .check = check_probe,
};

static enum ctl_plan plan_vm_service(struct ctl_job *job, const struct cache_instance *i,
                                     struct ctl_why *why)
{
    if (!i)
        return ctl_why_gone(why);
    return job->params.ends_vm_service && i->state == CACHE_STATE_STOPPED ? CTL_PLAN_RUN
                                                                          : CTL_PLAN_SKIP;
}

static void act_vm_service(struct ctl_job *job, const struct cache_instance *i)
{
    int64_t pid = 0;
    (void)i;
    int r = ctl_observer_end_vm_service(job->observer, &pid);
    char *note cleanup(mem_freep) =
        r == 0
            ? mem_printf("no VM of any installation was alive, so the VM service (process %" PRId64
                         ") was ended: the launch brings a new one",
                         pid)
            : mem_printf("the VM service was left alone: %s",
                         r == UV_EBUSY   ? "a VM lives, of whatever installation, or another "
                                           "program is at it"
                         : r == UV_ESRCH ? "there is no such process"
                                         : uv_strerror(r));
    ctl_evidence_add_note(job->op, note);
}

const struct ctl_step ctl_step_end_vm_service = {
    .name = "ending the VM service",
    .gate = CTL_GATE_LAUNCH,
    .percent = 45,
    .timeout_percent = 10,
    .plan = plan_vm_service,
    .act = act_vm_service,
};
