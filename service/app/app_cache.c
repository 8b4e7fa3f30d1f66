/* SPDX-License-Identifier: MIT */
#include "service/app/app_private.h"

#include <stdio.h>
#include <string.h>

#include "base/log/log.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "cache/redis/tier_redis.h"
#include "cache/results/results_json.h"

enum { MB = 1 << 20, SECOND_MS = 1000 };

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
    ret->limits.idle_ms = set->limits.idle_ms;
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
    if (cache_results_options_read(yyjson_doc_get_root(doc), &set, NULL, NULL))
        overlay(app->config, &set, ret);
    else
        log_warning("service",
                    "what was set of the result cache at run time does not fit any "
                    "more and is left out: %s",
                    text);
    yyjson_doc_free(doc);
}

static void choose_prefix(const struct svc_config *c, char *out, size_t size)
{
    char host[UV_MAXHOSTNAMESIZE] = "localhost";
    size_t n = sizeof(host);
    const char *rule;
    (void)uv_os_gethostname(host, &n);
    snprintf(out, size, "ldplayerd:%s:", host);
    if (*c->cache_redis_prefix)
        str_copy(out, size, c->cache_redis_prefix);
    else if (cache_redis_options_check_prefix(out, &rule) < 0)
        str_copy(out, size, "ldplayerd:");
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
    choose_prefix(c, options.prefix, sizeof(options.prefix));
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
