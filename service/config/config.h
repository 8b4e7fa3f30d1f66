/* SPDX-License-Identifier: MIT */
#ifndef SVC_CONFIG_H
#define SVC_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/config/option.h"
#include "service/config/problems.h"

/** The options of the service. One table (config_table.c) says of each its name, type, default,
 *  range and meaning; reading, refusing, showing and documenting all come from it.
 *
 *  An option `max_connections` is the key of that name in the JSON configuration file, the
 *  environment variable LDPLAYERD_MAX_CONNECTIONS and the flag --max-connections. A flag wins over
 *  the environment, that over an alias, that over the file, that over the default. */

enum svc_source { SVC_SOURCE_DEFAULT, SVC_SOURCE_FILE, SVC_SOURCE_ENV, SVC_SOURCE_FLAG };

enum { SVC_CONFIG_MAX_OPTIONS = 96 };

/** Values in effect. Texts are owned and never NULL. */
struct svc_config {
    char *data_dir, *store_profile, *log_level;
    char *log_file;
    int64_t log_max_mb, log_keep_files, log_keep_days;
    int64_t drain_ms, simulate, simulate_speed;

    char *http, *socket, *pipe, *operators_group, *interactive_role;
    bool allow_remote, metrics_on_loopback, chaos;
    int64_t max_connections, max_header_bytes, max_body_bytes;
    int64_t header_timeout_ms, body_timeout_ms, idle_timeout_ms, write_timeout_ms;
    int64_t heartbeat_ms, max_backlog_bytes, first_survey_ms, ready_age_ms;

    char *ldconsole, *codepage, *runner, *session_user;
    int64_t ldconsole_reads, ldconsole_launches, ldconsole_quits, ldconsole_exclusive,
        ldconsole_guests;
    int64_t max_output_bytes;
    int64_t deadline_list2_ms, deadline_launch_ms, deadline_quit_ms, deadline_add_ms,
        deadline_copy_ms, deadline_remove_ms, deadline_rename_ms, deadline_modify_ms,
        deadline_guest_ms;
    int64_t breaker_min_calls, breaker_failure_percent, breaker_slow_percent,
        breaker_consecutive_failures, breaker_window_ms, breaker_open_ms, breaker_max_open_ms;

    int64_t refresh_active_ms, refresh_idle_ms, stuck_ms;

    char *cache_backend, *cache_redis_url, *cache_redis_prefix;
    bool disable_result_cache;
    int64_t cache_max_entries, cache_max_memory_mb, cache_ttl_s;

    int64_t repair_looks, repair_per_hour, repair_host_per_hour;
    int64_t restart_after_h, restart_leak_mb_per_h, restart_idle_cpu_percent;

    int64_t max_queued_operations, event_ring;
    int64_t start_timeout_ms, ready_timeout_ms, stop_timeout_ms, manage_timeout_ms,
        clone_timeout_ms, settle_ms;
    int64_t launch_min_memory_mb, launch_max_commit_percent, launch_max_cpu_percent,
        launch_min_disk_mb;

    char *file; /* the configuration file that was read, or NULL */
    struct svc_origin {
        enum svc_source source;
        bool is_alias;                 /* the environment variable is the alias */
        unsigned line;                 /* in the file, else 0 */
    } origins[SVC_CONFIG_MAX_OPTIONS]; /* by position in the table */
};

/** A flag of the command line: NAME without dashes. */
struct svc_flag {
    const char *name, *value;
};

/** Reads all four sources; FLAGS that are no options are passed over, but for `config`, which
 *  names the file. Without it that is LDPLAYERD_CONFIG, or `config.json` in the data directory
 *  where one exists. Every mistake of every source is added to PROBLEMS. RET is complete in any
 *  case and must be released. Returns 0 or UV_EINVAL. */
int svc_config_load(const struct svc_flag *flags, size_t n_flags, struct svc_config *ret,
                    struct svc_problems *problems);
void svc_config_deinit(struct svc_config *c);

/** The parts of svc_config_load, in its order. */
void svc_config_init(struct svc_config *c);
void svc_config_read_file(struct svc_config *c, const char *path, struct svc_problems *problems);
void svc_config_read_env(struct svc_config *c, struct svc_problems *problems);
void svc_config_read_flags(struct svc_config *c, const struct svc_flag *flags, size_t n_flags,
                           struct svc_problems *problems);
/** (config_check.c) What is wrong only together: a remote address that is not allowed, no listener
 *  at all, two things to drive. */
void svc_config_check(const struct svc_config *c, struct svc_problems *problems);

/** Sets one option from text. WHERE names the place in a refusal ("--http"). */
void svc_config_set_text(struct svc_config *c, const struct svc_option *option, const char *text,
                         enum svc_source source, const char *where, struct svc_problems *problems);
/** For a reader that has checked the type: a number in range or not, a text that is a choice or
 *  not. */
void svc_config_set_number(struct svc_config *c, const struct svc_option *option, int64_t number,
                           struct svc_origin origin, const char *where,
                           struct svc_problems *problems);
void svc_config_set_string(struct svc_config *c, const struct svc_option *option, const char *text,
                           struct svc_origin origin, const char *where,
                           struct svc_problems *problems);
void svc_config_set_bool(struct svc_config *c, const struct svc_option *option, bool value,
                         struct svc_origin origin);

/** The value in effect as text, owned by the caller. */
char *svc_config_value(const struct svc_config *c, const struct svc_option *option);
/** The same for people: "-" for none, and no secrets. */
char *svc_config_shown(const struct svc_config *c, const struct svc_option *option);
/** Where the value comes from: "default", "environment LDPLAYERD_HTTP", "file x.json line 3". */
char *svc_config_source(const struct svc_config *c, const struct svc_option *option);

#endif
