/* SPDX-License-Identifier: MIT */
#include "cache/snapshot/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "cache/snapshot/snapshot_private.h"

/* Entries stand in two places: `entries`, sorted by index, and `by_id`. The sorted array is kept
 * sorted by moving pointers; rows come in ascending order as a rule, so the moves are short. */

static void forget_lists(struct cache_snapshot *s)
{
    for (size_t i = 0; i < countof(s->lists); i++)
        s->lists[i].blob = blob_unref(s->lists[i].blob);
}

static void on_set_changed(struct cache_snapshot *s)
{
    snprintf(s->etag, sizeof(s->etag), "\"%016" PRIx64 "-%u\"", s->hash, (unsigned)s->n_entries);
    forget_lists(s);
}

struct cache_snapshot *cache_snapshot_new(cache_change_fn on_change, void *arg)
{
    struct cache_snapshot *s = mem_new(struct cache_snapshot);
    map_init(&s->by_id);
    buf_init(&s->scratch, 0);
    s->on_change = on_change;
    s->arg = arg;
    on_set_changed(s);
    return s;
}

static void free_entry(struct cache_entry *e)
{
    cache_instance_deinit(&e->instance);
    blob_unref(e->json);
    mem_free(e);
}

static void clear(struct cache_snapshot *s)
{
    for (size_t i = 0; i < s->n_entries; i++) {
        map_remove(&s->by_id, &s->entries[i]->by_id);
        free_entry(s->entries[i]);
    }
    s->n_entries = 0;
    s->hash = 0;
    on_set_changed(s);
}

void cache_snapshot_free(struct cache_snapshot *s)
{
    if (!s)
        return;
    clear(s);
    map_deinit(&s->by_id);
    buf_deinit(&s->scratch);
    mem_free(s->entries);
    mem_free(s->stale_reason);
    mem_free(s);
}

/* Position of the first entry whose index is not below INDEX. */
static size_t lower_bound(const struct cache_snapshot *s, int index)
{
    size_t low = 0, high = s->n_entries;
    if (high > 0 && s->entries[high - 1]->instance.index < index)
        return high;
    /* Indices have few gaps as a rule, so an index is near its position: no search through cold
     * memory then. */
    size_t guess = (size_t)index;
    if (guess < high && s->entries[guess]->instance.index == index &&
        (guess == 0 || s->entries[guess - 1]->instance.index < index))
        return guess;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->entries[middle]->instance.index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void link_entry(struct cache_snapshot *s, struct cache_entry *e)
{
    size_t at = lower_bound(s, e->instance.index);
    s->entries = mem_grow(s->entries, s->n_entries, &s->cap, sizeof(struct cache_entry *));
    struct cache_entry **slot = &s->entries[at];
    memmove(slot + 1, slot, (s->n_entries - at) * sizeof(struct cache_entry *));
    *slot = e;
    s->n_entries++;
}

static void unlink_entry(struct cache_snapshot *s, const struct cache_entry *e)
{
    size_t at = lower_bound(s, e->instance.index);
    while (s->entries[at] != e)
        at++;
    struct cache_entry **slot = &s->entries[at];
    s->n_entries--;
    memmove(slot, slot + 1, (s->n_entries - at) * sizeof(struct cache_entry *));
}

static void update_tag(struct cache_snapshot *s, struct cache_entry *e,
                       const unsigned char digest[CACHE_INSTANCE_DIGEST_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    s->hash -= e->hash;
    memcpy(&e->hash, digest, sizeof(e->hash));
    s->hash += e->hash;

    char *out = e->etag;
    *out++ = '"';
    for (size_t i = 0; i < 10; i++) {
        *out++ = hex[digest[i] >> 4];
        *out++ = hex[digest[i] & 15];
    }
    *out++ = '"';
    *out = '\0';
}

static void render(struct cache_snapshot *s, struct cache_entry *e)
{
    unsigned char digest[CACHE_INSTANCE_DIGEST_SIZE];
    buf_clear(&s->scratch);
    cache_instance_render(&e->instance, &s->scratch, digest);
    blob_unref(e->json);
    e->json = blob_copy(s->scratch.data, s->scratch.len);
    update_tag(s, e, digest);
}

static void report(struct cache_snapshot *s, enum cache_change_kind kind,
                   const struct cache_instance *instance, const char *diff)
{
    struct cache_change change = {.kind = kind, .instance = instance, .diff = diff};
    if (s->on_change)
        s->on_change(s->arg, &change);
}

static struct cache_entry *add(struct cache_snapshot *s, const struct cache_instance *instance)
{
    struct cache_entry *e = mem_new(struct cache_entry);
    cache_instance_copy(&e->instance, instance);
    if (!e->instance.revision[0])
        cache_instance_revise(&e->instance, NULL);
    render(s, e);
    link_entry(s, e);
    map_insert(&s->by_id, &e->by_id, e->instance.id);
    on_set_changed(s);
    return e;
}

static void replace(struct cache_snapshot *s, struct cache_entry *e,
                    const struct cache_instance *instance)
{
    struct cache_instance before = e->instance;
    bool is_same = cache_instance_is_same(&before, instance);
    bool has_moved = before.index != instance->index;

    if (has_moved)
        unlink_entry(s, e);
    e->instance.evidence = e->instance.labels = NULL; /* they are in `before` now */
    cache_instance_copy(&e->instance, instance);
    cache_instance_revise(&e->instance, &before);
    if (has_moved)
        link_entry(s, e);
    render(s, e);
    on_set_changed(s);
    if (!is_same) {
        char *diff cleanup(mem_freep) = cache_instance_diff(&before, instance);
        if (diff)
            report(s, CACHE_CHANGE_CHANGED, &e->instance, diff);
    }
    cache_instance_deinit(&before);
}

static struct cache_entry *find(const struct cache_snapshot *s, const char *id)
{
    struct map_node *node = map_find(&s->by_id, id);
    return node ? container_of(node, struct cache_entry, by_id) : NULL;
}

/* As a rule an instance is where it was, which is found faster than its id. */
static struct cache_entry *find_known(const struct cache_snapshot *s,
                                      const struct cache_instance *instance)
{
    size_t at = lower_bound(s, instance->index);
    struct cache_entry *e = at < s->n_entries ? s->entries[at] : NULL;
    return e && strcmp(e->instance.id, instance->id) == 0 ? e : find(s, instance->id);
}

void cache_snapshot_put_one(struct cache_snapshot *s, const struct cache_instance *instance)
{
    struct cache_entry *e = find_known(s, instance);
    if (!e) {
        e = add(s, instance);
        e->seen = true;
        report(s, CACHE_CHANGE_ADDED, &e->instance, NULL);
        return;
    }
    e->seen = true;
    /* Not in the JSON, so it must not wait for a change of something else. */
    memcpy(e->instance.disk_id, instance->disk_id, sizeof(e->instance.disk_id));
    if (!str_is_equal(e->instance.evidence, instance->evidence) ||
        (instance->revision[0] && strcmp(e->instance.revision, instance->revision) != 0) ||
        !cache_instance_is_same(&e->instance, instance))
        replace(s, e, instance);
}

void cache_snapshot_begin(struct cache_snapshot *s)
{
    for (size_t i = 0; i < s->n_entries; i++)
        s->entries[i]->seen = false;
}

void cache_snapshot_put(struct cache_snapshot *s, const struct cache_instance *instance)
{
    cache_snapshot_put_one(s, instance);
}

void cache_snapshot_keep(struct cache_snapshot *s, const struct cache_entry *entry)
{
    find_known(s, &entry->instance)->seen = true;
}

/* Keeps the seen ones; the others are cut out of the array first, so that on_change sees a whole
 * snapshot, and are returned (N of them) in RET_GONE. */
static size_t cut_unseen(struct cache_snapshot *s, struct cache_entry ***ret_gone)
{
    struct cache_entry **gone = NULL;
    size_t n_kept = 0, n_gone = 0, cap = 0;
    for (size_t i = 0; i < s->n_entries; i++) {
        struct cache_entry *e = s->entries[i];
        if (e->seen) {
            s->entries[n_kept++] = e;
            continue;
        }
        gone = mem_grow(gone, n_gone, &cap, sizeof(struct cache_entry *));
        gone[n_gone++] = e;
        map_remove(&s->by_id, &e->by_id);
        s->hash -= e->hash;
    }
    s->n_entries = n_kept;
    *ret_gone = gone;
    return n_gone;
}

void cache_snapshot_end(struct cache_snapshot *s, uint64_t observed_ms, int64_t observed_wall_ms)
{
    struct cache_entry **gone cleanup(mem_freep) = NULL;
    size_t n_gone = cut_unseen(s, &gone);

    s->is_observed = true;
    s->observed_ms = observed_ms;
    s->observed_wall_ms = observed_wall_ms;
    on_set_changed(s);
    for (size_t i = 0; i < n_gone; i++) {
        report(s, CACHE_CHANGE_REMOVED, &gone[i]->instance, NULL);
        free_entry(gone[i]);
    }
}

void cache_snapshot_load(struct cache_snapshot *s, const struct cache_instance *items, size_t n,
                         int64_t observed_wall_ms)
{
    clear(s);
    for (size_t i = 0; i < n; i++)
        add(s, &items[i]);
    s->is_observed = false;
    s->observed_wall_ms = observed_wall_ms;
}

void cache_snapshot_set_stale(struct cache_snapshot *s, const char *reason)
{
    if (str_is_equal(reason, s->stale_reason))
        return;
    char *copy = mem_strdup(reason);
    mem_free(s->stale_reason);
    s->stale_reason = copy;
    forget_lists(s);
}

uint64_t cache_snapshot_age_ms(const struct cache_snapshot *s, uint64_t now_ms)
{
    if (!s->is_observed)
        return UINT64_MAX;
    return now_ms > s->observed_ms ? now_ms - s->observed_ms : 0;
}

bool cache_snapshot_is_observed(const struct cache_snapshot *s)
{
    return s->is_observed;
}

const char *cache_snapshot_stale_reason(const struct cache_snapshot *s)
{
    return s->stale_reason;
}

int64_t cache_snapshot_observed_wall_ms(const struct cache_snapshot *s)
{
    return s->observed_wall_ms;
}

size_t cache_snapshot_count(const struct cache_snapshot *s)
{
    return s->n_entries;
}

const struct cache_entry *cache_snapshot_at(const struct cache_snapshot *s, size_t i)
{
    return i < s->n_entries ? s->entries[i] : NULL;
}

const struct cache_entry *cache_snapshot_by_id(const struct cache_snapshot *s, const char *id)
{
    return find(s, id);
}

const struct cache_entry *cache_snapshot_by_index(const struct cache_snapshot *s, int index)
{
    const struct cache_entry *e = cache_snapshot_at(s, lower_bound(s, index));
    return e && e->instance.index == index ? e : NULL;
}

const struct cache_entry *cache_snapshot_by_name(const struct cache_snapshot *s, const char *name,
                                                 size_t *ret_n)
{
    const struct cache_entry *first = NULL;
    size_t n = 0;
    for (size_t i = 0; i < s->n_entries; i++) {
        if (strcmp(s->entries[i]->instance.name, name) != 0)
            continue;
        first = first ? first : s->entries[i];
        n++;
    }
    *ret_n = n;
    return first;
}

const char *cache_snapshot_etag(const struct cache_snapshot *s)
{
    return s->etag;
}
