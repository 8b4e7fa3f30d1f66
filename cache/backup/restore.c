/* SPDX-License-Identifier: MIT */
#include "cache/backup/restore.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>
#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "cache/backup/trusted.h"
#include "cache/store/db.h"
#include "cache/tables/events.h"
#include "cache/tables/idempotency.h"
#include "cache/tables/operations.h"
#include "cache/tables/preferences.h"

static const char note_name[] = "restored";
static const char staged_name[] = CACHE_DB_NAME ".restore",
                  half_prefix[] = CACHE_DB_NAME ".restoring-";

static char *staged_path(const char *data_dir)
{
    return fs_join(data_dir, staged_name);
}

/* --- staging --- */

static int write_note(sqlite3 *db, const char *file, unsigned n_interrupted)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    json_add_str(doc, root, "file", fs_basename(file));
    yyjson_mut_obj_add_uint(doc, root, "interrupted", n_interrupted);
    char *text cleanup(mem_freep) = json_write(doc);
    return cache_sql_run(db, "INSERT OR REPLACE INTO preferences VALUES (?, ?)", "ss", note_name,
                         text);
}

static int prepare_rows(sqlite3 *db, const char *file, unsigned *ret_interrupted)
{
    int r = cache_sql_run(db, "BEGIN IMMEDIATE", "");
    if (r == 0)
        r = cache_operations_interrupt_all(
            db,
            "restored from a backup: it had not ended when that was made, and is not done again",
            ret_interrupted);
    if (r == 0)
        r = cache_events_renumber(db);
    if (r == 0)
        r = write_note(db, file, *ret_interrupted);
    return r == 0 ? cache_sql_run(db, "COMMIT", "") : r;
}

/* Nobody else knows the file yet, so it is on disk when it is whole, not at each step. */
static int prepare(const char *path, const char *file, unsigned *ret_interrupted,
                   struct cache_db_error *reterr)
{
    sqlite3 *db cleanup(cache_sql_closep) = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int r = sqlite3_open_v2(path, &db, flags, NULL) == SQLITE_OK ? 0 : cache_sql_error_code(db);
    if (r == 0)
        r = cache_sql_run(db, "PRAGMA synchronous=OFF", "");
    if (r == 0)
        r = cache_schema_migrate(db, reterr);
    return r == 0 ? prepare_rows(db, file, ret_interrupted) : r;
}

static int stage(const char *data_dir, const char *file, const char *half, struct cache_copy *ret,
                 unsigned *ret_interrupted, struct cache_db_error *reterr)
{
    char *staged cleanup(mem_freep) = staged_path(data_dir);
    int r = cache_copy_make(file, half, NULL, ret, reterr);
    if (r == 0)
        r = prepare(half, file, ret_interrupted, reterr);
    if (r == 0)
        r = fs_flush(half);
    if (r == 0)
        r = cache_trusted_give(half, data_dir);
    return r == 0 ? fs_rename(half, staged) : r;
}

int cache_restore_stage(const char *data_dir, const char *file, struct cache_copy *ret,
                        unsigned *ret_interrupted, struct cache_db_error *reterr)
{
    struct cache_db_error why = {{0}};
    char *name cleanup(mem_freep) = mem_printf("%s%d", half_prefix, uv_os_getpid());
    char *half cleanup(mem_freep) = fs_join(data_dir, name);
    int r = stage(data_dir, file, half, ret, ret_interrupted, &why);
    if (r == 0)
        return 0;
    (void)fs_remove(half);
    snprintf(reterr->text, sizeof(reterr->text), "%.200s cannot be restored: %.280s", file,
             why.text[0] ? why.text : uv_strerror(r));
    return r;
}

int cache_restore_check(const char *data_dir)
{
    char *staged cleanup(mem_freep) = staged_path(data_dir);
    return cache_trusted_check(staged, data_dir);
}

void cache_restore_unstage(const char *data_dir)
{
    char *staged cleanup(mem_freep) = staged_path(data_dir);
    (void)fs_remove(staged);
}

/* --- finishing --- */

/* The former database and where it goes. Both names are the same however often a finish begins
 * anew: the time is that of the staged file. */
struct swap {
    char *staged, *database, *kept;
};

static void swap_deinit(struct swap *s)
{
    mem_free(s->staged);
    mem_free(s->database);
    mem_free(s->kept);
}

static int64_t time_of(const char *path)
{
    uv_fs_t req;
    int r = uv_fs_stat(NULL, &req, path, NULL);
    int64_t seconds = r == 0 ? req.statbuf.st_mtim.tv_sec : 0;
    uv_fs_req_cleanup(&req);
    return seconds * 1000;
}

static void swap_init(struct swap *s, const char *data_dir)
{
    char stamp[CLOCK_STAMP_SIZE];
    s->staged = staged_path(data_dir);
    s->database = fs_join(data_dir, CACHE_DB_NAME);
    clock_stamp(time_of(s->staged), stamp);
    s->kept = mem_printf("%s.replaced-%s", s->database, stamp);
    /* Without a database the one that is kept is what a killed finish has put there. */
    for (unsigned i = 2; fs_exists(s->database) && fs_exists(s->kept); i++) {
        mem_free(s->kept);
        s->kept = mem_printf("%s.replaced-%s-%u", s->database, stamp, i);
    }
}

/* Keys that were used since the backup was made, so that what they did is not done again. What
 * cannot be read of them is lost with the rest. */
static void carry_keys(sqlite3 *from, const char *staged)
{
    sqlite3 *to cleanup(cache_sql_closep) = NULL;
    if (sqlite3_open_v2(staged, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
            SQLITE_OK &&
        cache_sql_exec(to, "BEGIN IMMEDIATE") == 0 && cache_idempotency_carry_over(from, to) == 0)
        (void)cache_sql_exec(to, "COMMIT");
}

/* So that the file alone is all of it. What cannot be copied back is kept as it is. */
static void settle(const char *database, const char *staged)
{
    sqlite3 *db cleanup(cache_sql_closep) = NULL;
    int64_t size = 0;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    /* SQLite would delete the log of an empty file. */
    if (fs_size(database, &size) < 0 || size == 0 ||
        sqlite3_open_v2(database, &db, flags, NULL) != SQLITE_OK)
        return;
    /* A log beside what is no database must stay as it is. It is found when something is read. */
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (sqlite3_exec(db, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL) != SQLITE_OK)
        return;
    carry_keys(db, staged);
    cache_db_checkpoint(db);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
}

static int move(const char *from, const char *to, const char *suffix)
{
    char *old_name cleanup(mem_freep) = mem_printf("%s%s", from, suffix);
    char *new_name cleanup(mem_freep) = mem_printf("%s%s", to, suffix);
    int r = fs_rename(old_name, new_name);
    return r == UV_ENOENT ? 0 : r;
}

/* The log goes first: beside another database it would be taken for that one's. */
static int swap(const struct swap *s)
{
    char *shared cleanup(mem_freep) = mem_printf("%s-shm", s->database);
    settle(s->database, s->staged);
    int r = move(s->database, s->kept, "-wal");
    if (r == 0)
        r = move(s->database, s->kept, "");
    if (r < 0)
        return r;
    (void)fs_remove(shared);
    return fs_rename(s->staged, s->database);
}

/* Of a restore that was killed. */
static void remove_halves(const char *data_dir)
{
    uv_fs_t req;
    uv_dirent_t entry;
    int r = uv_fs_scandir(NULL, &req, data_dir, 0, NULL);
    while (r >= 0 && uv_fs_scandir_next(&req, &entry) == 0) {
        char *path cleanup(mem_freep) = fs_join(data_dir, entry.name);
        if (str_has_prefix(entry.name, half_prefix))
            (void)fs_remove(path);
    }
    uv_fs_req_cleanup(&req);
}

int cache_restore_finish(const char *data_dir, char **ret_kept, struct cache_db_error *reterr)
{
    struct swap s cleanup(swap_deinit) = {0};
    int r = cache_restore_check(data_dir);
    *ret_kept = NULL;
    remove_halves(data_dir);
    if (r == UV_ENOENT)
        return 0;
    swap_init(&s, data_dir);
    if (r == 0)
        r = swap(&s);
    if (r == UV_EPERM)
        snprintf(reterr->text, sizeof(reterr->text),
                 "%.300s is not restored, because it does not belong to the owner of the data "
                 "directory: remove it",
                 s.staged);
    else if (r < 0)
        snprintf(reterr->text, sizeof(reterr->text),
                 "%.200s cannot take the place of the database (%s): see that nobody has either "
                 "open, and start again, or remove it",
                 s.staged, uv_strerror(r));
    else
        *ret_kept = mem_strdup(fs_exists(s.kept) ? s.kept : "");
    return r;
}

/* --- the note --- */

int cache_restore_read_note(sqlite3 *db, char **ret_note)
{
    return cache_preferences_read(db, note_name, ret_note);
}

static int exec_forget(sqlite3 *db, void *arg)
{
    (void)arg;
    return cache_sql_run(db, "DELETE FROM preferences WHERE name = ?", "s", note_name);
}

void cache_restore_forget_note(struct cache_store *store)
{
    cache_store_write(store, exec_forget, NULL, NULL);
}
