/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "base/memory/cleanup.h"
#include "ldconsole/output/answer.h"

#define USAGE "dnplayer Command Line Management Interface\r\nAll rights reserved.\r\n"

/* Reference 2.2, row by row. */
static const struct {
    enum ldc_verb verb;
    int exit_code;
    const char *output;
    enum ldc_answer answer;
} exits[] = {
    {LDC_VERB_LAUNCH, 0, "", LDC_ANSWER_ACCEPTED},
    {LDC_VERB_ADD, 4, "", LDC_ANSWER_ACCEPTED},
    {LDC_VERB_COPY, 740, "", LDC_ANSWER_ACCEPTED},
    {LDC_VERB_QUIT, -1001, "player don't exist!", LDC_ANSWER_NO_SUCH_PLAYER},
    {LDC_VERB_COPY, 0, "player don't exist!", LDC_ANSWER_NO_SUCH_PLAYER},
    {LDC_VERB_QUIT, 23, "player don't exist!\r\n", LDC_ANSWER_NO_SUCH_PLAYER},
    {LDC_VERB_MODIFY, -1005, "parameter error!", LDC_ANSWER_PARAMETER_ERROR},
    {LDC_VERB_LAUNCH, -1001, USAGE, LDC_ANSWER_USAGE},
    {LDC_VERB_LIST2, 0, "ldplayer v14.0.29.0 Command Line Management Interface\r\n",
     LDC_ANSWER_USAGE},
    {LDC_VERB_LIST2, 0, "0,Command Line Management Interface,0,0,0,-1,-1\r\n", LDC_ANSWER_ACCEPTED},
    {LDC_VERB_LIST2, 1, "0,a,0,0,0,-1,-1\r\n", LDC_ANSWER_ACCEPTED},
    {LDC_VERB_LIST2, -1073741819, "0,a,0,0,0,-1,-1\r\n", LDC_ANSWER_VENDOR_ERROR},
    {LDC_VERB_REMOVE, -7, "something else", LDC_ANSWER_VENDOR_ERROR},
    {LDC_VERB_LAUNCH, 740, "", LDC_ANSWER_NOT_ELEVATED},
    {LDC_VERB_LIST2, 126, "", LDC_ANSWER_NOT_ELEVATED},
    {LDC_VERB_ADB, 126, "", LDC_ANSWER_ACCEPTED},
    {LDC_VERB_ADB, 0, "player don't exist!", LDC_ANSWER_ACCEPTED},
    {LDC_VERB_ADB, 1, "adb.exe: device 'emulator-5560' not found", LDC_ANSWER_ACCEPTED},
};

Test(ldc_answer, reads_words_before_exit_codes)
{
    for (size_t i = 0; i < countof(exits); i++) {
        struct run_result result = {
            .status = RUN_EXITED,
            .exit_code = exits[i].exit_code,
            .output = exits[i].output,
            .output_len = strlen(exits[i].output),
        };
        enum ldc_answer answer = ldc_answer_read(exits[i].verb, &result);
        cr_assert_eq(answer, exits[i].answer, "case %zu: %s", i, ldc_answer_code(answer));
    }
}

static enum ldc_answer read_status(enum run_status status, bool needs_elevation)
{
    struct run_result result = {.status = status, .needs_elevation = needs_elevation, .output = ""};
    return ldc_answer_read(LDC_VERB_LAUNCH, &result);
}

Test(ldc_answer, tells_how_a_run_ended_that_did_not_exit_by_itself)
{
    cr_assert_eq(read_status(RUN_NOT_STARTED, false), LDC_ANSWER_NOT_STARTED);
    cr_assert_eq(read_status(RUN_NOT_STARTED, true), LDC_ANSWER_NOT_ELEVATED);
    cr_assert_eq(read_status(RUN_TIMED_OUT, false), LDC_ANSWER_TIMED_OUT);
    cr_assert_eq(read_status(RUN_CANCELLED, false), LDC_ANSWER_CANCELLED);
    cr_assert_eq(read_status(RUN_FLOODED, false), LDC_ANSWER_FLOODED);
    cr_assert_eq(read_status(RUN_LOST, false), LDC_ANSWER_LOST);
}

Test(ldc_answer, says_what_was_wrong_and_whether_that_is_a_failure)
{
    static const struct {
        enum ldc_fault fault;
        bool is_failure;
    } wanted[] = {
        [LDC_ANSWER_ACCEPTED] = {LDC_FAULT_NONE, false},
        [LDC_ANSWER_NO_SUCH_PLAYER] = {LDC_FAULT_CALLER, false},
        [LDC_ANSWER_PARAMETER_ERROR] = {LDC_FAULT_CALLER, false},
        [LDC_ANSWER_USAGE] = {LDC_FAULT_REFUSAL, true},
        [LDC_ANSWER_VENDOR_ERROR] = {LDC_FAULT_EXIT, true},
        [LDC_ANSWER_NOT_ELEVATED] = {LDC_FAULT_SPAWN, true},
        [LDC_ANSWER_NOT_STARTED] = {LDC_FAULT_SPAWN, true},
        [LDC_ANSWER_TIMED_OUT] = {LDC_FAULT_DEADLINE, true},
        [LDC_ANSWER_CANCELLED] = {LDC_FAULT_UNKNOWN, false},
        [LDC_ANSWER_FLOODED] = {LDC_FAULT_PARSE, true},
        [LDC_ANSWER_LOST] = {LDC_FAULT_LOST, true},
        [LDC_ANSWER_NO_SESSION] = {LDC_FAULT_UNKNOWN, false},
    };
    cr_assert_eq(countof(wanted), LDC_ANSWER_NO_SESSION + 1);
    for (int i = 0; i <= LDC_ANSWER_NO_SESSION; i++) {
        enum ldc_fault fault = ldc_answer_fault(LDC_VERB_LAUNCH, (enum ldc_answer)i);
        cr_assert_eq(fault, wanted[i].fault, "%s", ldc_answer_code((enum ldc_answer)i));
        cr_assert_eq(ldc_fault_is_failure(fault), wanted[i].is_failure, "%s",
                     ldc_fault_name(fault));
    }
    cr_assert_eq(ldc_answer_fault(LDC_VERB_USAGE, LDC_ANSWER_USAGE), LDC_FAULT_NONE);
}

Test(ldc_answer, has_a_name_of_its_own_for_each_fault)
{
    for (int i = 0; i < LDC_FAULT_COUNT; i++) {
        for (int j = 0; j < i; j++)
            cr_assert_str_neq(ldc_fault_name((enum ldc_fault)i), ldc_fault_name((enum ldc_fault)j));
    }
}

Test(ldc_answer, knows_a_crash_from_a_refusal)
{
    static const int32_t codes[] = {(int32_t)0xC0000005, (int32_t)0xC0000008, -6, -11};
    static const int32_t others[] = {-1000, -1001, -1005, 0, 1, 740};
    for (size_t i = 0; i < countof(codes); i++)
        cr_assert(
            ldc_answer_is_crash(&(struct run_result){.status = RUN_EXITED, .exit_code = codes[i]}));
    for (size_t i = 0; i < countof(others); i++)
        cr_assert_not(ldc_answer_is_crash(
            &(struct run_result){.status = RUN_EXITED, .exit_code = others[i]}));
    cr_assert_not(
        ldc_answer_is_crash(&(struct run_result){.status = RUN_TIMED_OUT, .exit_code = codes[0]}));
}

Test(ldc_answer, has_a_code_of_its_own_for_each)
{
    for (int i = 0; i <= LDC_ANSWER_LOST; i++) {
        const char *code = ldc_answer_code((enum ldc_answer)i);
        cr_assert_eq(strncmp(code, "LDCONSOLE_", 10), 0);
        for (int j = 0; j < i; j++)
            cr_assert_str_neq(code, ldc_answer_code((enum ldc_answer)j));
    }
    cr_assert_str_eq(ldc_answer_code(LDC_ANSWER_TIMED_OUT), "LDCONSOLE_TIMED_OUT");
}
