/* SPDX-License-Identifier: MIT */
#include "cache/tables/tokens.h"

#include <string.h>

#include <uv.h>

#include "base/memory/map.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"

/* Nobody else writes to the database while the service runs, so the table in memory is changed by
 * the `done` of the write that changed it on disk, and is never read again. */

enum { NOTE_USE_EVERY_MS = 60000 };

struct entry {
    struct cache_token token;
    struct map_node by_digest;
};

struct cache_tokens {
    struct cache_store *store; /* NULL before set_store */
    struct map by_digest;
    unsigned generation;
};

static bool is_live(const struct cache_token *token, int64_t now)
{
    return token->expires_at == 0 || token->expires_at > now;
}

static void remove_entry(struct cache_tokens *tokens, struct map_node *node)
{
    map_remove(&tokens->by_digest, node);
    mem_free(container_of(node, struct entry, by_digest));
}

int cache_tokens_new(sqlite3 *db, struct cache_tokens **ret)
{
    struct cache_token *items;
    size_t n;
    int r = cache_tokens_list(db, &items, &n);
    if (r < 0)
        return r;
    struct cache_tokens *tokens = mem_new(struct cache_tokens);
    map_init(&tokens->by_digest);
    /* One that has expired may be live again when somebody has corrected the clock. */
    for (size_t i = 0; i < n; i++) {
        if (!items[i].revoked_at)
            cache_tokens_adopt(tokens, &items[i]);
    }
    mem_free(items);
    *ret = tokens;
    return 0;
}

void cache_tokens_set_store(struct cache_tokens *tokens, struct cache_store *store)
{
    tokens->store = store;
}

void cache_tokens_free(struct cache_tokens *tokens)
{
    if (!tokens)
        return;
    for (struct map_node *node = map_next(&tokens->by_digest, NULL), *next; node; node = next) {
        next = map_next(&tokens->by_digest, node);
        remove_entry(tokens, node);
    }
    map_deinit(&tokens->by_digest);
    mem_free(tokens);
}

void cache_tokens_adopt(struct cache_tokens *tokens, const struct cache_token *token)
{
    struct entry *e = mem_new(struct entry);
    e->token = *token;
    map_insert(&tokens->by_digest, &e->by_digest, e->token.digest);
}

static bool has_id(const struct cache_tokens *tokens, const char *id)
{
    for (struct map_node *node = map_next(&tokens->by_digest, NULL); node;
         node = map_next(&tokens->by_digest, node)) {
        if (strcmp(container_of(node, struct entry, by_digest)->token.id, id) == 0)
            return true;
    }
    return false;
}

void cache_tokens_forget(struct cache_tokens *tokens, const char *id_or_name)
{
    bool is_id = has_id(tokens, id_or_name);
    tokens->generation++;
    for (struct map_node *node = map_next(&tokens->by_digest, NULL), *next; node; node = next) {
        const struct cache_token *token = &container_of(node, struct entry, by_digest)->token;
        next = map_next(&tokens->by_digest, node);
        if (strcmp(is_id ? token->id : token->name, id_or_name) == 0)
            remove_entry(tokens, node);
    }
}

unsigned cache_tokens_generation(const struct cache_tokens *tokens)
{
    return tokens->generation;
}

struct use {
    char id[UUID_SIZE];
    int64_t time;
};

static int exec_use(sqlite3 *db, void *arg)
{
    struct use *use = arg;
    return cache_sql_run(db, "UPDATE tokens SET last_used_at = ? WHERE id = ?", "is", use->time,
                         use->id);
}

static void on_use(void *arg, int status)
{
    (void)status;
    mem_free(arg);
}

static void note_use(struct cache_tokens *tokens, struct cache_token *token, int64_t now)
{
    int64_t since = now - token->last_used_at;
    if (!tokens->store || (since >= 0 && since < NOTE_USE_EVERY_MS))
        return;
    token->last_used_at = now;
    struct use *use = mem_new(struct use);
    use->time = now;
    memcpy(use->id, token->id, sizeof(use->id));
    cache_store_write(tokens->store, exec_use, on_use, use);
}

const struct cache_token *cache_tokens_check(struct cache_tokens *tokens, const char *secret)
{
    char digest[CACHE_TOKEN_DIGEST_SIZE];
    if (strlen(secret) != CACHE_TOKEN_SIZE - 1 || !str_has_prefix(secret, "ldp_"))
        return NULL;
    cache_token_digest(secret, digest);
    struct map_node *node = map_find(&tokens->by_digest, digest);
    if (!node)
        return NULL;
    struct entry *e = container_of(node, struct entry, by_digest);
    int64_t now = clock_wall_ms();
    if (!is_live(&e->token, now))
        return NULL;
    note_use(tokens, &e->token, now);
    return &e->token;
}
