/* SPDX-License-Identifier: MIT */
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/cache/redis_fixture.h"

/* Who a real redis lets in, and what it refuses later. */

Test(cache_redis_link_greeting, a_password_is_asked_for_refused_or_taken)
{
    struct redis_fixture f;
    redis_fixture_start(&f, (const char *[]){"--requirepass", "secret", NULL});
    redis_fixture_expect_told(&f, "asks for a password");
    redis_fixture_set_password(&f, "", "secret-but-wrong");
    redis_fixture_expect_told(&f, "is wrong: correct the URL");
    redis_fixture_set_password(&f, "", "secret");
    redis_fixture_expect_told(&f, NULL);
    redis_fixture_set_password(&f, "default", "secret");
    redis_fixture_expect_told(&f, NULL);
    redis_fixture_set_password(&f, "nobody", "secret");
    redis_fixture_expect_told(&f, "is wrong: correct the URL");
    redis_fixture_stop(&f);
}

Test(cache_redis_link_greeting, a_password_where_none_is_set_is_told)
{
    struct redis_fixture f;
    redis_fixture_start(&f, NULL);
    redis_fixture_set_password(&f, "", "secret");
    redis_fixture_expect_told(&f, "no password set");
    redis_fixture_stop(&f);
}

Test(cache_redis_link_greeting, a_user_needs_the_rights_that_are_named)
{
    struct redis_fixture f;
    struct tier_node n;
    redis_fixture_start(&f, NULL);
    redis_fixture_set_password(&f, "node", "secret");
    redis_server_ask(f.server, "ACL SETUSER node on >secret +auth");
    redis_fixture_expect_told(&f, "its ACL forbids");
    redis_server_ask(f.server, "ACL SETUSER node on >secret +auth +select +getrange +set +unlink "
                               "+scan +time ~elsewhere:* resetchannels");
    redis_fixture_open_up(&f, &n);
    tier_node_expect(&n, "k", NULL);
    redis_fixture_wait_told(&n, "its ACL forbids");
    redis_server_ask(f.server, "ACL SETUSER node ~ldplayerd:*");
    tier_node_expect(&n, "k", NULL);
    cr_assert(tier_node_health(&n).is_up);
    tier_node_deinit(&n);
    redis_fixture_expect_told(&f, NULL);
    redis_fixture_stop(&f);
}

Test(cache_redis_link_greeting, a_pattern_that_may_not_be_removed_is_told_and_gets_of_it_miss)
{
    struct redis_fixture f;
    struct tier_node n;
    redis_fixture_start(&f, NULL);
    redis_fixture_set_password(&f, "node", "secret");
    redis_server_ask(f.server, "ACL SETUSER node on >secret +getrange +set +time ~ldplayerd:*");
    redis_fixture_open_up(&f, &n);
    tier_node_put(&n, "k", "x", LONG_MS, LONG_MS);
    tier_node_expect(&n, "k", "x");
    redis_fixture_invalidate(&n, "k");
    redis_fixture_wait_told(&n, "its ACL forbids");
    redis_fixture_expect_miss_at_once(&n, "k");
    redis_server_ask(f.server, "ACL SETUSER node +unlink +scan");
    while (strcmp(redis_server_ask(f.server, "EXISTS " REDIS_KEY "k"), "0") != 0)
        uv_run(&f.loop.uv, UV_RUN_ONCE);
    tier_node_wait_up(&n);
    tier_node_expect(&n, "k", NULL);
    tier_node_put(&n, "k", "y", LONG_MS, LONG_MS);
    tier_node_expect(&n, "k", "y");
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

Test(cache_redis_link_greeting, a_database_is_chosen_or_told_to_be_missing)
{
    struct redis_fixture f;
    struct tier_node n;
    redis_fixture_start(&f, (const char *[]){"--databases", "4", NULL});
    f.options.url.db = 4;
    redis_fixture_expect_told(&f, "no database of that number");
    f.options.url.db = 3;
    redis_fixture_open_up(&f, &n);
    tier_node_put(&n, "k", "x", LONG_MS, LONG_MS);
    tier_node_expect(&n, "k", "x");
    cr_assert_str_eq(redis_server_ask(f.server, "KEYS *"), "");
    redis_server_ask(f.server, "SELECT 3");
    cr_assert_str_eq(redis_server_ask(f.server, "KEYS *"), REDIS_KEY "k");
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

Test(cache_redis_link_greeting, a_full_redis_takes_no_values_until_it_has_room)
{
    struct redis_fixture f;
    struct tier_node n;
    redis_fixture_start(&f, (const char *[]){"--maxmemory-policy", "noeviction", NULL});
    redis_fixture_open_up(&f, &n);
    tier_node_put(&n, "before", "x", LONG_MS, LONG_MS);
    tier_node_expect(&n, "before", "x");
    redis_server_ask(f.server, "CONFIG SET maxmemory 1");
    tier_node_put(&n, "k", "x", LONG_MS, LONG_MS);
    redis_fixture_wait_told(&n, "it is full");
    tier_node_expect(&n, "before", "x");
    redis_fixture_invalidate(&n, "before");
    tier_node_expect(&n, "before", NULL);
    redis_server_ask(f.server, "CONFIG SET maxmemory 0");
    tier_node_put(&n, "k", "y", LONG_MS, LONG_MS);
    tier_node_expect(&n, "k", "y");
    cr_assert(tier_node_health(&n).is_up, "%s", tier_node_health(&n).detail);
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

Test(cache_redis_link_greeting, a_replica_is_told_to_take_no_writes)
{
    struct redis_fixture f;
    struct tier_node n;
    redis_fixture_start(&f, NULL);
    redis_fixture_open_up(&f, &n);
    redis_server_ask(f.server, "REPLICAOF 127.0.0.1 1");
    tier_node_put(&n, "k", "x", LONG_MS, LONG_MS);
    redis_fixture_wait_told(&n, "name the primary");
    redis_server_ask(f.server, "REPLICAOF NO ONE");
    tier_node_put(&n, "k", "x", LONG_MS, LONG_MS);
    tier_node_wait_up(&n);
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}

Test(cache_redis_link_greeting, a_redis_with_too_many_clients_is_told)
{
    struct redis_fixture f;
    redis_fixture_start(&f, NULL);
    redis_server_ask(f.server, "CONFIG SET maxclients 1");
    redis_fixture_expect_told(&f, "raise maxclients");
    redis_fixture_stop(&f);
}

Test(cache_redis_link_greeting, a_script_that_keeps_redis_busy_is_told)
{
    struct redis_fixture f;
    struct tier_node n;
    redis_fixture_start(&f, (const char *[]){"--busy-reply-threshold", "20", NULL});
    redis_fixture_open_up(&f, &n);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address;
    uv_ip4_addr("127.0.0.1", f.options.url.port, &address);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    static const char script[] = "EVAL \"while true do end\" 0\r\n";
    cr_assert_eq(write(fd, script, sizeof(script) - 1), (ssize_t)sizeof(script) - 1);
    tier_node_put(&n, "k", "x", LONG_MS, LONG_MS);
    redis_fixture_wait_told(&n, "SCRIPT KILL");
    redis_server_ask(f.server, "SCRIPT KILL");
    tier_node_wait_up(&n);
    close(fd);
    tier_node_deinit(&n);
    redis_fixture_stop(&f);
}
