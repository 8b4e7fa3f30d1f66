/* SPDX-License-Identifier: MIT */
#ifndef CTL_TROUBLE_H
#define CTL_TROUBLE_H

#include "control/observer.h"

/** Reads whether a survey can be believed and, where not, says so for an operator: what happened,
 *  to what, why, and what to do. ABSENCE: ldc_client_absence. RET is all zero when it can. */
void ctl_trouble_read(const struct ldc_survey *survey, const struct ldc_install *install,
                      const char *absence, struct ctl_observer_trouble *ret);

#endif
