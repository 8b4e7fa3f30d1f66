/* SPDX-License-Identifier: MIT */
#include "ldconsole/guard/purpose.h"

static const char *const purpose_names[LDC_PURPOSE_COUNT] = {
    [LDC_PURPOSE_CONNECT] = "connect",
    [LDC_PURPOSE_RUN] = "ldconsole",
    [LDC_PURPOSE_LIST] = "list",
    [LDC_PURPOSE_CREATE] = "create",
    [LDC_PURPOSE_DELETE] = "delete",
    [LDC_PURPOSE_START] = "start",
    [LDC_PURPOSE_STOP] = "stop",
    [LDC_PURPOSE_QUEUED_CREATE] = "queued-create",
    [LDC_PURPOSE_QUEUED_DELETE] = "queued-delete",
    [LDC_PURPOSE_QUEUED_START] = "queued-start",
    [LDC_PURPOSE_QUEUED_STOP] = "queued-stop",
};

const char *ldc_purpose_name(enum ldc_purpose purpose)
{
    return purpose_names[purpose];
}

enum ldc_purpose ldc_purpose_of(enum ldc_verb verb, bool queued)
{
    switch (verb) {
    case LDC_VERB_USAGE:
        return LDC_PURPOSE_CONNECT;
    case LDC_VERB_LIST2:
        return LDC_PURPOSE_LIST;
    case LDC_VERB_ADD:
    case LDC_VERB_COPY:
        return queued ? LDC_PURPOSE_QUEUED_CREATE : LDC_PURPOSE_CREATE;
    case LDC_VERB_REMOVE:
        return queued ? LDC_PURPOSE_QUEUED_DELETE : LDC_PURPOSE_DELETE;
    case LDC_VERB_LAUNCH:
        return queued ? LDC_PURPOSE_QUEUED_START : LDC_PURPOSE_START;
    case LDC_VERB_QUIT:
        return queued ? LDC_PURPOSE_QUEUED_STOP : LDC_PURPOSE_STOP;
    default:
        return LDC_PURPOSE_RUN;
    }
}

enum ldc_purpose ldc_purpose_unqueued(enum ldc_purpose purpose)
{
    switch (purpose) {
    case LDC_PURPOSE_QUEUED_CREATE:
        return LDC_PURPOSE_CREATE;
    case LDC_PURPOSE_QUEUED_DELETE:
        return LDC_PURPOSE_DELETE;
    case LDC_PURPOSE_QUEUED_START:
        return LDC_PURPOSE_START;
    case LDC_PURPOSE_QUEUED_STOP:
        return LDC_PURPOSE_STOP;
    default:
        return purpose;
    }
}
