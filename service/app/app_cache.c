/* SPDX-License-Identifier: MIT */
#include "service/app/app_private.h"

#include <string.h>

#include "api/common/cacheable.h"
#include "base/log/log.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "cache/redis/tier_redis.h"
#include "cache/results/results_json.h"
#include "service/process/node_id.h"

enum { MB = 1 << 20, SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS };

/* The options, and over them what an admin set while the service ran, but where somebody says
 * otherwise at this start: by a flag or the environment. */
static bool is_given(const struct svc_config *c, const char *name)
{
    enum svc_source source = c->origins[svc_option_position(svc_option_find(name))].source;
    return source == SVC_SOURCE_FLAG || source == SVC_SOURCE_ENV;
}

static void read_config(const struct svc_config *c, struct cache_results_options *ret)
{
    uint64_t memory = uv_get_total_memory();
    ret->limits = (struct cache_limits){
        .max_entries = (uint64_t)c->cache_max_entries,
        .max_bytes = (uint64_t)c->cache_max_memory_mb * MB,
        .ttl_ms = (uint64_t)c->cache_ttl_s * SECOND_MS,
    };
    if (memory > 0 && ret->limits.max_bytes > memory)
        ret->limits.max_bytes = memory;
    ret->is_enabled = !c->disable_result_cache && strcmp(c->cache_backend, "none") != 0;
    ret->max_waiters = (unsigned)c->max_connections;
}

static void overlay(const struct svc_config *c, const struct cache_results_options *set,
                    struct cache_results_options *ret)
{
    if (!is_given(c, "cache_max_entries"))
        ret->limits.max_entries = set->limits.max_entries;
    if (!is_given(c, "cache_max_memory_mb"))
        ret->limits.max_bytes = set->limits.max_bytes;
    if (!is_given(c, "cache_ttl_s"))
        ret->limits.ttl_ms = set->limits.ttl_ms;
    if (!is_given(c, "disable_result_cache") && strcmp(c->cache_backend, "none") != 0)
        ret->is_enabled = set->is_enabled;
}

static void apply_preference(const struct svc_app *app, struct cache_results_options *ret)
{
    const char *text = app->cache_preference;
    if (!text)
        return;
    struct cache_results_options set = *ret;
    yyjson_doc *doc = yyjson_read(text, strlen(text), YYJSON_READ_NOFLAG);
    if (!cache_results_options_read(yyjson_doc_get_root(doc), &set, NULL, NULL))
        log_warning("service",
                    "not all that was set of the result cache at run time fits any more; the rest "
                    "is left out until it is set again: %s",
                    text);
    overlay(app->config, &set, ret);
    yyjson_doc_free(doc);
}

/* Whoever writes such values may write many. */
static void on_bad_value(void *arg, const char *sentence)
{
    struct svc_app *app = arg;
    uint64_t now_ms = clock_mono_ms();
    if (app->bad_value_told_ms && now_ms - app->bad_value_told_ms < MINUTE_MS)
        return;
    app->bad_value_told_ms = now_ms;
    log_warning("service",
                "%s. See who else writes to that redis; more such values are only "
                "counted for a minute (GET /api/cache/stats, backend.bad)",
                sentence);
}

/* A cache is no reason not to start: with an id of this run alone redis forgets us at its end. */
static void read_node_id(const struct svc_app *app, char ret[UUID_SIZE])
{
    int r = svc_node_id_read(app->data_dir, ret);
    if (r == 0)
        return;
    random_uuid(ret);
    log_warning(
        "service",
        "%s/" SVC_NODE_ID_FILE " cannot be read or made (%s), so what is kept in redis will "
        "not be found again after a restart. Correct its rights, or remove it: then another "
        "one is made",
        app->data_dir, r == UV_EINVAL ? "it holds no UUID" : uv_strerror(r));
}

static struct cache_tier *make_tier(struct svc_app *app)
{
    const struct svc_config *c = app->config;
    struct cache_redis_options options;
    const char *rule;
    if (strcmp(c->cache_backend, "redis") != 0)
        return NULL;
    cache_redis_options_init(&options);
    (void)cache_redis_url_parse(c->cache_redis_url, &options.url, &rule); /* checked before */
    str_copy(options.prefix, sizeof(options.prefix), c->cache_redis_prefix);
    options.owner.version = API_CACHEABLE_VERSION;
    options.on_bad_value = on_bad_value;
    options.arg = app;
    read_node_id(app, options.owner.node);
    return cache_tier_redis_new(&app->loop, &options);
}

int svc_app_build_results(struct svc_app *app)
{
    struct cache_results_options options;
    read_config(app->config, &options);
    apply_preference(app, &options);
    app->results = cache_results_new(&app->loop, make_tier(app), &options);
    return 0;
}
