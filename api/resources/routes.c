/* SPDX-License-Identifier: MIT */
#include "api/resources/routes.h"

#include "api/resources/handlers.h"
#include "base/memory/cleanup.h"

#define WAIT_QUERY                                                                                 \
    {                                                                                              \
        "wait", "0..3600", "Seconds to wait for the operation to end."                             \
    }
#define LIMIT_QUERY                                                                                \
    {                                                                                              \
        "limit", "1..1000", "The largest number of items in the answer."                           \
    }
#define CURSOR_QUERY                                                                               \
    {                                                                                              \
        "cursor", "text", "`next_cursor` of the answer before."                                    \
    }
#define MAX_AGE_QUERY                                                                                  \
    {                                                                                                  \
        "max_age_ms", "0..86400000",                                                                   \
            "Wait for a survey of ldconsole unless the last one is at most this old; 0 always waits, " \
            "and needs the role operator. Requests that wait share one survey."                        \
    }
#define FIELDS_QUERY                                                                               \
    {                                                                                              \
        "fields", "text", "Members to answer with, separated by commas."                           \
    }
#define END_QUERY                                                                                  \
    {                                                                                              \
        NULL, NULL, NULL                                                                           \
    }

static const struct api_route_query wait_query[] = {WAIT_QUERY, END_QUERY};

static const struct api_route_query instances_query[] = {
    {"state", "text", "Only instances in one of these states, separated by commas."},
    {"name", "text", "Only instances with exactly this name."},
    {"group", "text", "Only instances of this group; empty for those without one."},
    {"label", "text", "Only instances with this label, KEY or KEY=VALUE; may be repeated."},
    MAX_AGE_QUERY,
    FIELDS_QUERY,
    LIMIT_QUERY,
    CURSOR_QUERY,
    END_QUERY};

static const struct api_route_query kept_query[] = {MAX_AGE_QUERY, END_QUERY};
static const struct api_route_query instance_query[] = {MAX_AGE_QUERY, FIELDS_QUERY, END_QUERY};

static const struct api_route_query remove_query[] = {
    {"force", "bool", "Stop the instance first when it is running."},
    {"timeout_s", "1..3600", "Give up after this many seconds."},
    WAIT_QUERY,
    END_QUERY};

static const struct api_route_query operations_query[] = {
    {"status",
     "queued|waiting_for_session|running|succeeded|failed|timed_out|cancelled|interrupted",
     "Only operations in this status."},
    {"target", "text", "Only operations on this instance: id, index or name:TITLE."},
    {"kind", "create|start|stop|restart|modify|rename|clone|remove|batch",
     "Only operations of this kind."},
    {"parent", "uuid", "Only the operations of this batch."},
    LIMIT_QUERY,
    CURSOR_QUERY,
    END_QUERY};

static const struct api_route_query prune_query[] = {
    {"ended_before", "time", "Remove operations that ended before this time. Required."},
    END_QUERY};

static const struct api_route_query events_query[] = {
    {"since", "count",
     "Begin behind the event with this seq; 0 for all that is kept. Without it, and without "
     "Last-Event-ID, begin with what happens from now on."},
    {"format", "sse|ndjson", "`sse` (the default) or `ndjson`, one event a line."},
    END_QUERY};

#define PATTERN_TEXT                                                                                  \
    "Keys as a glob: `*`, `?`, `[a-z]`, and `\\` in front of a character that means itself; at most " \
    "1024 bytes."

static const struct api_route_query pattern_query[] = {{"pattern", "text", PATTERN_TEXT},
                                                       END_QUERY};

static const struct api_route_query entries_query[] = {
    {"pattern", "text", PATTERN_TEXT}, LIMIT_QUERY, END_QUERY};

static const int pattern_refusals[] = {400, 0};
static const int remove_refusals[] = {409, 412, 429, 503, 0};
static const int command_refusals[] = {409, 429, 503, 0};
static const int change_refusals[] = {409, 412, 429, 503, 0};
static const int read_refusals[] = {409, 503, 504, 0};
static const int list_refusals[] = {503, 504, 0};
static const int store_refusals[] = {503, 0};
static const int cancel_refusals[] = {409, 503, 0};
static const int forget_refusals[] = {409, 412, 503, 0};
static const int test_refusals[] = {409, 503, 504, 0};

#define JSON_ANSWER(status, schema, summary)                                                       \
    {                                                                                              \
        {status, schema, NULL, summary},                                                           \
        {                                                                                          \
            0, 0, 0, 0                                                                             \
        }                                                                                          \
    }
#define ACCEPTED                                                                                   \
    {                                                                                              \
        {202, "Operation", NULL, "Accepted: the operation, which goes on by itself."},             \
            {200, "Operation", NULL, "With `wait`: the operation, which has ended."},              \
        {                                                                                          \
            0, 0, 0, 0                                                                             \
        }                                                                                          \
    }
#define CHANGING "Idempotency-Key"
#define CONDITIONAL "Idempotency-Key If-Match"

#define UNTIL_TEXT                                                                                 \
    "A start has succeeded when Android is up (state `running`). `{\"until\": \"ready\"}` waits "  \
    "for the guest to answer as well, where adb or ld stands beside ldconsole. An instance that "  \
    "runs already is a success with a note."

#define WORKSTATION_TEXT                                                                           \
    "Figures of another workstation (`system`, `instances`, the usages) are null: they are known " \
    "there. `disk_usage` is that of the disk which holds the instances."

const struct api_route api_routes[] = {
    /* The two that are asked most come first. */
    {HTTP_METHOD_GET, "/api/instances", CACHE_ROLE_VIEWER, api_handle_instances_list,
     "listInstances", "instances", "List the instances",
     "Answers at once from the last survey and says how old it is (`observed_at`, `age_ms`, "
     "`source`). While ldconsole fails, the last good list is served with `source` `stale` and "
     "the reason. Filters hold together.",
     instances_query, NULL, "If-None-Match Cache-Control",
     JSON_ANSWER(200, "InstanceList", "The instances."), list_refusals},
    {HTTP_METHOD_GET, "/api/instances/{ref}", CACHE_ROLE_VIEWER, api_handle_instances_get,
     "getInstance", "instances", "Show one instance",
     "`ref` is the id, the index, or `name:TITLE`.", instance_query, NULL,
     "If-None-Match Cache-Control", JSON_ANSWER(200, "Instance", "The instance."), read_refusals},
    {HTTP_METHOD_POST, "/api/instances", CACHE_ROLE_ADMIN, api_handle_instances_create,
     "createInstance", "instances", "Create an instance",
     "The result of the operation is the instance.", wait_query, "InstanceCreate", CHANGING,
     ACCEPTED, command_refusals},
    {HTTP_METHOD_PATCH, "/api/instances/{ref}", CACHE_ROLE_ADMIN, api_handle_instances_change,
     "changeInstance", "instances", "Change an instance",
     "Settings are verified by reading the configuration file back; name, settings and resolution "
     "need the instance stopped. Labels are replaced as a whole; group `null` clears it.",
     wait_query, "InstanceChange", CONDITIONAL, ACCEPTED, change_refusals},
    {HTTP_METHOD_DELETE, "/api/instances/{ref}", CACHE_ROLE_ADMIN, api_handle_instances_remove,
     "removeInstance", "instances", "Remove an instance with its disk",
     "Refused with 409 while it runs, unless `force` says to stop it first.", remove_query, NULL,
     CONDITIONAL, ACCEPTED, remove_refusals},
    {HTTP_METHOD_POST, "/api/instances/{ref}/start", CACHE_ROLE_OPERATOR,
     api_handle_instances_start, "startInstance", "instances", "Start an instance", UNTIL_TEXT,
     wait_query, "StartRequest", CHANGING, ACCEPTED, command_refusals},
    {HTTP_METHOD_POST, "/api/instances/{ref}/stop", CACHE_ROLE_OPERATOR, api_handle_instances_stop,
     "stopInstance", "instances", "Stop an instance",
     "A stop has succeeded when no process of the instance is left. `force` ends processes that "
     "ignore the request.",
     wait_query, "StopRequest", CHANGING, ACCEPTED, command_refusals},
    {HTTP_METHOD_POST, "/api/instances/{ref}/restart", CACHE_ROLE_OPERATOR,
     api_handle_instances_restart, "restartInstance", "instances", "Stop and start an instance",
     UNTIL_TEXT, wait_query, "RestartRequest", CHANGING, ACCEPTED, command_refusals},
    {HTTP_METHOD_POST, "/api/instances/{ref}/clone", CACHE_ROLE_ADMIN, api_handle_instances_clone,
     "cloneInstance", "instances", "Copy an instance",
     "The source must be stopped. The result of the operation is the new instance.", wait_query,
     "CloneRequest", CHANGING, ACCEPTED, command_refusals},
    {HTTP_METHOD_POST, "/api/instances/{ref}/rename", CACHE_ROLE_OPERATOR,
     api_handle_instances_rename, "renameInstance", "instances", "Rename an instance", NULL,
     wait_query, "RenameRequest", CHANGING, ACCEPTED, command_refusals},
    {HTTP_METHOD_POST, "/api/instances/batch", CACHE_ROLE_OPERATOR, api_handle_instances_batch,
     "batchInstances", "instances", "Do one thing to many instances",
     "Makes a parent operation with one child for each selected instance. `options` are those of "
     "the single action. `remove` and `modify` need the role admin. Selecting nothing is refused.",
     wait_query, "BatchRequest", CHANGING, ACCEPTED, command_refusals},

    {HTTP_METHOD_GET, "/api/operations", CACHE_ROLE_VIEWER, api_handle_operations_list,
     "listOperations", "operations", "List operations, the newest first", NULL, operations_query,
     NULL, NULL, JSON_ANSWER(200, "OperationList", "The operations."), store_refusals},
    {HTTP_METHOD_GET, "/api/operations/{id}", CACHE_ROLE_VIEWER, api_handle_operations_get,
     "getOperation", "operations", "Show one operation",
     "With `wait` the answer comes when the operation has ended, or when the time is up.",
     wait_query, NULL, NULL, JSON_ANSWER(200, "Operation", "The operation."), store_refusals},
    {HTTP_METHOD_POST,
     "/api/operations/{id}/cancel",
     CACHE_ROLE_OPERATOR,
     api_handle_operations_cancel,
     "cancelOperation",
     "operations",
     "Cancel an operation",
     "A queued operation ends at once. A running one stops waiting; what ldconsole already began "
     "is not undone.",
     wait_query,
     NULL,
     NULL,
     {{202, "Operation", NULL, "It is ending."},
      {200, "Operation", NULL, "It has ended."},
      {0, 0, 0, 0}},
     cancel_refusals},
    {HTTP_METHOD_DELETE, "/api/operations", CACHE_ROLE_ADMIN, api_handle_operations_prune,
     "pruneOperations", "operations", "Remove old operations", NULL, prune_query, NULL, NULL,
     JSON_ANSWER(200, "Pruned", "How many were removed."), store_refusals},

    {HTTP_METHOD_GET,
     "/api/events",
     CACHE_ROLE_VIEWER,
     api_handle_events,
     "streamEvents",
     "events",
     "Follow what happens",
     "History first, then live, without hole or repetition. An idle stream of server-sent events "
     "has a comment every 15 seconds. A client that reads too slowly gets a `gap` event and the "
     "end of the stream; it may reconnect and read on where it was.",
     events_query,
     NULL,
     "Last-Event-ID",
     {{200, "Event", "text/event-stream", "Events, until the client hangs up."}, {0, 0, 0, 0}},
     NULL},

    {HTTP_METHOD_GET, "/api/breakers", CACHE_ROLE_VIEWER, api_handle_breakers_list, "listBreakers",
     "breakers", "List the circuit breakers", NULL, NULL, NULL, NULL,
     JSON_ANSWER(200, "BreakerList", "The breakers."), NULL},
    {HTTP_METHOD_POST, "/api/breakers/{name}/force-open", CACHE_ROLE_ADMIN,
     api_handle_breakers_force_open, "forceOpenBreaker", "breakers", "Hold a breaker open", NULL,
     NULL, NULL, NULL, JSON_ANSWER(200, "Breaker", "The breaker now."), NULL},
    {HTTP_METHOD_POST, "/api/breakers/{name}/force-close", CACHE_ROLE_ADMIN,
     api_handle_breakers_force_close, "forceCloseBreaker", "breakers", "Close a breaker", NULL,
     NULL, NULL, NULL, JSON_ANSWER(200, "Breaker", "The breaker now."), NULL},
    {HTTP_METHOD_POST, "/api/breakers/{name}/disable", CACHE_ROLE_ADMIN,
     api_handle_breakers_disable, "disableBreaker", "breakers", "Let every call through", NULL,
     NULL, NULL, NULL, JSON_ANSWER(200, "Breaker", "The breaker now."), NULL},
    {HTTP_METHOD_POST, "/api/breakers/{name}/reset", CACHE_ROLE_ADMIN, api_handle_breakers_reset,
     "resetBreaker", "breakers", "Close a breaker and forget its figures", NULL, NULL, NULL, NULL,
     JSON_ANSWER(200, "Breaker", "The breaker now."), NULL},

    {HTTP_METHOD_GET, "/api/cache/stats", CACHE_ROLE_ADMIN, api_handle_cache_stats, "getCacheStats",
     "cache", "Show the figures of the result cache",
     "A hit is an answer without a load; `stale` ones were too old and served all the same, while "
     "a load ran or because it failed. `backend` is the second tier.",
     NULL, NULL, NULL, JSON_ANSWER(200, "CacheStats", "The figures since start or reset."), NULL},
    {HTTP_METHOD_POST, "/api/cache/stats/reset", CACHE_ROLE_ADMIN, api_handle_cache_reset_stats,
     "resetCacheStats", "cache", "Count from zero", NULL, NULL, NULL, NULL,
     JSON_ANSWER(200, "CacheStats", "The figures now."), NULL},
    {HTTP_METHOD_GET, "/api/cache/entries", CACHE_ROLE_ADMIN, api_handle_cache_entries,
     "listCacheEntries", "cache", "List what is kept in memory, the one used last first", NULL,
     entries_query, NULL, NULL, JSON_ANSWER(200, "CacheEntryList", "The entries."), NULL},
    {HTTP_METHOD_GET, "/api/cache/config", CACHE_ROLE_ADMIN, api_handle_cache_config,
     "getCacheConfig", "cache", "Show the limits of the result cache", NULL, NULL, NULL, NULL,
     JSON_ANSWER(200, "CacheConfig", "The limits in effect."), NULL},
    {HTTP_METHOD_POST, "/api/cache/config", CACHE_ROLE_ADMIN, api_handle_cache_configure,
     "setCacheConfig", "cache", "Change limits of the result cache",
     "Works at once: what is too much is evicted. It is remembered, and holds after a restart "
     "unless a flag or the environment says otherwise.",
     NULL, "CacheConfigChange", NULL, JSON_ANSWER(200, "CacheConfig", "The limits in effect."),
     store_refusals},
    {HTTP_METHOD_POST, "/api/cache/clear", CACHE_ROLE_ADMIN, api_handle_performance_cache_clear,
     "clearCache", "cache", "Forget every result", NULL, NULL, NULL, NULL,
     JSON_ANSWER(200, "CacheCleared", "It is empty."), NULL},

    {HTTP_METHOD_GET, "/api/performance/cache-stats", CACHE_ROLE_ADMIN,
     api_handle_performance_cache_stats, "getPerformanceCacheStats", "performance",
     "Show the figures of the result cache, in short", NULL, NULL, NULL, NULL,
     JSON_ANSWER(200, "PerformanceCacheStats", "The figures."), NULL},
    {HTTP_METHOD_POST, "/api/performance/cache-clear", CACHE_ROLE_ADMIN,
     api_handle_performance_cache_clear, "clearPerformanceCache", "performance",
     "Forget every result", NULL, NULL, NULL, NULL,
     JSON_ANSWER(200, "CacheCleared", "It is empty."), NULL},
    {HTTP_METHOD_POST, "/api/performance/cache-invalidate", CACHE_ROLE_ADMIN,
     api_handle_performance_cache_invalidate, "invalidatePerformanceCache", "performance",
     "Forget results by pattern", NULL, pattern_query, NULL, NULL,
     JSON_ANSWER(200, "CacheInvalidated", "How many went."), pattern_refusals},
    {HTTP_METHOD_GET, "/api/performance/metrics", CACHE_ROLE_ADMIN, api_handle_performance_metrics,
     "getPerformanceMetrics", "performance", "Show what the service is busy with",
     "`managers` are runners of ldconsole, `websockets` clients that follow the events.", NULL,
     NULL, NULL, JSON_ANSWER(200, "PerformanceMetrics", "The figures."), NULL},

    {HTTP_METHOD_GET, "/api/workstations", CACHE_ROLE_VIEWER, api_handle_workstations_list,
     "listWorkstations", "workstations", "List the workstations",
     "An array, this workstation (`local`) first. " WORKSTATION_TEXT, kept_query, NULL,
     "If-None-Match Cache-Control", JSON_ANSWER(200, "[Workstation]", "The workstations."), NULL},
    {HTTP_METHOD_POST,
     "/api/workstations",
     CACHE_ROLE_ADMIN,
     api_handle_workstations_create,
     "createWorkstation",
     "workstations",
     "Make another workstation known",
     "It is looked at by `GET /livez` at its address, now and every minute. At most 1000 are kept.",
     NULL,
     "WorkstationCreate",
     CHANGING,
     {{201, "WorkstationCreated", NULL, "It is known."}, {0, 0, 0, 0}},
     cancel_refusals},
    {HTTP_METHOD_GET, "/api/workstations/{id}", CACHE_ROLE_VIEWER, api_handle_workstations_get,
     "getWorkstation", "workstations", "Show one workstation", WORKSTATION_TEXT, kept_query, NULL,
     "If-None-Match Cache-Control", JSON_ANSWER(200, "Workstation", "The workstation."), NULL},
    {HTTP_METHOD_PATCH, "/api/workstations/{id}", CACHE_ROLE_ADMIN, api_handle_workstations_change,
     "changeWorkstation", "workstations", "Change a workstation",
     "What is not named stays; labels are replaced as a whole; address `null` clears it. While "
     "`maintenance` is true, that is its status, and it is not looked at.",
     NULL, "WorkstationChange", CONDITIONAL,
     JSON_ANSWER(200, "Workstation", "The workstation as it is now."), forget_refusals},
    {HTTP_METHOD_DELETE,
     "/api/workstations/{id}",
     CACHE_ROLE_ADMIN,
     api_handle_workstations_remove,
     "removeWorkstation",
     "workstations",
     "Forget a workstation",
     "Nothing is done there. `local` cannot be removed.",
     NULL,
     NULL,
     CONDITIONAL,
     {{204, NULL, NULL, "Forgotten."}, {0, 0, 0, 0}},
     forget_refusals},
    {HTTP_METHOD_GET, "/api/workstations/{id}/system-info", CACHE_ROLE_VIEWER,
     api_handle_workstations_system_info, "getWorkstationSystemInfo", "workstations",
     "Figures of this machine, read now",
     "Only for `local`: those of another workstation are to be asked for there.", NULL, NULL,
     "If-None-Match", JSON_ANSWER(200, "SystemInfo", "The figures."), store_refusals},
    {HTTP_METHOD_POST, "/api/workstations/{id}/test-connection", CACHE_ROLE_OPERATOR,
     api_handle_workstations_test, "testWorkstation", "workstations",
     "Try whether a workstation can be reached",
     "`local` lists its instances afresh; another is asked for `GET /livez` and has 5 seconds. 200 "
     "says that the test was made; `reachable` and `detail` say what was found.",
     NULL, NULL, NULL, JSON_ANSWER(200, "ConnectionTest", "What was found."), test_refusals},
    {HTTP_METHOD_GET, "/api/workstations/{id}/instances", CACHE_ROLE_VIEWER,
     api_handle_workstations_instances, "listWorkstationInstances", "workstations",
     "List the instances of a workstation",
     "For `local` the same as GET /api/instances. Those of another workstation are to be asked for "
     "there.",
     instances_query, NULL, "If-None-Match", JSON_ANSWER(200, "InstanceList", "The instances."),
     list_refusals},

    {HTTP_METHOD_GET, "/api/auth/me", CACHE_ROLE_VIEWER, api_handle_me, "getMe", "auth",
     "Show who is asking", NULL, NULL, NULL, NULL, JSON_ANSWER(200, "Identity", "The caller."),
     NULL},
    {HTTP_METHOD_GET, "/api/auth/tokens", CACHE_ROLE_ADMIN, api_handle_tokens_list, "listTokens",
     "auth", "List the tokens, revoked ones too", NULL, NULL, NULL, NULL,
     JSON_ANSWER(200, "TokenList", "The tokens."), store_refusals},
    {HTTP_METHOD_POST,
     "/api/auth/tokens",
     CACHE_ROLE_ADMIN,
     api_handle_tokens_create,
     "createToken",
     "auth",
     "Make a token",
     "The secret is in this answer and nowhere else.",
     NULL,
     "TokenCreate",
     NULL,
     {{201, "TokenCreated", NULL, "The token with its secret."}, {0, 0, 0, 0}},
     cancel_refusals},
    {HTTP_METHOD_DELETE,
     "/api/auth/tokens/{id}",
     CACHE_ROLE_ADMIN,
     api_handle_tokens_revoke,
     "revokeToken",
     "auth",
     "Revoke a token",
     "`id` is the id or the name. Works at once.",
     NULL,
     NULL,
     NULL,
     {{204, NULL, NULL, "Revoked."}, {0, 0, 0, 0}},
     store_refusals},

    {HTTP_METHOD_GET, "/livez", CACHE_ROLE_NONE, api_handle_livez, "getLivez", "health",
     "Whether the process is up", NULL, NULL, NULL, NULL, JSON_ANSWER(200, "Alive", "It is."),
     NULL},
    {HTTP_METHOD_GET, "/readyz", CACHE_ROLE_NONE, api_handle_readyz, "getReadyz", "health",
     "Whether the service can do its work",
     "Looks at the database, the runner, and the age of the last list2. 503 with the same checks "
     "when one fails.",
     NULL, NULL, NULL, JSON_ANSWER(200, "Ready", "It can."), store_refusals},
    {HTTP_METHOD_GET, "/healthz", CACHE_ROLE_NONE, api_handle_readyz, "getHealthz", "health",
     "Another name of /readyz", NULL, NULL, NULL, NULL, JSON_ANSWER(200, "Ready", "It can."),
     store_refusals},
    {HTTP_METHOD_GET, "/api/health", CACHE_ROLE_NONE, api_handle_health, "getHealth", "health",
     "Checks by component", "Always 200; `status` is ok, degraded or failing.", NULL, NULL, NULL,
     JSON_ANSWER(200, "Health", "The checks."), NULL},
    {HTTP_METHOD_GET, "/api/version", CACHE_ROLE_NONE, api_handle_version, "getVersion", "system",
     "Version and capabilities", NULL, NULL, NULL, NULL,
     JSON_ANSWER(200, "Version", "The version."), NULL},
    {HTTP_METHOD_GET, "/api/info", CACHE_ROLE_VIEWER, api_handle_info, "getInfo", "system",
     "Counts, paths and effective limits", NULL, NULL, NULL, NULL,
     JSON_ANSWER(200, "Info", "The figures."), NULL},
    {HTTP_METHOD_GET,
     "/metrics",
     CACHE_ROLE_VIEWER,
     api_handle_metrics,
     "getMetrics",
     "system",
     "Figures for Prometheus",
     "Open to callers on this machine without credentials when so configured.",
     NULL,
     NULL,
     NULL,
     {{200, NULL, "text/plain", "Prometheus text format."}, {0, 0, 0, 0}},
     NULL},
    {HTTP_METHOD_GET, "/api/openapi.json", CACHE_ROLE_NONE, api_handle_openapi, "getOpenapi",
     "system", "This description as OpenAPI 3.1", NULL, NULL, NULL, NULL,
     JSON_ANSWER(200, "AnyObject", "The document."), NULL},
    {HTTP_METHOD_GET,
     "/api/docs",
     CACHE_ROLE_NONE,
     api_handle_docs,
     "getDocs",
     "system",
     "This description as a page to read",
     NULL,
     NULL,
     NULL,
     NULL,
     {{200, NULL, "text/html", "The page."}, {0, 0, 0, 0}},
     NULL},
};

const size_t api_n_routes = countof(api_routes);
