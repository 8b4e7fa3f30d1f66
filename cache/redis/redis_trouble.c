/* SPDX-License-Identifier: MIT */
#include "cache/redis/redis_trouble.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/memory/cleanup.h"
#include "base/system/clock.h"
#include "base/text/str.h"

/* What redis' error replies mean, by how they begin. Longer beginnings come before shorter ones. */
static const struct meaning {
    const char *start, *words;
} meanings[] = {
    {"NOAUTH", "it asks for a password: put it into the URL, redis://:PASSWORD@host"},
    {"WRONGPASS", "user name or password is wrong: correct the URL"},
    {"ERR AUTH", "it has no password set, but the URL has one: remove it, or set requirepass"},
    {"ERR Client sent AUTH",
     "it has no password set, but the URL has one: remove it, or set requirepass"},
    {"ERR invalid password", "the password is wrong: correct the URL"},
    {"NOPERM", "its ACL forbids what is needed: +getrange +set +unlink +scan +time and the keys "
               "~PREFIX*"},
    {"LOADING", "it is still loading its data: nothing to do but wait"},
    {"OOM", "it is full and takes no more values: raise maxmemory, or set maxmemory-policy "
            "allkeys-lru"},
    {"READONLY", "it is a replica and takes no writes: name the primary in the URL"},
    {"MISCONF", "it takes no writes because it cannot save its data: see its log and its disk"},
    {"MASTERDOWN", "it is a replica that lost its primary: start the primary"},
    {"NOREPLICAS", "it takes no writes because replicas are missing: start them"},
    {"BUSY", "a script keeps it busy: wait, or end it with SCRIPT KILL"},
    {"DENIED", "it is in protected mode, which refuses other machines: set a password there"},
    {"MOVED", "it is part of a cluster, which is not supported: name a single redis"},
    {"CLUSTERDOWN", "it is part of a cluster, which is not supported: name a single redis"},
    {"ERR DB index", "it has no database of that number: correct the URL, or raise databases in "
                     "redis.conf"},
    {"ERR max number of clients", "it has too many clients: raise maxclients"},
    {"ERR unknown command", "it does not know a command the cache needs: use redis 4 or newer"},
};

void cache_redis_trouble_set(struct cache_redis_trouble *t, const char *fmt, ...)
{
    va_list args;
    if (!cache_redis_trouble_is_set(t))
        t->since_ms = clock_wall_ms();
    va_start(args, fmt);
    vsnprintf(t->text, sizeof(t->text), fmt, args);
    va_end(args);
    for (char *p = t->text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    }
    str_make_utf8(t->text);
}

void cache_redis_trouble_set_reply(struct cache_redis_trouble *t, const char *reply)
{
    for (size_t i = 0; i < countof(meanings); i++) {
        if (str_has_prefix(reply, meanings[i].start)) {
            cache_redis_trouble_set(t, "%s", meanings[i].words);
            return;
        }
    }
    cache_redis_trouble_set(t, "it refused with \"%.100s\": see its log", reply);
}

void cache_redis_trouble_clear(struct cache_redis_trouble *t)
{
    t->text[0] = '\0';
}

bool cache_redis_trouble_is_set(const struct cache_redis_trouble *t)
{
    return t->text[0] != '\0';
}
