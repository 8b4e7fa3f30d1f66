/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "base/system/random.h"
#include "tests/unit/cache/store_jobs.h"

Test(cache_store, done_comes_on_the_loop_when_the_row_is_on_disk)
{
    struct fixture f;
    fixture_start(&f);
    struct insert i = {.seq = 1};
    cache_store_write(f.store, exec_insert, on_insert, &i);
    cr_assert_eq(i.n_done, 0, "never inside the call");
    loop_run(&f.loop);
    cr_assert_eq(i.n_done, 1);
    cr_assert_eq(i.status, 0);
    cr_assert_eq(count_stored(&f), 1);
    fixture_stop(&f);
}

/* A job that asks how many wait, of its own end. */
static void note_waiting(void *arg, int status)
{
    struct counting *c = arg;
    c->status = status;
    c->n = cache_store_stats(c->store).n_waiting;
}

Test(cache_store, who_hears_of_his_job_is_not_counted_as_waiting_any_more)
{
    struct fixture f;
    fixture_start(&f);
    struct counting c = {.store = f.store, .n = -1};
    cache_store_read(f.store, exec_count, note_waiting, &c);
    cr_assert_eq(cache_store_stats(f.store).n_waiting, 1);
    loop_run(&f.loop);
    cr_assert_eq(c.n, 0);
    fixture_stop(&f);
}

Test(cache_store, the_loop_lives_while_a_job_is_under_way_and_no_longer)
{
    struct fixture f;
    fixture_start(&f);
    loop_run(&f.loop);
    struct insert i = {.seq = 1};
    for (; i.seq <= 20; i.seq++) {
        cache_store_write(f.store, exec_insert, on_insert, &i);
        loop_run(&f.loop);
        cr_assert_eq(i.n_done, i.seq);
    }
    cr_assert_eq(uv_loop_alive(&f.loop.uv), 0);
    fixture_stop(&f);
}

Test(cache_store, writes_that_wait_together_are_committed_together)
{
    enum { N = 100 };
    struct fixture f;
    struct insert inserts[N] = {{0}};
    unsigned order = 0;
    struct gate gate;
    fixture_start(&f);
    shut(&gate, f.store);
    for (int i = 0; i < N; i++) {
        inserts[i] = (struct insert){.seq = i + 1, .next_order = &order};
        cache_store_write(f.store, exec_insert, on_insert, &inserts[i]);
    }
    cr_assert_eq(cache_store_stats(f.store).n_waiting, N + 1);
    open_gate(&gate);
    loop_run(&f.loop);
    for (unsigned i = 0; i < N; i++) {
        cr_assert_eq(inserts[i].status, 0);
        cr_assert_eq(inserts[i].n_runs, 1, "and a job that fails is what another run is for");
        cr_assert_eq(inserts[i].n_done, 1);
        cr_assert_eq(inserts[i].order, i + 1, "done comes in the order of submission");
    }
    cr_assert_eq(cache_store_stats(f.store).n_commits, 1 + 1, "the gate, and all behind it");
    cr_assert_eq(count_stored(&f), N);
    gate_deinit(&gate);
    fixture_stop(&f);
}

Test(cache_store, a_very_long_queue_is_committed_in_parts)
{
    enum { N = 2000 };
    struct fixture f;
    struct insert *inserts = mem_calloc(N, sizeof(*inserts));
    struct gate gate;
    fixture_start(&f);
    shut(&gate, f.store);
    for (int i = 0; i < N; i++) {
        inserts[i].seq = i + 1;
        cache_store_write(f.store, exec_insert, on_insert, &inserts[i]);
    }
    open_gate(&gate);
    loop_run(&f.loop);
    cr_assert_eq(cache_store_stats(f.store).n_commits, 1 + 4, "the gate, and what is behind it");
    cr_assert_eq(count_stored(&f), N);
    gate_deinit(&gate);
    mem_free(inserts);
    fixture_stop(&f);
}

Test(cache_store, a_failing_job_is_undone_alone)
{
    enum { N = 5 };
    struct fixture f;
    struct insert inserts[N];
    struct gate gate;
    fixture_start(&f);
    shut(&gate, f.store);
    for (int i = 0; i < N; i++) {
        inserts[i] = (struct insert){.seq = i + 1, .result = i == 2 ? UV_ERANGE : 0};
        cache_store_write(f.store, exec_insert, on_insert, &inserts[i]);
    }
    open_gate(&gate);
    loop_run(&f.loop);
    for (int i = 0; i < N; i++) {
        cr_assert_eq(inserts[i].status, i == 2 ? UV_ERANGE : 0, "job %d", i);
        cr_assert_eq(inserts[i].n_runs, i <= 2 ? 2 : 1, "job %d", i);
        cr_assert_eq(inserts[i].n_done, 1);
    }
    cr_assert_eq(cache_store_stats(f.store).n_commits, 1 + 1, "the gate, and all behind it");
    sqlite3 *db = open_beside(f.folder);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM events WHERE seq IN (1, 2, 4, 5)"), 4);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM events WHERE seq = 3"), 0);
    cache_db_close(db);
    cr_assert_eq(cache_store_stats(f.store).n_failed, 1);
    gate_deinit(&gate);
    fixture_stop(&f);
}

Test(cache_store, a_job_that_fails_on_its_own_is_undone)
{
    struct fixture f;
    fixture_start(&f);
    struct insert i = {.seq = 1, .result = UV_ERANGE};
    cache_store_write(f.store, exec_insert, on_insert, &i);
    loop_run(&f.loop);
    cr_assert_eq(i.status, UV_ERANGE);
    cr_assert_eq(count_stored(&f), 0);
    cr_assert_eq(cache_store_health(f.store).write_error, UV_ERANGE);
    fixture_stop(&f);
}

Test(cache_store, closing_finishes_every_job_first)
{
    enum { N = 50 };
    struct fixture f;
    struct insert inserts[N];
    fixture_start(&f);
    for (int i = 0; i < N; i++) {
        inserts[i] = (struct insert){.seq = i + 1};
        cache_store_write(f.store, exec_insert, on_insert, &inserts[i]);
    }
    fixture_close_store(&f);
    for (int i = 0; i < N; i++)
        cr_assert_eq(inserts[i].n_done, 1);
    cr_assert_eq(count_stored(&f), N);
    fixture_stop(&f);
}

/* A job whose `done` submits the next one. */
struct chain {
    struct cache_store *store;
    struct insert insert;
    int64_t n;
};

static int exec_link(sqlite3 *db, void *arg)
{
    struct chain *c = arg;
    return exec_insert(db, &c->insert);
}

static void on_link(void *arg, int status)
{
    struct chain *c = arg;
    cr_assert_eq(status, 0);
    if (++c->insert.seq <= c->n)
        cache_store_write(c->store, exec_link, on_link, c);
}

Test(cache_store, closing_finishes_what_done_still_submits)
{
    struct fixture f;
    fixture_start(&f);
    struct chain chain = {.store = f.store, .insert = {.seq = 1}, .n = 10};
    cache_store_write(f.store, exec_link, on_link, &chain);
    fixture_close_store(&f);
    cr_assert_eq(count_stored(&f), 10);
    fixture_stop(&f);
}

static void on_last(void *arg, int status)
{
    struct fixture *f = arg;
    cr_assert_eq(status, 0);
    cache_store_close(f->store, on_fixture_closed, f);
}

Test(cache_store, done_may_close_the_store)
{
    struct fixture f;
    fixture_start(&f);
    cache_store_write(f.store, exec_insert, NULL, &(struct insert){.seq = 1});
    struct insert ignored = {.seq = 2};
    cache_store_write(f.store, exec_insert, NULL, &ignored);
    cache_store_write(f.store, exec_short_patience, on_last, &f);
    loop_run(&f.loop);
    cr_assert(f.is_closed);
    f.store = NULL;
    cr_assert_eq(count_stored(&f), 2);
    fixture_stop(&f);
}

Test(cache_store, a_job_for_a_store_that_has_ended_is_cancelled_later)
{
    struct fixture f;
    fixture_start(&f);
    struct insert late = {.seq = 1};
    cache_store_close(f.store, on_fixture_closed, &f);
    cache_store_write(f.store, exec_insert, on_insert, &late);
    cr_assert_eq(late.n_done, 0);
    loop_run(&f.loop);
    cr_assert_eq(late.n_done, 1);
    cr_assert_eq(late.status, UV_ECANCELED);
    cr_assert(f.is_closed);
    f.store = NULL;
    cr_assert_eq(count_stored(&f), 0);
    fixture_stop(&f);
}

/* The crash test: a child writes rows and says so over a pipe, until it is killed. */

struct told {
    struct cache_store *store;
    int fd;
    int64_t seq;
};

static int64_t next_seq;

static int exec_told(sqlite3 *db, void *arg)
{
    struct told *t = arg;
    return exec_insert(db, &(struct insert){.seq = t->seq, .size = t->seq % 300});
}

static void submit_told(struct told *t);

static void on_told(void *arg, int status)
{
    struct told *t = arg;
    if (status < 0 || write(t->fd, &t->seq, sizeof(t->seq)) != sizeof(t->seq))
        _exit(1);
    submit_told(t);
}

static void submit_told(struct told *t)
{
    t->seq = ++next_seq;
    cache_store_write(t->store, exec_told, on_told, t);
}

static void write_until_killed(const char *folder, int fd)
{
    struct loop loop;
    struct told writers[16];
    sqlite3 *db = open_db(folder);
    loop_init(&loop);
    next_seq = query_number(db, "SELECT coalesce(max(seq), 0) FROM events");
    struct cache_store *store = cache_store_new(&loop, db, NULL);
    for (size_t i = 0; i < countof(writers); i++) {
        writers[i] = (struct told){.store = store, .fd = fd};
        submit_told(&writers[i]);
    }
    loop_run(&loop);
    _exit(1);
}

static void check_is_stored(sqlite3 *db, int64_t seq, int round)
{
    sqlite3_stmt *stmt = NULL;
    cr_assert_eq(cache_sql_query(db, &stmt, "SELECT 1 FROM events WHERE seq = ?", "i", seq), 0);
    cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW, "row %d was acknowledged in round %d and is lost",
                 (int)seq, round);
    sqlite3_finalize(stmt);
}

/* Returns the number of acknowledged rows. */
static size_t run_and_kill(const char *folder, size_t n_before_kill, int round)
{
    int64_t *told = NULL, seq;
    size_t n = 0, cap = 0;
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0)
        write_until_killed(folder, fds[1]);
    close(fds[1]);
    while (read(fds[0], &seq, sizeof(seq)) == sizeof(seq)) {
        told = mem_grow(told, n, &cap, sizeof(*told));
        told[n++] = seq;
        if (n == n_before_kill)
            kill(child, SIGKILL);
    }
    int status;
    waitpid(child, &status, 0);
    close(fds[0]);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child ended by itself");

    sqlite3 *db = open_db(folder);
    for (size_t i = 0; i < n; i++)
        check_is_stored(db, told[i], round);
    cache_db_close(db);
    mem_free(told);
    return n;
}

Test(cache_store, nothing_acknowledged_is_lost_when_the_process_is_killed, .timeout = 100)
{
    char *folder = folder_make();
    size_t n_acknowledged = 0;
    for (int round = 0; round < 20; round++) {
        unsigned char random;
        random_bytes(&random, 1);
        n_acknowledged += run_and_kill(folder, 1 + random, round);
    }
    sqlite3 *db = open_db(folder);
    cr_assert_geq((size_t)query_number(db, "SELECT count(*) FROM events"), n_acknowledged);
    cache_db_close(db);
    folder_remove(folder);
}

/* --- readers --- */

struct hold {
    uv_sem_t has_begun, may_end;
    int n_done, status;
};

static int exec_hold(sqlite3 *db, void *arg)
{
    struct hold *h = arg;
    int64_t n = query_number(db, "SELECT count(*) FROM events");
    uv_sem_post(&h->has_begun);
    uv_sem_wait(&h->may_end);
    /* Still the database that it began with. */
    return query_number(db, "SELECT count(*) FROM events") == n ? 0 : UV_EIO;
}

static void on_held(void *arg, int status)
{
    struct hold *h = arg;
    h->n_done++;
    h->status = status;
}

Test(cache_store, a_read_that_takes_long_holds_up_no_write)
{
    struct fixture f;
    struct hold h = {.status = 1};
    struct insert i = {.seq = 1, .size = 1};
    fixture_start(&f);
    uv_sem_init(&h.has_begun, 0);
    uv_sem_init(&h.may_end, 0);
    cache_store_read(f.store, exec_hold, on_held, &h);
    uv_sem_wait(&h.has_begun);
    cache_store_write(f.store, exec_insert, on_insert, &i);
    while (i.n_done == 0)
        uv_run(&f.loop.uv, UV_RUN_ONCE);
    cr_assert_eq(i.status, 0);
    cr_assert_eq(count_stored(&f), 1, "on disk while the read goes on");
    cr_assert_eq(h.n_done, 0);
    uv_sem_post(&h.may_end);
    loop_run(&f.loop);
    cr_assert_eq(h.status, 0);
    fixture_stop(&f);
    uv_sem_destroy(&h.has_begun);
    uv_sem_destroy(&h.may_end);
}

/* Reads once its row is acknowledged. */
struct reading {
    struct cache_store *store;
    struct insert insert;
    struct counting counting;
};

static int exec_reading_insert(sqlite3 *db, void *arg)
{
    return exec_insert(db, &((struct reading *)arg)->insert);
}

static int exec_reading(sqlite3 *db, void *arg)
{
    return exec_count(db, &((struct reading *)arg)->counting);
}

static void on_reading(void *arg, int status)
{
    on_count(&((struct reading *)arg)->counting, status);
}

static void on_written(void *arg, int status)
{
    struct reading *r = arg;
    on_insert(&r->insert, status);
    cache_store_read(r->store, exec_reading, on_reading, r);
}

Test(cache_store, reads_see_what_was_acknowledged_before_them_in_every_profile)
{
    enum { N = 200 };
    for (size_t p = 0; p < cache_n_profiles; p++) {
        struct fixture f;
        struct reading readings[N] = {0};
        sqlite3 *db = fixture_init(&f);
        f.store = cache_store_new(&f.loop, db, &cache_profiles[p]);
        cr_assert_eq(cache_store_profile(f.store), &cache_profiles[p]);
        for (int i = 0; i < N; i++) {
            readings[i] = (struct reading){.store = f.store, .insert = {.seq = i + 1, .size = 1}};
            cache_store_write(f.store, exec_reading_insert, on_written, &readings[i]);
        }
        loop_run(&f.loop);
        for (int i = 0; i < N; i++) {
            cr_assert_eq(readings[i].counting.status, 0);
            cr_assert_geq(readings[i].counting.n, i + 1, "%s", cache_profiles[p].name);
        }
        struct cache_store_stats stats = cache_store_stats(f.store);
        cr_assert_eq(stats.writes.n, N);
        cr_assert_eq(stats.reads.n, N);
        cr_assert_gt(stats.writes.run_us, 0);
        cr_assert_geq(stats.writes.wait_us, stats.writes.max_wait_us);
        fixture_stop(&f);
    }
}

/* The profiles wait for a lock for a second or more: whether the read ended before is no matter of
 * timing, because the lock is let go only when it has. */
Test(cache_store, a_read_waits_for_no_write_that_waits_for_a_lock)
{
    for (size_t p = 0; p < cache_n_profiles; p++) {
        struct fixture f;
        struct insert i = {.seq = 1};
        struct counting counting = {0};
        sqlite3 *db = fixture_init(&f);
        f.store = cache_store_new(&f.loop, db, &cache_profiles[p]);
        sqlite3 *other = open_beside(f.folder);
        execute(other, "BEGIN IMMEDIATE");
        cache_store_write(f.store, exec_insert, on_insert, &i);
        cache_store_read(f.store, exec_count, on_count, &counting);
        while (counting.n_done == 0)
            uv_run(&f.loop.uv, UV_RUN_ONCE);
        cr_assert_eq(counting.status, 0);
        cr_assert_eq(i.n_done, 0, "%s: the write ended before the read", cache_profiles[p].name);
        execute(other, "COMMIT");
        loop_run(&f.loop);
        cr_assert_eq(i.status, 0);
        cache_db_close(other);
        fixture_stop(&f);
    }
}

Test(cache_store, a_reader_that_cannot_open_the_file_says_so)
{
    struct fixture f;
    struct counting counting = {0};
    fixture_start(&f);
    char *path cleanup(mem_freep) = fs_join(f.folder, "ldplayerd.db");
    char *aside cleanup(mem_freep) = fs_join(f.folder, "aside.db");
    cr_assert_eq(fs_rename(path, aside), 0);
    cache_store_read(f.store, exec_count, on_count, &counting);
    loop_run(&f.loop);
    cr_assert_eq(counting.n_done, 1);
    cr_assert_lt(counting.status, 0);
    cr_assert_eq(cache_store_stats(f.store).n_failed, 1);
    cr_assert_eq(fs_rename(aside, path), 0);
    cache_store_read(f.store, exec_count, on_count, &counting);
    loop_run(&f.loop);
    cr_assert_eq(counting.status, 0, "it tries again");
    fixture_stop(&f);
}

Test(cache_store, leaves_an_empty_log_when_it_closes)
{
    struct fixture f;
    struct insert i = {.seq = 1, .size = 100000};
    fixture_start(&f);
    char *wal cleanup(mem_freep) = fs_join(f.folder, "ldplayerd.db-wal");
    sqlite3 *other = open_beside(f.folder);
    cr_assert_eq(query_number(other, "SELECT count(*) FROM events"), 0);
    cache_store_write(f.store, exec_insert, on_insert, &i);
    loop_run(&f.loop);
    fixture_close_store(&f);
    struct buf text cleanup(buf_deinit);
    buf_init(&text, 1 << 20);
    cr_assert_eq(fs_read(wal, &text), 0, "kept, because another program has the file open");
    cr_assert_eq(text.len, 0);
    cache_db_close(other);
    fixture_stop(&f);
}
