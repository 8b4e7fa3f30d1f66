/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CACHE_REDIS_FIXTURE_H
#define TESTS_UNIT_CACHE_REDIS_FIXTURE_H

#include <signal.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/text/str.h"
#include "cache/redis/tier_redis.h"
#include "tests/support/fake_redis.h"
#include "tests/support/redis_server.h"
#include "tests/unit/cache/results/tier_suite.h"

enum { LONG_MS = 600000 };

/** Whose keys they are, and how those begin. */
#define REDIS_NODE "01234567-89ab-4cde-8f01-23456789abcd"
#define REDIS_KEY "ldplayerd:" REDIS_NODE ":v1:"

/** A loop, and what a test puts on it. Waits are short for what is to fail and long for what is to
 *  work, so that a busy machine changes no outcome. */
struct redis_fixture {
    struct loop loop;
    struct redis_server *server; /* a real one, or NULL */
    struct fake_redis *fake;     /* or this one */
    struct cache_redis_options options;
};

static inline void redis_fixture_init(struct redis_fixture *f)
{
    signal(SIGPIPE, SIG_IGN); /* as the service does */
    *f = (struct redis_fixture){.server = NULL};
    cr_assert_eq(loop_init(&f->loop), 0);
    cache_redis_options_init(&f->options);
    str_copy(f->options.owner.node, sizeof(f->options.owner.node), REDIS_NODE);
    f->options.owner.version = 1;
    f->options.get_ms = 20000;
    f->options.patience_ms = 40000;
    f->options.beat_ms = 20;
    f->options.min_wait_ms = 2;
    f->options.max_wait_ms = 20;
}

/** With a real server. EXTRA as in redis_server_start. */
static inline void redis_fixture_start(struct redis_fixture *f, const char *const *extra)
{
    redis_fixture_init(f);
    f->server = redis_server_start(extra);
    f->options.url.port = redis_server_port(f->server);
}

/** With one that answers as ANSWERS say. */
static inline void redis_fixture_fake(struct redis_fixture *f,
                                      const struct fake_redis_answer *answers)
{
    redis_fixture_init(f);
    f->fake = fake_redis_new(&f->loop, answers);
    f->options.url.port = fake_redis_port(f->fake);
}

static inline void redis_fixture_stop(struct redis_fixture *f)
{
    if (f->fake)
        fake_redis_close(f->fake);
    loop_run(&f->loop);
    cr_assert_eq(loop_deinit(&f->loop), 0, "a handle is still open");
    if (f->server)
        redis_server_stop(f->server);
}

/** One node with the fixture's options as they are now. */
static inline void redis_fixture_open(struct redis_fixture *f, struct tier_node *n)
{
    tier_node_init(n, &f->loop, cache_tier_redis_new(&f->loop, &f->options));
}

/** The same, and waits until it is up. */
static inline void redis_fixture_open_up(struct redis_fixture *f, struct tier_node *n)
{
    redis_fixture_open(f, n);
    tier_node_wait_up(n);
}

/** Waits until the health of N tells TEXT. */
static inline void redis_fixture_wait_told(struct tier_node *n, const char *text)
{
    while (!strstr(tier_node_health(n).detail, text))
        uv_run(&n->loop->uv, UV_RUN_ONCE);
    cr_assert(!tier_node_health(n).is_up);
    cr_assert(strstr(tier_node_health(n).detail, " since 20"), "it tells since when");
}

/** Checks that a get is a miss within the call: nothing is waited for. */
static inline void redis_fixture_expect_miss_at_once(struct tier_node *n, const char *key)
{
    struct tier_got got = {.n_done = 0};
    n->tier->ops->get(n->tier, key, tier_got_note, &got);
    cr_assert_eq(got.n_done, 1, "not answered at once");
    cr_assert(!got.is_hit);
}

static inline void redis_fixture_invalidate(struct tier_node *n, const char *pattern)
{
    n->tier->ops->invalidate(n->tier, pattern);
}

/** "" for redis' default user. */
static inline void redis_fixture_set_password(struct redis_fixture *f, const char *user,
                                              const char *password)
{
    str_copy(f->options.url.user, sizeof(f->options.url.user), user);
    str_copy(f->options.url.password, sizeof(f->options.url.password), password);
}

/** Opens a node and waits until it tells TEXT and gets miss, or for NULL until it is up and works.
 */
static inline void redis_fixture_expect_told(struct redis_fixture *f, const char *text)
{
    struct tier_node n;
    if (!text) {
        redis_fixture_open_up(f, &n);
        tier_node_put(&n, "k", "x", LONG_MS, LONG_MS);
        tier_node_expect(&n, "k", "x");
    } else {
        redis_fixture_open(f, &n);
        redis_fixture_wait_told(&n, text);
        redis_fixture_expect_miss_at_once(&n, "k");
    }
    cr_assert(!strstr(tier_node_health(&n).detail, "secret"), "a password was shown");
    tier_node_deinit(&n);
}

#endif
