/* SPDX-License-Identifier: MIT */

/* The files of the database are removed, renamed or replaced while the store has them open. */
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "cache/store/place.h"
#include "tests/unit/cache/fixture.h"

static const char db_name[] = "ldplayerd.db", log_name[] = "ldplayerd.db-wal";

/* The store with one row in it, and where its files are. */
struct world {
    struct fixture f;
    char *database, *log, *aside;
    int n_heard;
    struct cache_store_health heard;
};

static void on_health(void *arg, const struct cache_store_health *before,
                      const struct cache_store_health *now)
{
    struct world *w = arg;
    (void)before;
    w->n_heard++;
    w->heard = *now;
}

static int exec_add(sqlite3 *db, void *arg)
{
    (void)arg;
    return cache_sql_run(db, "INSERT INTO events (time, type, json) VALUES (1, 'x', '{}')", "");
}

static void note_status(void *arg, int status)
{
    *(int *)arg = status;
}

static int add(struct world *w)
{
    int status = 1;
    cache_store_write(w->f.store, exec_add, note_status, &status);
    loop_run(&w->f.loop);
    return status;
}

static void world_init(struct world *w)
{
    *w = (struct world){0};
    fixture_start(&w->f);
    cache_store_on_health(w->f.store, on_health, w);
    w->database = fs_join(w->f.folder, db_name);
    w->log = fs_join(w->f.folder, log_name);
    w->aside = mem_printf("%s-aside", w->f.folder);
    cr_assert_eq(add(w), 0);
}

static void world_deinit(struct world *w)
{
    fixture_stop(&w->f);
    mem_free(w->database);
    mem_free(w->log);
    mem_free(w->aside);
}

static int64_t count_events(const char *folder)
{
    sqlite3 *db = open_beside(folder);
    int64_t n = query_number(db, "SELECT count(*) FROM events");
    cache_sql_close(db);
    return n;
}

/* --- each way, and back --- */

static void move_database(struct world *w)
{
    cr_assert_eq(fs_rename(w->database, w->aside), 0);
}

static void put_database_back(struct world *w)
{
    cr_assert_eq(fs_rename(w->aside, w->database), 0);
}

/* As programs do that keep folders the same: another file gets the name, with the same bytes. */
static void replace(struct world *w, const char *path)
{
    char *copy cleanup(mem_freep) = mem_printf("%s.copy", path);
    cr_assert_eq(fs_copy(path, copy), 0);
    cr_assert_eq(fs_rename(path, w->aside), 0);
    cr_assert_eq(fs_rename(copy, path), 0);
}

static void replace_database(struct world *w)
{
    replace(w, w->database);
}

static void move_log(struct world *w)
{
    cr_assert_eq(fs_rename(w->log, w->aside), 0);
}

static void put_log_back(struct world *w)
{
    cr_assert_eq(fs_rename(w->aside, w->log), 0);
}

static void replace_log(struct world *w)
{
    replace(w, w->log);
}

static void move_folder(struct world *w)
{
    cr_assert_eq(fs_rename(w->f.folder, w->aside), 0);
}

static void put_folder_back(struct world *w)
{
    cr_assert_eq(fs_rename(w->aside, w->f.folder), 0);
}

static const struct way {
    const char *name;
    void (*go)(struct world *w), (*come_back)(struct world *w);
} ways[] = {
    {"the database renamed", move_database, put_database_back},
    {"the database replaced", replace_database, put_database_back},
    {"the log renamed", move_log, put_log_back},
    {"the log replaced", replace_log, put_log_back},
    {"the folder renamed", move_folder, put_folder_back},
};

Test(cache_place, nothing_is_acknowledged_into_a_file_that_is_gone)
{
    for (size_t i = 0; i < countof(ways); i++) {
        const struct way *way = &ways[i];
        struct world w;
        world_init(&w);
        way->go(&w);
        cr_assert_eq(add(&w), UV_ENXIO, "%s", way->name);
        cr_assert_eq(add(&w), UV_ENXIO, "%s", way->name);
        cr_assert_eq(w.heard.write_error, UV_ENXIO, "%s", way->name);
        cr_assert_eq(w.n_heard, 1, "%s: told once", way->name);
        cr_assert_eq(cache_store_check_place(w.f.store), UV_ENXIO);

        way->come_back(&w);
        cr_assert_eq(add(&w), 0, "%s", way->name);
        cr_assert_eq(cache_store_health(w.f.store).write_error, 0, "%s", way->name);
        fixture_close_store(&w.f);
        cr_assert_eq(count_events(w.f.folder), 2, "%s: those that were acknowledged", way->name);
        world_deinit(&w);
    }
}

Test(cache_place, it_is_found_out_while_nobody_writes)
{
    struct world w;
    world_init(&w);
    uv_ref((uv_handle_t *)&w.f.loop.wake);
    cr_assert_eq(fs_remove(w.database), 0);
    while (w.n_heard == 0)
        uv_run(&w.f.loop.uv, UV_RUN_ONCE);
    cr_assert_eq(w.heard.write_error, UV_ENXIO);
    cr_assert_gt(w.heard.write_since, 0);
    uv_unref((uv_handle_t *)&w.f.loop.wake);
    world_deinit(&w);
}

/* --- files that become shorter --- */

static void cut(const char *path, int64_t left)
{
    cr_assert_eq(truncate(path, (off_t)left), 0);
}

static int64_t size_of(const char *path)
{
    int64_t size = 0;
    cr_assert_eq(fs_size(path, &size), 0);
    return size;
}

static void expect_refused(struct world *w, const char *what)
{
    cr_assert_eq(add(w), UV_ENXIO, "%s", what);
    cr_assert_eq(w->heard.write_error, UV_ENXIO, "%s", what);
}

static int exec_add_many(sqlite3 *db, void *arg)
{
    (void)arg;
    return cache_sql_run(
        db, "INSERT INTO events (time, type, json) VALUES (1, 'x', hex(randomblob(?)))", "i",
        (int64_t)3 << 20);
}

static int add_many(struct world *w)
{
    int status = 1;
    cache_store_write(w->f.store, exec_add_many, note_status, &status);
    loop_run(&w->f.loop);
    return status;
}

Test(cache_place, a_database_that_is_emptied_or_cut_off_takes_no_more)
{
    for (int is_emptied = 0; is_emptied < 2; is_emptied++) {
        struct world w;
        world_init(&w);
        int64_t before = size_of(w.database);
        cr_assert_eq(add_many(&w), 0);
        cr_assert_eq(add(&w), 0);
        int64_t size = size_of(w.database);
        cr_assert_gt(size, before, "it grows while it is open");
        cut(w.database, is_emptied ? 0 : size - 1);
        expect_refused(&w, is_emptied ? "emptied" : "cut off");
        cr_assert_eq(cache_store_check_place(w.f.store), UV_ENXIO);
        cr_assert_str_eq(cache_sql_strerror(UV_ENXIO), "ldplayerd.db was cut off");
        world_deinit(&w);
    }
}

/* As `cp` does, which leaves the file the one that was opened. */
Test(cache_place, a_database_that_another_one_is_written_into_takes_no_more)
{
    struct world w;
    world_init(&w);
    cr_assert_eq(add_many(&w), 0);
    cr_assert_eq(add(&w), 0);
    cr_assert_eq(w.n_heard, 0, "we write into it ourselves");
    FILE *file = fopen(w.database, "r+b");
    char byte = (char)fgetc(file);
    rewind(file);
    fputc(byte, file);
    fclose(file);
    expect_refused(&w, "written");
    cr_assert_str_eq(cache_sql_strerror(UV_ENXIO), "another program has written into ldplayerd.db");
    world_deinit(&w);
}

/* What is appended behind the hole would be lost with the process. */
Test(cache_place, a_log_that_is_emptied_or_cut_off_takes_no_more)
{
    for (int is_emptied = 0; is_emptied < 2; is_emptied++) {
        struct world w;
        world_init(&w);
        cr_assert_eq(add(&w), 0);
        cut(w.log, is_emptied ? 0 : size_of(w.log) - 1);
        expect_refused(&w, is_emptied ? "emptied" : "cut off");
        world_deinit(&w);
    }
}

/* SQLite cuts it off itself when it has been copied back. */
Test(cache_place, a_log_that_begins_anew_is_no_shorter_one)
{
    struct world w;
    world_init(&w);
    for (int i = 0; i < 6; i++) {
        cr_assert_eq(add_many(&w), 0);
        cr_assert_eq(add(&w), 0);
    }
    cr_assert_eq(w.n_heard, 0);
    world_deinit(&w);
}

/* --- what is read --- */

struct counting {
    int64_t n;
    int status;
};

static int exec_count(sqlite3 *db, void *arg)
{
    struct counting *c = arg;
    c->n = query_number(db, "SELECT count(*) FROM events");
    return 0;
}

static void on_counted(void *arg, int status)
{
    struct counting *c = arg;
    c->status = status;
}

Test(cache_place, a_reader_does_not_open_what_stands_there_instead)
{
    struct world w;
    world_init(&w);
    replace_database(&w);
    struct counting c = {.n = -1};
    cache_store_read(w.f.store, exec_count, on_counted, &c);
    loop_run(&w.f.loop);
    cr_assert_eq(c.status, UV_ENXIO);
    put_database_back(&w);
    cache_store_read(w.f.store, exec_count, on_counted, &c);
    loop_run(&w.f.loop);
    cr_assert_eq(c.status, 0);
    cr_assert_eq(c.n, 1);
    world_deinit(&w);
}

/* --- the end of it --- */

Test(cache_place, a_renamed_database_is_complete_when_the_store_closes)
{
    struct world w;
    world_init(&w);
    char *folder = folder_make();
    char *to cleanup(mem_freep) = fs_join(folder, db_name);
    cr_assert_eq(fs_rename(w.database, to), 0);
    fixture_close_store(&w.f);
    cr_assert_eq(count_events(folder), 1, "with what stood in the log only");
    int64_t size = 0;
    (void)fs_size(w.log, &size);
    cr_assert_eq(size, 0, "nothing is left to spoil another database");
    folder_remove(folder);
    world_deinit(&w);
}

Test(cache_place, a_lost_log_costs_nothing_when_the_store_closes)
{
    struct world w;
    world_init(&w);
    cr_assert_eq(fs_remove(w.log), 0);
    cr_assert_eq(add(&w), UV_ENXIO);
    fixture_close_store(&w.f);
    cr_assert_eq(count_events(w.f.folder), 1);
    world_deinit(&w);
}

Test(cache_place, what_stands_there_instead_is_not_touched)
{
    struct world w;
    world_init(&w);
    cr_assert_eq(fs_remove(w.database), 0);
    cr_assert_eq(fs_remove(w.log), 0);
    folder_write(w.f.folder, db_name, "another database");
    folder_write(w.f.folder, log_name, "and its log");
    cr_assert_eq(add(&w), UV_ENXIO);
    fixture_close_store(&w.f);
    char *database cleanup(mem_freep) = folder_read(w.f.folder, db_name);
    char *log cleanup(mem_freep) = folder_read(w.f.folder, log_name);
    cr_assert_str_eq(database, "another database");
    cr_assert_str_eq(log, "and its log");
    world_deinit(&w);
}

/* It has another owner now, who alone copies the log back. */
Test(cache_place, a_store_that_has_lost_the_lock_leaves_the_log_as_it_is)
{
    struct fixture f;
    int status = 1;
    sqlite3 *db = fixture_init(&f);
    char *lock cleanup(mem_freep) = fs_join(f.folder, CACHE_LOCK_NAME);
    char *log cleanup(mem_freep) = fs_join(f.folder, log_name);
    folder_write(f.folder, CACHE_LOCK_NAME, "1 serve");
    f.store = cache_store_new(&f.loop, db, NULL);
    cache_store_write(f.store, exec_add, note_status, &status);
    loop_run(&f.loop);
    cr_assert_eq(status, 0);
    int64_t size = size_of(log);
    cr_assert_gt(size, 0);
    cr_assert_eq(fs_remove(lock), 0);
    fixture_close_store(&f);
    cr_assert_eq(size_of(log), size);
    cr_assert_eq(count_events(f.folder), 1);
    fixture_stop(&f);
}

/* Whoever takes another one takes the database for his. */
Test(cache_place, the_lock_of_the_folder_must_be_the_one_that_was_taken)
{
    char *folder = folder_make(), *lock = fs_join(folder, CACHE_LOCK_NAME),
         *aside = fs_join(folder, "aside");
    struct cache_place place;
    folder_write(folder, CACHE_LOCK_NAME, "1 serve");
    sqlite3 *db = open_db(folder);
    cache_place_init(&place, db);
    cr_assert_eq(cache_place_check(&place, 0), 0);
    cr_assert_eq(fs_rename(lock, aside), 0);
    cr_assert_eq(cache_place_check(&place, 0), UV_ENXIO, "it is gone");
    folder_write(folder, CACHE_LOCK_NAME, "2 token list");
    cr_assert_eq(cache_place_check(&place, 0), UV_ENXIO, "it is another one's");
    cr_assert_eq(fs_rename(aside, lock), 0);
    cr_assert_eq(cache_place_check(&place, 0), 0);
    cache_place_deinit(&place);
    cache_db_close(db);
    mem_free(lock);
    mem_free(aside);
    folder_remove(folder);
}

/* A file that is made at PATH and has the number of FILE. */
static void make_with_number(const char *path, const struct fs_identity *file)
{
    struct fs_identity made = {0};
    for (int i = 0; made.file != file->file; i++) {
        char *other cleanup(mem_freep) = mem_printf("%s.%d", path, i);
        cr_assert_lt(i, 100);
        cr_assert_eq(fs_write_for_now(other, "x", 1), 0);
        cr_assert_eq(fs_identify(other, &made), 0);
        if (made.file == file->file)
            cr_assert_eq(fs_rename(other, path), 0);
    }
}

/* Drives number their files alike. */
Test(cache_place, another_drive_that_is_mounted_over_the_folder_is_another_place)
{
    char *folder = folder_make(), *other = folder_make();
    struct cache_place place;
    mount_small(folder, "size=4m");
    folder_write(folder, CACHE_LOCK_NAME, "1 serve");
    sqlite3 *db = open_db(folder);
    cache_place_init(&place, db);
    cr_assert_eq(cache_place_check(&place, 0), 0);
    cr_assert_eq(mount("tmpfs", other, "tmpfs", 0, "size=4m"), 0);
    static const size_t order[] = {2, 0, 1}; /* in which they were made */
    for (size_t i = 0; i < countof(order); i++) {
        char *path cleanup(mem_freep) = fs_join(other, fs_basename(place.paths[order[i]]));
        make_with_number(path, &place.files[order[i]]);
    }
    place.shortest = 0; /* that the drive is another is what is told */
    cr_assert_eq(mount(other, folder, NULL, MS_BIND, NULL), 0);
    cr_assert_eq(cache_place_check(&place, 0), UV_ENXIO);
    cr_assert_eq(umount(folder), 0);
    cr_assert_eq(cache_place_check(&place, 0), 0);
    cache_place_deinit(&place);
    cache_db_close(db);
    cr_assert_eq(umount(folder), 0);
    cr_assert_eq(umount(other), 0);
    folder_remove(folder);
    folder_remove(other);
}
