/* SPDX-License-Identifier: MIT */

/* What is no page of its own, damaged: the header of the file, and the log. */
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/cache/damage.h"

/* --- the header --- */

/* The fields of the file's header, as the file format of SQLite has them. */
static const struct field {
    const char *name;
    size_t at, size;
} fields[] = {
    {"the text that begins it", 0, 16},
    {"the size of a page", 16, 2},
    {"the version to write", 18, 1},
    {"the version to read", 19, 1},
    {"the bytes kept free of a page", 20, 1},
    {"the largest part of a row on a page", 21, 1},
    {"the smallest part of a row on a page", 22, 1},
    {"the part of a row on a leaf", 23, 1},
    {"the counter of changes", 24, 4},
    {"the number of pages", 28, 4},
    {"the first free page", 32, 4},
    {"the number of free pages", 36, 4},
    {"the counter of the schema", 40, 4},
    {"the format of the schema", 44, 4},
    {"the size of the cache", 48, 4},
    {"the largest root", 52, 4},
    {"the encoding of text", 56, 4},
    {"the version of the schema", 60, 4},
    {"the mode of emptying", 64, 4},
    {"whose it is", 68, 4},
    {"what is kept for later", 72, 20},
    {"the counter that the next is valid for", 92, 4},
    {"the version of SQLite", 96, 4},
};

/* It opens with all its rows and nobody is told of a loss, or it is refused with what to do. */
static void try_header(const struct subject *s, const struct field *field, int way)
{
    static const char *const ways[] = {"zero", "all bits", "one more", "garbage", "two"};
    char *folder = folder_make(),
         *name cleanup(mem_freep) = mem_printf("%s: %s", field->name, ways[way]);
    struct trial t = {s, 1, 1, name};
    struct file f = read_file(s, "ldplayerd.db");
    struct cache_db_error err;
    struct cache_repair repair = {0};
    struct rows now;
    sqlite3 *db = NULL;
    unsigned char *at = f.bytes + field->at;
    for (size_t i = 0; i < field->size && way != 2; i++)
        at[i] = (unsigned char)(way == 0 ? 0 : way == 1 ? 0xff : way == 3 ? 0x5b + 83 * i : 0);
    at[field->size - 1] += way == 2 ? 1 : way == 4 ? 2 : 0;
    write_file(folder, "ldplayerd.db", &f);
    int r = cache_db_open(folder, &db, &repair, &err);
    trial_assert(&t,
                 r == 0 ||
                     (field->at == 60 && r == UV_ENOTSUP && strstr(err.text, "move the file away")),
                 "%s: %s", uv_strerror(r), err.text);
    if (r == 0) {
        read_rows(db, &s->shapes, &now);
        trial_assert(&t, compare(&t, &now, NULL) == 0, "rows are lost");
        check_no_row_is_new(&t, &now);
        trial_assert(&t, !repair.kept || !cache_repair_is_loss(&repair), "a loss is told");
        execute(db, "INSERT INTO events (time, type, json) VALUES (1, 'x', '{}')");
        free_rows(&now);
    }
    cache_repair_deinit(&repair);
    cache_db_close(db);
    mem_free(f.bytes);
    folder_remove(folder);
}

Test(cache_damage_files, each_field_of_the_files_header_may_be_wrong, .timeout = 100)
{
    size_t end = 0;
    for (size_t i = 0; i < countof(fields); i++) {
        cr_assert_eq(fields[i].at, end);
        end += fields[i].size;
    }
    cr_assert_eq(end, 100);
    struct subject *s = subject_make(false);
    for (size_t i = 0; i < countof(fields); i++) {
        for (int way = 0; way < 5; way++)
            try_header(s, &fields[i], way);
    }
    subject_free(s);
}

/* --- the log --- */

static unsigned char *frame_of(struct file *log, size_t i)
{
    return log->bytes + 32 + i * (24 + CACHE_PAGE_SIZE);
}

/* Frames before the last transaction: whether that one was on disk cannot be told from a last one
 * that was not. */
static size_t count_settled(struct file *log)
{
    size_t n = (log->n - 32) / (24 + CACHE_PAGE_SIZE) - 1;
    while (n > 0 && cache_file_u32(frame_of(log, n - 1) + 4) == 0)
        n--;
    return n;
}

Test(cache_damage_files, a_bad_place_in_the_log_costs_what_stood_there, .timeout = 100)
{
    struct subject *s = subject_make(true);
    struct file db = read_file(s, "ldplayerd.db"), log = read_file(s, "ldplayerd.db-wal");
    size_t n_settled = count_settled(&log);
    cr_assert_gt(n_settled, 1);
    for (size_t i = 0; i < n_settled; i++) {
        unsigned char *frame = frame_of(&log, i);
        uint32_t number = cache_file_u32(frame);
        struct trial t = {s, number, number, "garbled in the log"};
        frame[24 + 2000] ^= 1;
        cr_assert(try_files(&t, &db, &log).is_repaired);
        frame[24 + 2000] ^= 1;
    }
    /* Its header: nothing is lost at all. */
    struct trial t = {s, 1, 1, "the log's header zeroed"};
    memset(log.bytes, 0, 32);
    cr_assert(try_files(&t, &db, &log).is_repaired);
    mem_free(db.bytes);
    mem_free(log.bytes);
    subject_free(s);
}

/* --- no file at all --- */

Test(cache_damage_files, what_is_no_plain_file_is_named_and_not_waited_for)
{
    static const char *const names[] = {"ldplayerd.db", "ldplayerd.db-wal", "ldplayerd.db-shm",
                                        "ldplayerd.db-journal"};
    for (size_t i = 0; i < 2 * countof(names); i++) {
        bool is_folder = i % 2;
        char *folder = folder_make(), *path = fs_join(folder, names[i / 2]);
        struct cache_db_error err;
        sqlite3 *db = NULL;
        cr_assert_eq(is_folder ? mkdir(path, 0700) : mkfifo(path, 0600), 0);
        cr_assert_eq(cache_db_open(folder, &db, NULL, &err), UV_EISDIR, "%s", err.text);
        cr_assert_not_null(strstr(err.text, path), "%s", err.text);
        cr_assert_not_null(strstr(err.text, is_folder ? "a folder" : "no plain file"));
        cr_assert_eq(folder_count(folder), 1, "nothing is made or moved");
        mem_free(path);
        folder_remove(folder);
    }
}

/* SQLite follows one, and has the log where it leads; everything here looks beside the link. */
Test(cache_damage_files, a_link_in_its_place_is_refused)
{
    static const char *const names[] = {"ldplayerd.db", "ldplayerd.db-wal", "ldplayerd.db-shm",
                                        "ldplayerd.db-journal"};
    for (size_t i = 0; i < 2 * countof(names); i++) {
        char *folder = folder_make(), *path = fs_join(folder, names[i / 2]);
        char *elsewhere = folder_make(), *target = fs_join(elsewhere, "big.db");
        struct cache_db_error err;
        sqlite3 *db = NULL;
        if (i % 2)
            folder_write(elsewhere, "big.db", "");
        cr_assert_eq(symlink(target, path), 0);
        /* Where it leads nowhere, a repair that was cut off would take its place. */
        folder_write(folder, "ldplayerd.db.repaired-20010101T000000Z", "");
        cr_assert_eq(cache_db_open(folder, &db, NULL, &err), UV_EISDIR, "%s", err.text);
        cr_assert_not_null(strstr(err.text, path), "%s", err.text);
        cr_assert_not_null(strstr(err.text, "a link"), "%s", err.text);
        cr_assert_eq(folder_count(folder), 2, "nothing is made or moved");
        cr_assert_eq(folder_count(elsewhere), i % 2);
        cr_assert(fs_is_link(path));
        mem_free(path);
        mem_free(target);
        folder_remove(folder);
        folder_remove(elsewhere);
    }
}

Test(cache_damage_files, the_folder_may_be_reached_by_a_link)
{
    char *elsewhere = folder_make(), *folder = folder_make();
    char *link = fs_join(elsewhere, "data");
    cr_assert_eq(symlink(folder, link), 0);
    for (int i = 0; i < 2; i++)
        cache_db_close(open_db(link));
    mem_free(link);
    folder_remove(folder);
    folder_remove(elsewhere);
}
