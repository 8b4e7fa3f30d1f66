/* SPDX-License-Identifier: MIT */
#include "api/common/command.h"

#include <stdio.h>
#include <string.h>

#include "api/common/operation_answer.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "ldconsole/guard/client.h"

static void deinit(void *state)
{
    struct api_pending *p = state;
    api_command_deinit(&p->command);
    for (size_t i = 0; i < p->n_targets; i++)
        mem_free(p->targets[i]);
    mem_free(p->targets);
}

struct api_pending *api_pending_new(struct api_exchange *x, enum cache_op_kind kind)
{
    struct api_pending *p = api_exchange_new_state(x, sizeof(*p), deinit);
    p->kind = kind;
    api_command_init(&p->command);
    return p;
}

bool api_pending_has_guest(const struct api_exchange *x)
{
    const struct ldc_install *install = ldc_client_install(x->context->client);
    return install->adb || install->ld;
}

/* A rule that the engine checks is about a field all the same: the key, or what its detail names
 * in front of a colon. */
static void name_field(const struct ctl_refusal *refusal, struct api_field_errors *errors)
{
    char field[64] = "Idempotency-Key";
    const char *rule = refusal->detail;
    size_t n = strcspn(rule, ": ");
    if (rule[n] == ':' && n < sizeof(field)) {
        memcpy(field, rule, n);
        field[n] = '\0';
        rule += n + 1 + strspn(rule + n + 1, " ");
    }
    api_field_errors_add(errors, field, "%s", rule);
}

static void respond_refusal(struct api_exchange *x, const struct ctl_refusal *refusal)
{
    struct api_problem problem;
    struct api_field_errors errors = {0};
    api_problem_foreign(&problem, refusal->http_status, refusal->code, refusal->detail);
    problem.retry_ms = refusal->retry_ms;
    if (refusal->http_status == 422) {
        name_field(refusal, &errors);
        problem.errors = &errors;
    }
    api_respond_problem(x, &problem);
}

static void respond_operation(struct api_exchange *x, const struct cache_operation *op)
{
    const struct api_pending *p = x->http.state;
    char location[sizeof("/api/operations/") + UUID_SIZE];
    snprintf(location, sizeof(location), "/api/operations/%s", op->id);
    api_exchange_header(x, "Location", location);
    /* A repeated request gets the answer it had, also when the work is done by now. */
    x->status_ended = p->has_wait ? 200 : 202;
    if (p->has_wait && !cache_op_has_ended(op->status))
        api_operation_await(x, op->id, p->wait_ms, 202);
    else
        api_operation_respond(x, op, 202);
}

static void on_accepted(void *arg, const struct cache_operation *op, bool is_repeat,
                        const struct ctl_refusal *refusal)
{
    struct api_exchange *x = arg;
    const struct api_pending *p = x->http.state;
    (void)is_repeat;
    if (op)
        respond_operation(x, op);
    else if (p->refusal.code && refusal->http_status == 404)
        api_respond_problem(x, &p->refusal);
    else
        respond_refusal(x, refusal);
}

static const struct cache_quarantine no_quarantine;

static void make_request(const struct api_exchange *x, struct ctl_request *ret)
{
    const struct api_pending *p = x->http.state;
    const struct api_command *c = &p->command;
    *ret = (struct ctl_request){
        .kind = p->kind,
        .target = p->target[0] ? p->target : NULL,
        .revision = p->revision[0] ? p->revision : NULL,
        .name = c->name[0] ? c->name : NULL,
        .settings = c->has_settings ? &c->settings : NULL,
        .until_ready = c->until_ready,
        .window = c->window,
        .force = c->force,
        .timeout_ms = c->timeout_ms,
        .begin_within_ms = c->begin_within_ms,
        .local = {c->labels, c->has_group ? c->group : NULL, c->desired,
                  c->has_repair ? &c->repair : NULL, c->ends_quarantine ? &no_quarantine : NULL},
        .priority = p->n_targets ? CTL_PRIORITY_BATCH : CTL_PRIORITY_INTERACTIVE,
        .requested_by = x->who.name,
        .key = {x->who.id, x->key, x->fingerprint},
    };
}

void api_pending_submit(struct api_exchange *x)
{
    const struct api_pending *p = x->http.state;
    struct ctl_request request;
    make_request(x, &request);
    if (p->n_targets)
        ctl_engine_submit_batch(x->context->engine, &request, (const char *const *)p->targets,
                                p->n_targets, on_accepted, x);
    else
        ctl_engine_submit(x->context->engine, &request, on_accepted, x);
}

void api_pending_refuse(struct api_exchange *x)
{
    struct api_pending *p = x->http.state;
    if (!x->key) {
        api_respond_problem(x, &p->refusal);
        return;
    }
    /* The engine looks at the key first; if the key is new, a command without an instance comes
     * back as 404 and is answered with the refusal. */
    struct ctl_request request;
    make_request(x, &request);
    request.kind = CACHE_OP_START;
    request.target = NULL;
    ctl_engine_submit(x->context->engine, &request, on_accepted, x);
}
