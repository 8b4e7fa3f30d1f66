/* SPDX-License-Identifier: MIT */
#ifndef LDC_FAULT_H
#define LDC_FAULT_H

#include <stdbool.h>

/** What was wrong with a call, by which its breakers know whose trouble it is. */
enum ldc_fault {
    LDC_FAULT_NONE,     /* it did what it was asked */
    LDC_FAULT_UNKNOWN,  /* cancelled, or not understood: says neither that it works nor that not */
    LDC_FAULT_SPAWN,    /* no child could be started: missing, not executable, not elevated */
    LDC_FAULT_LOST,     /* the session agent was lost while the child ran */
    LDC_FAULT_DEADLINE, /* no answer within its deadline: it hangs */
    LDC_FAULT_EXIT,     /* it crashed, or ended with an exit code that means failure */
    LDC_FAULT_PARSE,    /* what it printed is not what was asked for, or too much */
    LDC_FAULT_REFUSAL,  /* the vendor's usage text: it does not do this, to this one */
    LDC_FAULT_EFFECT,   /* it said yes, and nothing came of it */
    LDC_FAULT_CALLER,   /* the request was wrong: no such player, a bad parameter. Never counts */
    LDC_FAULT_COUNT
};

/** "none", "unknown", "spawn", "lost", "deadline", "exit_code", "parse", "vendor_refusal",
 *  "effect_missing", "callers_mistake". */
const char *ldc_fault_name(enum ldc_fault fault);
/** Whether it says that something fails. */
bool ldc_fault_is_failure(enum ldc_fault fault);

#endif
