/* SPDX-License-Identifier: MIT */
#include "api/resources/routes.h"

#include "api/common/cacheable.h"
#include "api/resources/handlers.h"
#include "base/memory/cleanup.h"

/* --- query parameters, each said once --- */

static const struct api_route_query wait = {"wait", "0..3600", API_OPTIONAL,
                                            "Seconds to wait for the operation to end."};
static const struct api_route_query limit = {"limit", "1..1000", API_OPTIONAL,
                                             "The largest number of items in the answer."};
static const struct api_route_query cursor = {"cursor", "text", API_OPTIONAL,
                                              "`next_cursor` of the answer before."};
static const struct api_route_query max_age = {
    "max_age_ms", "0..86400000", API_OPTIONAL,
    "Wait for a survey of ldconsole unless the last one is at most this old; 0 always "
    "waits, and needs the role operator. Requests that wait share one survey."};
static const struct api_route_query fields = {"fields", "text", API_OPTIONAL,
                                              "Members to answer with, separated by commas."};
static const struct api_route_query force = {"force", "bool", API_OPTIONAL,
                                             "Stop the instance first when it is running."};
static const struct api_route_query timeout = {
    "timeout_s", "1..3600", API_OPTIONAL,
    "Give up after this many seconds; the wait for its turn counts."};

static const struct api_route_query of_state = {
    "state", "text", API_OPTIONAL, "Only instances in one of these states, separated by commas."};
static const struct api_route_query of_name = {"name", "text", API_OPTIONAL,
                                               "Only instances with exactly this name."};
static const struct api_route_query of_group = {
    "group", "text", API_OPTIONAL, "Only instances of this group; empty for those without one."};
static const struct api_route_query with_label = {
    "label", "text", API_OPTIONAL,
    "Only instances with this label, KEY or KEY=VALUE; may be repeated."};

static const struct api_route_query in_status = {"status", "OperationStatus", API_OPTIONAL,
                                                 "Only operations in this status."};
static const struct api_route_query on_target = {
    "target", "text", API_OPTIONAL,
    "Only operations on this instance: id, index, name:TITLE or adb:SERIAL."};
static const struct api_route_query of_kind = {"kind", "OperationKind", API_OPTIONAL,
                                               "Only operations of this kind."};
static const struct api_route_query of_batch = {"parent", "uuid", API_OPTIONAL,
                                                "Only the operations of this batch."};
static const struct api_route_query ended_before = {
    "ended_before", "time", API_REQUIRED, "Remove operations that ended before this time."};

static const struct api_route_query since = {
    "since", "count", API_OPTIONAL,
    "Begin behind the event with this seq; 0 for all that is kept. Without it, and "
    "without Last-Event-ID, begin with what happens from now on."};
static const struct api_route_query format = {"format", "sse|ndjson", API_OPTIONAL,
                                              "`sse` (the default) or `ndjson`, one event a line."};

#define PATTERN_TEXT                                                                               \
    "Keys as a glob: `*`, `?`, `[a-z]`, and `\\` in front of a character that means itself; at "   \
    "most 1024 bytes."

static const struct api_route_query matching = {"pattern", "text", API_OPTIONAL, PATTERN_TEXT};
static const struct api_route_query pattern = {"pattern", "text", API_REQUIRED, PATTERN_TEXT};

/* --- lists, as they stand in a row --- */

#define QUERY(...)                                                                                 \
    (const struct api_route_query *const[])                                                        \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define ANSWERS(...)                                                                               \
    (const struct api_route_answer[])                                                              \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
#define STATUSES(...)                                                                              \
    (const int[])                                                                                  \
    {                                                                                              \
        __VA_ARGS__, 0                                                                             \
    }

/* What every command answers with. */
static const struct api_route_answer accepted[] = {
    {.status = 202,
     .schema = "Operation",
     .summary = "Accepted: the operation, which goes on by itself.",
     .headers = API_ANSWER_LOCATION},
    {.status = 200,
     .schema = "Operation",
     .summary = "With `wait`: the operation, which has ended.",
     .headers = API_ANSWER_LOCATION},
    {0},
};

#define UNTIL_TEXT                                                                                   \
    "A start has succeeded when Android is up (state `running`). `{\"until\": \"ready\"}` waits "    \
    "for the guest to answer as well, where adb or ld stands beside ldconsole. An instance that "    \
    "runs already is a success with a note. `{\"window\": \"minimized\"}` or `\"hidden\"` has "      \
    "the window opened so, which LDPlayer can since version 9 (before: `SETTING_NOT_SUPPORTED`); "   \
    "the window itself is not looked at, and one that is open stays as it is. What would certainly " \
    "not boot is not launched: `CONFIG_UNUSABLE`, `DISK_READ_ONLY`, `VM_RUNTIME_INCOMPLETE`, "       \
    "`INSTANCE_DISK_FULL`, each with the file and what to do; nor what has too little memory "       \
    "(`MEMORY_BELOW_FLOOR`). `{\"force\": true}` launches it all the same."

#define WORKSTATION_TEXT                                                                           \
    "Figures of another workstation (`system`, `instances`, the usages) are null: they are known " \
    "there. `disk_usage` is that of the disk which holds the instances."

const struct api_route api_routes[] = {
    /* The two that are asked most come first. */
    {
        .method = HTTP_METHOD_GET,
        .path = "/api/instances",
        .role = CACHE_ROLE_VIEWER,
        .handler = api_handle_instances_list,
        .id = "listInstances",
        .tag = "instances",
        .summary = "List the instances",
        .description =
            "Answers at once from the last survey and says how old it is (`observed_at`, `age_ms`, "
            "`source`). While ldconsole fails, the last good list is served with `source` "
            "`stale` and the reason. Filters hold together.",
        .query =
            QUERY(&of_state, &of_name, &of_group, &with_label, &max_age, &fields, &limit, &cursor),
        .condition = API_IF_NONE_MATCH,
        .cacheable = &api_cacheable_table[API_CACHEABLE_INSTANCES],
        .answers =
            ANSWERS({.status = 200,
                     .schema = "InstanceList|InstancePartialList",
                     .summary = "The instances; with `fields`, the chosen members of each."}),
        .refusals = STATUSES(504),
    },
    {
        .method = HTTP_METHOD_GET,
        .path = "/api/instances/{ref}",
        .role = CACHE_ROLE_VIEWER,
        .handler = api_handle_instances_get,
        .id = "getInstance",
        .tag = "instances",
        .summary = "Show one instance",
        .description = "`ref` is the id, the index, `name:TITLE`, or `adb:SERIAL` "
                       "(`adb:emulator-5554` and `adb:127.0.0.1:5555` are index 0).",
        .query = QUERY(&max_age, &fields),
        .condition = API_IF_NONE_MATCH,
        .cacheable = &api_cacheable_table[API_CACHEABLE_INSTANCES],
        .answers = ANSWERS({.status = 200,
                            .schema = "Instance|InstancePartial",
                            .summary = "The instance; with `fields`, its chosen members."}),
        .refusals = STATUSES(409, 504),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/instances",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_instances_create,
        .id = "createInstance",
        .tag = "instances",
        .summary = "Create an instance",
        .description = "The result of the operation is the instance.",
        .query = QUERY(&wait),
        .body = "InstanceCreate",
        .is_body_required = true,
        .is_idempotent = true,
        .answers = accepted,
        .refusals = STATUSES(409, 429),
    },
    {
        .method = HTTP_METHOD_PATCH,
        .path = "/api/instances/{ref}",
        .role = CACHE_ROLE_OPERATOR,
        .handler = api_handle_instances_change,
        .id = "changeInstance",
        .tag = "instances",
        .summary = "Change an instance",
        .description =
            "Settings are verified by reading the configuration file back. Of an instance that runs they "
            "take effect when it is stopped and started, and `note` of the result says so. "
            "`settings.adb_debug`, for which ldconsole has no flag, is written "
            "into that file itself (the former one stays beside it, `.ldplayerd.bak`): 409 while it runs. "
            "Labels are replaced as a whole; group `null` clears it. With `desired_state` the instance "
            "is started or stopped whenever it is not so; `repair` says what is done when it is ill: "
            "nothing (`off`), an event (`report`), a restart too (`restart`), and one that ends its "
            "processes by force where quit is ignored (`full`). `quarantine`: `null` ends it, as a "
            "start by hand does. Name, settings and resolution need the role admin.",
        .query = QUERY(&wait),
        .body = "InstanceChange",
        .is_body_required = true,
        .is_idempotent = true,
        .condition = API_IF_MATCH,
        .answers = accepted,
        .refusals = STATUSES(409, 429),
    },
    {
        .method = HTTP_METHOD_DELETE,
        .path = "/api/instances/{ref}",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_instances_remove,
        .id = "removeInstance",
        .tag = "instances",
        .summary = "Remove an instance with its disk",
        .description = "Refused with 409 while it runs, unless `force` says to stop it first.",
        .query = QUERY(&force, &timeout, &wait),
        .is_idempotent = true,
        .condition = API_IF_MATCH,
        .answers = accepted,
        .refusals = STATUSES(409, 429),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/instances/{ref}/start",
        .role = CACHE_ROLE_OPERATOR,
        .handler = api_handle_instances_start,
        .id = "startInstance",
        .tag = "instances",
        .summary = "Start an instance",
        .description = UNTIL_TEXT,
        .query = QUERY(&wait),
        .body = "StartRequest",
        .is_idempotent = true,
        .answers = accepted,
        .refusals = STATUSES(409, 429),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/instances/{ref}/stop",
        .role = CACHE_ROLE_OPERATOR,
        .handler = api_handle_instances_stop,
        .id = "stopInstance",
        .tag = "instances",
        .summary = "Stop an instance",
        .description =
            "A stop has succeeded when no process of the instance is left. `force` ends processes that "
            "ignore the request.",
        .query = QUERY(&wait),
        .body = "StopRequest",
        .is_idempotent = true,
        .answers = accepted,
        .refusals = STATUSES(409, 429),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/instances/{ref}/restart",
        .role = CACHE_ROLE_OPERATOR,
        .handler = api_handle_instances_restart,
        .id = "restartInstance",
        .tag = "instances",
        .summary = "Stop and start an instance",
        .description = UNTIL_TEXT,
        .query = QUERY(&wait),
        .body = "RestartRequest",
        .is_idempotent = true,
        .answers = accepted,
        .refusals = STATUSES(409, 429),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/instances/{ref}/clone",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_instances_clone,
        .id = "cloneInstance",
        .tag = "instances",
        .summary = "Copy an instance",
        .description =
            "The source must be stopped. The result of the operation is the new instance.",
        .query = QUERY(&wait),
        .body = "CloneRequest",
        .is_idempotent = true,
        .answers = accepted,
        .refusals = STATUSES(409, 429),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/instances/{ref}/rename",
        .role = CACHE_ROLE_OPERATOR,
        .handler = api_handle_instances_rename,
        .id = "renameInstance",
        .tag = "instances",
        .summary = "Rename an instance",
        .query = QUERY(&wait),
        .body = "RenameRequest",
        .is_body_required = true,
        .is_idempotent = true,
        .answers = accepted,
        .refusals = STATUSES(409, 429),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/instances/batch",
        .role = CACHE_ROLE_OPERATOR,
        .handler = api_handle_instances_batch,
        .id = "batchInstances",
        .tag = "instances",
        .summary = "Do one thing to many instances",
        .description =
            "Makes a parent operation with one child for each selected instance. `options` are those of "
            "the single action; the wait for its turn does not count in the `timeout_s` of a child. "
            "`remove` and `modify` need the role admin. Selecting nothing is refused. `select.group` "
            "null means the instances without one; empty is refused.",
        .query = QUERY(&wait),
        .body = "BatchRequest",
        .is_body_required = true,
        .is_idempotent = true,
        .answers = accepted,
        .refusals = STATUSES(409, 429),
    },

    {
        .method = HTTP_METHOD_GET,
        .path = "/api/operations",
        .role = CACHE_ROLE_VIEWER,
        .handler = api_handle_operations_list,
        .id = "listOperations",
        .tag = "operations",
        .summary = "List operations, the newest first",
        .query = QUERY(&in_status, &on_target, &of_kind, &of_batch, &limit, &cursor),
        .condition = API_IF_NONE_MATCH,
        .answers =
            ANSWERS({.status = 200, .schema = "OperationList", .summary = "The operations."}),
    },
    {
        .method = HTTP_METHOD_GET,
        .path = "/api/operations/{id}",
        .role = CACHE_ROLE_VIEWER,
        .handler = api_handle_operations_get,
        .id = "getOperation",
        .tag = "operations",
        .summary = "Show one operation",
        .description =
            "With `wait` the answer comes when the operation has ended, or when the time is up.",
        .query = QUERY(&wait),
        .condition = API_IF_NONE_MATCH,
        .answers = ANSWERS({.status = 200, .schema = "Operation", .summary = "The operation."}),
    },
    {
        .method = HTTP_METHOD_GET,
        .path = "/api/operations/{id}/diagnostics",
        .role = CACHE_ROLE_OPERATOR,
        .handler = api_handle_operations_diagnostics,
        .id = "getDiagnostics",
        .tag = "operations",
        .summary = "Show what was collected at the end of an operation",
        .description =
            "For whoever has to find out later why it ended so: the commands with what came back, "
            "what was seen, the config file of the instance before and after, the end of VBox.log, "
            "the processes, the figures of the machine. It is collected of each operation that "
            "failed, timed out or was interrupted, and of all that the watchdog does "
            "(`has_diagnostics`); the end of the operation does not wait for it, so that for a moment "
            "the answer may be 503 (`DIAGNOSTICS_NOT_READY`). Of the newest 300 operations that have "
            "any they are kept, as long as the operation. Values in the config file that are not "
            "LDPlayer's own, or are named as secrets are, are left out. `config`, `vm_log`, `commands` "
            "and `evidence` are null where all of it would be more than 256 KiB.",
        .condition = API_IF_NONE_MATCH,
        .answers = ANSWERS({.status = 200, .schema = "Diagnostics", .summary = "The diagnostics."}),
        .refusals = STATUSES(503),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/operations/{id}/cancel",
        .role = CACHE_ROLE_OPERATOR,
        .handler = api_handle_operations_cancel,
        .id = "cancelOperation",
        .tag = "operations",
        .summary = "Cancel an operation",
        .description =
            "A queued operation ends at once. A running one stops waiting; what ldconsole already began "
            "is not undone.",
        .query = QUERY(&wait),
        .answers = ANSWERS({.status = 202, .schema = "Operation", .summary = "It is ending."},
                           {.status = 200, .schema = "Operation", .summary = "It has ended."}),
        .refusals = STATUSES(409),
    },
    {
        .method = HTTP_METHOD_DELETE,
        .path = "/api/operations",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_operations_prune,
        .id = "pruneOperations",
        .tag = "operations",
        .summary = "Remove old operations",
        .query = QUERY(&ended_before),
        .answers =
            ANSWERS({.status = 200, .schema = "Pruned", .summary = "How many were removed."}),
    },

    {
        .method = HTTP_METHOD_GET,
        .path = "/api/events",
        .role = CACHE_ROLE_VIEWER,
        .handler = api_handle_events,
        .id = "streamEvents",
        .tag = "events",
        .summary = "Follow what happens",
        .description =
            "History first, then live, each number once and in order; where numbers are missing a "
            "`gap` event stands in their place. A database that is new, repaired or restored has "
            "higher numbers than it ever had, so that none means two events. An idle stream of server-sent events "
            "has a comment every 15 seconds. A client that reads too slowly gets a `gap` event and the "
            "end of the stream; it may reconnect and read on where it was.",
        .query = QUERY(&since, &format),
        .is_resumable = true,
        .answers = ANSWERS({.status = 200,
                            .schema = "Event",
                            .summary = "Events, until the client hangs up.",
                            .type = "text/event-stream application/x-ndjson",
                            .headers = API_ANSWER_NO_STORE}),
    },

    {
        .method = HTTP_METHOD_GET,
        .path = "/api/breakers",
        .role = CACHE_ROLE_VIEWER,
        .handler = api_handle_breakers_list,
        .id = "listBreakers",
        .tag = "breakers",
        .summary = "List the circuit breakers",
        .description =
            "The eleven of the protected operations, `install` (ldconsole cannot be started) and "
            "`vm-service` (instances start and get no VM) come first, then those of single "
            "instances, such as `start.<id>`, which are there while something of it has failed. "
            "`last_failures` has the newest first.",
        .condition = API_IF_NONE_MATCH,
        .answers = ANSWERS({.status = 200, .schema = "BreakerList", .summary = "The breakers."}),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/breakers/{name}/force-open",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_breakers_force_open,
        .id = "forceOpenBreaker",
        .tag = "breakers",
        .summary = "Hold a breaker open",
        .description = "Until `expires_at`, from which on one call is let through to find out, or "
                       "until another order.",
        .body = "BreakerForce",
        .is_body_required = true,
        .answers = ANSWERS({.status = 200, .schema = "Breaker", .summary = "The breaker now."}),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/breakers/{name}/force-close",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_breakers_force_close,
        .id = "forceCloseBreaker",
        .tag = "breakers",
        .summary = "Keep a breaker closed",
        .description =
            "It goes on counting but does not open, until `expires_at` or another order.",
        .body = "BreakerForce",
        .is_body_required = true,
        .answers = ANSWERS({.status = 200, .schema = "Breaker", .summary = "The breaker now."}),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/breakers/{name}/disable",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_breakers_disable,
        .id = "disableBreaker",
        .tag = "breakers",
        .summary = "Let every call through",
        .description = "Nothing is counted, until `expires_at` or another order.",
        .body = "BreakerDisable",
        .answers = ANSWERS({.status = 200, .schema = "Breaker", .summary = "The breaker now."}),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/breakers/{name}/reset",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_breakers_reset,
        .id = "resetBreaker",
        .tag = "breakers",
        .summary = "Close a breaker and forget its figures",
        .answers = ANSWERS({.status = 200, .schema = "Breaker", .summary = "The breaker now."}),
    },
    {
        .method = HTTP_METHOD_GET,
        .path = "/api/chaos",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_chaos_get,
        .id = "getChaos",
        .tag = "chaos",
        .summary = "Tell of the drill that is on",
        .condition = API_IF_NONE_MATCH,
        .answers = ANSWERS({.status = 200, .schema = "Chaos", .summary = "The drill, or null."}),
    },
    {
        .method = HTTP_METHOD_PUT,
        .path = "/api/chaos",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_chaos_put,
        .id = "beginChaos",
        .tag = "chaos",
        .summary = "Begin a drill",
        .description =
            "For `duration_s` seconds `percent` of the calls of ldconsole (of one `verb`, or all) "
            "are spoiled: begun `latency_ms` later, never answered, failed, or answered with "
            "garbage. What is spoiled is not run. It takes the place of a drill that is on, and "
            "does not outlive the service. Only where the option `chaos` allows it.",
        .body = "ChaosRequest",
        .is_body_required = true,
        .answers = ANSWERS({.status = 200, .schema = "Chaos", .summary = "The drill now."}),
        .refusals = STATUSES(409),
    },
    {
        .method = HTTP_METHOD_DELETE,
        .path = "/api/chaos",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_chaos_delete,
        .id = "endChaos",
        .tag = "chaos",
        .summary = "End the drill that is on",
        .answers =
            ANSWERS({.status = 200, .schema = "Chaos", .summary = "There is none any more."}),
        .refusals = STATUSES(409),
    },

    {
        .method = HTTP_METHOD_GET,
        .path = "/api/cache/stats",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_cache_stats,
        .id = "getCacheStats",
        .tag = "cache",
        .summary = "Show the figures of the result cache",
        .description =
            "A hit is an answer without a load; `stale` ones were too old and served all the same, while "
            "a load ran or because it failed. `backend` is the second tier.",
        .condition = API_IF_NONE_MATCH,
        .answers = ANSWERS({.status = 200,
                            .schema = "CacheStats",
                            .summary = "The figures since start or reset."}),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/cache/stats/reset",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_cache_reset_stats,
        .id = "resetCacheStats",
        .tag = "cache",
        .summary = "Count from zero",
        .answers = ANSWERS({.status = 200, .schema = "CacheStats", .summary = "The figures now."}),
    },
    {
        .method = HTTP_METHOD_GET,
        .path = "/api/cache/entries",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_cache_entries,
        .id = "listCacheEntries",
        .tag = "cache",
        .summary = "List what is kept in memory, the one used last first",
        .query = QUERY(&matching, &limit),
        .condition = API_IF_NONE_MATCH,
        .answers = ANSWERS({.status = 200, .schema = "CacheEntryList", .summary = "The entries."}),
    },
    {
        .method = HTTP_METHOD_GET,
        .path = "/api/cache/config",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_cache_config,
        .id = "getCacheConfig",
        .tag = "cache",
        .summary = "Show the limits of the result cache",
        .condition = API_IF_NONE_MATCH,
        .answers =
            ANSWERS({.status = 200, .schema = "CacheConfig", .summary = "The limits in effect."}),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/cache/config",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_cache_configure,
        .id = "setCacheConfig",
        .tag = "cache",
        .summary = "Change limits of the result cache",
        .description =
            "Works at once: what is too much is evicted. It is remembered, and holds after a restart "
            "unless a flag or the environment says otherwise.",
        .body = "CacheConfigChange",
        .is_body_required = true,
        .answers =
            ANSWERS({.status = 200, .schema = "CacheConfig", .summary = "The limits in effect."}),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/cache/clear",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_performance_cache_clear,
        .id = "clearCache",
        .tag = "cache",
        .summary = "Forget every result",
        .answers = ANSWERS({.status = 200, .schema = "CacheCleared", .summary = "It is empty."}),
    },

    {
        .method = HTTP_METHOD_GET,
        .path = "/api/performance/cache-stats",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_performance_cache_stats,
        .id = "getPerformanceCacheStats",
        .tag = "performance",
        .summary = "Show the figures of the result cache, in short",
        .condition = API_IF_NONE_MATCH,
        .answers =
            ANSWERS({.status = 200, .schema = "PerformanceCacheStats", .summary = "The figures."}),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/performance/cache-clear",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_performance_cache_clear,
        .id = "clearPerformanceCache",
        .tag = "performance",
        .summary = "Forget every result",
        .answers = ANSWERS({.status = 200, .schema = "CacheCleared", .summary = "It is empty."}),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/performance/cache-invalidate",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_performance_cache_invalidate,
        .id = "invalidatePerformanceCache",
        .tag = "performance",
        .summary = "Forget results by pattern",
        .query = QUERY(&pattern),
        .answers =
            ANSWERS({.status = 200, .schema = "CacheInvalidated", .summary = "How many went."}),
    },
    {
        .method = HTTP_METHOD_GET,
        .path = "/api/performance/metrics",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_performance_metrics,
        .id = "getPerformanceMetrics",
        .tag = "performance",
        .summary = "Show what the service is busy with",
        .description =
            "`managers` are runners of ldconsole, `websockets` clients that follow the events.",
        .condition = API_IF_NONE_MATCH,
        .answers =
            ANSWERS({.status = 200, .schema = "PerformanceMetrics", .summary = "The figures."}),
    },

    {
        .method = HTTP_METHOD_GET,
        .path = "/api/workstations",
        .role = CACHE_ROLE_VIEWER,
        .handler = api_handle_workstations_list,
        .id = "listWorkstations",
        .tag = "workstations",
        .summary = "List the workstations",
        .description = "An array, this workstation (`local`) first. " WORKSTATION_TEXT,
        .query = QUERY(&max_age),
        .condition = API_IF_NONE_MATCH,
        .cacheable = &api_cacheable_table[API_CACHEABLE_WORKSTATIONS],
        .answers =
            ANSWERS({.status = 200, .schema = "[Workstation]", .summary = "The workstations."}),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/workstations",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_workstations_create,
        .id = "createWorkstation",
        .tag = "workstations",
        .summary = "Make another workstation known",
        .description =
            "It is looked at by `GET /livez` at its address, now and every minute. At most 1000 are kept.",
        .body = "WorkstationCreate",
        .is_body_required = true,
        .is_idempotent = true,
        .answers = ANSWERS({.status = 201,
                            .schema = "WorkstationCreated",
                            .summary = "It is known.",
                            .headers = API_ANSWER_LOCATION}),
        .refusals = STATUSES(409),
    },
    {
        .method = HTTP_METHOD_GET,
        .path = "/api/workstations/{id}",
        .role = CACHE_ROLE_VIEWER,
        .handler = api_handle_workstations_get,
        .id = "getWorkstation",
        .tag = "workstations",
        .summary = "Show one workstation",
        .description = WORKSTATION_TEXT,
        .query = QUERY(&max_age),
        .condition = API_IF_NONE_MATCH,
        .cacheable = &api_cacheable_table[API_CACHEABLE_WORKSTATION],
        .answers = ANSWERS({.status = 200, .schema = "Workstation", .summary = "The workstation."}),
    },
    {
        .method = HTTP_METHOD_PATCH,
        .path = "/api/workstations/{id}",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_workstations_change,
        .id = "changeWorkstation",
        .tag = "workstations",
        .summary = "Change a workstation",
        .description =
            "What is not named stays; labels are replaced as a whole; address `null` clears it. While "
            "`maintenance` is true, that is its status, and it is not looked at.",
        .body = "WorkstationChange",
        .is_body_required = true,
        .is_idempotent = true,
        .condition = API_IF_MATCH,
        .answers = ANSWERS({.status = 200,
                            .schema = "Workstation",
                            .summary = "The workstation as it is now.",
                            .headers = API_ANSWER_ETAG}),
        .refusals = STATUSES(409),
    },
    {
        .method = HTTP_METHOD_DELETE,
        .path = "/api/workstations/{id}",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_workstations_remove,
        .id = "removeWorkstation",
        .tag = "workstations",
        .summary = "Forget a workstation",
        .description = "Nothing is done there. `local` cannot be removed.",
        .is_idempotent = true,
        .condition = API_IF_MATCH,
        .answers = ANSWERS({.status = 204, .summary = "Forgotten."}),
        .refusals = STATUSES(409),
    },
    {
        .method = HTTP_METHOD_GET,
        .path = "/api/workstations/{id}/system-info",
        .role = CACHE_ROLE_VIEWER,
        .handler = api_handle_workstations_system_info,
        .id = "getWorkstationSystemInfo",
        .tag = "workstations",
        .summary = "Figures of this machine, read now",
        .description = "Only for `local`: those of another workstation are to be asked for there.",
        .condition = API_IF_NONE_MATCH,
        .answers = ANSWERS({.status = 200, .schema = "SystemInfo", .summary = "The figures."}),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/workstations/{id}/test-connection",
        .role = CACHE_ROLE_OPERATOR,
        .handler = api_handle_workstations_test,
        .id = "testWorkstation",
        .tag = "workstations",
        .summary = "Try whether a workstation can be reached",
        .description =
            "`local` lists its instances afresh; another is asked for `GET /livez` and has 5 seconds. 200 "
            "says that the test was made; `reachable` and `detail` say what was found.",
        .answers =
            ANSWERS({.status = 200, .schema = "ConnectionTest", .summary = "What was found."}),
        .refusals = STATUSES(409, 504),
    },
    {
        .method = HTTP_METHOD_GET,
        .path = "/api/workstations/{id}/instances",
        .role = CACHE_ROLE_VIEWER,
        .handler = api_handle_workstations_instances,
        .id = "listWorkstationInstances",
        .tag = "workstations",
        .summary = "List the instances of a workstation",
        .description =
            "For `local` the same as GET /api/instances. Those of another workstation are to be asked for "
            "there.",
        .query =
            QUERY(&of_state, &of_name, &of_group, &with_label, &max_age, &fields, &limit, &cursor),
        .condition = API_IF_NONE_MATCH,
        .cacheable = &api_cacheable_table[API_CACHEABLE_INSTANCES],
        .answers =
            ANSWERS({.status = 200,
                     .schema = "InstanceList|InstancePartialList",
                     .summary = "The instances; with `fields`, the chosen members of each."}),
        .refusals = STATUSES(504),
    },

    {
        .method = HTTP_METHOD_GET,
        .path = "/api/auth/me",
        .role = CACHE_ROLE_VIEWER,
        .handler = api_handle_me,
        .id = "getMe",
        .tag = "auth",
        .summary = "Show who is asking",
        .condition = API_IF_NONE_MATCH,
        .answers = ANSWERS({.status = 200, .schema = "Identity", .summary = "The caller."}),
    },
    {
        .method = HTTP_METHOD_GET,
        .path = "/api/auth/tokens",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_tokens_list,
        .id = "listTokens",
        .tag = "auth",
        .summary = "List the tokens, revoked ones too",
        .condition = API_IF_NONE_MATCH,
        .answers = ANSWERS({.status = 200, .schema = "TokenList", .summary = "The tokens."}),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/auth/tokens",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_tokens_create,
        .id = "createToken",
        .tag = "auth",
        .summary = "Make a token",
        .description = "The secret is in this answer and nowhere else.",
        .body = "TokenCreate",
        .is_body_required = true,
        .answers = ANSWERS({.status = 201,
                            .schema = "TokenCreated",
                            .summary = "The token with its secret.",
                            .headers = API_ANSWER_LOCATION | API_ANSWER_NO_STORE}),
        .refusals = STATUSES(409),
    },
    {
        .method = HTTP_METHOD_DELETE,
        .path = "/api/auth/tokens/{id}",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_tokens_revoke,
        .id = "revokeToken",
        .tag = "auth",
        .summary = "Revoke a token",
        .description = "`id` is the id or the name. Works at once.",
        .answers = ANSWERS({.status = 204, .summary = "Revoked."}),
    },

    {
        .method = HTTP_METHOD_GET,
        .path = "/api/backups",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_backups_list,
        .id = "listBackups",
        .tag = "backups",
        .summary = "List the backups that the service keeps",
        .description = "Daily ones and those made on request, the newest first. Each goes when it "
                       "is a week old, but the newest.",
        .condition = API_IF_NONE_MATCH,
        .answers = ANSWERS({.status = 200, .schema = "BackupList", .summary = "The backups."}),
        .refusals = STATUSES(503),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/backups",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_backups_make,
        .id = "makeBackup",
        .tag = "backups",
        .summary = "Make a backup of the service's own database",
        .description =
            "A copy of one moment, checked and on disk when this answers; nobody is held "
            "up by it. It stands at `path` on the service's machine; `ldplayerd backup "
            "FILE` fetches it.",
        .answers = ANSWERS({.status = 201, .schema = "BackupMade", .summary = "The backup."}),
        .refusals = STATUSES(409, 503),
    },
    {
        .method = HTTP_METHOD_DELETE,
        .path = "/api/backups/{name}",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_backups_remove,
        .id = "removeBackup",
        .tag = "backups",
        .summary = "Remove a backup",
        .answers = ANSWERS({.status = 204, .summary = "Removed."}),
        .refusals = STATUSES(503),
    },
    {
        .method = HTTP_METHOD_POST,
        .path = "/api/restore",
        .role = CACHE_ROLE_ADMIN,
        .handler = api_handle_restore,
        .id = "restore",
        .tag = "backups",
        .summary = "Start again with a database that is staged",
        .description =
            "For `ldplayerd restore FILE`, which puts the checked database beside that "
            "of the service as `ldplayerd.db.staged-<staged>`. The service ends as for a stop and "
            "starts again in the same process, on the same addresses; `restored` of `GET "
            "/api/info` says which one was the last that took the place.",
        .body = "RestoreRequest",
        .is_body_required = true,
        .answers = ANSWERS(
            {.status = 202, .schema = "Restarting", .summary = "The service is restarting."}),
        .refusals = STATUSES(409, 503),
    },

    {
        .method = HTTP_METHOD_GET,
        .path = "/livez",
        .handler = api_handle_livez,
        .id = "getLivez",
        .tag = "health",
        .summary = "Whether the process is up",
        .condition = API_IF_NONE_MATCH,
        .answers = ANSWERS({.status = 200, .schema = "Alive", .summary = "It is."}),
    },
    {
        .method = HTTP_METHOD_GET,
        .path = "/readyz",
        .handler = api_handle_readyz,
        .id = "getReadyz",
        .tag = "health",
        .summary = "Whether the service can do its work",
        .description =
            "Looks at the database, the runner, and the age of the last list2. 503 with the same checks "
            "when one fails.",
        .condition = API_IF_NONE_MATCH,
        .answers = ANSWERS({.status = 200, .schema = "Ready", .summary = "It can."}),
    },
    {
        .method = HTTP_METHOD_GET,
        .path = "/healthz",
        .handler = api_handle_readyz,
        .id = "getHealthz",
        .tag = "health",
        .summary = "Another name of /readyz",
        .condition = API_IF_NONE_MATCH,
        .answers = ANSWERS({.status = 200, .schema = "Ready", .summary = "It can."}),
    },
    {
        .method = HTTP_METHOD_GET,
        .path = "/api/health",
        .handler = api_handle_health,
        .id = "getHealth",
        .tag = "health",
        .summary = "Checks by component",
        .description = "Always 200; `status` is ok, degraded or failing.",
        .condition = API_IF_NONE_MATCH,
        .answers = ANSWERS({.status = 200, .schema = "Health", .summary = "The checks."}),
    },

    {
        .method = HTTP_METHOD_GET,
        .path = "/api/version",
        .handler = api_handle_version,
        .id = "getVersion",
        .tag = "system",
        .summary = "Version and capabilities",
        .condition = API_IF_NONE_MATCH,
        .answers = ANSWERS({.status = 200, .schema = "Version", .summary = "The version."}),
    },
    {
        .method = HTTP_METHOD_GET,
        .path = "/api/info",
        .role = CACHE_ROLE_VIEWER,
        .handler = api_handle_info,
        .id = "getInfo",
        .tag = "system",
        .summary = "Counts, paths and effective limits",
        .description = "`restored` is the last restore of the database, whenever that was; it is "
                       "not there where there was none.",
        .condition = API_IF_NONE_MATCH,
        .answers = ANSWERS({.status = 200, .schema = "Info", .summary = "The figures."}),
    },
    {
        .method = HTTP_METHOD_GET,
        .path = "/metrics",
        .role = CACHE_ROLE_VIEWER,
        .handler = api_handle_metrics,
        .id = "getMetrics",
        .tag = "system",
        .summary = "Figures for Prometheus",
        .description = "Open to callers on this machine without credentials when so configured.",
        .answers =
            ANSWERS({.status = 200, .summary = "Prometheus text format.", .type = "text/plain"}),
    },
    {
        .method = HTTP_METHOD_GET,
        .path = "/api/openapi.json",
        .handler = api_handle_openapi,
        .id = "getOpenapi",
        .tag = "system",
        .summary = "This description as OpenAPI 3.1",
        .condition = API_IF_NONE_MATCH,
        .answers =
            ANSWERS({.status = 200, .schema = "OpenapiDocument", .summary = "The document."}),
    },
    {
        .method = HTTP_METHOD_GET,
        .path = "/api/docs",
        .handler = api_handle_docs,
        .id = "getDocs",
        .tag = "system",
        .summary = "This description as a page to read",
        .answers = ANSWERS({.status = 200,
                            .summary = "The page.",
                            .type = "text/html",
                            .headers = API_ANSWER_PAGE}),
    },
};

const size_t api_n_routes = countof(api_routes);
