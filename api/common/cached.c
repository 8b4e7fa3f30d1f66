/* SPDX-License-Identifier: MIT */
#include "api/common/cached.h"

#include <string.h>

#include "api/common/input.h"
#include "api/exchange/parts.h"
#include "base/memory/mem.h"
#include "control/workstations/workstations.h"

enum { MAX_AGE_LIMIT_MS = 86400000 };

struct api_cached {
    struct api_server *server;
    struct api_cached_observations *observations;
    struct ctl_workstations_listener on_workstation;
};

static void on_workstation(void *arg, enum cache_change_kind kind, const struct ctl_workstation *w)
{
    const struct api_cached *cached = arg;
    (void)kind;
    (void)w;
    (void)cache_results_invalidate_dependency(cached->server->context.results,
                                              API_DEPENDS_WORKSTATIONS);
}

struct api_cached *api_cached_new(struct api_server *server)
{
    struct api_cached *cached = mem_new(struct api_cached);
    cached->server = server;
    cached->observations = api_cached_observations_new(server);
    cached->on_workstation =
        (struct ctl_workstations_listener){.fn = on_workstation, .arg = cached};
    ctl_workstations_listen(server->context.workstations, &cached->on_workstation);
    return cached;
}

void api_cached_free(struct api_cached *cached)
{
    if (!cached)
        return;
    ctl_workstations_unlisten(&cached->on_workstation);
    api_cached_observations_free(cached->observations);
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
    api_exchange_header_number(x, "Age", age_ms / 1000);
}
