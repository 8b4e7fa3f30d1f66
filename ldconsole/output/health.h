/* SPDX-License-Identifier: MIT */
#ifndef LDC_HEALTH_H
#define LDC_HEALTH_H

/** What an answer says of ldconsole itself: what its breaker is told. */
enum ldc_health {
    LDC_HEALTHY,
    LDC_NEUTRAL, /* nothing: the request was wrong, or the answer is not understood */
    LDC_SICK     /* it does not do what it is asked */
};

#endif
