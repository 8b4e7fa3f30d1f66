/* SPDX-License-Identifier: MIT */
/* What a survey's answer costs a row: reading list2's bytes, comparing with what was known,
 * serialising what changed and putting the list together. Which instance a row is and what state
 * it is in is control's business: see bench_observer.
 *
 *     bench_rows ROWS ROUNDS   ->   {"ns_per_row":..} */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"
#include "cache/snapshot/snapshot.h"
#include "ldconsole/output/row.h"
#include "tests/bench/rows_text.h"
#include "tests/bench/timing.h"

struct bench {
    struct cache_snapshot *snapshot;
    char *texts[2];
    size_t lens[2];
    char (*ids)[UUID_SIZE]; /* by index */
    uint64_t now_ms;
    unsigned long n_changes;
};

static void on_change(void *arg, const struct cache_change *change)
{
    struct bench *b = arg;
    (void)change;
    b->n_changes++;
}

static void put_row(struct bench *b, const struct ldc_row *row)
{
    struct cache_instance i cleanup(cache_instance_deinit);
    cache_instance_init(&i);
    str_copy(i.id, sizeof(i.id), b->ids[row->index]);
    i.index = row->index;
    str_copy(i.name, sizeof(i.name), row->title);
    i.state = row->android == 0 ? CACHE_STATE_STOPPED : CACHE_STATE_RUNNING;
    i.width = row->width;
    i.height = row->height;
    i.dpi = row->dpi;
    cache_snapshot_put(b->snapshot, &i);
}

static void run_round(struct bench *b, int variant)
{
    struct ldc_rows rows;
    if (ldc_rows_parse(b->texts[variant], b->lens[variant], LDC_CODEPAGE_UTF8, NULL, NULL, &rows) !=
        LDC_LIST_OK) {
        fprintf(stderr, "bench_rows: the rows could not be read\n");
        exit(1);
    }
    b->now_ms++; /* a list is made once per millisecond: this one is always new */
    cache_snapshot_begin(b->snapshot);
    for (size_t i = 0; i < rows.n_items; i++)
        put_row(b, &rows.items[i]);
    cache_snapshot_end(b->snapshot, b->now_ms, 1700000000000 + (int64_t)b->now_ms);
    (void)cache_snapshot_report(b->snapshot, SIZE_MAX);
    blob_unref(cache_snapshot_list(b->snapshot, b->now_ms, true));
    ldc_rows_deinit(&rows);
}

int main(int argc, char **argv)
{
    struct bench b = {.now_ms = 1000};
    if (argc != 3) {
        fprintf(stderr, "Usage: bench_rows ROWS ROUNDS\n");
        return 2;
    }
    unsigned n_rows = timing_read_number(argv[1], "ROWS", 50000);
    unsigned n_rounds = timing_read_number(argv[2], "ROUNDS", 1000000);
    double *ns = calloc(n_rounds, sizeof(*ns));
    b.ids = calloc(n_rows, sizeof(*b.ids));
    for (unsigned i = 0; i < n_rows; i++)
        random_uuid(b.ids[i]);
    for (int i = 0; i < 2; i++)
        b.texts[i] = rows_text_make(n_rows, i, &b.lens[i]);
    b.snapshot = cache_snapshot_new(on_change, &b);

    run_round(&b, 0); /* everything is new once, and never again */
    b.n_changes = 0;
    for (unsigned i = 0; i < n_rounds; i++) {
        uint64_t started = timing_thread_ns();
        run_round(&b, (i + 1) % 2);
        ns[i] = (double)(timing_thread_ns() - started) / n_rows;
    }
    if (b.n_changes != (unsigned long)n_rounds * ((n_rows + 99) / 100)) {
        fprintf(stderr, "bench_rows: %lu changes were seen\n", b.n_changes);
        return 1;
    }
    printf("{\"ns_per_row\":%.1f}\n", timing_median(ns, n_rounds));
    cache_snapshot_free(b.snapshot);
    free(b.texts[0]);
    free(b.texts[1]);
    free(b.ids);
    free(ns);
    return 0;
}
