/* SPDX-License-Identifier: MIT */
#include "api/resources/handlers.h"

#include <stdio.h>
#include <string.h>

#include "api/common/cached.h"
#include "api/exchange/parts.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "cache/backup/backups.h"
#include "cache/tables/operations.h"
#include "control/observe/observer.h"
#include "control/operations/engine.h"
#include "ldconsole/guard/client.h"

enum { PING_MS = 3000, WRITE_HANGS_MS = 10000 };

void api_handle_livez(struct api_exchange *x)
{
    static const char text[] = "{\"status\":\"alive\"}";
    (void)buf_append(&x->http.reply, text, sizeof(text) - 1);
    api_respond_reply(x, 200, API_JSON);
}

/* --- the database is asked --- */

/* What the handler waited for; the exchange's state. */
struct pinged {
    int status;
};

/* It belongs to the store's job, so that a database that hangs can be answered about while the job
 * is still there. */
struct ping {
    struct api_exchange *x; /* NULL once answered or gone */
};

static void go_on(struct api_exchange *x, int status)
{
    struct pinged *pinged = x->http.state;
    pinged->status = status;
    x->answer(x);
}

static void on_pinged(void *arg, int status, struct cache_operations_page *page)
{
    struct ping *ping = arg;
    struct api_exchange *x = ping->x;
    (void)page;
    mem_free(ping);
    if (!x)
        return;
    http_exchange_woken(&x->http);
    go_on(x, status);
}

static void cancel_ping(void *handle)
{
    struct ping *ping = handle;
    ping->x = NULL;
}

static void ping_time_up(struct http_exchange *h)
{
    go_on(api_exchange_of(h), UV_ETIMEDOUT);
}

static const struct http_wait ping_wait = {.cancel = cancel_ping, .time_up = ping_time_up};

/* Looking for an operation that cannot be there reads the table through the worker. */
static void ping_store(struct api_exchange *x, void (*answer)(struct api_exchange *x))
{
    struct ping *ping = mem_new(struct ping);
    ping->x = x;
    x->answer = answer;
    (void)api_exchange_new_state(x, sizeof(struct pinged), NULL);
    http_exchange_wait(&x->http, &ping_wait, PING_MS);
    http_exchange_wait_for(&x->http, ping);
    cache_operations_get(x->context->store, "-", on_pinged, ping);
}

/* --- the checks --- */

/* What is wrong with the database, in a sentence; false when nothing is that keeps it from
 * working. */
static bool describe_database(const struct api_exchange *x, const struct cache_store_health *health,
                              char *out, size_t size)
{
    const struct pinged *pinged = x->http.state;
    /* The first of both: files that are gone or cut off are looked for before each write, and are
     * the cause of what a read makes of them. */
    if (health->write_error)
        snprintf(out, size, "the last write was refused (%s): %s",
                 cache_sql_strerror(health->write_error), cache_sql_advice(health->write_error));
    else if (pinged->status < 0)
        snprintf(out, size, "it cannot be read (%s): %s", cache_sql_strerror(pinged->status),
                 cache_sql_advice(pinged->status));
    else if (health->is_damaged)
        str_copy(out, size, cache_sql_advice(UV_EFTYPE));
    else if (health->waited_ms > WRITE_HANGS_MS)
        snprintf(out, size,
                 "a write has been waiting for %u s: the drive does not answer, or another program "
                 "has locked the database file",
                 (unsigned)(health->waited_ms / 1000));
    else
        return false;
    return true;
}

/* One component of the health report; returns whether it is able to work. */
static bool add_database(const struct api_exchange *x, yyjson_mut_doc *doc, yyjson_mut_val *checks)
{
    struct cache_store_health health = cache_store_health(x->context->store);
    char detail[300] = "";
    bool is_failing = describe_database(x, &health, detail, sizeof(detail));
    if (!is_failing && health.is_disk_low)
        snprintf(detail, sizeof(detail), "the drive of the data directory is nearly full: %s",
                 cache_sql_advice(UV_ENOSPC));
    yyjson_mut_val *c = yyjson_mut_obj_add_obj(doc, checks, "database");
    json_add_str(doc, c, "status", is_failing ? "failing" : *detail ? "degraded" : "ok");
    json_add_str(doc, c, "detail", *detail ? detail : NULL);
    json_add_time(doc, c, "refused_since", health.write_since);
    json_add_str(doc, c, "profile", cache_store_profile(x->context->store)->name);
    yyjson_mut_obj_add_uint(doc, c, "waiting_jobs", cache_store_stats(x->context->store).n_waiting);
    if (health.free_bytes != UINT64_MAX)
        yyjson_mut_obj_add_uint(doc, c, "free_bytes", health.free_bytes);
    else
        yyjson_mut_obj_add_null(doc, c, "free_bytes");
    return !is_failing;
}

static bool add_runner(const struct api_exchange *x, yyjson_mut_doc *doc, yyjson_mut_val *checks)
{
    const struct ldc_client *client = x->context->client;
    const char *absence = ldc_client_absence(client);
    yyjson_mut_val *c = yyjson_mut_obj_add_obj(doc, checks, "runner");
    json_add_str(doc, c, "status", absence ? "failing" : "ok");
    json_add_str(doc, c, "detail", absence);
    json_add_str(doc, c, "kind", x->context->runner);
    json_add_str(doc, c, "ldconsole", ldc_client_install(client)->ldconsole);
    yyjson_mut_obj_add_uint(doc, c, "running", ldc_client_n_running(client));
    yyjson_mut_obj_add_uint(doc, c, "waiting", ldc_client_n_waiting(client));
    return !absence;
}

static bool add_survey(const struct api_exchange *x, yyjson_mut_doc *doc, yyjson_mut_val *checks)
{
    const struct ctl_survey_verdict *t = ctl_observer_verdict(x->context->observer);
    const struct cache_snapshot *s = api_cached_snapshot(x);
    uint64_t age = cache_snapshot_age_ms(s, clock_mono_ms());
    bool is_observed = cache_snapshot_is_observed(s);
    bool is_young = is_observed && age <= x->server->options.ready_age_ms;
    yyjson_mut_val *c = yyjson_mut_obj_add_obj(doc, checks, "list2");
    json_add_str(doc, c, "status", !is_young ? "failing" : *t->code ? "degraded" : "ok");
    if (is_observed)
        yyjson_mut_obj_add_uint(doc, c, "age_ms", age);
    else
        yyjson_mut_obj_add_null(doc, c, "age_ms");
    json_add_str(doc, c, "code", *t->code ? t->code : NULL);
    json_add_str(doc, c, "detail",
                 *t->code      ? t->detail
                 : is_observed ? NULL
                               : "no survey has ended yet");
    return is_young;
}

static bool add_breakers(const struct api_exchange *x, yyjson_mut_doc *doc, yyjson_mut_val *checks)
{
    unsigned n_open = 0, n_instances = 0;
    const struct ldc_client *client = x->context->client;
    for (const struct ldc_breaker *b = ldc_client_next_breaker(client, NULL); b;
         b = ldc_client_next_breaker(client, b)) {
        bool is_open = b->state == LDC_BREAKER_OPEN || b->state == LDC_BREAKER_FORCED_OPEN;
        n_open += is_open && !*b->instance;
        n_instances += is_open && *b->instance;
    }
    /* One of an instance is that instance's trouble. */
    yyjson_mut_val *c = yyjson_mut_obj_add_obj(doc, checks, "breakers");
    json_add_str(doc, c, "status", n_open ? "degraded" : "ok");
    yyjson_mut_obj_add_uint(doc, c, "open", n_open);
    yyjson_mut_obj_add_uint(doc, c, "open_of_instances", n_instances);
    return n_open == 0;
}

/* Without its second tier the cache serves from memory alone. */
static bool add_cache(const struct api_exchange *x, yyjson_mut_doc *doc, yyjson_mut_val *checks)
{
    const struct cache_tier *tier = cache_results_tier(x->context->results);
    struct cache_tier_health health = {.is_up = true};
    if (tier)
        tier->ops->health(tier, &health);
    yyjson_mut_val *c = yyjson_mut_obj_add_obj(doc, checks, "cache");
    json_add_str(doc, c, "status", health.is_up ? "ok" : "degraded");
    json_add_str(doc, c, "backend", x->context->cache_backend);
    yyjson_mut_obj_add_bool(doc, c, "enabled",
                            cache_results_options(x->context->results)->is_enabled);
    json_add_str(doc, c, "detail", *health.detail ? health.detail : NULL);
    return health.is_up;
}

static bool add_events(const struct api_exchange *x, yyjson_mut_doc *doc, yyjson_mut_val *checks)
{
    yyjson_mut_val *c = yyjson_mut_obj_add_obj(doc, checks, "events");
    json_add_str(doc, c, "status", "ok");
    yyjson_mut_obj_add_uint(doc, c, "last_seq", cache_events_last_seq(x->context->events));
    yyjson_mut_obj_add_uint(doc, c, "streams", http_server_stats(x->server->http)->n_streams);
    return true;
}

/* Only there after a repair, until the next start. */
static bool add_repair(const struct api_exchange *x, yyjson_mut_doc *doc, yyjson_mut_val *checks)
{
    const struct cache_repair *repair = x->context->repair;
    if (!repair)
        return true;
    bool is_loss = cache_repair_is_loss(repair);
    char *detail cleanup(mem_freep) = cache_repair_sentence(repair);
    yyjson_mut_val *c = yyjson_mut_obj_add_obj(doc, checks, "repair");
    json_add_str(doc, c, "status", is_loss ? "degraded" : "ok");
    json_add_str(doc, c, "detail", detail);
    cache_repair_add_json(repair, doc, c);
    return !is_loss;
}

/* Only there while copies of a database are that was missing at a start. */
static bool add_missing(const struct api_exchange *x, yyjson_mut_doc *doc, yyjson_mut_val *checks)
{
    const struct cache_missing *missing = cache_backups_health(x->context->backups).missing;
    if (!missing)
        return true;
    char *detail cleanup(mem_freep) = cache_missing_sentence(missing);
    yyjson_mut_val *c = yyjson_mut_obj_add_obj(doc, checks, "missing");
    json_add_str(doc, c, "status", "degraded");
    json_add_str(doc, c, "detail", detail);
    cache_missing_add_json(missing, doc, c);
    return false;
}

static bool add_backup(const struct api_exchange *x, yyjson_mut_doc *doc, yyjson_mut_val *checks)
{
    struct cache_backups_health health = cache_backups_health(x->context->backups);
    bool is_well = !health.error && !health.is_overdue;
    int64_t age_s = (clock_wall_ms() - health.newest_at) / 1000;
    yyjson_mut_val *c = yyjson_mut_obj_add_obj(doc, checks, "backup");
    json_add_str(doc, c, "status", is_well ? "ok" : "degraded");
    json_add_str(doc, c, "detail",
                 health.error        ? health.error
                 : health.is_overdue ? "the newest backup is older than two days"
                                     : NULL);
    json_add_time(doc, c, "newest_at", health.newest_at);
    if (health.newest_at)
        yyjson_mut_obj_add_int(doc, c, "age_s", age_s > 0 ? age_s : 0);
    else
        yyjson_mut_obj_add_null(doc, c, "age_s");
    return is_well;
}

/* The checks that say whether the service can do its work. */
static bool add_vital(const struct api_exchange *x, yyjson_mut_doc *doc, yyjson_mut_val *checks)
{
    bool is_well = add_database(x, doc, checks);
    is_well &= add_runner(x, doc, checks);
    is_well &= add_survey(x, doc, checks);
    return is_well;
}

static void respond_not_ready(struct api_exchange *x, yyjson_mut_val *checks)
{
    struct api_problem problem;
    char *json cleanup(mem_freep) = yyjson_mut_val_write(checks, YYJSON_WRITE_NOFLAG, NULL);
    api_problem_init(&problem, API_NOT_READY, "At least one check fails; see checks.");
    problem.member = "checks";
    problem.member_json = json;
    api_respond_problem(x, &problem);
}

static void respond_ready(struct api_exchange *x)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    json_add_str(doc, root, "status", "ready");
    yyjson_mut_val *checks = yyjson_mut_obj_add_obj(doc, root, "checks");
    if (add_vital(x, doc, checks) && !api_exchange_is_stopping(x))
        api_respond_doc(x, 200, doc);
    else
        respond_not_ready(x, checks);
}

void api_handle_readyz(struct api_exchange *x)
{
    ping_store(x, respond_ready);
}

static void respond_health(struct api_exchange *x)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_val *checks = yyjson_mut_obj(doc);
    bool is_able = add_vital(x, doc, checks);
    bool is_well = add_breakers(x, doc, checks);
    is_well &= add_cache(x, doc, checks);
    is_well &= add_events(x, doc, checks);
    is_well &= add_repair(x, doc, checks);
    is_well &= add_missing(x, doc, checks);
    is_well &= add_backup(x, doc, checks);
    is_well &= ctl_observer_verdict(x->context->observer)->status == 0;
    is_well &= !cache_store_health(x->context->store).is_disk_low;
    json_add_str(doc, root, "status", !is_able ? "failing" : is_well ? "ok" : "degraded");
    json_add_time(doc, root, "time", clock_wall_ms());
    yyjson_mut_obj_add_uint(doc, root, "uptime_s",
                            (clock_mono_ms() - x->context->started_mono_ms) / 1000);
    yyjson_mut_obj_add_val(doc, root, "checks", checks);
    api_respond_doc(x, 200, doc);
}

void api_handle_health(struct api_exchange *x)
{
    ping_store(x, respond_health);
}
