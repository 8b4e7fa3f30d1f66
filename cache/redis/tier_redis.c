/* SPDX-License-Identifier: MIT */
#include "cache/redis/tier_redis.h"

#include <stdio.h>
#include <string.h>

#include <hiredis.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/random.h"
#include "base/text/str.h"
#include "cache/redis/redis_link.h"
#include "cache/redis/redis_purge.h"
#include "cache/redis/redis_value.h"
#include "cache/results/glob.h"

/* Invalidations travel by publish and subscribe on a connection of their own. Client tracking would
 * do without the channel, but tells of each value that another node puts, not only of those that
 * are wrong by now, and needs redis 6; a message has the pattern and costs the same for any number
 * of keys.
 *
 * What a get returns was never invalidated before: gets whose key is in a pattern that redis was
 * not told yet miss, and so do those that are under way when one comes from here or elsewhere.
 *
 * Ages are on redis' clock, which nodes know to about a round trip: a put takes the earliest time
 * it can be and a get the latest, so a value may seem a little older than it is, but never younger.
 */

enum { SCAN_ROOM = 1 << 20 };

struct redis_tier {
    struct cache_tier base;
    struct loop *loop;
    struct cache_redis_options options;
    char node[UUID_SIZE];
    char channel[CACHE_REDIS_PREFIX_MAX + 16];
    cache_tier_invalidated_fn invalidated;
    void *invalidated_arg;

    struct cache_redis_link commands, listener;
    struct cache_redis_purge purge;

    struct list gets; /* that are waited for, oldest first */
    unsigned n_gets;  /* with those that nobody waits for any more */
    uv_timer_t timer; /* for the oldest get; when closing, for the purge */
    struct cache_redis_trouble get_trouble, put_trouble;
    struct cache_tier_health stats;

    bool is_closing, is_leaving; /* no more work; no more connections */
    unsigned n_open;             /* links and timer */
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

/* Lives until redis answered or the connection is lost, though nobody waits for it any more. */
struct get {
    struct cache_redis_call call;
    struct list link;
    struct redis_tier *tier;
    cache_tier_got_fn done; /* NULL = it was answered */
    void *arg;
    char key[];
};

struct put {
    struct cache_redis_call call;
    struct redis_tier *tier;
};

static struct redis_tier *cast(const struct cache_tier *tier)
{
    return container_of(tier, struct redis_tier, base);
}

/* --- getting --- */

static void end_get(struct get *g, const struct cache_tier_item *item)
{
    cache_tier_got_fn done = take_ptr(g->done);
    list_unlink(&g->link);
    if (done)
        done(g->arg, item);
}

static void read_get(struct get *g, const redisReply *reply)
{
    struct redis_tier *t = g->tier;
    struct cache_tier_item item;
    uint64_t error_ms, now_ms = cache_redis_link_now_ms(&t->commands, &error_ms);
    if (cache_redis_value_read(reply->str, reply->len, now_ms + error_ms, &item) < 0) {
        end_get(g, NULL);
        return;
    }
    t->stats.n_hits++;
    end_get(g, &item);
    blob_unref(item.value);
}

static void on_get(struct cache_redis_call *call, const redisReply *reply)
{
    struct get *g = container_of(call, struct get, call);
    struct redis_tier *t = g->tier;
    t->n_gets--;
    if (reply && reply->type == REDIS_REPLY_ERROR) {
        if (!cache_redis_link_yield(&t->commands, reply->str))
            cache_redis_trouble_set_reply(&t->get_trouble, reply->str);
    } else if (reply && reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_NIL) {
        cache_redis_link_refuse(&t->commands, "its answer to GET is of a wrong kind");
        reply = NULL;
    } else if (reply) {
        cache_redis_trouble_clear(&t->get_trouble);
    }
    bool is_answer = reply && reply->type != REDIS_REPLY_ERROR;
    if (g->done && !is_answer)
        t->stats.n_failed++;
    if (g->done && is_answer && reply->type == REDIS_REPLY_STRING)
        read_get(g, reply);
    else
        end_get(g, NULL);
    mem_free(g);
}

static void on_deadline(uv_timer_t *timer)
{
    struct redis_tier *t = container_of(timer, struct redis_tier, timer);
    uint64_t now_ms = clock_mono_ms();
    while (!list_is_empty(&t->gets)) {
        struct get *g = list_entry(t->gets.next, struct get, link);
        uint64_t age_ms = now_ms - g->call.sent_ms;
        if (age_ms < t->options.get_ms) {
            uv_timer_start(timer, on_deadline, t->options.get_ms - age_ms, 0);
            return;
        }
        t->stats.n_failed++;
        end_get(g, NULL);
    }
}

/* Once redis is late nobody waits for it, until it answers again or the connection is given up. */
static bool is_late(const struct redis_tier *t)
{
    return cache_redis_link_waiting_ms(&t->commands) >= t->options.get_ms;
}

static bool may_get(const struct redis_tier *t)
{
    return !t->is_closing && t->n_gets < t->options.max_gets &&
           cache_redis_link_is_up(&t->listener) && !is_late(t);
}

/* Returns 0 or why nothing was sent. */
static int send_get(struct redis_tier *t, struct get *g)
{
    char *key cleanup(mem_freep) = mem_printf("%s%s", t->options.prefix, g->key);
    const char *arguments[] = {"GET", key};
    const size_t lengths[] = {3, strlen(key)};
    return cache_redis_link_send(&t->commands, &g->call, 2, arguments, lengths);
}

static struct get *new_get(struct redis_tier *t, const char *key, cache_tier_got_fn done, void *arg)
{
    size_t size = strlen(key) + 1;
    struct get *g = mem_alloc(sizeof(*g) + size);
    memcpy(g->key, key, size);
    g->tier = t;
    g->call.fn = on_get;
    g->done = done;
    g->arg = arg;
    return g;
}

static void tier_get(struct cache_tier *tier, const char *key, cache_tier_got_fn done, void *arg)
{
    struct redis_tier *t = cast(tier);
    t->stats.n_gets++;
    if (cache_redis_purge_matches(&t->purge, key)) {
        done(arg, NULL);
        return;
    }
    struct get *g = new_get(t, key, done, arg);
    if (!may_get(t) || send_get(t, g) < 0) {
        mem_free(g);
        t->stats.n_failed++;
        done(arg, NULL);
        return;
    }
    t->n_gets++;
    list_append(&t->gets, &g->link);
    if (!uv_is_active((uv_handle_t *)&t->timer))
        uv_timer_start(&t->timer, on_deadline, t->options.get_ms, 0);
}

/* --- putting --- */

static void on_put(struct cache_redis_call *call, const redisReply *reply)
{
    struct put *p = container_of(call, struct put, call);
    struct redis_tier *t = p->tier;
    mem_free(p);
    if (reply && reply->type == REDIS_REPLY_STATUS) {
        cache_redis_trouble_clear(&t->put_trouble);
        return;
    }
    t->stats.n_failed++;
    if (reply && reply->type == REDIS_REPLY_ERROR) {
        if (!cache_redis_link_yield(&t->commands, reply->str))
            cache_redis_trouble_set_reply(&t->put_trouble, reply->str);
    } else if (reply) {
        cache_redis_link_refuse(&t->commands, "its answer to SET is of a wrong kind");
    }
}

/* Returns 0 or why nothing was sent. */
static int send_put(struct redis_tier *t, const char *key, const struct blob *value,
                    uint64_t fresh_ms, uint64_t left_ms)
{
    struct buf stored cleanup(buf_deinit) = {0};
    char *full_key cleanup(mem_freep) = mem_printf("%s%s", t->options.prefix, key);
    char life[24];
    snprintf(life, sizeof(life), "%llu", (unsigned long long)left_ms);
    uint64_t error_ms, now_ms = cache_redis_link_now_ms(&t->commands, &error_ms);
    cache_redis_value_write(&stored, value, now_ms, fresh_ms, left_ms);

    const char *arguments[] = {"SET", full_key, stored.data, "PX", life};
    const size_t lengths[] = {3, strlen(full_key), stored.len, 2, strlen(life)};
    struct put *p = mem_new(struct put);
    p->tier = t;
    p->call.fn = on_put;
    int r = cache_redis_link_send(&t->commands, &p->call, countof(arguments), arguments, lengths);
    if (r < 0)
        mem_free(p);
    return r;
}

static void tier_put(struct cache_tier *tier, const char *key, struct blob *value,
                     uint64_t fresh_ms, uint64_t left_ms)
{
    struct redis_tier *t = cast(tier);
    t->stats.n_puts++;
    if (left_ms == 0)
        return;
    if (t->is_closing || is_late(t) || value->len > t->options.max_value_bytes ||
        send_put(t, key, value, fresh_ms, left_ms) < 0)
        t->stats.n_failed++;
}

/* --- invalidating --- */

static void end_matching_gets(struct redis_tier *t, const char *pattern)
{
    struct list ended;
    list_init(&ended);
    list_foreach(item, &t->gets) {
        struct get *g = list_entry(item, struct get, link);
        if (!cache_glob_match(pattern, g->key))
            continue;
        list_unlink(item);
        list_append(&ended, item);
    }
    while (!list_is_empty(&ended))
        end_get(list_entry(ended.next, struct get, link), NULL);
}

static void tier_invalidate(struct cache_tier *tier, const char *pattern)
{
    struct redis_tier *t = cast(tier);
    if (t->is_closing)
        return;
    cache_redis_purge_add(&t->purge, pattern);
    end_matching_gets(t, pattern);
}

static void tell_invalidated(struct redis_tier *t, const char *pattern)
{
    end_matching_gets(t, pattern);
    if (!t->is_closing)
        t->invalidated(t->invalidated_arg, pattern);
}

/* "<node> <pattern>". What is no pattern may have been meant as one, so it stands for all. */
static void on_message(void *arg, const char *text, size_t n)
{
    struct redis_tier *t = arg;
    const char *rule;
    if (strncmp(text, t->node, UUID_SIZE - 1) == 0)
        return;
    bool is_pattern = n > UUID_SIZE && strlen(text) == n && text[UUID_SIZE - 1] == ' ' &&
                      cache_glob_check(text + UUID_SIZE, &rule) == 0;
    tell_invalidated(t, is_pattern ? text + UUID_SIZE : "*");
}

/* --- the links --- */

static void on_commands_alive(void *arg, bool is_new)
{
    struct redis_tier *t = arg;
    if (is_new) {
        cache_redis_trouble_clear(&t->get_trouble);
        cache_redis_trouble_clear(&t->put_trouble);
    }
    cache_redis_purge_resume(&t->purge);
}

/* What was published while nobody listened may be anything. Only when redis was there at the first
 * attempt memory has nothing yet that could be wrong. */
static void on_listener_alive(void *arg, bool is_new)
{
    struct redis_tier *t = arg;
    if (!is_new)
        return;
    if (t->listener.n_ups > 1 || t->listener.n_tries > 0)
        tell_invalidated(t, "*");
}

static const struct cache_redis_link_events command_events = {.on_alive = on_commands_alive};
static const struct cache_redis_link_events listener_events = {
    .on_alive = on_listener_alive,
    .on_message = on_message,
};

static void init_link(struct redis_tier *t, struct cache_redis_link *link, const char *channel,
                      const struct cache_redis_link_events *events)
{
    const struct cache_redis_options *o = &t->options;
    const struct cache_redis_link_options options = {
        .url = &o->url,
        .channel = channel,
        .patience_ms = o->patience_ms,
        .beat_ms = o->beat_ms,
        .min_wait_ms = o->min_wait_ms,
        .max_wait_ms = o->max_wait_ms,
        .max_out_bytes = o->max_out_bytes,
        .max_answer_bytes = o->max_value_bytes + SCAN_ROOM,
    };
    cache_redis_link_init(link, t->loop, &options, events, t);
}

static void tier_start(struct cache_tier *tier, cache_tier_invalidated_fn fn, void *arg)
{
    struct redis_tier *t = cast(tier);
    t->invalidated = fn;
    t->invalidated_arg = arg;
    cache_redis_link_start(&t->listener);
    cache_redis_link_start(&t->commands);
}

/* --- health --- */

static const struct cache_redis_trouble *find_trouble(const struct redis_tier *t,
                                                      struct cache_redis_trouble *late)
{
    const struct cache_redis_trouble *all[] = {
        &t->commands.trouble, late, &t->get_trouble, &t->put_trouble, &t->purge.trouble,
        &t->listener.trouble,
    };
    for (size_t i = 0; i < countof(all); i++) {
        if (cache_redis_trouble_is_set(all[i]))
            return all[i];
    }
    return NULL;
}

static void tier_health(const struct cache_tier *tier, struct cache_tier_health *ret)
{
    const struct redis_tier *t = cast(tier);
    struct cache_redis_trouble late = {.since_ms = 0};
    if (is_late(t)) {
        cache_redis_trouble_set(&late, "it is too slow or hangs: gets are not answered in %u ms",
                                t->options.get_ms);
        late.since_ms -= (int64_t)cache_redis_link_waiting_ms(&t->commands);
    }
    *ret = t->stats;
    ret->n_reconnects = t->commands.n_ups > 0 ? t->commands.n_ups - 1 : 0;
    const struct cache_redis_trouble *trouble = find_trouble(t, &late);
    ret->is_up = trouble == NULL;
    if (ret->is_up)
        return;
    char url[CACHE_REDIS_URL_MAX], since[CLOCK_RFC3339_SIZE], detail[sizeof(ret->detail) * 2];
    clock_format(trouble->since_ms, since);
    snprintf(detail, sizeof(detail), "%.60s since %s: %s",
             cache_redis_url_show(&t->options.url, url, sizeof(url)), since, trouble->text);
    str_copy(ret->detail, sizeof(ret->detail), detail);
}

/* --- closing --- */

static void on_part_closed(void *arg)
{
    struct redis_tier *t = arg;
    if (--t->n_open > 0)
        return;
    void (*on_closed)(void *arg) = t->on_closed;
    void *on_closed_arg = t->on_closed_arg;
    cache_redis_purge_deinit(&t->purge);
    mem_free(t);
    on_closed(on_closed_arg);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_part_closed(container_of((uv_timer_t *)handle, struct redis_tier, timer));
}

static void leave(void *arg)
{
    struct redis_tier *t = arg;
    if (t->is_leaving)
        return;
    t->is_leaving = true;
    t->n_open = 3;
    cache_redis_link_close(&t->commands, on_part_closed, t);
    cache_redis_link_close(&t->listener, on_part_closed, t);
    uv_close((uv_handle_t *)&t->timer, on_timer_closed);
}

static void on_patience_over(uv_timer_t *timer)
{
    leave(container_of(timer, struct redis_tier, timer));
}

/* What was invalidated is still removed when redis answers: it would outlive us there. */
static void tier_close(struct cache_tier *tier, void (*on_closed)(void *arg), void *arg)
{
    struct redis_tier *t = cast(tier);
    t->is_closing = true;
    t->on_closed = on_closed;
    t->on_closed_arg = arg;
    while (!list_is_empty(&t->gets))
        end_get(list_entry(t->gets.next, struct get, link), NULL);
    if (t->purge.is_resting) {
        leave(t);
        return;
    }
    t->purge.on_rest = leave;
    t->purge.arg = t;
    uv_timer_start(&t->timer, on_patience_over, t->options.patience_ms, 0);
}

/* --- its owner --- */

static const struct cache_tier_ops ops = {
    .name = "redis",
    .start = tier_start,
    .get = tier_get,
    .put = tier_put,
    .invalidate = tier_invalidate,
    .health = tier_health,
    .close = tier_close,
};

struct cache_tier *cache_tier_redis_new(struct loop *loop,
                                        const struct cache_redis_options *options)
{
    struct redis_tier *t = mem_new(struct redis_tier);
    t->base.ops = &ops;
    t->loop = loop;
    t->options = *options;
    random_uuid(t->node);
    snprintf(t->channel, sizeof(t->channel), "%sinvalidate", t->options.prefix);
    list_init(&t->gets);
    uv_timer_init(&loop->uv, &t->timer);
    init_link(t, &t->commands, NULL, &command_events);
    init_link(t, &t->listener, t->channel, &listener_events);
    cache_redis_purge_init(&t->purge, &t->commands, t->options.prefix, t->channel, t->node);
    return &t->base;
}
