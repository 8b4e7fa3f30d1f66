/* SPDX-License-Identifier: MIT */
#include "cache/tables/tokens.h"

#include <sodium.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"

static const char *const role_names[] = {
    [CACHE_ROLE_NONE] = "none",
    [CACHE_ROLE_VIEWER] = "viewer",
    [CACHE_ROLE_OPERATOR] = "operator",
    [CACHE_ROLE_ADMIN] = "admin",
};

const char *cache_role_name(enum cache_role role)
{
    return role_names[role];
}

int cache_role_parse(const char *name, enum cache_role *ret)
{
    for (int i = CACHE_ROLE_VIEWER; i <= CACHE_ROLE_ADMIN; i++) {
        if (strcmp(name, role_names[i]) == 0) {
            *ret = (enum cache_role)i;
            return 0;
        }
    }
    return UV_EINVAL;
}

void cache_token_digest(const char *secret, char out[CACHE_TOKEN_DIGEST_SIZE])
{
    unsigned char digest[(CACHE_TOKEN_DIGEST_SIZE - 1) / 2];
    crypto_generichash(digest, sizeof(digest), (const unsigned char *)secret, strlen(secret), NULL,
                       0);
    sodium_bin2hex(out, CACHE_TOKEN_DIGEST_SIZE, digest, sizeof(digest));
}

static bool is_name(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n <= CACHE_TOKEN_NAME_MAX && str_is_utf8(name, n) && !str_has_controls(name);
}

static void make_secret(char out[CACHE_TOKEN_SIZE])
{
    unsigned char bytes[32];
    random_bytes(bytes, sizeof(bytes));
    memcpy(out, "ldp_", 4);
    sodium_bin2base64(out + 4, CACHE_TOKEN_SIZE - 4, bytes, sizeof(bytes),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof(bytes));
}

int cache_tokens_create(sqlite3 *db, const char *name, enum cache_role role, int64_t expires_at,
                        char secret[CACHE_TOKEN_SIZE], struct cache_token *ret)
{
    if (!is_name(name) || role == CACHE_ROLE_NONE)
        return UV_EINVAL;
    struct cache_token token = {
        .role = role, .created_at = clock_wall_ms(), .expires_at = expires_at};
    char text[CACHE_TOKEN_SIZE];
    random_uuid_by_time(token.id);
    str_copy(token.name, sizeof(token.name), name);
    make_secret(text);
    cache_token_digest(text, token.digest);

    /* One statement, so that two programs at work cannot both find the name free. */
    int r = cache_sql_run(db,
                          "INSERT INTO tokens (id, name, role, digest, created_at, expires_at,"
                          " revoked_at, last_used_at)"
                          " SELECT ?1, ?2, ?3, ?4, ?5, ?6, 0, 0 WHERE NOT EXISTS"
                          " (SELECT 1 FROM tokens WHERE name = ?2 AND revoked_at = 0"
                          "  AND (expires_at = 0 OR expires_at > ?5))",
                          "ssssii", token.id, token.name, cache_role_name(role), token.digest,
                          token.created_at, token.expires_at);
    if (r < 0)
        return r;
    if (sqlite3_changes64(db) == 0)
        return UV_EEXIST;
    memcpy(secret, text, sizeof(text));
    *ret = token;
    return 0;
}

int cache_tokens_revoke(sqlite3 *db, const char *id_or_name)
{
    int r = cache_sql_run(db,
                          "UPDATE tokens SET revoked_at = ?1"
                          " WHERE revoked_at = 0 AND (id = ?2 OR (name = ?2"
                          "  AND NOT EXISTS (SELECT 1 FROM tokens WHERE id = ?2)))",
                          "is", clock_wall_ms(), id_or_name);
    if (r < 0)
        return r;
    return sqlite3_changes64(db) > 0 ? 0 : UV_ENOENT;
}

static void read_row(sqlite3_stmt *row, struct cache_token *ret)
{
    struct cache_token token = {0};
    str_copy(token.id, sizeof(token.id), cache_sql_text(row, 0));
    str_copy(token.name, sizeof(token.name), cache_sql_text(row, 1));
    /* A role of another version gives no rights here. */
    (void)cache_role_parse(cache_sql_text(row, 2), &token.role);
    str_copy(token.digest, sizeof(token.digest), cache_sql_text(row, 3));
    token.created_at = sqlite3_column_int64(row, 4);
    token.expires_at = sqlite3_column_int64(row, 5);
    token.revoked_at = sqlite3_column_int64(row, 6);
    token.last_used_at = sqlite3_column_int64(row, 7);
    *ret = token;
}

int cache_tokens_list(sqlite3 *db, struct cache_token **ret_items, size_t *ret_n)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    int r = cache_sql_query(db, &stmt,
                            "SELECT id, name, role, digest, created_at, expires_at, revoked_at,"
                            " last_used_at FROM tokens ORDER BY id",
                            "");
    if (r < 0)
        return r;
    struct cache_token *items = NULL;
    size_t n = 0, cap = 0;
    int stepped;
    while ((stepped = sqlite3_step(stmt)) == SQLITE_ROW) {
        items = mem_grow(items, n, &cap, sizeof(*items));
        read_row(stmt, &items[n++]);
    }
    if (stepped != SQLITE_DONE) {
        mem_free(items);
        return cache_sql_error_code(db);
    }
    *ret_items = items;
    *ret_n = n;
    return 0;
}

int cache_tokens_delete_ended(sqlite3 *db, int64_t wall_ms, unsigned max_rows, unsigned *ret_n)
{
    int r = cache_sql_run(db,
                          "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens"
                          " WHERE (revoked_at > 0 AND revoked_at < ?1"
                          "  OR expires_at > 0 AND expires_at < ?1)"
                          " AND NOT EXISTS (SELECT 1 FROM idempotency WHERE owner = tokens.id)"
                          " LIMIT ?2)",
                          "ii", wall_ms, (int64_t)max_rows);
    if (r == 0)
        *ret_n = (unsigned)sqlite3_changes64(db);
    return r;
}
