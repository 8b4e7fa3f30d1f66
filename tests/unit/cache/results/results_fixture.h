/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CACHE_RESULTS_FIXTURE_H
#define TESTS_UNIT_CACHE_RESULTS_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "cache/results/results.h"

/** A result cache on a clock that the test sets, a source that answers when it is told to, and
 *  readers. The linker puts the clock in place of libuv's. */

extern uint64_t now_ms;

/** The cache's sweep: what the timer would call, and when. */
extern uv_timer_cb sweep_fn;
extern uint64_t sweep_in_ms;
extern uv_timer_t *sweep_timer;

struct house {
    struct loop loop;
    struct cache_results *r;
    bool is_closed;

    struct cache_load *loads[16]; /* under way */
    unsigned n_loads, n_begun;
    /** Loads end at once: with this status, or with "sync". */
    bool is_sync;
    int sync_status;
    uint64_t age_ms; /* of what it is made from, as loads say that end */
};

struct reader {
    struct house *h;
    struct cache_wait *wait;
    unsigned n_done;
    enum cache_outcome outcome;
    int status;
    char value[64];
    uint64_t age_ms;
    void (*then)(struct reader *reader); /* called by DONE */
    struct reader *other;                /* for `then` */
};

/** A minute, and nothing else. */
extern const struct cache_policy plain;
/** A minute, then half a minute stale, a minute over errors; failures for a second. */
extern const struct cache_policy rich;

void house_open(struct house *h, struct cache_tier *tier);
/** In two steps, or in one that ends what is under way in between. */
void house_begin_close(struct house *h);
void house_finish_close(struct house *h);
void house_close(struct house *h);
struct cache_results_options house_options(void);

/** Asks as READER; h->loads has what it began. */
void ask(struct reader *reader, const char *key, const struct cache_policy *policy);
void ask_young(struct reader *reader, const char *key, const struct cache_policy *policy,
               uint64_t max_age_ms);
/** With an age of 0. */
void ask_bypass(struct reader *reader, const char *key, const struct cache_policy *policy);
/** Ends the oldest load under way. VALUE NULL = STATUS. */
void end_load(struct house *h, int status, const char *value);
/** Asks for KEY and expects it to be loaded as VALUE. */
void fill(struct house *h, const char *key, const struct cache_policy *policy, const char *value);
/** "HIT value" of one who asks now, "pending" when a load has to be waited for (which is then
 *  cancelled and the load ended, with nothing to remember), or "MISS" and the name of the error. */
const char *look(struct house *h, const char *key, const struct cache_policy *policy);
/** The same of a reader that has asked: "pending" or its answer. */
const char *told(const struct reader *reader);

#endif
