/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>

#include "tests/unit/cache/results/tier_suite.h"

enum { TICK_MS = 5 };

static void on_tick(uv_timer_t *tick)
{
    (void)tick; /* its turn of the loop is what it is for */
}

void tier_node_init(struct tier_node *n, struct loop *loop, struct cache_tier *tier)
{
    *n = (struct tier_node){.loop = loop, .tier = tier};
    uv_timer_init(&loop->uv, &n->tick);
    uv_timer_start(&n->tick, on_tick, TICK_MS, TICK_MS);
}

static void on_closed(void *arg)
{
    struct tier_node *n = arg;
    n->is_closed = true;
}

static bool is_closed(void *arg)
{
    return ((struct tier_node *)arg)->is_closed;
}

static bool is_tick_gone(void *arg)
{
    return ((struct tier_node *)arg)->tick.data == NULL;
}

static void on_tick_closed(uv_handle_t *handle)
{
    handle->data = NULL;
}

void tier_node_deinit(struct tier_node *n)
{
    n->tier->ops->close(n->tier, on_closed, n);
    tier_node_wait(n, is_closed, n);
    n->tick.data = n;
    uv_close((uv_handle_t *)&n->tick, on_tick_closed);
    tier_node_wait(n, is_tick_gone, n);
}

void tier_node_wait(struct tier_node *n, bool (*is_true)(void *arg), void *arg)
{
    while (!is_true(arg))
        uv_run(&n->loop->uv, UV_RUN_ONCE);
}

struct cache_tier_health tier_node_health(const struct tier_node *n)
{
    struct cache_tier_health health;
    n->tier->ops->health(n->tier, &health);
    return health;
}

static bool is_up(void *arg)
{
    return tier_node_health(arg).is_up;
}

static bool is_down(void *arg)
{
    return !tier_node_health(arg).is_up;
}

void tier_node_wait_up(struct tier_node *n)
{
    tier_node_wait(n, is_up, n);
}

void tier_node_wait_down(struct tier_node *n)
{
    tier_node_wait(n, is_down, n);
}

void tier_node_put(struct tier_node *n, const char *key, const char *text, uint64_t ttl_ms,
                   uint64_t stale_ms)
{
    const struct cache_tier_item item = {
        .value = blob_copy(text, strlen(text)), .ttl_ms = ttl_ms, .stale_ms = stale_ms};
    n->tier->ops->put(n->tier, key, &item);
    blob_unref(item.value);
}

void tier_got_note(void *arg, const struct cache_tier_item *item)
{
    struct tier_got *got = arg;
    got->n_done++;
    got->is_hit = item != NULL;
    if (!item)
        return;
    got->item = *item;
    got->value = blob_ref(item->value);
}

void tier_got_clear(struct tier_got *got)
{
    got->value = blob_unref(got->value);
}

static bool is_done(void *arg)
{
    return ((struct tier_got *)arg)->n_done > 0;
}

struct tier_got tier_node_get(struct tier_node *n, const char *key)
{
    struct tier_got got = {.n_done = 0};
    n->tier->ops->get(n->tier, key, tier_got_note, &got);
    tier_node_wait(n, is_done, &got);
    return got;
}

void tier_node_expect(struct tier_node *n, const char *key, const char *text)
{
    struct tier_got got = tier_node_get(n, key);
    if (text) {
        cr_assert(got.is_hit, "%s: %s", key, tier_node_health(n).detail);
        cr_assert_eq(got.value->len, strlen(text), "%s", key);
        cr_assert(memcmp(got.value->data, text, strlen(text)) == 0, "%s", key);
    } else {
        cr_assert(!got.is_hit, "%s is still there", key);
    }
    tier_got_clear(&got);
}
