/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "base/text/str.h"
#include "tests/unit/control/chaos.h"

/* LDP_CHAOS is how many random schedules (default 1000), LDP_SEED where they begin. */

static uint64_t number_of(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : fallback;
}

static void play_alone(size_t fault, uint64_t seed)
{
    struct chaos *c = mem_new(struct chaos);
    chaos_begin(c, seed);
    chaos_strike(c, &chaos_faults[fault], (int)(seed % CHAOS_N));
    chaos_settle(c);
    printf("%-34s %6.1f %6.1f\n", chaos_faults[fault].name,
           (double)(c->cases[0].noticed_ms - c->cases[0].began_ms) / 1000,
           c->cases[0].healed_ms ? (double)(c->cases[0].healed_ms - c->cases[0].began_ms) / 1000
                                 : -1.0);
    if (getenv("LDP_TELL"))
        printf("%s\n", c->told.data);
    chaos_end(c);
    mem_free(c);
}

Test(ctl_chaos, each_fault_alone, .timeout = 600)
{
    uint64_t first = number_of("LDP_FAULT", 0), n = getenv("LDP_FAULT") ? first + 1 : chaos_n_faults;
    for (size_t i = first; i < n; i++)
        play_alone(i, 1);
}
