/* SPDX-License-Identifier: MIT */
#ifndef LDC_ANSWER_H
#define LDC_ANSWER_H

#include "ldconsole/output/fault.h"
#include "ldconsole/verbs/command.h"
#include "runner/runner.h"

/** What ldconsole said, as far as its words and exit code mean anything (reference 2.2). ACCEPTED
 *  is no success: that is decided by looking at the instance afterwards. */
enum ldc_answer {
    LDC_ANSWER_ACCEPTED,
    LDC_ANSWER_NO_SUCH_PLAYER,  /* "player don't exist!" */
    LDC_ANSWER_PARAMETER_ERROR, /* "parameter error!" */
    LDC_ANSWER_USAGE,           /* the usage text: verb or selector not understood */
    LDC_ANSWER_VENDOR_ERROR,    /* negative exit code with other text */
    LDC_ANSWER_NOT_ELEVATED,    /* Win32 error 740 at start */
    LDC_ANSWER_NOT_STARTED,     /* missing, not executable */
    LDC_ANSWER_TIMED_OUT,
    LDC_ANSWER_CANCELLED,
    LDC_ANSWER_FLOODED,
    LDC_ANSWER_LOST,
    LDC_ANSWER_NO_SESSION /* no agent is there to run it: nothing ran */
};

enum ldc_answer ldc_answer_read(enum ldc_verb verb, const struct run_result *result);
/** Stable upper-case code for problem documents: "LDCONSOLE_TIMED_OUT", ... */
const char *ldc_answer_code(enum ldc_answer answer);
/** Whether the program crashed: its exit code is a status of Windows such as 0xC0000008, or says
 * that it died of a signal. */
bool ldc_answer_is_crash(const struct run_result *result);
/** What was wrong, if the answer to VERB is all that is known. */
enum ldc_fault ldc_answer_fault(enum ldc_verb verb, enum ldc_answer answer);

#endif
