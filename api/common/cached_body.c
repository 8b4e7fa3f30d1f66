/* SPDX-License-Identifier: MIT */
#include "api/common/cached.h"

#include "api/common/workstation_body.h"
#include "api/exchange/parts.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "control/observe/observer.h"

/* --- making a body --- */

/* A load waits for two things: that the instances were looked at, and the figures of this machine.
 * What is known of them will do, unless somebody asked for an age: a change of what is shown makes
 * a kept body forgotten. What the look finds counts, not whether it ends well: a workstation is
 * shown also when ldconsole fails. */
struct making {
    const struct api_context *context;
    struct cache_load *load;
    enum api_cacheable_kind kind;
    char id[UUID_SIZE];
    unsigned n_waiting;
};

/* Returns false when there is nothing of that id any more. */
static bool make(const struct making *m, struct buf *out)
{
    if (m->kind == API_CACHEABLE_WORKSTATIONS) {
        api_workstations_append_list(m->context, out);
        return true;
    }
    const struct ctl_workstation *w = ctl_workstations_find(m->context->workstations, m->id);
    if (w)
        api_workstations_append_one(m->context, w, out);
    return w != NULL;
}

/* Of the instances; the figures tell theirs themselves. While ldconsole fails the status says that
 * they are old. */
static uint64_t age_ms(const struct making *m)
{
    const struct cache_snapshot *s = ctl_observer_snapshot(m->context->observer);
    return cache_snapshot_is_observed(s) && !cache_snapshot_stale_reason(s)
               ? cache_snapshot_age_ms(s, clock_mono_ms())
               : 0;
}

static void end_load(const struct making *m)
{
    struct buf body cleanup(buf_deinit);
    buf_init(&body, 0);
    if (cache_load_is_in_vain(m->load))
        cache_load_end(m->load, UV_ECANCELED, NULL, 0);
    else if (!make(m, &body))
        cache_load_end(m->load, UV_ENOENT, NULL, 0);
    else
        cache_load_end(m->load, 0, blob_copy(body.data, body.len), age_ms(m));
}

static void finish(struct making *m)
{
    if (--m->n_waiting > 0)
        return;
    end_load(m);
    mem_free(m);
}

static void on_looked(void *arg, int status)
{
    (void)status;
    finish(arg);
}

static void on_figures(void *arg, const struct ctl_sample *sample)
{
    (void)sample;
    finish(arg);
}

/* The server's end comes before the cache's, and a load that begins finds both. */
static void load(void *arg, const char *key, struct cache_load *load)
{
    const struct api_server *server = arg;
    const struct api_context *c = &server->context;
    struct making *m = mem_new(struct making);
    *m = (struct making){.context = c, .load = load, .n_waiting = 3};
    m->kind = api_cacheable_of_key(key, m->id, sizeof(m->id));
    uint64_t max_age_ms = cache_load_max_age_ms(load);
    (void)ctl_figures_want(ctl_workstations_figures(c->workstations), max_age_ms, on_figures, m);
    /* While ldconsole is known to fail there is nothing new to wait for. */
    if (ctl_observer_verdict(c->observer)->status == 0)
        (void)ctl_observer_want(c->observer, max_age_ms, on_looked, m);
    else
        finish(m);
    finish(m);
}

/* --- asking for it --- */

static void on_result(void *arg, const struct cache_result *result)
{
    struct api_exchange *x = arg;
    http_exchange_woken(&x->http);
    x->outcome = result->outcome;
    if (result->status == UV_ENOENT) {
        api_respond_code(x, API_WORKSTATION_NOT_FOUND, "The workstation was removed meanwhile.");
    } else if (result->status < 0) {
        api_respond_code(x, API_STOPPING, "The service is stopping.");
    } else {
        api_cached_headers(x, result->age_ms);
        x->body = result->value;
        x->answer(x);
    }
}

static void cancel(void *wait)
{
    cache_results_cancel(wait);
}

static void time_up(struct http_exchange *h)
{
    struct api_exchange *x = api_exchange_of(h);
    if (api_exchange_is_stopping(x))
        api_respond_code(x, API_STOPPING, "The service is stopping.");
    else
        api_respond_code(x, API_NOT_READY,
                         "The figures of this machine were not read in time; a drive may not "
                         "answer. See GET /api/health.");
}

static const struct http_wait result_wait = {.is_long = true, .cancel = cancel, .time_up = time_up};

void api_cached_body(struct api_exchange *x, enum api_cacheable_kind kind, const char *id,
                     const struct api_stages *stages)
{
    char key[CACHE_KEY_MAX + 1];
    uint64_t max_age_ms;
    const struct api_cacheable *row = &api_cacheable_table[kind];
    if ((stages->check && !stages->check(x)) || !api_cached_max_age(x, &max_age_ms))
        return;
    x->answer = stages->answer;
    api_cacheable_key(row, id, key);
    const struct cache_fetch fetch = {
        .key = key,
        .policy = &row->policy,
        .max_age_ms = max_age_ms,
        .load = load,
        .load_arg = x->server,
        .done = on_result,
        .arg = x,
    };
    http_exchange_wait(&x->http, &result_wait, x->server->options.first_survey_ms);
    http_exchange_wait_for(&x->http, cache_results_fetch(x->context->results, &fetch));
}
