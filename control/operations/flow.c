/* SPDX-License-Identifier: MIT */
#include "control/operations/flow.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text/str.h"
#include "control/operations/steps.h"

void ctl_why_say(struct ctl_why *why, const char *code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why->detail, sizeof(why->detail), fmt, args);
    va_end(args);
    str_copy(why->code, sizeof(why->code), code);
}

enum ctl_plan ctl_why_gone(struct ctl_why *why)
{
    ctl_why_say(why, "INSTANCE_GONE", "the instance is no longer listed by ldconsole");
    return CTL_PLAN_FAIL;
}

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
    [CACHE_OP_CREATE] =
        FLOW(&ctl_step_add, &ctl_step_rename, &ctl_step_modify, &ctl_step_set_local),
    [CACHE_OP_START] = FLOW(START_STEPS),
    [CACHE_OP_STOP] = FLOW(STOP_STEPS),
    [CACHE_OP_RESTART] = FLOW(STOP_STEPS, START_STEPS),
    [CACHE_OP_MODIFY] = FLOW(&ctl_step_rename, &ctl_step_modify, &ctl_step_set_local),
    [CACHE_OP_RENAME] = FLOW(&ctl_step_rename),
    [CACHE_OP_CLONE] = FLOW(&ctl_step_copy, &ctl_step_rename),
    [CACHE_OP_REMOVE] = FLOW(STOP_STEPS, &ctl_step_remove, &ctl_step_remove_again),
};

const struct ctl_flow *ctl_flow_of(enum cache_op_kind kind)
{
    return flows[kind].steps ? &flows[kind] : NULL;
}

unsigned ctl_flow_timeout_ms(const struct ctl_job *job)
{
    const struct ctl_engine_options *o = &job->engine->options;
    unsigned start = o->start_timeout_ms + (job->params.until_ready ? o->ready_timeout_ms : 0);

    if (job->params.timeout_ms)
        return job->params.timeout_ms;
    switch (job->op->kind) {
    case CACHE_OP_START:
        return start;
    case CACHE_OP_STOP:
        return o->stop_timeout_ms;
    case CACHE_OP_RESTART:
        return o->stop_timeout_ms + start;
    case CACHE_OP_CLONE:
        return o->clone_timeout_ms;
    case CACHE_OP_REMOVE:
        return o->manage_timeout_ms + (job->params.force ? o->stop_timeout_ms : 0);
    default:
        return o->manage_timeout_ms;
    }
}

unsigned ctl_flow_step_timeout_ms(const struct ctl_job *job)
{
    const struct ctl_step *step = ctl_job_step(job);
    bool is_of_stop = step->is_stopping && !job->params.timeout_ms;
    uint64_t whole = is_of_stop ? job->engine->options.stop_timeout_ms : ctl_flow_timeout_ms(job);
    return (unsigned)(whole * step->timeout_percent / 100);
}

static bool is_listed_kind(enum cache_op_kind kind)
{
    return kind != CACHE_OP_CREATE && kind != CACHE_OP_BATCH;
}

static bool needs_off(const struct ctl_request *request)
{
    return (request->kind == CACHE_OP_REMOVE && !request->force) || request->kind == CACHE_OP_CLONE;
}

bool ctl_flow_accepts(const struct ctl_request *request, const struct cache_instance *i,
                      struct ctl_refusal *reterr)
{
    *reterr = (struct ctl_refusal){0};
    if (is_listed_kind(request->kind) && !i) {
        reterr->http_status = 404;
        str_copy(reterr->code, sizeof(reterr->code), "INSTANCE_NOT_FOUND");
        snprintf(reterr->detail, sizeof(reterr->detail), "there is no such instance");
        return false;
    }
    if (needs_off(request) && i->state != CACHE_STATE_STOPPED && i->state != CACHE_STATE_STOPPING) {
        reterr->http_status = 409;
        str_copy(reterr->code, sizeof(reterr->code), "INSTANCE_NOT_STOPPED");
        snprintf(reterr->detail, sizeof(reterr->detail), "'%.120s' is %s; stop it first%s", i->name,
                 cache_state_name(i->state),
                 request->kind == CACHE_OP_REMOVE ? " or use force" : "");
        return false;
    }
    return true;
}
