/* SPDX-License-Identifier: MIT */
#include "api/common/cached.h"

#include <string.h>

#include "api/common/input.h"
#include "api/common/workstation_body.h"
#include "api/exchange/parts.h"
#include "base/memory/mem.h"
#include "control/observe/observer.h"
#include "control/workstations/workstations.h"

enum { MAX_AGE_LIMIT_MS = 86400000 };

struct api_cached {
    const struct api_context *context;
    struct ctl_survey_listener on_survey;
    struct ctl_workstations_listener on_workstation;
};

/* Kept bodies are forgotten by what changes, whoever changed it: not by commands, whose effect is
 * still to come, and which are not the only ones that change something. */
static void tell_state(const struct api_context *c)
{
    (void)cache_results_change(c->results, API_DEPENDS_WORKSTATIONS,
                               api_workstations_state(c->workstations));
    (void)cache_results_change(c->results, API_DEPENDS_INSTANCES,
                               api_workstations_instances_state(c));
}

static void on_survey(void *arg)
{
    const struct api_cached *cached = arg;
    tell_state(cached->context);
    if (ctl_observer_verdict(cached->context->observer)->status == 0)
        api_cached_put_observation(cached->context);
}

static void on_workstation(void *arg, enum cache_change_kind kind, const struct ctl_workstation *w)
{
    const struct api_cached *cached = arg;
    (void)kind;
    (void)w;
    tell_state(cached->context);
}

struct api_cached *api_cached_new(struct api_server *server)
{
    struct api_cached *cached = mem_new(struct api_cached);
    const struct api_context *c = cached->context = &server->context;
    cached->on_survey = (struct ctl_survey_listener){.fn = on_survey, .arg = cached};
    ctl_observer_listen(c->observer, &cached->on_survey);
    cached->on_workstation =
        (struct ctl_workstations_listener){.fn = on_workstation, .arg = cached};
    ctl_workstations_listen(c->workstations, &cached->on_workstation);
    /* What the database remembered warms the cache, and says which bodies of the second tier are
     * still good. */
    tell_state(c);
    api_cached_put_observation(c);
    return cached;
}

void api_cached_free(struct api_cached *cached)
{
    if (!cached)
        return;
    ctl_workstations_unlisten(&cached->on_workstation);
    ctl_observer_unlisten(&cached->on_survey);
    mem_free(cached);
}

bool api_cached_max_age(struct api_exchange *x, uint64_t *ret_ms)
{
    const char *control = http_request_header(&x->http.request, HTTP_HEADER_CACHE_CONTROL);
    bool may_bypass = x->who.role >= CACHE_ROLE_OPERATOR;
    *ret_ms = UINT64_MAX;
    if (x->http.request.n_query > 0 &&
        !api_input_number(x, "max_age_ms", 0, MAX_AGE_LIMIT_MS, UINT64_MAX, ret_ms))
        return false;
    if (*ret_ms == 0 && !may_bypass) {
        api_respond_code(x, API_FORBIDDEN,
                         "max_age_ms=0 starts a look at ldconsole, which needs the role operator; "
                         "'%s' has the role %s. Ask for a small age instead.",
                         x->who.name, cache_role_name(x->who.role));
        return false;
    }
    if (control && strstr(control, "no-cache") && may_bypass)
        *ret_ms = 0;
    return true;
}

void api_cached_headers(struct api_exchange *x, uint64_t age_ms)
{
    api_exchange_header(x, "X-Cache", cache_outcome_name(x->outcome));
    if (age_ms != UINT64_MAX)
        api_exchange_header_number(x, "Age", age_ms / 1000);
}
