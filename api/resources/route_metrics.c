/* SPDX-License-Identifier: MIT */
#include "api/resources/handlers.h"

#include <inttypes.h>

#include "api/common/cached.h"
#include "api/exchange/parts.h"
#include "base/system/clock.h"
#include "control/observe/observer.h"
#include "control/operations/engine.h"
#include "ldconsole/guard/client.h"

/* Prometheus text format 0.0.4. Label values here are names of our own and need no escaping. */

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    (void)buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(struct buf *out, const char *name, const char *type, const char *help,
                   double value)
{
    head(out, name, type, help);
    (void)buf_printf(out, "%s %.15g\n", name, value);
}

static void write_process(const struct api_exchange *x, struct buf *out)
{
    size_t rss = 0;
    head(out, "ldplayerd_build_info", "gauge", "The version that runs, as labels.");
    (void)buf_printf(out, "ldplayerd_build_info{version=\"%s\",revision=\"%s\"} 1\n",
                     x->context->version, x->context->revision);
    single(out, "ldplayerd_start_time_seconds", "gauge", "When the service started, Unix time.",
           (double)x->context->started_at / 1000);
    if (uv_resident_set_memory(&rss) == 0)
        single(out, "ldplayerd_resident_memory_bytes", "gauge", "Resident memory.", (double)rss);
}

static void write_http(const struct api_exchange *x, struct buf *out)
{
    const struct http_stats *s = http_server_stats(x->server->http);
    head(out, "ldplayerd_http_requests_total", "counter", "Answers by status class.");
    for (int i = 1; i < 6; i++)
        (void)buf_printf(out, "ldplayerd_http_requests_total{class=\"%dxx\"} %" PRIu64 "\n", i,
                         s->n_requests[i]);
    single(out, "ldplayerd_http_connections", "gauge", "Open connections.", s->n_conns);
    single(out, "ldplayerd_http_connections_total", "counter", "Accepted connections.",
           (double)s->n_accepted);
    single(out, "ldplayerd_http_connections_refused_total", "counter",
           "Connections beyond the limit.", (double)s->n_refused);
    single(out, "ldplayerd_event_streams", "gauge", "Open event streams.", s->n_streams);
    single(out, "ldplayerd_events_sent_total", "counter", "Events sent to streams.",
           (double)x->server->n_events);
    single(out, "ldplayerd_event_streams_cut_off_total", "counter",
           "Event streams ended because the client read too slowly.", (double)x->server->n_cut_off);
    single(out, "ldplayerd_events_last_seq", "counter", "Number of the newest event.",
           (double)cache_events_last_seq(x->context->events));
}

static void write_instances(const struct api_exchange *x, struct buf *out)
{
    const struct cache_snapshot *s = api_cached_snapshot(x);
    unsigned counts[CACHE_STATE_COUNT] = {0};
    for (size_t i = 0; i < cache_snapshot_count(s); i++)
        counts[cache_snapshot_at(s, i)->instance.state]++;
    head(out, "ldplayerd_instances", "gauge", "Instances by state.");
    for (int i = 0; i < CACHE_STATE_COUNT; i++)
        (void)buf_printf(out, "ldplayerd_instances{state=\"%s\"} %u\n",
                         cache_state_name((enum cache_state)i), counts[i]);
    if (cache_snapshot_is_observed(s))
        single(out, "ldplayerd_snapshot_age_seconds", "gauge", "Age of the last good survey.",
               (double)cache_snapshot_age_ms(s, clock_mono_ms()) / 1000);
    single(out, "ldplayerd_snapshot_stale", "gauge", "1 while answers are marked stale.",
           cache_snapshot_stale_reason(s) ? 1 : 0);
}

static void write_operations(const struct api_exchange *x, struct buf *out)
{
    unsigned counts[CACHE_OP_STATUS_COUNT] = {0};
    ctl_engine_counts(x->context->engine, counts);
    head(out, "ldplayerd_operations_open", "gauge", "Operations that have not ended, by status.");
    for (int i = 0; i < CACHE_OP_STATUS_COUNT; i++) {
        if (!cache_op_has_ended((enum cache_op_status)i))
            (void)buf_printf(out, "ldplayerd_operations_open{status=\"%s\"} %u\n",
                             cache_op_status_name((enum cache_op_status)i), counts[i]);
    }
}

/* Those of instances come and go, and are counted only. */
static const struct ldc_breaker *next_of_host(const struct ldc_client *client,
                                              const struct ldc_breaker *b)
{
    b = ldc_client_next_breaker(client, b);
    return b && !*b->instance ? b : NULL;
}

static unsigned count_open_of_instances(const struct ldc_client *client)
{
    unsigned n = 0;
    for (const struct ldc_breaker *b = ldc_client_next_breaker(client, NULL); b;
         b = ldc_client_next_breaker(client, b))
        n += *b->instance && !ldc_breaker_is_well(b);
    return n;
}

static void write_breaker_totals(const struct ldc_client *client, struct buf *out)
{
    head(out, "ldplayerd_breaker_calls_total", "counter", "Calls through a breaker by outcome.");
    for (const struct ldc_breaker *b = next_of_host(client, NULL); b; b = next_of_host(client, b)) {
        (void)buf_printf(
            out,
            "ldplayerd_breaker_calls_total{breaker=\"%s\",outcome=\"success\"} %" PRIu64
            "\nldplayerd_breaker_calls_total{breaker=\"%s\",outcome=\"failure\"} %" PRIu64
            "\nldplayerd_breaker_calls_total{breaker=\"%s\",outcome=\"rejected\"} "
            "%" PRIu64 "\n",
            b->name, b->n_success, b->name, b->n_failure, b->name, b->n_rejected);
    }
}

static void write_ldconsole(const struct api_exchange *x, struct buf *out)
{
    struct ldc_client *client = x->context->client;
    single(out, "ldplayerd_runner_available", "gauge",
           "1 when ldconsole can be run, 0 without a session agent.", !ldc_client_absence(client));
    single(out, "ldplayerd_ldconsole_running", "gauge", "Child processes that run now.",
           ldc_client_n_running(client));
    single(out, "ldplayerd_ldconsole_waiting", "gauge", "Calls that wait for room.",
           ldc_client_n_waiting(client));
    head(out, "ldplayerd_breaker_state", "gauge",
         "0 closed, 1 open, 2 half-open, 3 forced-open, 4 disabled, 5 forced-closed.");
    for (const struct ldc_breaker *b = next_of_host(client, NULL); b; b = next_of_host(client, b))
        (void)buf_printf(out, "ldplayerd_breaker_state{breaker=\"%s\"} %d\n", b->name,
                         (int)b->state);
    single(out, "ldplayerd_breakers_of_instances_open", "gauge",
           "Breakers of single instances that are open, half-open or held open.",
           count_open_of_instances(client));
    write_breaker_totals(client, out);
}

/* The same figure of the reads and of the writes. */
static void store_pair(struct buf *out, const char *name, const char *type, const char *help,
                       uint64_t read_us, uint64_t write_us)
{
    head(out, name, type, help);
    (void)buf_printf(out, "%s{kind=\"read\"} %.9g\n%s{kind=\"write\"} %.9g\n", name,
                     (double)read_us / 1e6, name, (double)write_us / 1e6);
}

static void write_store_times(const struct cache_store_stats *s, struct buf *out)
{
    store_pair(out, "ldplayerd_store_wait_seconds_total", "counter",
               "How long jobs waited for a worker, together.", s->reads.wait_us, s->writes.wait_us);
    store_pair(out, "ldplayerd_store_wait_seconds_max", "gauge", "The longest wait.",
               s->reads.max_wait_us, s->writes.max_wait_us);
    store_pair(out, "ldplayerd_store_run_seconds_total", "counter",
               "How long jobs ran, together; of writes with the commit.", s->reads.run_us,
               s->writes.run_us);
    store_pair(out, "ldplayerd_store_run_seconds_max", "gauge", "The longest run.",
               s->reads.max_run_us, s->writes.max_run_us);
}

static void write_store(const struct api_exchange *x, struct buf *out)
{
    struct cache_store_stats s = cache_store_stats(x->context->store);
    head(out, "ldplayerd_store_info", "gauge", "How the database is run, as a label.");
    (void)buf_printf(out, "ldplayerd_store_info{profile=\"%s\"} 1\n",
                     cache_store_profile(x->context->store)->name);
    write_store_times(&s, out);
    single(out, "ldplayerd_store_jobs_total", "counter", "Jobs of the database worker.",
           (double)s.n_jobs);
    single(out, "ldplayerd_store_failed_jobs_total", "counter", "Jobs that failed.",
           (double)s.n_failed);
    single(out, "ldplayerd_store_commits_total", "counter", "Transactions committed.",
           (double)s.n_commits);
    single(out, "ldplayerd_store_waiting_jobs", "gauge", "Jobs that wait.", s.n_waiting);
}

static void write_cache_answers(const struct cache_results_stats *s, struct buf *out)
{
    head(out, "ldplayerd_cache_answers_total", "counter",
         "Answers of the result cache by outcome.");
    const uint64_t counts[] = {s->hits, s->misses, s->stale, s->bypassed};
    for (int i = 0; i < 4; i++)
        (void)buf_printf(out, "ldplayerd_cache_answers_total{outcome=\"%s\"} %" PRIu64 "\n",
                         cache_outcome_name((enum cache_outcome)i), counts[i]);
    head(out, "ldplayerd_cache_evictions_total", "counter", "Entries that made room, by cause.");
    (void)buf_printf(out,
                     "ldplayerd_cache_evictions_total{cause=\"entries\"} %" PRIu64
                     "\nldplayerd_cache_evictions_total{cause=\"bytes\"} %" PRIu64 "\n",
                     s->memory.evicted_for_entries, s->memory.evicted_for_bytes);
}

static void write_cache_loads(const struct cache_results_stats *s, struct buf *out)
{
    single(out, "ldplayerd_cache_loads_total", "counter", "Loads that have ended.",
           (double)s->loads);
    single(out, "ldplayerd_cache_failed_loads_total", "counter", "Loads that failed.",
           (double)s->failed_loads);
    single(out, "ldplayerd_cache_load_seconds_total", "counter", "How long loads took, together.",
           (double)s->load_ms / 1000);
    single(out, "ldplayerd_cache_coalesced_total", "counter",
           "Readers that shared somebody else's load.", (double)s->coalesced);
}

static void write_cache(const struct api_exchange *x, struct buf *out)
{
    const struct cache_results *r = x->context->results;
    const struct cache_limits *limits = &cache_results_options(r)->limits;
    const struct cache_tier *tier = cache_results_tier(r);
    struct cache_results_stats s = cache_results_stats(r);
    struct cache_tier_health health;
    write_cache_answers(&s, out);
    write_cache_loads(&s, out);
    single(out, "ldplayerd_cache_expirations_total", "counter", "Entries gone by time.",
           (double)s.memory.expirations);
    single(out, "ldplayerd_cache_invalidated_total", "counter", "Entries forgotten on purpose.",
           (double)s.invalidated);
    single(out, "ldplayerd_cache_entries", "gauge", "Results in memory.", (double)s.memory.entries);
    single(out, "ldplayerd_cache_max_entries", "gauge", "Their limit.",
           (double)limits->max_entries);
    single(out, "ldplayerd_cache_bytes", "gauge", "Memory of the results, bookkeeping included.",
           (double)s.memory.bytes);
    single(out, "ldplayerd_cache_max_bytes", "gauge", "Its limit.", (double)limits->max_bytes);
    if (!tier)
        return;
    tier->ops->health(tier, &health);
    single(out, "ldplayerd_cache_backend_up", "gauge", "1 while the second tier answers.",
           health.is_up);
    single(out, "ldplayerd_cache_backend_hits_total", "counter", "Results found there.",
           (double)health.n_hits);
    single(out, "ldplayerd_cache_backend_failed_total", "counter", "Requests that failed there.",
           (double)health.n_failed);
}

void api_handle_metrics(struct api_exchange *x)
{
    write_process(x, &x->http.reply);
    write_http(x, &x->http.reply);
    write_instances(x, &x->http.reply);
    write_operations(x, &x->http.reply);
    write_ldconsole(x, &x->http.reply);
    write_store(x, &x->http.reply);
    write_cache(x, &x->http.reply);
    api_respond_reply(x, 200, "text/plain; version=0.0.4; charset=utf-8");
}
