/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>
#include <uv.h>

#include "base/system/clock.h"
#include "base/text/str.h"
#include "cache/tables/tokens.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/cache/fixture.h"

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

Test(cache_tokens, a_token_is_shown_once_and_only_its_digest_is_kept)
{
    char *folder = folder_make();
    sqlite3 *db = open_db(folder);
    char secret[CACHE_TOKEN_SIZE], digest[CACHE_TOKEN_DIGEST_SIZE];
    struct cache_token token;
    int64_t before = clock_wall_ms();
    cr_assert_eq(cache_tokens_create(db, "ci", CACHE_ROLE_OPERATOR, 0, secret, &token), 0);
    cr_assert_eq(strlen(secret), 47);
    cr_assert(str_has_prefix(secret, "ldp_"));
    cr_assert_eq(strspn(secret + 4, base64url), 43);
    cache_token_digest(secret, digest);
    cr_assert_str_eq(token.digest, digest);
    cr_assert_eq(strlen(token.id), UUID_SIZE - 1);
    cr_assert_str_eq(token.name, "ci");
    cr_assert_eq(token.role, CACHE_ROLE_OPERATOR);
    cr_assert_geq(token.created_at, before);
    cache_db_close(db);

    char *file = fs_join(folder, "ldplayerd.db");
    struct buf bytes;
    buf_init(&bytes, 0);
    cr_assert_eq(fs_read(file, &bytes), 0);
    cr_assert_not_null(memmem(bytes.data, bytes.len, digest, strlen(digest)));
    cr_assert_null(memmem(bytes.data, bytes.len, secret + 4, 43));
    buf_deinit(&bytes);
    mem_free(file);
    folder_remove(folder);
}

Test(cache_tokens, the_digest_is_blake2b_of_256_bits)
{
    char digest[CACHE_TOKEN_DIGEST_SIZE];
    cache_token_digest("abc", digest);
    cr_assert_str_eq(digest, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

static int create(sqlite3 *db, const char *name, int64_t expires_at)
{
    char secret[CACHE_TOKEN_SIZE];
    struct cache_token token;
    return cache_tokens_create(db, name, CACHE_ROLE_VIEWER, expires_at, secret, &token);
}

Test(cache_tokens, a_name_is_free_again_when_its_token_is_not_live)
{
    char *folder = folder_make();
    sqlite3 *db = open_db(folder);
    cr_assert_eq(create(db, "a", 0), 0);
    cr_assert_eq(create(db, "a", 0), UV_EEXIST);
    cr_assert_eq(create(db, "b", 0), 0);
    cr_assert_eq(cache_tokens_revoke(db, "a"), 0);
    cr_assert_eq(create(db, "a", 0), 0);
    cr_assert_eq(create(db, "c", clock_wall_ms() - 1), 0);
    cr_assert_eq(create(db, "c", clock_wall_ms() + 100000), 0);
    cr_assert_eq(create(db, "c", 0), UV_EEXIST);
    cache_db_close(db);
    folder_remove(folder);
}

Test(cache_tokens, bad_names_and_roles_are_refused)
{
    static const char *const names[] = {
        "", "a\nb", "\x7f", "\xff\xfe",
        "0123456789012345678901234567890123456789012345678901234567890123x"};
    char *folder = folder_make(), secret[CACHE_TOKEN_SIZE] = "untouched";
    sqlite3 *db = open_db(folder);
    struct cache_token token;
    for (size_t i = 0; i < countof(names); i++)
        cr_expect_eq(create(db, names[i], 0), UV_EINVAL, "name %d", (int)i);
    cr_assert_eq(cache_tokens_create(db, "a", CACHE_ROLE_NONE, 0, secret, &token), UV_EINVAL);
    cr_assert_str_eq(secret, "untouched");
    cr_assert_eq(create(db, "0123456789012345678901234567890123456789012345678901234567890123", 0),
                 0);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM tokens"), 1);
    cache_db_close(db);
    folder_remove(folder);
}

Test(cache_tokens, revoke_takes_an_id_or_a_name_once)
{
    char *folder = folder_make(), secret[CACHE_TOKEN_SIZE];
    sqlite3 *db = open_db(folder);
    struct cache_token token;
    cr_assert_eq(cache_tokens_revoke(db, "nobody"), UV_ENOENT);
    cr_assert_eq(cache_tokens_create(db, "a", CACHE_ROLE_ADMIN, 0, secret, &token), 0);
    cr_assert_eq(cache_tokens_revoke(db, token.id), 0);
    cr_assert_eq(cache_tokens_revoke(db, token.id), UV_ENOENT);
    cr_assert_eq(cache_tokens_revoke(db, "a"), UV_ENOENT);
    cache_db_close(db);
    folder_remove(folder);
}

Test(cache_tokens, revoke_takes_an_id_for_that_and_not_for_a_name)
{
    char *folder = folder_make(), secret[CACHE_TOKEN_SIZE];
    sqlite3 *db = open_db(folder);
    struct cache_token token, namesake;
    cr_assert_eq(cache_tokens_create(db, "a", CACHE_ROLE_ADMIN, 0, secret, &token), 0);
    cr_assert_eq(cache_tokens_create(db, token.id, CACHE_ROLE_ADMIN, 0, secret, &namesake), 0);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(cache_tokens_revoke(db, token.id), i == 0 ? 0 : UV_ENOENT);
        cr_assert_eq(query_number(db, "SELECT count(*) FROM tokens WHERE revoked_at = 0"), 1);
    }
    cr_assert_eq(cache_tokens_revoke(db, namesake.id), 0);
    cache_db_close(db);
    folder_remove(folder);
}

Test(cache_tokens, the_list_shows_all_oldest_first)
{
    char *folder = folder_make();
    sqlite3 *db = open_db(folder);
    struct cache_token *items = NULL;
    size_t n = 7;
    cr_assert_eq(cache_tokens_list(db, &items, &n), 0);
    cr_assert_eq(n, 0);
    mem_free(items);
    cr_assert_eq(create(db, "b", 5), 0);
    cr_assert_eq(create(db, "a", 0), 0);
    cr_assert_eq(cache_tokens_revoke(db, "a"), 0);
    execute(db, "UPDATE tokens SET role = 'owner' WHERE name = 'b'");
    cr_assert_eq(cache_tokens_list(db, &items, &n), 0);
    cr_assert_eq(n, 2);
    cr_assert_str_eq(items[0].name, "b");
    cr_assert_eq(items[0].role, CACHE_ROLE_NONE, "an unknown role has no rights");
    cr_assert_eq(items[0].expires_at, 5);
    cr_assert_eq(items[0].revoked_at, 0);
    cr_assert_str_eq(items[1].name, "a");
    cr_assert_eq(items[1].role, CACHE_ROLE_VIEWER);
    cr_assert_gt(items[1].revoked_at, 0);
    mem_free(items);
    cache_db_close(db);
    folder_remove(folder);
}

Test(cache_tokens, every_role_has_a_name_that_reads_back)
{
    enum cache_role role = CACHE_ROLE_NONE;
    for (int i = CACHE_ROLE_VIEWER; i <= CACHE_ROLE_ADMIN; i++) {
        cr_expect_eq(cache_role_parse(cache_role_name((enum cache_role)i), &role), 0);
        cr_expect_eq((int)role, i);
    }
    cr_assert_eq(cache_role_parse("none", &role), UV_EINVAL);
    cr_assert_eq(cache_role_parse("Admin", &role), UV_EINVAL);
    cr_assert_eq(role, CACHE_ROLE_ADMIN);
    cr_assert_lt(CACHE_ROLE_VIEWER, CACHE_ROLE_OPERATOR);
    cr_assert_lt(CACHE_ROLE_OPERATOR, CACHE_ROLE_ADMIN);
}

Test(cache_tokens, what_fails_is_returned)
{
    sqlite3 *db;
    struct cache_token *items = NULL;
    struct cache_tokens *tokens = NULL;
    size_t n;
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    cr_assert_lt(create(db, "a", 0), 0);
    cr_assert_lt(cache_tokens_revoke(db, "a"), 0);
    cr_assert_lt(cache_tokens_list(db, &items, &n), 0);
    cr_assert_lt(cache_tokens_new(db, &tokens), 0);
    cr_assert_null(tokens);
    cache_db_close(db);
}

/* The table as the service sees it. */
struct view {
    struct fixture f;
    struct cache_tokens *tokens;
    char secret[CACHE_TOKEN_SIZE]; /* of "first", an operator's */
};

static void view_start(struct view *v)
{
    struct cache_token token;
    *v = (struct view){0};
    sqlite3 *db = fixture_init(&v->f);
    cr_assert_eq(cache_tokens_create(db, "first", CACHE_ROLE_OPERATOR, 0, v->secret, &token), 0);
    cr_assert_eq(cache_tokens_new(db, &v->tokens), 0);
    v->f.store = cache_store_new(&v->f.loop, db, NULL);
    cache_tokens_set_store(v->tokens, v->f.store);
}

static void view_stop(struct view *v)
{
    fixture_stop(&v->f);
    cache_tokens_free(v->tokens);
}

/* Digests nothing but SECRET is needed for. */
static struct cache_token make_token(const char *name, int64_t expires_at,
                                     char secret[CACHE_TOKEN_SIZE])
{
    struct cache_token token = {.role = CACHE_ROLE_ADMIN, .expires_at = expires_at};
    random_uuid(token.id);
    str_copy(token.name, sizeof(token.name), name);
    snprintf(secret, CACHE_TOKEN_SIZE, "ldp_%043d", (int)strlen(name));
    cache_token_digest(secret, token.digest);
    return token;
}

Test(cache_tokens, a_live_token_is_known_by_its_text_alone)
{
    struct view v;
    view_start(&v);
    const struct cache_token *token = cache_tokens_check(v.tokens, v.secret);
    cr_assert_not_null(token);
    cr_assert_str_eq(token->name, "first");
    cr_assert_eq(token->role, CACHE_ROLE_OPERATOR);

    char other[CACHE_TOKEN_SIZE];
    memcpy(other, v.secret, sizeof(other));
    other[20] = other[20] == 'A' ? 'B' : 'A';
    cr_assert_null(cache_tokens_check(v.tokens, other));
    cr_assert_null(cache_tokens_check(v.tokens, ""));
    cr_assert_null(cache_tokens_check(v.tokens, "ldp_"));
    cr_assert_null(cache_tokens_check(v.tokens, token->digest));
    cr_assert_null(cache_tokens_check(v.tokens, v.secret + 4));
    view_stop(&v);
}

Test(cache_tokens, works_without_a_store)
{
    char *folder = folder_make(), secret[CACHE_TOKEN_SIZE];
    sqlite3 *db = open_db(folder);
    struct cache_token token;
    struct cache_tokens *tokens;
    cr_assert_eq(cache_tokens_create(db, "a", CACHE_ROLE_ADMIN, 0, secret, &token), 0);
    cr_assert_eq(cache_tokens_new(db, &tokens), 0);
    cr_assert_not_null(cache_tokens_check(tokens, secret));
    cache_tokens_free(tokens);
    cache_db_close(db);
    folder_remove(folder);
}

Test(cache_tokens, a_token_is_known_as_soon_as_it_is_adopted)
{
    struct view v;
    char secret[CACHE_TOKEN_SIZE];
    view_start(&v);
    struct cache_token token = make_token("second", 0, secret);
    cr_assert_null(cache_tokens_check(v.tokens, secret));
    cache_tokens_adopt(v.tokens, &token);
    cr_assert_eq(cache_tokens_check(v.tokens, secret)->role, CACHE_ROLE_ADMIN);
    cr_assert_not_null(cache_tokens_check(v.tokens, v.secret));
    view_stop(&v);
}

Test(cache_tokens, a_token_ends_when_its_name_or_id_is_forgotten)
{
    struct view v;
    char secret[CACHE_TOKEN_SIZE];
    view_start(&v);
    unsigned generation = cache_tokens_generation(v.tokens);
    struct cache_token token = make_token("second", 0, secret);
    cache_tokens_adopt(v.tokens, &token);
    cr_assert_eq(cache_tokens_generation(v.tokens), generation);
    cache_tokens_forget(v.tokens, "first");
    cr_assert_null(cache_tokens_check(v.tokens, v.secret));
    cr_assert_not_null(cache_tokens_check(v.tokens, secret));
    cache_tokens_forget(v.tokens, token.id);
    cr_assert_null(cache_tokens_check(v.tokens, secret));
    cr_assert_eq(cache_tokens_generation(v.tokens), generation + 2);
    view_stop(&v);
}

Test(cache_tokens, one_whose_name_is_the_id_of_another_does_not_end_with_that)
{
    struct view v;
    char secret[CACHE_TOKEN_SIZE], other_secret[CACHE_TOKEN_SIZE];
    view_start(&v);
    struct cache_token token = make_token("second", 0, secret);
    struct cache_token namesake = make_token(token.id, 0, other_secret);
    cache_tokens_adopt(v.tokens, &token);
    cache_tokens_adopt(v.tokens, &namesake);
    cache_tokens_forget(v.tokens, token.id);
    cr_assert_null(cache_tokens_check(v.tokens, secret));
    cr_assert_not_null(cache_tokens_check(v.tokens, other_secret));
    view_stop(&v);
}

Test(cache_tokens, a_token_ends_at_its_time)
{
    struct view v;
    char secret[CACHE_TOKEN_SIZE];
    view_start(&v);
    int64_t end = clock_wall_ms() + 300;
    struct cache_token token = make_token("short", end, secret);
    cache_tokens_adopt(v.tokens, &token);
    while (clock_wall_ms() < end)
        cr_assert(cache_tokens_check(v.tokens, secret) || clock_wall_ms() >= end);
    cr_assert_null(cache_tokens_check(v.tokens, secret));
    cr_assert_not_null(cache_tokens_check(v.tokens, v.secret));
    view_stop(&v);
}

/* By the end of its time; a clock that was wrong at the start is corrected later. */
Test(cache_tokens, one_that_had_ended_at_the_start_is_live_when_the_clock_says_so)
{
    char *folder = folder_make(), secret[CACHE_TOKEN_SIZE];
    sqlite3 *db = open_db(folder);
    struct cache_token token;
    struct cache_tokens *tokens;
    int64_t now = clock_wall_ms();
    cr_assert_eq(cache_tokens_create(db, "a", CACHE_ROLE_ADMIN, now + 1000000, secret, &token), 0);
    fake_clock_set_wall(2000000);
    cr_assert_eq(cache_tokens_new(db, &tokens), 0);
    cr_assert_null(cache_tokens_check(tokens, secret));
    fake_clock_set_wall(-2000000);
    cr_assert_not_null(cache_tokens_check(tokens, secret));
    cache_tokens_free(tokens);
    cache_db_close(db);
    folder_remove(folder);
}

Test(cache_tokens, what_is_not_live_is_not_read)
{
    char *folder = folder_make(), secret[CACHE_TOKEN_SIZE];
    sqlite3 *db = open_db(folder);
    struct cache_token token;
    struct cache_tokens *tokens;
    cr_assert_eq(cache_tokens_create(db, "a", CACHE_ROLE_ADMIN, 0, secret, &token), 0);
    cr_assert_eq(cache_tokens_revoke(db, "a"), 0);
    cr_assert_eq(cache_tokens_new(db, &tokens), 0);
    cr_assert_null(cache_tokens_check(tokens, secret));
    cache_tokens_free(tokens);
    cache_db_close(db);
    folder_remove(folder);
}

Test(cache_tokens, use_is_noted_at_most_once_a_minute)
{
    struct view v;
    view_start(&v);
    int64_t before = clock_wall_ms();
    for (int i = 0; i < 1000; i++)
        cr_assert_not_null(cache_tokens_check(v.tokens, v.secret));
    loop_run(&v.f.loop);
    cr_assert_eq(cache_store_stats(v.f.store).n_commits, 1);
    sqlite3 *db = open_beside(v.f.folder);
    cr_assert_geq(query_number(db, "SELECT last_used_at FROM tokens"), before);
    cache_db_close(db);
    view_stop(&v);
}

Test(cache_tokens, a_use_that_is_under_way_outlives_the_table)
{
    struct view v;
    view_start(&v);
    cr_assert_not_null(cache_tokens_check(v.tokens, v.secret));
    cache_tokens_free(take_ptr(v.tokens));
    view_stop(&v);
}
