/* SPDX-License-Identifier: MIT */
/* A call is in one of three places: in the queue of its class, at the runner, or posted to the
 * loop to end with an outcome that needs no child. Whoever ends it takes it out of `calls` and
 * starts the next one waiting in its class.
 *
 *      ldc_client_call -> queue -> start_waiting -> run_call -> (child) -> on_run_done -> end_call
 *             |            '-- cancelled, no session --'                                    ^
 *             '-- closing, no program, breaker -------> post_end -> (later turn) end_posted-' */
#include "ldconsole/guard/client.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/loop/loop.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/random.h"
#include "base/text/str.h"

enum { MAX_PROBES = 3, NO_VM_LIMIT = 3, NO_VM_PAUSE_MS = 60000, FORCED_RETRY_MS = 1000 };

struct ldc_client {
    struct loop *loop;
    struct runner *runner;
    struct ldc_install install;
    struct ldc_client_options options;
    struct ldc_breaker breakers[LDC_PURPOSE_COUNT];
    ldc_breaker_fn on_breaker;
    void *on_breaker_arg;
    struct list calls;                    /* all that are not done */
    struct list waiting[LDC_CLASS_COUNT]; /* of these, the queued ones; first in, first out */
    unsigned n_running[LDC_CLASS_COUNT];
    unsigned n_waiting;
    struct no_vm {
        char ids[NO_VM_LIMIT][UUID_SIZE]; /* of different instances, since a VM was seen last */
        unsigned n;
        uint64_t until_ms; /* starts are refused */
        char evidence[200];
    } no_vm;
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
    bool is_probe;    /* the one call a half-open breaker let through */
    bool is_judgement_reserved;
    struct ldc_outcome posted; /* the outcome of a call that never ran */
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
            .consecutive_failures = 5,
            .open_ms = 5000,
            .max_open_ms = 60000,
        },
};

/* --- purposes --- */

static const char *const purpose_names[LDC_PURPOSE_COUNT] = {
    [LDC_PURPOSE_CONNECT] = "connect",
    [LDC_PURPOSE_RUN] = "ldconsole",
    [LDC_PURPOSE_LIST] = "list",
    [LDC_PURPOSE_CREATE] = "create",
    [LDC_PURPOSE_DELETE] = "delete",
    [LDC_PURPOSE_START] = "start",
    [LDC_PURPOSE_STOP] = "stop",
    [LDC_PURPOSE_QUEUED_CREATE] = "queued-create",
    [LDC_PURPOSE_QUEUED_DELETE] = "queued-delete",
    [LDC_PURPOSE_QUEUED_START] = "queued-start",
    [LDC_PURPOSE_QUEUED_STOP] = "queued-stop",
};

const char *ldc_purpose_name(enum ldc_purpose purpose)
{
    return purpose_names[purpose];
}

enum ldc_purpose ldc_purpose_of(enum ldc_verb verb, bool queued)
{
    switch (verb) {
    case LDC_VERB_USAGE:
        return LDC_PURPOSE_CONNECT;
    case LDC_VERB_LIST2:
        return LDC_PURPOSE_LIST;
    case LDC_VERB_ADD:
    case LDC_VERB_COPY:
        return queued ? LDC_PURPOSE_QUEUED_CREATE : LDC_PURPOSE_CREATE;
    case LDC_VERB_REMOVE:
        return queued ? LDC_PURPOSE_QUEUED_DELETE : LDC_PURPOSE_DELETE;
    case LDC_VERB_LAUNCH:
        return queued ? LDC_PURPOSE_QUEUED_START : LDC_PURPOSE_START;
    case LDC_VERB_QUIT:
        return queued ? LDC_PURPOSE_QUEUED_STOP : LDC_PURPOSE_STOP;
    default:
        return LDC_PURPOSE_RUN;
    }
}

/* --- breakers --- */

static enum ldc_class class_of(const struct ldc_call *call)
{
    return ldc_verb_table[call->command.verb].class;
}

/* NULL for calls that pass none. */
static struct ldc_breaker *breaker_of(struct ldc_call *call)
{
    return class_of(call) == LDC_CLASS_GUEST ? NULL : &call->client->breakers[call->purpose];
}

static void tell_if_changed(struct ldc_client *c, const struct ldc_breaker *b,
                            enum ldc_breaker_state before, const char *by)
{
    if (b->state != before && c->on_breaker)
        c->on_breaker(c->on_breaker_arg, b, by);
}

static bool ask_breaker(struct ldc_call *call, uint64_t *reterr_retry_ms)
{
    struct ldc_breaker *b = breaker_of(call);
    if (!b)
        return true;
    enum ldc_breaker_state before = b->state;
    bool may_go = ldc_breaker_allow(b, clock_mono_ms(), reterr_retry_ms);
    call->is_probe = may_go && b->state == LDC_BREAKER_HALF_OPEN;
    tell_if_changed(call->client, b, before, NULL);
    return may_go;
}

void ldc_client_judge(struct ldc_client *client, enum ldc_purpose purpose,
                      const struct ldc_outcome *outcome, enum ldc_health health, const char *reason)
{
    struct ldc_breaker *b = &client->breakers[purpose];
    /* A half-open breaker waits for its probe alone; this call left before it opened. */
    if (b->state == LDC_BREAKER_HALF_OPEN && !outcome->is_probe)
        return;
    enum ldc_breaker_state before = b->state;
    if (health == LDC_NEUTRAL)
        ldc_breaker_abandon(b);
    else
        ldc_breaker_report(b, clock_mono_ms(), health == LDC_HEALTHY, reason);
    tell_if_changed(client, b, before, NULL);
}

/* Returns whether the caller has to say it, who reserved that. */
static bool tell_breaker(struct ldc_call *call, const struct ldc_outcome *outcome)
{
    bool says_something =
        outcome->answer != LDC_ANSWER_CANCELLED && outcome->answer != LDC_ANSWER_NO_SESSION;
    if (!breaker_of(call))
        return false;
    if (call->is_judgement_reserved && says_something)
        return true;
    ldc_client_judge(call->client, call->purpose, outcome,
                     ldc_answer_health(call->command.verb, outcome->answer),
                     ldc_answer_code(outcome->answer));
    return false;
}

/* --- effects: many starts without a VM are one trouble, that of the VM service (reference 5.2) ---
 */

static bool is_start(enum ldc_purpose purpose)
{
    return purpose == LDC_PURPOSE_START || purpose == LDC_PURPOSE_QUEUED_START;
}

/* After the pause one more start may try; when it has no VM either, the pause begins anew. */
void ldc_client_report_effect(struct ldc_client *client, enum ldc_purpose purpose,
                              const char *instance_id, enum ldc_effect effect, const char *evidence)
{
    struct no_vm *no_vm = &client->no_vm;
    bool is_new = true;
    if (!is_start(purpose) || effect == LDC_EFFECT_MISSING)
        return;
    if (effect == LDC_EFFECT_SEEN) {
        *no_vm = (struct no_vm){0};
        return;
    }
    for (unsigned i = 0; i < no_vm->n; i++)
        is_new &= strcmp(no_vm->ids[i], instance_id) != 0;
    if (is_new && no_vm->n < NO_VM_LIMIT)
        str_copy(no_vm->ids[no_vm->n++], UUID_SIZE, instance_id);
    str_copy(no_vm->evidence, sizeof(no_vm->evidence), evidence);
    if (no_vm->n == NO_VM_LIMIT)
        no_vm->until_ms = clock_mono_ms() + NO_VM_PAUSE_MS;
}

bool ldc_client_refuses(const struct ldc_client *client, enum ldc_purpose purpose,
                        const char *instance_id, struct ldc_refusal *reterr)
{
    const struct ldc_breaker *b = &client->breakers[purpose];
    uint64_t now = clock_mono_ms(), until = b->opened_at_ms + b->current_open_ms;
    (void)instance_id;
    if (is_start(purpose) && now < client->no_vm.until_ms) {
        *reterr = (struct ldc_refusal){.retry_ms = client->no_vm.until_ms - now};
        str_copy(reterr->name, sizeof(reterr->name), "vm-service");
        snprintf(
            reterr->reason, sizeof(reterr->reason),
            "the breaker 'vm-service' is open: the last starts of %d different instances had no "
            "VM: %s",
            NO_VM_LIMIT, client->no_vm.evidence);
        return true;
    }
    if (!ldc_breaker_is_refusing(b, now))
        return false;
    *reterr = (struct ldc_refusal){
        .retry_ms = b->state == LDC_BREAKER_OPEN && until > now ? until - now : FORCED_RETRY_MS,
    };
    str_copy(reterr->name, sizeof(reterr->name), b->name);
    snprintf(reterr->reason, sizeof(reterr->reason), "the breaker '%s' is %s: %s", b->name,
             ldc_breaker_state_name(b->state), b->reason);
    return true;
}

/* --- the last word on a call --- */

static void finish_closing(struct ldc_client *c)
{
    void (*on_closed)(void *arg) = c->on_closed;
    void *on_closed_arg = c->on_closed_arg;
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

static void post_rejection(struct ldc_call *call, uint64_t retry_ms)
{
    post_end(call, (struct ldc_outcome){
                       .is_rejected = true,
                       .retry_ms = retry_ms,
                       .breaker = ldc_purpose_name(call->purpose),
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

static void run_call(struct ldc_call *call)
{
    struct ldc_client *c = call->client;
    enum ldc_verb verb = call->command.verb;
    unsigned deadline_ms = c->options.deadline_ms[verb];
    struct run_request request = {
        .file = program_of(c, verb),
        .args = &call->command.args,
        .deadline_ms = deadline_ms ? deadline_ms : ldc_verb_table[verb].deadline_ms,
        .max_output = c->options.max_output,
    };
    call->run = c->runner->ops->start(c->runner, &request, on_run_done, call);
}

static unsigned limit_of(const struct ldc_client *c, enum ldc_class class)
{
    return c->options.concurrency[class] ? c->options.concurrency[class] : 1;
}

static void start_waiting(struct ldc_client *c, enum ldc_class class)
{
    while (c->n_running[class] < limit_of(c, class) && !list_is_empty(&c->waiting[class])) {
        struct ldc_call *call = list_entry(c->waiting[class].next, struct ldc_call, queue);
        uint64_t retry_ms;
        if (c->runner->absence) {
            post_end(call, (struct ldc_outcome){.answer = LDC_ANSWER_NO_SESSION});
        } else if (!ask_breaker(call, &retry_ms)) {
            post_rejection(call, retry_ms);
        } else {
            leave_queue(call);
            c->n_running[class]++;
            run_call(call);
        }
    }
}

static bool would_refuse(struct ldc_call *call, uint64_t *reterr_retry_ms)
{
    struct ldc_breaker *b = breaker_of(call);
    return b && ldc_breaker_is_refusing(b, clock_mono_ms()) &&
           !ldc_breaker_allow(b, clock_mono_ms(), reterr_retry_ms);
}

struct ldc_call *ldc_client_call(struct ldc_client *client, struct ldc_command *command,
                                 enum ldc_purpose purpose, ldc_call_fn done, void *arg)
{
    const char *program = program_of(client, command->verb);
    struct ldc_call *call = mem_new(struct ldc_call);
    uint64_t retry_ms;
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
    } else if (would_refuse(call, &retry_ms)) {
        post_rejection(call, retry_ms);
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
        .is_probe = call->is_probe,
    };
    call->run = NULL;
    c->n_running[class]--;
    outcome.is_unjudged = tell_breaker(call, &outcome);
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
    for (size_t i = 0; i < LDC_PURPOSE_COUNT; i++)
        ldc_breaker_init(&c->breakers[i], ldc_purpose_name((enum ldc_purpose)i), &options->breaker);
    return c;
}

void ldc_client_on_breaker(struct ldc_client *client, ldc_breaker_fn fn, void *arg)
{
    client->on_breaker = fn;
    client->on_breaker_arg = arg;
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
    return &client->breakers[purpose];
}

void ldc_client_steer_breaker(struct ldc_client *client, enum ldc_purpose purpose,
                              void (*command)(struct ldc_breaker *breaker), const char *by)
{
    struct ldc_breaker *b = &client->breakers[purpose];
    enum ldc_breaker_state before = b->state;
    command(b);
    tell_if_changed(client, b, before, by);
}

const char *ldc_client_absence(const struct ldc_client *client)
{
    return client->runner ? client->runner->absence : NULL;
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
