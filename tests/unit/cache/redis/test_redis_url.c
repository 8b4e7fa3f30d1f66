/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "cache/redis/redis_options.h"
#include "cache/redis/redis_url.h"

static void expect(const char *text, const char *host, int port, unsigned db, const char *user,
                   const char *password)
{
    struct cache_redis_url url;
    const char *rule = NULL;
    int r = cache_redis_url_parse(text, &url, &rule);
    cr_assert_eq(r, 0, "%s: the URL %s", text, rule);
    cr_assert_str_eq(url.host, host, "%s: %s", text, url.host);
    cr_assert_eq(url.port, port, "%s: %d", text, url.port);
    cr_assert_eq(url.db, db, "%s: %u", text, url.db);
    cr_assert_str_eq(url.user, user, "%s: %s", text, url.user);
    cr_assert_str_eq(url.password, password, "%s: %s", text, url.password);
}

Test(cache_redis_url, has_a_host_and_perhaps_more)
{
    expect("redis://localhost", "localhost", 6379, 0, "", "");
    expect("redis://localhost/", "localhost", 6379, 0, "", "");
    expect("redis://127.0.0.1:1", "127.0.0.1", 1, 0, "", "");
    expect("redis://cache_1.example.com:65535/65535", "cache_1.example.com", 65535, 65535, "", "");
    expect("redis://[::1]", "::1", 6379, 0, "", "");
    expect("redis://[fe80::1:2]:7000/3", "fe80::1:2", 7000, 3, "", "");
    expect("redis://:secret@host:6380/2", "host", 6380, 2, "", "secret");
    expect("redis://node:secret@[::1]:6380", "::1", 6380, 0, "node", "secret");
    expect("redis://node:se:cr@et@host", "host", 6379, 0, "node", "se:cr@et");
    expect("redis://n%40de:%2f%3A%25%e9%9b%b7@host", "host", 6379, 0, "n@de", "/:%\xe9\x9b\xb7");
}

static void refuse(const char *text, const char *words)
{
    struct cache_redis_url url = {.port = -1};
    const char *rule = NULL;
    cr_assert_eq(cache_redis_url_parse(text, &url, &rule), UV_EINVAL, "%s was taken", text);
    cr_assert(strstr(rule, words), "%s: the URL %s", text, rule);
    cr_assert(!strstr(rule, "secret"), "%s: the URL %s", text, rule);
    cr_assert_eq(url.port, -1, "set on success only");
}

Test(cache_redis_url, is_refused_with_the_rule)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"", "begin with redis://"},
        {"localhost:6379", "begin with redis://"},
        {"http://localhost", "begin with redis://"},
        {"REDIS://localhost", "begin with redis://"},
        {"rediss://localhost", "TLS"},
        {"unix:///run/redis.sock", "begin with redis://"},
        {"redis://", "a host"},
        {"redis:///1", "a host"},
        {"redis://:6379", "a host"},
        {"redis://::1", "a host"},
        {"redis://[::1", "a host"},
        {"redis://[]", "a host"},
        {"redis://[::1%25eth0]", "a host"},
        {"redis://[example]", "a host"},
        {"redis://-host", "a host"},
        {"redis://.host", "a host"},
        {"redis://a..b", "a host"},
        {"redis://a,b:6379", "a host"},
        {"redis://host?x=1", "a host"},
        {"redis://h\xc3\xb6st", "a host"},
        {"redis://host:", "port"},
        {"redis://host:0", "port"},
        {"redis://host:65536", "port"},
        {"redis://host:+1", "port"},
        {"redis://host:6379x", "port"},
        {"redis://host:000000006379", "port"},
        {"redis://host/x", "database"},
        {"redis://host/-1", "database"},
        {"redis://host/1/2", "database"},
        {"redis://host/65536", "database"},
        {"redis://host/99999999999999999999", "database"},
        {"redis://host/1?timeout=3", "database"},
        {"redis://node@host", "password behind a colon"},
        {"redis://node:@host", "password behind a colon"},
        {"redis://:@host", "password behind a colon"},
        {"redis://@host", "password behind a colon"},
        {"redis://:secret%@host", "two hexadecimal digits"},
        {"redis://:secret%4@host", "two hexadecimal digits"},
        {"redis://:secret%4g@host", "two hexadecimal digits"},
        {"redis://:secret%00@host", "control characters"},
        {"redis://:secret%0d%0aFLUSHALL@host", "control characters"},
        {"redis://:secret%7f@host", "control characters"},
        {"redis://ho\nst", "spaces or control"},
        {"redis://host ", "spaces or control"},
        {" redis://host", "spaces or control"},
        {"redis://host\x7f", "spaces or control"},
    };
    for (size_t i = 0; i < countof(rows); i++)
        refuse(rows[i].text, rows[i].words);
}

/* "redis://" BEFORE, N letters, BEHIND. */
static char *long_url(const char *before, size_t n, const char *behind)
{
    char *letters cleanup(mem_freep) = mem_alloc(n + 1);
    memset(letters, 'x', n);
    return mem_printf("redis://%s%s%s", before, letters, behind);
}

static void check_length(const char *before, size_t max, const char *behind, const char *words)
{
    struct cache_redis_url url;
    const char *rule = NULL;
    char *fits cleanup(mem_freep) = long_url(before, max, behind);
    char *too_long cleanup(mem_freep) = long_url(before, max + 1, behind);
    cr_assert_eq(cache_redis_url_parse(fits, &url, &rule), 0, "%s", rule);
    refuse(too_long, words);
}

Test(cache_redis_url, its_parts_have_limits)
{
    check_length("", 253, "", "a host");
    check_length("", 128, ":p@host", "at most 128");
    check_length("u:", 512, "@host", "at most 512");
    char *too_long cleanup(mem_freep) = long_url("", 1024, "");
    refuse(too_long, "at most 1024 bytes");
}

static void show(const char *text, const char *shown)
{
    struct cache_redis_url url;
    const char *rule = NULL;
    char out[CACHE_REDIS_URL_MAX];
    cr_assert_eq(cache_redis_url_parse(text, &url, &rule), 0, "%s", rule);
    cr_assert_str_eq(cache_redis_url_show(&url, out, sizeof(out)), shown);
}

Test(cache_redis_url, is_shown_without_user_and_password)
{
    show("redis://node:secret@host:7000/3", "redis://host:7000/3");
    show("redis://:secret@[::1]", "redis://[::1]:6379/0");
}

Test(cache_redis_options, a_prefix_is_never_a_pattern)
{
    static const char *const good[] = {"a", "ldplayerd:", "a/b-c_d.e:1"}, *const bad[] = {
                                                                              "",        "*",
                                                                              "a*",      "a?",
                                                                              "a[b",     "a\\",
                                                                              "a b",     "a\n",
                                                                              "\xc3\xb6"};
    char long_prefix[CACHE_REDIS_PREFIX_MAX + 2] = "";
    const char *rule = NULL;
    for (size_t i = 0; i < countof(good); i++)
        cr_assert_eq(cache_redis_options_check_prefix(good[i], &rule), 0, "%s", good[i]);
    for (size_t i = 0; i < countof(bad); i++)
        cr_assert_eq(cache_redis_options_check_prefix(bad[i], &rule), UV_EINVAL, "%s", bad[i]);
    memset(long_prefix, 'x', CACHE_REDIS_PREFIX_MAX + 1);
    cr_assert_eq(cache_redis_options_check_prefix(long_prefix, &rule), UV_EINVAL);
    cr_assert(strstr(rule, "1 to 64"));
    long_prefix[CACHE_REDIS_PREFIX_MAX] = '\0';
    cr_assert_eq(cache_redis_options_check_prefix(long_prefix, &rule), 0);
}
