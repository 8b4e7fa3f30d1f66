/* SPDX-License-Identifier: MIT */
#include "control/judge/survey_verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <uv.h>

#include "base/text/str.h"

enum { OUTPUT_HEAD = 120 }; /* bytes of what ldconsole printed that are quoted */

__attribute__((format(printf, 4, 5))) static void set(struct ctl_survey_verdict *v, int status,
                                                      const char *code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(v->detail, sizeof(v->detail), fmt, args);
    va_end(args);
    str_copy(v->code, sizeof(v->code), code);
    v->status = status;
}

/* The beginning of what was printed, in quotes, or "nothing". */
static const char *quote(const struct run_result *result, char *ret, size_t size)
{
    char head[OUTPUT_HEAD + 1] = "";
    size_t n = result ? result->output_len : 0;
    if (n == 0)
        return "nothing";
    ldc_text_decode(result->output, n < OUTPUT_HEAD ? n : OUTPUT_HEAD, LDC_CODEPAGE_SYSTEM, head,
                    sizeof(head));
    for (char *c = head; *c; c++) {
        if ((unsigned char)*c < ' ')
            *c = ' ';
    }
    snprintf(ret, size, "'%s'%s", head, n > OUTPUT_HEAD ? " and more" : "");
    return ret;
}

/* A program that asks for elevation by itself waits for whoever sits at the screen. */
static void blame_hang(const struct ldc_survey *survey, struct ctl_survey_verdict *v)
{
    const struct run_result *result = survey->outcome.result;
    const struct ldc_process *consent =
        survey->has_processes ? ldc_processes_find_consent(survey->processes) : NULL;
    char cause[120] = "see whether LDPlayer itself still responds";
    if (consent)
        snprintf(cause, sizeof(cause),
                 "Windows asks on the screen whether a program may run elevated (consent.exe, "
                 "process %" PRId64 "): answer it",
                 consent->pid);
    set(v, UV_ETIMEDOUT, ldc_answer_code(survey->outcome.answer),
        "ldconsole list2 gave no answer within %" PRIu64 " ms and was ended; %s",
        result ? result->duration_ms : 0, cause);
}

static void read_answer(const struct ldc_survey *survey, const struct ldc_install *install,
                        struct ctl_survey_verdict *v)
{
    const struct ldc_outcome *outcome = &survey->outcome;
    const char *path = install->ldconsole;
    const char *code = ldc_answer_code(outcome->answer);
    const struct run_result *result = outcome->result;
    char output[OUTPUT_HEAD + 20];

    switch (outcome->answer) {
    case LDC_ANSWER_NOT_STARTED:
        if (install->is_missing)
            set(v, UV_ENOENT, code,
                "no LDPlayer was found on this workstation; set the option ldconsole to the path "
                "of ldconsole.exe and start the service again");
        else
            set(v, result ? result->error : UV_EIO, code,
                "%s could not be started: %s; check the ldconsole option and the file's permissions",
                path, uv_strerror(result ? result->error : UV_EIO));
        break;
    case LDC_ANSWER_NOT_ELEVATED:
        set(v, UV_EPERM, code,
            "%s asks for elevation and the service has none; run ldplayerd elevated", path);
        break;
    case LDC_ANSWER_TIMED_OUT:
        blame_hang(survey, v);
        break;
    case LDC_ANSWER_LOST:
        set(v, UV_EIO, code,
            "the session agent was lost while it ran ldconsole list2; it is started again by "
            "itself");
        break;
    case LDC_ANSWER_CANCELLED:
        set(v, UV_ECANCELED, code, "ldconsole list2 was cancelled because the service stops");
        break;
    case LDC_ANSWER_FLOODED:
        set(v, UV_EPROTO, code,
            "ldconsole list2 did not stop printing and was ended after %u bytes; they begin with %s",
            result ? (unsigned)result->output_len : 0, quote(result, output, sizeof(output)));
        break;
    default:
        set(v, UV_EPROTO, code,
            "ldconsole list2 %s (exit code %d, 0x%X) instead of listing instances, and printed %s",
            result && ldc_answer_is_crash(result) ? "crashed" : "failed",
            result ? (int)result->exit_code : 0, result ? (unsigned)(uint32_t)result->exit_code : 0,
            quote(result, output, sizeof(output)));
        break;
    }
}

static void read_list(const struct ldc_survey *survey, struct ctl_survey_verdict *v)
{
    const char *code = ldc_list_code(survey->list);
    char output[OUTPUT_HEAD + 20];

    if (survey->list == LDC_LIST_USAGE)
        set(v, UV_EPROTO, code,
            "ldconsole answered list2 with its usage text: this version is not understood");
    else if (survey->list == LDC_LIST_UNKNOWN_FORMAT)
        set(v, UV_EPROTO, code,
            "ldconsole list2 prints %u columns where 7 or 10 are known and it is not certain which "
            "is which: '%s'; see whether there is an ldplayerd for this version of LDPlayer",
            (unsigned)survey->rows.n_strange_fields, survey->rows.bad);
    else if (survey->list == LDC_LIST_TORN)
        set(v, 0, code,
            "ldconsole list2 printed %u rows that are broken or contradict another, three times, "
            "the first of them '%s': instances without a whole row are known from before and from "
            "their processes only; see whether list2 in a console prints the same",
            (unsigned)survey->rows.n_bad_lines, survey->rows.bad);
    else if (survey->list == LDC_LIST_GARBAGE)
        set(v, UV_EPROTO, code, "ldconsole list2 printed %s, of which no line is an instance",
            quote(survey->outcome.result, output, sizeof(output)));
    else if (survey->list == LDC_LIST_EMPTY && survey->configs->n_items > 0)
        set(v, UV_EPROTO, code,
            "ldconsole list2 listed nothing three times, although %u instances are on disk",
            (unsigned)survey->configs->n_items);
}

void ctl_survey_verdict_read(const struct ldc_survey *survey, const struct ldc_install *install,
                             const char *absence, struct ctl_survey_verdict *ret)
{
    const struct ldc_outcome *outcome = &survey->outcome;

    *ret = (struct ctl_survey_verdict){0};
    if (outcome->is_rejected) {
        set(ret, UV_EBUSY, "BREAKER_OPEN", "%s; next try in %" PRIu64 " ms", outcome->refusal,
            outcome->retry_ms);
        ret->retry_ms = outcome->retry_ms;
    } else if (outcome->answer == LDC_ANSWER_NO_SESSION) {
        set(ret, UV_ENOTCONN, ldc_answer_code(outcome->answer), "%s",
            absence ? absence : "The session agent was away for a moment.");
    } else if (outcome->answer != LDC_ANSWER_ACCEPTED && survey->list != LDC_LIST_USAGE) {
        read_answer(survey, install, ret);
    } else {
        read_list(survey, ret);
    }
}
