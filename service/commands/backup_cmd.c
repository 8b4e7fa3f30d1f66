/* SPDX-License-Identifier: MIT */
#include "service/commands/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"
#include "base/system/random.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "cache/backup/backup.h"
#include "cache/backup/missing.h"
#include "cache/store/db.h"
#include "cache/store/files.h"
#include "service/commands/owner.h"

/* The running service makes a checked copy in its own folder, which is fetched and then removed
 * there. Without one the copy is made here, by the same function. FILE has it whole or not at all.
 */

enum {
    MAKE_MS = 30 * 60 * 1000,
    ASK_MS = 30000,
    PATIENCE_MS = 30000,
    LOOK_EVERY_MS = 200,
    UNDER_WAY = 409
};

static const char doing[] = "the backup could not be made";

/* Nor is a folder, a FIFO or a device replaced. */
static enum svc_exit check_place(const char *file, bool is_forced)
{
    char *folder cleanup(mem_freep) = fs_dirname(file);
    int r = fs_check_file(file);
    if (r == UV_ENOENT && fs_check_file(folder) == UV_ENOENT)
        return svc_exit_fail("%s: there is no folder %s; make it, or name another one", doing,
                             folder);
    if (r == UV_EISDIR || r == UV_EFTYPE)
        return svc_exit_fail("%s: %s is %s; name a file", doing, file,
                             r == UV_EISDIR ? "a folder" : "no plain file");
    if (r == 0 && !is_forced)
        return svc_exit_fail("%s exists already; choose another name, or replace it with --force",
                             file);
    return SVC_EXIT_OK;
}

static enum svc_exit fail_file(const char *file, const char *why)
{
    return svc_exit_fail("%s: %s: %s", doing, file, why);
}

/* The files there are the service's own: a database that is replaced under a running service, or a
 * lock that is, costs what was acknowledged. */
static enum svc_exit refuse_own_folder(const struct svc_owner *owner, const char *file)
{
    char *given cleanup(mem_freep) = fs_dirname(file);
    char *folder cleanup(mem_freep) = fs_real(given);
    char *own cleanup(mem_freep) = fs_real(owner->data_dir);
    size_t n = strlen(own);
    bool is_within = strncmp(folder, own, n) == 0 &&
                     (folder[n] == '\0' || folder[n] == '/' || folder[n] == '\\');
    if (!is_within)
        return SVC_EXIT_OK;
    return svc_exit_fail("%s: %s is in the data directory, where the service has its own files; "
                         "choose another folder",
                         doing, file);
}

/* What a former database has left beside the name. */
static enum svc_exit check_beside(const char *file)
{
    char *beside cleanup(mem_freep) = cache_files_find_beside(file);
    if (beside)
        return svc_exit_fail("%s: %s is there, of another database, and would be read as a part of "
                             "this one; choose another name, or move it away when nobody uses it",
                             doing, beside);
    return SVC_EXIT_OK;
}

/* --- without a service --- */

static enum svc_exit make_here(const struct svc_owner *owner, const char *half,
                               struct cache_copy *ret)
{
    struct cache_db_error error;
    if (cache_backup_copy(owner->data_dir, half, ret, &error) < 0)
        return svc_exit_fail("%s: %s", doing, error.text);
    return SVC_EXIT_OK;
}

/* --- through the service --- */

static void read_rows(yyjson_val *rows, struct cache_copy *ret)
{
    size_t i, n;
    yyjson_val *key, *value;
    yyjson_obj_foreach(rows, i, n, key, value) {
        if (ret->n_tables == CACHE_COPY_MAX_TABLES)
            return;
        struct cache_copy_table *table = &ret->tables[ret->n_tables++];
        str_copy(table->name, sizeof(table->name), yyjson_get_str(key));
        table->n_rows = yyjson_get_sint(value);
    }
}

/* Whether it goes or not: the service removes it itself when it is a week old. */
static void remove_there(const struct svc_owner *owner, const char *name)
{
    struct svc_client_answer answer cleanup(svc_client_answer_deinit) = {0};
    struct svc_client_error why;
    struct buf path cleanup(buf_deinit);
    buf_init(&path, 0);
    (void)buf_append_str(&path, "/api/backups/");
    svc_client_append_segment(&path, name);
    (void)svc_client_ask(
        &owner->endpoint,
        &(struct svc_client_request){.method = "DELETE", .path = path.data, .timeout_ms = ASK_MS},
        &answer, &why);
}

static int copy(const char *path, const char *half)
{
    int r = fs_copy(path, half);
    return r == 0 ? fs_flush(half) : r;
}

static enum svc_exit fetch(const struct svc_owner *owner, yyjson_val *made, const char *half,
                           struct cache_copy *ret)
{
    char byte;
    const char *name = yyjson_get_str(yyjson_obj_get(made, "name"));
    const char *path = yyjson_get_str(yyjson_obj_get(made, "path"));
    if (!name || !path)
        return svc_exit_fail("%s: the answer of the service does not say where it is", doing);
    enum svc_exit status = SVC_EXIT_OK;
    int r = fs_read_head(path, &byte, 1);
    if (r < 0)
        status = fail_file(path, uv_strerror(r));
    else if ((r = copy(path, half)) < 0)
        status = fail_file(half, uv_strerror(r));
    remove_there(owner, name);
    ret->bytes = yyjson_get_sint(yyjson_obj_get(made, "bytes"));
    ret->schema_version = (int)yyjson_get_sint(yyjson_obj_get(made, "schema_version"));
    read_rows(yyjson_obj_get(made, "rows"), ret);
    return status;
}

/* One is made at a time, also of those of the service's own; it is soon done. */
static enum svc_exit ask_for_one(const struct svc_owner *owner, struct svc_client_answer *ret)
{
    struct svc_client_request request = {
        .method = "POST", .path = "/api/backups", .timeout_ms = MAKE_MS};
    uint64_t end = clock_mono_ms() + PATIENCE_MS;
    for (;;) {
        int busy = clock_mono_ms() < end ? UNDER_WAY : 0;
        enum svc_exit status = svc_owner_ask(owner, &request, busy, doing, ret);
        if (status != SVC_EXIT_OK || !ret->problem)
            return status;
        svc_client_answer_deinit(ret);
        *ret = (struct svc_client_answer){0};
        uv_sleep(LOOK_EVERY_MS);
    }
}

static enum svc_exit make_there(const struct svc_owner *owner, const char *half,
                                struct cache_copy *ret)
{
    struct svc_client_answer answer cleanup(svc_client_answer_deinit) = {0};
    enum svc_exit status = ask_for_one(owner, &answer);
    if (status != SVC_EXIT_OK)
        return status;
    return fetch(owner, yyjson_doc_get_root(answer.doc), half, ret);
}

/* --- the command --- */

/* A copy of a database that was begun anew, in the place of what may be the last of the former. */
static enum svc_exit check_missing(const struct svc_owner *owner, const char *half,
                                   const char *file)
{
    struct cache_missing missing cleanup(cache_missing_deinit) = {0};
    if (cache_missing_read(half, owner->data_dir, &missing) < 0 || !missing.at)
        return SVC_EXIT_OK;
    char *sentence cleanup(mem_freep) = cache_missing_sentence(&missing);
    if (fs_exists(file))
        return svc_exit_fail("%s: %s is not replaced, because it may have more than a copy of now: "
                             "%s. Choose another name, or remove it first",
                             doing, file, sentence);
    fprintf(stderr, "ldplayerd: this is a copy of a new database: %s\n", sentence);
    return SVC_EXIT_OK;
}

static enum svc_exit print(const char *file, const struct cache_copy *copy)
{
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    (void)buf_printf(&out, "%s: %" PRId64 " bytes, schema %d\n", file, copy->bytes,
                     copy->schema_version);
    for (size_t i = 0; i < copy->n_tables; i++)
        (void)buf_printf(&out, "  %-14s %8" PRId64 " rows\n", copy->tables[i].name,
                         copy->tables[i].n_rows);
    return svc_exit_print(&out);
}

enum svc_exit svc_backup_cmd(const struct svc_args *args)
{
    struct svc_owner owner cleanup(svc_owner_deinit) = {0};
    struct cache_copy copy = {0};
    char id[UUID_SIZE]; /* nobody can have put something there that is written through */
    const char *file = args->words[0];
    bool is_forced = svc_args_flag(args, "force") != NULL;
    random_uuid(id);
    char *half cleanup(mem_freep) = mem_printf("%s.%s.tmp", file, id);
    enum svc_exit status = check_place(file, is_forced);
    if (status == SVC_EXIT_OK)
        status = svc_owner_find(args, "backup", SVC_OWNER_DATABASE, &owner);
    if (status == SVC_EXIT_OK)
        status = refuse_own_folder(&owner, file);
    if (status == SVC_EXIT_OK)
        status = check_beside(file);
    if (status != SVC_EXIT_OK)
        return status;
    status = (owner.lock ? make_here : make_there)(&owner, half, &copy);
    if (status == SVC_EXIT_OK)
        status = check_place(file, is_forced);
    if (status == SVC_EXIT_OK)
        status = check_beside(file);
    if (status == SVC_EXIT_OK)
        status = check_missing(&owner, half, file);
    int r = status == SVC_EXIT_OK ? fs_rename(half, file) : 0;
    if (r < 0)
        status = fail_file(file, uv_strerror(r));
    if (status == SVC_EXIT_OK)
        return print(file, &copy);
    (void)fs_remove(half);
    return status;
}
