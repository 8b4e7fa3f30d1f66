/* SPDX-License-Identifier: MIT */
#include "control/judge/tombstones.h"

#include <string.h>

#include "base/memory/mem.h"

struct ctl_tombstones {
    struct cache_instance *items; /* in the order in which they came */
    size_t n_items, cap;
};

struct ctl_tombstones *ctl_tombstones_new(void)
{
    return mem_new(struct ctl_tombstones);
}

void ctl_tombstones_free(struct ctl_tombstones *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n_items; i++)
        cache_instance_deinit(&t->items[i]);
    mem_free(t->items);
    mem_free(t);
}

static void remove_at(struct ctl_tombstones *t, size_t i)
{
    cache_instance_deinit(&t->items[i]);
    memmove(&t->items[i], &t->items[i + 1], (--t->n_items - i) * sizeof(*t->items));
}

void ctl_tombstones_add(struct ctl_tombstones *t, const struct cache_instance *instance)
{
    ctl_tombstones_forget(t, instance->id);
    if (t->n_items == CTL_TOMBSTONES_MAX)
        remove_at(t, 0);
    t->items = mem_grow(t->items, t->n_items, &t->cap, sizeof(*t->items));
    cache_instance_init(&t->items[t->n_items]);
    cache_instance_copy(&t->items[t->n_items++], instance);
}

const struct cache_instance *ctl_tombstones_find(const struct ctl_tombstones *t,
                                                 const char *disk_id)
{
    for (size_t i = t->n_items; disk_id[0] && i > 0; i--) {
        if (strcmp(t->items[i - 1].disk_id, disk_id) == 0)
            return &t->items[i - 1];
    }
    return NULL;
}

size_t ctl_tombstones_count(const struct ctl_tombstones *t)
{
    return t->n_items;
}

const struct cache_instance *ctl_tombstones_at(const struct ctl_tombstones *t, size_t i)
{
    return &t->items[i];
}

const struct cache_instance *ctl_tombstones_by_id(const struct ctl_tombstones *t, const char *id)
{
    for (size_t i = 0; i < t->n_items; i++) {
        if (strcmp(t->items[i].id, id) == 0)
            return &t->items[i];
    }
    return NULL;
}

bool ctl_tombstones_has(const struct ctl_tombstones *t, const char *id)
{
    return ctl_tombstones_by_id(t, id) != NULL;
}

void ctl_tombstones_forget(struct ctl_tombstones *t, const char *id)
{
    for (size_t i = t->n_items; i > 0; i--) {
        if (strcmp(t->items[i - 1].id, id) == 0)
            remove_at(t, i - 1);
    }
}
