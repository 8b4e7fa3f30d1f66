/* SPDX-License-Identifier: MIT */
#ifndef CTL_SURVEY_VERDICT_H
#define CTL_SURVEY_VERDICT_H

#include <stdint.h>

#include "ldconsole/guard/survey.h"

/** Why a survey is no good; all zero when it can be believed. `status` 0 with a code: what it shows
 *  can be, and something is missing from it (LDCONSOLE_TORN_LIST). */
struct ctl_survey_verdict {
    int status;        /* 0, UV_ETIMEDOUT, UV_EBUSY (breaker open), UV_EIO, ... */
    char code[40];     /* "LDCONSOLE_TIMED_OUT", ... */
    char detail[1200]; /* what happened, to what, what to do */
    uint64_t retry_ms; /* breaker: when to ask again; 0 unknown */
};

/** Judges whether a survey can be believed and, where not, says why for an operator: what happened,
 *  to what, why, and what to do. ABSENCE: ldc_client_absence. */
void ctl_survey_verdict_read(const struct ldc_survey *survey, const struct ldc_install *install,
                             const char *absence, struct ctl_survey_verdict *ret);

#endif
