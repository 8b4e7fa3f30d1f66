/* SPDX-License-Identifier: MIT */
#include "cache/redis/redis_link_private.h"

#include <stdio.h>
#include <string.h>

#include <hiredis.h>

#include "base/system/clock.h"
#include "base/text/str.h"

enum { MAX_ARGUMENTS = 3, CLOCK_GRAIN_MS = 1, CLOCK_DRIFT_MS = 1 };

/* Returns 0 or UV_ENOBUFS. */
static int ask(struct cache_redis_link *l, struct cache_redis_call *call, const char *a,
               const char *b, const char *c)
{
    const char *arguments[MAX_ARGUMENTS] = {a, b, c};
    size_t lengths[MAX_ARGUMENTS] = {0};
    int n = 0;
    while (n < MAX_ARGUMENTS && arguments[n]) {
        lengths[n] = strlen(arguments[n]);
        n++;
    }
    return cache_redis_link_push(l, call, n, arguments, lengths);
}

/* Whether a reply came and is none of an error. */
static bool is_accepted(struct cache_redis_link *l, const redisReply *reply)
{
    if (reply && reply->type == REDIS_REPLY_ERROR) {
        cache_redis_trouble_set_reply(&l->trouble, reply->str);
        cache_redis_link_leave(l);
        return false;
    }
    return reply != NULL;
}

static void take_ok(struct cache_redis_link *l, const redisReply *reply)
{
    if (is_accepted(l, reply) && reply->type != REDIS_REPLY_STATUS)
        cache_redis_link_refuse(l, "its greeting is wrong");
}

static void on_auth(struct cache_redis_call *call, const redisReply *reply)
{
    take_ok(container_of(call, struct cache_redis_link, auth), reply);
}

static void on_select(struct cache_redis_call *call, const redisReply *reply)
{
    take_ok(container_of(call, struct cache_redis_link, select), reply);
}

/* --- redis' clock --- */

uint64_t cache_redis_link_now_ms(const struct cache_redis_link *l, uint64_t *ret_error_ms)
{
    *ret_error_ms = l->clock_error_ms;
    return clock_mono_ms() + (uint64_t)l->clock_offset_ms;
}

/* redis looked at its clock some time between the question and now. A slow answer says less, so it
 * only replaces what is worse by now: what is kept gets worse, because clocks drift and are set. */
static void note_clock(struct cache_redis_link *l, uint64_t redis_ms)
{
    uint64_t now_ms = clock_mono_ms(), error_ms = now_ms - l->beat.sent_ms + CLOCK_GRAIN_MS;
    l->clock_error_ms += CLOCK_DRIFT_MS;
    if (l->state == CACHE_REDIS_LINK_UP && error_ms > l->clock_error_ms)
        return;
    l->clock_error_ms = error_ms;
    l->clock_offset_ms = (int64_t)(redis_ms - now_ms);
}

/* Seconds and microseconds, as two strings. Returns 0 or UV_EINVAL. */
static int read_time(const redisReply *reply, uint64_t *ret_ms)
{
    uint64_t seconds, micros;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING ||
        str_parse_u64(reply->element[0]->str, UINT32_MAX * 8ull, &seconds) < 0 ||
        str_parse_u64(reply->element[1]->str, 999999, &micros) < 0)
        return UV_EINVAL;
    *ret_ms = seconds * 1000 + micros / 1000;
    return 0;
}

/* --- beats --- */

static void on_beat_due(uv_timer_t *timer);

static void on_beat(struct cache_redis_call *call, const redisReply *reply)
{
    struct cache_redis_link *l = container_of(call, struct cache_redis_link, beat);
    uint64_t redis_ms;
    l->is_beating = false;
    if (!is_accepted(l, reply))
        return;
    if (read_time(reply, &redis_ms) < 0) {
        cache_redis_link_refuse(l, "its greeting is wrong");
        return;
    }
    note_clock(l, redis_ms);
    bool is_new = l->state == CACHE_REDIS_LINK_GREETING;
    if (is_new) {
        l->state = CACHE_REDIS_LINK_UP;
        l->n_ups++;
        cache_redis_trouble_clear(&l->trouble);
        uv_timer_start(&l->timer, on_beat_due, l->options.beat_ms, l->options.beat_ms);
    } else {
        l->n_tries = 0; /* only now: a connection that is lost at once is none */
    }
    l->on_alive(l->arg, is_new);
}

static void on_beat_due(uv_timer_t *timer)
{
    struct cache_redis_link *l = timer->data;
    if (cache_redis_link_waiting_ms(l) >= l->options.patience_ms) {
        cache_redis_trouble_set(&l->trouble,
                                "it has not answered for %u ms: it hangs, is paused or overloaded",
                                l->options.patience_ms);
        cache_redis_link_leave(l);
    } else if (!l->is_beating) {
        /* With no room the beat is left out; what fills it is waited for as well. */
        l->is_beating = ask(l, &l->beat, "TIME", NULL, NULL) == 0;
    }
}

/* Nothing else was sent yet, so there is room for all of it. */
void cache_redis_link_greet(struct cache_redis_link *l)
{
    const struct cache_redis_url *url = l->options.url;
    l->auth.fn = on_auth;
    l->select.fn = on_select;
    l->beat.fn = on_beat;
    if (*url->user)
        (void)ask(l, &l->auth, "AUTH", url->user, url->password);
    else if (*url->password)
        (void)ask(l, &l->auth, "AUTH", url->password, NULL);
    if (url->db > 0) {
        char number[12];
        snprintf(number, sizeof(number), "%u", url->db);
        (void)ask(l, &l->select, "SELECT", number, NULL);
    }
    l->is_beating = true;
    (void)ask(l, &l->beat, "TIME", NULL, NULL);
}
