/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"
#include "cache/redis/redis_trouble.h"
#include "cache/results/tier.h"

Test(cache_redis_trouble, what_redis_refuses_with_is_put_into_words)
{
    /* As redis 5 to 7 say it. */
    static const struct {
        const char *reply, *words;
    } rows[] = {
        {"NOAUTH Authentication required.", "put it into the URL"},
        {"WRONGPASS invalid username-password pair or user is disabled.", "correct the URL"},
        {"ERR invalid password", "correct the URL"},
        {"ERR AUTH <password> called without any password configured for the default user. Are "
         "you sure your configuration is correct?",
         "no password set"},
        {"ERR Client sent AUTH, but no password is set", "no password set"},
        {"NOPERM this user has no permissions to run the 'scan' command", "ACL"},
        {"LOADING Redis is loading the dataset in memory", "loading"},
        {"OOM command not allowed when used memory > 'maxmemory'.", "raise maxmemory"},
        {"READONLY You can't write against a read only replica.", "primary"},
        {"MISCONF Redis is configured to save RDB snapshots, but ...", "its disk"},
        {"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
         "start the primary"},
        {"NOREPLICAS Not enough good replicas to write.", "replicas are missing"},
        {"BUSY Redis is busy running a script.", "SCRIPT KILL"},
        {"DENIED Redis is running in protected mode because ...", "protected mode"},
        {"MOVED 3999 127.0.0.1:6381", "single redis"},
        {"CLUSTERDOWN Hash slot not served", "single redis"},
        {"ERR DB index is out of range", "no database of that number"},
        {"ERR max number of clients reached", "maxclients"},
        {"ERR unknown command 'UNLINK'", "redis 4"},
        {"ERR something new", "it refused with \"ERR something new\""},
        {"", "it refused with \"\""},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct cache_redis_trouble t = {.since_ms = 0};
        cache_redis_trouble_set_reply(&t, rows[i].reply);
        cr_assert(strstr(t.text, rows[i].words), "%s: %s", rows[i].reply, t.text);
        cr_assert_lt(strlen(t.text), sizeof(t.text) - 1, "cut off: %s", t.text);
        cr_assert_gt(t.since_ms, 0);
    }
}

Test(cache_redis_trouble, began_once_though_its_reason_changes)
{
    struct cache_redis_trouble t = {.since_ms = 0};
    cr_assert(!cache_redis_trouble_is_set(&t));
    cache_redis_trouble_set(&t, "first");
    t.since_ms = 5;
    cache_redis_trouble_set(&t, "second");
    cr_assert_str_eq(t.text, "second");
    cr_assert_eq(t.since_ms, 5);
    cache_redis_trouble_clear(&t);
    cr_assert(!cache_redis_trouble_is_set(&t));
    cache_redis_trouble_set(&t, "third");
    cr_assert_gt(t.since_ms, 5);
}

Test(cache_redis_trouble, is_always_text_for_people)
{
    struct cache_redis_trouble t = {.since_ms = 0};
    char reply[1000];
    for (size_t i = 0; i < sizeof(reply) - 1; i++)
        reply[i] = (char)(i + 1 == 256 ? 1 : i + 1);
    reply[sizeof(reply) - 1] = '\0';
    cache_redis_trouble_set_reply(&t, reply);
    cr_assert(str_is_utf8(t.text, strlen(t.text)));
    for (const char *p = t.text; *p; p++)
        cr_assert_geq((unsigned char)*p, 0x20);
}
