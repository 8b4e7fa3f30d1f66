/* SPDX-License-Identifier: MIT */
#include "api/resources/handlers.h"

#include <string.h>

#include "api/common/cached.h"
#include "api/common/input.h"
#include "base/log/log.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "cache/results/glob.h"
#include "cache/results/results_json.h"
#include "cache/tables/events.h"
#include "cache/tables/preferences.h"

/* --- figures --- */

static void add_loads(yyjson_mut_doc *doc, yyjson_mut_val *root,
                      const struct cache_results_stats *s)
{
    yyjson_mut_val *loads = yyjson_mut_obj_add_obj(doc, root, "loads");
    yyjson_mut_obj_add_uint(doc, loads, "ok", s->loads - s->failed_loads);
    yyjson_mut_obj_add_uint(doc, loads, "failed", s->failed_loads);
    yyjson_mut_obj_add_uint(doc, loads, "total_ms", s->load_ms);
    yyjson_mut_obj_add_uint(doc, loads, "max_ms", s->max_load_ms);
    yyjson_mut_obj_add_real(doc, loads, "mean_ms",
                            s->loads ? (double)s->load_ms / (double)s->loads : 0);
    yyjson_mut_obj_add_uint(doc, loads, "under_way", s->loading);
    yyjson_mut_obj_add_uint(doc, loads, "waiting", s->waiting);
}

static void add_backend(yyjson_mut_doc *doc, yyjson_mut_val *root, const struct api_context *c)
{
    const struct cache_tier *tier = cache_results_tier(c->results);
    struct cache_tier_health health = {.is_up = true};
    yyjson_mut_val *backend = yyjson_mut_obj_add_obj(doc, root, "backend");
    if (tier)
        tier->ops->health(tier, &health);
    json_add_str(doc, backend, "name", c->cache_backend);
    yyjson_mut_obj_add_bool(doc, backend, "is_up", health.is_up);
    json_add_str(doc, backend, "detail", *health.detail ? health.detail : NULL);
    yyjson_mut_obj_add_uint(doc, backend, "gets", health.n_gets);
    yyjson_mut_obj_add_uint(doc, backend, "hits", health.n_hits);
    yyjson_mut_obj_add_uint(doc, backend, "puts", health.n_puts);
    yyjson_mut_obj_add_uint(doc, backend, "failed", health.n_failed);
    yyjson_mut_obj_add_uint(doc, backend, "bad", health.n_bad);
    yyjson_mut_obj_add_uint(doc, backend, "reconnects", health.n_reconnects);
}

static yyjson_mut_doc *make_stats(const struct api_context *c)
{
    struct cache_results_stats s = cache_results_stats(c->results);
    const struct cache_lru_stats *m = &s.memory;
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"hits", s.hits},
        {"misses", s.misses},
        {"stale", s.stale},
        {"bypassed", s.bypassed},
        {"evictions", m->evicted_for_entries + m->evicted_for_bytes},
        {"evictions_for_entries", m->evicted_for_entries},
        {"evictions_for_bytes", m->evicted_for_bytes},
        {"expirations", m->expirations},
        {"invalidated", s.invalidated},
        {"refused", s.refused},
        {"entries", m->entries},
        {"bytes", m->bytes},
        {"peak_bytes", m->peak_bytes},
        {"coalesced", s.coalesced},
        {"refreshes", s.refreshes},
    };
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    for (size_t i = 0; i < countof(rows); i++)
        yyjson_mut_obj_add_uint(doc, root, rows[i].name, rows[i].value);
    yyjson_mut_obj_add_real(doc, root, "hit_rate_percent", api_cached_hit_rate(&s));
    add_loads(doc, root, &s);
    add_backend(doc, root, c);
    return doc;
}

void api_handle_cache_stats(struct api_exchange *x)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = make_stats(x->context);
    api_respond_doc(x, 200, doc);
}

void api_handle_cache_reset_stats(struct api_exchange *x)
{
    cache_results_reset_stats(x->context->results);
    api_handle_cache_stats(x);
}

/* --- entries --- */

static void add_entry(yyjson_mut_doc *doc, yyjson_mut_val *items, const struct cache_lru_entry *e,
                      uint64_t now)
{
    int64_t used_ms = (int64_t)now - e->used_at;
    yyjson_mut_val *item = yyjson_mut_arr_add_obj(doc, items);
    yyjson_mut_obj_add_strcpy(doc, item, "key", e->by_key.key);
    yyjson_mut_obj_add_uint(doc, item, "bytes", e->bytes);
    yyjson_mut_obj_add_uint(doc, item, "age_ms", cache_lru_entry_age_ms(e, now));
    yyjson_mut_obj_add_uint(doc, item, "ttl_ms", cache_lru_entry_ttl_ms(e));
    yyjson_mut_obj_add_bool(doc, item, "is_fresh", cache_lru_entry_stale_ms(e, now) == 0);
    yyjson_mut_obj_add_uint(doc, item, "accesses", e->n_uses);
    json_add_time(doc, item, "last_access", clock_wall_ms() - used_ms);
}

static bool read_pattern(struct api_exchange *x, const char **ret)
{
    const char *rule;
    *ret = api_exchange_query(x, "pattern");
    if (!*ret || cache_glob_check(*ret, &rule) == 0)
        return true;
    api_respond_field(x, "pattern", "%s", rule);
    return false;
}

void api_handle_cache_entries(struct api_exchange *x)
{
    const struct cache_lru *memory = cache_results_memory(x->context->results);
    const char *pattern;
    unsigned limit, n = 0;
    uint64_t now = uv_now(&x->context->loop->uv), total = 0;
    if (!read_pattern(x, &pattern) || !api_input_limit(x, 100, &limit))
        return;
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_val *items = yyjson_mut_obj_add_arr(doc, root, "items");
    for (const struct cache_lru_entry *e = NULL; (e = cache_lru_next(memory, e));) {
        if (pattern && !cache_glob_match(pattern, e->by_key.key))
            continue;
        total++;
        if (n++ < limit)
            add_entry(doc, items, e, now);
    }
    yyjson_mut_obj_add_uint(doc, root, "total", total);
    api_respond_doc(x, 200, doc);
}

/* --- the configuration --- */

static void add_config(const struct api_exchange *x, yyjson_mut_doc *doc)
{
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    cache_results_options_add(doc, root, cache_results_options(x->context->results));
    json_add_str(doc, root, "backend", x->context->cache_backend);
}

void api_handle_cache_config(struct api_exchange *x)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    add_config(x, doc);
    api_respond_doc(x, 200, doc);
}

/* A change that is being written; the exchange's state. */
struct change {
    struct api_exchange *x;
    struct cache_results_options options;
    char *text;
};

static void deinit(void *state)
{
    struct change *change = state;
    mem_free(change->text);
}

static void tell_configured(struct api_exchange *x, const char *text)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    json_add_raw(doc, root, "config", text);
    json_add_str(doc, root, "by", x->who.name);
    char *data cleanup(mem_freep) = json_write(doc);
    cache_events_emit(x->context->events, "cache.configured", data);
    log_info("api", "the result cache was configured by %s: %s", x->who.name, text);
}

/* Only what is on disk holds: a service that forgets it at the next start would lie. */
static void on_written(void *arg, int status)
{
    struct change *change = arg;
    struct api_exchange *x = change->x;
    if (status < 0) {
        api_respond_store_error(x, status);
        return;
    }
    cache_results_configure(x->context->results, &change->options);
    tell_configured(x, change->text);
    api_handle_cache_config(x);
}

static void refuse(void *arg, const char *member, const char *rule)
{
    api_field_errors_add(arg, member, "%s", rule);
}

static bool read_change(struct api_exchange *x, yyjson_val *root, struct change *change)
{
    struct api_field_errors errors = {0};
    if (!yyjson_is_obj(root) || yyjson_obj_size(root) == 0) {
        api_respond_field(x, "body", "must be an object that names at least one thing to change");
        return false;
    }
    change->options = *cache_results_options(x->context->results);
    (void)cache_results_options_read(root, &change->options, refuse, &errors);
    if (change->options.is_enabled && strcmp(x->context->cache_backend, "none") == 0)
        api_field_errors_add(&errors, "enabled",
                             "cannot be true while the option cache_backend is none");
    if (errors.n_all > 0)
        api_respond_errors(x, &errors);
    return errors.n_all == 0;
}

static char *write_options(const struct cache_results_options *options)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    cache_results_options_add(doc, root, options);
    return json_write(doc);
}

void api_handle_cache_configure(struct api_exchange *x)
{
    yyjson_doc *doc cleanup(json_doc_freep) = NULL;
    if (!api_input_body(x, &doc))
        return;
    struct change *change = api_exchange_new_state(x, sizeof(*change), deinit);
    change->x = x;
    if (!read_change(x, yyjson_doc_get_root(doc), change))
        return;
    change->text = write_options(&change->options);
    cache_preferences_put(x->context->store, CACHE_RESULTS_PREFERENCE, change->text, on_written,
                          change);
}
