/* SPDX-License-Identifier: MIT */
/* What a hit in redis costs: values that the tier of the result cache gets from a real one.
 *
 *     bench_redis PORT BYTES IN_FLIGHT GETS   ->   {"us":..}
 *
 * A value of so many bytes is put once. Then it is asked for GETS times, always IN_FLIGHT at a
 * time; every answer must be that value. `us` is the time for one, and the key stays in redis. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop/loop.h"
#include "cache/redis/tier_redis.h"
#include "tests/bench/timing.h"

enum { KEEP_MS = 600000, MAX_FLIGHT = 512 };

static const char key[] = "workstations_list";

struct bench {
    struct loop loop;
    struct cache_tier *tier;
    struct blob *value;
    uv_timer_t look;
    unsigned n_flight, n_gets, n_asked, n_answered;
    uint64_t started_ns, ended_ns;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "bench_redis: %s\n", what);
    exit(1);
}

static void on_closed(void *arg)
{
    (void)arg;
}

static void ask(struct bench *b);

static void on_got(void *arg, const struct cache_tier_item *item)
{
    struct bench *b = arg;
    if (!item || item->value->len != b->value->len ||
        memcmp(item->value->data, b->value->data, b->value->len) != 0)
        fail("a get did not answer what was put");
    if (++b->n_answered == b->n_gets) {
        b->ended_ns = timing_now_ns();
        b->tier->ops->close(b->tier, on_closed, b);
    } else if (b->n_asked < b->n_gets) {
        ask(b);
    }
}

static void ask(struct bench *b)
{
    b->n_asked++;
    b->tier->ops->get(b->tier, key, on_got, b);
}

/* The put is on its way before this, on the same connection. */
static void begin(struct bench *b)
{
    b->started_ns = timing_now_ns();
    for (unsigned i = 0; i < b->n_flight; i++)
        ask(b);
}

static void put(struct bench *b)
{
    const struct cache_tier_item item = {.value = b->value, .ttl_ms = KEEP_MS};
    b->tier->ops->put(b->tier, key, &item);
}

static void on_look(uv_timer_t *timer)
{
    struct bench *b = timer->data;
    struct cache_tier_health health;
    b->tier->ops->health(b->tier, &health);
    if (!health.is_up)
        return;
    uv_close((uv_handle_t *)timer, NULL);
    put(b);
    begin(b);
}

int main(int argc, char **argv)
{
    struct bench b = {.n_asked = 0};
    struct cache_redis_options options;
    if (argc != 5) {
        fprintf(stderr, "Usage: bench_redis PORT BYTES IN_FLIGHT GETS\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    cache_redis_options_init(&options);
    random_uuid(options.owner.node);
    options.url.port = (uint16_t)timing_read_number(argv[1], "PORT", 65535);
    b.value = blob_new(timing_read_number(argv[2], "BYTES", 1000000));
    b.n_flight = timing_read_number(argv[3], "IN_FLIGHT", MAX_FLIGHT);
    b.n_gets = timing_read_number(argv[4], "GETS", 100000000);
    /* A string of JSON. */
    memset(b.value->data, 'x', b.value->len);
    b.value->data[0] = b.value->data[b.value->len - 1] = '"';
    if (b.n_gets < b.n_flight || options.max_gets < b.n_flight || loop_init(&b.loop) < 0)
        fail("so many cannot be in flight");

    b.tier = cache_tier_redis_new(&b.loop, &options);
    b.look.data = &b;
    (void)uv_timer_init(&b.loop.uv, &b.look);
    (void)uv_timer_start(&b.look, on_look, 0, 5);
    loop_run(&b.loop);
    if (b.ended_ns == 0 || loop_deinit(&b.loop) < 0)
        fail("redis did not answer all");
    printf("{\"us\":%.3f}\n", (double)(b.ended_ns - b.started_ns) / 1000 / b.n_gets);
    blob_unref(b.value);
    return 0;
}
