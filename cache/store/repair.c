/* SPDX-License-Identifier: MIT */
#include "cache/store/repair.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "cache/store/files.h"
#include "cache/store/sql.h"

/* What lies beside FILE, in this order:
 *
 *   FILE.repairing          is being made; worth nothing
 *   FILE.repaired-WHEN      is complete and on disk
 *   FILE.damaged-WHEN       the damaged file was renamed, then what stood beside it
 *   FILE                    the complete one was renamed
 *
 * While the damaged file is in its place everything can be done again; from where it is not, the
 * complete one only has to be given its name. */

void cache_repair_deinit(struct cache_repair *repair)
{
    mem_free(repair->kept);
    mem_free(repair->copy);
    *repair = (struct cache_repair){0};
}

/* The last one by name of the files in FOLDER that begin so; NULL when there is none. */
static char *find_last(const char *folder, const char *prefix)
{
    uv_fs_t req;
    uv_dirent_t entry;
    char *last cleanup(mem_freep) = NULL;
    if (uv_fs_scandir(NULL, &req, folder, 0, NULL) >= 0) {
        while (uv_fs_scandir_next(&req, &entry) == 0) {
            if (!str_has_prefix(entry.name, prefix) || (last && strcmp(entry.name, last) < 0))
                continue;
            mem_free(last);
            last = mem_strdup(entry.name);
        }
    }
    uv_fs_req_cleanup(&req);
    return last ? fs_join(folder, last) : NULL;
}

static void remove_file(const char *path, const char *suffix)
{
    char *name cleanup(mem_freep) = mem_printf("%s%s", path, suffix);
    (void)fs_remove(name);
}

/* From DONE, which is complete, to PATH. Can be done again from wherever it was cut off. */
static int take_place(const char *done, const char *path)
{
    const char *stamp = strrchr(done, '.') + sizeof(".repaired-") - 1;
    char *kept cleanup(mem_freep) = mem_printf("%s.damaged-%s", path, stamp);
    int r = cache_files_put_aside(path, kept);
    return r == 0 ? fs_rename(done, path) : r;
}

/* On the new database, before it takes its place. */
static int finish(sqlite3 *db, void *arg)
{
    struct cache_repair *repair = arg;
    int r = repair->finish ? repair->finish(db) : 0;
    if (r < 0)
        return r;
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    cache_repair_add_json(repair, doc, root);
    char *note cleanup(mem_freep) = json_write(doc);
    return cache_sql_run(
        db, "INSERT OR REPLACE INTO preferences (name, value) VALUES ('" CACHE_REPAIR_NOTE "', ?)",
        "s", note);
}

int cache_repair_run(const char *path, struct cache_repair *repair)
{
    char *unfinished cleanup(mem_freep) = mem_printf("%s.repairing", path);
    char *prefix cleanup(mem_freep) = mem_printf("%s.damaged-", path);
    repair->at = clock_wall_ms();
    repair->kept = cache_files_choose(prefix, repair->at, "");
    const char *stamp = repair->kept + strlen(prefix);
    char *done cleanup(mem_freep) = mem_printf("%s.repaired-%s", path, stamp);
    cache_files_remove(unfinished);
    int r = cache_salvage(path, unfinished, finish, repair, &repair->saved);
    if (r == 0)
        (void)fs_give(unfinished);
    if (r == 0)
        r = fs_rename(unfinished, done);
    if (r < 0) {
        cache_files_remove(unfinished);
        return r;
    }
    return take_place(done, path);
}

int cache_repair_resume(const char *path)
{
    char *folder cleanup(mem_freep) = fs_dirname(path);
    char *prefix cleanup(mem_freep) = mem_printf("%s.repaired-", fs_basename(path));
    char *done cleanup(mem_freep) = find_last(folder, prefix);
    int r = cache_files_put_journal_aside(path);
    if (r < 0 || !done)
        return r;
    if (fs_exists(path))
        return fs_remove(done);
    return take_place(done, path);
}

static void read_note(const char *text, const char *data_dir, struct cache_repair *ret)
{
    yyjson_doc *doc cleanup(json_doc_freep) = yyjson_read(text, strlen(text), 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *item;
    const char *kept = yyjson_get_str(yyjson_obj_get(root, "kept"));
    const char *finding = yyjson_get_str(yyjson_obj_get(root, "finding"));
    const char *at = yyjson_get_str(yyjson_obj_get(root, "at"));
    size_t i, n;
    if (!finding || !at || clock_parse(at, &ret->at) < 0)
        return;
    /* The folder may have been moved since. */
    ret->kept = kept ? fs_join(data_dir, fs_basename(kept)) : NULL;
    str_copy(ret->finding, sizeof(ret->finding), finding);
    yyjson_arr_foreach(yyjson_obj_get(root, "tables"), i, n, item) {
        if (i == CACHE_SALVAGE_MAX_TABLES)
            break;
        struct cache_salvage_table *t = &ret->saved.tables[ret->saved.n_tables++];
        const char *name = yyjson_get_str(yyjson_obj_get(item, "name"));
        yyjson_val *lost = yyjson_obj_get(item, "lost");
        str_copy(t->name, sizeof(t->name), name ? name : "");
        t->n_kept = yyjson_get_uint(yyjson_obj_get(item, "kept"));
        t->n_lost = yyjson_is_null(lost) ? -1 : yyjson_get_sint(lost);
    }
}

int cache_repair_read(sqlite3 *db, struct cache_repair *ret)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    char *data_dir cleanup(mem_freep) = fs_dirname(sqlite3_db_filename(db, "main"));
    *ret = (struct cache_repair){0};
    int r = cache_sql_query(
        db, &stmt, "SELECT value FROM preferences WHERE name = '" CACHE_REPAIR_NOTE "'", "");
    if (r < 0)
        return r;
    int stepped = sqlite3_step(stmt);
    if (stepped == SQLITE_ROW)
        read_note(cache_sql_text(stmt, 0), data_dir, ret);
    return stepped == SQLITE_ROW || stepped == SQLITE_DONE ? 0 : cache_sql_error_code(db);
}

/* --- the mark of a doubt --- */

static char *mark_of(const char *path)
{
    return mem_printf("%s.suspect", path);
}

int cache_repair_suspect(const char *data_dir, const char *why)
{
    char *path cleanup(mem_freep) = fs_join(data_dir, CACHE_DB_NAME);
    char *mark cleanup(mem_freep) = mark_of(path);
    return fs_write_atomic(mark, why, strlen(why));
}

int cache_repair_note_doubt(sqlite3 *db, struct cache_repair *repair)
{
    struct buf why cleanup(buf_deinit);
    char *mark cleanup(mem_freep) = mark_of(sqlite3_db_filename(db, "main"));
    buf_init(&why, CACHE_FINDING_SIZE);
    repair->at = clock_wall_ms();
    bool is_read = fs_read(mark, &why) == 0 && why.len > 0 && str_is_utf8(why.data, why.len);
    str_copy(repair->finding, sizeof(repair->finding),
             is_read ? why.data : "it was marked to be checked");
    repair->finding[strcspn(repair->finding, "\r\n")] = '\0';
    int r = cache_sql_exec(db, "BEGIN IMMEDIATE");
    if (r == 0)
        r = finish(db, repair);
    if (r == 0)
        r = cache_sql_exec(db, "COMMIT");
    if (r < 0 && !sqlite3_get_autocommit(db))
        (void)cache_sql_exec(db, "ROLLBACK");
    return r;
}

bool cache_repair_is_suspect(const char *path)
{
    char *mark cleanup(mem_freep) = mark_of(path);
    return fs_exists(mark);
}

void cache_repair_trust(const char *path)
{
    remove_file(path, ".suspect");
}
