/* SPDX-License-Identifier: MIT */
#include "tests/unit/cache/results/fake_tier.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"
#include "cache/results/glob.h"
#include "tests/unit/cache/results/results_fixture.h"

static struct fake_tier *cast(const struct cache_tier *tier)
{
    return container_of(tier, struct fake_tier, base);
}

static void drop(struct fake_tier *t, size_t i)
{
    blob_unref(t->items[i].item.value);
    t->items[i] = t->items[--t->n_items];
}

static size_t find(const struct fake_tier *t, const char *key)
{
    size_t i = 0;
    while (i < t->n_items && strcmp(t->items[i].key, key) != 0)
        i++;
    return i;
}

static void answer(struct fake_tier *t, const char *key, cache_tier_got_fn done, void *arg)
{
    size_t i = find(t, key);
    if (i == t->n_items) {
        done(arg, NULL);
        return;
    }
    struct cache_tier_item item = t->items[i].item;
    item.age_ms += now_ms - t->items[i].kept_ms;
    struct blob *held = blob_ref(item.value);
    done(arg, &item);
    blob_unref(held);
}

static void tier_get(struct cache_tier *tier, const char *key, cache_tier_got_fn done, void *arg)
{
    struct fake_tier *t = cast(tier);
    t->n_asked++;
    if (!t->is_async) {
        answer(t, key, done, arg);
        return;
    }
    cr_assert_lt(t->n_gets, FAKE_TIER_GETS);
    str_copy(t->gets[t->n_gets].key, sizeof(t->gets[0].key), key);
    t->gets[t->n_gets].done = done;
    t->gets[t->n_gets++].arg = arg;
}

void fake_tier_answer(struct fake_tier *t, size_t index)
{
    cr_assert_lt(index, t->n_gets);
    __typeof__(t->gets[0]) get = t->gets[index];
    t->n_gets--;
    memmove(&t->gets[index], &t->gets[index + 1], (t->n_gets - index) * sizeof(t->gets[0]));
    answer(t, get.key, get.done, get.arg);
}

void fake_tier_store(struct fake_tier *t, const char *key, const struct cache_tier_item *item)
{
    size_t i = find(t, key);
    blob_ref(item->value);
    if (i < t->n_items)
        drop(t, i);
    i = t->n_items++;
    cr_assert_lt(i, FAKE_TIER_ITEMS);
    str_copy(t->items[i].key, sizeof(t->items[i].key), key);
    t->items[i].item = *item;
    t->items[i].kept_ms = now_ms;
}

static void tier_put(struct cache_tier *tier, const char *key, const struct cache_tier_item *item)
{
    fake_tier_store(cast(tier), key, item);
}

static void tier_invalidate(struct cache_tier *tier, const char *pattern)
{
    struct fake_tier *t = cast(tier);
    const char *rule = "";
    cr_assert_eq(cache_glob_check(pattern, &rule), 0, "%s %s", pattern, rule);
    size_t len = strlen(t->told);
    snprintf(t->told + len, sizeof(t->told) - len, "%s ", pattern);
    for (size_t i = t->n_items; i-- > 0;) {
        if (cache_glob_match(pattern, t->items[i].key))
            drop(t, i);
    }
}

static void tier_health(const struct cache_tier *tier, struct cache_tier_health *ret)
{
    (void)tier;
    *ret = (struct cache_tier_health){.is_up = true};
}

static void tier_close(struct cache_tier *tier, void (*on_closed)(void *arg), void *arg)
{
    struct fake_tier *t = cast(tier);
    for (; t->n_gets > 0; t->n_gets--)
        t->gets[t->n_gets - 1].done(t->gets[t->n_gets - 1].arg, NULL);
    t->is_closed = true;
    on_closed(arg);
}

static const struct cache_tier_ops ops = {
    .name = "fake",
    .get = tier_get,
    .put = tier_put,
    .invalidate = tier_invalidate,
    .health = tier_health,
    .close = tier_close,
};

void fake_tier_init(struct fake_tier *t)
{
    *t = (struct fake_tier){.base = {.ops = &ops}};
}

void fake_tier_deinit(struct fake_tier *t)
{
    cr_assert(t->is_closed);
    while (t->n_items > 0)
        drop(t, 0);
}

const struct cache_tier_item *fake_tier_find(const struct fake_tier *t, const char *key)
{
    size_t i = find(t, key);
    return i < t->n_items ? &t->items[i].item : NULL;
}
