/* SPDX-License-Identifier: MIT */
#include "api/resources/handlers.h"

#include "api/common/input.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/json.h"
#include "cache/backup/backups.h"

static void add_backup(const struct api_exchange *x, yyjson_mut_doc *doc, yyjson_mut_val *object,
                       const struct cache_backup *backup)
{
    char *path cleanup(mem_freep) = cache_backup_path(x->context->data_dir, backup->name);
    json_add_str(doc, object, "name", backup->name);
    json_add_str(doc, object, "path", path);
    yyjson_mut_obj_add_int(doc, object, "bytes", backup->bytes);
    json_add_time(doc, object, "created_at", backup->created_at);
    yyjson_mut_obj_add_int(doc, object, "schema_version", backup->schema_version);
}

static void respond_stopping(struct api_exchange *x)
{
    api_respond_code(x, API_STOPPING, "The service is stopping; ask again when it runs.");
}

/* Of one that was to be made. */
static void respond_failure(struct api_exchange *x, const struct cache_backups_answer *answer)
{
    const char *why = answer->error ? answer->error : uv_strerror(answer->status);
    if (answer->status == UV_ECANCELED)
        respond_stopping(x);
    else if (answer->status == UV_EBUSY)
        api_respond_code(x, API_BACKUP_UNDER_WAY, "Another backup is being made; ask again soon.");
    else if (answer->status == UV_ENOSPC)
        api_respond_code(x, API_DISK_FULL, "%s.", why);
    else
        api_respond_code(x, API_BACKUP_FAILED, "%s.", why);
}

static void on_made(void *arg, const struct cache_backups_answer *answer)
{
    struct api_exchange *x = arg;
    if (answer->status < 0) {
        respond_failure(x, answer);
        return;
    }
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    add_backup(x, doc, root, &answer->items[0]);
    yyjson_mut_val *rows = yyjson_mut_obj_add_obj(doc, root, "rows");
    for (size_t i = 0; i < answer->copy->n_tables; i++)
        yyjson_mut_obj_add_int(doc, rows, answer->copy->tables[i].name,
                               answer->copy->tables[i].n_rows);
    api_respond_doc(x, 201, doc);
}

void api_handle_backups_make(struct api_exchange *x)
{
    cache_backups_make(x->context->backups, on_made, x);
}

/* Of those that are there. */
static void respond_folder(struct api_exchange *x, int status)
{
    char *folder cleanup(mem_freep) = cache_backup_path(x->context->data_dir, "");
    if (status == UV_ECANCELED)
        respond_stopping(x);
    else
        api_respond_code(x, API_BACKUP_FAILED, "The folder of the backups, %s: %s.", folder,
                         uv_strerror(status));
}

static void on_listed(void *arg, const struct cache_backups_answer *answer)
{
    struct api_exchange *x = arg;
    if (answer->status < 0) {
        respond_folder(x, answer->status);
        return;
    }
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_val *items = yyjson_mut_obj_add_arr(doc, root, "items");
    for (size_t i = 0; i < answer->n_items; i++)
        add_backup(x, doc, yyjson_mut_arr_add_obj(doc, items), &answer->items[i]);
    yyjson_mut_obj_add_uint(doc, root, "total", answer->n_items);
    api_respond_doc(x, 200, doc);
}

void api_handle_backups_list(struct api_exchange *x)
{
    cache_backups_list(x->context->backups, on_listed, x);
}

static void on_removed(void *arg, const struct cache_backups_answer *answer)
{
    struct api_exchange *x = arg;
    if (answer->status == UV_ENOENT)
        api_respond_code(x, API_BACKUP_NOT_FOUND,
                         "No backup has this name; GET /api/backups lists them.");
    else if (answer->status < 0)
        respond_folder(x, answer->status);
    else
        api_respond_empty(x, 204);
}

void api_handle_backups_remove(struct api_exchange *x)
{
    cache_backups_remove(x->context->backups, x->http.request.params[0], on_removed, x);
}

/* --- restore --- */

static void restart(struct api_exchange *x)
{
    const struct api_context *context = x->context;
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    json_add_str(doc, root, "status", "restarting");
    api_respond_doc(x, 202, doc);
    context->restart(context->restart_arg, "a backup is restored");
}

static void on_armed(void *arg, const struct cache_backups_answer *answer)
{
    struct api_exchange *x = arg;
    const char *why = answer->error ? answer->error : "another restore is under way";
    if (answer->status == 0)
        restart(x);
    else if (answer->status == UV_ECANCELED)
        respond_stopping(x);
    else if (answer->status == UV_ENOENT || answer->status == UV_EPERM)
        api_respond_code(x, API_RESTORE_NOT_STAGED, "%s.", why);
    else if (answer->status == UV_EEXIST || answer->status == UV_EBUSY)
        api_respond_code(x, API_RESTORE_UNDER_WAY, "%s.", why);
    else
        api_respond_code(x, API_RESTORE_FAILED, "%s.", why);
}

void api_handle_restore(struct api_exchange *x)
{
    yyjson_doc *doc cleanup(json_doc_freep) = NULL;
    struct api_field_errors errors = {0};
    struct api_field_reader reader = {"", &errors, false, NULL};
    if (!api_input_body(x, &doc))
        return;
    const char *id = api_field_text(yyjson_obj_get(yyjson_doc_get_root(doc), "staged"));
    if (api_field_check(&reader, api_fields_restore, yyjson_doc_get_root(doc)) &&
        errors.n_all == 0 && !random_is_uuid(id))
        api_field_refuse(&reader, "staged", "must be a UUID in lower case");
    if (errors.n_all > 0)
        api_respond_errors(x, &errors);
    else
        cache_backups_arm_restore(x->context->backups, id, on_armed, x);
}
