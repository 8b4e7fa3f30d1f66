/* SPDX-License-Identifier: MIT */
#include "cache/snapshot/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "cache/snapshot/snapshot_private.h"

/* Entries stand in two places: `now`, sorted by index, and `by_id`. An update makes another row of
 * them, `next`, of entries that stay and of new ones, which takes the place of `now` at its end:
 *
 *      begin     each entry: `next` NULL
 *      keep      the entry itself goes into `next`
 *      put       a new entry goes into `next`, and what it is to the one before into `changes`
 *      end       now = next; who was neither kept nor put is gone; by_id
 *      report    `changes`, and the entries before are freed
 *
 */

static void forget_lists(struct cache_snapshot *s)
{
    for (size_t i = 0; i < countof(s->lists); i++)
        s->lists[i].blob = blob_unref(s->lists[i].blob);
}

static void on_set_changed(struct cache_snapshot *s)
{
    snprintf(s->etag, sizeof(s->etag), "\"%016" PRIx64 "-%u\"", s->hash, (unsigned)s->now.n);
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
    if (!e)
        return;
    cache_instance_deinit(&e->instance);
    blob_unref(e->json);
    mem_free(e);
}

/* Position of the first entry whose index is not below INDEX. */
static size_t lower_bound(const struct cache_entries *entries, int index)
{
    struct cache_entry *const *items = entries->items;
    size_t low = 0, high = entries->n;
    if (high > 0 && items[high - 1]->instance.index < index)
        return high;
    /* Indices have few gaps as a rule, so an index is near its position: no search through cold
     * memory then. */
    size_t guess = (size_t)index;
    if (guess < high && items[guess]->instance.index == index &&
        (guess == 0 || items[guess - 1]->instance.index < index))
        return guess;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (items[middle]->instance.index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void append(struct cache_entries *entries, struct cache_entry *e)
{
    size_t n = entries->n++;
    entries->items = mem_grow(entries->items, n, &entries->cap, sizeof(struct cache_entry *));
    entries->items[n] = e;
    entries->is_mixed |= n > 0 && entries->items[n - 1]->instance.index > e->instance.index;
}

static int compare_indices(const void *a, const void *b)
{
    const struct cache_entry *x = *(struct cache_entry *const *)a;
    const struct cache_entry *y = *(struct cache_entry *const *)b;
    return (x->instance.index > y->instance.index) - (x->instance.index < y->instance.index);
}

/* Rows come in ascending order as a rule: then there is nothing to do. */
static void sort(struct cache_entries *entries)
{
    if (entries->is_mixed)
        qsort(entries->items, entries->n, sizeof(struct cache_entry *), compare_indices);
    entries->is_mixed = false;
}

/* Without printf, for the start and a change of thousands. */
static void update_tag(struct cache_entry *e)
{
    char *out = e->etag;
    *out++ = '"';
    for (int shift = 60; shift >= 0; shift -= 4)
        *out++ = "0123456789abcdef"[e->hash >> shift & 15];
    *out++ = '"';
    *out = '\0';
}

static void render(struct cache_snapshot *s, struct cache_entry *e)
{
    buf_clear(&s->scratch);
    e->hash = cache_instance_render(&e->instance, &s->scratch);
    blob_unref(e->json);
    e->json = blob_copy(s->scratch.data, s->scratch.len);
    update_tag(e);
}

/* BEFORE is NULL for one that is new. */
static void fill(struct cache_snapshot *s, struct cache_entry *e,
                 const struct cache_instance *instance, const struct cache_instance *before)
{
    cache_instance_copy(&e->instance, instance);
    if (before || !e->instance.revision[0])
        cache_instance_revise(&e->instance, before);
    render(s, e);
}

static void show(struct cache_snapshot *s, struct cache_entry *e)
{
    map_insert(&s->by_id, &e->by_id, e->instance.id);
    s->hash += e->hash;
}

static void hide(struct cache_snapshot *s, struct cache_entry *e)
{
    map_remove(&s->by_id, &e->by_id);
    s->hash -= e->hash;
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
    size_t at = lower_bound(&s->now, instance->index);
    struct cache_entry *e = at < s->now.n ? s->now.items[at] : NULL;
    return e && strcmp(e->instance.id, instance->id) == 0 ? e : find(s, instance->id);
}

static bool is_as_shown(const struct cache_entry *e, const struct cache_instance *instance)
{
    return str_is_equal(e->instance.evidence, instance->evidence) &&
           (!instance->revision[0] || strcmp(e->instance.revision, instance->revision) == 0) &&
           cache_instance_is_same(&e->instance, instance);
}

/* Not in the JSON, so it must not wait for a change of something else. */
static void keep_disk_id(struct cache_entry *e, const struct cache_instance *instance)
{
    memcpy(e->instance.disk_id, instance->disk_id, sizeof(e->instance.disk_id));
}

/* --- reporting --- */

static void report_one(struct cache_snapshot *s, const struct entry_change *c)
{
    struct cache_change change = {.kind = CACHE_CHANGE_CHANGED};
    char *diff cleanup(mem_freep) = NULL;
    if (!c->before)
        change.kind = CACHE_CHANGE_ADDED;
    else if (!c->entry)
        change.kind = CACHE_CHANGE_REMOVED;
    else if (!cache_instance_is_same(&c->before->instance, &c->entry->instance))
        diff = cache_instance_diff(&c->before->instance, &c->entry->instance);
    change.instance = c->entry ? &c->entry->instance : &c->before->instance;
    change.diff = diff;
    /* New evidence alone is no change. */
    if (s->on_change && (diff || change.kind != CACHE_CHANGE_CHANGED))
        s->on_change(s->arg, &change);
}

static void note_change(struct cache_snapshot *s, struct cache_entry *entry,
                        struct cache_entry *before)
{
    s->changes = mem_grow(s->changes, s->n_changes, &s->changes_cap, sizeof(*s->changes));
    s->changes[s->n_changes++] = (struct entry_change){entry, before};
}

static void forget_changes(struct cache_snapshot *s)
{
    mem_free(s->changes);
    s->changes = NULL;
    s->n_changes = s->n_reported = s->changes_cap = 0;
}

bool cache_snapshot_report(struct cache_snapshot *s, size_t n_max)
{
    if (s->is_updating)
        return false;
    for (; n_max > 0 && s->n_reported < s->n_changes; n_max--) {
        struct entry_change change = s->changes[s->n_reported++];
        report_one(s, &change);
        free_entry(change.before);
    }
    if (s->n_reported < s->n_changes)
        return true;
    forget_changes(s);
    return false;
}

/* --- one outside an update --- */

/* What an update has made of E already, and what became of E since, together. */
static void rebase(struct cache_snapshot *s, const struct cache_entry *e)
{
    struct cache_instance *next = &e->next->instance;
    cache_instance_take_local(next, &e->instance);
    next->revision[0] = '\0';
    cache_instance_revise(next, &e->instance);
    render(s, e->next);
}

static void replace(struct cache_snapshot *s, struct cache_entry *e,
                    const struct cache_instance *instance)
{
    struct cache_entry before = *e;
    e->instance.evidence = e->instance.labels = NULL; /* they are in `before` now */
    fill(s, e, instance, &before.instance);
    s->hash += e->hash - before.hash;
    on_set_changed(s);
    report_one(s, &(struct entry_change){e, &before});
    cache_instance_deinit(&before.instance);
    if (s->is_updating && e->next && e->next != e)
        rebase(s, e);
}

/* What the update before has made of E is told first. */
static void report_change_of(struct cache_snapshot *s, const struct cache_entry *e)
{
    for (size_t i = s->n_reported; !s->is_updating && i < s->n_changes; i++) {
        if (s->changes[i].entry != e)
            continue;
        struct entry_change change = s->changes[i];
        s->changes[i] = s->changes[s->n_reported];
        s->changes[s->n_reported] = change;
        (void)cache_snapshot_report(s, 1);
        return;
    }
}

void cache_snapshot_put_one(struct cache_snapshot *s, const struct cache_instance *instance)
{
    struct cache_entry *e = find_known(s, instance);
    if (!e) {
        e = mem_new(struct cache_entry);
        fill(s, e, instance, NULL);
        append(&s->now, e);
        sort(&s->now);
        show(s, e);
        on_set_changed(s);
        report_one(s, &(struct entry_change){e, NULL});
        return;
    }
    keep_disk_id(e, instance);
    if (is_as_shown(e, instance))
        return;
    report_change_of(s, e);
    replace(s, e, instance);
}

/* --- updates --- */

static void set_wall_time(struct cache_snapshot *s, int64_t observed_wall_ms)
{
    s->observed_wall_ms = observed_wall_ms;
    clock_format(observed_wall_ms, s->observed_at);
}

static void forget_update(struct cache_snapshot *s)
{
    for (size_t i = 0; i < s->n_changes; i++)
        free_entry(s->changes[i].entry);
    forget_changes(s);
    s->next.n = 0;
    s->next.is_mixed = s->is_updating = false;
}

void cache_snapshot_begin(struct cache_snapshot *s)
{
    if (s->is_updating)
        forget_update(s);
    (void)cache_snapshot_report(s, SIZE_MAX);
    for (size_t i = 0; i < s->now.n; i++)
        s->now.items[i]->next = NULL;
    s->is_updating = true;
}

static void keep(struct cache_snapshot *s, struct cache_entry *e)
{
    e->next = e;
    e->next_unseen = NULL;
    append(&s->next, e);
}

void cache_snapshot_keep(struct cache_snapshot *s, const struct cache_entry *entry)
{
    keep(s, find_known(s, &entry->instance));
}

void cache_snapshot_keep_unseen(struct cache_snapshot *s, const struct cache_entry *entry,
                                const char *why)
{
    struct cache_entry *e = find_known(s, &entry->instance);
    keep(s, e);
    e->next_unseen = why;
}

void cache_snapshot_put(struct cache_snapshot *s, const struct cache_instance *instance)
{
    struct cache_entry *known = find_known(s, instance);
    if (known) {
        keep_disk_id(known, instance);
        if (is_as_shown(known, instance)) {
            keep(s, known);
            return;
        }
    }
    struct cache_entry *e = mem_new(struct cache_entry);
    fill(s, e, instance, known ? &known->instance : NULL);
    if (known)
        known->next = e;
    note_change(s, e, known);
    append(&s->next, e);
}

void cache_snapshot_end(struct cache_snapshot *s, uint64_t observed_ms, int64_t observed_wall_ms)
{
    for (size_t i = 0; i < s->n_changes; i++) {
        if (s->changes[i].before)
            hide(s, s->changes[i].before);
        show(s, s->changes[i].entry);
    }
    for (size_t i = 0; i < s->now.n; i++) {
        if (s->now.items[i]->next)
            continue;
        hide(s, s->now.items[i]);
        note_change(s, NULL, s->now.items[i]);
    }
    for (size_t i = 0; i < s->next.n; i++) {
        struct cache_entry *e = s->next.items[i];
        if (e->next_unseen && !e->unseen)
            e->seen_wall_ms = s->observed_wall_ms;
        e->unseen = e->next_unseen;
    }
    struct cache_entries before = s->now;
    sort(&s->next);
    s->now = s->next;
    s->next = before;
    s->next.n = 0;
    s->is_updating = false;
    s->is_observed = true;
    s->observed_ms = observed_ms;
    set_wall_time(s, observed_wall_ms);
    on_set_changed(s);
}

/* --- the beginning and the end --- */

static void clear(struct cache_snapshot *s)
{
    if (s->is_updating)
        forget_update(s);
    for (size_t i = s->n_reported; i < s->n_changes; i++)
        free_entry(s->changes[i].before);
    forget_changes(s);
    for (size_t i = 0; i < s->now.n; i++) {
        hide(s, s->now.items[i]);
        free_entry(s->now.items[i]);
    }
    s->now.n = 0;
    on_set_changed(s);
}

void cache_snapshot_free(struct cache_snapshot *s)
{
    if (!s)
        return;
    clear(s);
    map_deinit(&s->by_id);
    buf_deinit(&s->scratch);
    mem_free(s->now.items);
    mem_free(s->next.items);
    mem_free(s->stale_reason);
    mem_free(s);
}

void cache_snapshot_load(struct cache_snapshot *s, const struct cache_instance *items, size_t n,
                         int64_t observed_wall_ms)
{
    clear(s);
    for (size_t i = 0; i < n; i++) {
        struct cache_entry *e = mem_new(struct cache_entry);
        fill(s, e, &items[i], NULL);
        append(&s->now, e);
        show(s, e);
    }
    sort(&s->now);
    on_set_changed(s);
    s->is_observed = false;
    set_wall_time(s, observed_wall_ms);
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
    return s->now.n;
}

const struct cache_entry *cache_snapshot_at(const struct cache_snapshot *s, size_t i)
{
    return i < s->now.n ? s->now.items[i] : NULL;
}

const struct cache_entry *cache_snapshot_by_id(const struct cache_snapshot *s, const char *id)
{
    return find(s, id);
}

const struct cache_entry *cache_snapshot_by_index(const struct cache_snapshot *s, int index)
{
    const struct cache_entry *e = cache_snapshot_at(s, lower_bound(&s->now, index));
    return e && e->instance.index == index ? e : NULL;
}

const struct cache_entry *cache_snapshot_by_name(const struct cache_snapshot *s, const char *name,
                                                 size_t *ret_n)
{
    const struct cache_entry *first = NULL;
    size_t n = 0;
    for (size_t i = 0; i < s->now.n; i++) {
        if (strcmp(s->now.items[i]->instance.name, name) != 0)
            continue;
        first = first ? first : s->now.items[i];
        n++;
    }
    *ret_n = n;
    return first;
}

const char *cache_snapshot_etag(const struct cache_snapshot *s)
{
    return s->etag;
}
