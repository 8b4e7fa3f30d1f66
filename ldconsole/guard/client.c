/* SPDX-License-Identifier: MIT */
/* A call is in one of three places: in the queue of its class, at the runner, or posted to the
 * loop to end with an outcome that needs no child. Whoever ends it takes it out of `calls` and
 * starts the next one waiting in its class.
 *
 *      ldc_client_call -> queue -> start_waiting -> run_call -> (child) -> on_run_done -> end_call
 *             |            '-- cancelled, no session --'                                    ^
 *             '-- closing, no program, breakers ------> post_end -> (later turn) end_posted-' */
#include "ldconsole/guard/client.h"

#include <uv.h>

#include "base/loop/loop.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"

enum { MAX_PROBES = 3, ORDER_RETRY_MS = 1000 };

struct ldc_client {
    struct loop *loop;
    struct runner *runner;
    struct ldc_install install;
    struct ldc_client_options options;
    struct ldc_breakers *breakers;
    struct list calls;                    /* all that are not done */
    struct list waiting[LDC_CLASS_COUNT]; /* of these, the queued ones; first in, first out */
    unsigned n_running[LDC_CLASS_COUNT];
    unsigned n_waiting;
    struct ldc_abilities abilities;
    bool is_probing;
    unsigned n_probes;
    bool is_closing, is_runner_closing;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

struct ldc_call {
    struct list link;  /* in calls */
    struct list queue; /* in waiting, or on its own */
    struct ldc_client *client;
    struct ldc_command command;
    enum ldc_purpose purpose;
    ldc_call_fn done;
    void *arg;
    char *command_line;
    struct run *run;  /* while at the runner */
    bool is_repeated; /* because the agent was lost */
    unsigned probes;  /* of ldc_breakers_pass */
    bool is_judgement_reserved;
    struct ldc_refusal refusal; /* of a call that was rejected */
    struct ldc_outcome posted;  /* the outcome of a call that never ran */
    struct run_result not_found;
};

const struct ldc_client_options ldc_client_defaults = {
    .concurrency =
        {
            [LDC_CLASS_READ] = 4,
            [LDC_CLASS_LAUNCH] = 1,
            [LDC_CLASS_QUIT] = 2,
            [LDC_CLASS_EXCLUSIVE] = 1,
            [LDC_CLASS_GUEST] = 4,
        },
    .max_output = 1 << 20,
    .breaker =
        {
            .min_calls = 10,
            .failure_percent = 50,
            .slow_percent = 80,
            .consecutive_failures = 5,
            .consecutive_hangs = 2,
            .window_ms = 3600000,
            .open_ms = 5000,
            .max_open_ms = 60000,
            .probe_ms = 300000,
        },
};

/* --- breakers --- */

static enum ldc_class class_of(const struct ldc_call *call)
{
    return ldc_verb_table[call->command.verb].class;
}

static struct ldc_breaker_now read_clocks(void)
{
    return (struct ldc_breaker_now){clock_mono_ms(), clock_wall_ms()};
}

static bool passes_breakers(const struct ldc_call *call)
{
    return class_of(call) != LDC_CLASS_GUEST;
}

static struct ldc_way way_of(const struct ldc_call *call)
{
    return (struct ldc_way){call->purpose, call->command.instance};
}

/* EVIDENCE is what NEWS points to. */
static void make_news(const struct ldc_outcome *outcome, const char *instance, enum ldc_fault fault,
                      const char *code, struct ldc_breaker_call *evidence,
                      struct ldc_breaker_news *ret)
{
    *ret = (struct ldc_breaker_news){.fault = fault, .is_slow = outcome->is_slow};
    if (!ldc_fault_is_failure(fault))
        return;
    *evidence = (struct ldc_breaker_call){.at = clock_wall_ms(), .fault = fault};
    str_copy(evidence->code, sizeof(evidence->code), code);
    str_copy(evidence->instance, sizeof(evidence->instance), instance);
    ldc_breaker_call_read(evidence, outcome->command_line, outcome->result);
    ret->call = evidence;
}

void ldc_client_judge(struct ldc_client *client, enum ldc_purpose purpose,
                      const struct ldc_outcome *outcome, enum ldc_fault fault, const char *code)
{
    struct ldc_breaker_call evidence;
    struct ldc_breaker_news news;
    make_news(outcome, "", fault, code, &evidence, &news);
    ldc_breakers_report_answer(client->breakers, read_clocks(), &(struct ldc_way){purpose, ""},
                               outcome->probes, &news);
}

/* Returns whether the caller has to say what the answer is worth, who reserved that. */
static bool tell_breakers(struct ldc_call *call, const struct ldc_outcome *outcome)
{
    struct ldc_breakers *breakers = call->client->breakers;
    struct ldc_way way = way_of(call);
    struct ldc_breaker_call evidence;
    struct ldc_breaker_news news;
    if (!passes_breakers(call))
        return false;
    make_news(outcome, way.instance, ldc_answer_fault(call->command.verb, outcome->answer),
              ldc_answer_code(outcome->answer), &evidence, &news);
    ldc_breakers_report_run(breakers, read_clocks(), outcome->probes, &news);
    if (call->is_judgement_reserved && news.fault != LDC_FAULT_UNKNOWN)
        return true;
    ldc_breakers_report_answer(breakers, read_clocks(), &way, outcome->probes, &news);
    return false;
}

/* --- the last word on a call --- */

static void finish_closing(struct ldc_client *c)
{
    void (*on_closed)(void *arg) = c->on_closed;
    void *on_closed_arg = c->on_closed_arg;
    ldc_breakers_free(c->breakers);
    ldc_install_deinit(&c->install);
    mem_free(c);
    on_closed(on_closed_arg);
}

static void on_runner_closed(void *arg)
{
    struct ldc_client *c = arg;
    c->runner = NULL;
    if (list_is_empty(&c->calls))
        finish_closing(c);
}

static void close_if_empty(struct ldc_client *c)
{
    if (!c->is_closing || !list_is_empty(&c->calls))
        return;
    if (!c->runner) {
        finish_closing(c);
    } else if (!c->is_runner_closing) {
        c->is_runner_closing = true;
        c->runner->ops->close(c->runner, on_runner_closed, c);
    }
}

static void end_call(struct ldc_call *call, const struct ldc_outcome *outcome)
{
    struct ldc_client *c = call->client;
    /* Still in `calls`, so a close from within the callback cannot finish under us. */
    call->done(call->arg, outcome);
    list_unlink(&call->link);
    ldc_command_deinit(&call->command);
    mem_free(call->command_line);
    mem_free(call);
    close_if_empty(c);
}

static void end_posted(void *arg)
{
    struct ldc_call *call = arg;
    end_call(call, &call->posted);
}

static void leave_queue(struct ldc_call *call)
{
    if (!list_is_empty(&call->queue)) {
        list_unlink(&call->queue);
        call->client->n_waiting--;
    }
}

/* Ends a call that has no child, in a later turn. */
static void post_end(struct ldc_call *call, struct ldc_outcome outcome)
{
    leave_queue(call);
    call->posted = outcome;
    call->posted.command_line = call->command_line;
    loop_post(call->client->loop, end_posted, call);
}

/* Whom an operator's order holds up asks often, which costs nothing: it may end at any time. */
static void post_rejection(struct ldc_call *call)
{
    const struct ldc_refusal *refusal = &call->refusal;
    post_end(call, (struct ldc_outcome){
                       .is_rejected = true,
                       .retry_ms = refusal->is_order ? ORDER_RETRY_MS : refusal->retry_ms,
                       .breaker = refusal->name,
                       .refusal = refusal->reason,
                       .answer = LDC_ANSWER_NOT_STARTED,
                   });
}

/* --- from the queue to the runner --- */

static void on_run_done(void *arg, const struct run_result *result);

/* NULL when the installation does not have the program. */
static const char *program_of(const struct ldc_client *c, enum ldc_verb verb)
{
    switch (ldc_verb_table[verb].program) {
    case LDC_PROGRAM_ADB:
        return c->install.adb;
    case LDC_PROGRAM_LD:
        return c->install.ld;
    case LDC_PROGRAM_LDCONSOLE:
        break;
    }
    return c->install.ldconsole;
}

static unsigned deadline_of(const struct ldc_client *c, enum ldc_verb verb)
{
    unsigned ms = c->options.deadline_ms[verb];
    return ms ? ms : ldc_verb_table[verb].deadline_ms;
}

static void run_call(struct ldc_call *call)
{
    struct ldc_client *c = call->client;
    enum ldc_verb verb = call->command.verb;
    unsigned own_ms = deadline_of(c, verb), callers_ms = call->command.deadline_ms;
    struct run_request request = {
        .file = program_of(c, verb),
        .args = &call->command.args,
        .deadline_ms = callers_ms && callers_ms < own_ms ? callers_ms : own_ms,
        .max_output = c->options.max_output,
    };
    call->run = c->runner->ops->start(c->runner, &request, on_run_done, call);
}

static unsigned limit_of(const struct ldc_client *c, enum ldc_class class)
{
    return c->options.concurrency[class] ? c->options.concurrency[class] : 1;
}

static bool pass_breakers(struct ldc_call *call)
{
    struct ldc_way way = way_of(call);
    return !passes_breakers(call) || ldc_breakers_pass(call->client->breakers, read_clocks(), &way,
                                                       &call->probes, &call->refusal);
}

static void start_waiting(struct ldc_client *c, enum ldc_class class)
{
    while (c->n_running[class] < limit_of(c, class) && !list_is_empty(&c->waiting[class])) {
        struct ldc_call *call = list_entry(c->waiting[class].next, struct ldc_call, queue);
        if (runner_absence(c->runner)) {
            post_end(call, (struct ldc_outcome){.answer = LDC_ANSWER_NO_SESSION});
        } else if (!pass_breakers(call)) {
            post_rejection(call);
        } else {
            leave_queue(call);
            c->n_running[class]++;
            run_call(call);
        }
    }
}

static bool would_refuse(struct ldc_call *call)
{
    struct ldc_way way = way_of(call);
    return passes_breakers(call) &&
           ldc_breakers_refuse(call->client->breakers, read_clocks(), &way, &call->refusal) &&
           !pass_breakers(call);
}

struct ldc_call *ldc_client_call(struct ldc_client *client, struct ldc_command *command,
                                 enum ldc_purpose purpose, ldc_call_fn done, void *arg)
{
    const char *program = program_of(client, command->verb);
    struct ldc_call *call = mem_new(struct ldc_call);
    ldc_breakers_look(client->breakers, read_clocks());
    call->client = client;
    call->command = *command;
    *command = (struct ldc_command){.verb = command->verb};
    call->purpose = purpose;
    call->done = done;
    call->arg = arg;
    char *args cleanup(mem_freep) = argv_format(&call->command.args);
    call->command_line = mem_printf("%s %s", program ? program : "(missing)", args);
    list_append(&client->calls, &call->link);
    list_init(&call->queue);
    enum ldc_class class = class_of(call);
    if (client->is_closing) {
        post_end(call, (struct ldc_outcome){.answer = LDC_ANSWER_CANCELLED});
    } else if (!program) {
        call->not_found = (struct run_result){
            .status = RUN_NOT_STARTED,
            .error = UV_ENOENT,
            .output = "",
        };
        post_end(call, (struct ldc_outcome){
                           .answer = LDC_ANSWER_NOT_STARTED,
                           .result = &call->not_found,
                       });
    } else if (would_refuse(call)) {
        post_rejection(call);
    } else {
        list_append(&client->waiting[class], &call->queue);
        client->n_waiting++;
        start_waiting(client, class);
    }
    return call;
}

bool ldc_client_has_room(const struct ldc_client *client, enum ldc_verb verb, unsigned n)
{
    enum ldc_class class = ldc_verb_table[verb].class;
    return list_is_empty(&client->waiting[class]) &&
           client->n_running[class] + n < limit_of(client, class);
}

/* --- and back --- */

/* A question may be asked again, of the agent that comes next; what changes something may not. */
static bool may_repeat(const struct ldc_call *call, const struct run_result *result)
{
    return result->status == RUN_LOST && !call->is_repeated && !call->client->is_closing &&
           !ldc_verb_table[call->command.verb].is_mutating;
}

static void on_run_done(void *arg, const struct run_result *result)
{
    struct ldc_call *call = arg;
    struct ldc_client *c = call->client;
    enum ldc_class class = class_of(call);
    if (may_repeat(call, result)) {
        call->is_repeated = true;
        run_call(call);
        return;
    }
    struct ldc_outcome outcome = {
        .answer = ldc_answer_read(call->command.verb, result),
        .result = result,
        .command_line = call->command_line,
        .is_slow = result->duration_ms > deadline_of(c, call->command.verb) / 2,
        .probes = call->probes,
    };
    call->run = NULL;
    c->n_running[class]--;
    outcome.is_unjudged = tell_breakers(call, &outcome);
    start_waiting(c, class);
    end_call(call, &outcome);
}

void ldc_client_reserve_judgement(struct ldc_call *call)
{
    call->is_judgement_reserved = true;
}

void ldc_client_cancel(struct ldc_call *call)
{
    struct ldc_client *c = call->client;
    if (call->run)
        c->runner->ops->cancel(call->run);
    else if (!list_is_empty(&call->queue))
        post_end(call, (struct ldc_outcome){.answer = LDC_ANSWER_CANCELLED});
}

/* --- the client --- */

struct ldc_client *ldc_client_new(struct loop *loop, struct runner *runner,
                                  const struct ldc_install *install,
                                  const struct ldc_client_options *options)
{
    struct ldc_client *c = mem_new(struct ldc_client);
    c->loop = loop;
    c->runner = runner;
    c->options = *options;
    ldc_install_copy(install, &c->install);
    list_init(&c->calls);
    for (size_t i = 0; i < LDC_CLASS_COUNT; i++)
        list_init(&c->waiting[i]);
    c->breakers = ldc_breakers_new(&options->breaker);
    return c;
}

void ldc_client_on_breaker(struct ldc_client *client, ldc_breaker_fn fn, void *arg)
{
    ldc_breakers_on_change(client->breakers, fn, arg);
}

static void on_usage(void *arg, const struct ldc_outcome *outcome)
{
    struct ldc_client *client = arg;
    client->is_probing = false;
    if (outcome->result)
        ldc_install_read_abilities(outcome->result->output, &client->abilities);
}

void ldc_client_probe(struct ldc_client *client)
{
    struct ldc_command command;
    if (client->abilities.is_known || client->is_probing || client->n_probes >= MAX_PROBES)
        return;
    client->is_probing = true;
    client->n_probes++;
    ldc_command_usage(&command);
    ldc_client_call(client, &command, LDC_PURPOSE_CONNECT, on_usage, client);
}

const struct ldc_abilities *ldc_client_abilities(const struct ldc_client *client)
{
    return &client->abilities;
}

const struct ldc_install *ldc_client_install(const struct ldc_client *client)
{
    return &client->install;
}

void ldc_client_set_install(struct ldc_client *client, const struct ldc_install *install)
{
    ldc_install_deinit(&client->install);
    ldc_install_copy(install, &client->install);
    client->abilities = (struct ldc_abilities){0};
    client->n_probes = 0;
}

const struct ldc_breaker *ldc_client_breaker(const struct ldc_client *client,
                                             enum ldc_purpose purpose)
{
    return ldc_breakers_host(client->breakers, purpose);
}

const struct ldc_breaker *ldc_client_next_breaker(const struct ldc_client *client,
                                                  const struct ldc_breaker *breaker)
{
    return ldc_breakers_next(client->breakers, breaker);
}

const struct ldc_breaker *ldc_client_steer(struct ldc_client *client, const char *name,
                                           const struct ldc_breaker_order *order)
{
    struct ldc_breaker *b = ldc_breakers_find(client->breakers, name);
    if (b)
        ldc_breakers_obey(client->breakers, read_clocks(), b, order);
    return b;
}

void ldc_client_remember_breaker(const struct ldc_breaker *breaker, struct ldc_breaker_memory *ret)
{
    ldc_breaker_save(breaker, read_clocks(), ret);
}

bool ldc_client_restore_breaker(struct ldc_client *client, const struct ldc_breaker_memory *memory)
{
    return ldc_breakers_restore(client->breakers, read_clocks(), memory);
}

bool ldc_client_refuses(const struct ldc_client *client, enum ldc_purpose purpose,
                        const char *instance_id, struct ldc_refusal *reterr)
{
    struct ldc_way way = {purpose, instance_id ? instance_id : ""};
    return ldc_breakers_refuse(client->breakers, read_clocks(), &way, reterr);
}

void ldc_client_report_effect(struct ldc_client *client, enum ldc_purpose purpose,
                              const char *instance_id, enum ldc_effect effect, const char *evidence)
{
    struct ldc_way way = {purpose, instance_id ? instance_id : ""};
    ldc_breakers_report_effect(client->breakers, read_clocks(), &way, effect, evidence);
}

void ldc_client_try_vm_service(struct ldc_client *client)
{
    ldc_breakers_try_vm_service(client->breakers, read_clocks());
}

const char *ldc_client_absence(const struct ldc_client *client)
{
    return client->runner ? runner_absence(client->runner) : NULL;
}

unsigned ldc_client_n_running(const struct ldc_client *client)
{
    return client->runner ? client->runner->n_running : 0;
}

unsigned ldc_client_n_waiting(const struct ldc_client *client)
{
    return client->n_waiting;
}

void ldc_client_close(struct ldc_client *client, void (*on_closed)(void *arg), void *arg)
{
    client->is_closing = true;
    client->on_closed = on_closed;
    client->on_closed_arg = arg;
    list_foreach(link, &client->calls) {
        ldc_client_cancel(list_entry(link, struct ldc_call, link));
    }
    close_if_empty(client);
}
