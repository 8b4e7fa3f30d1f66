/* SPDX-License-Identifier: MIT */
#include "cache/results/changes.h"

#include <string.h>

#include "base/memory/list.h"
#include "base/memory/map.h"
#include "base/memory/mem.h"

struct change {
    struct map_node by_name;
    struct list by_time;
    struct cache_change_time time;
    char name[];
};

struct cache_changes {
    struct map by_name;
    struct list by_time; /* oldest first */
    size_t max_names;
    struct cache_change_time dropped; /* of the last name that was dropped */
};

struct cache_changes *cache_changes_new(size_t max_names)
{
    struct cache_changes *c = mem_new(struct cache_changes);
    map_init(&c->by_name);
    list_init(&c->by_time);
    c->max_names = max_names;
    return c;
}

static void drop(struct cache_changes *c, struct change *change)
{
    c->dropped = change->time;
    map_remove(&c->by_name, &change->by_name);
    list_unlink(&change->by_time);
    mem_free(change);
}

void cache_changes_free(struct cache_changes *c)
{
    if (!c)
        return;
    list_foreach(item, &c->by_time)
        drop(c, list_entry(item, struct change, by_time));
    map_deinit(&c->by_name);
    mem_free(c);
}

static struct change *find(const struct cache_changes *c, const char *name)
{
    struct map_node *node = map_find(&c->by_name, name);
    return node ? container_of(node, struct change, by_name) : NULL;
}

static struct change *add(struct cache_changes *c, const char *name)
{
    size_t len = strlen(name);
    struct change *change = mem_alloc(sizeof(*change) + len + 1);
    memcpy(change->name, name, len);
    map_insert(&c->by_name, &change->by_name, change->name);
    return change;
}

void cache_changes_note(struct cache_changes *c, const char *name, struct cache_change_time time)
{
    struct change *change = find(c, name);
    if (change)
        list_unlink(&change->by_time);
    else
        change = add(c, name);
    change->time = time;
    list_append(&c->by_time, &change->by_time);
    if (c->by_name.n_items > c->max_names)
        drop(c, list_entry(c->by_time.next, struct change, by_time));
}

struct cache_change_time cache_changes_last(const struct cache_changes *c, const char *const *names)
{
    struct cache_change_time last = {0};
    for (; names && *names; names++) {
        const struct change *change = find(c, *names);
        const struct cache_change_time *time = change ? &change->time : &c->dropped;
        if (time->sequence > last.sequence)
            last = *time;
    }
    return last;
}
