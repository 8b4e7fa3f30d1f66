/* SPDX-License-Identifier: MIT */
#include "service/config/config.h"

#include "base/memory/cleanup.h"
#include "cache/results/limits.h"
#include "cache/snapshot/care.h"

static const char *const log_levels[] = {"debug", "info", "warning", "error", NULL};
static const char *const store_profiles[] = {"dev", "staging", "prod", NULL};
static const char *const cache_backends[] = {"memory", "redis", "none", NULL};
static const char *const runners[] = {"auto", "direct", "agent", NULL};
static const char *const interactive_roles[] = {"none", "viewer", "operator", NULL};
static const char *const codepages[] = {"system", "utf8", "gbk", "cp1252", NULL};

enum { DAY_MS = 24 * 60 * 60 * 1000, HOUR_MS = 60 * 60 * 1000 };

#define FIELD(field) .name = #field, .offset = offsetof(struct svc_config, field)
#define NUMBER(field, fallback_, min_, max_, unit_)                                                \
    FIELD(field), .type = SVC_OPTION_NUMBER, .fallback = fallback_, .min = min_, .max = max_,      \
                  .unit = unit_

static const char section_service[] = "Service";
static const char section_http[] = "Listening";
static const char section_ldconsole[] = "ldconsole";
static const char section_breaker[] = "Circuit breakers";
static const char section_refresh[] = "Looking";
static const char section_watchdog[] = "Watchdog";
static const char section_cache[] = "Result cache";
static const char section_operations[] = "Operations and events";

const struct svc_option svc_option_table[] = {
    {section_service, FIELD(data_dir), .type = SVC_OPTION_TEXT, .fallback = "",
     .fallback_note = "%ProgramData%\\ldplayerd on Windows, else $XDG_STATE_HOME/ldplayerd or "
                      "~/.local/state/ldplayerd",
     .help = "Folder of the database, the lock file and the unix socket. Only its owner can "
             "read it."},
    {section_service, FIELD(store_profile), .type = SVC_OPTION_CHOICE, .fallback = "prod",
     .choices = store_profiles,
     .help = "How the database is run. `prod`: two threads read beside the one that writes, and "
             "what was acknowledged survives a power cut. `staging`: the same with one reader and "
             "fewer prepared statements. `dev`: no thread but the writer, and a power cut may take "
             "the last second; a mere crash takes nothing in any of them."},
    {section_service, FIELD(log_level), .type = SVC_OPTION_CHOICE, .fallback = "info",
     .choices = log_levels, .is_reloadable = true,
     .help = "Records below this level are not written."},
    {section_service, FIELD(log_file), .type = SVC_OPTION_TEXT, .fallback = "",
     .fallback_note =
         "logs\\ldplayerd.log in the data directory for a service of Windows, else none",
     .help = "File that gets the log too, one JSON object a line; `none` for none."},
    {section_service, NUMBER(log_max_mb, "10", 1, 1024, "MB"),
     .help = "A log file is put aside when it is that large, and when a day (UTC) is over: "
             "`ldplayerd.log` becomes `ldplayerd-20261121T101500Z.log`."},
    {section_service, NUMBER(log_keep_files, "10", 1, 1000, "files"),
     .help = "Log files that were put aside and are kept."},
    {section_service, NUMBER(log_keep_days, "30", 1, 3650, "days"),
     .help = "Log files that were put aside longer ago are removed."},
    {section_service, NUMBER(drain_ms, "5000", 0, HOUR_MS, "ms"), .is_reloadable = true,
     .help = "How long a stop waits for requests under way to be answered; as a service of Windows "
             "15 s at most, because Windows waits no longer for the whole stop."},
    {section_service, NUMBER(simulate, "0", 0, 10000, "instances"), .bare = "8",
     .help = "Drive this many simulated instances instead of LDPlayer; 0 drives LDPlayer."},
    {section_service, NUMBER(simulate_speed, "10", 1, 1000, NULL),
     .help = "How many times faster than real ones simulated instances start and stop."},

    {section_http, FIELD(http), .type = SVC_OPTION_TEXT, .fallback = "127.0.0.1:8765",
     .help = "HOST:PORT of the HTTP listener, with a numeric host ([::1]:8765 for IPv6); port 0 "
             "takes any free port, `none` opens no TCP port."},
    {section_http, FIELD(allow_remote), .type = SVC_OPTION_BOOL, .fallback = "false",
     .bare = "true",
     .help = "Permit an address in `http` that other machines can reach. Without it such an "
             "address is refused: the connection is not encrypted."},
    {section_http, FIELD(socket), .type = SVC_OPTION_TEXT, .fallback = "",
     .fallback_note = "ldplayerd.sock in the data directory; none on Windows",
     .help = "Path of the unix socket, whose clients are known by their user id; `none` opens "
             "no socket."},
    {section_http, FIELD(pipe), .type = SVC_OPTION_TEXT, .fallback = "",
     .fallback_note = "`\\\\.\\pipe\\ldplayerd` on Windows, else none",
     .help = "Name of the named pipe, whose clients are known by their Windows account: "
             "administrators are admin; `none` opens no pipe. Windows only."},
    {section_http, FIELD(operators_group), .type = SVC_OPTION_TEXT,
     .fallback = "ldplayerd-operators",
     .help = "Windows group whose members are operators on the pipe: of this machine, or "
             "`DOMAIN\\group`. One that does not exist has no members; it is looked for at the "
             "start. Windows only."},
    {section_http, FIELD(interactive_role), .type = SVC_OPTION_CHOICE, .fallback = "viewer",
     .choices = interactive_roles,
     .help = "What everybody who is logged on at the screen or by remote desktop may do on the "
             "pipe. Windows only."},
    {section_http, NUMBER(max_connections, "10000", 1, 100000, NULL),
     .help = "Client connections at one time; more are closed at once."},
    {section_http, NUMBER(max_header_bytes, "16384", 1024, 1048576, "bytes"),
     .help = "Request line and headers of one request; more is answered with 431."},
    {section_http, NUMBER(max_body_bytes, "1048576", 1024, 67108864, "bytes"),
     .help = "Body of one request; more is answered with 413."},
    {section_http, NUMBER(header_timeout_ms, "10000", 100, HOUR_MS, "ms"),
     .help = "From the first byte of a request to the end of its headers."},
    {section_http, NUMBER(body_timeout_ms, "30000", 100, HOUR_MS, "ms"),
     .help = "From the end of the headers to the end of the body."},
    {section_http, NUMBER(idle_timeout_ms, "75000", 100, DAY_MS, "ms"),
     .help = "How long a connection may stay open between two requests."},
    {section_http, NUMBER(write_timeout_ms, "30000", 100, HOUR_MS, "ms"),
     .help = "How long a client may leave an answer unread before it is cut off."},
    {section_http, NUMBER(heartbeat_ms, "15000", 100, HOUR_MS, "ms"),
     .help = "Between two comments in an event stream in which nothing happens."},
    {section_http, NUMBER(max_backlog_bytes, "1048576", 4096, 67108864, "bytes"),
     .help = "Events that a slow reader of a stream may leave unread before it is cut off."},
    {section_http, NUMBER(first_survey_ms, "60000", 100, HOUR_MS, "ms"),
     .help = "How long a read waits for the first look at the instances after a start."},
    {section_http, NUMBER(ready_age_ms, "60000", 100, DAY_MS, "ms"),
     .help = "With no good look at the instances for longer, `/readyz` says not ready."},
    {section_http, FIELD(metrics_on_loopback), .type = SVC_OPTION_BOOL, .fallback = "false",
     .bare = "true", .help = "Answer `/metrics` without credentials to clients of this machine."},

    {section_ldconsole, FIELD(ldconsole), .type = SVC_OPTION_TEXT, .fallback = "",
     .fallback_note = "the newest LDPlayer found in the registry or its usual folders",
     .help = "Path of ldconsole.exe; of dnconsole.exe or lsconsole.exe where it is called so."},
    {section_ldconsole, FIELD(codepage), .type = SVC_OPTION_CHOICE, .fallback = "system",
     .choices = codepages,
     .help = "Code page of ldconsole's output where it is not UTF-8; `system` is the ANSI code "
             "page on Windows and GBK elsewhere."},
    {section_ldconsole, NUMBER(ldconsole_reads, "4", 1, 64, NULL),
     .help = "ldconsole processes that only read, at one time."},
    {section_ldconsole, NUMBER(ldconsole_launches, "1", 1, 16, NULL),
     .help = "ldconsole processes that launch, at one time. LDPlayer hangs guests that are "
             "launched together."},
    {section_ldconsole, NUMBER(ldconsole_quits, "2", 1, 16, NULL),
     .help = "ldconsole processes that quit an instance, at one time."},
    {section_ldconsole, NUMBER(ldconsole_exclusive, "1", 1, 4, NULL),
     .help = "ldconsole processes that add, copy, remove, rename or modify, at one time. More "
             "than one risks instances that share an index."},
    {section_ldconsole, NUMBER(ldconsole_guests, "4", 1, 64, NULL),
     .help = "adb and ld processes that ask a guest, at one time."},
    {section_ldconsole, FIELD(runner), .type = SVC_OPTION_CHOICE, .fallback = "auto",
     .choices = runners,
     .help = "Who runs ldconsole. `direct`: this process, in its own session. `agent`: a process "
             "that it starts in the session of the interactive user, because ldconsole does "
             "nothing in a service's. `auto`: the agent for the Windows service, else direct."},
    {section_ldconsole, FIELD(session_user), .type = SVC_OPTION_TEXT, .fallback = "",
     .fallback_note = "whoever is logged on, the console first",
     .help = "The user (NAME or DOMAIN\\NAME) in whose session the agent runs, and no other's."},
    {section_ldconsole, FIELD(chaos), .type = SVC_OPTION_BOOL, .fallback = "false", .bare = "true",
     .help = "Permit an admin to have ldconsole fail on purpose for a while (PUT /api/chaos), as a "
             "drill. Without it nobody can."},
    {section_ldconsole, NUMBER(max_output_bytes, "1048576", 4096, 268435456, "bytes"),
     .help = "Output of one process that is kept; a process that prints more is ended."},
    {section_ldconsole, NUMBER(deadline_list2_ms, "10000", 100, HOUR_MS, "ms"),
     .help = "A `list2` that takes longer is ended."},
    {section_ldconsole, NUMBER(deadline_launch_ms, "30000", 100, HOUR_MS, "ms"),
     .help = "The same for `launch`, which answers before the instance is up."},
    {section_ldconsole, NUMBER(deadline_quit_ms, "30000", 100, HOUR_MS, "ms"),
     .help = "The same for `quit`."},
    {section_ldconsole, NUMBER(deadline_add_ms, "60000", 100, HOUR_MS, "ms"),
     .help = "The same for `add`."},
    {section_ldconsole, NUMBER(deadline_copy_ms, "900000", 100, DAY_MS, "ms"),
     .help = "The same for `copy`, which copies gigabytes."},
    {section_ldconsole, NUMBER(deadline_remove_ms, "30000", 100, HOUR_MS, "ms"),
     .help = "The same for `remove`."},
    {section_ldconsole, NUMBER(deadline_rename_ms, "30000", 100, HOUR_MS, "ms"),
     .help = "The same for `rename`."},
    {section_ldconsole, NUMBER(deadline_modify_ms, "30000", 100, HOUR_MS, "ms"),
     .help = "The same for `modify`."},
    {section_ldconsole, NUMBER(deadline_guest_ms, "5000", 100, HOUR_MS, "ms"),
     .help = "The same for one question to a guest by adb or ld."},

    {section_breaker, NUMBER(breaker_min_calls, "10", 1, 32, "calls"),
     .help = "A breaker looks at its share of failures once this many calls are in."},
    {section_breaker, NUMBER(breaker_failure_percent, "50", 1, 100, "percent"),
     .help = "Failures among the last 32 calls that open a breaker."},
    {section_breaker, NUMBER(breaker_slow_percent, "80", 1, 100, "percent"),
     .help = "Calls among them that took more than half of their deadline, and open it too."},
    {section_breaker, NUMBER(breaker_consecutive_failures, "5", 1, 1000, "calls"),
     .help = "Failures in a row that open a breaker; of missed deadlines two are enough."},
    {section_breaker, NUMBER(breaker_window_ms, "3600000", 1000, DAY_MS, "ms"),
     .help = "Calls that are older do not count any more."},
    {section_breaker, NUMBER(breaker_open_ms, "5000", 10, DAY_MS, "ms"),
     .help = "How long an open breaker refuses before it lets one call through to try; doubles "
             "with every failed try, and when it opens again soon; quiet takes that back."},
    {section_breaker, NUMBER(breaker_max_open_ms, "60000", 10, DAY_MS, "ms"),
     .help = "The longest that doubling makes of it."},

    {section_refresh, NUMBER(refresh_active_ms, "500", 50, HOUR_MS, "ms"),
     .help = "Between two looks at all instances while something is moving."},
    {section_refresh, NUMBER(refresh_idle_ms, "5000", 100, DAY_MS, "ms"),
     .help = "Between two looks while nothing moves."},
    {section_refresh, NUMBER(stuck_ms, "120000", 1000, DAY_MS, "ms"),
     .help = "An instance that has been starting for longer is called stuck."},

    {section_watchdog, NUMBER(repair_looks, "3", 1, 100, "looks"),
     .help =
         "Looks in a row, `refresh_idle_ms` apart, that must show an instance ill before that is "
         "told or anything is done."},
    {section_watchdog, NUMBER(repair_per_hour, "5", 1, CACHE_CARE_ACTS, "acts"),
     .help =
         "What the watchdog does in an hour to heal one instance; when that is not enough it is "
         "put in quarantine. Not more often than what was done can be seen to help."},
    {section_watchdog, NUMBER(repair_host_per_hour, "10", 1, 1000, "acts"),
     .help = "The same for all instances together; then healing stops until the hour is over."},
    {section_watchdog, NUMBER(restart_after_h, "0", 0, 8760, "h"),
     .help =
         "An instance that should run (`desired_state`), is well and may be restarted (`repair` is "
         "`restart` or `full`) is restarted when it has run for so long; 0 never does. One at a "
         "time, as an operation with its reason."},
    {section_watchdog, NUMBER(restart_leak_mb_per_h, "0", 0, 1048576, "MB"),
     .help = "And when the private bytes of its player and its VM have grown by so much an hour "
             "over the last one to two hours, after half an hour of warming up; 0 never does."},
    {section_watchdog, NUMBER(restart_idle_cpu_percent, "0", 0, 6400, "percent"),
     .help = "Both of these only while the two have taken less of one processor than this for the "
             "last minutes; 0 does not look."},

    {section_cache, FIELD(cache_backend), .type = SVC_OPTION_CHOICE, .fallback = "memory",
     .choices = cache_backends,
     .help = "Where results are kept: `memory`; `redis`, with memory in front of it; `none` keeps "
             "nothing. While redis is away memory serves alone."},
    {section_cache, FIELD(disable_result_cache), .type = SVC_OPTION_BOOL, .fallback = "false",
     .bare = "true", .alias = "DISABLE_RESULT_CACHE",
     .help = "Keep no results, whatever the backend; can be changed while the service runs."},
    {section_cache, NUMBER(cache_max_entries, "1000", 1, CACHE_MAX_ENTRIES, "results"),
     .alias = "CACHE_MAX_SIZE",
     .help = "Results kept in memory; more push out those used longest ago."},
    {section_cache, NUMBER(cache_max_memory_mb, "512", 1, CACHE_MAX_MEMORY_MB, "MB"),
     .alias = "CACHE_MAX_MEMORY_MB",
     .help = "Memory for them, keys and bookkeeping included; at most what the machine has."},
    {section_cache, NUMBER(cache_ttl_s, "86400", 1, CACHE_MAX_TTL_S, "s"),
     .alias = "CACHE_TTL_SECONDS",
     .help =
         "How long a result is good for where its kind has no time of its own: the instances as "
         "last looked at (workstations: 300 s)."},
    {section_cache, FIELD(cache_redis_url), .type = SVC_OPTION_TEXT,
     .fallback = "redis://127.0.0.1:6379", .is_secret = true,
     .help = "redis://[USER:PASSWORD@]HOST[:PORT][/DB] of the redis. With a password it belongs in "
             "the file or the environment, where other users do not see it."},
    {section_cache, FIELD(cache_redis_prefix), .type = SVC_OPTION_TEXT, .fallback = "",
     .fallback_note = "none",
     .help = "What stands in front of our keys in redis, for a redis that has rules about names. "
             "Behind it they have the id of this node (`node-id` in the data directory), so no two "
             "services ever share results, with whatever prefix."},

    {section_operations, NUMBER(max_queued_operations, "10000", 1, 100000, NULL),
     .help = "Operations that have not ended; more are answered with 429."},
    {section_operations, NUMBER(start_timeout_ms, "180000", 1000, DAY_MS, "ms"),
     .help = "A start whose Android is not up by then has timed out."},
    {section_operations, NUMBER(ready_timeout_ms, "120000", 1000, DAY_MS, "ms"),
     .help = "How much longer a start that waits for the guest to answer may take."},
    {section_operations, NUMBER(stop_timeout_ms, "60000", 1000, DAY_MS, "ms"),
     .help = "A stop that has left a process by then has timed out."},
    {section_operations, NUMBER(manage_timeout_ms, "60000", 1000, DAY_MS, "ms"),
     .help = "The same for create, modify, rename and remove."},
    {section_operations, NUMBER(clone_timeout_ms, "1200000", 1000, DAY_MS, "ms"),
     .help = "The same for clone, which copies gigabytes."},
    {section_operations, NUMBER(settle_ms, "10000", 0, HOUR_MS, "ms"),
     .help = "An instance is launched only when nothing of it has been running for so long: too "
             "soon after a stop LDPlayer leaves it stuck. Where processes cannot be seen, 5 s "
             "more after what was seen running."},
    {section_operations, NUMBER(launch_min_memory_mb, "512", 0, 1048576, "MB"),
     .help =
         "An instance is launched only when so much memory of this machine stays free beside "
         "what the instance is configured for; 0 does not look. A launch waits for this and the "
         "three that follow, and says so (`waiting_for`); with `simulate` they do not count."},
    {section_operations, NUMBER(launch_max_commit_percent, "95", 0, 100, "percent"),
     .help = "And only when no more than this of what all programs may ask for (memory and page "
             "file) is taken, the instance counted in; 0 does not look."},
    {section_operations, NUMBER(launch_max_cpu_percent, "95", 0, 100, "percent"),
     .help = "And only while the processors are no busier than this; 0 does not look."},
    {section_operations, NUMBER(launch_min_disk_mb, "2048", 0, 1073741824, "MB"),
     .help = "And only when so much is free on the disk with the instances; 0 does not look."},
    {section_operations, NUMBER(event_ring, "10000", 100, 1000000, "events"),
     .help = "Newest events that are kept for clients that come back."},
};

const size_t svc_option_count = countof(svc_option_table);

_Static_assert(countof(svc_option_table) <= SVC_CONFIG_MAX_OPTIONS, "more origins are needed");
