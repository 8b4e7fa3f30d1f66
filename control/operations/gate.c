/* SPDX-License-Identifier: MIT */
#include "control/operations/job.h"

bool ctl_gate_take(struct ctl_job *job, enum ctl_gate gate)
{
    struct ctl_job **holder = &job->engine->gate_holder[gate];
    if (gate == CTL_GATE_NONE || *holder == job)
        return true;
    if (*holder)
        return false;
    *holder = job;
    job->held = gate;
    return true;
}

void ctl_gate_release(struct ctl_job *job)
{
    if (job->held == CTL_GATE_NONE)
        return;
    if (job->engine->gate_holder[job->held] == job)
        job->engine->gate_holder[job->held] = NULL;
    job->held = CTL_GATE_NONE;
    job->engine->must_advance = true;
}
