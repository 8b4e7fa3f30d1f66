/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/cache/redis_fixture.h"

/* What is to be removed, when redis is away, has no room, or much to look through. */

Test(cache_redis_purge, what_is_invalidated_while_redis_is_away_is_never_seen_again)
{
    struct redis_fixture f;
    struct tier_node a;
    redis_fixture_start(&f, NULL);
    f.options.patience_ms = 300;
    redis_fixture_open_up(&f, &a);
    tier_node_put(&a, "one", "x", LONG_MS, LONG_MS);
    tier_node_put(&a, "many:1", "x", LONG_MS, LONG_MS);
    tier_node_put(&a, "stays", "x", LONG_MS, LONG_MS);
    tier_node_expect(&a, "stays", "x");

    redis_server_pause(f.server);
    redis_fixture_wait_told(&a, "does not answer");
    redis_fixture_invalidate(&a, "one");
    redis_fixture_invalidate(&a, "many:*");
    redis_server_resume(f.server);
    tier_node_wait_up(&a);
    tier_node_expect(&a, "one", NULL);
    tier_node_expect(&a, "many:1", NULL);
    while (strcmp(redis_server_ask(f.server, "KEYS *"), REDIS_KEY "stays") != 0)
        uv_run(&f.loop.uv, UV_RUN_ONCE);
    tier_node_expect(&a, "many:1", NULL);
    tier_node_deinit(&a);
    redis_fixture_stop(&f);
}

Test(cache_redis_purge, too_many_invalidations_for_a_redis_that_is_away_become_one_for_everything)
{
    struct redis_fixture f;
    struct tier_node n;
    char pattern[32];
    redis_fixture_start(&f, NULL);
    redis_server_ask(f.server, "SET " REDIS_KEY "anything x");
    redis_fixture_open(&f, &n);
    for (int i = 0; i < 5000; i++) {
        snprintf(pattern, sizeof(pattern), "k:%d:*", i);
        redis_fixture_invalidate(&n, pattern);
        redis_fixture_invalidate(&n, pattern);
    }
    redis_fixture_expect_miss_at_once(&n, "anything");
    while (strcmp(redis_server_ask(f.server, "EXISTS " REDIS_KEY "anything"), "0") != 0)
        uv_run(&f.loop.uv, UV_RUN_ONCE);
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

Test(cache_redis_purge, closing_does_not_wait_for_ever_for_what_is_to_be_removed)
{
    struct redis_fixture f;
    struct tier_node n;
    redis_fixture_start(&f, NULL);
    f.options.beat_ms = LONG_MS;
    f.options.patience_ms = 100;
    redis_fixture_open_up(&f, &n);
    redis_server_pause(f.server);
    redis_fixture_invalidate(&n, "a*");
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

/* How often redis was looked through. */
static int scans(struct redis_fixture *f)
{
    const char *stats = redis_server_ask(f->server, "INFO commandstats");
    const char *at = strstr(stats, "cmdstat_scan:calls=");
    return at ? atoi(at + strlen("cmdstat_scan:calls=")) : 0;
}

Test(cache_redis_purge, what_is_at_work_is_done_once_more_and_what_waits_is_not)
{
    struct redis_fixture f;
    struct tier_node n;
    redis_fixture_start(&f, NULL);
    redis_server_ask(f.server, "SET " REDIS_KEY "last x");
    redis_fixture_open_up(&f, &n);
    for (int i = 0; i < 5; i++)
        redis_fixture_invalidate(&n, "k:*");
    redis_fixture_invalidate(&n, "last");
    while (strcmp(redis_server_ask(f.server, "EXISTS " REDIS_KEY "last"), "0") != 0)
        uv_run(&f.loop.uv, UV_RUN_ONCE);
    cr_assert_eq(scans(&f), 2, "the first, and one for all that came since");
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

Test(cache_redis_purge, a_single_key_is_removed_without_looking_through_all)
{
    static const char key[] = "/api/x?limit=[1]*\\";
    struct redis_fixture f;
    struct tier_node n;
    redis_fixture_start(&f, NULL);
    redis_fixture_open_up(&f, &n);
    tier_node_put(&n, key, "x", LONG_MS, LONG_MS);
    tier_node_put(&n, "/api/xylimit=1", "x", LONG_MS, LONG_MS);
    tier_node_expect(&n, key, "x");
    redis_fixture_invalidate(&n, "/api/x\\?limit=\\[1]\\*\\\\");
    tier_node_expect(&n, key, NULL);
    tier_node_expect(&n, "/api/xylimit=1", "x");
    tier_node_deinit(&n);
    const char *commands = redis_server_ask(f.server, "INFO commandstats");
    cr_assert(strstr(commands, "cmdstat_unlink"));
    cr_assert(!strstr(commands, "cmdstat_scan"));
    redis_fixture_stop(&f);
}

Test(cache_redis_purge, an_invalidation_that_finds_no_room_is_made_up_for)
{
    struct redis_fixture f;
    struct tier_node n;
    char text[900] = "";
    memset(text, 'x', sizeof(text) - 1);
    redis_fixture_start(&f, NULL);
    f.options.max_out_bytes = 1000;
    redis_fixture_open_up(&f, &n);
    tier_node_put(&n, "k", text, LONG_MS, LONG_MS);
    redis_fixture_invalidate(&n, "a-pattern-that-does-not-fit-behind-the-value-that-is-waiting*");
    redis_fixture_invalidate(&n, "k");
    redis_fixture_expect_miss_at_once(&n, "k");
    while (strcmp(redis_server_ask(f.server, "EXISTS " REDIS_KEY "k"), "0") != 0)
        uv_run(&f.loop.uv, UV_RUN_ONCE);
    tier_node_expect(&n, "k", NULL);
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

Test(cache_redis_purge, keys_are_removed_in_steps_while_gets_go_on)
{
    enum { N = 20000 };
    struct redis_fixture f;
    struct tier_node n;
    struct tier_got got[2] = {{.n_done = 0}};
    redis_fixture_start(&f, NULL);
    redis_server_ask(f.server, "CONFIG SET save \"\"");
    redis_fixture_open_up(&f, &n);
    for (int i = 0; i < N; i++) {
        char key[32];
        snprintf(key, sizeof(key), "many:%d", i);
        tier_node_put(&n, key, "x", LONG_MS, LONG_MS);
    }
    tier_node_put(&n, "other", "x", LONG_MS, LONG_MS);
    tier_node_expect(&n, "other", "x");
    redis_fixture_invalidate(&n, "many:*7*");
    redis_fixture_expect_miss_at_once(&n, "many:7");
    n.tier->ops->get(n.tier, "other", tier_got_note, &got[0]);
    n.tier->ops->get(n.tier, "many:1", tier_got_note, &got[1]);
    while (got[0].n_done + got[1].n_done < 2)
        uv_run(&f.loop.uv, UV_RUN_ONCE);
    cr_assert(got[0].is_hit && got[1].is_hit, "what does not match is there all the time");
    redis_fixture_expect_miss_at_once(&n, "many:7");
    tier_got_clear(&got[0]);
    tier_got_clear(&got[1]);
    tier_node_deinit(&n);
    int n_left = atoi(redis_server_ask(f.server, "DBSIZE")), n_expected = 1;
    for (int i = 0; i < N; i++) {
        char number[16];
        snprintf(number, sizeof(number), "%d", i);
        n_expected += strchr(number, '7') == NULL;
    }
    cr_assert_eq(n_left, n_expected);
    redis_fixture_stop(&f);
}
