/* SPDX-License-Identifier: MIT */
#include "cache/snapshot/snapshot.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "cache/snapshot/snapshot_private.h"

const char *cache_snapshot_source(const struct cache_snapshot *s, bool is_live)
{
    return is_live ? "live" : s->stale_reason ? "stale" : "cache";
}

/* `"observed_at":..,"age_ms":..,"source":".."`, for every answer and therefore without printf */
static void append_freshness(const struct cache_snapshot *s, uint64_t now_ms, bool is_live,
                             struct buf *out)
{
    if (s->observed_wall_ms) {
        (void)buf_append_str(out, "\"observed_at\":\"");
        (void)buf_append_str(out, s->observed_at);
        (void)buf_append_str(out, "\",\"age_ms\":");
    } else {
        (void)buf_append_str(out, "\"observed_at\":null,\"age_ms\":");
    }
    if (s->is_observed) {
        (void)buf_append_u64(out, cache_snapshot_age_ms(s, now_ms));
    } else if (s->observed_wall_ms) {
        int64_t age = clock_wall_ms() - s->observed_wall_ms;
        (void)buf_append_u64(out, age > 0 ? (uint64_t)age : 0);
    } else {
        (void)buf_append_str(out, "null");
    }
    (void)buf_append_str(out, ",\"source\":\"");
    (void)buf_append_str(out, cache_snapshot_source(s, is_live));
    (void)buf_append(out, "\"", 1);
}

/* The same of one that the last look did not show. */
static void append_own_freshness(const struct cache_entry *e, struct buf *out)
{
    char at[CLOCK_RFC3339_SIZE];
    int64_t age = clock_wall_ms() - e->seen_wall_ms;
    clock_format(e->seen_wall_ms, at);
    if (e->seen_wall_ms)
        (void)buf_printf(out, "\"observed_at\":\"%s\",\"age_ms\":%" PRId64, at, age > 0 ? age : 0);
    else
        (void)buf_append_str(out, "\"observed_at\":null,\"age_ms\":null");
    (void)buf_append_str(out, ",\"source\":\"stale\"");
}

/* Text of the reason, or NULL when the answer is not a stale one. */
static const char *shown_reason(const struct cache_snapshot *s, bool is_live)
{
    return is_live ? NULL : s->stale_reason;
}

/* What follows an instance; E NULL: any that the last look did show. */
static void append_item_tail(const struct cache_snapshot *s, const struct cache_entry *e,
                             uint64_t now_ms, bool is_live, struct buf *out)
{
    bool is_unseen = e && e->unseen;
    const char *reason = is_unseen ? e->unseen : shown_reason(s, is_live);
    (void)buf_append(out, ",", 1);
    if (is_unseen)
        append_own_freshness(e, out);
    else
        append_freshness(s, now_ms, is_live, out);
    if (reason) {
        (void)buf_append_str(out, ",\"stale_reason\":");
        json_append_str(out, reason);
    }
    (void)buf_append(out, "}", 1);
}

void cache_snapshot_append_instance(const struct cache_snapshot *s, const struct cache_entry *e,
                                    uint64_t now_ms, bool is_live, struct buf *out)
{
    if (e)
        (void)buf_append(out, e->json->data, e->json->len);
    append_item_tail(s, e, now_ms, is_live, out);
}

static void append_list_tail(const struct cache_snapshot *s, uint64_t now_ms, bool is_live,
                             struct buf *out)
{
    const char *reason = shown_reason(s, is_live);
    (void)buf_printf(out, "],\"total\":%u,", (unsigned)s->now.n);
    append_freshness(s, now_ms, is_live, out);
    (void)buf_append_str(out, ",\"stale_reason\":");
    if (reason)
        json_append_str(out, reason);
    else
        (void)buf_append_str(out, "null");
    (void)buf_append_str(out, "}");
}

static char *put_bytes(char *to, const void *bytes, size_t n)
{
    memcpy(to, bytes, n);
    return to + n;
}

static struct blob *make_list(const struct cache_snapshot *s, uint64_t now_ms, bool is_live)
{
    static const char head[] = "{\"items\":[";
    struct buf each cleanup(buf_deinit), own cleanup(buf_deinit), tail cleanup(buf_deinit);
    buf_init(&each, 0);
    buf_init(&own, 0); /* the tails of those that were not seen, each with its NUL */
    buf_init(&tail, 0);
    append_item_tail(s, NULL, now_ms, is_live, &each);
    append_list_tail(s, now_ms, is_live, &tail);

    size_t size = sizeof(head) - 1 + tail.len;
    for (size_t i = 0; i < s->now.n; i++) {
        size_t before = own.len;
        if (s->now.items[i]->unseen) {
            append_item_tail(s, s->now.items[i], now_ms, is_live, &own);
            (void)buf_append(&own, "", 1);
        }
        size += s->now.items[i]->json->len + (own.len > before ? own.len - before : each.len + 1);
    }
    size -= s->now.n > 0; /* one comma less than items; a comma or a NUL was counted with each */

    struct blob *list = blob_new(size);
    char *to = put_bytes(list->data, head, sizeof(head) - 1);
    const char *next_own = own.data;
    for (size_t i = 0; i < s->now.n; i++) {
        const struct cache_entry *e = s->now.items[i];
        if (i > 0)
            *to++ = ',';
        to = put_bytes(to, e->json->data, e->json->len);
        if (e->unseen) {
            to = put_bytes(to, next_own, strlen(next_own));
            next_own += strlen(next_own) + 1;
        } else {
            to = put_bytes(to, each.data, each.len);
        }
    }
    put_bytes(to, tail.data, tail.len);
    return list;
}

struct blob *cache_snapshot_list(struct cache_snapshot *s, uint64_t now_ms, bool is_live)
{
    struct list_slot *slot = &s->lists[is_live];
    if (!slot->blob || slot->made_ms != now_ms) {
        blob_unref(slot->blob);
        slot->blob = make_list(s, now_ms, is_live);
        slot->made_ms = now_ms;
    }
    return blob_ref(slot->blob);
}
