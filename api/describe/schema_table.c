/* SPDX-License-Identifier: MIT */
#include "api/describe/schema.h"

#include "base/memory/cleanup.h"

#define STATES "unknown|stopped|starting|booting|running|ready|stopping|stuck|zombie|unreachable"
#define KINDS "create|start|stop|restart|modify|rename|clone|remove|batch"
#define STATUSES                                                                                   \
    "queued|waiting_for_session|running|succeeded|failed|timed_out|cancelled|interrupted"

static const struct api_schema_member any[] = {{0}};

static const struct api_schema_member resolution[] = {
    {"width", "1..16384", true}, {"height", "1..16384", true}, {"dpi", "1..2000", true}, {0}};

static const struct api_schema_member selection[] = {
    {"ids", "{\"type\":\"array\",\"maxItems\":10000,\"items\":{\"type\":[\"string\",\"integer\"]}}",
     false},
    {"all", "{\"const\":true}", false},
    {"state", "{\"description\":\"A state, or a list of states.\"}", false},
    {"group", "text", false},
    {"labels", "{text?}", false},
    {0}};

static const struct api_schema_member instance[] = {{"id", "uuid", true},
                                                    {"index", "count", true},
                                                    {"name", "text", true},
                                                    {"state", STATES, true},
                                                    {"state_reason", "text", true},
                                                    {"evidence", "object", true},
                                                    {"desired_state", "running|stopped?", true},
                                                    {"adb_serial", "text?", true},
                                                    {"pid", "int?", true},
                                                    {"vbox_pid", "int?", true},
                                                    {"top_window", "int?", true},
                                                    {"bind_window", "int?", true},
                                                    {"resolution", "Resolution?", true},
                                                    {"settings", "object", true},
                                                    {"labels", "{text}", true},
                                                    {"group", "text?", true},
                                                    {"observed_at", "time?", true},
                                                    {"age_ms", "count?", true},
                                                    {"source", "live|cache|stale", true},
                                                    {"stale_reason", "text?", false},
                                                    {0}};

static const struct api_schema_member instance_list[] = {
    {"items", "[Instance]", true},    {"total", "count", true},
    {"next_cursor", "text?", false},  {"observed_at", "time?", true},
    {"age_ms", "count?", true},       {"source", "live|cache|stale", true},
    {"stale_reason", "text?", false}, {0}};

static const struct api_schema_member progress[] = {
    {"percent", "percent", true}, {"step", "text?", true}, {0}};

static const struct api_schema_member operation_error[] = {{"code", "text", true},
                                                           {"title", "text?", false},
                                                           {"detail", "text?", true},
                                                           {"retryable", "bool", true},
                                                           {0}};

static const struct api_schema_member operation_child[] = {{"id", "uuid", true},
                                                           {"kind", KINDS, true},
                                                           {"target", "uuid?", true},
                                                           {"status", STATUSES, true},
                                                           {"created_at", "time", true},
                                                           {"started_at", "time?", true},
                                                           {"ended_at", "time?", true},
                                                           {"progress", "Progress", true},
                                                           {"result", "object?", true},
                                                           {"error", "OperationError?", true},
                                                           {0}};

static const struct api_schema_member operation[] = {{"id", "uuid", true},
                                                     {"kind", KINDS, true},
                                                     {"target", "uuid?", true},
                                                     {"status", STATUSES, true},
                                                     {"created_at", "time", true},
                                                     {"started_at", "time?", true},
                                                     {"ended_at", "time?", true},
                                                     {"progress", "Progress", true},
                                                     {"requested_by", "text?", true},
                                                     {"idempotency_key", "text?", true},
                                                     {"result", "object?", true},
                                                     {"error", "OperationError?", true},
                                                     {"evidence", "[object]", true},
                                                     {"children", "[OperationChild]?", true},
                                                     {"parent", "uuid?", true},
                                                     {0}};

static const struct api_schema_member operation_list[] = {
    {"items", "[Operation]", true}, {"total", "count", true}, {"next_cursor", "text?", true}, {0}};

static const struct api_schema_member pruned[] = {{"removed", "count", true}, {0}};

static const struct api_schema_member event[] = {{"seq", "count", true},
                                                 {"time", "time", true},
                                                 {"type", "text", true},
                                                 {"data", "object", true},
                                                 {0}};

static const struct api_schema_member breaker_window[] = {{"size", "count", true},
                                                          {"calls", "count", true},
                                                          {"failures", "count", true},
                                                          {"failure_percent", "percent", true},
                                                          {"consecutive_failures", "count", true},
                                                          {0}};

static const struct api_schema_member breaker_totals[] = {{"successes", "count", true},
                                                          {"failures", "count", true},
                                                          {"rejected", "count", true},
                                                          {"opened", "count", true},
                                                          {0}};

static const struct api_schema_member breaker[] = {
    {"name", "text", true},
    {"state", "closed|open|half-open|forced-open|disabled", true},
    {"reason", "text?", true},
    {"opened_at", "time?", true},
    {"retry_after_ms", "count?", true},
    {"window", "BreakerWindow", true},
    {"totals", "BreakerTotals", true},
    {0}};

static const struct api_schema_member breaker_list[] = {
    {"items", "[Breaker]", true}, {"total", "count", true}, {0}};

#define SUCCESS "{\"const\":\"success\"}"
#define NUMBER "{\"type\":\"number\"}"

static const struct api_schema_member cache_loads[] = {
    {"ok", "count", true},       {"failed", "count", true},
    {"total_ms", "count", true}, {"max_ms", "count", true},
    {"mean_ms", NUMBER, true},   {"under_way", "count", true},
    {"waiting", "count", true},  {0}};

static const struct api_schema_member cache_backend[] = {{"name", "memory|redis|none", true},
                                                         {"is_up", "bool", true},
                                                         {"detail", "text?", true},
                                                         {"gets", "count", true},
                                                         {"hits", "count", true},
                                                         {"puts", "count", true},
                                                         {"failed", "count", true},
                                                         {"reconnects", "count", true},
                                                         {0}};

static const struct api_schema_member cache_stats[] = {{"hits", "count", true},
                                                       {"misses", "count", true},
                                                       {"stale", "count", true},
                                                       {"bypassed", "count", true},
                                                       {"hit_rate_percent", NUMBER, true},
                                                       {"evictions", "count", true},
                                                       {"evictions_for_entries", "count", true},
                                                       {"evictions_for_bytes", "count", true},
                                                       {"expirations", "count", true},
                                                       {"invalidated", "count", true},
                                                       {"refused", "count", true},
                                                       {"entries", "count", true},
                                                       {"bytes", "count", true},
                                                       {"peak_bytes", "count", true},
                                                       {"coalesced", "count", true},
                                                       {"refreshes", "count", true},
                                                       {"loads", "CacheLoads", true},
                                                       {"backend", "CacheBackend", true},
                                                       {0}};

static const struct api_schema_member cache_entry_members[] = {
    {"key", "text", true},         {"bytes", "count", true},
    {"age_ms", "count", true},     {"ttl_ms", "count", true},
    {"is_fresh", "bool", true},    {"accesses", "count", true},
    {"last_access", "time", true}, {0}};

static const struct api_schema_member cache_entry_list[] = {
    {"items", "[CacheEntry]", true}, {"total", "count", true}, {0}};

#define CACHE_CONFIG_MEMBERS(is_required)                                                          \
    {"max_entries", "1..10000000", is_required}, {"max_memory_mb", "1..1048576", is_required},     \
        {"default_ttl_seconds", "1..31536000", is_required},                                       \
        {"idle_seconds", "0..31536000", is_required},                                              \
    {                                                                                              \
        "enabled", "bool", is_required                                                             \
    }

static const struct api_schema_member cache_config[] = {
    CACHE_CONFIG_MEMBERS(true), {"backend", "memory|redis|none", true}, {0}};

static const struct api_schema_member cache_config_change[] = {CACHE_CONFIG_MEMBERS(false), {0}};

static const struct api_schema_member cache_cleared[] = {{"status", SUCCESS, true},
                                                         {"message", "text", true},
                                                         {"entries_removed", "count", true},
                                                         {"timestamp", "time", false},
                                                         {0}};

static const struct api_schema_member cache_invalidated[] = {{"status", SUCCESS, true},
                                                             {"message", "text", true},
                                                             {"pattern", "text", true},
                                                             {"timestamp", "time", true},
                                                             {0}};

static const struct api_schema_member performance_cache[] = {{"hits", "count", true},
                                                             {"misses", "count", true},
                                                             {"size", "count", true},
                                                             {"evictions", "count", true},
                                                             {"total_requests", "count", true},
                                                             {"hit_rate_percent", NUMBER, true},
                                                             {0}};

static const struct api_schema_member performance_cache_stats[] = {
    {"status", SUCCESS, true},
    {"cache_stats", "PerformanceCache", true},
    {"timestamp", "time", true},
    {0}};

static const struct api_schema_member performance_figures[] = {{"cache", "PerformanceCache", true},
                                                               {"managers", "{count}", true},
                                                               {"websockets", "{count}", true},
                                                               {"connections", "{count}", true},
                                                               {"operations", "{count}", true},
                                                               {"ldconsole", "{count}", true},
                                                               {0}};

static const struct api_schema_member performance_metrics[] = {
    {"status", SUCCESS, true},
    {"metrics", "PerformanceFigures", true},
    {"timestamp", "time", true},
    {0}};

static const struct api_schema_member memory[] = {{"total_bytes", "count", true},
                                                  {"used_bytes", "count", true},
                                                  {"available_bytes", "count", true},
                                                  {0}};
static const struct api_schema_member commit[] = {
    {"limit_bytes", "count", true}, {"used_bytes", "count", true}, {0}};
static const struct api_schema_member disk[] = {
    {"mount", "text", true}, {"total_bytes", "count", true}, {"free_bytes", "count", true}, {0}};
static const struct api_schema_member os[] = {
    {"name", "text?", true}, {"version", "text?", true}, {"arch", "text?", true}, {0}};
static const struct api_schema_member ldplayer[] = {
    {"version", "text?", true}, {"install_dir", "text", true}, {"ldconsole", "text", true}, {0}};

#define PERCENT "{\"type\":[\"number\",\"null\"],\"minimum\":0,\"maximum\":100}"
#define SYSTEM_MEMBERS                                                                             \
    {"hostname", "text?", true}, {"cpu_percent", PERCENT, true}, {"memory", "Memory", true},       \
        {"commit", "Commit", true}, {"disks", "[Disk]", true}, {"os", "OperatingSystem", true},    \
        {"uptime_s", "count", true},                                                               \
    {                                                                                              \
        "observed_at", "time", true                                                                \
    }

static const struct api_schema_member system_figures[] = {SYSTEM_MEMBERS, {0}};
static const struct api_schema_member system_info[] = {
    {"id", "text", true}, SYSTEM_MEMBERS, {"ldplayer", "[LdplayerInstall]", true}, {0}};

static const struct api_schema_member instance_counts[] = {
    {"total", "count", true}, {"running", "count", true}, {0}};

static const struct api_schema_member workstation[] = {
    {"id", "text", true},
    {"name", "text", true},
    {"status", "online|offline|degraded|maintenance|unknown", true},
    {"status_reason", "text", true},
    {"address", "text?", true},
    {"labels", "{text}", true},
    {"maintenance", "bool", true},
    {"system", "System?", true},
    {"ldplayer", "[LdplayerInstall]", true},
    {"instances", "InstanceCounts?", true},
    {"total_emulators", "count?", true},
    {"active_emulators", "count?", true},
    {"cpu_usage", PERCENT, true},
    {"memory_usage", PERCENT, true},
    {"disk_usage", PERCENT, true},
    {"last_seen", "time?", true},
    {"created_at", "time", true},
    {"updated_at", "time", true},
    {0}};

static const struct api_schema_member created[] = {{"id", "uuid", true}, {0}};

static const struct api_schema_member connection_test[] = {
    {"status", "{\"const\":\"success\"}", true},
    {"reachable", "bool", true},
    {"latency_ms", "count", true},
    {"detail", "text", true},
    {0}};

static const struct api_schema_member identity[] = {
    {"name", "text", true},        {"role", "viewer|operator|admin", true},
    {"kind", "token|peer", true},  {"token_id", "uuid?", true},
    {"expires_at", "time?", true}, {0}};

#define TOKEN_MEMBERS                                                                              \
    {"id", "uuid", true}, {"name", "text", true}, {"role", "viewer|operator|admin", true},         \
        {"created_at", "time", true}, {"expires_at", "time?", true},                               \
        {"last_used_at", "time?", true},                                                           \
    {                                                                                              \
        "revoked_at", "time?", true                                                                \
    }

static const struct api_schema_member token[] = {TOKEN_MEMBERS, {0}};
static const struct api_schema_member token_created[] = {
    TOKEN_MEMBERS, {"token", "text", true}, {0}};
static const struct api_schema_member token_list[] = {
    {"items", "[Token]", true}, {"total", "count", true}, {0}};

static const struct api_schema_member alive[] = {{"status", "{\"const\":\"alive\"}", true}, {0}};
static const struct api_schema_member ready[] = {
    {"status", "{\"const\":\"ready\"}", true}, {"checks", "{Check}", true}, {0}};
static const struct api_schema_member check[] = {
    {"status", "ok|degraded|failing", true}, {"detail", "text?", false}, {0}};
static const struct api_schema_member health[] = {{"status", "ok|degraded|failing", true},
                                                  {"time", "time", true},
                                                  {"uptime_s", "count", true},
                                                  {"checks", "{Check}", true},
                                                  {0}};

static const struct api_schema_member version[] = {{"name", "text", true},
                                                   {"version", "text", true},
                                                   {"revision", "text", true},
                                                   {"capabilities", "[text]", true},
                                                   {0}};

static const struct api_schema_member info[] = {{"version", "text", true},
                                                {"ldplayer_version", "text?", true},
                                                {"started_at", "time", true},
                                                {"uptime_s", "count", true},
                                                {"runner", "text", true},
                                                {"instances", "object", true},
                                                {"operations", "{count}", true},
                                                {"connections", "{count}", true},
                                                {"paths", "{text?}", true},
                                                {"limits", "object", true},
                                                {0}};

static const struct api_schema_member field_error[] = {
    {"field", "text", true}, {"rule", "text", true}, {0}};

static const struct api_schema_member problem[] = {{"type", "text", true},
                                                   {"title", "text", true},
                                                   {"status", "400..599", true},
                                                   {"detail", "text", true},
                                                   {"code", "text", true},
                                                   {"retryable", "bool", true},
                                                   {"retry_after_ms", "count", false},
                                                   {"request_id", "text", true},
                                                   {"errors", "[FieldError]", false},
                                                   {"checks", "{Check}", false},
                                                   {0}};

const struct api_schema_object api_schema_objects[] = {
    {"AnyObject", any},
    {"Resolution", resolution},
    {"Selection", selection},
    {"Instance", instance},
    {"InstanceList", instance_list},
    {"Progress", progress},
    {"OperationError", operation_error},
    {"OperationChild", operation_child},
    {"Operation", operation},
    {"OperationList", operation_list},
    {"Pruned", pruned},
    {"Event", event},
    {"BreakerWindow", breaker_window},
    {"BreakerTotals", breaker_totals},
    {"Breaker", breaker},
    {"BreakerList", breaker_list},
    {"Memory", memory},
    {"Commit", commit},
    {"Disk", disk},
    {"OperatingSystem", os},
    {"LdplayerInstall", ldplayer},
    {"System", system_figures},
    {"SystemInfo", system_info},
    {"InstanceCounts", instance_counts},
    {"Workstation", workstation},
    {"WorkstationCreated", created},
    {"ConnectionTest", connection_test},
    {"CacheLoads", cache_loads},
    {"CacheBackend", cache_backend},
    {"CacheStats", cache_stats},
    {"CacheEntry", cache_entry_members},
    {"CacheEntryList", cache_entry_list},
    {"CacheConfig", cache_config},
    {"CacheConfigChange", cache_config_change},
    {"CacheCleared", cache_cleared},
    {"CacheInvalidated", cache_invalidated},
    {"PerformanceCache", performance_cache},
    {"PerformanceCacheStats", performance_cache_stats},
    {"PerformanceFigures", performance_figures},
    {"PerformanceMetrics", performance_metrics},
    {"Identity", identity},
    {"Token", token},
    {"TokenCreated", token_created},
    {"TokenList", token_list},
    {"Alive", alive},
    {"Ready", ready},
    {"Check", check},
    {"Health", health},
    {"Version", version},
    {"Info", info},
    {"FieldError", field_error},
    {"Problem", problem},
};

const size_t api_n_schema_objects = countof(api_schema_objects);
