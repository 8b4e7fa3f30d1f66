/* SPDX-License-Identifier: MIT */
#include "tests/unit/cache/results/tier_suite.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "cache/results/glob.h"

enum { LONG_MS = 600000, MANY = 500 };

/* One case: a loop, and a tier that is up. */
struct bench {
    const struct tier_suite *suite;
    struct loop loop;
    struct tier_node a;
};

static void invalidate(struct tier_node *n, const char *pattern)
{
    n->tier->ops->invalidate(n->tier, pattern);
}

static void a_key_that_was_never_put_is_a_miss(struct bench *b)
{
    tier_node_expect(&b->a, "nobody", NULL);
    cr_assert_eq(tier_node_health(&b->a).n_gets, 1);
    cr_assert_eq(tier_node_health(&b->a).n_hits, 0);
    cr_assert_eq(tier_node_health(&b->a).n_failed, 0);
}

static void a_value_comes_back_with_its_times(struct bench *b)
{
    const struct cache_tier_item item = {
        .value = blob_copy("value", 5),
        .age_ms = 1000,
        .ttl_ms = LONG_MS,
        .stale_ms = 77,
        .made_from = UINT64_C(0x8877665544332211),
    };
    b->a.tier->ops->put(b->a.tier, "k", &item);
    blob_unref(item.value);
    struct tier_got got = tier_node_get(&b->a, "k");
    cr_assert(got.is_hit);
    cr_assert_eq(got.value->len, 5);
    cr_assert(memcmp(got.value->data, "value", 5) == 0);
    cr_assert_geq(got.item.age_ms, 1000);
    cr_assert_eq(got.item.ttl_ms, LONG_MS);
    cr_assert_eq(got.item.stale_ms, 77);
    cr_assert_eq(got.item.made_from, UINT64_C(0x8877665544332211));
    tier_got_clear(&got);
    cr_assert_eq(tier_node_health(&b->a).n_puts, 1);
    cr_assert_eq(tier_node_health(&b->a).n_hits, 1);
}

static void put_and_compare(struct bench *b, const void *bytes, size_t n)
{
    struct blob *value = blob_copy(bytes, n);
    b->a.tier->ops->put(b->a.tier, "bytes",
                        &(struct cache_tier_item){.value = value, .ttl_ms = LONG_MS});
    cr_assert_eq(value->refs, value->refs > 1 ? 2 : 1, "a put takes a reference, or none");
    struct tier_got got = tier_node_get(&b->a, "bytes");
    cr_assert(got.is_hit, "%zu bytes", n);
    cr_assert_eq(got.value->len, n);
    cr_assert(memcmp(got.value->data, bytes, n) == 0, "%zu bytes", n);
    tier_got_clear(&got);
    cr_assert_eq(value->refs, 1, "the reference was not given back");
    blob_unref(value);
}

static void any_bytes_come_back(struct bench *b)
{
    enum { BIG = 1 << 20 };
    char *big cleanup(mem_freep) = mem_alloc(BIG);
    for (size_t i = 0; i < BIG; i++)
        big[i] = (char)(i * 7 + i / 251);
    put_and_compare(b, "", 0);
    put_and_compare(b, "\0\r\n\xff*$", 6);
    put_and_compare(b, big, BIG);
}

static void a_second_put_replaces_the_first(struct bench *b)
{
    tier_node_put(&b->a, "k", "first, which is longer", LONG_MS, LONG_MS);
    tier_node_put(&b->a, "k", "second", LONG_MS, LONG_MS);
    tier_node_expect(&b->a, "k", "second");
}

static void a_value_becomes_stale_and_then_is_gone(struct bench *b)
{
    struct tier_got got;
    tier_node_put(&b->a, "ages", "x", 20, LONG_MS);
    do {
        got = tier_node_get(&b->a, "ages");
        cr_assert(got.is_hit);
        tier_got_clear(&got);
    } while (got.item.age_ms < 20);

    /* Twice in a row: what a tier knows of a clock may get better. */
    tier_node_put(&b->a, "goes", "x", 20, 20);
    for (unsigned n_misses = 0; n_misses < 2; n_misses = got.is_hit ? 0 : n_misses + 1) {
        got = tier_node_get(&b->a, "goes");
        cr_assert(!got.is_hit || got.item.age_ms < 40);
        tier_got_clear(&got);
    }
}

static void keys_of_any_kind_are_kept_apart(struct bench *b)
{
    char long_key[513], longer_by_one_letter[513];
    memset(long_key, 'k', 512);
    memset(longer_by_one_letter, 'k', 511);
    long_key[512] = longer_by_one_letter[511] = '\0';
    const char *keys[] = {
        "a", "A",   "a/b", "../a",         "a:b",       "a b", "a\\b",   "%61",
        "*", "[a]", "a?",  "\xe9\x9b\xb7", "a\xff\xfe", ".",   long_key, longer_by_one_letter};
    for (size_t i = 0; i < countof(keys); i++)
        tier_node_put(&b->a, keys[i], keys[i], LONG_MS, LONG_MS);
    for (size_t i = 0; i < countof(keys); i++)
        tier_node_expect(&b->a, keys[i], keys[i]);
}

static void check_pattern(struct bench *b, const char *pattern)
{
    static const char *const keys[] = {"i",   "i:1", "i:2",   "i:10", "i:*", "w:1",
                                       "w[1", "w^",  "i:1:x", "a\\b", "x!y", "i:]"};
    for (size_t i = 0; i < countof(keys); i++)
        tier_node_put(&b->a, keys[i], keys[i], LONG_MS, LONG_MS);
    invalidate(&b->a, pattern);
    for (size_t i = 0; i < countof(keys); i++) {
        bool is_gone = cache_glob_match(pattern, keys[i]);
        tier_node_expect(&b->a, keys[i], is_gone ? NULL : keys[i]);
    }
}

static void what_matches_goes_and_the_rest_stays(struct bench *b)
{
    static const char *const patterns[] = {"i:1",      "nothing", "i:*",    "i:?",    "*1*",
                                           "i:\\*",    "w\\[1",   "[!i]*",  "w[[^]*", "i:[]2]",
                                           "i:[1-3]*", "?",       "a\\\\b", "x[!a]y", "*"};
    for (size_t i = 0; i < countof(patterns); i++)
        check_pattern(b, patterns[i]);
}

static void many_go_at_once(struct bench *b)
{
    char key[32];
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof(key), "many:%d", i);
        tier_node_put(&b->a, key, key, LONG_MS, LONG_MS);
    }
    tier_node_put(&b->a, "few:1", "stays", LONG_MS, LONG_MS);
    invalidate(&b->a, "many:*");
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof(key), "many:%d", i);
        tier_node_expect(&b->a, key, NULL);
    }
    tier_node_expect(&b->a, "few:1", "stays");
}

/* Gets from within an answer: each asks for the next until none is left. */
struct chain {
    struct tier_node *node;
    unsigned n_left, n_hits;
};

static void on_chain(void *arg, const struct cache_tier_item *item)
{
    struct chain *c = arg;
    c->n_hits += item != NULL;
    if (--c->n_left == 0)
        return;
    tier_node_put(c->node, "chain", "again", LONG_MS, LONG_MS);
    c->node->tier->ops->get(c->node->tier, "chain", on_chain, c);
}

static bool is_chain_over(void *arg)
{
    return ((struct chain *)arg)->n_left == 0;
}

static void an_answer_may_ask_again(struct bench *b)
{
    struct chain c = {.node = &b->a, .n_left = 20};
    tier_node_put(&b->a, "chain", "x", LONG_MS, LONG_MS);
    b->a.tier->ops->get(b->a.tier, "chain", on_chain, &c);
    tier_node_wait(&b->a, is_chain_over, &c);
    cr_assert_eq(c.n_hits, 20);
}

struct count {
    unsigned n_done, n_hits;
};

static void on_counted(void *arg, const struct cache_tier_item *item)
{
    struct count *c = arg;
    c->n_done++;
    c->n_hits += item != NULL;
}

static bool are_all_counted(void *arg)
{
    return ((struct count *)arg)->n_done >= MANY;
}

static void each_get_is_answered_exactly_once(struct bench *b)
{
    struct count c = {0, 0};
    tier_node_put(&b->a, "k", "x", LONG_MS, LONG_MS);
    for (int i = 0; i < MANY; i++)
        b->a.tier->ops->get(b->a.tier, "k", on_counted, &c);
    tier_node_wait(&b->a, are_all_counted, &c);
    tier_node_expect(&b->a, "other", NULL);
    cr_assert_eq(c.n_done, MANY);
    cr_assert_eq(c.n_hits, MANY);
}

static void reopen(struct bench *b)
{
    tier_node_init(&b->a, &b->loop, b->suite->open(&b->loop, b->suite->arg));
    tier_node_wait_up(&b->a);
}

static void closing_answers_what_is_under_way(struct bench *b)
{
    struct count c = {0, 0};
    tier_node_put(&b->a, "k", "x", LONG_MS, LONG_MS);
    for (int i = 0; i < MANY; i++)
        b->a.tier->ops->get(b->a.tier, "k", on_counted, &c);
    tier_node_deinit(&b->a);
    cr_assert_eq(c.n_done, MANY);
    cr_assert_eq(c.n_hits, 0, "closed means answered without an item");
    reopen(b);
}

static void values_and_invalidations_outlive_the_tier(struct bench *b)
{
    tier_node_put(&b->a, "kept", "x", LONG_MS, LONG_MS);
    tier_node_put(&b->a, "gone", "x", LONG_MS, LONG_MS);
    tier_node_expect(&b->a, "kept", "x");
    invalidate(&b->a, "go*");
    tier_node_deinit(&b->a);
    reopen(b);
    tier_node_expect(&b->a, "kept", "x");
    tier_node_expect(&b->a, "gone", NULL);
}

static const struct {
    const char *name;
    void (*run)(struct bench *b);
} cases[] = {
#define CASE(f)                                                                                    \
    {                                                                                              \
#f, f                                                                                      \
    }
    CASE(a_key_that_was_never_put_is_a_miss),
    CASE(a_value_comes_back_with_its_times),
    CASE(any_bytes_come_back),
    CASE(a_second_put_replaces_the_first),
    CASE(a_value_becomes_stale_and_then_is_gone),
    CASE(keys_of_any_kind_are_kept_apart),
    CASE(what_matches_goes_and_the_rest_stays),
    CASE(many_go_at_once),
    CASE(an_answer_may_ask_again),
    CASE(each_get_is_answered_exactly_once),
    CASE(closing_answers_what_is_under_way),
    CASE(values_and_invalidations_outlive_the_tier),
#undef CASE
};

/* Each begins with nothing kept. */
static void run_case(const struct tier_suite *suite, size_t i)
{
    struct bench b = {.suite = suite};
    fprintf(stderr, "%s\n", cases[i].name);
    cr_assert_eq(loop_init(&b.loop), 0);
    reopen(&b);
    invalidate(&b.a, "*");
    tier_node_deinit(&b.a);
    reopen(&b);
    cases[i].run(&b);
    tier_node_deinit(&b.a);
    cr_assert_eq(loop_deinit(&b.loop), 0, "%s: a handle is still open", cases[i].name);
}

void tier_suite_run(const struct tier_suite *suite)
{
    for (size_t i = 0; i < countof(cases); i++)
        run_case(suite, i);
}
