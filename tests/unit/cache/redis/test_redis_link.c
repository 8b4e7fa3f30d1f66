/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "cache/redis/redis_link_private.h"
#include "tests/unit/cache/redis_fixture.h"

/* A connection, seen through the tier: how it is found, and what is no redis at all. */

/* --- finding it --- */

Test(cache_redis_link, nobody_listening_is_told_with_what_to_do)
{
    struct redis_fixture f;
    redis_fixture_fake(&f, NULL);
    fake_redis_close(take_ptr(f.fake));
    redis_fixture_expect_told(&f, "cannot be reached (connection refused): start it");
    redis_fixture_stop(&f);
}

Test(cache_redis_link, names_are_resolved_and_all_their_addresses_tried)
{
    struct redis_fixture f;
    redis_fixture_start(&f, NULL);
    str_copy(f.options.url.host, sizeof(f.options.url.host), "localhost");
    redis_fixture_expect_told(&f, NULL);
    redis_fixture_stop(&f);
}

Test(cache_redis_link, a_name_that_cannot_be_resolved_is_told)
{
    struct redis_fixture f;
    redis_fixture_init(&f);
    /* Longer than the name system allows, so nobody is asked about it. */
    memset(f.options.url.host, 'x', 80);
    redis_fixture_expect_told(&f, "cannot be resolved");
    redis_fixture_stop(&f);
}

Test(cache_redis_link, an_address_that_cannot_be_a_host_is_told)
{
    struct redis_fixture f;
    redis_fixture_init(&f);
    str_copy(f.options.url.host, sizeof(f.options.url.host), "255.255.255.255");
    redis_fixture_expect_told(&f, "cannot be reached");
    redis_fixture_stop(&f);
}

/* A listener whose queue is full: the system does not answer further connections. */
static int fill_listener(int *ret_port, int *clients, size_t n_clients)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(listen(fd, 0), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    for (size_t i = 0; i < n_clients; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(clients[i], (struct sockaddr *)&address, size);
    }
    *ret_port = ntohs(address.sin_port);
    return fd;
}

Test(cache_redis_link, a_host_that_does_not_answer_at_all_is_given_up)
{
    struct redis_fixture f;
    int clients[8];
    redis_fixture_init(&f);
    int fd = fill_listener(&f.options.url.port, clients, countof(clients));
    f.options.patience_ms = 100;
    redis_fixture_expect_told(&f, "no connection within 100 ms");
    for (size_t i = 0; i < countof(clients); i++)
        close(clients[i]);
    close(fd);
    redis_fixture_stop(&f);
}

/* --- what is no redis --- */

#define GOOD_GREETING                                                                              \
    {                                                                                              \
        "TIME", "*2\r\n$10\r\n1700000000\r\n$1\r\n0\r\n", 0                                        \
    }

/* Answers everything with the same bytes. */
static void expect_no_redis(const char *bytes, size_t n)
{
    struct redis_fixture f;
    const struct fake_redis_answer answers[] = {{NULL, bytes, n}};
    redis_fixture_fake(&f, answers);
    f.options.max_value_bytes = 1000;
    redis_fixture_expect_told(&f, "is no redis");
    redis_fixture_stop(&f);
}

Test(cache_redis_link, garbage_is_told_to_be_no_redis)
{
    static const struct {
        const char *bytes;
        size_t n;
    } rows[] = {
#define ROW(text) {text, sizeof(text) - 1}
        ROW("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
        ROW("SSH-2.0-OpenSSH_9.2\r\n"),
        ROW("\0\0\0\0\0\0"),
        ROW("\x15\x03\x03\x00\x02\x02\x28"),
        ROW("+OK\r\n"),
        ROW(":1\r\n"),
        ROW("$-1\r\n"),
        ROW("$-2\r\n"),
        ROW("$99999999999999999999\r\n"),
        ROW("*-1\r\n"),
        ROW("*4294967296\r\n"),
        ROW("*100000\r\n"),
        ROW("*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"),
        ROW("*0\r\n*0\r\n*0\r\n*0\r\n*0\r\n"),
        ROW("*2\r\n:1\r\n:2\r\n+OK\r\n+OK\r\n"),
        ROW("*2\r\n$1\r\nx\r\n$1\r\ny\r\n+OK\r\n"),
        ROW("*2\r\n$3\r\n-10\r\n$1\r\n0\r\n:1\r\n"),
        ROW("*2\r\n$10\r\n1700000000\r\n$1\r\n0\r\n:1\r\n"),
        ROW("*3\r\n:1\r\n:2\r\n:3\r\n:4\r\n"),
        ROW("%1\r\n+a\r\n+b\r\n:1\r\n"),
        ROW(">2\r\n+a\r\n+b\r\n:1\r\n"),
        ROW("~1\r\n,1e400\r\n"),
        ROW(",nothing\r\n"),
        ROW("#x\r\n"),
        ROW("=2\r\nab\r\n"),
        ROW("(12x\r\n"),
        ROW("_x\r\n"),
#undef ROW
    };
    for (size_t i = 0; i < countof(rows); i++) {
        fprintf(stderr, "row %zu\n", i);
        expect_no_redis(rows[i].bytes, rows[i].n);
    }
}

Test(cache_redis_link, a_password_that_is_answered_with_garbage_is_told)
{
    struct redis_fixture f;
    static const struct fake_redis_answer answers[] = {{NULL, ":1\r\n", 0}};
    redis_fixture_fake(&f, answers);
    redis_fixture_set_password(&f, "", "secret");
    redis_fixture_expect_told(&f, "is no redis");
    redis_fixture_stop(&f);
}

Test(cache_redis_link, an_answer_without_end_is_cut_off)
{
    enum { SIZE = 4 << 20 };
    char *bytes cleanup(mem_freep) = mem_alloc(SIZE);
    memset(bytes, 'x', SIZE);
    int n = snprintf(bytes, SIZE, "$%d\r\n", SIZE * 2);
    bytes[n] = 'x';
    expect_no_redis(bytes, SIZE);
    memset(bytes, 'x', SIZE);
    bytes[0] = '+';
    expect_no_redis(bytes, SIZE);
}

Test(cache_redis_link, an_answer_that_is_announced_and_does_not_come_is_given_up)
{
    struct redis_fixture f;
    static const struct fake_redis_answer answers[] = {{NULL, "$4294967290\r\nx\r\n", 0}};
    redis_fixture_fake(&f, answers);
    f.options.patience_ms = 50;
    redis_fixture_expect_told(&f, "does not answer");
    redis_fixture_stop(&f);
}

Test(cache_redis_link, a_nest_without_end_is_cut_off)
{
    enum { DEPTH = 300000 };
    char *bytes cleanup(mem_freep) = mem_alloc(4 * DEPTH);
    for (size_t i = 0; i < DEPTH; i++)
        memcpy(bytes + 4 * i, "*1\r\n", 4);
    expect_no_redis(bytes, 4 * DEPTH);
}

/* One COMMAND is answered with ANSWER and all others rightly. */
static void expect_wrong_answer(const char *command, const char *answer, const char *told)
{
    struct redis_fixture f;
    struct tier_node n;
    const struct fake_redis_answer answers[] = {
        GOOD_GREETING,
        {command, answer, 0},
        {"GETRANGE", "$0\r\n\r\n", 0},
        {"SET", "+OK\r\n", 0},
        {"SCAN", "*2\r\n$1\r\n0\r\n*1\r\n$55\r\n" REDIS_KEY "other\r\n", 0},
        {"UNLINK", ":1\r\n", 0},
        {NULL, NULL, 0}};
    redis_fixture_fake(&f, answers);
    f.options.beat_ms = LONG_MS;
    redis_fixture_open_up(&f, &n);
    struct tier_got got = {.n_done = 0};
    n.tier->ops->get(n.tier, "k", tier_got_note, &got);
    tier_node_put(&n, "k", "x", LONG_MS, LONG_MS);
    redis_fixture_invalidate(&n, "other*");
    redis_fixture_wait_told(&n, told);
    tier_node_deinit(&n);
    cr_assert_eq(got.n_done, 1);
    cr_assert(!got.is_hit);
    redis_fixture_stop(&f);
}

Test(cache_redis_link, an_answer_of_the_wrong_kind_ends_the_connection)
{
    static const char *const told = "is no redis";
    expect_wrong_answer("GETRANGE", ":1\r\n", told);
    expect_wrong_answer("GETRANGE", "*0\r\n", told);
    expect_wrong_answer("GETRANGE", "+OK\r\n", told);
    expect_wrong_answer("SET", ":1\r\n", told);
    expect_wrong_answer("SET", "$-1\r\n", told);
    expect_wrong_answer("SCAN", "+OK\r\n", told);
    expect_wrong_answer("SCAN", "*0\r\n", told);
    expect_wrong_answer("SCAN", "*2\r\n$1\r\n0\r\n$1\r\n0\r\n", told);
    expect_wrong_answer("SCAN", "*2\r\n$1\r\nx\r\n*0\r\n", told);
    expect_wrong_answer("SCAN", "*2\r\n:0\r\n*0\r\n", told);
    expect_wrong_answer("SCAN", "*2\r\n$21\r\n111111111111111111111\r\n*0\r\n", told);
    expect_wrong_answer("UNLINK", "+OK\r\n", told);
}

Test(cache_redis_link, keys_that_are_not_ours_are_left_alone_whatever_redis_says)
{
    struct redis_fixture f;
    struct tier_node n;
    static const char keys[] =
        "*2\r\n$1\r\n0\r\n*4\r\n$1\r\nx\r\n$0\r\n\r\n:1\r\n$7\r\nother:k\r\n";
    static const struct fake_redis_answer answers[] = {
        GOOD_GREETING, {"SCAN", keys, 0}, {NULL, NULL, 0}};
    redis_fixture_fake(&f, answers);
    f.options.beat_ms = LONG_MS;
    redis_fixture_open_up(&f, &n);
    redis_fixture_invalidate(&n, "*");
    redis_fixture_invalidate(&n, "x*");
    while (fake_redis_n_heard(f.fake, "SCAN") < 2)
        uv_run(&f.loop.uv, UV_RUN_ONCE);
    cr_assert_eq(fake_redis_n_heard(f.fake, "UNLINK"), 0);
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

Test(cache_redis_link, errors_of_redis_are_told_and_the_connection_stays)
{
    expect_wrong_answer("GETRANGE", "-LOADING Redis is loading the dataset in memory\r\n",
                        "still loading");
    expect_wrong_answer("GETRANGE", "-MASTERDOWN Link with MASTER is down\r\n", "lost its primary");
    expect_wrong_answer("GETRANGE", "-SOMETHING \x01new\x7f \xff\r\n",
                        "it refused with \"SOMETHING ?new? ?\"");
}

Test(cache_redis_link, a_listener_that_says_nothing_is_told)
{
    struct redis_fixture f;
    static const struct fake_redis_answer answers[] = {{NULL, NULL, 0}};
    redis_fixture_fake(&f, answers);
    f.options.patience_ms = 50;
    redis_fixture_expect_told(&f, "it accepts connections but does not answer");
    redis_fixture_stop(&f);
}

Test(cache_redis_link, who_hangs_up_again_and_again_is_asked_again_and_again)
{
    struct redis_fixture f;
    struct tier_node n;
    static const struct fake_redis_answer answers[] = {{NULL, NULL, 0}};
    redis_fixture_fake(&f, answers);
    redis_fixture_open(&f, &n);
    for (unsigned i = 1; i <= 10; i++) {
        while (fake_redis_n_accepted(f.fake) < i)
            uv_run(&f.loop.uv, UV_RUN_ONCE);
        fake_redis_hang_up(f.fake);
        redis_fixture_wait_told(&n, "connection was lost");
    }
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

Test(cache_redis_link, what_nobody_asked_for_ends_the_connection)
{
    static const char *const rows[] = {
        "*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$1\r\ny\r\n",
        "*3\r\n:1\r\n:2\r\n:3\r\n",
        "*0\r\n",
        "+hello\r\n",
        "-ERR you are not welcome\r\n",
    };
    static const struct fake_redis_answer answers[] = {GOOD_GREETING, {NULL, NULL, 0}};
    for (size_t i = 0; i < countof(rows); i++) {
        struct redis_fixture f;
        struct tier_node n;
        fprintf(stderr, "row %zu\n", i);
        redis_fixture_fake(&f, answers);
        f.options.beat_ms = LONG_MS;
        redis_fixture_open_up(&f, &n);
        fake_redis_say(f.fake, rows[i], strlen(rows[i]));
        while (tier_node_health(&n).n_reconnects == 0)
            uv_run(&f.loop.uv, UV_RUN_ONCE);
        tier_node_deinit(&n);
        redis_fixture_stop(&f);
    }
}

/* --- coming back --- */

static void on_alive(void *arg, bool is_new)
{
    (void)arg;
    (void)is_new;
}

static void on_link_closed(void *arg)
{
    (void)arg;
}

Test(cache_redis_link, waits_double_up_to_a_limit_and_half_of_each_is_chance)
{
    static const unsigned most[] = {100, 200, 400, 800, 1000, 1000};
    const struct cache_redis_link_options o = {.min_wait_ms = 100, .max_wait_ms = 1000};
    for (unsigned i = 0; i < countof(most); i++) {
        cr_assert_eq(cache_redis_link_wait_ms(&o, i, 0), most[i] / 2);
        cr_assert_eq(cache_redis_link_wait_ms(&o, i, most[i] / 2), most[i]);
        for (uint32_t chance = 0; chance < 5000; chance += 7) {
            unsigned wait_ms = cache_redis_link_wait_ms(&o, i, chance);
            cr_assert(wait_ms >= most[i] / 2 && wait_ms <= most[i], "%u", wait_ms);
        }
    }
    cr_assert_eq(cache_redis_link_wait_ms(&o, UINT32_MAX, 0), 500);
}

Test(cache_redis_link, a_connection_that_lasted_makes_the_next_wait_short_again)
{
    static const struct fake_redis_answer silent[] = {{NULL, NULL, 0}},
                                          good[] = {GOOD_GREETING, {NULL, NULL, 0}};
    struct redis_fixture f;
    struct cache_redis_link l;
    redis_fixture_fake(&f, silent);
    const struct cache_redis_link_options options = {
        .url = &f.options.url,
        .patience_ms = 20000,
        .beat_ms = 5,
        .min_wait_ms = 1,
        .max_wait_ms = 2,
        .max_out_bytes = 10000,
        .max_answer_bytes = 10000,
    };
    cache_redis_link_init(&l, &f.loop, &options, on_alive, NULL);
    cache_redis_link_start(&l);
    while (l.n_tries < 5) {
        uv_run(&f.loop.uv, UV_RUN_ONCE);
        fake_redis_hang_up(f.fake);
    }
    fake_redis_change(f.fake, good);
    fake_redis_hang_up(f.fake);
    while (l.n_ups == 0)
        uv_run(&f.loop.uv, UV_RUN_ONCE);
    cr_assert_geq(l.n_tries, 5, "being let in is not enough");
    while (l.n_tries > 0)
        uv_run(&f.loop.uv, UV_RUN_ONCE);
    cr_assert(cache_redis_link_is_up(&l));
    cache_redis_link_close(&l, on_link_closed, NULL);
    redis_fixture_stop(&f);
}

/* --- closing --- */

Test(cache_redis_link, it_closes_in_every_state)
{
    static const struct fake_redis_answer silent[] = {{NULL, NULL, 0}},
                                          good[] = {GOOD_GREETING, {NULL, NULL, 0}};
    for (unsigned n_turns = 0; n_turns < 40; n_turns++) {
        struct redis_fixture f;
        struct tier_node n;
        redis_fixture_fake(&f, n_turns % 2 ? silent : good);
        f.options.patience_ms = 5;
        if (n_turns % 4 == 0)
            str_copy(f.options.url.host, sizeof(f.options.url.host), "localhost");
        redis_fixture_open(&f, &n);
        for (unsigned i = 0; i < n_turns / 2; i++)
            uv_run(&f.loop.uv, UV_RUN_ONCE);
        redis_fixture_invalidate(&n, "a*");
        tier_node_put(&n, "k", "x", LONG_MS, LONG_MS);
        tier_node_deinit(&n);
        redis_fixture_stop(&f);
    }
}
