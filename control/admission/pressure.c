/* SPDX-License-Identifier: MIT */
#include "control/admission/pressure.h"

#include <inttypes.h>
#include <stdio.h>

enum { MB = 1024 * 1024 };

bool ctl_pressure_is_looked_at(const struct ctl_pressure_limits *limits)
{
    return limits->min_memory_mb || limits->max_commit_percent || limits->max_cpu_percent ||
           limits->min_disk_mb;
}

static bool lacks_memory(const struct system_figures *s, unsigned min_mb, unsigned memory_mb)
{
    return min_mb && s->memory_total_bytes &&
           s->memory_available_bytes / MB < (uint64_t)memory_mb + min_mb;
}

/* Where more is promised than the limit allows, the system does not keep to it (Linux as it comes),
 * and the limit says nothing. */
static bool lacks_commit(const struct system_figures *s, unsigned max_percent, unsigned memory_mb)
{
    uint64_t limit_mb = s->commit_limit_bytes / MB;
    return max_percent && limit_mb && s->commit_used_bytes <= s->commit_limit_bytes &&
           (s->commit_used_bytes / MB + memory_mb) * 100 > limit_mb * max_percent;
}

static bool lacks_disk(const struct system_figures *s, unsigned min_mb)
{
    return min_mb && s->home < s->n_disks && s->disks[s->home].free_bytes / MB < min_mb;
}

enum ctl_pressure ctl_pressure_judge(const struct ctl_sample *sample,
                                     const struct ctl_pressure_limits *limits, unsigned memory_mb,
                                     char *why, size_t size)
{
    const struct system_figures *s = &sample->system;
    uint64_t total_mb = s->memory_total_bytes / MB;

    if (limits->min_memory_mb && total_mb &&
        total_mb < (uint64_t)memory_mb + limits->min_memory_mb) {
        snprintf(why, size,
                 "the instance is configured for %u MB of memory and this machine has %" PRIu64
                 " MB, of which %u must be left (launch_min_memory_mb)",
                 memory_mb, total_mb, limits->min_memory_mb);
        return CTL_PRESSURE_HOPELESS;
    }
    if (lacks_memory(s, limits->min_memory_mb, memory_mb)) {
        snprintf(why, size,
                 "%" PRIu64 " MB of memory are free; the instance is configured for %u MB, and %u "
                 "must be left beside it (launch_min_memory_mb)",
                 s->memory_available_bytes / MB, memory_mb, limits->min_memory_mb);
        return CTL_PRESSURE_MEMORY;
    }
    if (lacks_commit(s, limits->max_commit_percent, memory_mb)) {
        snprintf(why, size,
                 "%" PRIu64 " of %" PRIu64
                 " MB that programs may ask for are taken; with the %u MB "
                 "of the instance that is more than %u %% (launch_max_commit_percent): end "
                 "something, or enlarge the page file",
                 s->commit_used_bytes / MB, s->commit_limit_bytes / MB, memory_mb,
                 limits->max_commit_percent);
        return CTL_PRESSURE_COMMIT;
    }
    if (limits->max_cpu_percent && sample->cpu_percent > limits->max_cpu_percent) {
        snprintf(why, size,
                 "the processors are busy to %.0f %%, more than %u (launch_max_cpu_percent)",
                 sample->cpu_percent, limits->max_cpu_percent);
        return CTL_PRESSURE_CPU;
    }
    if (lacks_disk(s, limits->min_disk_mb)) {
        snprintf(why, size, "%" PRIu64 " MB are free on %s, and %u must be (launch_min_disk_mb)",
                 s->disks[s->home].free_bytes / MB, s->disks[s->home].mount, limits->min_disk_mb);
        return CTL_PRESSURE_DISK;
    }
    return CTL_PRESSURE_NONE;
}
