/* SPDX-License-Identifier: MIT */
#include "cache/backup/missing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "cache/backup/backup.h"
#include "cache/store/files.h"
#include "cache/tables/preferences.h"

/* The new database has the note in it before it gets its name, so that no crash leaves one that
 * passes for the first. */

void cache_missing_deinit(struct cache_missing *missing)
{
    for (size_t i = 0; i < missing->n_copies; i++)
        mem_free(missing->copies[i]);
    mem_free(missing->data_dir);
    *missing = (struct cache_missing){0};
}

/* --- what there is from before --- */

/* Takes PATH over, before the one at INDEX; the last one goes when there are too many. */
static void insert(struct cache_missing *m, size_t index, char *path)
{
    if (m->n_copies == CACHE_MISSING_MAX_COPIES)
        mem_free(index < m->n_copies ? m->copies[--m->n_copies] : take_ptr(path));
    if (!path)
        return;
    memmove(&m->copies[index + 1], &m->copies[index], (m->n_copies - index) * sizeof(char *));
    m->copies[index] = path;
    m->n_copies++;
}

/* Those of a time to come are not of the new database: it has not made any yet. */
static void find_backups(const char *data_dir, bool is_future, struct cache_missing *m)
{
    struct cache_backup *items cleanup(mem_freep) = NULL;
    size_t n = 0;
    int64_t now = clock_wall_ms();
    (void)cache_backup_list(data_dir, &items, &n);
    for (size_t i = 0; i < n; i++) {
        int64_t at = items[i].created_at;
        if (is_future ? at > now && at >= m->at : at < m->at)
            insert(m, m->n_copies, cache_backup_path(data_dir, items[i].name));
    }
}

/* "ldplayerd.db.replaced-20261126T030501Z-2", and nothing that stands beside it. One of the same
 * second is what the repair at BEFORE has put aside, in which nothing was found. */
static bool is_kept(const char *name, int64_t before)
{
    static const char *const prefixes[] = {CACHE_DB_NAME ".replaced-", CACHE_DB_NAME ".damaged-"};
    for (size_t i = 0; i < countof(prefixes); i++) {
        char stamp[CLOCK_STAMP_SIZE];
        int64_t at = 0;
        if (!str_has_prefix(name, prefixes[i]))
            continue;
        snprintf(stamp, sizeof(stamp), "%s", name + strlen(prefixes[i]));
        return clock_stamp_parse(stamp, &at) == 0 && at < before - before % 1000 &&
               !str_has_suffix(name, "-wal") && !str_has_suffix(name, "-shm") &&
               !str_has_suffix(name, "-journal");
    }
    return false;
}

/* Entries come in the order of their names, so the oldest first. */
static void find_kept(const char *data_dir, struct cache_missing *m)
{
    uv_fs_t req;
    uv_dirent_t entry;
    size_t n_backups = m->n_copies;
    int r = uv_fs_scandir(NULL, &req, data_dir, 0, NULL);
    while (r >= 0 && uv_fs_scandir_next(&req, &entry) == 0) {
        if (is_kept(entry.name, m->at))
            insert(m, n_backups, fs_join(data_dir, entry.name));
    }
    uv_fs_req_cleanup(&req);
}

void cache_missing_find(const char *data_dir, int64_t at, struct cache_missing *ret)
{
    *ret = (struct cache_missing){.at = at, .data_dir = mem_strdup(data_dir)};
    find_backups(data_dir, false, ret);
    find_kept(data_dir, ret);
    find_backups(data_dir, true, ret);
}

/* --- opening --- */

static int make(const char *path, int64_t at, struct cache_db_error *reterr)
{
    sqlite3 *db cleanup(cache_sql_closep) = NULL;
    char text[24];
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    snprintf(text, sizeof(text), "%" PRId64, at);
    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK)
        return cache_sql_error_code(db);
    int r = cache_schema_migrate(db, reterr);
    return r == 0 ? cache_preferences_write(db, CACHE_MISSING_NOTE, text) : r;
}

/* Nothing has been opened yet. */
static int begin(const char *data_dir, const char *path, struct cache_db_error *reterr)
{
    struct cache_missing found cleanup(cache_missing_deinit) = {0};
    char *unfinished cleanup(mem_freep) = mem_printf("%s.repairing", path);
    char *log cleanup(mem_freep) = mem_printf("%s-wal", path);
    int64_t size = 0, now = clock_wall_ms();
    if (fs_exists(path))
        return 0;
    /* What stands in a log alone a repair saves; SQLite would remove it. */
    if (fs_size(log, &size) == 0 && size > 0)
        return fs_write_atomic(path, "", 0);
    /* What else is left of the former one would be taken for the new one's. */
    cache_files_remove(path);
    cache_missing_find(data_dir, now, &found);
    if (found.n_copies == 0)
        return 0;
    cache_files_remove(unfinished);
    int r = make(unfinished, now, reterr);
    if (r == 0)
        r = fs_flush(unfinished);
    if (r == 0)
        (void)fs_give(unfinished);
    return r == 0 ? fs_rename(unfinished, path) : r;
}

/* Nothing of it, or nothing but what stood in its log, and that was not all of it. */
static bool is_all_lost(const struct cache_repair *repair)
{
    uint64_t n_kept = 0;
    int64_t size = 0;
    for (size_t i = 0; i < repair->saved.n_tables; i++)
        n_kept += repair->saved.tables[i].n_kept;
    return n_kept == 0 ||
           (fs_size(repair->kept, &size) == 0 && size == 0 && cache_repair_is_loss(repair));
}

/* Such a database is as good as missing; what is told of its repair stays there until it was told,
 * so this cannot be lost with a process that is killed. */
static int note_loss(sqlite3 *db, const char *data_dir, const struct cache_repair *repair)
{
    struct cache_missing found cleanup(cache_missing_deinit) = {0};
    char *text cleanup(mem_freep) = NULL;
    char at[24];
    int r = cache_preferences_read(db, CACHE_MISSING_NOTE, &text);
    if (r < 0 || text)
        return r;
    cache_missing_find(data_dir, repair->at, &found);
    snprintf(at, sizeof(at), "%" PRId64, found.at);
    return found.n_copies > 0 ? cache_preferences_write(db, CACHE_MISSING_NOTE, at) : 0;
}

static int read_note(sqlite3 *db, const char *data_dir, struct cache_missing *ret)
{
    char *text cleanup(mem_freep) = NULL;
    int r = cache_preferences_read(db, CACHE_MISSING_NOTE, &text);
    if (r == 0 && text)
        cache_missing_find(data_dir, strtoll(text, NULL, 10), ret);
    return r;
}

int cache_missing_read(const char *path, const char *data_dir, struct cache_missing *ret)
{
    sqlite3 *db cleanup(cache_sql_closep) = NULL;
    *ret = (struct cache_missing){0};
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return cache_sql_error_code(db);
    return read_note(db, data_dir, ret);
}

/* One of a time to come where there is no other. */
static char *find_copy(const char *data_dir)
{
    struct cache_backup *items cleanup(mem_freep) = NULL;
    size_t n = 0;
    (void)cache_backup_list(data_dir, &items, &n);
    const struct cache_backup *newest = cache_backup_newest(items, n, clock_wall_ms());
    if (!newest && n > 0)
        newest = &items[0];
    return newest ? cache_backup_path(data_dir, newest->name) : NULL;
}

static void name_copy(const char *data_dir, struct cache_db_error *reterr)
{
    char *copy cleanup(mem_freep) = find_copy(data_dir);
    size_t n = strlen(reterr->text);
    if (!copy)
        return;
    char *command cleanup(mem_freep) = cache_files_restore_command(copy, data_dir);
    snprintf(reterr->text + n, sizeof(reterr->text) - n, ". The newest copy comes back by: %s",
             command);
}

int cache_missing_open(const char *data_dir, sqlite3 **ret_db, struct cache_repair *repair,
                       struct cache_missing *ret, struct cache_db_error *reterr)
{
    char *path cleanup(mem_freep) = fs_join(data_dir, CACHE_DB_NAME);
    *ret = (struct cache_missing){0};
    reterr->text[0] = '\0';
    int r = cache_db_check_kind(path, reterr);
    if (r == 0)
        r = cache_repair_resume(path);
    if (r == 0)
        r = begin(data_dir, path, reterr);
    if (r < 0) {
        if (!reterr->text[0])
            snprintf(reterr->text, sizeof(reterr->text),
                     "the database %.260s is not there and cannot be made (%s): %s", path,
                     cache_sql_strerror(r), cache_sql_advice(r));
        return r;
    }
    r = cache_db_open(data_dir, ret_db, repair, reterr);
    if (r == UV_ENOTSUP)
        name_copy(data_dir, reterr);
    if (r < 0)
        return r;
    if (repair->at)
        repair->copy = find_copy(data_dir);
    if (repair->kept && is_all_lost(repair))
        (void)note_loss(*ret_db, data_dir, repair);
    /* One that cannot be read is met again by who reads what he needs of it. */
    (void)read_note(*ret_db, data_dir, ret);
    return 0;
}

/* --- telling --- */

char *cache_missing_sentence(const struct cache_missing *missing)
{
    char at[CLOCK_RFC3339_SIZE];
    clock_format(missing->at, at);
    if (missing->n_copies == 0)
        return mem_printf(
            "the database was missing, or nothing could be read of it, at %s, so a new "
            "one was begun; there are no copies of the former any more",
            at);
    char *command cleanup(mem_freep) =
        cache_files_restore_command(missing->copies[0], missing->data_dir);
    return mem_printf(
        "the database was missing, or nothing could be read of it, at %s, so a new one was begun; "
        "the newest copy of the former comes back by: %s. What the new one has, also of the log of "
        "the former, goes then. If it is to stay, remove what there is from before; until then "
        "that is kept",
        at, command);
}

void cache_missing_add_json(const struct cache_missing *missing, yyjson_mut_doc *doc,
                            yyjson_mut_val *object)
{
    json_add_time(doc, object, "at", missing->at);
    yyjson_mut_val *copies = yyjson_mut_obj_add_arr(doc, object, "copies");
    for (size_t i = 0; i < missing->n_copies; i++)
        yyjson_mut_arr_add_strcpy(doc, copies, missing->copies[i]);
}
