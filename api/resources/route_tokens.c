/* SPDX-License-Identifier: MIT */
#include "api/resources/handlers.h"

#include <stdio.h>
#include <string.h>

#include "api/common/input.h"
#include "api/exchange/parts.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "cache/tables/tokens.h"

/* What a job at the store needs and brings back; the exchange's state. The worker touches nothing
 * else of the exchange. */
struct job {
    struct api_exchange *x;
    char name[CACHE_TOKEN_NAME_MAX + 1]; /* of the new token, or id or name of the one to revoke */
    enum cache_role role;
    int64_t expires_at;
    char secret[CACHE_TOKEN_SIZE];
    struct cache_token token;
    struct cache_token *items;
    size_t n_items;
};

static void deinit(void *state)
{
    struct job *job = state;
    mem_free(job->items);
}

static struct job *job_new(struct api_exchange *x)
{
    struct job *job = api_exchange_new_state(x, sizeof(*job), deinit);
    job->x = x;
    return job;
}

static yyjson_mut_val *make_token(yyjson_mut_doc *doc, const struct cache_token *t)
{
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_strcpy(doc, object, "id", t->id);
    yyjson_mut_obj_add_strcpy(doc, object, "name", t->name);
    json_add_str(doc, object, "role", cache_role_name(t->role));
    json_add_time(doc, object, "created_at", t->created_at);
    json_add_time(doc, object, "expires_at", t->expires_at);
    json_add_time(doc, object, "last_used_at", t->last_used_at);
    json_add_time(doc, object, "revoked_at", t->revoked_at);
    return object;
}

static int exec_list(sqlite3 *db, void *arg)
{
    struct job *job = arg;
    return cache_tokens_list(db, &job->items, &job->n_items);
}

static void on_listed(void *arg, int status)
{
    struct job *job = arg;
    if (status < 0) {
        api_respond_store_error(job->x, status);
        return;
    }
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_val *items = yyjson_mut_obj_add_arr(doc, root, "items");
    for (size_t i = 0; i < job->n_items; i++)
        yyjson_mut_arr_append(items, make_token(doc, &job->items[i]));
    yyjson_mut_obj_add_uint(doc, root, "total", job->n_items);
    api_respond_doc(job->x, 200, doc);
}

void api_handle_tokens_list(struct api_exchange *x)
{
    cache_store_read(x->context->store, exec_list, on_listed, job_new(x));
}

static const char *read_name(yyjson_val *value, struct job *job)
{
    const char *text = api_field_text(value);
    size_t n = text ? strlen(text) : 0;
    if (n == 0 || n > CACHE_TOKEN_NAME_MAX)
        return "must be a string of 1 to 64 bytes";
    if (str_has_controls(text))
        return "must not contain control characters";
    str_copy(job->name, sizeof(job->name), text);
    return NULL;
}

static const char *read_role(yyjson_val *value, struct job *job)
{
    const char *text = api_field_text(value);
    if (!text || cache_role_parse(text, &job->role) < 0 || job->role == CACHE_ROLE_NONE)
        return "must be \"viewer\", \"operator\" or \"admin\"";
    return NULL;
}

static const char *read_expires(yyjson_val *value, struct job *job)
{
    const char *text = api_field_text(value);
    if (yyjson_is_null(value))
        return NULL;
    if (!text || clock_parse(text, &job->expires_at) < 0 || job->expires_at <= clock_wall_ms())
        return "must be a time in the future as in RFC 3339, or null for never";
    return NULL;
}

static void read_fields(yyjson_val *root, struct job *job, struct api_field_errors *errors)
{
    struct api_field_reader reader = {"", errors, false, NULL};
    if (!api_field_check(&reader, api_fields_token, root))
        return;
    yyjson_val *name = yyjson_obj_get(root, "name"), *role = yyjson_obj_get(root, "role");
    yyjson_val *expires = yyjson_obj_get(root, "expires_at");
    const char *refusal = name ? read_name(name, job) : NULL;
    if (refusal)
        api_field_refuse(&reader, "name", refusal);
    refusal = role ? read_role(role, job) : NULL;
    if (refusal)
        api_field_refuse(&reader, "role", refusal);
    refusal = expires ? read_expires(expires, job) : NULL;
    if (refusal)
        api_field_refuse(&reader, "expires_at", refusal);
}

static int exec_create(sqlite3 *db, void *arg)
{
    struct job *job = arg;
    return cache_tokens_create(db, job->name, job->role, job->expires_at, job->secret, &job->token);
}

static void respond_created(struct job *job)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = make_token(doc, &job->token);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "token", job->secret);
    api_exchange_header(job->x, "Cache-Control", "no-store");
    char location[sizeof("/api/auth/tokens/") + UUID_SIZE];
    snprintf(location, sizeof(location), "/api/auth/tokens/%s", job->token.id);
    api_exchange_header(job->x, "Location", location);
    api_respond_doc(job->x, 201, doc);
}

static void adopt_created(struct job *job)
{
    cache_tokens_adopt(job->x->context->tokens, &job->token);
    respond_created(job);
}

static void on_created(void *arg, int status)
{
    struct job *job = arg;
    if (status == UV_EEXIST)
        api_respond_code(job->x, API_TOKEN_EXISTS, "A live token is called '%s' already.",
                         job->name);
    else if (status == UV_EINVAL)
        api_respond_field(job->x, "name", "is refused");
    else if (status < 0)
        api_respond_store_error(job->x, status);
    else
        adopt_created(job);
}

void api_handle_tokens_create(struct api_exchange *x)
{
    yyjson_doc *doc cleanup(json_doc_freep) = NULL;
    struct api_field_errors errors = {0};
    if (!api_input_body(x, &doc))
        return;
    struct job *job = job_new(x);
    read_fields(yyjson_doc_get_root(doc), job, &errors);
    if (errors.n_all > 0)
        api_respond_errors(x, &errors);
    else
        cache_store_write(x->context->store, exec_create, on_created, job);
}

static int exec_revoke(sqlite3 *db, void *arg)
{
    struct job *job = arg;
    return cache_tokens_revoke(db, job->name);
}

static void on_revoked(void *arg, int status)
{
    struct job *job = arg;
    if (status == 0) {
        cache_tokens_forget(job->x->context->tokens, job->name);
        api_respond_empty(job->x, 204);
    } else if (status == UV_ENOENT) {
        api_respond_code(job->x, API_TOKEN_NOT_FOUND, "No live token has this id or name.");
    } else {
        api_respond_store_error(job->x, status);
    }
}

void api_handle_tokens_revoke(struct api_exchange *x)
{
    struct job *job = job_new(x);
    const char *id = x->http.request.params[0];
    /* A longer one would be cut and might then name another token. */
    if (strlen(id) > CACHE_TOKEN_NAME_MAX) {
        api_respond_code(x, API_TOKEN_NOT_FOUND, "No live token has this id or name.");
        return;
    }
    str_copy(job->name, sizeof(job->name), id);
    cache_store_write(x->context->store, exec_revoke, on_revoked, job);
}

void api_handle_me(struct api_exchange *x)
{
    const struct api_identity *who = &x->who;
    bool is_token = who->kind == API_IDENTITY_TOKEN;
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "name", who->name);
    json_add_str(doc, root, "role", cache_role_name(who->role));
    yyjson_mut_obj_add_str(doc, root, "kind", is_token ? "token" : "peer");
    json_add_str(doc, root, "token_id", is_token ? who->id : NULL);
    json_add_time(doc, root, "expires_at", is_token ? who->expires_at : 0);
    api_respond_doc(x, 200, doc);
}
