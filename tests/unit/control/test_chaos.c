/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "tests/support/folder.h"
#include "tests/unit/control/ordeal.h"

/* LDP_CHAOS is how many random schedules (default 1000), LDP_SEED where they begin. */

static uint64_t number_of(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : fallback;
}

/* --- alone --- */

enum { SEEDS = 3, MAX_NOTICE_MS = 60000, MAX_MEDIAN_HEAL_MS = 180000, GRAIN_S = 5 };

/* The longest of a few times, in milliseconds. */
struct measured {
    uint64_t noticed_ms, healed_ms;
};

static void play_alone(const struct ordeal_fault *fault, uint64_t seed, struct measured *ret)
{
    struct ordeal *c = mem_new(struct ordeal);
    ordeal_begin(c, seed, false);
    ordeal_pass(c, ordeal_random(c, 5000));
    (void)ordeal_strike(c, fault, (int)(seed % ORDEAL_N));
    ordeal_settle(c);
    const struct ordeal_case *k = &c->cases[0];
    uint64_t noticed_ms = k->noticed_ms - k->began_ms;
    uint64_t healed_ms = k->healed_ms > k->began_ms ? k->healed_ms - k->began_ms : 0;
    ret->noticed_ms = noticed_ms > ret->noticed_ms ? noticed_ms : ret->noticed_ms;
    ret->healed_ms = healed_ms > ret->healed_ms ? healed_ms : ret->healed_ms;
    if (getenv("LDP_TELL"))
        printf("%s\n", c->told.data);
    ordeal_end(c);
    mem_free(c);
}

static unsigned round_up(uint64_t ms)
{
    return (unsigned)((ms + GRAIN_S * 1000 - 1) / (GRAIN_S * 1000)) * GRAIN_S;
}

static bool is_healed(const struct ordeal_fault *fault)
{
    return fault->outcome != ORDEAL_REPORTED;
}

static char *line_of(const struct ordeal_fault *fault)
{
    return mem_printf("| %s | %s | %s | ", fault->name, fault->seen, fault->done);
}

static void print_line(const struct ordeal_fault *fault, const struct measured *m)
{
    char *line cleanup(mem_freep) = line_of(fault);
    printf("%s%u s | ", line, round_up(m->noticed_ms));
    if (is_healed(fault))
        printf("%u s |\n", round_up(m->healed_ms));
    else
        printf("by a person |\n");
}

static char *read_document(void)
{
    return folder_read(getenv("LDPLAYERD_TEST_DATA"), "../../docs/faults.md");
}

/* Who is first of two things that happen at once is the threads' to say: a look more or less. */
static bool is_about(unsigned said_s, uint64_t ms)
{
    return ms <= (said_s + GRAIN_S) * 1000 && (said_s + 0ull) * 1000 <= ms + 3 * GRAIN_S * 1000;
}

static void check_line(const char *document, const struct ordeal_fault *fault,
                       const struct measured *m)
{
    unsigned noticed_s = 0, healed_s = 0;
    char *line cleanup(mem_freep) = line_of(fault);
    const char *at = strstr(document, line);
    cr_expect_not_null(at, "docs/faults.md has not the line\n%s", line);
    if (!at)
        return;
    int n = sscanf(at + strlen(line), "%u s | %u s |", &noticed_s, &healed_s);
    cr_expect_eq(n, is_healed(fault) ? 2 : 1, "%s", line);
    cr_expect(is_about(noticed_s, m->noticed_ms), "%s is noticed in %" PRIu64 " ms, not %u s",
              fault->name, m->noticed_ms, noticed_s);
    cr_expect(!is_healed(fault) || is_about(healed_s, m->healed_ms),
              "%s is healed in %" PRIu64 " ms, not %u s", fault->name, m->healed_ms, healed_s);
}

static int compare_times(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* `./run chaos table` writes what this prints into the document. */
Test(ctl_chaos, each_fault_alone_is_noticed_by_its_name_and_healed_or_reported, .timeout = 600)
{
    uint64_t heals[32];
    size_t n_heals = 0;
    char *document cleanup(mem_freep) = read_document();
    bool is_for_table = getenv("LDP_TABLE") != NULL;
    cr_assert(document);
    cr_assert_eq(ordeal_n_faults, 16);
    for (size_t i = 0; i < ordeal_n_faults; i++) {
        struct measured m = {0};
        const struct ordeal_fault *fault = &ordeal_faults[i];
        for (uint64_t seed = 1; seed <= SEEDS; seed++)
            play_alone(fault, seed, &m);
        cr_expect_leq(m.noticed_ms, MAX_NOTICE_MS, "%s: %" PRIu64 " ms", fault->name, m.noticed_ms);
        if (is_for_table)
            print_line(fault, &m);
        else
            check_line(document, fault, &m);
        if (fault->outcome == ORDEAL_CURED)
            heals[n_heals++] = m.healed_ms;
    }
    qsort(heals, n_heals, sizeof(*heals), compare_times);
    cr_expect_leq(heals[n_heals / 2], MAX_MEDIAN_HEAL_MS);
}

/* What no restart cures costs so many of them, and then a person is asked. */
Test(ctl_chaos, what_comes_back_for_ever_ends_in_quarantine, .timeout = 100)
{
    struct ordeal *c = mem_new(struct ordeal);
    ordeal_begin(c, 1, true);
    fake_farm_fault_launches(c->w.farm, 2, FARM_ZOMBIE, FARM_FOR_EVER);
    (void)ordeal_strike(c, &ordeal_faults[1], 2);
    while (world_at(&c->w, 2)->quarantine.since == 0)
        ordeal_pass(c, 1000);
    unsigned n = fake_farm_count(c->w.farm, "launch");
    cr_expect_eq(n, c->w.keeping.budget.per_hour);
    ordeal_pass(c, 1800000);
    cr_expect_eq(fake_farm_count(c->w.farm, "launch"), n);
    ordeal_end(c);
    mem_free(c);
}

/* --- in pairs --- */

enum { KNOWN_MS = 90000 };

static void play_pair(size_t a, size_t b)
{
    struct ordeal *c = mem_new(struct ordeal);
    ordeal_begin(c, 1 + a * ordeal_n_faults + b, true);
    /* The VM service comes when the other is known: it takes all VMs, and their faults, away. */
    (void)ordeal_strike(c, &ordeal_faults[b], 1);
    ordeal_pass(c, ordeal_faults[a].is_of_host ? KNOWN_MS : ordeal_random(c, 20000));
    (void)ordeal_strike(c, &ordeal_faults[a], 3);
    ordeal_settle(c);
    ordeal_end(c);
    mem_free(c);
}

Test(ctl_chaos, the_faults_in_pairs, .timeout = 600)
{
    for (size_t a = 0; a < ordeal_n_faults; a++) {
        for (size_t b = a + 1; b < ordeal_n_faults; b++)
            play_pair(a, b);
    }
}

/* --- at random --- */

static void ask_at_random(struct ordeal *c)
{
    static const enum cache_op_kind kinds[] = {CACHE_OP_START, CACHE_OP_STOP, CACHE_OP_RESTART};
    ordeal_ask(c, kinds[ordeal_random(c, countof(kinds))], (int)ordeal_random(c, ORDEAL_N),
               ordeal_random(c, 4) == 0);
}

static void garble_list(struct ordeal *c)
{
    static const enum farm_answer answers[] = {FARM_EMPTY, FARM_GARBAGE, FARM_TORN,
                                               FARM_NOISE, FARM_CRASH,   FARM_HANG};
    unsigned which = ordeal_random(c, countof(answers));
    ordeal_tell(c, "list2 answers %u", which);
    fake_farm_answer(c->w.farm, "list2", answers[which]);
    ordeal_pass(c, 1000 + ordeal_random(c, 20000));
    fake_farm_answer(c->w.farm, "list2", FARM_OBEY);
}

/* No more than two are ill at the same time: what many suffer from is not healed. */
static void play_at_random(uint64_t seed)
{
    struct ordeal *c = mem_new(struct ordeal);
    ordeal_begin(c, seed, true);
    int patients[2] = {(int)ordeal_random(c, ORDEAL_N), (int)ordeal_random(c, ORDEAL_N)};
    for (unsigned n = 1 + ordeal_random(c, 2); n > 0; n--) {
        /* The VM service is everybody's; it is struck alone. */
        size_t fault = 1 + ordeal_random(c, (unsigned)ordeal_n_faults - 1);
        (void)ordeal_strike(c, &ordeal_faults[fault], patients[ordeal_random(c, 2)]);
        ordeal_pass(c, ordeal_random(c, 45000));
        if (ordeal_random(c, 3) == 0)
            ask_at_random(c);
        if (ordeal_random(c, 8) == 0)
            garble_list(c);
        if (ordeal_random(c, 8) == 0)
            ordeal_restart(c);
    }
    ordeal_settle(c);
    if (getenv("LDP_TELL"))
        printf("%s\n", c->told.data);
    ordeal_end(c);
    mem_free(c);
}

Test(ctl_chaos, whatever_happens_at_random, .timeout = 3000)
{
    uint64_t first = number_of("LDP_SEED", 1), n = number_of("LDP_CHAOS", 1000);
    printf("LDP_SEED=%" PRIu64 " LDP_CHAOS=%" PRIu64 "\n", first, n);
    for (uint64_t i = 0; i < n; i++)
        play_at_random(first + i);
}
