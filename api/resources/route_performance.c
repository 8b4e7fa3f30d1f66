/* SPDX-License-Identifier: MIT */
/* The routes that the systems before this one promised, in their shapes; /api/cache has more. */
#include "api/resources/handlers.h"

#include <stdio.h>

#include "api/common/cached.h"
#include "api/exchange/parts.h"
#include "base/memory/cleanup.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "cache/results/glob.h"
#include "control/operations/engine.h"
#include "ldconsole/guard/client.h"

struct answer {
    yyjson_mut_doc *doc;
    yyjson_mut_val *root;
};

static struct answer begin(void)
{
    struct answer a = {.doc = yyjson_mut_doc_new(NULL)};
    a.root = yyjson_mut_obj(a.doc);
    yyjson_mut_doc_set_root(a.doc, a.root);
    json_add_str(a.doc, a.root, "status", "success");
    return a;
}

static void respond(struct api_exchange *x, struct answer *a)
{
    json_add_time(a->doc, a->root, "timestamp", clock_wall_ms());
    api_respond_doc(x, 200, a->doc);
    yyjson_mut_doc_free(a->doc);
}

static void add_cache(struct answer *a, yyjson_mut_val *object, const struct api_exchange *x)
{
    struct cache_results_stats s = cache_results_stats(x->context->results);
    uint64_t hits = s.hits + s.stale, misses = s.misses + s.bypassed;
    yyjson_mut_obj_add_uint(a->doc, object, "hits", hits);
    yyjson_mut_obj_add_uint(a->doc, object, "misses", misses);
    yyjson_mut_obj_add_uint(a->doc, object, "size", s.memory.entries);
    yyjson_mut_obj_add_uint(a->doc, object, "evictions",
                            s.memory.evicted_for_entries + s.memory.evicted_for_bytes);
    yyjson_mut_obj_add_uint(a->doc, object, "total_requests", hits + misses);
    yyjson_mut_obj_add_real(a->doc, object, "hit_rate_percent", api_cached_hit_rate(&s));
}

void api_handle_performance_cache_stats(struct api_exchange *x)
{
    struct answer a = begin();
    add_cache(&a, yyjson_mut_obj_add_obj(a.doc, a.root, "cache_stats"), x);
    respond(x, &a);
}

void api_handle_performance_cache_clear(struct api_exchange *x)
{
    struct answer a = begin();
    size_t n = api_cached_clear(x);
    json_add_str(a.doc, a.root, "message", "Cache cleared");
    yyjson_mut_obj_add_uint(a.doc, a.root, "entries_removed", n);
    respond(x, &a);
}

void api_handle_performance_cache_invalidate(struct api_exchange *x)
{
    const char *pattern = api_exchange_query(x, "pattern"), *rule = NULL;
    char message[64];
    if (!pattern || cache_glob_check(pattern, &rule) < 0) {
        api_respond_code(x, API_BAD_REQUEST, "The query parameter pattern %s.",
                         rule ? rule : "is missing: name the keys to forget, like workstations_*");
        return;
    }
    struct answer a = begin();
    size_t n = api_cached_invalidate(x, pattern);
    snprintf(message, sizeof(message), "%zu cache entries invalidated", n);
    json_add_str(a.doc, a.root, "message", message);
    json_add_str(a.doc, a.root, "pattern", pattern);
    respond(x, &a);
}

static void add_count(struct answer *a, yyjson_mut_val *metrics, const char *object,
                      const char *member, uint64_t n)
{
    yyjson_mut_val *value = yyjson_mut_obj_add_obj(a->doc, metrics, object);
    yyjson_mut_obj_add_uint(a->doc, value, member, n);
}

static uint64_t count_operations(const struct api_exchange *x)
{
    unsigned counts[CACHE_OP_STATUS_COUNT] = {0};
    uint64_t n = 0;
    ctl_engine_counts(x->context->engine, counts);
    for (int i = 0; i < CACHE_OP_STATUS_COUNT; i++)
        n += cache_op_has_ended((enum cache_op_status)i) ? 0 : counts[i];
    return n;
}

void api_handle_performance_metrics(struct api_exchange *x)
{
    struct answer a = begin();
    const struct ldc_client *client = x->context->client;
    yyjson_mut_val *metrics = yyjson_mut_obj_add_obj(a.doc, a.root, "metrics");
    add_cache(&a, yyjson_mut_obj_add_obj(a.doc, metrics, "cache"), x);
    /* One runner drives ldconsole for all. */
    add_count(&a, metrics, "managers", "count", 1);
    add_count(&a, metrics, "websockets", "active_connections",
              http_server_stats(x->server->http)->n_streams);
    add_count(&a, metrics, "connections", "active", http_server_stats(x->server->http)->n_conns);
    add_count(&a, metrics, "operations", "open", count_operations(x));
    yyjson_mut_val *ldconsole = yyjson_mut_obj_add_obj(a.doc, metrics, "ldconsole");
    yyjson_mut_obj_add_uint(a.doc, ldconsole, "running", ldc_client_n_running(client));
    yyjson_mut_obj_add_uint(a.doc, ldconsole, "waiting", ldc_client_n_waiting(client));
    respond(x, &a);
}
