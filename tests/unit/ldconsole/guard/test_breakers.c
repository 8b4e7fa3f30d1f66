/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"
#include "ldconsole/guard/breakers.h"

static const struct ldc_breaker_options options = {
    .min_calls = 10,
    .failure_percent = 50,
    .consecutive_failures = 3,
    .consecutive_hangs = 2,
    .window_ms = 1000000,
    .open_ms = 1000,
    .max_open_ms = 8000,
    .probe_ms = 50000,
};

static const char A[] = "0190a000-0000-7000-8000-00000000000a";
static const char B[] = "0190a000-0000-7000-8000-00000000000b";
static const char C[] = "0190a000-0000-7000-8000-00000000000c";

static struct ldc_breakers *all;
static uint64_t now_ms;
static struct ldc_refusal refusal;
static char told[400]; /* "start=open;" */

static void note(void *arg, const struct ldc_breaker *b, const char *by)
{
    size_t n = strlen(told);
    (void)arg;
    (void)by;
    snprintf(told + n, sizeof(told) - n, "%s=%s;", b->name, ldc_breaker_state_name(b->state));
}

static void begin(void)
{
    all = ldc_breakers_new(&options);
    ldc_breakers_on_change(all, note, NULL);
    now_ms = 1000000;
    told[0] = '\0';
}

static void end(void)
{
    ldc_breakers_free(all);
}

TestSuite(ldc_breakers, .init = begin, .fini = end);

static struct ldc_breaker_now now(void)
{
    return (struct ldc_breaker_now){now_ms, 1700000000000 + (int64_t)now_ms};
}

static struct ldc_way way(enum ldc_purpose purpose, const char *instance)
{
    return (struct ldc_way){purpose, instance};
}

static const struct ldc_breaker *get(const char *name)
{
    return ldc_breakers_find(all, name);
}

static enum ldc_breaker_state state_of(const char *name)
{
    const struct ldc_breaker *b = get(name);
    cr_assert_not_null(b, "%s", name);
    return b->state;
}

static const char *own(const char *purpose, const char *instance)
{
    static char name[LDC_BREAKER_NAME_SIZE];
    snprintf(name, sizeof(name), "%s.%s", purpose, instance);
    return name;
}

static bool is_refused(enum ldc_purpose purpose, const char *instance)
{
    struct ldc_way w = way(purpose, instance);
    return ldc_breakers_refuse(all, now(), &w, &refusal);
}

/* A call goes and is answered so. */
static void call(enum ldc_purpose purpose, const char *instance, enum ldc_fault fault)
{
    unsigned probes;
    struct ldc_way w = way(purpose, instance);
    struct ldc_breaker_call evidence = {.fault = fault};
    struct ldc_breaker_news news = {.fault = fault, .call = &evidence};
    strcpy(evidence.code, "CODE");
    strcpy(evidence.instance, instance);
    snprintf(evidence.command, sizeof(evidence.command), "ldconsole %s", ldc_purpose_name(purpose));
    cr_assert(ldc_breakers_pass(all, now(), &w, &probes, &refusal), "%s", refusal.reason);
    ldc_breakers_report_run(all, now(), probes, &news);
    ldc_breakers_report_answer(all, now(), &w, probes, &news);
}

static void see(enum ldc_purpose purpose, const char *instance, enum ldc_effect effect)
{
    struct ldc_way w = way(purpose, instance);
    ldc_breakers_report_effect(all, now(), &w, effect, "what was seen");
}

/* A start that is accepted, and this becomes of it. */
static void start(const char *instance, enum ldc_effect effect)
{
    call(LDC_PURPOSE_START, instance, LDC_FAULT_NONE);
    see(LDC_PURPOSE_START, instance, effect);
}

/* --- whose trouble it is --- */

Test(ldc_breakers, a_dead_instance_opens_its_own_breaker_and_nobody_elses)
{
    static const enum ldc_fault faults[] = {LDC_FAULT_DEADLINE, LDC_FAULT_EXIT, LDC_FAULT_REFUSAL};
    for (size_t i = 0; i < countof(faults); i++) {
        for (int j = 0; j < 40; j++) {
            if (is_refused(LDC_PURPOSE_START, A))
                now_ms += refusal.retry_ms;
            call(LDC_PURPOSE_START, A, faults[i]);
            call(LDC_PURPOSE_START, B, LDC_FAULT_NONE);
            cr_assert_eq(state_of("start"), LDC_BREAKER_CLOSED, "%zu, %d", i, j);
        }
        cr_assert(is_refused(LDC_PURPOSE_START, A));
        cr_assert_str_eq(refusal.name, own("start", A));
        cr_assert_not_null(strstr(refusal.reason, "Only this instance is refused"));
        cr_assert(is_refused(LDC_PURPOSE_QUEUED_START, A), "also for those who can wait");
        cr_assert_not(is_refused(LDC_PURPOSE_STOP, A), "it can be stopped");
        cr_assert_not(is_refused(LDC_PURPOSE_START, B));
        end();
        begin();
    }
}

Test(ldc_breakers, a_dead_instance_whose_commands_do_nothing_opens_its_own_too)
{
    for (int i = 0; i < 3; i++) {
        call(LDC_PURPOSE_STOP, A, LDC_FAULT_NONE);
        see(LDC_PURPOSE_STOP, A, LDC_EFFECT_MISSING);
        call(LDC_PURPOSE_STOP, B, LDC_FAULT_NONE);
        see(LDC_PURPOSE_STOP, B, LDC_EFFECT_SEEN);
    }
    cr_assert_eq(state_of(own("stop", A)), LDC_BREAKER_OPEN);
    cr_assert_eq(state_of("stop"), LDC_BREAKER_CLOSED);
}

Test(ldc_breakers, failures_of_several_instances_open_the_breaker_of_all)
{
    call(LDC_PURPOSE_START, A, LDC_FAULT_EXIT);
    call(LDC_PURPOSE_START, B, LDC_FAULT_EXIT);
    cr_assert_eq(state_of("start"), LDC_BREAKER_CLOSED);
    call(LDC_PURPOSE_START, C, LDC_FAULT_EXIT);
    cr_assert_eq(state_of("start"), LDC_BREAKER_OPEN);
    cr_assert_eq(state_of("queued-start"), LDC_BREAKER_CLOSED);
    cr_assert_str_eq(told, "start=open;");
}

Test(ldc_breakers, two_instances_that_hang_are_enough)
{
    call(LDC_PURPOSE_START, A, LDC_FAULT_DEADLINE);
    call(LDC_PURPOSE_START, B, LDC_FAULT_DEADLINE);
    cr_assert_eq(state_of("start"), LDC_BREAKER_OPEN);
}

Test(ldc_breakers, effects_that_several_instances_miss_open_the_breaker_of_all)
{
    start(A, LDC_EFFECT_MISSING);
    start(B, LDC_EFFECT_MISSING);
    start(C, LDC_EFFECT_MISSING);
    cr_assert_eq(state_of("start"), LDC_BREAKER_OPEN);
    cr_assert_eq(state_of("vm-service"), LDC_BREAKER_CLOSED);
}

Test(ldc_breakers, an_instance_that_is_well_again_counts_again)
{
    call(LDC_PURPOSE_START, A, LDC_FAULT_EXIT);
    call(LDC_PURPOSE_START, A, LDC_FAULT_NONE);
    call(LDC_PURPOSE_START, B, LDC_FAULT_EXIT);
    call(LDC_PURPOSE_START, C, LDC_FAULT_EXIT);
    cr_assert_eq(get("start")->consecutive, 2);
    call(LDC_PURPOSE_START, A, LDC_FAULT_EXIT);
    cr_assert_eq(state_of("start"), LDC_BREAKER_OPEN);
}

Test(ldc_breakers, the_try_of_an_open_breaker_counts_whoevers_it_is)
{
    call(LDC_PURPOSE_START, A, LDC_FAULT_EXIT);
    call(LDC_PURPOSE_START, B, LDC_FAULT_EXIT);
    call(LDC_PURPOSE_START, C, LDC_FAULT_EXIT);
    now_ms += 1000;
    call(LDC_PURPOSE_START, A, LDC_FAULT_EXIT);
    cr_assert_eq(state_of("start"), LDC_BREAKER_OPEN);
    cr_assert(is_refused(LDC_PURPOSE_START, B));
    cr_assert_eq(refusal.retry_ms, 2000);
}

Test(ldc_breakers, a_callers_mistake_is_nobodys_trouble)
{
    for (int i = 0; i < 40; i++)
        call(LDC_PURPOSE_START, A, LDC_FAULT_CALLER);
    cr_assert_str_eq(told, "");
    cr_assert_null(get(own("start", A)));
    cr_assert_eq(get("start")->n_faults[LDC_FAULT_CALLER], 40);
}

/* --- the installation --- */

Test(ldc_breakers, an_ldconsole_that_cannot_be_started_is_the_installations_trouble)
{
    call(LDC_PURPOSE_LIST, "", LDC_FAULT_SPAWN);
    call(LDC_PURPOSE_START, A, LDC_FAULT_SPAWN);
    cr_assert_null(get(own("start", A)), "it is not that of an instance");
    call(LDC_PURPOSE_CREATE, "", LDC_FAULT_SPAWN);
    cr_assert_str_eq(told, "install=open;", "one trouble is told once");
    for (int p = 0; p < LDC_PURPOSE_COUNT; p++) {
        cr_assert(is_refused((enum ldc_purpose)p, ""));
        cr_assert_str_eq(refusal.name, "install");
        cr_assert_not_null(strstr(refusal.reason, "Check that LDPlayer is installed"));
    }
    now_ms += 1000;
    call(LDC_PURPOSE_LIST, "", LDC_FAULT_EXIT);
    cr_assert_eq(state_of("install"), LDC_BREAKER_CLOSED, "it fails, but it could be started");
}

Test(ldc_breakers, a_verb_that_alone_cannot_be_started_opens_its_own)
{
    for (int i = 0; i < 3; i++) {
        call(LDC_PURPOSE_START, A, LDC_FAULT_SPAWN);
        call(LDC_PURPOSE_LIST, "", LDC_FAULT_NONE);
    }
    cr_assert_str_eq(told, "start=open;");
}

/* --- the VM service --- */

Test(ldc_breakers, instances_that_get_no_vm_are_one_trouble_of_the_host)
{
    start(A, LDC_EFFECT_NO_VM);
    start(A, LDC_EFFECT_NO_VM);
    start(B, LDC_EFFECT_NO_VM);
    cr_assert_str_eq(told, "", "one instance counts once");
    start(C, LDC_EFFECT_NO_VM);
    cr_assert_str_eq(told, "vm-service=open;");
    cr_assert(is_refused(LDC_PURPOSE_START, A));
    cr_assert_str_eq(refusal.name, "vm-service");
    cr_assert_not_null(strstr(refusal.reason, "Ld9BoxSVC"));
    cr_assert_not_null(strstr(refusal.reason, "(NO_VM): what was seen"));
    cr_assert(is_refused(LDC_PURPOSE_QUEUED_START, B));
    cr_assert_not(is_refused(LDC_PURPOSE_STOP, A));
    cr_assert_not(is_refused(LDC_PURPOSE_LIST, ""));
    cr_assert_eq(state_of("start"), LDC_BREAKER_CLOSED);
}

Test(ldc_breakers, one_vm_that_comes_breaks_the_row)
{
    start(A, LDC_EFFECT_NO_VM);
    start(B, LDC_EFFECT_NO_VM);
    start(C, LDC_EFFECT_SEEN);
    start(C, LDC_EFFECT_NO_VM);
    start(B, LDC_EFFECT_NO_VM);
    cr_assert_str_eq(told, "");
    start(A, LDC_EFFECT_NO_VM);
    cr_assert_str_eq(told, "vm-service=open;");
}

static void open_vm_service(void)
{
    start(A, LDC_EFFECT_NO_VM);
    start(B, LDC_EFFECT_NO_VM);
    start(C, LDC_EFFECT_NO_VM);
    cr_assert_eq(state_of("vm-service"), LDC_BREAKER_OPEN);
    (void)is_refused(LDC_PURPOSE_START, A);
    now_ms += refusal.retry_ms;
}

Test(ldc_breakers, one_start_finds_out_whether_vms_come_again)
{
    open_vm_service();
    call(LDC_PURPOSE_START, A, LDC_FAULT_NONE);
    cr_assert_eq(state_of("vm-service"), LDC_BREAKER_HALF_OPEN);
    cr_assert(is_refused(LDC_PURPOSE_QUEUED_START, B), "it is waited for");
    see(LDC_PURPOSE_START, B, LDC_EFFECT_NO_VM);
    cr_assert_eq(state_of("vm-service"), LDC_BREAKER_HALF_OPEN, "that is old news");
    see(LDC_PURPOSE_START, A, LDC_EFFECT_NO_VM);
    cr_assert_eq(state_of("vm-service"), LDC_BREAKER_OPEN);
    (void)is_refused(LDC_PURPOSE_START, B);
    now_ms += refusal.retry_ms;
    start(B, LDC_EFFECT_SEEN);
    cr_assert_eq(state_of("vm-service"), LDC_BREAKER_CLOSED);
}

Test(ldc_breakers, a_vm_service_that_was_ended_is_tried_at_once)
{
    ldc_breakers_try_vm_service(all, now());
    cr_assert_eq(state_of("vm-service"), LDC_BREAKER_CLOSED);
    open_vm_service();
    call(LDC_PURPOSE_START, A, LDC_FAULT_NONE);
    see(LDC_PURPOSE_START, A, LDC_EFFECT_NO_VM);
    cr_assert(is_refused(LDC_PURPOSE_START, B));
    ldc_breakers_try_vm_service(all, now());
    cr_assert_not(is_refused(LDC_PURPOSE_START, B));
    call(LDC_PURPOSE_START, B, LDC_FAULT_NONE);
    cr_assert_eq(state_of("vm-service"), LDC_BREAKER_HALF_OPEN, "one, to find out");
    cr_assert(is_refused(LDC_PURPOSE_START, C));
}

Test(ldc_breakers, a_start_that_fails_otherwise_leaves_the_finding_out_to_another)
{
    static const enum ldc_fault faults[] = {LDC_FAULT_UNKNOWN, LDC_FAULT_CALLER, LDC_FAULT_EXIT};
    open_vm_service();
    for (size_t i = 0; i < countof(faults); i++) {
        call(LDC_PURPOSE_START, A, faults[i]);
        cr_assert_not(is_refused(LDC_PURPOSE_START, B), "%zu", i);
    }
    start(A, LDC_EFFECT_MISSING);
    cr_assert_not(is_refused(LDC_PURPOSE_START, B));
    call(LDC_PURPOSE_START, A, LDC_FAULT_NONE);
    cr_assert(is_refused(LDC_PURPOSE_START, B));
    now_ms += 300000;
    cr_assert_not(is_refused(LDC_PURPOSE_START, B), "nobody told what became of it");
}

Test(ldc_breakers, a_vm_that_came_after_all_closes_it)
{
    open_vm_service();
    see(LDC_PURPOSE_QUEUED_START, C, LDC_EFFECT_SEEN);
    cr_assert_eq(state_of("vm-service"), LDC_BREAKER_CLOSED);
}

/* --- the way as a whole --- */

Test(ldc_breakers, who_is_refused_takes_no_try_from_those_before)
{
    struct ldc_way w = way(LDC_PURPOSE_START, A);
    unsigned probes;
    open_vm_service();
    ldc_breakers_obey(all, now(), ldc_breakers_find(all, own("start", A)),
                      &(struct ldc_breaker_order){.state = LDC_BREAKER_FORCED_OPEN});
    cr_assert_not(ldc_breakers_pass(all, now(), &w, &probes, &refusal));
    cr_assert_str_eq(refusal.name, own("start", A));
    cr_assert_eq(get(own("start", A))->n_rejected, 1);
    cr_assert_eq(state_of("vm-service"), LDC_BREAKER_OPEN);
    cr_assert_not(is_refused(LDC_PURPOSE_START, B));
}

Test(ldc_breakers, says_who_holds_one_open_and_why)
{
    ldc_breakers_obey(all, now(), ldc_breakers_find(all, "stop"),
                      &(struct ldc_breaker_order){
                          .state = LDC_BREAKER_FORCED_OPEN,
                          .by = "ann",
                          .note = "disk is swapped",
                      });
    cr_assert(is_refused(LDC_PURPOSE_STOP, A));
    cr_assert_str_eq(refusal.reason, "the breaker 'stop' is held open by ann: disk is swapped");
    cr_assert(refusal.is_order);
    cr_assert_eq(refusal.retry_ms, 60000);
}

Test(ldc_breakers, says_which_one_why_and_when_to_come_back)
{
    for (int i = 0; i < 3; i++)
        call(LDC_PURPOSE_LIST, "", LDC_FAULT_PARSE);
    cr_assert(is_refused(LDC_PURPOSE_LIST, ""));
    cr_assert_str_eq(refusal.reason, "the breaker 'list' is open: 3 calls in a row failed; the "
                                     "last: ldconsole list (CODE)");
    cr_assert_eq(refusal.retry_ms, 1000);
    now_ms += 1000;
    struct ldc_way w = way(LDC_PURPOSE_LIST, "");
    unsigned probes;
    cr_assert(ldc_breakers_pass(all, now(), &w, &probes, &refusal));
    cr_assert(is_refused(LDC_PURPOSE_LIST, ""));
    cr_assert(str_has_prefix(refusal.reason,
                             "the breaker 'list' is waiting for the outcome of one call: 3 calls"));
}

/* --- those of instances come and go --- */

static size_t count(void)
{
    size_t n = 0;
    for (const struct ldc_breaker *b = ldc_breakers_next(all, NULL); b;
         b = ldc_breakers_next(all, b)) {
        cr_assert_eq(ldc_breakers_find(all, b->name), b);
        n++;
    }
    return n;
}

Test(ldc_breakers, one_of_an_instance_goes_when_its_failures_are_long_ago)
{
    cr_assert_eq(count(), LDC_BREAKER_HOST_COUNT);
    call(LDC_PURPOSE_START, A, LDC_FAULT_EXIT);
    call(LDC_PURPOSE_START, A, LDC_FAULT_NONE);
    call(LDC_PURPOSE_STOP, B, LDC_FAULT_EXIT);
    cr_assert_eq(count(), LDC_BREAKER_HOST_COUNT + 2);
    ldc_breakers_look(all, now());
    cr_assert_eq(count(), LDC_BREAKER_HOST_COUNT + 2);
    now_ms += options.window_ms + 1;
    ldc_breakers_look(all, now());
    cr_assert_eq(count(), LDC_BREAKER_HOST_COUNT);
}

Test(ldc_breakers, an_open_one_nobody_asks_for_is_closed_and_goes_and_that_is_told)
{
    for (int i = 0; i < 3; i++)
        call(LDC_PURPOSE_START, A, LDC_FAULT_EXIT);
    cr_assert(str_has_suffix(told, "=open;"));
    now_ms += options.window_ms;
    ldc_breakers_look(all, now());
    cr_assert_eq(state_of(own("start", A)), LDC_BREAKER_OPEN);
    now_ms += 1001;
    ldc_breakers_look(all, now());
    cr_assert(str_has_suffix(told, "=closed;"));
    cr_assert_null(get(own("start", A)));
}

Test(ldc_breakers, one_that_was_given_an_order_stays)
{
    call(LDC_PURPOSE_START, A, LDC_FAULT_EXIT);
    ldc_breakers_obey(all, now(), ldc_breakers_find(all, own("start", A)),
                      &(struct ldc_breaker_order){.state = LDC_BREAKER_FORCED_OPEN});
    now_ms += 10 * options.window_ms;
    ldc_breakers_look(all, now());
    cr_assert_eq(state_of(own("start", A)), LDC_BREAKER_FORCED_OPEN);
}

Test(ldc_breakers, an_order_that_ends_is_told)
{
    ldc_breakers_obey(all, now(), ldc_breakers_find(all, "stop"),
                      &(struct ldc_breaker_order){
                          .state = LDC_BREAKER_FORCED_OPEN,
                          .for_ms = 5000,
                      });
    now_ms += 4999;
    ldc_breakers_look(all, now());
    cr_assert_str_eq(told, "stop=forced-open;");
    now_ms += 1000;
    ldc_breakers_look(all, now());
    cr_assert_str_eq(told, "stop=forced-open;stop=half-open;");
}

Test(ldc_breakers, there_are_no_more_of_instances_than_allowed)
{
    char instance[UUID_SIZE];
    for (int i = 0; i < 2 * LDC_BREAKERS_OWN_MAX; i++) {
        snprintf(instance, sizeof(instance), "0190a000-0000-7000-8000-%012d", i);
        call(LDC_PURPOSE_START, instance, LDC_FAULT_REFUSAL);
    }
    cr_assert_eq(count(), LDC_BREAKER_HOST_COUNT + LDC_BREAKERS_OWN_MAX);
}

Test(ldc_breakers, all_of_them_come_back_after_a_restart)
{
    struct ldc_breaker_memory memories[2], strange = {0};
    for (int i = 0; i < 3; i++)
        call(LDC_PURPOSE_START, A, LDC_FAULT_EXIT);
    for (int i = 0; i < 3; i++)
        call(LDC_PURPOSE_LIST, "", LDC_FAULT_PARSE);
    ldc_breaker_save(get(own("start", A)), now(), &memories[0]);
    ldc_breaker_save(get("list"), now(), &memories[1]);
    end();
    begin();
    for (size_t i = 0; i < countof(memories); i++)
        cr_assert(ldc_breakers_restore(all, now(), &memories[i]));
    cr_assert(is_refused(LDC_PURPOSE_START, A));
    cr_assert(is_refused(LDC_PURPOSE_LIST, ""));
    cr_assert_not(is_refused(LDC_PURPOSE_START, B));
    strcpy(strange.name, "nose");
    cr_assert_not(ldc_breakers_restore(all, now(), &strange));
    cr_assert_str_eq(told, "");
}
