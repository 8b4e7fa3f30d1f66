/* SPDX-License-Identifier: MIT */
#include "api/describe/schema.h"

#include "base/memory/cleanup.h"

#define CREDENTIALS "viewer|operator|admin"

const struct api_schema_row api_schema_rows[] = {
    /* --- instances --- */
    {"InstanceState", "unknown|stopped|starting|booting|running|ready|stopping|stuck|zombie|"
                      "unreachable"},
    {"Labels", "{text}"},
    {"Resolution", "only width: 1..16384, height: 1..16384, dpi: 1..2000"},
    {"InstanceEvidence", "list2?: {android: int, pid: int, vbox_pid: int}?, "
                         "processes?: {player: int?, headless: int?}?, "
                         "config?: missing|unreadable|truncated|readable, config_fault?: text, "
                         "config_loss?: text, drift?: [text], "
                         "guest?: answers|silent|other|closed|unknown, guest_answered_at?: time"},
    {"Adb", "serial: text?, verified: own|other|foreign|unknown, reachable: bool?, "
            "debug: off|local|remote|unknown"},
    {"RepairMode", "off|report|restart|full"},
    {"Quarantine", "since: time, reason: text"},
    {"freshness", "observed_at: time?, age_ms: count?, source: live|cache|stale"},
    {"Instance", "id: uuid, index: count, name: text, state: InstanceState, state_reason: text, "
                 "evidence: InstanceEvidence, desired_state: running|stopped?, repair: RepairMode, "
                 "quarantine: Quarantine?, adb_serial: text?, "
                 "adb: Adb, pid: int?, vbox_pid: int?, top_window: int?, bind_window: int?, "
                 "resolution: Resolution?, settings: InstanceSettings, labels: Labels, "
                 "group: text?, revision: text, ...freshness, stale_reason?: text"},
    {"InstancePartial", "...Instance?"},
    {"instance_page", "total: count, next_cursor?: text?, ...freshness, stale_reason?: text?"},
    {"InstanceList", "items: [Instance], ...instance_page"},
    {"InstancePartialList", "items: [InstancePartial], ...instance_page"},
    {"Selection",
     "only ids?: {\"type\":\"array\",\"maxItems\":10000,\"items\":{\"type\":[\"string\",\"integer\"]}}, "
     "all?: =true, state?: InstanceState|[InstanceState], group?: text?, labels?: {text?}"},

    /* --- operations --- */
    {"OperationKind", "create|start|stop|restart|modify|rename|clone|remove|repair|batch"},
    {"OperationStatus", "queued|waiting_for_session|running|succeeded|failed|timed_out|cancelled|"
                        "interrupted"},
    {"Progress", "percent: percent, step: text?"},
    {"OperationError", "code: text, detail: text?, retryable: bool"},
    {"CallEvidence", "time: time, command: text, "
                     "outcome: exited|not_started|timed_out|cancelled|flooded|lost|rejected, "
                     "exit_code?: int, error?: text, output?: text, duration_ms?: count"},
    {"StateEvidence", "time: time, state: InstanceState, reason: text"},
    {"NoteEvidence", "time: time, note: text"},
    {"InstanceResult", "...Instance, note?: text"},
    {"RemoveResult", "removed: =true, note?: text"},
    {"BatchResult", "total: count, succeeded: count, not_succeeded: count"},
    {"WaitingFor", "code: line|session|look|settling|breaker|gate|places|lane|pressure|retry, "
                   "detail: text, operation: uuid?, instance: InstanceName?"},
    {"InstanceName", "id: uuid, index: count, name: text"},
    {"operation_head", "id: uuid, target: uuid?, status: OperationStatus, created_at: time, "
                       "started_at: time?, ended_at: time?, progress: Progress, "
                       "waiting_for: WaitingFor?, error: OperationError?"},
    {"operation", "...operation_head, requested_by: text?, idempotency_key: text?, "
                  "evidence: [CallEvidence|StateEvidence|NoteEvidence], has_diagnostics: bool, "
                  "parent: uuid?"},
    {"InstanceOperation", "kind: create|start|stop|restart|modify|rename|clone|repair, "
                          "...operation, "
                          "result: InstanceResult?, children: null"},
    {"RemoveOperation", "kind: =remove, ...operation, result: RemoveResult?, children: null"},
    {"BatchOperation", "kind: =batch, ...operation, result: BatchResult?, "
                       "children: [OperationChild]?"},
    {"Operation", "kind => InstanceOperation|RemoveOperation|BatchOperation"},
    {"OperationChild", "kind: OperationKind, ...operation_head, "
                       "result: InstanceResult|RemoveResult?"},
    {"OperationList", "items: [Operation], total: count, next_cursor: text?"},
    {"Pruned", "removed: count"},
    {"Diagnostics", "operation: uuid, kind: OperationKind, status: OperationStatus, "
                    "requested_by: text?, created_at: time, started_at: time?, ended_at: time?, "
                    "step: text?, reason: text?, error: OperationError?, "
                    "commands: [CallEvidence]?, evidence: [StateEvidence|NoteEvidence]?, "
                    "instance: Instance?, config: DiagnosticsConfig?, vm_log: DiagnosticsLog?, "
                    "processes: [DiagnosticsProcess]?, system: System?, collected_at: time"},
    {"DiagnosticsConfig", "path: text, before: DiagnosticsFile?, after: DiagnosticsFile?"},
    {"DiagnosticsFile", "read_at: time, text: text?, error: text?"},
    {"DiagnosticsLog", "path: text, written_at: time?, size: count, text: text?, error: text?"},
    {"DiagnosticsProcess", "pid: int, role: player|headless|manager|vm_service, is_own: bool, "
                           "age_ms: count, image: text?"},

    /* --- the data of events --- */
    {"InstanceSeen", "id: uuid, index: count, name: text, state: InstanceState"},
    {"InstanceUnhealthy",
     "...InstanceSeen, illness: stuck|zombie|unreachable|silent|crash_loop|"
     "foreign_guest|config_lost|not_starting, reason: text, repair: RepairMode"},
    {"HealingStopped", "is_stopped: bool, reason: text?"},
    {"ConfigRestored", "id: uuid, index: count, reason: text"},
    {"InstanceDrifted", "id: uuid, index: count, settings: [text], reason: text"},
    {"ManagerSeen", "is_open: bool, pid: int?"},
    {"InstanceChanged", "...InstanceSeen, changes: InstanceChanges"},
    {"InstanceChanges", "index?: <count>, name?: <text>, state?: <InstanceState>, "
                        "state_reason?: <text>, desired_state?: <running|stopped?>, "
                        "repair?: <RepairMode>, quarantine?: <Quarantine?>, "
                        "adb_serial?: <text?>, adb?: <Adb>, pid?: <int?>, vbox_pid?: <int?>, "
                        "top_window?: <int?>, bind_window?: <int?>, resolution?: <Resolution?>, "
                        "settings?: <InstanceSettings>, labels?: <Labels>, group?: <text?>"},
    {"OperationMoved", "id: uuid, kind: OperationKind, target: uuid?, parent: uuid?, "
                       "status: OperationStatus, percent: percent, step: text?, "
                       "error: OperationError?"},
    {"BreakerMoved", "name: text, instance: uuid?, state: BreakerState, reason: text?, "
                     "note: text?, by: text?"},
    {"WorkstationSeen", "id: text, name: text, status: WorkstationStatus, status_reason: text"},
    {"WorkstationChanged", "...WorkstationSeen, changes: WorkstationChanges"},
    {"WorkstationChanges", "name?: <text>, address?: <text?>, labels?: <Labels>, "
                           "maintenance?: <bool>, status?: <WorkstationStatus>"},
    {"ObservationChanged", "is_fresh: bool, code: text?, detail: text?"},
    {"CacheForgot", "kind: clear|pattern, pattern: text?, entries_removed: count, by: text"},
    {"CacheConfigured", "config: {...cache_limits}, by: text"},
    {"AgentStarted", "session: count, user: text, pid: count, elevated: bool"},
    {"AgentLost", "session: count, user: text, reason: text, retry_ms: count"},
    {"ServiceStarted", "version: text, pid: count, ldconsole: text?"},
    {"CallerRefused", "method: text, path: text, status: 401..403, who: text, role: text, "
                      "how: text, request_id: text, more: count"},
    {"LostRange", "from: count, to: count, reason: text"},
    {"LostCount", "dropped: count"},

    /* --- breakers --- */
    {"BreakerState", "closed|open|half-open|forced-open|disabled|forced-closed"},
    {"Breaker", "name: text, instance: uuid?, state: BreakerState, reason: text?, note: text?, "
                "by: text?, expires_at: time?, opened_at: time?, retry_after_ms: count?, "
                "window: BreakerWindow, totals: BreakerTotals, last_failures: [BreakerCall]"},
    {"BreakerWindow", "size: count, calls: count, failures: count, failure_percent: percent, "
                      "slow: count, slow_percent: percent, consecutive_failures: count, "
                      "consecutive_hangs: count, consecutive_missing_effects: count"},
    {"BreakerTotals", "successes: count, failures: count, rejected: count, opened: count, "
                      "faults: {spawn: count, lost: count, deadline: count, exit_code: count, "
                      "parse: count, vendor_refusal: count, effect_missing: count, "
                      "callers_mistake: count}"},
    {"BreakerCall", "time: time, fault: spawn|lost|deadline|exit_code|parse|vendor_refusal|"
                    "effect_missing, code: text, instance: uuid?, command: text?, exit_code: int, "
                    "output: text, duration_ms: count"},
    {"BreakerList", "items: [Breaker], total: count"},

    {"ChaosDrill", "kind: latency|hang|error|garbage, verb: text?, percent: percent, "
                   "latency_ms: count?, by: text, ends_at: time, spoiled: count"},
    {"ChaosBegun", "kind: text, verb: text?, percent: percent, seconds: count, by: text"},
    {"ChaosEnded", "kind: text, by: text, spoiled: count, reason: text"},
    {"Chaos", "is_allowed: bool, drill: ChaosDrill?"},

    /* --- workstations --- */
    {"WorkstationStatus", "online|offline|degraded|maintenance|unknown"},
    {"Memory", "total_bytes: count, used_bytes: count, available_bytes: count"},
    {"Commit", "limit_bytes: count, used_bytes: count"},
    {"Disk", "mount: text, total_bytes: count, free_bytes: count"},
    {"OperatingSystem", "name: text?, version: text?, arch: text?"},
    {"LdplayerInstall", "version: text?, install_dir: text, ldconsole: text"},
    {"System",
     "hostname: text?, cpu_percent: share?, memory: Memory, commit: Commit, "
     "disks: [Disk], os: OperatingSystem, uptime_s: count, hyper_v: bool, observed_at: time"},
    {"SystemInfo", "id: text, ...System, ldplayer: [LdplayerInstall]"},
    {"Workstation", "id: text, name: text, status: WorkstationStatus, status_reason: text, "
                    "address: text?, labels: Labels, maintenance: bool, system: System?, "
                    "ldplayer: [LdplayerInstall], instances: {total: count, running: count}?, "
                    "total_emulators: count?, active_emulators: count?, cpu_usage: share?, "
                    "memory_usage: share?, disk_usage: share?, last_seen: time?, "
                    "created_at: time, updated_at: time, revision: text"},
    {"WorkstationCreated", "id: uuid"},
    {"ConnectionTest", "status: =success, reachable: bool, latency_ms: count, detail: text"},

    /* --- the result cache --- */
    {"CacheBackendName", "memory|redis|none"},
    {"CacheLoads", "ok: count, failed: count, total_ms: count, max_ms: count, mean_ms: number, "
                   "under_way: count, waiting: count"},
    {"CacheBackend", "name: CacheBackendName, is_up: bool, detail: text?, gets: count, "
                     "hits: count, puts: count, failed: count, bad: count, reconnects: count"},
    {"CacheStats", "hits: count, misses: count, stale: count, bypassed: count, "
                   "hit_rate_percent: share, evictions: count, evictions_for_entries: count, "
                   "evictions_for_bytes: count, expirations: count, invalidated: count, "
                   "refused: count, entries: count, bytes: count, peak_bytes: count, "
                   "coalesced: count, refreshes: count, loads: CacheLoads, "
                   "backend: CacheBackend"},
    {"CacheEntry", "key: text, bytes: count, age_ms: count, ttl_ms: count, is_fresh: bool, "
                   "accesses: count, last_access: time"},
    {"CacheEntryList", "items: [CacheEntry], total: count"},
    {"cache_limits", "max_entries: 1..10000000, max_memory_mb: 1..1048576, "
                     "default_ttl_seconds: 1..31536000, enabled: bool"},
    {"CacheConfig", "...cache_limits, backend: CacheBackendName"},
    {"CacheConfigChange", "some ...cache_limits?"},
    {"CacheCleared", "status: =success, message: text, entries_removed: count, timestamp: time"},
    {"CacheInvalidated", "status: =success, message: text, pattern: text, timestamp: time"},
    {"PerformanceCache", "hits: count, misses: count, size: count, evictions: count, "
                         "total_requests: count, hit_rate_percent: share"},
    {"PerformanceCacheStats", "status: =success, cache_stats: PerformanceCache, timestamp: time"},
    {"PerformanceFigures", "cache: PerformanceCache, managers: {count: count}, "
                           "websockets: {active_connections: count}, "
                           "connections: {active: count}, operations: {open: count}, "
                           "ldconsole: {running: count, waiting: count}"},
    {"PerformanceMetrics", "status: =success, metrics: PerformanceFigures, timestamp: time"},

    /* --- who asks --- */
    {"Identity", "name: text, role: " CREDENTIALS ", kind: token|peer, token_id: uuid?, "
                 "expires_at: time?"},
    {"Token", "id: uuid, name: text, role: " CREDENTIALS ", created_at: time, expires_at: time?, "
              "last_used_at: time?, revoked_at: time?"},
    {"TokenCreated", "...Token, token: text"},
    {"TokenList", "items: [Token], total: count"},

    /* --- backups --- */
    {"Backup", "name: text, path: text, bytes: count, created_at: time, schema_version: count"},
    {"BackupMade", "...Backup, rows: {count}"},
    {"BackupList", "items: [Backup], total: count"},
    {"Restarting", "status: =restarting"},
    {"Restored",
     "at: time, staged: uuid, file: text, interrupted: count, kept: text?, lost?: text, "
     "live_again?: text"},

    /* --- the service --- */
    {"Alive", "status: =alive"},
    {"check", "status: ok|degraded|failing"},
    {"DatabaseCheck", "...check, detail: text?, refused_since: time?, profile: text, "
                      "waiting_jobs: count, free_bytes: count?"},
    {"RunnerCheck", "...check, detail: text?, kind: direct|agent, ldconsole: text?, "
                    "running: count, waiting: count"},
    {"SurveyCheck", "...check, detail: text?, code: text?, age_ms: count?"},
    {"BreakersCheck", "...check, open: count, open_of_instances: count"},
    {"CacheCheck", "...check, detail: text?, backend: CacheBackendName, enabled: bool"},
    {"EventsCheck", "...check, last_seq: count, streams: count"},
    {"BackupCheck", "...check, detail: text?, newest_at: time?, age_s: count?"},
    {"RepairedTable", "name: text, kept: count, lost: count?"},
    {"Repair", "at: time, finding: text, kept: text?, copy: text?, tables: [RepairedTable]"},
    {"RepairCheck", "...check, detail: text, ...Repair"},
    {"Missing", "at: time, copies: [text]"},
    {"MissingCheck", "...check, detail: text, ...Missing"},
    {"VitalChecks", "database: DatabaseCheck, runner: RunnerCheck, list2: SurveyCheck"},
    {"Checks", "...VitalChecks, breakers: BreakersCheck, cache: CacheCheck, events: EventsCheck, "
               "backup: BackupCheck, repair?: RepairCheck, missing?: MissingCheck"},
    {"Ready", "status: =ready, checks: VitalChecks"},
    {"Health", "...check, time: time, uptime_s: count, checks: Checks"},
    {"Version", "name: =ldplayerd, version: text, revision: text, capabilities: [text]"},
    {"Info", "version: text, ldplayer_version: text?, started_at: time, uptime_s: count, "
             "runner: direct|agent, instances: {total: count, by_state: {count}}, "
             "operations: {queued: count, waiting_for_session: count, running: count}, "
             "connections: {open: count, event_streams: count}, paths: Paths, limits: Limits, "
             "restored?: Restored"},
    {"Paths", "data_dir: text, ldconsole: text?, vms_dir: text?, adb: text?, ld: text?"},
    {"Limits", "connections: count, header_bytes: count, body_bytes: count, "
               "event_backlog_bytes: count, service?: {int}"},
    {"OpenapiDocument", "openapi: text, info: {title: text, description: text, version: text, "
                        "license: {name: text, identifier: text}}, servers: [{url: text}], "
                        "tags: [{name: text, description: text}], paths: {any}, components: {any}"},
    {"FieldError", "field: text, rule: text"},
    {"Problem", "type: text, title: text, status: 400..599, detail: text, code: ProblemCode, "
                "retryable: bool, retry_after_ms?: count, request_id: text, "
                "errors?: [FieldError], checks?: VitalChecks"},
};

const size_t api_n_schema_rows = countof(api_schema_rows);
