/* SPDX-License-Identifier: MIT */

/* What the ends of jobs say about the database: full, locked, damaged, well again. */
#include <string.h>

#include <criterion/criterion.h>

#include "tests/unit/cache/store_jobs.h"

static int exec_limit_pages(sqlite3 *db, void *arg)
{
    char *sql cleanup(mem_freep) = mem_printf("PRAGMA max_page_count = %d", *(int *)arg);
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : cache_sql_error_code(db);
}

Test(cache_store_health, a_full_disk_fails_the_group_and_the_store_recovers)
{
    struct fixture f;
    fixture_start(&f);
    int few = 1, many = 1000000;
    struct insert small = {.seq = 1, .size = 1}, big = {.seq = 2, .size = 4000000};
    struct insert after = {.seq = 3, .size = 4000000};
    struct counting counting = {0};
    struct gate gate;
    /* A limit below the present size is taken as the present size. */
    cache_store_write(f.store, exec_limit_pages, NULL, &few);
    shut(&gate, f.store);
    cache_store_write(f.store, exec_insert, on_insert, &small);
    cache_store_write(f.store, exec_insert, on_insert, &big);
    cache_store_read(f.store, exec_count, on_count, &counting);
    open_gate(&gate);
    loop_run(&f.loop);
    cr_assert_eq(big.status, UV_ENOSPC);
    cr_assert_eq(small.status, UV_ENOSPC, "SQLite rolled the whole group back");
    cr_assert_eq(counting.status, 0, "reads go on");
    cr_assert_eq(counting.n, 0);

    cache_store_write(f.store, exec_limit_pages, NULL, &many);
    cache_store_write(f.store, exec_insert, on_insert, &after);
    loop_run(&f.loop);
    cr_assert_eq(after.status, 0);
    cr_assert_eq(cache_store_health(f.store).write_error, 0);
    cr_assert_eq(cache_store_stats(f.store).n_failed, 2);
    cr_assert_eq(count_stored(&f), 1);
    gate_deinit(&gate);
    fixture_stop(&f);
}

static void fill_disk(const char *path)
{
    char block[4096] = {1};
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    setvbuf(file, NULL, _IONBF, 0);
    while (fwrite(block, 1, sizeof(block), file) == sizeof(block))
        ;
    fclose(file);
}

static void check_full_disk(struct fixture *f)
{
    char *filler cleanup(mem_freep) = fs_join(f->folder, "filler");
    struct insert before = {.seq = 1}, refused = {.seq = 2, .size = 100000};
    struct insert after = {.seq = 3, .size = 100000};
    struct counting counting = {0};
    cache_store_write(f->store, exec_insert, on_insert, &before);
    loop_run(&f->loop);
    fill_disk(filler);
    cache_store_write(f->store, exec_insert, on_insert, &refused);
    cache_store_read(f->store, exec_count, on_count, &counting);
    loop_run(&f->loop);
    cr_assert_eq(refused.status, UV_ENOSPC, "%s", uv_strerror(refused.status));
    cr_assert_eq(cache_store_health(f->store).write_error, UV_ENOSPC, "the read clears nothing");
    cr_assert_eq(counting.n, 1);
    cr_assert_lt(cache_store_health(f->store).free_bytes, 1 << 16, "looked at when it was full");

    cr_assert_eq(unlink(filler), 0);
    cache_store_write(f->store, exec_insert, on_insert, &after);
    loop_run(&f->loop);
    cr_assert_eq(after.status, 0);
    cr_assert_eq(cache_store_health(f->store).write_error, 0);
    cr_assert_gt(cache_store_health(f->store).free_bytes, 1 << 16);
}

Test(cache_store_health, a_disk_that_fills_up_refuses_writes_until_there_is_room)
{
    struct fixture f = {.folder = folder_make()};
    mount_small(f.folder, "size=2m");
    cr_assert_eq(loop_init(&f.loop), 0);
    f.store = cache_store_new(&f.loop, open_db(f.folder), NULL);
    check_full_disk(&f);
    fixture_close_store(&f);
    cr_assert_eq(loop_deinit(&f.loop), 0);
    cr_assert_eq(umount(f.folder), 0);
    folder_remove(f.folder);
}

Test(cache_store_health, while_another_program_writes_jobs_fail_and_reads_go_on)
{
    struct fixture f;
    fixture_start(&f);
    struct insert first = {.seq = 1}, second = {.seq = 2}, third = {.seq = 3};
    struct counting counting = {0};
    sqlite3 *other = lock_out(&f.loop, f.store, f.folder);
    cache_store_write(f.store, exec_insert, on_insert, &first);
    cache_store_write(f.store, exec_insert, on_insert, &second);
    cache_store_read(f.store, exec_count, on_count, &counting);
    loop_run(&f.loop);
    cr_assert_eq(first.status, UV_EBUSY);
    cr_assert_eq(second.status, UV_EBUSY);
    cr_assert_eq(counting.status, 0);
    cr_assert_eq(counting.n, 0);

    execute(other, "COMMIT");
    cache_store_write(f.store, exec_insert, on_insert, &third);
    loop_run(&f.loop);
    cr_assert_eq(third.status, 0);
    cache_db_close(other);
    fixture_stop(&f);
}

Test(cache_store_health, answers_of_a_job_are_no_trouble_of_the_database)
{
    static const int answers[] = {UV_ENOENT, UV_EEXIST, UV_EINVAL};
    struct fixture f;
    fixture_start(&f);
    for (size_t i = 0; i < countof(answers); i++) {
        struct insert job = {.seq = 1, .result = answers[i]};
        cache_store_write(f.store, exec_insert, on_insert, &job);
        loop_run(&f.loop);
        cr_assert_eq(job.status, answers[i]);
        cr_assert_eq(cache_store_health(f.store).write_error, 0);
    }
    struct insert good = {.seq = 1};
    cache_store_write(f.store, exec_insert, on_insert, &good);
    loop_run(&f.loop);
    struct cache_store_stats stats = cache_store_stats(f.store);
    cr_assert_eq(stats.n_jobs, 4);
    cr_assert_eq(stats.n_failed, 3);
    cr_assert_eq(stats.n_commits, 1);
    cr_assert_eq(stats.n_waiting, 0);
    fixture_stop(&f);
}

static int exec_nothing_to_delete(sqlite3 *db, void *arg)
{
    (void)arg;
    return cache_sql_run(db, "DELETE FROM events WHERE seq = 12345", "");
}

struct heard {
    int n;
    struct cache_store_health now;
};

static void on_health(void *arg, const struct cache_store_health *before,
                      const struct cache_store_health *now)
{
    struct heard *heard = arg;
    cr_assert(before->write_error != now->write_error || before->is_damaged != now->is_damaged ||
              before->is_disk_low != now->is_disk_low);
    heard->n++;
    heard->now = *now;
}

Test(cache_store_health, only_a_commit_that_changed_something_ends_the_trouble)
{
    struct fixture f;
    struct heard heard = {0};
    struct insert refused = {.seq = 1, .result = UV_EIO}, again = refused;
    struct insert good = {.seq = 1};
    struct counting counting = {0};
    fixture_start(&f);
    cache_store_on_health(f.store, on_health, &heard);
    cache_store_write(f.store, exec_insert, on_insert, &refused);
    loop_run(&f.loop);
    cr_assert_eq(heard.n, 1);
    cr_assert_eq(heard.now.write_error, UV_EIO);
    cr_assert_gt(heard.now.write_since, 0);

    cache_store_write(f.store, exec_nothing_to_delete, NULL, NULL);
    cache_store_read(f.store, exec_count, on_count, &counting);
    cache_store_write(f.store, exec_insert, on_insert, &again);
    loop_run(&f.loop);
    cr_assert_eq(heard.n, 1, "told of changes only");
    cr_assert_eq(cache_store_health(f.store).write_error, UV_EIO);

    cache_store_write(f.store, exec_insert, on_insert, &good);
    loop_run(&f.loop);
    cr_assert_eq(heard.n, 2);
    cr_assert_eq(heard.now.write_error, 0);
    cr_assert_eq(heard.now.write_since, 0);
    fixture_stop(&f);
}

Test(cache_store_health, a_trial_finds_out_that_writes_are_taken_again)
{
    struct fixture f;
    struct heard heard = {0};
    struct insert refused = {.seq = 1, .result = UV_EIO};
    fixture_start(&f);
    cache_store_on_health(f.store, on_health, &heard);
    cache_store_write(f.store, exec_insert, on_insert, &refused);
    uv_ref((uv_handle_t *)&f.loop.wake); /* the timer of the store keeps no loop alive */
    while (heard.n < 2)
        uv_run(&f.loop.uv, UV_RUN_ONCE);
    uv_unref((uv_handle_t *)&f.loop.wake);
    cr_assert_eq(heard.now.write_error, 0);
    loop_run(&f.loop);
    sqlite3 *db = open_beside(f.folder);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM preferences"), 0, "nothing stays of it");
    cache_db_close(db);
    fixture_stop(&f);
}

static int exec_damaged(sqlite3 *db, void *arg)
{
    (void)db;
    (void)arg;
    return UV_EFTYPE;
}

Test(cache_store_health, a_read_that_meets_damage_is_told_of)
{
    struct fixture f;
    struct heard heard = {0};
    fixture_start(&f);
    cache_store_on_health(f.store, on_health, &heard);
    cache_store_read(f.store, exec_damaged, NULL, NULL);
    loop_run(&f.loop);
    cr_assert_eq(heard.n, 1);
    cr_assert(heard.now.is_damaged);
    cr_assert_eq(heard.now.write_error, 0);
    fixture_stop(&f);
}

Test(cache_store_health, tells_how_long_the_oldest_write_has_waited)
{
    struct fixture f;
    struct insert i = {.seq = 1};
    struct gate gate;
    fixture_start(&f);
    cr_assert_eq(cache_store_health(f.store).waited_ms, 0);
    shut(&gate, f.store);
    cache_store_write(f.store, exec_insert, on_insert, &i);
    while (cache_store_health(f.store).waited_ms == 0)
        uv_sleep(1);
    open_gate(&gate);
    loop_run(&f.loop);
    cr_assert_eq(cache_store_health(f.store).waited_ms, 0);
    gate_deinit(&gate);
    fixture_stop(&f);
}

Test(cache_store_health, a_small_disk_is_nearly_full)
{
    struct fixture f = {.folder = folder_make()};
    struct heard heard = {0};
    mount_small(f.folder, "size=8m");
    cr_assert_eq(loop_init(&f.loop), 0);
    f.store = cache_store_new(&f.loop, open_db(f.folder), NULL);
    cache_store_on_health(f.store, on_health, &heard);
    uv_ref((uv_handle_t *)&f.loop.wake);
    while (heard.n == 0)
        uv_run(&f.loop.uv, UV_RUN_ONCE);
    uv_unref((uv_handle_t *)&f.loop.wake);
    cr_assert(heard.now.is_disk_low);
    cr_assert_lt(heard.now.free_bytes, 8 << 20);
    fixture_close_store(&f);
    cr_assert_eq(loop_deinit(&f.loop), 0);
    cr_assert_eq(umount(f.folder), 0);
    folder_remove(f.folder);
}
