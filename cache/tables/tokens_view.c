/* SPDX-License-Identifier: MIT */
#include "cache/tables/tokens.h"

#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/map.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"

/* At most one reading is under way. Those who ask meanwhile wait for the next one, because the
 * current one may have looked before the change they want to see. */

enum { POLL_MS = 1000, NOTE_USE_EVERY_MS = 60000 };

struct entry {
    struct cache_token token;
    struct map_node by_digest;
};

struct waiter {
    struct list link;
    cache_done_fn done;
    void *arg;
};

struct cache_tokens {
    struct loop *loop; /* NULL before set_store */
    struct cache_store *store;
    uv_timer_t timer;
    struct entry *entries;
    size_t n_entries;
    struct map by_digest;
    int64_t data_version;

    struct list waiting; /* struct waiter, for the next reading */
    bool is_reading;

    unsigned n_jobs; /* jobs at the store; closing waits for them */
    bool is_closing;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

static bool is_live(const struct cache_token *token, int64_t now)
{
    return token->revoked_at == 0 && (token->expires_at == 0 || token->expires_at > now);
}

static int read_data_version(sqlite3 *db, int64_t *ret)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    int r = cache_sql_query(db, &stmt, "PRAGMA data_version", "");
    if (r < 0)
        return r;
    if (sqlite3_step(stmt) != SQLITE_ROW)
        return cache_sql_error_code(db);
    *ret = sqlite3_column_int64(stmt, 0);
    return 0;
}

/* Takes over ITEMS. Tokens that will never be live again are left out. */
static void replace_table(struct cache_tokens *tokens, struct cache_token *items, size_t n)
{
    int64_t now = clock_wall_ms();
    map_deinit(&tokens->by_digest);
    map_init(&tokens->by_digest);
    mem_free(tokens->entries);
    tokens->entries = mem_calloc(n, sizeof(struct entry));
    tokens->n_entries = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_live(&items[i], now))
            continue;
        struct entry *e = &tokens->entries[tokens->n_entries++];
        e->token = items[i];
        map_insert(&tokens->by_digest, &e->by_digest, e->token.digest);
    }
    mem_free(items);
}

int cache_tokens_new(sqlite3 *db, struct cache_tokens **ret)
{
    struct cache_token *items;
    size_t n;
    int64_t data_version = 0;
    /* The version first: a change between the two is then read once more, not missed. */
    int r = read_data_version(db, &data_version);
    if (r == 0)
        r = cache_tokens_list(db, &items, &n);
    if (r < 0)
        return r;
    struct cache_tokens *tokens = mem_new(struct cache_tokens);
    tokens->data_version = data_version;
    map_init(&tokens->by_digest);
    list_init(&tokens->waiting);
    replace_table(tokens, items, n);
    *ret = tokens;
    return 0;
}

static void destroy(struct cache_tokens *tokens)
{
    void (*on_closed)(void *arg) = tokens->on_closed;
    void *arg = tokens->on_closed_arg;
    map_deinit(&tokens->by_digest);
    mem_free(tokens->entries);
    mem_free(tokens);
    if (on_closed)
        on_closed(arg);
}

static void on_timer_closed(uv_handle_t *handle)
{
    destroy(container_of((uv_timer_t *)handle, struct cache_tokens, timer));
}

static void release_job(struct cache_tokens *tokens)
{
    tokens->n_jobs--;
    if (tokens->is_closing && tokens->n_jobs == 0)
        uv_close((uv_handle_t *)&tokens->timer, on_timer_closed);
}

struct reading {
    struct cache_tokens *tokens;
    int64_t known_version; /* -1: read in any case */
    int64_t data_version;
    bool has_changed;
    struct cache_token *items;
    size_t n_items;
    struct list waiters;
};

static int exec_reading(sqlite3 *db, void *arg)
{
    struct reading *r = arg;
    int result = read_data_version(db, &r->data_version);
    if (result < 0 || r->data_version == r->known_version)
        return result;
    result = cache_tokens_list(db, &r->items, &r->n_items);
    r->has_changed = result == 0;
    return result;
}

static void start_reading(struct cache_tokens *tokens, bool only_if_changed);

static void tell_waiters(struct list *waiters, int status)
{
    list_foreach(item, waiters) {
        struct waiter *w = list_entry(item, struct waiter, link);
        list_unlink(item);
        if (w->done)
            w->done(w->arg, status);
        mem_free(w);
    }
}

static void on_reading(void *arg, int status)
{
    struct reading *r = arg;
    struct cache_tokens *tokens = r->tokens;

    tokens->is_reading = false;
    if (r->has_changed && status == 0) {
        tokens->data_version = r->data_version;
        replace_table(tokens, r->items, r->n_items);
        r->items = NULL;
    }
    mem_free(r->items);
    tell_waiters(&r->waiters, status);
    mem_free(r);
    if (!list_is_empty(&tokens->waiting) && !tokens->is_reading)
        start_reading(tokens, false);
    release_job(tokens);
}

static void start_reading(struct cache_tokens *tokens, bool only_if_changed)
{
    struct reading *r = mem_new(struct reading);
    r->tokens = tokens;
    r->known_version = only_if_changed ? tokens->data_version : -1;
    list_init(&r->waiters);
    while (!list_is_empty(&tokens->waiting)) {
        struct list *item = tokens->waiting.next;
        list_unlink(item);
        list_append(&r->waiters, item);
    }
    tokens->is_reading = true;
    tokens->n_jobs++;
    cache_store_read_local(tokens->store, exec_reading, on_reading, r);
}

static void on_poll(uv_timer_t *timer)
{
    struct cache_tokens *tokens = container_of(timer, struct cache_tokens, timer);
    if (tokens->n_entries > 0 && !tokens->is_reading)
        start_reading(tokens, true);
}

void cache_tokens_set_store(struct cache_tokens *tokens, struct loop *loop,
                            struct cache_store *store)
{
    tokens->loop = loop;
    tokens->store = store;
    uv_timer_init(&loop->uv, &tokens->timer);
    uv_timer_start(&tokens->timer, on_poll, POLL_MS, POLL_MS);
    uv_unref((uv_handle_t *)&tokens->timer);
}

void cache_tokens_close(struct cache_tokens *tokens, void (*on_closed)(void *arg), void *arg)
{
    tokens->on_closed = on_closed;
    tokens->on_closed_arg = arg;
    if (!tokens->store) {
        destroy(tokens);
        return;
    }
    uv_timer_stop(&tokens->timer);
    tokens->is_closing = true;
    tokens->n_jobs++;
    release_job(tokens);
}

struct use {
    struct cache_tokens *tokens;
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
    struct use *use = arg;
    struct cache_tokens *tokens = use->tokens;
    (void)status;
    mem_free(use);
    release_job(tokens);
}

static void note_use(struct cache_tokens *tokens, struct cache_token *token, int64_t now)
{
    int64_t since = now - token->last_used_at;
    if (!tokens->store || (since >= 0 && since < NOTE_USE_EVERY_MS))
        return;
    token->last_used_at = now;
    struct use *use = mem_new(struct use);
    use->tokens = tokens;
    use->time = now;
    memcpy(use->id, token->id, sizeof(use->id));
    tokens->n_jobs++;
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

void cache_tokens_reload(struct cache_tokens *tokens, cache_done_fn done, void *arg)
{
    struct waiter *w = mem_new(struct waiter);
    w->done = done;
    w->arg = arg;
    list_append(&tokens->waiting, &w->link);
    if (!tokens->is_reading)
        start_reading(tokens, false);
}
