/* SPDX-License-Identifier: MIT */
#include "cache/redis/redis_purge.h"

#include <stdio.h>
#include <string.h>

#include <hiredis.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "cache/results/glob.h"

/* begin -> scan -> remove -+-> end -> begin the next
 *           ^              |
 *           +--------------+
 *
 * A pattern without a wildcard begins with remove. redis only looks at how a key begins; whether
 * it matches is decided here, because redis' globs differ from ours in their sets. */

enum { MAX_PATTERNS = 1000 };

static const char step_keys[] = "500"; /* at a time: about a millisecond of redis' */

struct pattern {
    struct list link;
    char text[];
};

static void begin(struct cache_redis_purge *p);

static struct pattern *first_of(const struct cache_redis_purge *p)
{
    return list_entry(p->patterns.next, struct pattern, link);
}

static void drop(struct cache_redis_purge *p, struct pattern *pattern)
{
    list_unlink(&pattern->link);
    p->n_patterns--;
    mem_free(pattern);
}

static void rest(struct cache_redis_purge *p)
{
    p->is_resting = true;
    if (p->on_rest)
        p->on_rest(p->arg);
}

/* --- steps --- */

static void issue(struct cache_redis_purge *p,
                  void (*fn)(struct cache_redis_call *call, const redisReply *reply), int n,
                  const char **arguments, const size_t *lengths)
{
    p->call.fn = fn;
    if (cache_redis_link_send(p->link, &p->call, n, arguments, lengths) < 0)
        rest(p); /* the link that comes up, or its next beat, resumes */
}

/* The pattern stays, and is begun again later. */
static void fail(struct cache_redis_purge *p, const redisReply *reply)
{
    if (reply && reply->type == REDIS_REPLY_ERROR)
        cache_redis_trouble_set_reply(&p->trouble, reply->str);
    else if (reply)
        cache_redis_link_refuse(p->link, "its answer to a command is of a wrong kind");
    rest(p);
}

static bool is_expected(struct cache_redis_purge *p, const redisReply *reply, int type)
{
    bool is_type = reply && reply->type == type;
    if (!is_type)
        fail(p, reply);
    return is_type;
}

static void end(struct cache_redis_purge *p)
{
    cache_redis_trouble_clear(&p->trouble);
    drop(p, first_of(p));
    begin(p);
}

static void scan(struct cache_redis_purge *p);

static void go_on(struct cache_redis_purge *p)
{
    if (strcmp(p->cursor, "0") == 0)
        end(p);
    else
        scan(p);
}

static void on_removed(struct cache_redis_call *call, const redisReply *reply)
{
    struct cache_redis_purge *p = container_of(call, struct cache_redis_purge, call);
    if (is_expected(p, reply, REDIS_REPLY_INTEGER))
        go_on(p);
}

static bool is_match(const struct cache_redis_purge *p, const redisReply *key)
{
    return key->type == REDIS_REPLY_STRING && str_has_prefix(key->str, p->prefix) &&
           cache_glob_match(first_of(p)->text, key->str + strlen(p->prefix));
}

static void remove_matching(struct cache_redis_purge *p, const redisReply *keys)
{
    const char **arguments cleanup(mem_freep) = mem_calloc(keys->elements + 1, sizeof(char *));
    size_t *lengths cleanup(mem_freep) = mem_calloc(keys->elements + 1, sizeof(size_t));
    int n = 1;
    arguments[0] = "UNLINK";
    lengths[0] = 6;
    for (size_t i = 0; i < keys->elements; i++) {
        if (!is_match(p, keys->element[i]))
            continue;
        arguments[n] = keys->element[i]->str;
        lengths[n++] = keys->element[i]->len;
    }
    if (n == 1)
        go_on(p);
    else
        issue(p, on_removed, n, arguments, lengths);
}

static bool is_scan_answer(const redisReply *reply)
{
    uint64_t cursor;
    return reply->elements == 2 && reply->element[0]->type == REDIS_REPLY_STRING &&
           str_parse_u64(reply->element[0]->str, UINT64_MAX, &cursor) == 0 &&
           reply->element[1]->type == REDIS_REPLY_ARRAY;
}

static void on_scanned(struct cache_redis_call *call, const redisReply *reply)
{
    struct cache_redis_purge *p = container_of(call, struct cache_redis_purge, call);
    if (!is_expected(p, reply, REDIS_REPLY_ARRAY))
        return;
    if (!is_scan_answer(reply)) {
        fail(p, reply);
        return;
    }
    str_copy(p->cursor, sizeof(p->cursor), reply->element[0]->str);
    remove_matching(p, reply->element[1]);
}

static void scan(struct cache_redis_purge *p)
{
    const char *pattern = first_of(p)->text;
    char *start cleanup(mem_freep) =
        mem_printf("%s%.*s", p->prefix, (int)cache_glob_literal(pattern), pattern);
    char *match cleanup(mem_freep) = mem_printf("%s*", start);
    const char *arguments[] = {"SCAN", p->cursor, "MATCH", match, "COUNT", step_keys};
    size_t lengths[countof(arguments)];
    for (size_t i = 0; i < countof(arguments); i++)
        lengths[i] = strlen(arguments[i]);
    issue(p, on_scanned, countof(arguments), arguments, lengths);
}

static void remove_one(struct cache_redis_purge *p, const char *name)
{
    char *key cleanup(mem_freep) = mem_printf("%s%s", p->prefix, name);
    const char *arguments[] = {"UNLINK", key};
    const size_t lengths[] = {6, strlen(key)};
    issue(p, on_removed, 2, arguments, lengths);
}

static void begin(struct cache_redis_purge *p)
{
    if (p->n_patterns == 0) {
        rest(p);
        return;
    }
    p->is_resting = false;
    str_copy(p->cursor, sizeof(p->cursor), "0");
    char *name cleanup(mem_freep) = cache_glob_unescape(first_of(p)->text);
    if (name)
        remove_one(p, name);
    else
        scan(p);
}

/* --- its owner --- */

void cache_redis_purge_init(struct cache_redis_purge *p, struct cache_redis_link *link,
                            const char *prefix)
{
    *p = (struct cache_redis_purge){.link = link, .prefix = prefix, .is_resting = true};
    list_init(&p->patterns);
}

void cache_redis_purge_deinit(struct cache_redis_purge *p)
{
    while (p->n_patterns > 0)
        drop(p, first_of(p));
}

static void append(struct cache_redis_purge *p, const char *text)
{
    struct pattern *pattern = mem_alloc(sizeof(*pattern) + strlen(text) + 1);
    memcpy(pattern->text, text, strlen(text) + 1);
    list_append(&p->patterns, &pattern->link);
    p->n_patterns++;
}

/* Not the one at work: what was stored since it began may have been behind its back. */
static bool is_waiting(const struct cache_redis_purge *p, const char *text)
{
    list_foreach(item, &p->patterns) {
        const struct pattern *pattern = list_entry(item, struct pattern, link);
        if ((p->is_resting || pattern != first_of(p)) && strcmp(pattern->text, text) == 0)
            return true;
    }
    return false;
}

static void replace_waiting_by_all(struct cache_redis_purge *p)
{
    size_t n_kept = p->is_resting ? 0 : 1;
    while (p->n_patterns > n_kept)
        drop(p, list_entry(p->patterns.prev, struct pattern, link));
    append(p, "*");
}

void cache_redis_purge_add(struct cache_redis_purge *p, const char *pattern)
{
    if (!is_waiting(p, pattern))
        append(p, pattern);
    if (p->n_patterns > MAX_PATTERNS)
        replace_waiting_by_all(p);
    if (cache_redis_link_is_up(p->link))
        cache_redis_purge_resume(p);
}

void cache_redis_purge_resume(struct cache_redis_purge *p)
{
    if (p->is_resting && p->n_patterns > 0)
        begin(p);
}

bool cache_redis_purge_matches(const struct cache_redis_purge *p, const char *key)
{
    list_foreach(item, &p->patterns) {
        if (cache_glob_match(list_entry(item, struct pattern, link)->text, key))
            return true;
    }
    return false;
}
