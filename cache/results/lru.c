/* SPDX-License-Identifier: MIT */
#include "cache/results/lru.h"

#include <assert.h>
#include <string.h>

#include <uv.h>

#include "base/memory/mem.h"
#include "cache/results/glob.h"

/* An entry is one allocation: the struct, its taggings, its key. Its value is another. A tag lives
 * as long as an entry has it. */

struct cache_tagging {
    struct list by_tag;
    struct cache_lru_entry *entry;
    struct tag *tag;
};

struct tag {
    struct map_node by_name;
    struct list taggings;
    char name[];
};

struct cache_lru {
    struct map by_key, tags;
    struct list by_use; /* the one used last is at the end */
    struct cache_limits limits;
    struct cache_lru_stats stats;
    size_t bytes;
    size_t swept; /* places of by_key that this round has looked at */
};

/* --- costs --- */

enum { WORD_SIZE = sizeof(void *) };

/* What N bytes take of the usual allocators: a word in front, rounded to two words, four words at
 * least. */
static size_t allocation_cost(size_t n)
{
    size_t taken = (n + WORD_SIZE + 2 * WORD_SIZE - 1) / (2 * WORD_SIZE) * (2 * WORD_SIZE);
    return taken < 4 * WORD_SIZE ? 4 * WORD_SIZE : taken;
}

/* A table that has grown has one to two places for each member. */
static const size_t place_cost = WORD_SIZE + WORD_SIZE / 2;

size_t cache_lru_cost(size_t key_len, size_t value_len, size_t n_tags)
{
    return allocation_cost(sizeof(struct cache_lru_entry) + n_tags * sizeof(struct cache_tagging) +
                           key_len + 1) +
           allocation_cost(sizeof(struct blob) + value_len + 1) + place_cost;
}

size_t cache_lru_tag_cost(size_t name_len)
{
    return allocation_cost(sizeof(struct tag) + name_len + 1) + place_cost;
}

/* --- tags --- */

static struct tag *find_tag(const struct cache_lru *l, const char *name)
{
    struct map_node *node = map_find(&l->tags, name);
    return node ? container_of(node, struct tag, by_name) : NULL;
}

static struct tag *add_tag(struct cache_lru *l, const char *name)
{
    size_t len = strlen(name);
    struct tag *tag = mem_alloc(sizeof(*tag) + len + 1);
    memcpy(tag->name, name, len);
    list_init(&tag->taggings);
    map_insert(&l->tags, &tag->by_name, tag->name);
    l->bytes += cache_lru_tag_cost(len);
    return tag;
}

static void link_tags(struct cache_lru *l, struct cache_lru_entry *e, const char *const *names)
{
    for (size_t i = 0; i < e->n_tags; i++) {
        struct tag *tag = find_tag(l, names[i]);
        e->tags[i].tag = tag ? tag : add_tag(l, names[i]);
        e->tags[i].entry = e;
        list_append(&e->tags[i].tag->taggings, &e->tags[i].by_tag);
    }
}

static void unlink_tags(struct cache_lru *l, struct cache_lru_entry *e)
{
    for (size_t i = 0; i < e->n_tags; i++) {
        struct tag *tag = e->tags[i].tag;
        list_unlink(&e->tags[i].by_tag);
        if (!list_is_empty(&tag->taggings))
            continue;
        l->bytes -= cache_lru_tag_cost(strlen(tag->name));
        map_remove(&l->tags, &tag->by_name);
        mem_free(tag);
    }
}

const struct cache_lru_entry *cache_lru_tagged(const struct cache_lru *l, const char *name)
{
    struct tag *tag = find_tag(l, name);
    return tag ? list_entry(tag->taggings.next, struct cache_tagging, by_tag)->entry : NULL;
}

/* --- entries --- */

static struct cache_lru_entry *find(const struct cache_lru *l, const char *key)
{
    struct map_node *node = map_find(&l->by_key, key);
    return node ? container_of(node, struct cache_lru_entry, by_key) : NULL;
}

static bool is_gone(const struct cache_lru_entry *e, uint64_t now_ms)
{
    return (int64_t)now_ms >= e->kept_until;
}

static void drop(struct cache_lru *l, struct cache_lru_entry *e)
{
    map_remove(&l->by_key, &e->by_key);
    list_unlink(&e->by_use);
    unlink_tags(l, e);
    l->bytes -= e->bytes;
    blob_unref(e->value);
    mem_free(e);
}

static void evict(struct cache_lru *l)
{
    while (l->by_key.n_items > l->limits.max_entries) {
        drop(l, list_entry(l->by_use.next, struct cache_lru_entry, by_use));
        l->stats.evicted_for_entries++;
    }
    while (l->bytes > l->limits.max_bytes) {
        drop(l, list_entry(l->by_use.next, struct cache_lru_entry, by_use));
        l->stats.evicted_for_bytes++;
    }
}

/* After many may have gone: an empty table is not in the count of bytes. */
static void fit_tables(struct cache_lru *l)
{
    map_fit(&l->by_key);
    map_fit(&l->tags);
}

struct cache_lru *cache_lru_new(const struct cache_limits *limits)
{
    struct cache_lru *l = mem_new(struct cache_lru);
    map_init(&l->by_key);
    map_init(&l->tags);
    list_init(&l->by_use);
    cache_lru_configure(l, limits);
    return l;
}

void cache_lru_free(struct cache_lru *l)
{
    if (!l)
        return;
    cache_lru_clear(l);
    map_deinit(&l->by_key);
    map_deinit(&l->tags);
    mem_free(l);
}

void cache_lru_configure(struct cache_lru *l, const struct cache_limits *limits)
{
    assert(limits->max_entries > 0 && limits->max_bytes > 0 && limits->ttl_ms > 0);
    l->limits = *limits;
    evict(l);
    fit_tables(l);
}

/* --- getting --- */

void cache_lru_use(struct cache_lru *l, struct cache_lru_entry *e, uint64_t now_ms)
{
    e->used_at = (int64_t)now_ms;
    e->n_uses++;
    if (l->by_use.prev == &e->by_use)
        return;
    list_unlink(&e->by_use);
    list_append(&l->by_use, &e->by_use);
}

static struct cache_lru_entry *hit(struct cache_lru *l, struct cache_lru_entry *e, uint64_t now_ms)
{
    l->stats.hits++;
    cache_lru_use(l, e, now_ms);
    return e;
}

struct cache_lru_entry *cache_lru_try(struct cache_lru *l, const char *key, uint64_t now_ms)
{
    struct cache_lru_entry *e = find(l, key);
    return e && (int64_t)now_ms < e->fresh_until ? hit(l, e, now_ms) : NULL;
}

static void expire(struct cache_lru *l, struct cache_lru_entry *e)
{
    drop(l, e);
    l->stats.expirations++;
}

struct cache_lru_entry *cache_lru_get(struct cache_lru *l, const char *key, uint64_t now_ms)
{
    struct cache_lru_entry *e = find(l, key);
    if (e && (int64_t)now_ms < e->fresh_until)
        return hit(l, e, now_ms);
    l->stats.misses++;
    if (e && is_gone(e, now_ms))
        expire(l, e);
    return NULL;
}

struct cache_lru_entry *cache_lru_peek(const struct cache_lru *l, const char *key, uint64_t now_ms)
{
    struct cache_lru_entry *e = find(l, key);
    return e && !is_gone(e, now_ms) ? e : NULL;
}

uint64_t cache_lru_entry_age_ms(const struct cache_lru_entry *e, uint64_t now_ms)
{
    return (uint64_t)((int64_t)now_ms - e->made_at);
}

uint64_t cache_lru_entry_ttl_ms(const struct cache_lru_entry *e)
{
    return (uint64_t)(e->fresh_until - e->made_at);
}

uint64_t cache_lru_entry_stale_ms(const struct cache_lru_entry *e, uint64_t now_ms)
{
    return (int64_t)now_ms > e->fresh_until ? (uint64_t)((int64_t)now_ms - e->fresh_until) : 0;
}

/* --- putting --- */

/* No sum of such times overflows. */
static int64_t cut(uint64_t ms)
{
    return (int64_t)(ms < CACHE_MAX_MS ? ms : CACHE_MAX_MS);
}

static void set_times(struct cache_lru_entry *e, const struct cache_item *item,
                      uint64_t default_ttl_ms, uint64_t now_ms)
{
    e->used_at = (int64_t)now_ms;
    e->made_at = (int64_t)now_ms - cut(item->age_ms);
    e->fresh_until = e->made_at + cut(item->ttl_ms ? item->ttl_ms : default_ttl_ms);
    e->kept_until = e->fresh_until + cut(item->stale_ms);
}

static struct cache_lru_entry *new_entry(const struct cache_item *item, size_t n_tags)
{
    size_t key_len = strlen(item->key), tags_size = n_tags * sizeof(struct cache_tagging);
    struct cache_lru_entry *e = mem_alloc(sizeof(*e) + tags_size + key_len + 1);
    e->tags = (struct cache_tagging *)(e + 1);
    e->n_tags = n_tags;
    e->value = item->value;
    e->bytes = cache_lru_cost(key_len, item->value->len, n_tags);
    e->by_key.key = memcpy((char *)e->tags + tags_size, item->key, key_len);
    return e;
}

/* With its tags as if nobody else had them: the last entry of the cache has them alone. */
static size_t measure(const struct cache_item *item, size_t *ret_n_tags)
{
    size_t n = 0, bytes = 0;
    for (; item->tags && item->tags[n]; n++)
        bytes += cache_lru_tag_cost(strlen(item->tags[n]));
    *ret_n_tags = n;
    return bytes + cache_lru_cost(strlen(item->key), item->value->len, n);
}

int cache_lru_put(struct cache_lru *l, const struct cache_item *item, uint64_t now_ms)
{
    size_t n_tags;
    struct cache_lru_entry *old = find(l, item->key);
    if (measure(item, &n_tags) > l->limits.max_bytes) {
        if (old)
            drop(l, old);
        l->stats.refused++;
        blob_unref(item->value);
        return UV_E2BIG;
    }
    struct cache_lru_entry *e = new_entry(item, n_tags);
    set_times(e, item, l->limits.ttl_ms, now_ms);
    link_tags(l, e, item->tags);
    if (old)
        drop(l, old); /* only now: ITEM may name its key and its tags */
    map_insert(&l->by_key, &e->by_key, e->by_key.key);
    list_append(&l->by_use, &e->by_use);
    l->bytes += e->bytes;
    evict(l);
    l->stats.insertions++;
    if (l->bytes > l->stats.peak_bytes)
        l->stats.peak_bytes = l->bytes;
    return 0;
}

/* --- removing --- */

static size_t invalidated(struct cache_lru *l, size_t n)
{
    l->stats.invalidated += n;
    return n;
}

size_t cache_lru_remove(struct cache_lru *l, const char *key)
{
    struct cache_lru_entry *e = find(l, key);
    if (!e)
        return 0;
    drop(l, e);
    return invalidated(l, 1);
}

size_t cache_lru_invalidate(struct cache_lru *l, const char *pattern)
{
    size_t n = 0, n_literal = cache_glob_literal(pattern);
    list_foreach(item, &l->by_use) {
        struct cache_lru_entry *e = list_entry(item, struct cache_lru_entry, by_use);
        const char *key = e->by_key.key;
        if (strncmp(key, pattern, n_literal) != 0 ||
            !cache_glob_match(pattern + n_literal, key + n_literal))
            continue;
        drop(l, e);
        n++;
    }
    fit_tables(l);
    return invalidated(l, n);
}

size_t cache_lru_invalidate_tag(struct cache_lru *l, const char *name)
{
    size_t n = 0;
    for (const struct cache_lru_entry *e; (e = cache_lru_tagged(l, name)); n++)
        drop(l, (struct cache_lru_entry *)e);
    fit_tables(l);
    return invalidated(l, n);
}

size_t cache_lru_clear(struct cache_lru *l)
{
    size_t n = l->by_key.n_items;
    list_foreach(item, &l->by_use)
        drop(l, list_entry(item, struct cache_lru_entry, by_use));
    fit_tables(l);
    return invalidated(l, n);
}

bool cache_lru_sweep(struct cache_lru *l, uint64_t now_ms, size_t max_places)
{
    struct map *m = &l->by_key;
    for (; max_places > 0 && l->swept < m->n_buckets; max_places--) {
        for (struct map_node *node = m->buckets[l->swept++], *next; node; node = next) {
            struct cache_lru_entry *e = container_of(node, struct cache_lru_entry, by_key);
            next = node->next;
            if (is_gone(e, now_ms))
                expire(l, e);
        }
    }
    if (l->swept < m->n_buckets)
        return false;
    l->swept = 0;
    fit_tables(l);
    return true;
}

/* --- looking --- */

const struct cache_lru_entry *cache_lru_next(const struct cache_lru *l,
                                             const struct cache_lru_entry *e)
{
    struct list *item = e ? e->by_use.prev : l->by_use.prev;
    return item != &l->by_use ? list_entry(item, struct cache_lru_entry, by_use) : NULL;
}

struct cache_lru_stats cache_lru_stats(const struct cache_lru *l)
{
    struct cache_lru_stats stats = l->stats;
    stats.entries = l->by_key.n_items;
    stats.bytes = l->bytes;
    return stats;
}

void cache_lru_reset_stats(struct cache_lru *l)
{
    l->stats = (struct cache_lru_stats){.peak_bytes = l->bytes};
}
