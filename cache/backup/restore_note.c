/* SPDX-License-Identifier: MIT */
#include "cache/backup/restore_private.h"

#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "cache/store/db.h"
#include "cache/tables/preferences.h"

/* Preferences. */
static const char untold[] = "restored", told[] = "restored.told";

int cache_restore_open(const char *path, sqlite3 **ret)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    return sqlite3_open_v2(path, ret, flags, NULL) == SQLITE_OK ? 0 : cache_sql_error_code(*ret);
}

static int read_name(sqlite3 *db, const char *name, yyjson_mut_doc **ret)
{
    char *text cleanup(mem_freep) = NULL;
    int r = cache_preferences_read(db, name, &text);
    if (r < 0)
        return sqlite3_errcode(db) == SQLITE_ERROR ? UV_ENOENT : r; /* no such table */
    yyjson_doc *doc cleanup(json_doc_freep) = text ? yyjson_read(text, strlen(text), 0) : NULL;
    if (!yyjson_is_obj(yyjson_doc_get_root(doc)))
        return UV_ENOENT;
    *ret = yyjson_doc_mut_copy(doc, NULL);
    return 0;
}

int cache_restore_note_read(sqlite3 *db, yyjson_mut_doc **ret)
{
    return read_name(db, untold, ret);
}

int cache_restore_note_write(sqlite3 *db, yyjson_mut_doc *doc)
{
    char *text cleanup(mem_freep) = json_write(doc);
    return cache_preferences_write(db, untold, text);
}

static int read_last(sqlite3 *db, yyjson_mut_doc **ret, bool *ret_is_told)
{
    int r = read_name(db, untold, ret);
    *ret_is_told = r == UV_ENOENT;
    return r == UV_ENOENT ? read_name(db, told, ret) : r;
}

int cache_restore_read_note(sqlite3 *db, char **ret_note, bool *ret_is_told)
{
    yyjson_mut_doc *note cleanup(json_mut_doc_freep) = NULL;
    int r = read_last(db, &note, ret_is_told);
    *ret_note = note ? json_write(note) : NULL;
    return r == UV_ENOENT ? 0 : r;
}

static char *text_of(yyjson_mut_doc *note, const char *key)
{
    return mem_strdup(yyjson_mut_get_str(yyjson_mut_obj_get(yyjson_mut_doc_get_root(note), key)));
}

void cache_restored_deinit(struct cache_restored *restored)
{
    mem_free(restored->staged);
    mem_free(restored->kept);
    mem_free(restored->lost);
    mem_free(restored->live_again);
    *restored = (struct cache_restored){0};
}

int cache_restore_read_last(const char *data_dir, struct cache_restored *ret)
{
    sqlite3 *db cleanup(cache_sql_closep) = NULL;
    yyjson_mut_doc *note cleanup(json_mut_doc_freep) = NULL;
    char *path cleanup(mem_freep) = fs_join(data_dir, CACHE_DB_NAME);
    bool is_told = false;
    int r = cache_restore_open(path, &db);
    if (r == 0)
        r = read_last(db, &note, &is_told);
    if (r == 0)
        *ret = (struct cache_restored){.staged = text_of(note, "staged"),
                                       .kept = text_of(note, "kept"),
                                       .lost = text_of(note, "lost"),
                                       .live_again = text_of(note, "live_again")};
    return r;
}

static int exec_tell(sqlite3 *db, void *arg)
{
    (void)arg;
    int r = cache_sql_run(db,
                          "INSERT OR REPLACE INTO preferences"
                          " SELECT ?, value FROM preferences WHERE name = ?",
                          "ss", told, untold);
    return r == 0 ? cache_sql_run(db, "DELETE FROM preferences WHERE name = ?", "s", untold) : r;
}

void cache_restore_set_told(struct cache_store *store)
{
    cache_store_write(store, exec_tell, NULL, NULL);
}
