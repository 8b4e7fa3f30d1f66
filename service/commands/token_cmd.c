/* SPDX-License-Identifier: MIT */
#include "service/commands/command.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "cache/backup/missing.h"
#include "cache/tables/housekeeping.h"
#include "cache/tables/tokens.h"
#include "service/commands/expiry.h"
#include "service/commands/owner.h"

/* Each command works on the database itself where nobody else has it, else through the service.
 * What is printed is the same. */

enum { ASK_MS = 30000 };

static enum svc_exit open_db(const struct svc_owner *owner, sqlite3 **ret_db)
{
    struct cache_repair repair cleanup(cache_repair_deinit) = {.finish = cache_housekeeping_mend};
    struct cache_missing missing cleanup(cache_missing_deinit) = {0};
    struct cache_db_error error;
    if (cache_missing_open(owner->data_dir, ret_db, &repair, &missing, &error) < 0)
        return svc_exit_fail("%s", error.text);
    if (missing.at) {
        char *sentence cleanup(mem_freep) = cache_missing_sentence(&missing);
        fprintf(stderr, "ldplayerd: %s\n", sentence);
    }
    if (repair.at) {
        char *sentence cleanup(mem_freep) = cache_repair_sentence(&repair);
        fprintf(stderr, "ldplayerd: %s\n", sentence);
    }
    return SVC_EXIT_OK;
}

/* Why NAME cannot be a token's name, or NULL. */
static const char *refuse_name(const char *name)
{
    if (!*name || strlen(name) > CACHE_TOKEN_NAME_MAX)
        return "it must have 1 to 64 bytes";
    if (!str_is_utf8(name, strlen(name)))
        return "it must be UTF-8";
    if (str_has_controls(name))
        return "it must not have control characters";
    return NULL;
}

static void check_expires(const char *text, int64_t *ret_wall_ms, struct svc_problems *problems)
{
    *ret_wall_ms = 0;
    int r = text ? svc_expiry_parse(text, clock_wall_ms(), ret_wall_ms) : 0;
    if (r == UV_ERANGE)
        svc_problems_add(problems, "--expires: %s is not within the next hundred years", text);
    else if (r < 0)
        svc_problems_add(problems,
                         "--expires: \"%s\" is neither a time (2030-01-31T00:00:00Z) nor a span "
                         "(30d, 12h, 15m)",
                         text);
}

struct request {
    const char *name;
    enum cache_role role;
    int64_t expires_at;
};

static enum svc_exit read_request(const struct svc_args *args, struct request *ret)
{
    struct svc_problems problems cleanup(svc_problems_deinit);
    const char *role = svc_args_flag(args, "role");
    svc_problems_init(&problems);
    ret->name = svc_args_flag(args, "name");
    const char *refusal = ret->name ? refuse_name(ret->name) : NULL;
    if (!ret->name)
        svc_problems_add(&problems, "--name: a token needs a name");
    else if (refusal)
        svc_problems_add(&problems, "--name: %s", refusal);
    if (!role || cache_role_parse(role, &ret->role) < 0)
        svc_problems_add(&problems, "--role: it must be one of viewer, operator, admin");
    check_expires(svc_args_flag(args, "expires"), &ret->expires_at, &problems);
    fputs(svc_problems_text(&problems), stderr);
    return problems.n ? SVC_EXIT_USAGE : SVC_EXIT_OK;
}

/* --- create --- */

static enum svc_exit refuse_twin(const char *name)
{
    return svc_exit_fail("there is a token named %s already", name);
}

static enum svc_exit create_here(const struct svc_owner *owner, const struct request *request,
                                 char secret[CACHE_TOKEN_SIZE])
{
    sqlite3 *db cleanup(cache_sql_closep) = NULL;
    struct cache_token token;
    enum svc_exit status = open_db(owner, &db);
    if (status != SVC_EXIT_OK)
        return status;
    int r =
        cache_tokens_create(db, request->name, request->role, request->expires_at, secret, &token);
    if (r == UV_EEXIST)
        return refuse_twin(request->name);
    if (r < 0)
        return svc_exit_fail("the token could not be stored: %s", uv_strerror(r));
    return SVC_EXIT_OK;
}

static char *write_request(const struct request *request)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    json_add_str(doc, root, "name", request->name);
    json_add_str(doc, root, "role", cache_role_name(request->role));
    json_add_time(doc, root, "expires_at", request->expires_at);
    return json_write(doc);
}

static enum svc_exit create_there(const struct svc_owner *owner, const struct request *request,
                                  char secret[CACHE_TOKEN_SIZE])
{
    struct svc_client_answer answer cleanup(svc_client_answer_deinit) = {0};
    char *body cleanup(mem_freep) = write_request(request);
    enum svc_exit status = svc_owner_ask(
        owner,
        &(struct svc_client_request){
            .method = "POST", .path = "/api/auth/tokens", .body = body, .timeout_ms = ASK_MS},
        409, "the token could not be made", &answer);
    if (status != SVC_EXIT_OK)
        return status;
    if (answer.problem)
        return refuse_twin(request->name);
    const char *text = yyjson_get_str(yyjson_ptr_get(yyjson_doc_get_root(answer.doc), "/token"));
    if (!text || strlen(text) >= CACHE_TOKEN_SIZE)
        return svc_exit_fail("the service made the token, but its answer does not have it; "
                             "revoke %s and try again",
                             request->name);
    str_copy(secret, CACHE_TOKEN_SIZE, text);
    return SVC_EXIT_OK;
}

enum svc_exit svc_token_cmd_create(const struct svc_args *args)
{
    struct svc_owner owner cleanup(svc_owner_deinit) = {0};
    struct buf out cleanup(buf_deinit);
    char secret[CACHE_TOKEN_SIZE];
    struct request request;
    buf_init(&out, 0);
    enum svc_exit status = read_request(args, &request);
    if (status == SVC_EXIT_OK)
        status = svc_owner_find(args, "token create", SVC_OWNER_NOTHING, &owner);
    if (status == SVC_EXIT_OK)
        status = (owner.lock ? create_here : create_there)(&owner, &request, secret);
    if (status != SVC_EXIT_OK)
        return status;
    (void)buf_printf(&out, "%s\n", secret);
    return svc_exit_print(&out);
}

/* --- list --- */

static const char *token_state(const struct cache_token *token)
{
    if (token->revoked_at)
        return "revoked";
    return token->expires_at && token->expires_at <= clock_wall_ms() ? "expired" : "live";
}

static void append_time(int64_t wall_ms, struct buf *out)
{
    char text[CLOCK_RFC3339_SIZE] = "-";
    if (wall_ms)
        clock_format(wall_ms, text);
    (void)buf_printf(out, "  %-24s", text);
}

static enum svc_exit list_here(const struct svc_owner *owner, struct cache_token **ret_items,
                               size_t *ret_n)
{
    sqlite3 *db cleanup(cache_sql_closep) = NULL;
    enum svc_exit status = open_db(owner, &db);
    if (status != SVC_EXIT_OK)
        return status;
    int r = cache_tokens_list(db, ret_items, ret_n);
    if (r < 0)
        return svc_exit_fail("the tokens could not be read: %s", uv_strerror(r));
    return SVC_EXIT_OK;
}

static const char *text_of(yyjson_val *object, const char *key)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, key));
    return text ? text : "";
}

static int64_t time_of(yyjson_val *object, const char *key)
{
    int64_t wall_ms = 0;
    (void)clock_parse(text_of(object, key), &wall_ms);
    return wall_ms;
}

/* What the table shows of it. */
static void read_token(yyjson_val *object, struct cache_token *ret)
{
    str_copy(ret->id, sizeof(ret->id), text_of(object, "id"));
    str_copy(ret->name, sizeof(ret->name), text_of(object, "name"));
    (void)cache_role_parse(text_of(object, "role"), &ret->role);
    ret->created_at = time_of(object, "created_at");
    ret->expires_at = time_of(object, "expires_at");
    ret->revoked_at = time_of(object, "revoked_at");
    ret->last_used_at = time_of(object, "last_used_at");
}

static enum svc_exit list_there(const struct svc_owner *owner, struct cache_token **ret_items,
                                size_t *ret_n)
{
    struct svc_client_answer answer cleanup(svc_client_answer_deinit) = {0};
    enum svc_exit status =
        svc_owner_ask(owner,
                      &(struct svc_client_request){
                          .method = "GET", .path = "/api/auth/tokens", .timeout_ms = ASK_MS},
                      0, "the tokens could not be read", &answer);
    yyjson_val *items = yyjson_obj_get(yyjson_doc_get_root(answer.doc), "items"), *item;
    size_t i, n;
    if (status != SVC_EXIT_OK)
        return status;
    struct cache_token *tokens = mem_calloc(yyjson_arr_size(items), sizeof(*tokens));
    yyjson_arr_foreach(items, i, n, item) {
        read_token(item, &tokens[i]);
    }
    *ret_items = tokens;
    *ret_n = n;
    return SVC_EXIT_OK;
}

static void append_list(const struct cache_token *items, size_t n_items, struct buf *out)
{
    (void)buf_printf(out, "%-36s  %-8s  %-7s  %-24s  %-24s  %-24s  %s\n", "ID", "ROLE", "STATE",
                     "CREATED", "EXPIRES", "LAST USED", "NAME");
    for (size_t i = 0; i < n_items; i++) {
        (void)buf_printf(out, "%-36s  %-8s  %-7s", items[i].id, cache_role_name(items[i].role),
                         token_state(&items[i]));
        append_time(items[i].created_at, out);
        append_time(items[i].expires_at, out);
        append_time(items[i].last_used_at, out);
        (void)buf_printf(out, "  %s\n", items[i].name);
    }
}

enum svc_exit svc_token_cmd_list(const struct svc_args *args)
{
    struct svc_owner owner cleanup(svc_owner_deinit) = {0};
    struct buf out cleanup(buf_deinit);
    struct cache_token *items cleanup(mem_freep) = NULL;
    size_t n_items = 0;
    buf_init(&out, 0);
    enum svc_exit status = svc_owner_find(args, "token list", SVC_OWNER_DATABASE, &owner);
    if (status == SVC_EXIT_OK)
        status = (owner.lock ? list_here : list_there)(&owner, &items, &n_items);
    if (status != SVC_EXIT_OK)
        return status;
    append_list(items, n_items, &out);
    return svc_exit_print(&out);
}

/* --- revoke --- */

static enum svc_exit refuse_unknown(const char *id_or_name)
{
    return svc_exit_fail("there is no token with the id or name %s that is not revoked already",
                         id_or_name);
}

static enum svc_exit revoke_here(const struct svc_owner *owner, const char *id_or_name)
{
    sqlite3 *db cleanup(cache_sql_closep) = NULL;
    enum svc_exit status = open_db(owner, &db);
    if (status != SVC_EXIT_OK)
        return status;
    int r = cache_tokens_revoke(db, id_or_name);
    if (r == UV_ENOENT)
        return refuse_unknown(id_or_name);
    if (r < 0)
        return svc_exit_fail("the token could not be revoked: %s", uv_strerror(r));
    return SVC_EXIT_OK;
}

static enum svc_exit revoke_there(const struct svc_owner *owner, const char *id_or_name)
{
    struct svc_client_answer answer cleanup(svc_client_answer_deinit) = {0};
    struct buf path cleanup(buf_deinit);
    buf_init(&path, 0);
    (void)buf_append_str(&path, "/api/auth/tokens/");
    svc_client_append_segment(&path, id_or_name);
    enum svc_exit status = svc_owner_ask(
        owner,
        &(struct svc_client_request){.method = "DELETE", .path = path.data, .timeout_ms = ASK_MS},
        404, "the token could not be revoked", &answer);
    if (status == SVC_EXIT_OK && answer.problem)
        return refuse_unknown(id_or_name);
    return status;
}

enum svc_exit svc_token_cmd_revoke(const struct svc_args *args)
{
    struct svc_owner owner cleanup(svc_owner_deinit) = {0};
    enum svc_exit status = svc_owner_find(args, "token revoke", SVC_OWNER_DATABASE, &owner);
    if (status == SVC_EXIT_OK)
        status = (owner.lock ? revoke_here : revoke_there)(&owner, args->words[0]);
    return status;
}
