/* SPDX-License-Identifier: MIT */
/* The table of what each kind of operation does. A step that has nothing to do is skipped, so one
 * flow serves instances in any state: a restart of one that is off is a start. */
#include "control/steps/flow.h"

#include <stdio.h>

#include "base/text/str.h"
#include "ldconsole/verbs/timing.h"

#define STEPS(...)                                                                                 \
    (const struct ctl_step *const[])                                                               \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define FLOW(...)                                                                                  \
    {                                                                                              \
        STEPS(__VA_ARGS__), sizeof(STEPS(__VA_ARGS__)) / sizeof(const struct ctl_step *)           \
    }
#define STOP_STEPS &ctl_step_quit, &ctl_step_quit_again, &ctl_step_kill
#define START_STEPS &ctl_step_launch, &ctl_step_until_up, &ctl_step_until_ready

static const struct ctl_flow flows[CACHE_OP_KIND_COUNT] = {
    [CACHE_OP_CREATE] = FLOW(&ctl_step_add, &ctl_step_rename, &ctl_step_modify, &ctl_step_adb_debug,
                             &ctl_step_set_local, &ctl_step_until_disk),
    [CACHE_OP_START] = FLOW(START_STEPS),
    [CACHE_OP_STOP] = FLOW(STOP_STEPS),
    [CACHE_OP_RESTART] = FLOW(STOP_STEPS, START_STEPS),
    [CACHE_OP_MODIFY] =
        FLOW(&ctl_step_rename, &ctl_step_modify, &ctl_step_adb_debug, &ctl_step_set_local),
    [CACHE_OP_RENAME] = FLOW(&ctl_step_rename),
    [CACHE_OP_CLONE] = FLOW(&ctl_step_copy, &ctl_step_rename),
    [CACHE_OP_REPAIR] =
        FLOW(&ctl_step_probe_again, STOP_STEPS, &ctl_step_end_vm_service, START_STEPS),
    [CACHE_OP_REMOVE] = FLOW(STOP_STEPS, &ctl_step_remove, &ctl_step_remove_again),
};

const struct ctl_flow *ctl_flow_of(enum cache_op_kind kind)
{
    return flows[kind].steps ? &flows[kind] : NULL;
}

unsigned ctl_flow_timeout_ms(const struct ctl_job *job)
{
    const struct ctl_timeouts *t = job->timeouts;
    unsigned start_ms = t->start_ms + (job->params.until_ready ? t->ready_ms : 0);

    if (job->params.timeout_ms)
        return job->params.timeout_ms;
    switch (job->op->kind) {
    case CACHE_OP_START:
        return start_ms;
    case CACHE_OP_STOP:
        return t->stop_ms;
    case CACHE_OP_RESTART:
    case CACHE_OP_REPAIR:
        return t->stop_ms + start_ms;
    case CACHE_OP_CLONE:
        return t->clone_ms;
    case CACHE_OP_REMOVE:
        return t->manage_ms + (job->params.force ? t->stop_ms : 0);
    default:
        return t->manage_ms;
    }
}

unsigned ctl_flow_step_timeout_ms(const struct ctl_job *job)
{
    const struct ctl_step *step = ctl_job_step(job);
    bool is_of_stop = step->is_stopping && !job->params.timeout_ms;
    uint64_t whole = is_of_stop ? job->timeouts->stop_ms : ctl_flow_timeout_ms(job);
    return (unsigned)(whole * step->timeout_percent / 100);
}

static bool has_callers_time(const struct ctl_job *job)
{
    return job->params.timeout_ms > 0 && !job->op->parent[0];
}

unsigned ctl_flow_left_ms(const struct ctl_job *job, uint64_t now)
{
    uint64_t whole = ctl_flow_timeout_ms(job), left = ctl_flow_step_timeout_ms(job);
    uint64_t used = has_callers_time(job) ? now - job->accepted_ms : job->spent_ms;
    uint64_t rest = whole > used ? whole - used : 0;
    if (rest < left)
        left = rest;
    return left > 0 ? (unsigned)left : 1;
}

bool ctl_flow_is_over(const struct ctl_job *job, uint64_t now)
{
    return has_callers_time(job) && now >= job->accepted_ms + job->params.timeout_ms;
}

unsigned ctl_flow_blind_ms(const struct ctl_job *job)
{
    unsigned whole = ctl_flow_timeout_ms(job);
    return whole < LDC_TIMING_BLIND_LIMIT_MS ? whole : LDC_TIMING_BLIND_LIMIT_MS;
}

/* It is written into the config file, which a player rewrites when it ends. */
static bool switches_adb_debug(const struct ctl_request *request, const struct cache_instance *i)
{
    int wanted = request->settings ? ldc_settings_adb_debug(request->settings) : -1;
    return i && wanted >= 0 && wanted != ldc_settings_adb_debug(&i->settings);
}

bool ctl_flow_will_launch(const struct ctl_flow *flow, int step_index)
{
    for (size_t i = (size_t)step_index; i < flow->n_steps; i++) {
        if (flow->steps[i]->gate == CTL_GATE_LAUNCH)
            return true;
    }
    return false;
}

/* Whether it would launch an instance that cannot live. */
static bool is_below_floor(const struct ctl_request *request, const struct cache_instance *i,
                           struct ctl_refusal *reterr)
{
    bool is_launch = request->kind == CACHE_OP_RESTART ||
                     (request->kind == CACHE_OP_START && i->state == CACHE_STATE_STOPPED);
    if (!is_launch || request->force ||
        !ctl_steps_lacks_memory(i, reterr->detail, sizeof(reterr->detail)))
        return false;
    reterr->http_status = 409;
    str_copy(reterr->code, sizeof(reterr->code), "MEMORY_BELOW_FLOOR");
    return true;
}

bool ctl_flow_accepts(const struct ctl_request *request, const struct cache_instance *i,
                      struct ctl_refusal *reterr)
{
    enum cache_op_kind kind = request->kind;
    bool needs_instance = kind != CACHE_OP_CREATE && kind != CACHE_OP_BATCH;
    bool needs_off = kind == CACHE_OP_CLONE || (kind == CACHE_OP_REMOVE && !request->force) ||
                     switches_adb_debug(request, i);

    *reterr = (struct ctl_refusal){0};
    if (needs_instance && !i) {
        reterr->http_status = 404;
        str_copy(reterr->code, sizeof(reterr->code), "INSTANCE_NOT_FOUND");
        snprintf(reterr->detail, sizeof(reterr->detail), "there is no such instance");
        return false;
    }
    if (needs_off && i->state != CACHE_STATE_STOPPED && i->state != CACHE_STATE_STOPPING) {
        reterr->http_status = 409;
        str_copy(reterr->code, sizeof(reterr->code), "INSTANCE_NOT_STOPPED");
        snprintf(reterr->detail, sizeof(reterr->detail), "'%.80s' is %s (%.120s); %s%s", i->name,
                 cache_state_name(i->state), i->reason,
                 i->state == CACHE_STATE_UNKNOWN ? "try again when that is clear, or stop it first"
                                                 : "stop it first",
                 kind == CACHE_OP_REMOVE   ? " or use force"
                 : kind == CACHE_OP_MODIFY ? ": settings.adb_debug stands in a file that it "
                                             "rewrites when it ends"
                                           : "");
        return false;
    }
    return !i || !is_below_floor(request, i, reterr);
}
