/* SPDX-License-Identifier: MIT */
#include "tests/unit/api/house.h"

#include <signal.h>
#include <stdio.h>

#include "base/system/fs.h"

void house_turn(void *arg)
{
    struct house *h = arg;
    world_turn(&h->world);
}

void house_init(struct house *h)
{
    *h = (struct house){.options = api_options_defaults, .cache_backend = "memory"};
    signal(SIGPIPE, SIG_IGN); /* as the service does */
    world_init(&h->world);
    h->world.limits.close_grace_ms = 20;
}

static void open_tokens(struct house *h)
{
    sqlite3 *db = NULL;
    char *path = fs_join(h->world.folder, "ldplayerd.db");
    cr_assert_eq(cache_db_open_reader(path, cache_profile_default, &db), 0);
    cr_assert_eq(cache_tokens_new(db, &h->tokens), 0);
    cache_db_close(db);
    mem_free(path);
    cache_tokens_set_store(h->tokens, h->world.store);
}

static void open_results(struct house *h)
{
    struct cache_results_options options = {
        .limits = {.max_entries = 1000, .max_bytes = 1 << 20, .ttl_ms = 86400000},
        .is_enabled = true,
        .max_waiters = 1000,
    };
    h->results = cache_results_new(&h->world.loop, NULL, &options);
}

static void on_backup(void *arg, const struct cache_backups_answer *answer)
{
    (void)arg;
    (void)answer;
}

static void on_restart(void *arg, const char *reason)
{
    struct house *h = arg;
    h->restarted = reason;
}

void house_open(struct house *h)
{
    struct world *w = &h->world;
    world_open(w);
    open_tokens(h);
    open_results(h);
    h->backups = cache_backups_new(&w->loop, w->folder, w->store, on_backup, h);
    struct api_context context = {.loop = &w->loop,
                                  .observer = w->observer,
                                  .engine = w->engine,
                                  .workstations = w->workstations,
                                  .events = w->events,
                                  .store = w->store,
                                  .tokens = h->tokens,
                                  .backups = h->backups,
                                  .restart = on_restart,
                                  .restart_arg = h,
                                  .results = h->results,
                                  .cache_backend = h->cache_backend,
                                  .client = w->client,
                                  .chaos = w->chaos,
                                  .version = "1.2.3",
                                  .revision = "abc",
                                  .data_dir = w->folder,
                                  .runner = "direct",
                                  .limits = "{\"x\":1}",
                                  .started_at = clock_wall_ms() + h->clock_set_back_ms,
                                  .started_mono_ms = clock_mono_ms()};
    h->server = api_server_new(&context, &h->options);
    h->path = fs_join(w->folder, "socket");
    cr_assert_eq(api_server_listen_pipe(h->server, h->path), 0);
    cr_assert_eq(api_server_listen_tcp(h->server, "127.0.0.1", 0, &h->port), 0);
    client_connect_unix(&h->c, h->path, house_turn, h);
}

void house_begin(struct house *h)
{
    house_init(h);
    house_open(h);
}

static void on_closed(void *arg)
{
    struct house *h = arg;
    h->is_closed = true;
}

void house_end(struct house *h)
{
    client_close(&h->c);
    api_server_close(h->server, 0, on_closed, h);
    house_until(h, h->is_closed);
    h->is_closed = false;
    cache_backups_close(h->backups, on_closed, h);
    house_until(h, h->is_closed);
    h->is_closed = false;
    /* A load is a look of the observer's, so that ends first. */
    world_close(&h->world);
    cache_results_close(h->results, on_closed, h);
    house_until(h, h->is_closed);
    cache_tokens_free(h->tokens);
    mem_free(h->path);
    world_end(&h->world);
}

void answer_deinit(struct answer *a)
{
    reply_deinit(&a->reply);
    yyjson_doc_free(a->doc);
}

static char *quote(const char *body)
{
    char *text = mem_strdup(body);
    for (char *p = text; p && *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return text;
}

struct answer house_ask_with(struct house *h, const char *headers, const char *method,
                             const char *path, const char *body, int status)
{
    char *json = quote(body);
    char *text = mem_printf("%s %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n"
                            "%s\r\n%s",
                            method, path, headers, json ? strlen(json) : 0,
                            json ? "Content-Type: application/json\r\n" : "", json ? json : "");
    struct answer a = {.reply = client_ask(&h->c, text, status)};
    a.doc = yyjson_read(a.reply.body, a.reply.n_body, 0);
    a.root = yyjson_doc_get_root(a.doc);
    mem_free(json);
    mem_free(text);
    if (reply_has_header(&a.reply, "Connection")) {
        client_close(&h->c);
        client_connect_unix(&h->c, h->path, house_turn, h);
    }
    return a;
}

struct answer house_ask(struct house *h, const char *method, const char *path, const char *body,
                        int status)
{
    return house_ask_with(h, "", method, path, body, status);
}

void house_expect(struct house *h, const char *method, const char *path, const char *body,
                  int status)
{
    struct answer a = house_ask(h, method, path, body, status);
    answer_deinit(&a);
}

void house_refuses(struct house *h, const char *method, const char *path, const char *body,
                   int status, const char *code, const char *field)
{
    struct answer a = house_ask(h, method, path, body, status);
    reply_expect_header(&a.reply, "Content-Type", "application/problem+json; charset=utf-8");
    cr_assert_str_eq(answer_text(&a, "/code"), code);
    if (field)
        cr_assert_str_eq(answer_text(&a, "/errors/0/field"), field);
    answer_deinit(&a);
}

const char *answer_text(const struct answer *a, const char *pointer)
{
    const char *text = yyjson_get_str(yyjson_ptr_get(a->root, pointer));
    cr_assert_not_null(text, "no %s in %s", pointer, a->reply.body);
    return text;
}

int64_t answer_number(const struct answer *a, const char *pointer)
{
    yyjson_val *value = yyjson_ptr_get(a->root, pointer);
    cr_assert(yyjson_is_int(value), "no %s in %s", pointer, a->reply.body);
    return yyjson_get_sint(value);
}

size_t answer_size(const struct answer *a, const char *pointer)
{
    yyjson_val *value = yyjson_ptr_get(a->root, pointer);
    cr_assert(yyjson_is_ctn(value), "no %s in %s", pointer, a->reply.body);
    return yyjson_get_len(value);
}

struct making {
    const char *name;
    enum cache_role role;
    char *secret;
    struct cache_token row;
    bool is_done;
};

static int exec_make(sqlite3 *db, void *arg)
{
    struct making *m = arg;
    return cache_tokens_create(db, m->name, m->role, 0, m->secret, &m->row);
}

static void on_made(void *arg, int status)
{
    struct making *m = arg;
    cr_assert_eq(status, 0);
    m->is_done = true;
}

void house_token(struct house *h, const char *name, enum cache_role role,
                 char ret_secret[CACHE_TOKEN_SIZE])
{
    struct making m = {.name = name, .role = role, .secret = ret_secret};
    cache_store_write(h->world.store, exec_make, on_made, &m);
    house_until(h, m.is_done);
    cache_tokens_adopt(h->tokens, &m.row);
}
