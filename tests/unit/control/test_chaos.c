/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "base/text/str.h"
#include "tests/unit/control/ordeal.h"

/* LDP_CHAOS is how many random schedules (default 1000), LDP_SEED where they begin. */

static uint64_t number_of(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : fallback;
}

/* --- alone, and in pairs --- */

static void play_alone(size_t fault, uint64_t seed)
{
    struct ordeal *c = mem_new(struct ordeal);
    ordeal_begin(c, seed, false);
    (void)ordeal_strike(c, &ordeal_faults[fault], (int)(seed % ORDEAL_N));
    ordeal_settle(c);
    printf("%-34s %6.1f %6.1f\n", ordeal_faults[fault].name,
           (double)(c->cases[0].noticed_ms - c->cases[0].began_ms) / 1000,
           c->cases[0].healed_ms ? (double)(c->cases[0].healed_ms - c->cases[0].began_ms) / 1000
                                 : -1.0);
    if (getenv("LDP_TELL"))
        printf("%s\n", c->told.data);
    ordeal_end(c);
    mem_free(c);
}

Test(ctl_chaos, each_fault_alone, .timeout = 600)
{
    uint64_t first = number_of("LDP_FAULT", 0), n = getenv("LDP_FAULT") ? first + 1 : ordeal_n_faults;
    for (size_t i = first; i < n; i++)
        play_alone(i, 1);
}

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
    static const enum farm_answer answers[] = {FARM_EMPTY, FARM_GARBAGE, FARM_TORN, FARM_NOISE,
                                               FARM_CRASH, FARM_HANG};
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
