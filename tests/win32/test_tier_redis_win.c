/* SPDX-License-Identifier: MIT */

/* cache/redis/tier_redis.c over winsock: names, connections, answers, garbage and loss. A
 * redis-server is not there, so something in the same loop answers as one. */

#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "cache/redis/redis_value.h"
#include "cache/redis/tier_redis.h"
#include "tests/support/fake_redis.h"

static int n_failed;

#define check(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                                 \
            n_failed++;                                                                            \
        }                                                                                          \
    } while (0)

enum { LONG_MS = 600000, REDIS_SECONDS = 1700000000, LIMIT_MS = 30000 };

#define GREETING                                                                                   \
    {                                                                                              \
        "TIME", "*2\r\n$10\r\n1700000000\r\n$1\r\n0\r\n", 0                                        \
    }

static const struct cache_redis_owner owner = {"01234567-89ab-4cde-8f01-23456789abcd", 1};
#define KEY "ldplayerd:01234567-89ab-4cde-8f01-23456789abcd:v1:k"

struct node {
    struct loop loop;
    uv_timer_t tick;
    struct fake_redis *fake;
    struct cache_tier *tier;
    unsigned n_done, n_hits;
    bool is_closed;
};

static void on_tick(uv_timer_t *tick)
{
    (void)tick;
}

static void on_got(void *arg, const struct cache_tier_item *item)
{
    struct node *n = arg;
    n->n_done++;
    n->n_hits += item && item->value->len == 5 && memcmp(item->value->data, "value", 5) == 0;
}

static void on_closed(void *arg)
{
    ((struct node *)arg)->is_closed = true;
}

static struct cache_tier_health health_of(const struct node *n)
{
    struct cache_tier_health health;
    n->tier->ops->health(n->tier, &health);
    return health;
}

static bool is_up(const struct node *n)
{
    return health_of(n).is_up;
}

static bool is_back(const struct node *n)
{
    return health_of(n).is_up && health_of(n).n_reconnects > 0;
}

static bool is_answered(const struct node *n)
{
    return n->n_done > 0;
}

static bool is_removed(const struct node *n)
{
    return fake_redis_n_heard(n->fake, "UNLINK") > 0;
}

static bool is_refused(const struct node *n)
{
    return strstr(health_of(n).detail, "cannot be reached") != NULL;
}

static bool is_no_redis(const struct node *n)
{
    return strstr(health_of(n).detail, "is no redis") != NULL;
}

static bool is_closed(const struct node *n)
{
    return n->is_closed;
}

/* Wine has no debugger at hand, so a wait that fails says so. */
static void wait_until(struct node *n, bool (*is_true)(const struct node *n), const char *what)
{
    uint64_t end = clock_mono_ms() + LIMIT_MS;
    while (!is_true(n) && clock_mono_ms() < end)
        uv_run(&n->loop.uv, UV_RUN_ONCE);
    if (!is_true(n)) {
        printf("%s did not come: %s\n", what, n->is_closed ? "" : health_of(n).detail);
        n_failed++;
    }
}

static void open_node(struct node *n, const struct fake_redis_answer *answers, const char *host)
{
    struct cache_redis_options options;
    *n = (struct node){.n_done = 0};
    check(loop_init(&n->loop) == 0);
    uv_timer_init(&n->loop.uv, &n->tick);
    uv_timer_start(&n->tick, on_tick, 5, 5);
    n->fake = fake_redis_new(&n->loop, answers);
    cache_redis_options_init(&options);
    options.owner = owner;
    str_copy(options.url.host, sizeof(options.url.host), host);
    options.url.port = fake_redis_port(n->fake);
    options.get_ms = options.beat_ms = LIMIT_MS;
    options.min_wait_ms = 2;
    options.max_wait_ms = 20;
    n->tier = cache_tier_redis_new(&n->loop, &options);
}

static void close_node(struct node *n)
{
    n->tier->ops->close(n->tier, on_closed, n);
    wait_until(n, is_closed, "closing");
    uv_close((uv_handle_t *)&n->tick, NULL);
    if (n->fake)
        fake_redis_close(n->fake);
    loop_run(&n->loop);
    check(loop_deinit(&n->loop) == 0);
}

/* What redis answers a get with for "value", made when its clock began. */
static char *stored_value(size_t *ret_n)
{
    struct buf value cleanup(buf_deinit) = {0}, answer = {0};
    struct blob *blob cleanup(blob_unrefp) = blob_copy("value", 5);
    const struct cache_tier_item item = {.value = blob, .ttl_ms = LONG_MS};
    cache_redis_value_write(&value, &owner, "k", &item, REDIS_SECONDS * 1000ull);
    (void)buf_printf(&answer, "$%u\r\n", (unsigned)value.len);
    (void)buf_append(&answer, value.data, value.len);
    (void)buf_append_str(&answer, "\r\n");
    return buf_take(&answer, ret_n);
}

static void test_commands(void)
{
    struct node n;
    size_t n_value;
    char *value cleanup(mem_freep) = stored_value(&n_value);
    const struct fake_redis_answer answers[] = {
        GREETING,
        {"GETRANGE", value, n_value},
        {"SET", "+OK\r\n", 0},
        {"SCAN", "*2\r\n$1\r\n0\r\n*1\r\n$51\r\n" KEY "\r\n", 0},
        {"UNLINK", ":1\r\n", 0},
        {NULL, NULL, 0}};
    open_node(&n, answers, "localhost");
    wait_until(&n, is_up, "the connection");
    n.tier->ops->get(n.tier, "k", on_got, &n);
    wait_until(&n, is_answered, "the answer");
    check(n.n_hits == 1);
    struct blob *blob = blob_copy("x", 1);
    n.tier->ops->put(n.tier, "k", &(struct cache_tier_item){.value = blob, .ttl_ms = LONG_MS});
    blob_unref(blob);
    n.tier->ops->invalidate(n.tier, "k*");
    wait_until(&n, is_removed, "the invalidation");
    check(fake_redis_n_heard(n.fake, "SET") == 1);
    close_node(&n);
}

static void test_loss(void)
{
    static const struct fake_redis_answer answers[] = {GREETING, {NULL, NULL, 0}};
    struct node n;
    open_node(&n, answers, "127.0.0.1");
    wait_until(&n, is_up, "the connection");
    fake_redis_hang_up(n.fake);
    wait_until(&n, is_back, "the connection after a loss");
    fake_redis_close(take_ptr(n.fake));
    wait_until(&n, is_refused, "the refusal");
    close_node(&n);
}

/* Lengths near 4 GiB are those that hiredis computes with too few bits here. */
static void test_garbage(void)
{
    static const char *const rows[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n", "$4294967290\r\nx\r\nx\r\nx\r\n",
        "$4294967295\r\nx\r\nx\r\nx\r\n",   "$4294967284\r\n\r\n",
        "*1\r\n*1\r\n*1\r\n:1\r\n",
    };
    for (size_t i = 0; i < countof(rows); i++) {
        const struct fake_redis_answer answers[] = {{NULL, rows[i], 0}};
        struct node n;
        open_node(&n, answers, "127.0.0.1");
        wait_until(&n, is_no_redis, rows[i]);
        close_node(&n);
    }
}

int main(void)
{
    test_commands();
    test_loss();
    test_garbage();
    printf("%d failed\n", n_failed);
    return n_failed > 0;
}
