/* SPDX-License-Identifier: MIT */
#ifndef CACHE_TOKENS_H
#define CACHE_TOKENS_H

#include <stdbool.h>

#include "base/system/random.h"
#include "cache/store/store.h"

/** API tokens: `ldp_` and 43 base64url characters (256 random bits). Only the BLAKE2b digest is
 *  kept. A token is live until it is revoked or expires. */
enum cache_role { CACHE_ROLE_NONE, CACHE_ROLE_VIEWER, CACHE_ROLE_OPERATOR, CACHE_ROLE_ADMIN };

enum {
    CACHE_TOKEN_SIZE = 48,
    CACHE_TOKEN_DIGEST_SIZE = 65,
    CACHE_TOKEN_NAME_MAX = 64,
    CACHE_TOKENS_KEEP_DAYS = 30 /* after their end: as long as the operations that name them */
};

struct cache_token {
    char id[UUID_SIZE];
    char name[CACHE_TOKEN_NAME_MAX + 1];
    enum cache_role role;
    char digest[CACHE_TOKEN_DIGEST_SIZE];
    int64_t created_at, expires_at, revoked_at, last_used_at; /* wall ms; 0 = never / not */
};

/** "none", "viewer", "operator", "admin". */
const char *cache_role_name(enum cache_role role);
/** Viewer, operator or admin; returns 0 or UV_EINVAL. */
int cache_role_parse(const char *name, enum cache_role *ret);
/** Digest of a token's text, in hex. */
void cache_token_digest(const char *secret, char out[CACHE_TOKEN_DIGEST_SIZE]);

/* On a connection: the worker's or the command line's. */
/** Makes a token; SECRET receives its text, which is nowhere kept. RET receives the row.
 *  EXPIRES_AT 0 = never. Returns 0, UV_EEXIST when a live token has NAME, UV_EINVAL for an empty,
 *  too long or unprintable name or CACHE_ROLE_NONE, or a UV code. */
int cache_tokens_create(sqlite3 *db, const char *name, enum cache_role role, int64_t expires_at,
                        char secret[CACHE_TOKEN_SIZE], struct cache_token *ret);
/** By id, else by name, what is not revoked yet: a name that is another one's id names that.
 * Returns 0, UV_ENOENT or a UV code. */
int cache_tokens_revoke(sqlite3 *db, const char *id_or_name);
/** All, revoked and expired ones too as long as they are kept, oldest first; one array for
 * mem_free. Returns 0 or a UV code. */
int cache_tokens_list(sqlite3 *db, struct cache_token **ret_items, size_t *ret_n);

/** Deletes at most MAX_ROWS tokens that were revoked or expired before WALL_MS and of which no
 *  Idempotency-Key is kept; *RET_N of them. Returns 0 or a UV code. */
int cache_tokens_delete_ended(sqlite3 *db, int64_t wall_ms, unsigned max_rows, unsigned *ret_n);

/** The service's view: the tokens that are not revoked by their digest, in memory. Loop thread. */
struct cache_tokens;
/** Reads the table. Returns 0 or a UV code. */
int cache_tokens_new(sqlite3 *db, struct cache_tokens **ret);
/** Where the use of tokens is noted; before that it is not. */
void cache_tokens_set_store(struct cache_tokens *tokens, struct cache_store *store);
/** Accepts NULL. */
void cache_tokens_free(struct cache_tokens *tokens);
/** The live token with this text, or NULL; valid until the loop turns. Notes its use (written at
 *  most once a minute). */
const struct cache_token *cache_tokens_check(struct cache_tokens *tokens, const char *secret);
/** To be called by the `done` of a write that made TOKEN, or that revoked what ID_OR_NAME names. */
void cache_tokens_adopt(struct cache_tokens *tokens, const struct cache_token *token);
void cache_tokens_forget(struct cache_tokens *tokens, const char *id_or_name);
/** Another number whenever something was forgotten: for who remembers what a check said. */
unsigned cache_tokens_generation(const struct cache_tokens *tokens);

#endif
