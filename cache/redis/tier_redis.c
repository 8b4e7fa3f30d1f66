/* SPDX-License-Identifier: MIT */
#include "cache/redis/tier_redis.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <hiredis.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "cache/redis/redis_link.h"
#include "cache/redis/redis_purge.h"
#include "cache/redis/redis_value.h"
#include "cache/results/glob.h"

/* What a get returns was never invalidated before: gets whose key is in a pattern that redis was
 * not told yet miss, and so do those that are under way when one comes.
 *
 * Ages are on redis' clock, which is known to about a round trip: a put takes the earliest time it
 * can be and a get the latest, so a value may seem a little older than it is, but never younger.
 *
 * Who else has access to redis may put anything under our keys. GETRANGE takes no more of it than a
 * value of ours can have, where GET would have to be cut off with its connection. */

enum { SCAN_ROOM = 1 << 20, PREFIX_SIZE = CACHE_REDIS_PREFIX_MAX + UUID_SIZE + 24 };

struct redis_tier {
    struct cache_tier base;
    struct loop *loop;
    struct cache_redis_options options;
    char prefix[PREFIX_SIZE]; /* of all our keys */
    char get_end[24];         /* the last byte that a get asks for */

    struct cache_redis_link link;
    struct cache_redis_purge purge;

    struct list gets; /* that are waited for, oldest first */
    unsigned n_gets;  /* with those that nobody waits for any more */
    uv_timer_t timer; /* for the oldest get; when closing, for the purge */
    struct cache_redis_trouble get_trouble, put_trouble, bad_value;
    struct cache_tier_health stats;

    bool is_closing, is_leaving; /* no more work; no more connections */
    unsigned n_open;             /* link and timer */
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
    const char *key; /* in full_key, behind the prefix */
    char full_key[];
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

/* What is under the key of G is no value of ours; WHAT says so: "is cut off". */
static void refuse_value(struct get *g, const char *what)
{
    struct redis_tier *t = g->tier;
    char url[CACHE_REDIS_URL_MAX];
    char *sentence cleanup(mem_freep) =
        mem_printf("the value of %s in %s %s; it was not used, and is removed", g->key,
                   cache_redis_url_show(&t->options.url, url, sizeof(url)), what);
    char *pattern cleanup(mem_freep) = cache_glob_escape(g->key);
    t->stats.n_bad++;
    cache_redis_trouble_clear(&t->bad_value);
    cache_redis_trouble_set(&t->bad_value, "the value of %.60s %s", g->key, what);
    if (t->options.on_bad_value)
        t->options.on_bad_value(t->options.arg, sentence);
    cache_redis_purge_add(&t->purge, pattern);
    end_get(g, NULL);
}

/* Nothing is what redis gives of a key that is not there. */
static void read_get(struct get *g, const redisReply *reply)
{
    struct redis_tier *t = g->tier;
    struct cache_tier_item item = {.value = NULL};
    const char *what = NULL;
    uint64_t error_ms, now_ms = cache_redis_link_now_ms(&t->link, &error_ms);
    if (reply->len > t->options.max_value_bytes + CACHE_REDIS_VALUE_HEADER)
        what = "is larger than any of ours";
    else if (reply->len > 0)
        what = cache_redis_value_read(reply->str, reply->len, &t->options.owner, g->key,
                                      now_ms + error_ms, &item);
    if (what) {
        refuse_value(g, what);
        return;
    }
    t->stats.n_hits += item.value != NULL;
    end_get(g, item.value ? &item : NULL);
    blob_unref(item.value);
}

static void read_get_error(struct get *g, const redisReply *reply)
{
    struct redis_tier *t = g->tier;
    if (str_has_prefix(reply->str, "WRONGTYPE")) {
        refuse_value(g, "is none of ours");
        return;
    }
    if (!cache_redis_link_yield(&t->link, reply->str))
        cache_redis_trouble_set_reply(&t->get_trouble, reply->str);
    t->stats.n_failed += g->done != NULL;
    end_get(g, NULL);
}

static void on_get(struct cache_redis_call *call, const redisReply *reply)
{
    struct get *g = container_of(call, struct get, call);
    struct redis_tier *t = g->tier;
    t->n_gets--;
    if (reply && reply->type == REDIS_REPLY_ERROR) {
        read_get_error(g, reply);
    } else if (reply && reply->type == REDIS_REPLY_STRING) {
        cache_redis_trouble_clear(&t->get_trouble);
        read_get(g, reply);
    } else {
        if (reply)
            cache_redis_link_refuse(&t->link, "its answer to GETRANGE is of a wrong kind");
        t->stats.n_failed += g->done != NULL;
        end_get(g, NULL);
    }
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
    return cache_redis_link_waiting_ms(&t->link) >= t->options.get_ms;
}

static bool may_get(const struct redis_tier *t)
{
    return !t->is_closing && t->n_gets < t->options.max_gets && !is_late(t);
}

/* Returns 0 or why nothing was sent. */
static int send_get(struct redis_tier *t, struct get *g)
{
    const char *arguments[] = {"GETRANGE", g->full_key, "0", t->get_end};
    const size_t lengths[] = {8, strlen(g->full_key), 1, strlen(t->get_end)};
    return cache_redis_link_send(&t->link, &g->call, countof(arguments), arguments, lengths);
}

static struct get *new_get(struct redis_tier *t, const char *key, cache_tier_got_fn done, void *arg)
{
    size_t prefix_len = strlen(t->prefix), size = strlen(key) + 1;
    struct get *g = mem_alloc(sizeof(*g) + prefix_len + size);
    memcpy(g->full_key, t->prefix, prefix_len);
    memcpy(g->full_key + prefix_len, key, size);
    g->key = g->full_key + prefix_len;
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
        if (!cache_redis_link_yield(&t->link, reply->str))
            cache_redis_trouble_set_reply(&t->put_trouble, reply->str);
    } else if (reply) {
        cache_redis_link_refuse(&t->link, "its answer to SET is of a wrong kind");
    }
}

/* Returns 0 or why nothing was sent. */
static int send_put(struct redis_tier *t, const char *key, const struct cache_tier_item *item)
{
    struct buf stored cleanup(buf_deinit) = {0};
    char *full_key cleanup(mem_freep) = mem_printf("%s%s", t->prefix, key);
    char life[24];
    snprintf(life, sizeof(life), "%" PRIu64, item->ttl_ms + item->stale_ms - item->age_ms);
    uint64_t error_ms, now_ms = cache_redis_link_now_ms(&t->link, &error_ms);
    cache_redis_value_write(&stored, &t->options.owner, key, item, now_ms);

    const char *arguments[] = {"SET", full_key, stored.data, "PX", life};
    const size_t lengths[] = {3, strlen(full_key), stored.len, 2, strlen(life)};
    struct put *p = mem_new(struct put);
    p->tier = t;
    p->call.fn = on_put;
    int r = cache_redis_link_send(&t->link, &p->call, countof(arguments), arguments, lengths);
    if (r < 0)
        mem_free(p);
    return r;
}

static void tier_put(struct cache_tier *tier, const char *key, const struct cache_tier_item *item)
{
    struct redis_tier *t = cast(tier);
    t->stats.n_puts++;
    if (item->age_ms >= item->ttl_ms + item->stale_ms)
        return;
    if (t->is_closing || is_late(t) || item->value->len > t->options.max_value_bytes ||
        send_put(t, key, item) < 0)
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

/* --- the link --- */

static void on_alive(void *arg, bool is_new)
{
    struct redis_tier *t = arg;
    if (is_new) {
        cache_redis_trouble_clear(&t->get_trouble);
        cache_redis_trouble_clear(&t->put_trouble);
    }
    cache_redis_purge_resume(&t->purge);
}

static void init_link(struct redis_tier *t)
{
    const struct cache_redis_options *o = &t->options;
    const struct cache_redis_link_options options = {
        .url = &o->url,
        .patience_ms = o->patience_ms,
        .beat_ms = o->beat_ms,
        .min_wait_ms = o->min_wait_ms,
        .max_wait_ms = o->max_wait_ms,
        .max_out_bytes = o->max_out_bytes,
        .max_answer_bytes = o->max_value_bytes + SCAN_ROOM,
    };
    cache_redis_link_init(&t->link, t->loop, &options, on_alive, t);
}

/* --- health --- */

static const struct cache_redis_trouble *find_trouble(const struct redis_tier *t,
                                                      const struct cache_redis_trouble *late)
{
    const struct cache_redis_trouble *all[] = {
        &t->link.trouble, late, &t->get_trouble, &t->put_trouble, &t->purge.trouble,
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
        late.since_ms -= (int64_t)cache_redis_link_waiting_ms(&t->link);
    }
    *ret = t->stats;
    ret->n_reconnects = t->link.n_ups > 0 ? t->link.n_ups - 1 : 0;
    const struct cache_redis_trouble *trouble = find_trouble(t, &late);
    ret->is_up = trouble == NULL;
    bool is_odd = cache_redis_trouble_is_set(&t->bad_value);
    if (ret->is_up && !is_odd)
        return;
    char url[CACHE_REDIS_URL_MAX], when[CLOCK_RFC3339_SIZE];
    clock_format(trouble ? trouble->since_ms : t->bad_value.since_ms, when);
    cache_redis_url_show(&t->options.url, url, sizeof(url));
    char *detail cleanup(mem_freep) =
        trouble
            ? mem_printf("%.60s since %s: %s", url, when, trouble->text)
            : mem_printf("%.60s: values that are none of ours, %" PRIu64
                         " so far, are not used and removed; at %s %s: see who else writes there",
                         url, t->stats.n_bad, when, t->bad_value.text);
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
    t->n_open = 2;
    cache_redis_link_close(&t->link, on_part_closed, t);
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
    snprintf(t->prefix, sizeof(t->prefix), "%sldplayerd:%s:v%u:", options->prefix,
             options->owner.node, (unsigned)options->owner.version);
    /* One byte more than can be: by it what is too large is known. */
    snprintf(t->get_end, sizeof(t->get_end), "%zu",
             options->max_value_bytes + CACHE_REDIS_VALUE_HEADER);
    list_init(&t->gets);
    uv_timer_init(&loop->uv, &t->timer);
    init_link(t);
    cache_redis_purge_init(&t->purge, &t->link, t->prefix);
    cache_redis_link_start(&t->link);
    return &t->base;
}
