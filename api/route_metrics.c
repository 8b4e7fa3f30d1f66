/* SPDX-License-Identifier: MIT */
#include "api/handlers.h"

#include <inttypes.h>

#include "api/fresh.h"
#include "api/server_state.h"
#include "base/clock.h"
#include "control/engine.h"
#include "control/observer.h"
#include "ldconsole/client.h"

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
    const struct api_stats *s = &x->server->stats;
    head(out, "ldplayerd_http_requests_total", "counter", "Answers by status class.");
    for (int i = 1; i < 6; i++)
        (void)buf_printf(out, "ldplayerd_http_requests_total{class=\"%dxx\"} %" PRIu64 "\n", i,
                         s->n_requests[i]);
    single(out, "ldplayerd_http_connections", "gauge", "Open connections.", x->server->n_conns);
    single(out, "ldplayerd_http_connections_total", "counter", "Accepted connections.",
           (double)s->n_accepted);
    single(out, "ldplayerd_http_connections_refused_total", "counter",
           "Connections beyond the limit.", (double)s->n_refused);
    single(out, "ldplayerd_event_streams", "gauge", "Open event streams.", s->n_streams);
    single(out, "ldplayerd_events_sent_total", "counter", "Events sent to streams.",
           (double)s->n_events);
    single(out, "ldplayerd_event_streams_cut_off_total", "counter",
           "Event streams ended because the client read too slowly.", (double)s->n_cut_off);
    single(out, "ldplayerd_events_last_seq", "counter", "Number of the newest event.",
           (double)cache_events_last_seq(x->context->events));
}

static void write_instances(const struct api_exchange *x, struct buf *out)
{
    const struct cache_snapshot *s = api_fresh_snapshot(x);
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

static void write_breaker_totals(struct ldc_client *client, struct buf *out)
{
    head(out, "ldplayerd_breaker_calls_total", "counter", "Calls through a breaker by outcome.");
    for (int i = 0; i < LDC_PURPOSE_COUNT; i++) {
        const struct ldc_breaker *b = ldc_client_breaker(client, (enum ldc_purpose)i);
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
    single(out, "ldplayerd_ldconsole_running", "gauge", "Child processes that run now.",
           ldc_client_n_running(client));
    single(out, "ldplayerd_ldconsole_waiting", "gauge", "Calls that wait for room.",
           ldc_client_n_waiting(client));
    head(out, "ldplayerd_breaker_state", "gauge",
         "0 closed, 1 open, 2 half-open, 3 forced-open, 4 disabled.");
    for (int i = 0; i < LDC_PURPOSE_COUNT; i++) {
        const struct ldc_breaker *b = ldc_client_breaker(client, (enum ldc_purpose)i);
        (void)buf_printf(out, "ldplayerd_breaker_state{breaker=\"%s\"} %d\n", b->name,
                         (int)b->state);
    }
    write_breaker_totals(client, out);
}

static void write_store(const struct api_exchange *x, struct buf *out)
{
    struct cache_store_stats s = cache_store_stats(x->context->store);
    single(out, "ldplayerd_store_jobs_total", "counter", "Jobs of the database worker.",
           (double)s.n_jobs);
    single(out, "ldplayerd_store_failed_jobs_total", "counter", "Jobs that failed.",
           (double)s.n_failed);
    single(out, "ldplayerd_store_commits_total", "counter", "Transactions committed.",
           (double)s.n_commits);
    single(out, "ldplayerd_store_waiting_jobs", "gauge", "Jobs that wait.", s.n_waiting);
}

void api_handle_metrics(struct api_exchange *x)
{
    write_process(x, &x->reply);
    write_http(x, &x->reply);
    write_instances(x, &x->reply);
    write_operations(x, &x->reply);
    write_ldconsole(x, &x->reply);
    write_store(x, &x->reply);
    api_respond_reply(x, 200, "text/plain; version=0.0.4; charset=utf-8");
}
