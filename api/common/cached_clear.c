/* SPDX-License-Identifier: MIT */
#include "api/common/cached.h"

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/json.h"
#include "cache/tables/events.h"

static void tell_forgotten(struct api_exchange *x, const char *kind, const char *pattern, size_t n)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    json_add_str(doc, root, "kind", kind);
    json_add_str(doc, root, "pattern", pattern);
    yyjson_mut_obj_add_uint(doc, root, "entries_removed", n);
    json_add_str(doc, root, "by", x->who.name);
    char *text cleanup(mem_freep) = json_write(doc);
    cache_events_emit(x->context->events, "cache.invalidated", text);
}

size_t api_cached_clear(struct api_exchange *x)
{
    size_t n = cache_results_clear(x->context->results);
    tell_forgotten(x, "clear", NULL, n);
    return n;
}

size_t api_cached_invalidate(struct api_exchange *x, const char *pattern)
{
    size_t n = cache_results_invalidate(x->context->results, pattern);
    tell_forgotten(x, "pattern", pattern, n);
    return n;
}

double api_cached_hit_rate(const struct cache_results_stats *s)
{
    uint64_t hits = s->hits + s->stale, all = hits + s->misses + s->bypassed;
    return all ? (double)hits * 100 / (double)all : 0;
}
