/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "base/loop/loop.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "ldconsole/guard/survey.h"
#include "tests/support/fake_runner.h"
#include "tests/support/folder.h"

static const char row[] = "0,LDPlayer,0,0,0,-1,-1,960,540,160\r\n";

static struct loop loop;
static struct fake_runner *runner;
static struct ldc_client *client;
static struct ldc_surveyor *surveyor;
static char *folder;
static struct ldc_install install;

struct told {
    int n, n_restarts;
    uint64_t number;
    bool is_rejected;
    enum ldc_answer answer;
    enum ldc_list_outcome list;
    size_t n_rows, n_bad_lines, n_configs;
    char output[200], name[64];
    unsigned n_parts, n_taken; /* in so many parts it is taken in */
};

static struct told told;

static void note(void *arg, const struct ldc_survey *survey)
{
    struct told *t = arg;
    const struct ldc_config *config = ldc_configs_find(survey->configs, 0);
    t->n++;
    t->number = survey->number;
    t->is_rejected = survey->outcome.is_rejected;
    t->answer = survey->outcome.answer;
    t->list = survey->list;
    t->n_rows = survey->rows.n_items;
    t->n_bad_lines = survey->rows.n_bad_lines;
    t->n_configs = survey->configs->n_items;
    strcpy(t->output, survey->outcome.result ? survey->outcome.result->output : "none");
    strcpy(t->name, config ? config->player_name : "none");
    cr_assert(survey->has_processes);
    cr_assert_leq(survey->started_ms, survey->ended_ms);
    if (t->n_restarts > 0) {
        t->n_restarts--;
        (void)ldc_surveyor_start(surveyor, UINT64_MAX);
        cr_assert(ldc_surveyor_is_running(surveyor));
    }
}

static bool take_part(void *arg, const struct ldc_survey *survey)
{
    struct told *t = arg;
    cr_assert(ldc_surveyor_is_running(surveyor));
    cr_assert_eq(survey->number, t->n + 1);
    return ++t->n_taken >= t->n_parts;
}

static void set_up(void)
{
    cr_assert_eq(loop_init(&loop), 0);
    folder = folder_make();
    folder_write(folder, "vms/config/leidian0.config", "{\"statusSettings.playerName\":\"one\"}");
    char *path = fs_join(folder, "ldconsole");
    ldc_install_from_path(path, &install);
    mem_free(path);
    runner = fake_runner_new(&loop);
    client = ldc_client_new(&loop, fake_runner_base(runner), &install, &ldc_client_defaults);
    surveyor = ldc_surveyor_new(&loop, client, LDC_CODEPAGE_SYSTEM, take_part, note, &told);
}

TestSuite(ldc_survey, .init = set_up);

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

static void close_client(void *arg)
{
    ldc_client_close(client, note_closed, arg);
}

static void tear_down(void)
{
    bool is_closed = false;
    ldc_surveyor_close(surveyor, close_client, &is_closed);
    cr_assert_not(is_closed);
    loop_run(&loop);
    cr_assert(is_closed);
    cr_assert_eq(loop_deinit(&loop), 0);
    ldc_install_deinit(&install);
    folder_remove(folder);
}

static void survey_all(size_t n_answers, const char *const *answers)
{
    for (size_t i = 0; i < n_answers; i++)
        fake_runner_answer_next(runner, 0, answers[i]);
    (void)ldc_surveyor_start(surveyor, UINT64_MAX);
    cr_assert(ldc_surveyor_is_running(surveyor));
    loop_run(&loop);
    cr_assert_not(ldc_surveyor_is_running(surveyor));
}

Test(ldc_survey, brings_rows_and_configs_together)
{
    survey_all(1, (const char *[]){row});
    cr_assert_eq(told.n, 1);
    cr_assert_eq(told.answer, LDC_ANSWER_ACCEPTED);
    cr_assert_eq(told.list, LDC_LIST_OK);
    cr_assert_eq(told.n_rows, 1);
    cr_assert_eq(told.n_configs, 1);
    cr_assert_str_eq(told.name, "one");
    cr_assert_str_eq(told.output, row);
    tear_down();
}

Test(ldc_survey, sees_a_config_that_changed_between_two_surveys)
{
    survey_all(1, (const char *[]){row});
    folder_write(folder, "vms/config/leidian0.config", "{\"statusSettings.playerName\":\"two\"}");
    survey_all(1, (const char *[]){row});
    cr_assert_str_eq(told.name, "two");
    tear_down();
}

Test(ldc_survey, does_not_believe_an_empty_answer_at_once)
{
    survey_all(2, (const char *[]){"", row});
    cr_assert_eq(told.n, 1);
    cr_assert_eq(told.list, LDC_LIST_OK);
    cr_assert_eq(fake_runner_n_started(runner), 2);
    tear_down();
}

Test(ldc_survey, does_not_believe_a_torn_answer_at_once)
{
    survey_all(
        3, (const char *[]){"0,LDPlayer,0,0,0,-1,-1,960,540,160\r\n1,LDPl", "garbage\r\n", row});
    cr_assert_eq(told.list, LDC_LIST_OK);
    cr_assert_eq(told.n_bad_lines, 0);
    cr_assert_eq(fake_runner_n_started(runner), 3);
    tear_down();
}

Test(ldc_survey, believes_the_third_empty_answer)
{
    survey_all(3, (const char *[]){"", "\r\n", ""});
    cr_assert_eq(told.n, 1);
    cr_assert_eq(told.list, LDC_LIST_EMPTY);
    cr_assert_eq(told.n_rows, 0);
    cr_assert_eq(fake_runner_n_started(runner), 3);
    survey_all(1, (const char *[]){row});
    cr_assert_eq(told.n_rows, 1, "and asks again as often the next time");
    tear_down();
}

Test(ldc_survey, does_not_repeat_what_was_clearly_refused)
{
    survey_all(1, (const char *[]){"dnplayer Command Line Management Interface\r\n"});
    cr_assert_eq(told.answer, LDC_ANSWER_USAGE);
    cr_assert_eq(told.list, LDC_LIST_USAGE);
    cr_assert_eq(told.n_rows, 0);
    cr_assert_eq(fake_runner_n_started(runner), 1);
    tear_down();
}

Test(ldc_survey, does_not_repeat_a_list_with_a_stray_line)
{
    survey_all(1, (const char *[]){"Active code page: 65001\r\n"
                                   "0,LDPlayer,0,0,0,-1,-1,960,540,160\r\n"});
    cr_assert_eq(told.list, LDC_LIST_OK);
    cr_assert_eq(told.n_rows, 1);
    cr_assert_eq(fake_runner_n_started(runner), 1);
    survey_all(1, (const char *[]){"dnplayer Command Line Management Interface\r\n"
                                   "0,LDPlayer,0,0,0,-1,-1,960,540,160\r\n"});
    cr_assert_eq(told.answer, LDC_ANSWER_ACCEPTED);
    cr_assert_eq(told.n_rows, 1);
    tear_down();
}

/* The config has "one". */
Test(ldc_survey, holds_the_rows_against_the_titles_in_the_configs)
{
    survey_all(1, (const char *[]){"0,one,0,0,0,-1,-1,960,540,160,60\r\n"});
    cr_assert_eq(told.list, LDC_LIST_OK);
    survey_all(3, (const char *[]){"0,one,9,0,0,0,-1,-1,960,540,160\r\n",
                                   "0,one,9,0,0,0,-1,-1,960,540,160\r\n",
                                   "0,one,9,0,0,0,-1,-1,960,540,160\r\n"});
    cr_assert_eq(told.list, LDC_LIST_UNKNOWN_FORMAT);
    cr_assert_eq(told.n_rows, 0);
    tear_down();
}

Test(ldc_survey, forgets_what_a_repeated_answer_was_worth)
{
    fake_runner_answer_next(runner, 0, "");
    fake_runner_answer_next(runner, -5, "oh");
    (void)ldc_surveyor_start(surveyor, UINT64_MAX);
    loop_run(&loop);
    cr_assert_eq(told.answer, LDC_ANSWER_VENDOR_ERROR);
    cr_assert_eq(told.list, LDC_LIST_OK);
    tear_down();
}

/* The config of an instance is there. */
Test(ldc_survey, tells_the_breaker_once_what_the_list_was_worth)
{
    static const struct {
        size_t n_answers;
        const char *answers[3], *reason;
    } sick[] = {
        {3, {"garbage", "more of it", "and more"}, "LDCONSOLE_GARBAGE"},
        {3, {"", "garbage", ""}, "LDCONSOLE_EMPTY_LIST"},
        {1, {"dnplayer Command Line Management Interface\r\n"}, "LDCONSOLE_UNKNOWN_VERSION"},
    };
    static const char torn[] = "0,LDPlayer,0,0,0,-1,-1,960,540,160\r\n1,LDPl";
    const struct ldc_breaker *b = ldc_client_breaker(client, LDC_PURPOSE_LIST);
    for (size_t i = 0; i < countof(sick); i++) {
        survey_all(sick[i].n_answers, sick[i].answers);
        cr_assert_eq(b->consecutive, i + 1, "%s", sick[i].reason);
        cr_assert_eq(b->n_failure, i + 1, "%s", sick[i].reason);
    }
    survey_all(3, (const char *[]){torn, torn, torn});
    cr_assert_eq(b->consecutive, 3, "says nothing");
    cr_assert_eq(b->n_success, 0);
    survey_all(2, (const char *[]){"garbage", row});
    cr_assert_eq(b->n_success, 1);
    cr_assert_eq(b->n_failure, 3, "what was asked again says nothing");
    cr_assert_eq(b->consecutive, 0);
    tear_down();
}

Test(ldc_survey, asks_once_more_when_list2_has_crashed)
{
    const struct ldc_breaker *b = ldc_client_breaker(client, LDC_PURPOSE_LIST);
    fake_runner_answer_next(runner, (int)0xC0000005, "");
    survey_all(1, (const char *[]){row});
    cr_assert_eq(told.answer, LDC_ANSWER_ACCEPTED);
    cr_assert_eq(told.n_rows, 1);
    cr_assert_eq(b->n_failure, 0);
    fake_runner_answer_next(runner, (int)0xC0000008, "");
    fake_runner_answer_next(runner, (int)0xC0000008, "");
    survey_all(0, NULL);
    cr_assert_eq(told.answer, LDC_ANSWER_VENDOR_ERROR);
    cr_assert_eq(fake_runner_n_started(runner), 4);
    cr_assert_eq(b->n_failure, 1);
    tear_down();
}

static void time_out(void *arg)
{
    (void)arg;
    fake_runner_end(runner, 0, RUN_TIMED_OUT);
}

Test(ldc_survey, tells_that_list2_missed_its_deadline_and_the_files_all_the_same)
{
    (void)ldc_surveyor_start(surveyor, UINT64_MAX);
    loop_post(&loop, time_out, NULL);
    loop_run(&loop);
    cr_assert_eq(told.n, 1);
    cr_assert_eq(told.answer, LDC_ANSWER_TIMED_OUT);
    cr_assert_eq(told.n_configs, 1);
    cr_assert_eq(fake_runner_n_started(runner), 1);
    tear_down();
}

Test(ldc_survey, tells_that_the_breaker_refused)
{
    (void)ldc_client_steer(client, "list",
                           &(struct ldc_breaker_order){.state = LDC_BREAKER_FORCED_OPEN});
    (void)ldc_surveyor_start(surveyor, UINT64_MAX);
    loop_run(&loop);
    cr_assert_eq(told.n, 1);
    cr_assert(told.is_rejected);
    cr_assert_str_eq(told.output, "none");
    tear_down();
}

Test(ldc_survey, runs_one_at_a_time)
{
    (void)ldc_surveyor_start(surveyor, UINT64_MAX);
    (void)ldc_surveyor_start(surveyor, UINT64_MAX);
    cr_assert_eq(fake_runner_n_started(runner), 1);
    fake_runner_exit(runner, 0, 0, row);
    loop_run(&loop);
    cr_assert_eq(told.n, 1);
    tear_down();
}

Test(ldc_survey, one_follows_for_all_who_are_not_content_with_the_one_that_runs)
{
    cr_assert_eq(ldc_surveyor_start(surveyor, 0), 1);
    cr_assert_eq(ldc_surveyor_start(surveyor, 60000), 1);
    cr_assert_eq(ldc_surveyor_start(surveyor, 0), 2);
    cr_assert_eq(ldc_surveyor_start(surveyor, 0), 2);
    cr_assert_eq(ldc_surveyor_start(surveyor, UINT64_MAX), 1);
    cr_assert_eq(fake_runner_n_started(runner), 1);
    fake_runner_exit(runner, 0, 0, row);
    fake_runner_answer_next(runner, 0, row);
    loop_run(&loop);
    cr_assert_eq(told.n, 2);
    cr_assert_eq(told.number, 2);
    cr_assert_eq(fake_runner_n_started(runner), 2);
    tear_down();
}

Test(ldc_survey, may_be_started_again_from_its_callback)
{
    told.n_restarts = 2;
    survey_all(3, (const char *[]){row, row, row});
    cr_assert_eq(told.n, 3);
    tear_down();
}

/* A post alone does not keep a loop turning. */
static void turn_once(void)
{
    uv_ref((uv_handle_t *)&loop.wake);
    uv_run(&loop.uv, UV_RUN_NOWAIT);
    uv_unref((uv_handle_t *)&loop.wake);
}

Test(ldc_survey, is_taken_in_by_parts_in_turns_of_their_own)
{
    told.n_parts = 5;
    fake_runner_answer_next(runner, 0, row);
    (void)ldc_surveyor_start(surveyor, UINT64_MAX);
    while (told.n_taken == 0)
        turn_once();
    /* The turn that saw both halves over may have had the posts still before it. */
    for (unsigned n = told.n_taken; n < 5; n++) {
        cr_assert_eq(told.n_taken, n, "one in a turn");
        cr_assert_eq(told.n, 0);
        cr_assert_eq(ldc_surveyor_start(surveyor, 60000), 1, "it still runs");
        turn_once();
    }
    cr_assert_eq(told.n_taken, 5);
    cr_assert_eq(told.n, 1);
    cr_assert_str_eq(told.output, row);
    cr_assert_not(ldc_surveyor_is_running(surveyor));
    tear_down();
}

Test(ldc_survey, the_next_begins_when_all_of_one_is_taken_in)
{
    told.n_parts = 3;
    fake_runner_answer_next(runner, 0, row);
    (void)ldc_surveyor_start(surveyor, UINT64_MAX);
    while (told.n_taken == 0)
        turn_once();
    cr_assert_eq(ldc_surveyor_start(surveyor, 0), 2);
    cr_assert_eq(fake_runner_n_started(runner), 1);
    fake_runner_answer_next(runner, 0, row);
    loop_run(&loop);
    cr_assert_eq(told.n, 2);
    cr_assert_eq(fake_runner_n_started(runner), 2);
    tear_down();
}

Test(ldc_survey, can_be_closed_between_two_parts)
{
    told.n_parts = 1000;
    fake_runner_answer_next(runner, 0, row);
    (void)ldc_surveyor_start(surveyor, UINT64_MAX);
    while (told.n_taken < 2)
        turn_once();
    tear_down();
    cr_assert_eq(told.n_taken, 2);
    cr_assert_eq(told.n, 0);
}

Test(ldc_survey, works_without_the_folder_of_configs)
{
    char *path cleanup(mem_freep) = fs_join(folder, "vms/config");
    char *moved cleanup(mem_freep) = fs_join(folder, "elsewhere");
    survey_all(1, (const char *[]){row});
    cr_assert_eq(told.n_configs, 1);
    cr_assert_eq(fs_rename(path, moved), 0);
    survey_all(1, (const char *[]){row});
    cr_assert_eq(told.n_configs, 0);
    cr_assert_eq(told.n_rows, 1);
    tear_down();
}

Test(ldc_survey, can_be_closed_while_it_runs)
{
    (void)ldc_surveyor_start(surveyor, UINT64_MAX);
    tear_down();
    cr_assert_eq(told.n, 0);
}

static bool closed_within;

static void close_from_within(void *arg, const struct ldc_survey *survey)
{
    (void)arg;
    (void)survey;
    ldc_surveyor_close(surveyor, close_client, &closed_within);
}

Test(ldc_survey, can_be_closed_from_its_callback)
{
    bool is_closed = false;
    ldc_surveyor_close(surveyor, note_closed, &is_closed);
    loop_run(&loop);
    cr_assert(is_closed);
    surveyor =
        ldc_surveyor_new(&loop, client, LDC_CODEPAGE_SYSTEM, take_part, close_from_within, &told);
    fake_runner_answer_next(runner, 0, row);
    (void)ldc_surveyor_start(surveyor, UINT64_MAX);
    loop_run(&loop);
    cr_assert(closed_within);
    cr_assert_eq(loop_deinit(&loop), 0);
    ldc_install_deinit(&install);
    folder_remove(folder);
}
