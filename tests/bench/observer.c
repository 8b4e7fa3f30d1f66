/* SPDX-License-Identifier: MIT */
/* What a whole survey costs the loop's thread a row, from the wish for it to the answer of the
 * waiter: as bench_rows, but through the client, the judging of states, the evidence, the events
 * and the database's queue. list2's bytes come from memory instead of a child. What other threads
 * do, and writing to the disk behind the answer, is not in it.
 *
 *     bench_observer ROWS ROUNDS DATA_DIR   ->   {"ns_per_row":..} */
#include <stdio.h>
#include <stdlib.h>

#include "base/loop/loop.h"
#include "base/memory/mem.h"
#include "control/observe/observer.h"
#include "ldconsole/guard/client.h"
#include "tests/bench/rows_text.h"
#include "tests/bench/timing.h"

struct bench {
    struct runner runner; /* first: it is this bench that answers */
    struct loop loop;
    struct cache_store *store;
    struct cache_events *events;
    struct ldc_client *client;
    struct ctl_observer *observer;
    char *texts[2];
    size_t lens[2];
    unsigned n_answered;
    unsigned n_rows, n_rounds, round;
    uint64_t started_ns;
    double *ns;
};

/* --- a runner whose child has always just ended --- */

struct run {
    struct bench *bench;
    run_fn done;
    void *arg;
};

static void deliver(void *arg)
{
    struct run *run = arg;
    struct bench *b = run->bench;
    unsigned variant = b->n_answered++ % 2;
    struct run_result result = {
        .status = RUN_EXITED,
        .output = b->texts[variant],
        .output_len = b->lens[variant],
        .pid = 1,
    };
    b->runner.n_running--;
    run->done(run->arg, &result);
    mem_free(run);
}

static struct run *start(struct runner *runner, const struct run_request *request, run_fn done,
                         void *arg)
{
    struct bench *b = container_of(runner, struct bench, runner);
    struct run *run = mem_new(struct run);
    (void)request;
    *run = (struct run){b, done, arg};
    runner->n_running++;
    loop_post(&b->loop, deliver, run);
    return run;
}

static void cancel(struct run *run)
{
    (void)run; /* it is ending anyway */
}

static void close_runner(struct runner *runner, void (*on_closed)(void *arg), void *arg)
{
    loop_post(&container_of(runner, struct bench, runner)->loop, on_closed, arg);
}

static const struct runner_ops runner_ops = {start, cancel, close_runner};

/* --- the end, from right to left --- */

static void on_store_closed(void *arg)
{
    struct bench *b = arg;
    cache_events_free(b->events);
}

static void on_client_closed(void *arg)
{
    struct bench *b = arg;
    cache_store_close(b->store, on_store_closed, b);
}

static void on_observer_closed(void *arg)
{
    struct bench *b = arg;
    ldc_client_close(b->client, on_client_closed, b);
}

/* --- rounds --- */

static int exec_nothing(sqlite3 *db, void *arg)
{
    (void)db;
    (void)arg;
    return 0;
}

static void on_written(void *arg, int status);

static void on_fresh(void *arg, int status)
{
    struct bench *b = arg;
    if (status < 0) {
        fprintf(stderr, "bench_observer: %s\n", ctl_observer_verdict(b->observer)->detail);
        exit(1);
    }
    struct cache_snapshot *snapshot = ctl_observer_snapshot(b->observer);
    blob_unref(cache_snapshot_list(snapshot, uv_now(&b->loop.uv), true));
    /* The first round finds everything new. */
    if (b->round > 0)
        b->ns[b->round - 1] = (double)(timing_thread_ns() - b->started_ns) / b->n_rows;
    b->round++;
    /* What the survey had to write is written first, then comes the next. */
    cache_store_read(b->store, exec_nothing, on_written, b);
}

static void on_written(void *arg, int status)
{
    struct bench *b = arg;
    (void)status;
    if (b->round > b->n_rounds) {
        ctl_observer_close(b->observer, on_observer_closed, b);
        return;
    }
    b->started_ns = timing_thread_ns();
    (void)ctl_observer_want(b->observer, 0, on_fresh, b);
}

static void build(struct bench *b, const char *data_dir)
{
    struct ldc_install install;
    struct cache_db_error error;
    sqlite3 *db;
    char *nowhere = mem_printf("%s/ldconsole", data_dir);
    if (loop_init(&b->loop) < 0 || cache_db_open(data_dir, &db, NULL, &error) < 0 ||
        cache_events_new(db, 10000, &b->events) < 0) {
        fprintf(stderr, "bench_observer: %s cannot be used\n", data_dir);
        exit(1);
    }
    b->store = cache_store_new(&b->loop, db, NULL);
    cache_events_set_store(b->events, b->store);
    ldc_install_from_path(nowhere, &install);
    b->runner.ops = &runner_ops;
    struct ldc_client_options client_options = ldc_client_defaults;
    client_options.max_output = 16 << 20;
    b->client = ldc_client_new(&b->loop, &b->runner, &install, &client_options);
    struct ctl_observer_options options = ctl_observer_defaults;
    options.active_ms = options.idle_ms = 3600 * 1000; /* only when asked */
    options.codepage = LDC_CODEPAGE_UTF8;
    struct ctl_observer_parts parts = {&b->loop, b->client, b->store, b->events};
    b->observer = ctl_observer_new(&parts, &options);
    ldc_install_deinit(&install);
    mem_free(nowhere);
}

int main(int argc, char **argv)
{
    struct bench b = {.round = 0};
    if (argc != 4) {
        fprintf(stderr, "Usage: bench_observer ROWS ROUNDS DATA_DIR\n");
        return 2;
    }
    b.n_rows = timing_read_number(argv[1], "ROWS", 50000);
    b.n_rounds = timing_read_number(argv[2], "ROUNDS", 1000000);
    b.ns = calloc(b.n_rounds, sizeof(*b.ns));
    for (int i = 0; i < 2; i++)
        b.texts[i] = rows_text_make(b.n_rows, i, &b.lens[i]);

    build(&b, argv[3]);
    (void)ctl_observer_want(b.observer, 0, on_fresh, &b);
    loop_run(&b.loop);
    (void)loop_deinit(&b.loop);
    printf("{\"ns_per_row\":%.1f}\n", timing_median(b.ns, b.n_rounds));
    free(b.texts[0]);
    free(b.texts[1]);
    free(b.ns);
    return 0;
}
