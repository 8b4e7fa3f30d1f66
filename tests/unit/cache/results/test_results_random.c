/* SPDX-License-Identifier: MIT */
#include "cache/results/glob.h"
#include "tests/unit/cache/dice.h"
#include "tests/unit/cache/results/fake_tier.h"
#include "tests/unit/cache/results/results_fixture.h"

/* Whatever happens in whatever order, a reader is never given a value that was outdated when it
 * asked, each reader is answered once, and the figures add up.
 *
 * The truth of a key is a number that grows with each change of the key or of what it depends on. A
 * load reads it somewhere between its beginning and its end. Some changes the cache is not told of:
 * who asks for an age of 0 sees those too, the others may see them. Half of the runs have a second
 * tier.
 * LDPLAYERD_TEST_SEED throws a run again. */

enum { N_KEYS = 8, N_NAMES = 4, N_READERS = 64, N_STEPS = 1000000 };

struct work {
    struct cache_load *load;
    int key;
    bool has_read;
    uint64_t read;
};

struct asker {
    bool is_busy;
    struct cache_wait *wait;
    int key;
    uint64_t least; /* that it may get */
};

static struct loop loop;
static struct cache_results *r;
static struct fake_tier tier;
static struct dice dice;
static uint64_t truths[N_KEYS], known[N_KEYS]; /* known: as of the last change that was told */
static uint64_t states[N_NAMES];
static const char *const keys[N_KEYS] = {"a1", "a2", "a3", "a4", "b1", "b2", "b3", "b[4]"};
static const char *const names[N_NAMES] = {"instance:0", "instance:1", "instance:2", "workstation"};
static struct work works[N_KEYS];
static size_t n_works;
static struct asker askers[N_READERS];
static uint64_t n_asked, n_cancelled, n_answered[4], n_values;

/* The last name is that of half of the keys, the others of two or three each; one key has none. */
static const char *const dependencies[N_KEYS][3] = {
    {"instance:0"}, {"instance:1", "workstation"}, {"instance:2"}, {"instance:0", "workstation"},
    {"instance:1"}, {"instance:2", "workstation"}, {"instance:0"},
};

static const struct cache_policy policies[] = {
    {.ttl_ms = 100, .stale_ms = 50, .error_ms = 100, .failure_ms = 10},
    {.ttl_ms = 50},
    {.ttl_ms = 0, .stale_ms = 500},
    {.ttl_ms = 30, .error_ms = 1000, .failure_ms = 50},
};

static bool one_in(uint64_t n)
{
    return dice_below(&dice, n) == 0;
}

static const struct cache_policy *policy_of(int key)
{
    static struct cache_policy own[N_KEYS];
    own[key] = policies[(size_t)key % countof(policies)];
    own[key].dependencies = dependencies[key];
    return &own[key];
}

/* The cache is told of a change of KEY. */
static void change(int key)
{
    known[key] = ++truths[key];
}

static bool depends(int key, const char *name)
{
    for (const char *const *n = dependencies[key]; *n; n++) {
        if (strcmp(*n, name) == 0)
            return true;
    }
    return false;
}

static struct blob *value_of(uint64_t truth)
{
    char text[300];
    int n = snprintf(text, sizeof(text), "%" PRIu64, truth);
    struct blob *value = blob_new((size_t)n + dice_below(&dice, 200));
    memset(value->data, ' ', value->len);
    memcpy(value->data, text, (size_t)n);
    return value;
}

/* --- loads --- */

static void end_work(size_t i)
{
    struct work w = works[i];
    works[i] = works[--n_works];
    if (one_in(4)) {
        static const int failures[] = {UV_EIO, UV_ETIMEDOUT, UV_ECANCELED};
        cache_load_end(w.load, failures[dice_below(&dice, countof(failures))], NULL, 0);
        return;
    }
    if (!w.has_read)
        w.read = truths[w.key];
    cache_load_end(w.load, 0, value_of(w.read), one_in(4) ? dice_below(&dice, 50) : 0);
}

static void load(void *arg, const char *name, struct cache_load *l)
{
    int key = (int)(intptr_t)arg;
    cr_assert_str_eq(name, keys[key]);
    for (size_t i = 0; i < n_works; i++)
        cr_assert_neq(works[i].key, key, "one load of a key at a time");
    works[n_works] = (struct work){.load = l, .key = key};
    if (one_in(2)) {
        works[n_works].has_read = true;
        works[n_works].read = truths[key];
    }
    n_works++;
    if (one_in(8))
        end_work(n_works - 1);
}

/* --- readers --- */

static void on_result(void *arg, const struct cache_result *result)
{
    struct asker *asker = arg;
    cr_assert(asker->is_busy, "answered once");
    asker->is_busy = false;
    asker->wait = NULL;
    n_answered[result->outcome]++;
    if (result->status < 0) {
        cr_assert(result->outcome == CACHE_MISS || result->outcome == CACHE_BYPASS);
        return;
    }
    uint64_t read = strtoull(result->value->data, NULL, 10);
    n_values++;
    cr_assert_geq(read, asker->least, "%s of %s was outdated when it was asked for, seed %" PRIu64,
                  cache_outcome_name(result->outcome), keys[asker->key], dice.seed);
    cr_assert_leq(read, truths[asker->key]);
}

static struct asker *find_asker(bool is_waiting)
{
    struct asker *asker = &askers[dice_below(&dice, N_READERS)];
    return (asker->wait != NULL) == is_waiting && asker->is_busy == is_waiting ? asker : NULL;
}

static void do_ask(void)
{
    struct asker *asker = find_asker(false);
    if (!asker)
        return;
    int key = (int)dice_below(&dice, N_KEYS);
    uint64_t max_age_ms = one_in(10) ? 0 : one_in(10) ? 1 + dice_below(&dice, 50) : UINT64_MAX;
    *asker = (struct asker){.is_busy = true, .key = key, .least = known[key]};
    if (max_age_ms == 0)
        asker->least = truths[key];
    struct cache_fetch fetch = {
        .key = keys[key],
        .policy = policy_of(key),
        .max_age_ms = max_age_ms,
        .load = load,
        .load_arg = (void *)(intptr_t)key,
        .done = on_result,
        .arg = asker,
    };
    n_asked++;
    struct cache_wait *wait = cache_results_fetch(r, &fetch);
    cr_assert_eq(wait != NULL, asker->is_busy);
    asker->wait = wait;
}

static void do_get(void)
{
    int key = (int)dice_below(&dice, N_KEYS);
    uint64_t age_ms;
    struct blob *value = cache_results_get(r, keys[key], &age_ms);
    if (!value)
        return;
    n_asked++;
    n_answered[CACHE_HIT]++;
    cr_assert_geq(strtoull(value->data, NULL, 10), known[key]);
}

static void do_cancel(void)
{
    struct asker *asker = find_asker(true);
    if (!asker)
        return;
    cache_results_cancel(asker->wait);
    *asker = (struct asker){.is_busy = false};
    n_cancelled++;
}

static void do_end(void)
{
    if (n_works > 0)
        end_work(dice_below(&dice, n_works));
}

static void do_answer(void)
{
    if (tier.n_gets > 0)
        fake_tier_answer(&tier, dice_below(&dice, tier.n_gets));
}

/* --- changes --- */

static void change_key(void)
{
    int key = (int)dice_below(&dice, N_KEYS);
    char *pattern cleanup(mem_freep) = cache_glob_escape(keys[key]);
    change(key);
    (void)cache_results_invalidate(r, pattern);
}

static void put_key(void)
{
    int key = (int)dice_below(&dice, N_KEYS);
    (void)cache_results_put(r, keys[key], policy_of(key), value_of(truths[key]), 0);
}

static void change_some(void)
{
    char first = one_in(2) ? 'a' : 'b';
    for (int key = 0; key < N_KEYS; key++) {
        if (keys[key][0] == first)
            change(key);
    }
    (void)cache_results_invalidate(r, first == 'a' ? "a?" : "[b]*");
}

static void change_name(void)
{
    size_t i = dice_below(&dice, N_NAMES);
    for (int key = 0; key < N_KEYS; key++) {
        if (depends(key, names[i]))
            change(key);
    }
    (void)cache_results_change(r, names[i], ++states[i]);
}

static void change_in_secret(void)
{
    truths[dice_below(&dice, N_KEYS)]++;
}

static void change_all(void)
{
    for (int key = 0; key < N_KEYS; key++)
        change(key);
    (void)cache_results_clear(r);
}

static void do_configure(void)
{
    struct cache_results_options options = house_options();
    options.limits.max_entries = 1 + dice_below(&dice, 10);
    options.limits.max_bytes = 300 + dice_below(&dice, 4000);
    options.limits.ttl_ms = 1 + dice_below(&dice, 100);
    options.is_enabled = !one_in(8);
    options.max_waiters = 1 + (unsigned)dice_below(&dice, 10);
    cache_results_configure(r, &options);
}

static void pass_time(void)
{
    now_ms += dice_below(&dice, 20);
}

static void do_sweep(void)
{
    sweep_fn(sweep_timer);
}

static void step(void)
{
    static const struct {
        unsigned weight;
        void (*fn)(void);
    } moves[] = {
        {380, do_ask},     {80, do_get},           {30, do_cancel},    {150, do_end},
        {120, do_answer},  {30, change_key},       {20, put_key},      {10, change_some},
        {40, change_name}, {2, change_all},        {10, do_configure}, {100, pass_time},
        {8, do_sweep},     {20, change_in_secret},
    };
    unsigned at = (unsigned)dice_below(&dice, 1000);
    size_t i = 0;
    while (at >= moves[i].weight)
        at -= moves[i++].weight;
    moves[i].fn();
}

static void check_figures(void)
{
    struct cache_results_stats stats = cache_results_stats(r);
    unsigned n_waiting = 0;
    for (int i = 0; i < N_READERS; i++)
        n_waiting += askers[i].is_busy;
    cr_assert_eq(stats.waiting, n_waiting);
    cr_assert_eq(stats.loading, n_works);
    cr_assert_eq(stats.hits, n_answered[CACHE_HIT]);
    cr_assert_eq(stats.misses, n_answered[CACHE_MISS]);
    cr_assert_eq(stats.stale, n_answered[CACHE_STALE]);
    cr_assert_eq(stats.bypassed, n_answered[CACHE_BYPASS]);
    cr_assert_eq(stats.hits + stats.misses + stats.stale + stats.bypassed + n_cancelled + n_waiting,
                 n_asked);
    cr_assert_leq(stats.memory.bytes, cache_results_options(r)->limits.max_bytes);
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

static void run(bool with_tier)
{
    bool is_closed = false;
    struct cache_results_options options = house_options();
    dice_init(&dice);
    now_ms = 1000000;
    fake_tier_init(&tier);
    cr_assert_eq(loop_init(&loop), 0);
    r = cache_results_new(&loop, with_tier ? &tier.base : NULL, &options);
    for (int i = 0; i < N_STEPS; i++) {
        tier.is_async = one_in(2);
        tier.told[0] = '\0';
        step();
        check_figures();
    }
    cr_assert_gt(n_values, N_STEPS / 10);
    for (int outcome = 0; outcome < 4; outcome++)
        cr_assert_gt(n_answered[outcome], 1000, "%d came %" PRIu64 " times", outcome,
                     n_answered[outcome]);
    cr_assert_eq(cache_results_stats(r).tier_hits > 1000, with_tier);

    cache_results_close(r, on_closed, &is_closed);
    while (n_works > 0)
        end_work(0);
    for (int i = 0; i < N_READERS; i++)
        cr_assert_not(askers[i].is_busy);
    loop_run(&loop);
    cr_assert(is_closed);
    cr_assert_eq(loop_deinit(&loop), 0);
    if (with_tier)
        fake_tier_deinit(&tier);
}

Test(cache_results_random, nobody_is_given_what_was_outdated_in_memory_alone)
{
    run(false);
}

Test(cache_results_random, nobody_is_given_what_was_outdated_with_a_second_tier)
{
    run(true);
}
