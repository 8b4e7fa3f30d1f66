/* SPDX-License-Identifier: MIT */
#include "cache/results/shared_lru.h"

#include <uv.h>

#include "base/memory/mem.h"

struct cache_shared_lru {
    uv_mutex_t lock;
    struct cache_lru *lru;
};

struct cache_shared_lru *cache_shared_lru_new(const struct cache_limits *limits)
{
    struct cache_shared_lru *s = mem_new(struct cache_shared_lru);
    uv_mutex_init(&s->lock);
    s->lru = cache_lru_new(limits);
    return s;
}

void cache_shared_lru_free(struct cache_shared_lru *s)
{
    if (!s)
        return;
    cache_lru_free(s->lru);
    uv_mutex_destroy(&s->lock);
    mem_free(s);
}

static struct cache_lru *lock(struct cache_shared_lru *s)
{
    uv_mutex_lock(&s->lock);
    return s->lru;
}

static void unlock(struct cache_shared_lru *s)
{
    uv_mutex_unlock(&s->lock);
}

static size_t unlock_with(struct cache_shared_lru *s, size_t n)
{
    unlock(s);
    return n;
}

void cache_shared_lru_configure(struct cache_shared_lru *s, const struct cache_limits *limits)
{
    cache_lru_configure(lock(s), limits);
    unlock(s);
}

struct blob *cache_shared_lru_get(struct cache_shared_lru *s, const char *key, uint64_t now_ms)
{
    const struct cache_lru_entry *e = cache_lru_get(lock(s), key, now_ms);
    struct blob *copy = e ? blob_copy(e->value->data, e->value->len) : NULL;
    unlock(s);
    return copy;
}

int cache_shared_lru_put(struct cache_shared_lru *s, const struct cache_item *item, uint64_t now_ms)
{
    struct cache_item own = *item;
    own.value = blob_copy(item->value->data, item->value->len);
    int r = cache_lru_put(lock(s), &own, now_ms);
    unlock(s);
    return r;
}

size_t cache_shared_lru_remove(struct cache_shared_lru *s, const char *key)
{
    return unlock_with(s, cache_lru_remove(lock(s), key));
}

size_t cache_shared_lru_invalidate(struct cache_shared_lru *s, const char *pattern)
{
    return unlock_with(s, cache_lru_invalidate(lock(s), pattern));
}

size_t cache_shared_lru_invalidate_tag(struct cache_shared_lru *s, const char *name)
{
    return unlock_with(s, cache_lru_invalidate_tag(lock(s), name));
}

size_t cache_shared_lru_clear(struct cache_shared_lru *s)
{
    return unlock_with(s, cache_lru_clear(lock(s)));
}

void cache_shared_lru_sweep(struct cache_shared_lru *s, uint64_t now_ms)
{
    (void)cache_lru_sweep(lock(s), now_ms, SIZE_MAX);
    unlock(s);
}

struct cache_lru_stats cache_shared_lru_stats(struct cache_shared_lru *s)
{
    struct cache_lru_stats stats = cache_lru_stats(lock(s));
    unlock(s);
    return stats;
}

void cache_shared_lru_reset_stats(struct cache_shared_lru *s)
{
    cache_lru_reset_stats(lock(s));
    unlock(s);
}
