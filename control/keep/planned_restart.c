/* SPDX-License-Identifier: MIT */
#include "control/keep/planned_restart.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { HOUR_MS = 3600000, MB = 1024 * 1024 };

bool ctl_planned_is_wanted(const struct ctl_planned_rules *rules)
{
    return rules->after_h || rules->leak_mb_per_h;
}

void ctl_run_note(struct ctl_run *run, uint64_t now, const struct ctl_usage *usage)
{
    if (run->player != usage->player)
        *run = (struct ctl_run){.player = usage->player};
    if (usage->age_ms < CTL_RUN_WARM_UP_MS ||
        (run->n_samples > 0 && now - run->samples[run->n_samples - 1].at_ms < CTL_RUN_SAMPLE_MS))
        return;
    if (run->n_samples == CTL_RUN_SAMPLES) {
        run->n_samples--;
        memmove(run->samples, run->samples + 1, run->n_samples * sizeof(run->samples[0]));
    }
    run->samples[run->n_samples].at_ms = now;
    run->samples[run->n_samples].cpu_ms = usage->cpu_ms;
    run->samples[run->n_samples++].private_bytes = usage->private_bytes;
}

double ctl_run_leak_mb_per_h(const struct ctl_run *run)
{
    unsigned n = run->n_samples;
    double hours = 0, mb = 0, dividend = 0, divisor = 0;
    if (n < 2 || run->samples[n - 1].at_ms - run->samples[0].at_ms < CTL_RUN_SLOPE_MS)
        return 0;
    for (int is_second = 0; is_second < 2; is_second++) {
        for (unsigned i = 0; i < n; i++) {
            double x = (double)(run->samples[i].at_ms - run->samples[0].at_ms) / HOUR_MS;
            double y = (double)run->samples[i].private_bytes / MB;
            if (!is_second) {
                hours += x / n;
                mb += y / n;
            } else {
                dividend += (x - hours) * (y - mb);
                divisor += (x - hours) * (x - hours);
            }
        }
    }
    return dividend / divisor;
}

/* Since the last sample that is old enough to say something. */
static bool is_idle(const struct ctl_run *run, uint64_t now, const struct ctl_usage *usage,
                    unsigned max_percent)
{
    for (unsigned i = run->n_samples; i > 0; i--) {
        uint64_t ms = now - run->samples[i - 1].at_ms;
        if (ms >= CTL_RUN_SAMPLE_MS / 2)
            return (usage->cpu_ms - run->samples[i - 1].cpu_ms) * 100 < max_percent * ms;
    }
    return false;
}

bool ctl_planned_is_due(const struct ctl_planned_rules *rules, const struct ctl_run *run,
                        uint64_t now, const struct ctl_usage *usage, char *why, size_t size)
{
    double leak = ctl_run_leak_mb_per_h(run);
    uint64_t hours = usage->age_ms / HOUR_MS;

    if (rules->after_h && hours >= rules->after_h)
        snprintf(why, size, "planned: it has run for %" PRIu64 " h (restart_after_h is %u)", hours,
                 rules->after_h);
    else if (rules->leak_mb_per_h && leak >= rules->leak_mb_per_h)
        snprintf(
            why, size,
            "planned: its processes take %.0f MB more with each hour (restart_leak_mb_per_h is "
            "%u), %" PRIu64 " MB now",
            leak, rules->leak_mb_per_h, usage->private_bytes / MB);
    else
        return false;
    return !rules->idle_cpu_percent || is_idle(run, now, usage, rules->idle_cpu_percent);
}
