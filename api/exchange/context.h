/* SPDX-License-Identifier: MIT */
#ifndef API_CONTEXT_H
#define API_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/http/owner.h"
#include "cache/tables/tokens.h"

struct loop;
struct ctl_observer;
struct ctl_engine;
struct ctl_workstations;
struct cache_events;
struct cache_store;
struct cache_backups;
struct cache_results;
struct ldc_client;
struct ldc_chaos;

/** What the routes speak for. All pointers and strings are the caller's and outlive the server. */
struct api_context {
    struct loop *loop;
    struct ctl_observer *observer;
    struct ctl_engine *engine;
    struct ctl_workstations *workstations;
    struct cache_events *events;
    struct cache_store *store;
    struct cache_tokens *tokens;
    struct cache_backups *backups;
    struct cache_results *results;
    struct ldc_client *client;
    struct ldc_chaos *chaos;        /* NULL where the configuration allows no drills */
    const char *version, *revision; /* of this program */
    const char *data_dir;
    const char *cache_backend; /* "memory", "redis", "none" */
    const char *runner;        /* how ldconsole is run: "direct" or "agent" */
    const char *limits;        /* JSON object text for GET /api/info: effective limits of the
                                  other layers; NULL for none */
    int64_t started_at;        /* wall ms */
    uint64_t started_mono_ms;  /* the same moment, for how long ago it was */
    const struct cache_repair *repair; /* of the database at this start; NULL for none */
    const char *restored;              /* JSON object text: the last restore of it; NULL for none */
    /* Ends the service and starts it again in this process, which may begin within the call. */
    void (*restart)(void *arg, const char *reason);
    void *restart_arg;
};

struct api_options {
    struct http_limits http;
    unsigned first_survey_ms; /* how long a read waits for the first survey; default 60000 */
    unsigned ready_age_ms;    /* older than this, the last survey says "not ready"; default 60000 */
    const char *operators_group;      /* see api/access/peer.h; default "ldplayerd-operators" */
    enum cache_role interactive_role; /* default viewer */
    bool metrics_on_loopback; /* GET /metrics without credentials from loopback; default false */
};

#endif
