/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "control/judge/survey_verdict.h"

static const struct ldc_install install = {.ldconsole = (char *)"/opt/ld/ldconsole"};
static const struct ldc_configs none, three = {.n_items = 3};

struct row {
    const char *what;
    struct ldc_outcome outcome;
    struct run_result result;
    enum ldc_list_outcome list;
    const struct ldc_configs *configs;
    int status;
    const char *code, *detail; /* a part of it */
};

static const struct row rows[] = {
    {"a good list", {0}, {.output = ""}, LDC_LIST_OK, &three, 0, "", ""},
    {"an empty farm", {0}, {.output = ""}, LDC_LIST_EMPTY, &none, 0, "", ""},
    {"an empty list of a farm that is not empty",
     {0},
     {.output = ""},
     LDC_LIST_EMPTY,
     &three,
     UV_EPROTO,
     "LDCONSOLE_EMPTY_LIST",
     "3 instances are on disk"},
    {"the usage text",
     {0},
     {.output = ""},
     LDC_LIST_USAGE,
     &none,
     UV_EPROTO,
     "LDCONSOLE_UNKNOWN_VERSION",
     "usage text"},
    {"the usage text as an answer",
     {.answer = LDC_ANSWER_USAGE},
     {.exit_code = -1000, .output = ""},
     LDC_LIST_USAGE,
     &none,
     UV_EPROTO,
     "LDCONSOLE_UNKNOWN_VERSION",
     "usage text"},
    {"columns that are not known",
     {0},
     {.output = ""},
     LDC_LIST_UNKNOWN_FORMAT,
     &three,
     UV_EPROTO,
     "LDCONSOLE_UNKNOWN_VERSION",
     "prints 12 columns where 7 or 10 are known and it is not certain which is which: '0,a,?'"},
    {"a torn list",
     {0},
     {.output = ""},
     LDC_LIST_TORN,
     &three,
     0,
     "LDCONSOLE_TORN_LIST",
     "printed 2 rows that are broken or contradict another, three times, the first of them '0,a,?'"},
    {"garbage",
     {0},
     {.output = "xyz", .output_len = 3},
     LDC_LIST_GARBAGE,
     &none,
     UV_EPROTO,
     "LDCONSOLE_GARBAGE",
     "printed 'xyz', of which no line is an instance"},
    {"a crash",
     {.answer = LDC_ANSWER_VENDOR_ERROR},
     {.exit_code = (int32_t)0xC0000008, .output = ""},
     LDC_LIST_OK,
     &three,
     UV_EPROTO,
     "LDCONSOLE_VENDOR_ERROR",
     "0xC0000008) instead of listing instances, and printed nothing"},
    {"a flood",
     {.answer = LDC_ANSWER_FLOODED},
     {.status = RUN_FLOODED, .exit_code = -9, .output = "0,a\r\n1,b", .output_len = 8},
     LDC_LIST_OK,
     &three,
     UV_EPROTO,
     "LDCONSOLE_FLOODED",
     "did not stop printing and was ended after 8 bytes; they begin with '0,a  1,b'"},
    {"the breaker refuses",
     {.is_rejected = true,
      .retry_ms = 777,
      .breaker = "list",
      .refusal = "the breaker 'list' is open: it hung"},
     {.output = ""},
     LDC_LIST_OK,
     &three,
     UV_EBUSY,
     "BREAKER_OPEN",
     "the breaker 'list' is open: it hung; next try in 777 ms"},
    {"no such program",
     {.answer = LDC_ANSWER_NOT_STARTED},
     {.status = RUN_NOT_STARTED, .error = UV_ENOENT, .output = ""},
     LDC_LIST_OK,
     &three,
     UV_ENOENT,
     "LDCONSOLE_NOT_STARTED",
     "/opt/ld/ldconsole could not be started: no such file"},
    {"not elevated",
     {.answer = LDC_ANSWER_NOT_ELEVATED},
     {.status = RUN_NOT_STARTED, .error = UV_EACCES, .output = ""},
     LDC_LIST_OK,
     &three,
     UV_EPERM,
     "LDCONSOLE_NOT_ELEVATED",
     "asks for elevation"},
    {"no answer",
     {.answer = LDC_ANSWER_TIMED_OUT},
     {.status = RUN_TIMED_OUT, .duration_ms = 10000, .output = ""},
     LDC_LIST_OK,
     &three,
     UV_ETIMEDOUT,
     "LDCONSOLE_TIMED_OUT",
     "within 10000 ms"},
    {"stopped by us",
     {.answer = LDC_ANSWER_CANCELLED},
     {.status = RUN_CANCELLED, .output = ""},
     LDC_LIST_OK,
     &three,
     UV_ECANCELED,
     "LDCONSOLE_CANCELLED",
     "the service stops"},
    {"an error in the code page of the system",
     {.answer = LDC_ANSWER_VENDOR_ERROR},
     {.exit_code = -1000, .output = "oh \xc0\xd7", .output_len = 5},
     LDC_LIST_OK,
     &three,
     UV_EPROTO,
     "LDCONSOLE_VENDOR_ERROR",
     "failed (exit code -1000, 0xFFFFFC18) instead of listing instances, and printed 'oh 雷'"},
};

Test(ctl_trouble, says_what_happened_and_what_to_do)
{
    for (size_t i = 0; i < countof(rows); i++) {
        struct ctl_survey_verdict trouble;
        struct ldc_survey survey = {
            .outcome = rows[i].outcome,
            .list = rows[i].list,
            .configs = rows[i].configs,
            .rows = {.n_strange_fields = 12, .n_bad_lines = 2, .bad = "0,a,?"},
        };
        memset(&trouble, 0xff, sizeof(trouble));
        if (!survey.outcome.is_rejected)
            survey.outcome.result = &rows[i].result;
        ctl_survey_verdict_read(&survey, &install, NULL, &trouble);
        cr_expect_eq(trouble.status, rows[i].status, "%s: %d", rows[i].what, trouble.status);
        cr_expect_str_eq(trouble.code, rows[i].code, "%s", rows[i].what);
        cr_expect(strstr(trouble.detail, rows[i].detail), "%s: %s", rows[i].what, trouble.detail);
        cr_expect_eq(trouble.retry_ms, rows[i].outcome.retry_ms, "%s", rows[i].what);
    }
}

Test(ctl_trouble, an_outcome_without_a_result_is_read_too)
{
    struct ctl_survey_verdict trouble;
    struct ldc_survey survey = {.configs = &none};
    for (int answer = LDC_ANSWER_NO_SUCH_PLAYER; answer <= LDC_ANSWER_NO_SESSION; answer++) {
        survey.outcome.answer = (enum ldc_answer)answer;
        ctl_survey_verdict_read(&survey, &install, NULL, &trouble);
        cr_expect_lt(trouble.status, 0);
        cr_expect_str_eq(trouble.code, ldc_answer_code((enum ldc_answer)answer));
        cr_expect_str_not_empty(trouble.detail);
    }
}

Test(ctl_trouble, names_the_prompt_that_keeps_ldconsole_waiting)
{
    struct ctl_survey_verdict trouble;
    struct ldc_process items[] = {{.pid = 4711, .role = LDC_PROCESS_CONSENT, .index = -1}};
    struct ldc_processes processes = {.items = items, .n_items = 1};
    struct ldc_survey survey = {
        .configs = &none,
        .processes = &processes,
        .has_processes = true,
        .outcome.answer = LDC_ANSWER_TIMED_OUT,
    };
    ctl_survey_verdict_read(&survey, &install, NULL, &trouble);
    cr_expect(strstr(trouble.detail, "consent.exe, process 4711): answer it"), "%s",
              trouble.detail);
}

Test(ctl_trouble, tells_why_there_is_no_session)
{
    struct ctl_survey_verdict trouble;
    struct ldc_survey survey = {.configs = &none, .outcome.answer = LDC_ANSWER_NO_SESSION};
    ctl_survey_verdict_read(&survey, &install, "Nobody is logged on.", &trouble);
    cr_expect_eq(trouble.status, UV_ENOTCONN);
    cr_expect_str_eq(trouble.code, "NO_SESSION");
    cr_expect_str_eq(trouble.detail, "Nobody is logged on.");
}

Test(ctl_trouble, names_no_path_where_no_ldplayer_was_found)
{
    struct ctl_survey_verdict trouble;
    struct ldc_survey survey = {.configs = &none, .outcome.answer = LDC_ANSWER_NOT_STARTED};
    struct ldc_install missing = install;
    missing.is_missing = true;
    ctl_survey_verdict_read(&survey, &missing, NULL, &trouble);
    cr_expect_str_eq(trouble.code, "LDCONSOLE_NOT_STARTED");
    cr_expect(strstr(trouble.detail, "no LDPlayer was found"));
    cr_expect_null(strstr(trouble.detail, install.ldconsole));
}
