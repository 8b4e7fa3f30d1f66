/* SPDX-License-Identifier: MIT */
#include "service/commands/command.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "cache/tables/tokens.h"
#include "service/commands/expiry.h"

/* The commands work on the database itself, so they do so whether the service runs or not. */

static void db_closep(sqlite3 **db)
{
    cache_db_close(*db);
}

static enum svc_exit open_db(const struct svc_args *args, sqlite3 **ret_db)
{
    struct svc_config config cleanup(svc_config_deinit);
    char *kept cleanup(mem_freep) = NULL;
    struct cache_db_error error;
    enum svc_exit status = svc_command_config(args, &config);
    if (status != SVC_EXIT_OK)
        return status;
    if (cache_db_open(config.data_dir, ret_db, &kept, &error) < 0)
        return svc_exit_fail("%s", error.text);
    if (kept)
        fprintf(stderr, "ldplayerd: the database was damaged; it is kept as %s\n", kept);
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

enum svc_exit svc_token_cmd_create(const struct svc_args *args)
{
    sqlite3 *db cleanup(db_closep) = NULL;
    struct buf out cleanup(buf_deinit);
    char secret[CACHE_TOKEN_SIZE];
    struct cache_token token;
    struct request request;
    buf_init(&out, 0);
    enum svc_exit status = read_request(args, &request);
    if (status == SVC_EXIT_OK)
        status = open_db(args, &db);
    if (status != SVC_EXIT_OK)
        return status;

    int r = cache_tokens_create(db, request.name, request.role, request.expires_at, secret, &token);
    if (r == UV_EEXIST)
        return svc_exit_fail("there is a token named %s already", request.name);
    if (r < 0)
        return svc_exit_fail("the token could not be stored: %s", uv_strerror(r));
    (void)buf_printf(&out, "%s\n", secret);
    return svc_exit_print(&out);
}

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

enum svc_exit svc_token_cmd_list(const struct svc_args *args)
{
    sqlite3 *db cleanup(db_closep) = NULL;
    struct buf out cleanup(buf_deinit);
    struct cache_token *items cleanup(mem_freep) = NULL;
    size_t n_items = 0;
    buf_init(&out, 0);
    enum svc_exit status = open_db(args, &db);
    if (status != SVC_EXIT_OK)
        return status;
    int r = cache_tokens_list(db, &items, &n_items);
    if (r < 0)
        return svc_exit_fail("the tokens could not be read: %s", uv_strerror(r));

    (void)buf_printf(&out, "%-36s  %-8s  %-7s  %-24s  %-24s  %-24s  %s\n", "ID", "ROLE", "STATE",
                     "CREATED", "EXPIRES", "LAST USED", "NAME");
    for (size_t i = 0; i < n_items; i++) {
        (void)buf_printf(&out, "%-36s  %-8s  %-7s", items[i].id, cache_role_name(items[i].role),
                         token_state(&items[i]));
        append_time(items[i].created_at, &out);
        append_time(items[i].expires_at, &out);
        append_time(items[i].last_used_at, &out);
        (void)buf_printf(&out, "  %s\n", items[i].name);
    }
    return svc_exit_print(&out);
}

enum svc_exit svc_token_cmd_revoke(const struct svc_args *args)
{
    sqlite3 *db cleanup(db_closep) = NULL;
    enum svc_exit status = open_db(args, &db);
    if (status != SVC_EXIT_OK)
        return status;
    int r = cache_tokens_revoke(db, args->words[0]);
    if (r == UV_ENOENT)
        return svc_exit_fail("there is no token with the id or name %s", args->words[0]);
    if (r < 0)
        return svc_exit_fail("the token could not be revoked: %s", uv_strerror(r));
    return SVC_EXIT_OK;
}
