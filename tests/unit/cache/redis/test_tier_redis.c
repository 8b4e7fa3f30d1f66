/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "tests/unit/cache/redis_fixture.h"

/* The tier against a real redis-server that is killed, paused, filled and restarted. What only
 * something that is no redis would do is in test_redis_link.c. */

static struct cache_tier *open_tier(struct loop *loop, void *arg)
{
    return cache_tier_redis_new(loop, arg);
}

Test(cache_tier_redis, keeps_what_every_tier_promises)
{
    struct redis_fixture f;
    redis_fixture_start(&f, NULL);
    tier_suite_run(&(struct tier_suite){.open = open_tier, .arg = &f.options});
    redis_fixture_stop(&f);
}

/* --- what is kept --- */

Test(cache_tier_redis, keys_are_this_nodes_own_and_redis_forgets_them_by_itself)
{
    struct redis_fixture f;
    struct tier_node n;
    redis_fixture_start(&f, NULL);
    redis_fixture_open_up(&f, &n);
    tier_node_put(&n, "k", "x", 1000, LONG_MS);
    tier_node_expect(&n, "k", "x");
    cr_assert_str_eq(redis_server_ask(f.server, "KEYS *"), REDIS_KEY "k");
    int left = atoi(redis_server_ask(f.server, "PTTL " REDIS_KEY "k"));
    cr_assert(left > 0 && left <= 1000 + LONG_MS, "PTTL %d", left);
    tier_node_put(&n, "never", "x", 0, 0);
    tier_node_expect(&n, "never", NULL);
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

Test(cache_tier_redis, an_age_counts_from_the_put_and_not_from_when_redis_took_it)
{
    struct redis_fixture f;
    struct tier_node n;
    redis_fixture_start(&f, NULL);
    redis_fixture_open_up(&f, &n);
    redis_server_pause(f.server);
    tier_node_put(&n, "k", "x", LONG_MS, LONG_MS);
    uint64_t put_at = uv_hrtime();
    while (uv_hrtime() - put_at < 50 * 1000000u)
        uv_run(&f.loop.uv, UV_RUN_ONCE);
    redis_server_resume(f.server);
    struct tier_got got = tier_node_get(&n, "k");
    cr_assert(got.is_hit);
    cr_assert_geq(got.item.age_ms, 45, "%d ms", (int)got.item.age_ms);
    tier_got_clear(&got);
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

/* --- what is none of our values --- */

struct bad {
    unsigned n;
    char sentence[400];
};

static void on_bad_value(void *arg, const char *sentence)
{
    struct bad *bad = arg;
    bad->n++;
    str_copy(bad->sentence, sizeof(bad->sentence), sentence);
}

/* COMMAND puts something under the key "k" that is told to be as WHAT says. */
static void expect_bad(struct redis_fixture *f, const char *command, const char *what)
{
    struct tier_node n;
    struct bad bad = {0};
    f->options.on_bad_value = on_bad_value;
    f->options.arg = &bad;
    redis_fixture_open_up(f, &n);
    redis_server_ask(f->server, command);
    tier_node_expect(&n, "k", NULL);
    cr_assert_eq(bad.n, 1, "%s", command);
    cr_assert(strstr(bad.sentence, what), "%s: %s", command, bad.sentence);
    cr_assert(strstr(bad.sentence, "the value of k in redis://127.0.0.1:"), "%s", bad.sentence);
    while (strcmp(redis_server_ask(f->server, "EXISTS " REDIS_KEY "k"), "0") != 0)
        uv_run(&f->loop.uv, UV_RUN_ONCE);
    struct cache_tier_health health = tier_node_health(&n);
    cr_assert(health.is_up, "it is no reason to call redis broken: %s", health.detail);
    cr_assert(strstr(health.detail, what), "%s", health.detail);
    cr_assert_eq(health.n_bad, 1);
    cr_assert_eq(health.n_failed, 0);
    cr_assert_eq(health.n_reconnects, 0);
    tier_node_put(&n, "k", "ours", LONG_MS, LONG_MS);
    /* A miss until redis has said that the bad one is gone. */
    struct tier_got got;
    while (!(got = tier_node_get(&n, "k")).is_hit)
        uv_run(&f->loop.uv, UV_RUN_ONCE);
    cr_assert_eq(strncmp(got.value->data, "ours", got.value->len), 0);
    tier_got_clear(&got);
    tier_node_deinit(&n);
}

Test(cache_tier_redis, what_others_keep_under_our_keys_is_told_and_removed)
{
    struct redis_fixture f;
    redis_fixture_start(&f, NULL);
    expect_bad(&f, "SET " REDIS_KEY "k not-ours", "is none of ours");
    expect_bad(&f, "SET " REDIS_KEY "k L", "is none of ours");
    redis_server_ask(f.server, "DEL " REDIS_KEY "k");
    expect_bad(&f, "LPUSH " REDIS_KEY "k a b", "is none of ours");
    expect_bad(&f, "SETRANGE " REDIS_KEY "k 99 x", "was changed");
    redis_fixture_stop(&f);
}

Test(cache_tier_redis, a_value_that_is_cut_off_or_changed_is_told_and_removed)
{
    struct redis_fixture f;
    struct tier_node n;
    redis_fixture_start(&f, NULL);
    redis_fixture_open_up(&f, &n);
    tier_node_put(&n, "whole", "a value of ours", LONG_MS, LONG_MS);
    tier_node_put(&n, "k", "a value of ours", LONG_MS, LONG_MS);
    tier_node_expect(&n, "k", "a value of ours");
    tier_node_deinit(&n);
    expect_bad(&f, "SETRANGE " REDIS_KEY "k 92 A", "was changed");
    expect_bad(&f, "COPY " REDIS_KEY "whole " REDIS_KEY "k REPLACE", "was changed");
    expect_bad(&f,
               "EVAL redis.call('SET',KEYS[2],redis.call('GETRANGE',KEYS[1],0,101)) 2 " REDIS_KEY
               "whole " REDIS_KEY "k",
               "is cut off");
    redis_fixture_stop(&f);
}

/* What another node, or another version, has put, and somebody copied to our key. */
Test(cache_tier_redis, a_value_of_another_owner_is_told_and_removed)
{
    static const char other[] = "00000000-89ab-4cde-8f01-23456789abcd";
    struct redis_fixture f;
    struct tier_node n;
    redis_fixture_start(&f, NULL);
    str_copy(f.options.owner.node, sizeof(f.options.owner.node), other);
    redis_fixture_open_up(&f, &n);
    tier_node_put(&n, "k", "theirs", LONG_MS, LONG_MS);
    tier_node_expect(&n, "k", "theirs");
    tier_node_deinit(&n);
    str_copy(f.options.owner.node, sizeof(f.options.owner.node), REDIS_NODE);
    f.options.owner.version = 2;
    redis_fixture_open_up(&f, &n);
    tier_node_expect(&n, "k", NULL);
    tier_node_put(&n, "k", "of version 2", LONG_MS, LONG_MS);
    tier_node_expect(&n, "k", "of version 2");
    tier_node_deinit(&n);
    f.options.owner.version = 1;

    char *command cleanup(mem_freep) =
        mem_printf("COPY ldplayerd:%s:v1:k " REDIS_KEY "k REPLACE", other);
    expect_bad(&f, command, "is another node's");
    expect_bad(&f, "COPY ldplayerd:" REDIS_NODE ":v2:k " REDIS_KEY "k REPLACE",
               "is of another version");
    redis_fixture_stop(&f);
}

Test(cache_tier_redis, a_value_that_is_larger_than_any_of_ours_is_told_and_removed)
{
    struct redis_fixture f;
    redis_fixture_start(&f, NULL);
    f.options.max_value_bytes = 1000;
    /* Far more than the answer to a command may have. */
    expect_bad(&f, "SETRANGE " REDIS_KEY "k 5000000 x", "is larger than any of ours");
    expect_bad(&f, "SETRANGE " REDIS_KEY "k 1100 x", "is larger than any of ours");
    redis_fixture_stop(&f);
}

Test(cache_tier_redis, a_value_that_is_too_large_is_not_put)
{
    struct redis_fixture f;
    struct tier_node n;
    redis_fixture_start(&f, NULL);
    f.options.max_value_bytes = 10;
    redis_fixture_open_up(&f, &n);
    tier_node_put(&n, "fits", "0123456789", LONG_MS, LONG_MS);
    tier_node_put(&n, "large", "0123456789a", LONG_MS, LONG_MS);
    tier_node_expect(&n, "fits", "0123456789");
    tier_node_expect(&n, "large", NULL);
    cr_assert_eq(tier_node_health(&n).n_failed, 1);
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

/* --- other nodes, and what is ours --- */

Test(cache_tier_redis, two_nodes_in_one_redis_do_not_see_each_other)
{
    struct redis_fixture f;
    struct tier_node a, b;
    redis_fixture_start(&f, NULL);
    str_copy(f.options.prefix, sizeof(f.options.prefix), "both:");
    redis_fixture_open_up(&f, &a);
    f.options.owner.node[0] = 'f';
    redis_fixture_open_up(&f, &b);
    tier_node_put(&a, "k", "a's", LONG_MS, LONG_MS);
    tier_node_expect(&a, "k", "a's");
    tier_node_expect(&b, "k", NULL);
    tier_node_put(&b, "k", "b's", LONG_MS, LONG_MS);
    tier_node_expect(&b, "k", "b's");
    redis_fixture_invalidate(&a, "*");
    tier_node_expect(&a, "k", NULL);
    tier_node_expect(&b, "k", "b's");
    /* A miss at once, though redis may still be at it. */
    while (strcmp(redis_server_ask(f.server, "KEYS *"),
                  "both:ldplayerd:f1234567-89ab-4cde-8f01-23456789abcd:v1:k") != 0)
        uv_run(&f.loop.uv, UV_RUN_ONCE);
    tier_node_deinit(&a);
    tier_node_deinit(&b);
    redis_fixture_stop(&f);
}

Test(cache_tier_redis, a_get_under_way_does_not_bring_back_what_is_invalidated)
{
    struct redis_fixture f;
    struct tier_node n;
    struct tier_got wrong = {.n_done = 0}, right = {.n_done = 0};
    redis_fixture_start(&f, NULL);
    redis_fixture_open_up(&f, &n);
    tier_node_put(&n, "k", "x", LONG_MS, LONG_MS);
    tier_node_put(&n, "other", "x", LONG_MS, LONG_MS);
    n.tier->ops->get(n.tier, "k", tier_got_note, &wrong);
    n.tier->ops->get(n.tier, "other", tier_got_note, &right);
    redis_fixture_invalidate(&n, "k");
    cr_assert_eq(wrong.n_done, 1);
    cr_assert(!wrong.is_hit);
    while (right.n_done == 0)
        uv_run(&f.loop.uv, UV_RUN_ONCE);
    cr_assert(right.is_hit);
    tier_got_clear(&right);
    cr_assert_eq(wrong.n_done, 1, "answered once, though redis answered too");
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

/* --- redis goes and comes back --- */

Test(cache_tier_redis, a_redis_that_is_killed_is_missed_at_once_and_found_again)
{
    struct redis_fixture f;
    struct tier_node n;
    redis_fixture_start(&f, NULL);
    redis_fixture_open_up(&f, &n);
    tier_node_put(&n, "k", "x", LONG_MS, LONG_MS);
    tier_node_expect(&n, "k", "x");

    redis_server_kill(f.server);
    redis_fixture_wait_told(&n, "connection refused");
    cr_assert(strstr(tier_node_health(&n).detail, "start it"));
    redis_fixture_expect_miss_at_once(&n, "k");
    tier_node_put(&n, "k", "lost", LONG_MS, LONG_MS);

    redis_server_restart(f.server);
    tier_node_wait_up(&n);
    tier_node_expect(&n, "k", NULL);
    tier_node_put(&n, "k", "again", LONG_MS, LONG_MS);
    tier_node_expect(&n, "k", "again");
    cr_assert_eq(tier_node_health(&n).n_reconnects, 1);
    cr_assert_str_eq(tier_node_health(&n).detail, "");
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

Test(cache_tier_redis, gets_under_way_end_when_redis_dies)
{
    enum { N = 100 };
    struct redis_fixture f;
    struct tier_node n;
    struct tier_got got[N] = {{.n_done = 0}};
    redis_fixture_start(&f, NULL);
    redis_fixture_open_up(&f, &n);
    redis_server_pause(f.server);
    for (int i = 0; i < N; i++)
        n.tier->ops->get(n.tier, "k", tier_got_note, &got[i]);
    uv_run(&f.loop.uv, UV_RUN_ONCE);
    redis_server_kill(f.server);
    tier_node_wait_down(&n);
    for (int i = 0; i < N; i++) {
        cr_assert_eq(got[i].n_done, 1);
        cr_assert(!got[i].is_hit);
    }
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

Test(cache_tier_redis, a_pause_costs_one_wait_and_then_nothing)
{
    struct redis_fixture f;
    struct tier_node n;
    redis_fixture_start(&f, NULL);
    f.options.get_ms = 200;
    redis_fixture_open_up(&f, &n);
    tier_node_put(&n, "k", "x", LONG_MS, LONG_MS);
    redis_server_pause(f.server);
    tier_node_expect(&n, "k", NULL);
    redis_fixture_wait_told(&n, "not answered in 200 ms");
    redis_fixture_expect_miss_at_once(&n, "k");
    tier_node_put(&n, "k", "dropped", LONG_MS, LONG_MS);

    redis_server_resume(f.server);
    tier_node_wait_up(&n);
    cr_assert_eq(tier_node_health(&n).n_reconnects, 0, "the same connection");
    tier_node_expect(&n, "k", "x");
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

Test(cache_tier_redis, each_get_has_its_own_time)
{
    struct redis_fixture f;
    struct tier_node n;
    struct tier_got first = {.n_done = 0}, second = {.n_done = 0};
    redis_fixture_start(&f, NULL);
    f.options.get_ms = 200;
    redis_fixture_open_up(&f, &n);
    redis_server_pause(f.server);
    n.tier->ops->get(n.tier, "k", tier_got_note, &first);
    uint64_t asked_at = uv_hrtime();
    while (uv_hrtime() - asked_at < 50 * 1000000u)
        uv_run(&f.loop.uv, UV_RUN_ONCE);
    n.tier->ops->get(n.tier, "k", tier_got_note, &second);
    while (second.n_done == 0)
        uv_run(&f.loop.uv, UV_RUN_ONCE);
    cr_assert_eq(first.n_done, 1);
    redis_server_resume(f.server);
    tier_node_wait_up(&n);
    cr_assert_eq(first.n_done + second.n_done, 2, "late answers are for nobody");
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

Test(cache_tier_redis, a_long_pause_ends_the_connection_and_the_next_is_made_when_it_is_over)
{
    struct redis_fixture f;
    struct tier_node n;
    redis_fixture_start(&f, NULL);
    f.options.get_ms = 50;
    f.options.patience_ms = 300;
    redis_fixture_open_up(&f, &n);
    redis_server_pause(f.server);
    redis_fixture_wait_told(&n, "does not answer");
    redis_fixture_expect_miss_at_once(&n, "k");
    redis_server_resume(f.server);
    tier_node_wait_up(&n);
    cr_assert_geq(tier_node_health(&n).n_reconnects, 1);
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

/* --- closing --- */

static void on_closing_get(void *arg, const struct cache_tier_item *item)
{
    struct tier_node *n = arg;
    cr_assert_null(item);
    tier_node_put(n, "late", "x", LONG_MS, LONG_MS);
    redis_fixture_invalidate(n, "*");
    redis_fixture_expect_miss_at_once(n, "late");
}

Test(cache_tier_redis, nothing_begins_any_more_when_it_closes)
{
    struct redis_fixture f;
    struct tier_node n;
    redis_fixture_start(&f, NULL);
    redis_fixture_open_up(&f, &n);
    tier_node_put(&n, "stays", "x", LONG_MS, LONG_MS);
    tier_node_expect(&n, "stays", "x");
    n.tier->ops->get(n.tier, "stays", on_closing_get, &n);
    tier_node_deinit(&n);
    cr_assert_str_eq(redis_server_ask(f.server, "KEYS *"), REDIS_KEY "stays");
    redis_fixture_stop(&f);
}

/* --- many --- */

struct flood {
    unsigned n_done, n_hits;
};

static void on_flood(void *arg, const struct cache_tier_item *item)
{
    struct flood *flood = arg;
    flood->n_done++;
    flood->n_hits += item != NULL;
}

Test(cache_tier_redis, a_hundred_thousand_gets_at_once_are_bounded_and_each_is_answered)
{
    enum { N = 100000 };
    struct redis_fixture f;
    struct tier_node n;
    struct flood flood = {0, 0};
    redis_fixture_start(&f, NULL);
    redis_fixture_open_up(&f, &n);
    tier_node_put(&n, "k", "x", LONG_MS, LONG_MS);
    for (int i = 0; i < N; i++)
        n.tier->ops->get(n.tier, "k", on_flood, &flood);
    cr_assert_eq(flood.n_done, N - f.options.max_gets, "more than the pipeline takes are misses");
    while (flood.n_done < N)
        uv_run(&f.loop.uv, UV_RUN_ONCE);
    cr_assert_eq(flood.n_hits, f.options.max_gets);
    cr_assert_eq(tier_node_health(&n).n_gets, N);
    cr_assert_eq(tier_node_health(&n).n_failed, N - f.options.max_gets);
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

Test(cache_tier_redis, a_hundred_thousand_gets_through_the_pipeline_are_all_hits)
{
    enum { N = 100000 };
    struct redis_fixture f;
    struct tier_node n;
    struct flood flood = {0, 0};
    redis_fixture_start(&f, NULL);
    redis_fixture_open_up(&f, &n);
    tier_node_put(&n, "k", "x", LONG_MS, LONG_MS);
    for (unsigned n_asked = 0; flood.n_done < N;) {
        for (; n_asked < N && n_asked - flood.n_done < f.options.max_gets; n_asked++)
            n.tier->ops->get(n.tier, "k", on_flood, &flood);
        uv_run(&f.loop.uv, UV_RUN_ONCE);
    }
    cr_assert_eq(flood.n_hits, N);
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

Test(cache_tier_redis, puts_that_redis_does_not_take_are_bounded)
{
    enum { N = 200, SIZE = 100000 };
    struct redis_fixture f;
    struct tier_node n;
    char *text cleanup(mem_freep) = mem_alloc(SIZE + 1);
    memset(text, 'x', SIZE);
    redis_fixture_start(&f, NULL);
    f.options.max_out_bytes = 10 * SIZE;
    redis_fixture_open_up(&f, &n);
    for (int i = 0; i < N; i++)
        tier_node_put(&n, "k", text, LONG_MS, LONG_MS);
    cr_assert_geq(tier_node_health(&n).n_failed, N - 10);
    tier_node_expect(&n, "k", text);
    tier_node_put(&n, "later", "x", LONG_MS, LONG_MS);
    tier_node_expect(&n, "later", "x");
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}
