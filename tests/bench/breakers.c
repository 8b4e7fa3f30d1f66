/* SPDX-License-Identifier: MIT */
/* Asks and tells the breakers of a launch N times, while as many instances as there can be have one
 * of their own: each of these fails now and then.
 *
 *     bench_breakers N   ->   {"median_us":..} */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ldconsole/guard/client.h"
#include "tests/bench/timing.h"

enum { BATCH = 100 }; /* calls that are timed together */

static struct ldc_breaker_now now = {.mono_ms = 1000000, .wall_ms = 1700000000000};

static void name_instance(unsigned i, char out[UUID_SIZE])
{
    snprintf(out, UUID_SIZE, "0190a000-0000-7000-8000-%012u", i);
}

/* A clock that goes on a millisecond a call: the longer look comes once a second. */
static void call(struct ldc_breakers *all, const char *instance,
                 const struct ldc_breaker_news *news)
{
    struct ldc_way way = {LDC_PURPOSE_START, instance};
    struct ldc_refusal refusal;
    unsigned probes;
    now.mono_ms++;
    now.wall_ms++;
    ldc_breakers_look(all, now);
    if (ldc_breakers_refuse(all, now, &way, &refusal) ||
        !ldc_breakers_pass(all, now, &way, &probes, &refusal)) {
        fprintf(stderr, "bench_breakers: refused: %s\n", refusal.reason);
        exit(1);
    }
    ldc_breakers_report_run(all, now, probes, news);
    ldc_breakers_report_answer(all, now, &way, probes, news);
}

int main(int argc, char **argv)
{
    const struct ldc_breaker_call refused = {.fault = LDC_FAULT_REFUSAL};
    const struct ldc_breaker_news success = {0};
    const struct ldc_breaker_news failure = {.fault = LDC_FAULT_REFUSAL, .call = &refused};
    char instance[UUID_SIZE];
    if (argc != 2) {
        fprintf(stderr, "Usage: bench_breakers N\n");
        return 2;
    }
    unsigned n_batches = timing_read_number(argv[1], "N", 100000000) / BATCH;
    double *us = calloc(n_batches, sizeof(*us));
    struct ldc_breakers *all = ldc_breakers_new(&ldc_client_defaults.breaker);
    if (!us)
        timing_fail("memory");
    for (unsigned i = 0; i < LDC_BREAKERS_OWN_MAX; i++) {
        name_instance(i, instance);
        call(all, instance, &failure);
    }
    for (unsigned i = 0; i < n_batches; i++) {
        uint64_t started_ns = timing_now_ns();
        for (unsigned j = 0; j < BATCH; j++) {
            unsigned n = i * BATCH + j;
            name_instance(n % LDC_BREAKERS_OWN_MAX, instance);
            call(all, instance, n / LDC_BREAKERS_OWN_MAX % 16 ? &success : &failure);
        }
        us[i] = (double)(timing_now_ns() - started_ns) / 1000 / BATCH;
    }
    printf("{\"median_us\":%.3f}\n", timing_median(us, n_batches));
    ldc_breakers_free(all);
    free(us);
    return 0;
}
