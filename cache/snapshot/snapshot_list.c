/* SPDX-License-Identifier: MIT */
#include "cache/snapshot/snapshot.h"

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

/* Text of the reason, or NULL when the answer is not a stale one. */
static const char *shown_reason(const struct cache_snapshot *s, bool is_live)
{
    return is_live ? NULL : s->stale_reason;
}

void cache_snapshot_append_instance(const struct cache_snapshot *s, const struct cache_entry *e,
                                    uint64_t now_ms, bool is_live, struct buf *out)
{
    const char *reason = shown_reason(s, is_live);
    if (e)
        (void)buf_append(out, e->json->data, e->json->len);
    (void)buf_append(out, ",", 1);
    append_freshness(s, now_ms, is_live, out);
    if (reason) {
        (void)buf_append_str(out, ",\"stale_reason\":");
        json_append_str(out, reason);
    }
    (void)buf_append(out, "}", 1);
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
    struct buf each cleanup(buf_deinit), tail cleanup(buf_deinit);
    buf_init(&each, 0);
    buf_init(&tail, 0);
    cache_snapshot_append_instance(s, NULL, now_ms, is_live, &each);
    append_list_tail(s, now_ms, is_live, &tail);

    size_t size = sizeof(head) - 1 + tail.len + s->now.n * (each.len + 1);
    for (size_t i = 0; i < s->now.n; i++)
        size += s->now.items[i]->json->len;
    size -= s->now.n > 0; /* one comma less than items */

    struct blob *list = blob_new(size);
    char *to = put_bytes(list->data, head, sizeof(head) - 1);
    for (size_t i = 0; i < s->now.n; i++) {
        if (i > 0)
            *to++ = ',';
        to = put_bytes(to, s->now.items[i]->json->data, s->now.items[i]->json->len);
        to = put_bytes(to, each.data, each.len);
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
