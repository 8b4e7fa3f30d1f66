/* SPDX-License-Identifier: MIT */
/* Runs list2 N times, one after the other, through our layers but without HTTP: shows where the
 * time between a bare process and an answer goes.
 *
 *     bench_list2 client|survey N LDCONSOLE   ->   {"median_us":..} */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop/loop.h"
#include "ldconsole/guard/client.h"
#include "ldconsole/guard/survey.h"
#include "tests/bench/timing.h"

struct bench {
    struct loop loop;
    struct ldc_client *client;
    struct ldc_surveyor *surveyor; /* NULL: the client is asked directly */
    unsigned n, n_done;
    uint64_t started_ns;
    double *us;
};

static void on_outcome(void *arg, const struct ldc_outcome *outcome);

static void on_client_closed(void *arg)
{
    (void)arg;
}

static void on_surveyor_closed(void *arg)
{
    struct bench *b = arg;
    ldc_client_close(b->client, on_client_closed, b);
}

static void ask(void *arg)
{
    struct bench *b = arg;
    struct ldc_command command;
    b->started_ns = timing_now_ns();
    if (b->surveyor) {
        (void)ldc_surveyor_start(b->surveyor, UINT64_MAX);
        return;
    }
    ldc_command_list2(&command);
    (void)ldc_client_call(b->client, &command, LDC_PURPOSE_LIST, on_outcome, b);
}

static void on_outcome(void *arg, const struct ldc_outcome *outcome)
{
    struct bench *b = arg;
    if (outcome->is_rejected || outcome->answer != LDC_ANSWER_ACCEPTED) {
        fprintf(stderr, "bench_list2: list2 failed\n");
        exit(1);
    }
    b->us[b->n_done++] = (double)(timing_now_ns() - b->started_ns) / 1000;
    if (b->n_done < b->n)
        loop_post(&b->loop, ask, b);
    else if (b->surveyor)
        ldc_surveyor_close(b->surveyor, on_surveyor_closed, b);
    else
        on_surveyor_closed(b);
}

static bool on_seen(void *arg, const struct ldc_survey *survey)
{
    (void)arg;
    (void)survey;
    return true;
}

static void on_survey(void *arg, const struct ldc_survey *survey)
{
    on_outcome(arg, &survey->outcome);
}

int main(int argc, char **argv)
{
    struct bench b = {.n = 0};
    struct ldc_install install;
    if (argc != 4 || (strcmp(argv[1], "client") != 0 && strcmp(argv[1], "survey") != 0)) {
        fprintf(stderr, "Usage: bench_list2 client|survey N LDCONSOLE\n");
        return 2;
    }
    b.n = timing_read_number(argv[2], "N", 1000000);
    b.us = calloc(b.n, sizeof(*b.us));
    if (loop_init(&b.loop) < 0)
        timing_fail("loop");
    ldc_install_from_path(argv[3], &install);
    b.client = ldc_client_new(&b.loop, runner_direct_new(&b.loop), &install, &ldc_client_defaults);
    if (strcmp(argv[1], "survey") == 0)
        b.surveyor = ldc_surveyor_new(&b.loop, b.client, LDC_CODEPAGE_UTF8, on_seen, on_survey, &b);

    loop_post(&b.loop, ask, &b);
    loop_run(&b.loop);
    (void)loop_deinit(&b.loop);
    ldc_install_deinit(&install);
    printf("{\"median_us\":%.1f}\n", timing_median(b.us, b.n));
    free(b.us);
    return 0;
}
