/* SPDX-License-Identifier: MIT */
/* A survey has two halves that run at the same time: list2 (a child, answered on the loop) and the
 * look at files and processes (a worker thread). What they saw is taken in when both are over:
 * what list2 printed is read then, because the titles in the config files help to read it. While
 * the worker runs, `configs` and `processes` are its own; from then on they are the loop's.
 *
 *      begin --> ask -----> on_list ---.   .--(again, up to twice)--> ask
 *         '----> work ----> on_worked --> go_on --> take_in --------> finish
 *                                                   TAKE, by turns    DONE */
#include "ldconsole/guard/survey.h"

#include <string.h>

#include <uv.h>

#include "base/loop/loop.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"

enum { MAX_REPEATS = 2 };

struct ldc_surveyor {
    struct loop *loop;
    struct ldc_client *client;
    enum ldc_codepage codepage;
    ldc_survey_take_fn take;
    ldc_survey_fn done;
    void *arg;

    bool is_running;
    bool is_reporting; /* within DONE: a new survey must wait until it has returned */
    bool is_requested; /* another one is to follow */
    struct ldc_survey survey;
    struct ldc_call *call; /* list2; NULL when that half is over */
    unsigned n_repeats;
    struct run_result result; /* copy of list2's, for `survey.outcome`, as what follows */
    char *output, *command_line;
    struct ldc_refusal refusal;

    uv_work_t work;
    bool is_working;
    char *dir, *vms_dir;
    struct ldc_configs configs;
    struct ldc_processes processes;
    struct ldc_premises premises;
    int configs_status, processes_status;

    bool is_closing;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

/* --- the start --- */

static void ask(struct ldc_surveyor *s);
static void work(uv_work_t *work);
static void on_worked(uv_work_t *work, int status);

static void begin(struct ldc_surveyor *s)
{
    /* The installation may have been found only now. */
    const struct ldc_install *install = ldc_client_install(s->client);
    if (strcmp(s->dir, install->dir) != 0 || strcmp(s->vms_dir, install->vms_dir) != 0) {
        mem_free(s->dir);
        mem_free(s->vms_dir);
        s->dir = mem_strdup(install->dir);
        s->vms_dir = mem_strdup(install->vms_dir);
        ldc_configs_deinit(&s->configs);
    }
    s->is_requested = false;
    s->is_running = true;
    s->n_repeats = 0;
    s->survey = (struct ldc_survey){
        .number = s->survey.number + 1,
        .started_ms = clock_mono_ms(),
        .wall_ms = clock_wall_ms(),
    };
    /* In this order: starting a process while another thread of ours is busy takes longer. */
    ask(s);
    /* Fails only without a callback. */
    (void)uv_queue_work(&s->loop->uv, &s->work, work, on_worked);
    s->is_working = true;
}

/* --- what comes when both halves are over --- */

static void finish_closing(void *arg)
{
    struct ldc_surveyor *s = arg;
    void (*on_closed)(void *arg) = s->on_closed;
    void *on_closed_arg = s->on_closed_arg;
    ldc_configs_deinit(&s->configs);
    ldc_processes_deinit(&s->processes);
    mem_free(s->dir);
    mem_free(s->vms_dir);
    mem_free(s);
    on_closed(on_closed_arg);
}

static void forget_answer(struct ldc_surveyor *s)
{
    ldc_rows_deinit(&s->survey.rows);
    s->survey.list = LDC_LIST_OK;
    mem_free(s->output);
    mem_free(s->command_line);
    s->output = s->command_line = NULL;
}

/* For ldc_rows_parse. */
static const char *title_of(const void *arg, int index)
{
    const struct ldc_config *config = ldc_configs_find(arg, index);
    return config && config->is_readable ? config->player_name : NULL;
}

/* Whether list2 printed something to judge. */
static bool has_list(const struct ldc_outcome *outcome)
{
    return !outcome->is_rejected && outcome->result &&
           (outcome->answer == LDC_ANSWER_ACCEPTED || outcome->answer == LDC_ANSWER_USAGE);
}

/* What may be better the next time. */
static bool is_doubtful(enum ldc_list_outcome list)
{
    return list != LDC_LIST_OK && list != LDC_LIST_USAGE;
}

/* list2 crashes now and then and is well the next time (reference 11). */
static bool has_crashed(const struct ldc_outcome *outcome)
{
    return !outcome->is_rejected && outcome->answer == LDC_ANSWER_VENDOR_ERROR &&
           ldc_answer_is_crash(outcome->result);
}

/* The breaker of list2 is told once a survey what its list is worth, not what its exit code says.
 * An answer that is asked again says nothing. */
static void judge(struct ldc_surveyor *s, bool is_last)
{
    const struct ldc_outcome *outcome = &s->survey.outcome;
    enum ldc_fault fault = LDC_FAULT_UNKNOWN;
    const char *code = ldc_answer_code(outcome->answer);
    if (!outcome->is_unjudged)
        return;
    if (is_last && has_list(outcome)) {
        fault = ldc_list_fault(s->survey.list, s->configs.n_items > 0);
        code = ldc_list_code(s->survey.list);
    } else if (is_last) {
        fault = ldc_answer_fault(LDC_VERB_LIST2, outcome->answer);
    }
    s->survey.outcome.is_unjudged = false;
    ldc_client_judge(s->client, LDC_PURPOSE_LIST, outcome, fault, code);
}

static void finish(struct ldc_surveyor *s)
{
    s->is_running = false;
    if (!s->is_closing) {
        s->is_reporting = true;
        s->done(s->arg, &s->survey);
        s->is_reporting = false;
    }
    forget_answer(s);
    if (s->is_closing)
        finish_closing(s);
    else if (s->is_requested)
        begin(s);
}

static void take_in(void *arg)
{
    struct ldc_surveyor *s = arg;
    if (s->is_closing || s->take(s->arg, &s->survey))
        finish(s);
    else
        loop_post(s->loop, take_in, s);
}

/* One half is over. */
static void go_on(struct ldc_surveyor *s)
{
    if (s->call || s->is_working)
        return;
    if (!s->is_closing && has_list(&s->survey.outcome))
        s->survey.list = ldc_rows_parse(s->output, s->result.output_len, s->codepage, title_of,
                                        &s->configs, &s->survey.rows);
    unsigned max_repeats = is_doubtful(s->survey.list)       ? MAX_REPEATS
                           : has_crashed(&s->survey.outcome) ? 1
                                                             : 0;
    if (!s->is_closing && s->n_repeats < max_repeats) {
        s->n_repeats++;
        judge(s, false);
        forget_answer(s);
        ask(s);
        return;
    }
    judge(s, true);
    s->survey.configs = &s->configs;
    s->survey.processes = &s->processes;
    s->survey.premises = &s->premises;
    s->survey.has_configs = s->configs_status == 0;
    s->survey.has_processes = s->processes_status == 0;
    s->survey.ended_ms = clock_mono_ms();
    take_in(s);
}

/* --- one half: list2 --- */

/* All of it ends with the call, and the worker may take longer than list2. */
static void keep_answer(struct ldc_surveyor *s, const struct ldc_outcome *outcome)
{
    s->survey.outcome = *outcome;
    s->command_line = mem_strdup(outcome->command_line);
    s->survey.outcome.command_line = s->command_line;
    if (outcome->is_rejected) {
        str_copy(s->refusal.name, sizeof(s->refusal.name), outcome->breaker);
        str_copy(s->refusal.reason, sizeof(s->refusal.reason), outcome->refusal);
        s->survey.outcome.breaker = s->refusal.name;
        s->survey.outcome.refusal = s->refusal.reason;
    }
    if (!outcome->result)
        return;
    s->result = *outcome->result;
    s->output = mem_alloc(s->result.output_len + 1);
    memcpy(s->output, s->result.output, s->result.output_len);
    s->result.output = s->output;
    s->survey.outcome.result = &s->result;
}

static void on_list(void *arg, const struct ldc_outcome *outcome)
{
    struct ldc_surveyor *s = arg;
    s->call = NULL;
    keep_answer(s, outcome);
    go_on(s);
}

static void ask(struct ldc_surveyor *s)
{
    struct ldc_command command;
    ldc_command_list2(&command);
    s->call = ldc_client_call(s->client, &command, LDC_PURPOSE_LIST, on_list, s);
    ldc_client_reserve_judgement(s->call);
}

/* --- the other: files and processes --- */

static void work(uv_work_t *work)
{
    struct ldc_surveyor *s = container_of(work, struct ldc_surveyor, work);
    s->configs_status = ldc_configs_refresh(&s->configs, s->vms_dir);
    s->processes_status = ldc_processes_scan(&s->processes);
    ldc_premises_look(s->dir, s->vms_dir, &s->premises);
}

static void on_worked(uv_work_t *work, int status)
{
    struct ldc_surveyor *s = container_of(work, struct ldc_surveyor, work);
    s->is_working = false;
    if (status < 0)
        s->configs_status = s->processes_status = status;
    go_on(s);
}

/* --- the surveyor --- */

struct ldc_surveyor *ldc_surveyor_new(struct loop *loop, struct ldc_client *client,
                                      enum ldc_codepage codepage, ldc_survey_take_fn take,
                                      ldc_survey_fn done, void *arg)
{
    struct ldc_surveyor *s = mem_new(struct ldc_surveyor);
    s->loop = loop;
    s->client = client;
    s->codepage = codepage;
    s->take = take;
    s->done = done;
    s->arg = arg;
    s->premises.free_bytes = UINT64_MAX;
    s->dir = mem_strdup(ldc_client_install(client)->dir);
    s->vms_dir = mem_strdup(ldc_client_install(client)->vms_dir);
    return s;
}

void ldc_surveyor_keep_configs(struct ldc_surveyor *s, const char *dir)
{
    s->configs.keep_dir = dir;
}

static bool is_young(const struct ldc_surveyor *s, uint64_t max_age_ms)
{
    return max_age_ms > 0 && clock_mono_ms() - s->survey.started_ms <= max_age_ms;
}

uint64_t ldc_surveyor_start(struct ldc_surveyor *s, uint64_t max_age_ms)
{
    if (s->is_running && is_young(s, max_age_ms))
        return s->survey.number;
    uint64_t next = s->survey.number + 1;
    if (s->is_running || s->is_reporting)
        s->is_requested = true;
    else if (!s->is_closing)
        begin(s);
    return next;
}

bool ldc_surveyor_is_running(const struct ldc_surveyor *s)
{
    return s->is_running || s->is_requested;
}

void ldc_surveyor_close(struct ldc_surveyor *s, void (*on_closed)(void *arg), void *arg)
{
    s->is_closing = true;
    s->on_closed = on_closed;
    s->on_closed_arg = arg;
    if (s->call)
        ldc_client_cancel(s->call);
    if (s->is_working)
        (void)uv_cancel((uv_req_t *)&s->work);
    if (!s->is_running && !s->is_reporting)
        loop_post(s->loop, finish_closing, s);
}
