/* SPDX-License-Identifier: MIT */
#include "ldconsole/output/answer.h"

#include <uv.h>

#include "base/memory/cleanup.h"
#include "ldconsole/output/banner.h"

/* What a shell or `cmd /c` between us and ldconsole exits with, silently, when Windows wants an
 * elevated caller (error 740) or the program may not be executed (126). */
static bool is_launcher_refusal(enum ldc_verb verb, const struct run_result *result)
{
    return !ldc_verb_table[verb].exit_is_index && result->output_len == 0 &&
           (result->exit_code == 740 || result->exit_code == 126);
}

static enum ldc_answer read_exit(enum ldc_verb verb, const struct run_result *result)
{
    const char *text = result->output;
    size_t n = result->output_len, banner_len;
    if (ldc_verb_table[verb].program == LDC_PROGRAM_LDCONSOLE) {
        if (ldc_banner_is_phrase(text, n, LDC_PHRASE_NO_PLAYER))
            return LDC_ANSWER_NO_SUCH_PLAYER;
        if (ldc_banner_is_phrase(text, n, LDC_PHRASE_PARAMETER))
            return LDC_ANSWER_PARAMETER_ERROR;
        if (ldc_banner_find(text, n, &banner_len))
            return LDC_ANSWER_USAGE;
        if (is_launcher_refusal(verb, result))
            return LDC_ANSWER_NOT_ELEVATED;
    }
    return result->exit_code < 0 ? LDC_ANSWER_VENDOR_ERROR : LDC_ANSWER_ACCEPTED;
}

enum ldc_answer ldc_answer_read(enum ldc_verb verb, const struct run_result *result)
{
    switch (result->status) {
    case RUN_EXITED:
        return read_exit(verb, result);
    case RUN_NOT_STARTED:
        if (result->error == UV_ENOTCONN)
            return LDC_ANSWER_NO_SESSION;
        return result->needs_elevation ? LDC_ANSWER_NOT_ELEVATED : LDC_ANSWER_NOT_STARTED;
    case RUN_TIMED_OUT:
        return LDC_ANSWER_TIMED_OUT;
    case RUN_CANCELLED:
        return LDC_ANSWER_CANCELLED;
    case RUN_FLOODED:
        return LDC_ANSWER_FLOODED;
    case RUN_LOST:
        break;
    }
    return LDC_ANSWER_LOST;
}

const char *ldc_answer_code(enum ldc_answer answer)
{
    static const char *const codes[] = {
        [LDC_ANSWER_ACCEPTED] = "LDCONSOLE_ACCEPTED",
        [LDC_ANSWER_NO_SUCH_PLAYER] = "LDCONSOLE_NO_SUCH_PLAYER",
        [LDC_ANSWER_PARAMETER_ERROR] = "LDCONSOLE_PARAMETER_ERROR",
        [LDC_ANSWER_USAGE] = "LDCONSOLE_USAGE",
        [LDC_ANSWER_VENDOR_ERROR] = "LDCONSOLE_VENDOR_ERROR",
        [LDC_ANSWER_NOT_ELEVATED] = "LDCONSOLE_NOT_ELEVATED",
        [LDC_ANSWER_NOT_STARTED] = "LDCONSOLE_NOT_STARTED",
        [LDC_ANSWER_TIMED_OUT] = "LDCONSOLE_TIMED_OUT",
        [LDC_ANSWER_CANCELLED] = "LDCONSOLE_CANCELLED",
        [LDC_ANSWER_FLOODED] = "LDCONSOLE_FLOODED",
        [LDC_ANSWER_LOST] = "LDCONSOLE_LOST",
        [LDC_ANSWER_NO_SESSION] = "NO_SESSION",
    };
    return (size_t)answer < countof(codes) ? codes[answer] : "LDCONSOLE_UNKNOWN";
}

bool ldc_answer_is_crash(const struct run_result *result)
{
    bool is_status = (uint32_t)result->exit_code >> 28 == 0xc;
    bool is_signal = result->exit_code < 0 && result->exit_code > -65;
    return result->status == RUN_EXITED && (is_status || is_signal);
}

enum ldc_fault ldc_answer_fault(enum ldc_verb verb, enum ldc_answer answer)
{
    switch (answer) {
    case LDC_ANSWER_ACCEPTED:
        return LDC_FAULT_NONE;
    case LDC_ANSWER_USAGE: /* which is what a launch of a missing one prints (reference 2.2) */
        return verb == LDC_VERB_USAGE ? LDC_FAULT_NONE : LDC_FAULT_REFUSAL;
    case LDC_ANSWER_NO_SUCH_PLAYER:
    case LDC_ANSWER_PARAMETER_ERROR:
        return LDC_FAULT_CALLER;
    case LDC_ANSWER_VENDOR_ERROR:
        return LDC_FAULT_EXIT;
    case LDC_ANSWER_NOT_ELEVATED:
    case LDC_ANSWER_NOT_STARTED:
        return LDC_FAULT_SPAWN;
    case LDC_ANSWER_TIMED_OUT:
        return LDC_FAULT_DEADLINE;
    case LDC_ANSWER_FLOODED:
        return LDC_FAULT_PARSE;
    case LDC_ANSWER_LOST:
        return LDC_FAULT_LOST;
    case LDC_ANSWER_CANCELLED:
    case LDC_ANSWER_NO_SESSION:
        break;
    }
    return LDC_FAULT_UNKNOWN;
}
