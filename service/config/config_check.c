/* SPDX-License-Identifier: MIT */

/* What is wrong with values that are right one by one, or that their type says little of. */

#include "service/config/config.h"

#include <inttypes.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"
#include "cache/redis/redis_options.h"
#include "service/config/address.h"

enum { HOUR_MS = 3600000 };

static void check_http(const struct svc_config *c, struct svc_problems *problems)
{
    struct svc_address address;
    if (strcmp(c->http, "none") == 0)
        return;
    if (svc_address_parse(c->http, &address) < 0)
        svc_problems_add(problems,
                         "http: \"%s\" is not an address; it must be HOST:PORT with a numeric "
                         "host, like 127.0.0.1:8765 or [::1]:8765, or none",
                         c->http);
    else if (!address.is_loopback && !c->allow_remote)
        svc_problems_add(problems,
                         "http: %s can be reached from other machines and the connection is not "
                         "encrypted; set allow_remote to listen there all the same",
                         c->http);
}

static void check_cache(const struct svc_config *c, struct svc_problems *problems)
{
    struct cache_redis_url url;
    const char *rule;
    uint64_t memory_mb = uv_get_total_memory() >> 20;
    size_t position = svc_option_position(svc_option_find("cache_max_memory_mb"));
    if (c->origins[position].source != SVC_SOURCE_DEFAULT && memory_mb > 0 &&
        (uint64_t)c->cache_max_memory_mb > memory_mb)
        svc_problems_add(problems,
                         "cache_max_memory_mb: %" PRId64 " is more than the %" PRIu64
                         " MB that this machine has",
                         c->cache_max_memory_mb, memory_mb);
    if (cache_redis_url_parse(c->cache_redis_url, &url, &rule) < 0)
        svc_problems_add(problems, "cache_redis_url: the URL %s", rule);
    if (*c->cache_redis_prefix &&
        cache_redis_options_check_prefix(c->cache_redis_prefix, &rule) < 0)
        svc_problems_add(problems, "cache_redis_prefix: the prefix %s", rule);
}

static bool is_none(const char *text)
{
    return strcmp(text, "none") == 0;
}

static bool is_pipe_name(const char *path)
{
    static const char prefix[] = "\\\\.\\pipe\\";
    if (!str_has_prefix(path, prefix))
        return false;
    const char *name = path + strlen(prefix);
    return *name && !strchr(name, '\\');
}

static void check_listeners(const struct svc_config *c, struct svc_problems *problems)
{
    if (is_none(c->http) && is_none(c->socket) && is_none(c->pipe))
        svc_problems_add(problems, "http, socket and pipe: with none for all, nobody could "
                                   "connect");
    if (!is_none(c->pipe) && !is_pipe_name(c->pipe))
        svc_problems_add(problems,
                         "pipe: %s is no name of a pipe of this machine; it must be "
                         "\\\\.\\pipe\\NAME or none",
                         c->pipe);
}

/* The second of two calls that hang ends a deadline after the first at the earliest. */
static void check_breaker_window(const struct svc_config *c, struct svc_problems *problems)
{
    const struct {
        const char *name;
        int64_t ms;
    } deadlines[] = {
        {"deadline_list2_ms", c->deadline_list2_ms},
        {"deadline_launch_ms", c->deadline_launch_ms},
        {"deadline_quit_ms", c->deadline_quit_ms},
        {"deadline_add_ms", c->deadline_add_ms},
        {"deadline_copy_ms", c->deadline_copy_ms},
        {"deadline_remove_ms", c->deadline_remove_ms},
        {"deadline_rename_ms", c->deadline_rename_ms},
        {"deadline_modify_ms", c->deadline_modify_ms},
    };
    size_t position = svc_option_position(svc_option_find("breaker_window_ms"));
    bool is_given = c->origins[position].source != SVC_SOURCE_DEFAULT;
    for (size_t i = 0; i < countof(deadlines); i++) {
        if (!is_given || c->breaker_window_ms > deadlines[i].ms)
            continue;
        svc_problems_add(problems,
                         "breaker_window_ms: %" PRId64 " is not more than %s (%" PRId64
                         " ms): of two calls in a row that hang the first would be forgotten "
                         "before the second counts; set it to more than %" PRId64,
                         c->breaker_window_ms, deadlines[i].name, deadlines[i].ms, deadlines[i].ms);
        return;
    }
}

/* Whether an act has helped is seen after the pause, a start's time and the looks. */
static void check_repair(const struct svc_config *c, struct svc_problems *problems)
{
    int64_t looks_ms = c->repair_looks * c->refresh_idle_ms;
    int64_t act_ms = c->settle_ms + c->stuck_ms + looks_ms;
    size_t position = svc_option_position(svc_option_find("repair_per_hour"));
    if (c->origins[position].source == SVC_SOURCE_DEFAULT || c->repair_per_hour * act_ms <= HOUR_MS)
        return;
    svc_problems_add(
        problems,
        "repair_per_hour: %" PRId64 " acts in an hour are one in %" PRId64
        " s, but it takes %" PRId64 " s to see whether one helped: settle_ms %" PRId64
        " + stuck_ms %" PRId64 " + %" PRId64 " looks (repair_looks) of refresh_idle_ms %" PRId64
        "; at most %" PRId64 " with these",
        c->repair_per_hour, HOUR_MS / c->repair_per_hour / 1000, act_ms / 1000, c->settle_ms,
        c->stuck_ms, c->repair_looks, c->refresh_idle_ms, HOUR_MS / act_ms);
}

/* An instance would be restarted before it could be seen to run. */
static void check_planned(const struct svc_config *c, struct svc_problems *problems)
{
    int64_t planned_ms = c->restart_after_h * HOUR_MS;
    int64_t looks_ms = c->repair_looks * c->refresh_idle_ms;
    int64_t run_ms = c->settle_ms + c->stuck_ms + looks_ms;
    if (planned_ms > 0 && planned_ms <= run_ms)
        svc_problems_add(problems,
                         "restart_after_h: %" PRId64 " h is less than it may take to see that a "
                         "start has come up, %" PRId64 " s: settle_ms %" PRId64
                         " + stuck_ms %" PRId64 " + %" PRId64
                         " looks (repair_looks) of refresh_idle_ms %" PRId64 "; at least %" PRId64
                         " with these",
                         c->restart_after_h, run_ms / 1000, c->settle_ms, c->stuck_ms,
                         c->repair_looks, c->refresh_idle_ms, run_ms / HOUR_MS + 1);
    if (c->restart_idle_cpu_percent > 0 && !c->restart_after_h && !c->restart_leak_mb_per_h)
        svc_problems_add(problems, "restart_idle_cpu_percent: says when a planned restart may be, "
                                   "and there are none: set restart_after_h or "
                                   "restart_leak_mb_per_h");
}

void svc_config_check(const struct svc_config *c, struct svc_problems *problems)
{
    check_http(c, problems);
    check_cache(c, problems);
    check_listeners(c, problems);
    check_repair(c, problems);
    check_planned(c, problems);
    if (c->simulate > 0 && *c->ldconsole)
        svc_problems_add(problems, "simulate and ldconsole: only one of them can be driven");
    if (c->breaker_max_open_ms < c->breaker_open_ms)
        svc_problems_add(problems, "breaker_max_open_ms: %" PRId64 " is less than breaker_open_ms",
                         c->breaker_max_open_ms);
    check_breaker_window(c, problems);
    if (c->refresh_idle_ms < c->refresh_active_ms)
        svc_problems_add(problems, "refresh_idle_ms: %" PRId64 " is less than refresh_active_ms",
                         c->refresh_idle_ms);
}
