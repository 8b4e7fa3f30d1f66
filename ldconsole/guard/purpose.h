/* SPDX-License-Identifier: MIT */
#ifndef LDC_PURPOSE_H
#define LDC_PURPOSE_H

#include <stdbool.h>

#include "ldconsole/verbs/command.h"

/** What a call is for: the eleven protected operations, of which each has its breaker. */
enum ldc_purpose {
    LDC_PURPOSE_CONNECT,
    LDC_PURPOSE_RUN, /* any other ldconsole command */
    LDC_PURPOSE_LIST,
    LDC_PURPOSE_CREATE,
    LDC_PURPOSE_DELETE,
    LDC_PURPOSE_START,
    LDC_PURPOSE_STOP,
    LDC_PURPOSE_QUEUED_CREATE, /* the same for calls from a batch or the reconciler */
    LDC_PURPOSE_QUEUED_DELETE,
    LDC_PURPOSE_QUEUED_START,
    LDC_PURPOSE_QUEUED_STOP,
    LDC_PURPOSE_COUNT
};

/** "connect", "ldconsole", "list", "create", "delete", "start", "stop", "queued-create", ... */
const char *ldc_purpose_name(enum ldc_purpose purpose);
/** What VERB is for; QUEUED when no client is waiting for it. */
enum ldc_purpose ldc_purpose_of(enum ldc_verb verb, bool queued);
/** The same without the queue: START for QUEUED_START. */
enum ldc_purpose ldc_purpose_unqueued(enum ldc_purpose purpose);

#endif
