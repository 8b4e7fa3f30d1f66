/* SPDX-License-Identifier: MIT */
#include "control/judge/existence.h"

#include "ldconsole/verbs/timing.h"

/* Rows that come late come within seconds. A config file or a disk that stays behind alone, as
 * LDPlayer leaves them, proves something until the end of patience. */
static bool is_patience_over(const struct ctl_witnesses *w)
{
    return w->n_absent >= LDC_TIMING_ABSENT_LOOKS && w->absent_ms >= LDC_TIMING_ABSENT_MS;
}

enum ctl_existence ctl_existence_judge(const struct ctl_witnesses *w)
{
    if (w->is_listed)
        return CTL_EXISTS;
    if (w->disk == CTL_DISK_OTHER)
        return CTL_GONE;
    if (w->has_process || !w->is_list_whole || !w->is_folder_read)
        return CTL_DOUBTED;
    if (w->has_config && w->disk == CTL_DISK_OWN)
        return CTL_DOUBTED;
    if (!w->has_config && w->disk == CTL_DISK_NONE)
        return CTL_GONE;
    return is_patience_over(w) ? CTL_GONE : CTL_DOUBTED;
}
