/* SPDX-License-Identifier: MIT */
#include "ldconsole/output/fault.h"

const char *ldc_fault_name(enum ldc_fault fault)
{
    static const char *const names[LDC_FAULT_COUNT] = {
        [LDC_FAULT_NONE] = "none",
        [LDC_FAULT_UNKNOWN] = "unknown",
        [LDC_FAULT_SPAWN] = "spawn",
        [LDC_FAULT_LOST] = "lost",
        [LDC_FAULT_DEADLINE] = "deadline",
        [LDC_FAULT_EXIT] = "exit_code",
        [LDC_FAULT_PARSE] = "parse",
        [LDC_FAULT_REFUSAL] = "vendor_refusal",
        [LDC_FAULT_EFFECT] = "effect_missing",
        [LDC_FAULT_CALLER] = "callers_mistake",
    };
    return names[fault];
}

bool ldc_fault_is_failure(enum ldc_fault fault)
{
    return fault != LDC_FAULT_NONE && fault != LDC_FAULT_UNKNOWN && fault != LDC_FAULT_CALLER;
}
