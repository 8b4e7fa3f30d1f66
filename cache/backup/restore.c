/* SPDX-License-Identifier: MIT */
#include "cache/backup/restore_private.h"

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
#include "cache/pages/wal.h"
#include "cache/store/db.h"
#include "cache/store/files.h"
#include "cache/store/salvage.h"
#include "cache/tables/events.h"
#include "cache/tables/idempotency.h"
#include "cache/tables/operations.h"

static const char staged_prefix[] = CACHE_DB_NAME ".staged-",
                  armed_name[] = CACHE_DB_NAME ".restore",
                  kept_prefix[] = CACHE_DB_NAME ".replaced-";

static char *staged_path(const char *data_dir, const char *id)
{
    char *name cleanup(mem_freep) = mem_printf("%s%s", staged_prefix, id);
    return fs_join(data_dir, name);
}

/* --- staging --- */

static int make_note(sqlite3 *db, const char *file, const struct cache_staged *staged)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    json_add_str(doc, root, "staged", staged->id);
    json_add_str(doc, root, "file", fs_basename(file));
    yyjson_mut_obj_add_uint(doc, root, "interrupted", staged->n_interrupted);
    return cache_restore_note_write(db, doc);
}

static int prepare_rows(sqlite3 *db, const char *file, struct cache_staged *staged)
{
    int r = cache_sql_run(db, "BEGIN IMMEDIATE", "");
    if (r == 0)
        r = cache_operations_interrupt_all(
            db,
            "restored from a backup: it had not ended when that was made, and is not done again",
            &staged->n_interrupted);
    if (r == 0)
        r = make_note(db, file, staged);
    return r == 0 ? cache_sql_run(db, "COMMIT", "") : r;
}

/* Nobody else knows the file yet, so it is on disk when it is whole, not at each step. */
static int prepare(const char *path, const char *file, struct cache_staged *staged,
                   struct cache_db_error *reterr)
{
    sqlite3 *db cleanup(cache_sql_closep) = NULL;
    int r = cache_restore_open(path, &db);
    if (r == 0)
        r = cache_sql_run(db, "PRAGMA synchronous=OFF", "");
    if (r == 0)
        r = cache_schema_migrate(db, reterr);
    return r == 0 ? prepare_rows(db, file, staged) : r;
}

static int settle(const char *path)
{
    int r = fs_flush(path);
    return r == 0 ? fs_give(path) : r;
}

static int refuse_staging(int r, const char *path, const char *file, struct cache_db_error *reterr)
{
    if (r == UV_ENXIO)
        snprintf(reterr->text, sizeof(reterr->text),
                 "what was being made of %.300s was cleared away meanwhile, as a start of the "
                 "service does: run the command again",
                 file);
    else
        snprintf(reterr->text, sizeof(reterr->text), "%.300s, which was being made of %.100s: %s",
                 path, fs_basename(file), uv_strerror(r));
    return r;
}

static bool is_database(const char *data_dir, const char *file)
{
    char *database cleanup(mem_freep) = fs_join(data_dir, CACHE_DB_NAME);
    struct fs_identity one, other;
    return fs_identify(database, &one) == 0 && fs_identify(file, &other) == 0 &&
           fs_is_same(&one, &other);
}

int cache_restore_stage(const char *data_dir, const char *file, struct cache_staged *ret,
                        struct cache_db_error *reterr)
{
    struct cache_staged staged = {0};
    random_uuid(staged.id);
    char *path cleanup(mem_freep) = staged_path(data_dir, staged.id);
    if (is_database(data_dir, file)) {
        snprintf(reterr->text, sizeof(reterr->text),
                 "%.300s is the database itself: name a copy of it", file);
        return UV_EINVAL;
    }
    int r = cache_copy_make(file, path, NULL, &staged.copy, reterr);
    if (r == UV_ENXIO)
        return refuse_staging(r, path, file, reterr);
    if (r < 0)
        return r;
    reterr->text[0] = '\0';
    r = prepare(path, file, &staged, reterr);
    if (r == 0)
        r = settle(path);
    if (r == 0) {
        *ret = staged;
        return 0;
    }
    if (!fs_exists(path))
        r = UV_ENXIO;
    cache_files_remove(path);
    return reterr->text[0] && r != UV_ENXIO ? r : refuse_staging(r, path, file, reterr);
}

int cache_restore_unstage(const char *data_dir, const char *id)
{
    char *path cleanup(mem_freep) = staged_path(data_dir, id);
    return fs_remove(path);
}

/* --- arming --- */

static int refuse_arming(int r, const char *staged, const char *armed,
                         struct cache_db_error *reterr)
{
    if (r == UV_ENOENT)
        snprintf(
            reterr->text, sizeof(reterr->text),
            "nothing is staged as this: `ldplayerd restore FILE` does that, and a start of the "
            "service removes it; run the command again");
    else if (r == UV_EPERM)
        snprintf(reterr->text, sizeof(reterr->text),
                 "%.300s does not belong to the owner of the data directory, so it is not believed",
                 staged);
    else if (r == UV_EEXIST)
        snprintf(reterr->text, sizeof(reterr->text),
                 "another restore is under way: %.300s takes the place of the database at the next "
                 "start. If it stays there the log says why; remove it then",
                 armed);
    else
        snprintf(reterr->text, sizeof(reterr->text), "%.200s cannot be given the name %.200s: %s",
                 staged, fs_basename(armed), uv_strerror(r));
    return r;
}

int cache_restore_arm(const char *data_dir, const char *id, struct cache_db_error *reterr)
{
    if (!random_is_uuid(id))
        return refuse_arming(UV_ENOENT, "", "", reterr);
    char *staged cleanup(mem_freep) = staged_path(data_dir, id);
    char *armed cleanup(mem_freep) = fs_join(data_dir, armed_name);
    int r = cache_trusted_check(staged, data_dir);
    if (r == 0 && fs_exists(armed))
        r = UV_EEXIST;
    if (r == 0) {
        /* A journal of another one that was removed by hand would be rolled back into this. */
        cache_files_remove(armed);
        r = fs_rename(staged, armed);
    }
    return r == 0 ? 0 : refuse_arming(r, staged, armed, reterr);
}

/* --- finishing --- */

/* KEPT is where the former database goes; NULL when there is none. However often a finish begins
 * anew, it is the same: the note has it before anything is moved. */
struct swap {
    char *armed, *database, *kept;
};

static void swap_deinit(struct swap *s)
{
    mem_free(s->armed);
    mem_free(s->database);
    mem_free(s->kept);
}

#define KEYS_MAY_BE_LOST                                                                           \
    "Idempotency-Keys used since the backup was made may be lost with it, so look at the "         \
    "instances before you repeat a request"

/* Of the former database, as the restored one goes on from it. LOST: what could not be read of it,
 * and LIVE_AGAIN: which tokens were revoked in it; sentences, NULL for none. */
struct former {
    int64_t highest; /* event number that it can have told of; 0 when it does not say */
    char *lost, *live_again;
};

static void former_deinit(struct former *f)
{
    mem_free(f->lost);
    mem_free(f->live_again);
}

/* Also those that it does not know any more. */
static int find_live_again(sqlite3 *from, sqlite3 *to, struct former *f)
{
    struct buf names cleanup(buf_deinit);
    sqlite3_stmt *token cleanup(cache_sql_releasep) = NULL;
    int stepped = SQLITE_DONE;
    buf_init(&names, 0);
    int r = cache_sql_query(to, &token, "SELECT id, name FROM tokens WHERE revoked_at = 0", "");
    while (r == 0 && (stepped = sqlite3_step(token)) == SQLITE_ROW) {
        sqlite3_stmt *row cleanup(cache_sql_releasep) = NULL;
        r = cache_sql_query(from, &row, "SELECT 1 FROM tokens WHERE id = ? AND revoked_at = 0", "s",
                            cache_sql_text(token, 0));
        if (r == 0 && sqlite3_step(row) != SQLITE_ROW)
            (void)buf_printf(&names, "%s%s", names.len ? ", " : "", cache_sql_text(token, 1));
    }
    if (names.len)
        f->live_again = mem_printf("tokens that were revoked since the backup was made, or before, "
                                   "are live again: %s. `ldplayerd token revoke` ends them anew",
                                   names.data);
    return r == 0 && stepped != SQLITE_DONE ? cache_sql_error_code(to) : r;
}

/* Keys that were used since the backup was made, so that what they did is not done again. */
static int carry_keys(sqlite3 *from, sqlite3 *to, struct former *f)
{
    int r = find_live_again(from, to, f);
    if (r == 0)
        r = cache_sql_exec(to, "BEGIN IMMEDIATE");
    if (r == 0)
        r = cache_idempotency_carry_over(from, to);
    if (r == 0)
        r = cache_sql_exec(to, "COMMIT");
    if (r < 0 && !sqlite3_get_autocommit(to))
        (void)cache_sql_exec(to, "ROLLBACK");
    return r;
}

static int check_former(sqlite3 *db, char finding[CACHE_FINDING_SIZE])
{
    bool is_whole = true;
    int64_t version = 0;
    int r = cache_schema_check(db, &is_whole);
    if (r == 0)
        r = is_whole ? cache_sql_check_integrity(db, finding, CACHE_FINDING_SIZE) : UV_EFTYPE;
    if (r == 0)
        r = cache_sql_number(db, "PRAGMA user_version", &version);
    /* Its tables are not those that are asked. */
    return r == 0 && version < cache_schema_newest() ? UV_ENOTSUP : r;
}

static bool has_content(const char *path)
{
    int64_t size = 0;
    return fs_size(path, &size) == 0 && size > 0;
}

/* So that the file alone is all of it, where it can be read; else it is kept as it is. Returns
 * UV_EFTYPE for a damaged one, UV_ENOTSUP for one of an older schema. */
static int close_former(const char *database, sqlite3 *armed, struct former *f,
                        char finding[CACHE_FINDING_SIZE])
{
    sqlite3 *db cleanup(cache_sql_closep) = NULL;
    /* SQLite would delete the log of an empty file. */
    if (!has_content(database)) {
        str_copy(finding, CACHE_FINDING_SIZE, "its file is gone or empty");
        return UV_EFTYPE;
    }
    if (cache_wal_is_lost(database)) {
        str_copy(finding, CACHE_FINDING_SIZE, CACHE_DB_LOG_LOST);
        return UV_EFTYPE;
    }
    if (cache_wal_is_damaged(database))
        return UV_EFTYPE;
    int r = cache_restore_open(database, &db);
    if (r < 0)
        return r;
    /* A log beside what is no database must stay as it is. It is found when something is read. */
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    r = check_former(db, finding);
    if (r == 0)
        r = cache_events_highest(db, &f->highest);
    if (r < 0 && r != UV_ENOTSUP)
        return sqlite3_errcode(db) == SQLITE_ERROR ? UV_EFTYPE : r;
    cache_db_checkpoint(db);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return r == 0 ? carry_keys(db, armed, f) : r;
}

static int mend_former(sqlite3 *db, void *arg)
{
    struct former *f = arg;
    int r = cache_events_highest(db, &f->highest);
    return r == 0 ? cache_idempotency_rebuild(db) : r;
}

static bool is_lost(const struct cache_salvage *saved, const char *database)
{
    if (cache_wal_is_lost(database))
        return true;
    for (size_t i = 0; i < saved->n_tables; i++) {
        const struct cache_salvage_table *t = &saved->tables[i];
        if (t->n_lost != 0 &&
            (strcmp(t->name, "idempotency") == 0 || strcmp(t->name, "operations") == 0))
            return true;
    }
    return false;
}

static bool is_unreadable(int r)
{
    return r == UV_EFTYPE || r == UV_EIO || r == UV_EINVAL || r == UV_ENOTSUP;
}

/* What the repair of a start would save of it, in a file of its own: the damaged one is kept as it
 * is. */
static int salvage_former(const char *database, sqlite3 *armed, struct former *f,
                          const char *finding)
{
    char *path cleanup(mem_freep) = mem_printf("%s.repairing", database);
    struct cache_salvage saved = {0};
    sqlite3 *db = NULL;
    cache_files_remove(path);
    int r = cache_salvage(database, path, mend_former, f, &saved);
    bool is_read = r == 0;
    if (is_read)
        r = cache_restore_open(path, &db);
    if (r == 0)
        r = carry_keys(db, armed, f);
    cache_sql_close(db);
    cache_files_remove(path);
    if (is_read ? !is_lost(&saved, database) : !is_unreadable(r))
        return r;
    f->lost = mem_printf("the former database is damaged (%s): " KEYS_MAY_BE_LOST,
                         *finding ? finding : uv_strerror(UV_EFTYPE));
    return is_read ? r : 0;
}

/* The numbers of events, and in ARMED the keys. */
static int take_over(const char *database, sqlite3 *armed, struct former *f)
{
    char finding[CACHE_FINDING_SIZE] = "";
    char *log cleanup(mem_freep) = mem_printf("%s-wal", database);
    int r = 0;
    if (!fs_exists(database) && !has_content(log)) {
        f->lost = mem_printf("there was no former database: " KEYS_MAY_BE_LOST);
        return 0;
    }
    /* What stands in a log alone is read, and kept, as that of an emptied file. */
    if (!fs_exists(database))
        r = fs_write_atomic(database, "", 0);
    if (r == 0)
        r = close_former(database, armed, f, finding);
    return is_unreadable(r) ? salvage_former(database, armed, f, finding) : r;
}

/* Whether a former finish has written into the note where the former database goes, and that still
 * holds. */
static bool has_begun(struct swap *s, const char *data_dir, yyjson_mut_val *note)
{
    yyjson_mut_val *value = yyjson_mut_obj_get(note, "kept");
    const char *path = yyjson_mut_get_str(value);
    bool is_there = fs_exists(s->database);
    if (!path || !str_has_prefix(fs_basename(path), kept_prefix))
        return value && !is_there;
    s->kept = fs_join(data_dir, fs_basename(path));
    if (!is_there || !fs_exists(s->kept))
        return true;
    mem_free(take_ptr(s->kept)); /* somebody has made another database meanwhile */
    return false;
}

static void add_sentence(yyjson_mut_doc *note, const char *key, const char *sentence)
{
    yyjson_mut_val *root = yyjson_mut_doc_get_root(note);
    if (!sentence)
        return;
    (void)yyjson_mut_obj_remove_key(root, key);
    json_add_str(note, root, key, sentence);
}

static int complete(sqlite3 *db, yyjson_mut_doc *note, const char *kept, const struct former *f)
{
    yyjson_mut_val *root = yyjson_mut_doc_get_root(note);
    (void)yyjson_mut_obj_remove_key(root, "kept");
    (void)yyjson_mut_obj_remove_key(root, "at");
    json_add_time(note, root, "at", clock_wall_ms());
    json_add_str(note, root, "kept", kept);
    add_sentence(note, "lost", f->lost);
    add_sentence(note, "live_again", f->live_again);
    int r = cache_sql_run(db, "BEGIN IMMEDIATE", "");
    if (r == 0)
        r = cache_events_renumber_above(db, f->highest);
    if (r == 0)
        r = cache_restore_note_write(db, note);
    return r == 0 ? cache_sql_run(db, "COMMIT", "") : r;
}

/* Of the armed one, which is on disk with its note and its numbers afterwards. */
static int make_ready(struct swap *s, const char *data_dir)
{
    sqlite3 *db cleanup(cache_sql_closep) = NULL;
    yyjson_mut_doc *note cleanup(json_mut_doc_freep) = NULL;
    struct former former cleanup(former_deinit) = {0};
    char *prefix cleanup(mem_freep) = fs_join(data_dir, kept_prefix);
    int r = cache_restore_open(s->armed, &db);
    if (r == 0)
        r = cache_restore_note_read(db, &note);
    if (r < 0)
        return r == UV_ENOENT ? UV_EFTYPE : r;
    bool is_begun = has_begun(s, data_dir, yyjson_mut_doc_get_root(note));
    /* What a finish that was cut off has moved it has taken over. */
    if (!is_begun || fs_exists(s->database))
        r = take_over(s->database, db, &former);
    if (r < 0)
        return r;
    if (!is_begun && fs_exists(s->database))
        s->kept = cache_files_choose(prefix, clock_wall_ms(), "");
    return complete(db, note, s->kept, &former);
}

static int swap(const struct swap *s)
{
    int r = 0;
    if (s->kept)
        r = cache_files_put_aside(s->database, s->kept);
    else
        cache_files_remove(s->database); /* what can stand beside one that is not there */
    if (r < 0)
        return r;
    cache_repair_trust(s->database); /* what was in doubt is gone */
    return fs_rename(s->armed, s->database);
}

/* Of restores that were given up or killed. */
static void remove_staged(const char *data_dir)
{
    uv_fs_t req;
    uv_dirent_t entry;
    int r = uv_fs_scandir(NULL, &req, data_dir, 0, NULL);
    while (r >= 0 && uv_fs_scandir_next(&req, &entry) == 0) {
        char *path cleanup(mem_freep) = fs_join(data_dir, entry.name);
        if (str_has_prefix(entry.name, staged_prefix))
            (void)fs_remove(path);
    }
    uv_fs_req_cleanup(&req);
}

/* Nothing has been moved yet. */
static int refuse(int r, const char *armed, struct cache_db_error *reterr)
{
    snprintf(
        reterr->text, sizeof(reterr->text), "%.300s is not restored, because %s: remove it", armed,
        r == UV_EPERM ? "it does not belong to the owner of the data directory, or is no plain file"
                      : "it is damaged, or `ldplayerd restore` has not made it");
    return UV_EPERM;
}

/* Nobody has to do without the database for the sake of a restore that does not come about. */
static int disarm(int r, const char *armed, struct cache_db_error *reterr)
{
    cache_files_remove(armed);
    snprintf(reterr->text, sizeof(reterr->text),
             "what the backup takes over of the database cannot be had (%s), so the database is as "
             "it was: %s, and restore again",
             cache_sql_strerror(r), cache_sql_advice(r));
    return UV_EPERM;
}

static int fail(int r, const char *armed, struct cache_db_error *reterr)
{
    snprintf(
        reterr->text, sizeof(reterr->text),
        "%.200s cannot take the place of the database (%s): see that there is room on the disk "
        "and that nobody has either open, and start again, or remove it",
        armed, uv_strerror(r));
    return cache_sql_fold_system_error(r);
}

int cache_restore_finish(const char *data_dir, char **ret_kept, struct cache_db_error *reterr)
{
    struct swap s cleanup(swap_deinit) = {0};
    s.armed = fs_join(data_dir, armed_name);
    s.database = fs_join(data_dir, CACHE_DB_NAME);
    *ret_kept = NULL;
    remove_staged(data_dir);
    int r = cache_trusted_check(s.armed, data_dir);
    if (r == UV_ENOENT)
        return 0;
    if (r == 0 && cache_db_check_kind(s.database, reterr) < 0) {
        cache_files_remove(s.armed);
        return UV_EPERM;
    }
    if (r == 0)
        r = cache_files_put_journal_aside(s.database);
    if (r == 0)
        r = make_ready(&s, data_dir);
    if (r == UV_EPERM || r == UV_EFTYPE)
        return refuse(r, s.armed, reterr);
    if (r < 0 && fs_exists(s.database)) /* it goes first */
        return disarm(r, s.armed, reterr);
    if (r == 0)
        r = swap(&s);
    if (r < 0)
        return fail(r, s.armed, reterr);
    *ret_kept = mem_strdup(s.kept ? s.kept : "");
    return 0;
}
