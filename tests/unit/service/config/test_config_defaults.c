/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "api/server.h"
#include "base/memory/cleanup.h"
#include "control/keep/reconciler.h"
#include "control/observe/observer.h"
#include "control/operations/engine.h"
#include "ldconsole/guard/client.h"
#include "service/config/config.h"

/* The table is what people read. What it calls a default must be what a layer does by itself. */

static struct svc_config config;

static void load(void)
{
    svc_config_init(&config);
}

static void unload(void)
{
    svc_config_deinit(&config);
}

TestSuite(svc_config_defaults, .init = load, .fini = unload);

Test(svc_config_defaults, are_those_of_ldconsole)
{
    const struct ldc_client_options *d = &ldc_client_defaults;
    cr_assert_eq(config.ldconsole_reads, d->concurrency[LDC_CLASS_READ]);
    cr_assert_eq(config.ldconsole_launches, d->concurrency[LDC_CLASS_LAUNCH]);
    cr_assert_eq(config.ldconsole_quits, d->concurrency[LDC_CLASS_QUIT]);
    cr_assert_eq(config.ldconsole_exclusive, d->concurrency[LDC_CLASS_EXCLUSIVE]);
    cr_assert_eq(config.ldconsole_guests, d->concurrency[LDC_CLASS_GUEST]);
    cr_assert_eq(config.max_output_bytes, (int64_t)d->max_output);
    cr_assert_eq(config.breaker_min_calls, d->breaker.min_calls);
    cr_assert_eq(config.breaker_failure_percent, d->breaker.failure_percent);
    cr_assert_eq(config.breaker_slow_percent, d->breaker.slow_percent);
    cr_assert_eq(config.breaker_consecutive_failures, d->breaker.consecutive_failures);
    cr_assert_eq(config.breaker_window_ms, d->breaker.window_ms);
    cr_assert_eq(config.breaker_open_ms, d->breaker.open_ms);
    cr_assert_eq(config.breaker_max_open_ms, d->breaker.max_open_ms);
}

Test(svc_config_defaults, are_the_deadlines_of_the_verbs)
{
    const struct {
        enum ldc_verb verb;
        int64_t ms;
    } rows[] = {
        {LDC_VERB_USAGE, config.deadline_list2_ms},   {LDC_VERB_LIST2, config.deadline_list2_ms},
        {LDC_VERB_LAUNCH, config.deadline_launch_ms}, {LDC_VERB_QUIT, config.deadline_quit_ms},
        {LDC_VERB_ADD, config.deadline_add_ms},       {LDC_VERB_COPY, config.deadline_copy_ms},
        {LDC_VERB_REMOVE, config.deadline_remove_ms}, {LDC_VERB_RENAME, config.deadline_rename_ms},
        {LDC_VERB_MODIFY, config.deadline_modify_ms}, {LDC_VERB_ADB, config.deadline_guest_ms},
        {LDC_VERB_LD, config.deadline_guest_ms},
    };
    cr_assert_eq(countof(rows), LDC_VERB_COUNT);
    for (size_t i = 0; i < countof(rows); i++)
        cr_assert_eq(rows[i].ms, ldc_verb_table[rows[i].verb].deadline_ms, "%s",
                     ldc_verb_table[rows[i].verb].name);
}

Test(svc_config_defaults, are_those_of_control)
{
    cr_assert_eq(config.refresh_active_ms, ctl_observer_defaults.active_ms);
    cr_assert_eq(config.refresh_idle_ms, ctl_observer_defaults.idle_ms);
    cr_assert_eq(config.refresh_idle_ms, ctl_reconciler_defaults.look_ms);
    cr_assert_eq(config.repair_looks, ctl_reconciler_defaults.looks);
    cr_assert_eq(config.repair_per_hour, ctl_reconciler_defaults.budget.per_hour);
    cr_assert_eq(config.repair_host_per_hour, ctl_reconciler_defaults.budget.host_per_hour);
    cr_assert_eq(config.restart_after_h, ctl_reconciler_defaults.planned.after_h);
    cr_assert_eq(config.restart_leak_mb_per_h, ctl_reconciler_defaults.planned.leak_mb_per_h);
    cr_assert_eq(config.restart_idle_cpu_percent, ctl_reconciler_defaults.planned.idle_cpu_percent);
    cr_assert_eq(config.stuck_ms, ctl_observer_defaults.stuck_ms);
    cr_assert_eq(config.max_queued_operations, ctl_engine_defaults.max_queued);
    cr_assert_eq(config.start_timeout_ms, ctl_engine_defaults.timeouts.start_ms);
    cr_assert_eq(config.ready_timeout_ms, ctl_engine_defaults.timeouts.ready_ms);
    cr_assert_eq(config.stop_timeout_ms, ctl_engine_defaults.timeouts.stop_ms);
    cr_assert_eq(config.manage_timeout_ms, ctl_engine_defaults.timeouts.manage_ms);
    cr_assert_eq(config.clone_timeout_ms, ctl_engine_defaults.timeouts.clone_ms);
    const struct ctl_pressure_limits *pressure = &ctl_engine_defaults.pressure;
    cr_assert_eq(config.launch_min_memory_mb, pressure->min_memory_mb);
    cr_assert_eq(config.launch_max_commit_percent, pressure->max_commit_percent);
    cr_assert_eq(config.launch_max_cpu_percent, pressure->max_cpu_percent);
    cr_assert_eq(config.launch_min_disk_mb, pressure->min_disk_mb);
}

Test(svc_config_defaults, are_those_of_the_server)
{
    const struct api_options *d = &api_options_defaults;
    cr_assert_eq(config.max_connections, d->http.max_connections);
    cr_assert_eq(config.max_header_bytes, d->http.max_head_bytes);
    cr_assert_eq(config.max_body_bytes, d->http.max_body_bytes);
    cr_assert_eq(config.header_timeout_ms, d->http.head_timeout_ms);
    cr_assert_eq(config.body_timeout_ms, d->http.body_timeout_ms);
    cr_assert_eq(config.idle_timeout_ms, d->http.idle_timeout_ms);
    cr_assert_eq(config.write_timeout_ms, d->http.write_timeout_ms);
    cr_assert_eq(config.heartbeat_ms, d->http.heartbeat_ms);
    cr_assert_eq(config.max_backlog_bytes, d->http.max_backlog_bytes);
    cr_assert_eq(config.first_survey_ms, d->first_survey_ms);
    cr_assert_eq(config.ready_age_ms, d->ready_age_ms);
    cr_assert_eq(config.metrics_on_loopback, d->metrics_on_loopback);
}
