/* SPDX-License-Identifier: MIT */
/* The file follows a call: refuses, pass, report. What was told is remembered in the window and in
 * the rows; after each failure, and each slow answer, `find_rule` looks whether that is too much,
 * and `open_now` opens. Orders and what time alone ends come after that. */
#include "ldconsole/guard/breaker.h"

#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"

/* While a try is out nothing says when that ends; asking once a second costs nothing. */
enum { ASK_AGAIN_MS = 1000 };

void ldc_breaker_init(struct ldc_breaker *b, const char *name, const char *instance,
                      const struct ldc_breaker_options *options)
{
    *b = (struct ldc_breaker){.options = *options};
    str_copy(b->name, sizeof(b->name), name);
    str_copy(b->instance, sizeof(b->instance), instance);
}

/* --- from state to state --- */

static void forget_rows(struct ldc_breaker *b)
{
    b->n_window = b->next = 0;
    b->consecutive = b->n_hangs = b->n_missing = 0;
}

static void close_now(struct ldc_breaker *b, struct ldc_breaker_now now)
{
    forget_rows(b);
    b->state = LDC_BREAKER_CLOSED;
    b->is_probing = b->is_by_effect = false;
    b->closed_ms = now.mono_ms;
    b->opened_at = 0;
    b->expires_ms = 0;
    b->reason[0] = b->note[0] = b->by[0] = '\0';
}

static void half_open(struct ldc_breaker *b)
{
    b->state = LDC_BREAKER_HALF_OPEN;
    b->is_probing = false;
    b->expires_ms = 0;
}

static unsigned twice(const struct ldc_breaker *b)
{
    unsigned max = b->options.max_open_ms;
    return b->current_open_ms < max / 2 ? b->current_open_ms * 2 : max;
}

/* What the last time has grown to, less what the quiet since then took back. */
static unsigned next_open_ms(const struct ldc_breaker *b, struct ldc_breaker_now now)
{
    unsigned min = b->options.open_ms, max = b->options.max_open_ms;
    uint64_t quiet_ms = now.mono_ms - b->closed_ms;
    uint64_t n_halvings = max > 0 ? quiet_ms / max : 0;
    unsigned ms = n_halvings < 32 ? twice(b) >> n_halvings : 0;
    return b->current_open_ms == 0 || ms < min ? min : ms;
}

/* "2 calls in a row gave no answer within their deadline; the last: ...ldconsole.exe list2
 * (LDCONSOLE_TIMED_OUT after 10000 ms), which printed: abc" */
static void write_reason(struct ldc_breaker *b, const char *rule,
                         const struct ldc_breaker_call *call)
{
    char after[24] = "", exit_code[32] = "";
    if (!call) {
        str_copy(b->reason, sizeof(b->reason), rule);
        return;
    }
    bool is_command = *call->command;
    if (call->duration_ms > 0)
        snprintf(after, sizeof(after), " after %u ms", call->duration_ms);
    if (call->exit_code != 0)
        snprintf(exit_code, sizeof(exit_code), ", exit code %d", (int)call->exit_code);
    snprintf(b->reason, sizeof(b->reason), "%s; the last: %s%s (%s%s%s)%s%s", rule,
             is_command ? "" : "instance ", is_command ? call->command : call->instance, call->code,
             after, exit_code,
             !*call->output ? ""
             : is_command   ? ", which printed: "
                            : ": ",
             call->output);
}

static void open_now(struct ldc_breaker *b, struct ldc_breaker_now now, unsigned open_ms,
                     const char *rule, const struct ldc_breaker_news *news)
{
    b->state = LDC_BREAKER_OPEN;
    b->is_probing = false;
    b->is_by_effect = news->is_effect;
    b->current_open_ms = open_ms;
    b->open_until_ms = now.mono_ms + open_ms;
    b->opened_at = now.wall_ms;
    b->n_opened++;
    write_reason(b, rule, news->call);
}

/* --- a call goes --- */

static bool has_expired(const struct ldc_breaker *b, struct ldc_breaker_now now)
{
    return b->expires_ms > 0 && now.mono_ms >= b->expires_ms;
}

bool ldc_breaker_refuses(const struct ldc_breaker *b, struct ldc_breaker_now now,
                         uint64_t *reterr_retry_ms)
{
    switch (b->state) {
    case LDC_BREAKER_OPEN:
        *reterr_retry_ms = b->open_until_ms - now.mono_ms;
        return now.mono_ms < b->open_until_ms;
    case LDC_BREAKER_HALF_OPEN:
        *reterr_retry_ms = ASK_AGAIN_MS;
        return b->is_probing && now.mono_ms < b->probe_until_ms;
    case LDC_BREAKER_FORCED_OPEN:
        *reterr_retry_ms = b->expires_ms > 0 ? b->expires_ms - now.mono_ms : 0;
        return !has_expired(b, now);
    default:
        return false;
    }
}

bool ldc_breaker_pass(struct ldc_breaker *b, struct ldc_breaker_now now, const char *instance)
{
    b->touched_ms = now.mono_ms;
    if (b->state == LDC_BREAKER_OPEN || b->state == LDC_BREAKER_FORCED_OPEN)
        half_open(b);
    if (b->state != LDC_BREAKER_HALF_OPEN)
        return false;
    b->is_probing = true;
    b->probe_until_ms = b->options.probe_ms > 0 ? now.mono_ms + b->options.probe_ms : UINT64_MAX;
    str_copy(b->probe, sizeof(b->probe), instance);
    return true;
}

/* --- what came of it --- */

static void forget_old(struct ldc_breaker *b, struct ldc_breaker_now now)
{
    unsigned window_ms = b->options.window_ms;
    if (window_ms == 0)
        return;
    while (b->n_window > 0) {
        unsigned oldest = (b->next + LDC_BREAKER_WINDOW - b->n_window) % LDC_BREAKER_WINDOW;
        if (now.mono_ms - b->window[oldest].at_ms <= window_ms)
            return;
        b->n_window--;
    }
    forget_rows(b);
}

/* An effect that is seen is no call of its own: its answer was counted. */
static void remember(struct ldc_breaker *b, struct ldc_breaker_now now,
                     const struct ldc_breaker_news *news)
{
    bool is_failed = news->fault != LDC_FAULT_NONE;
    forget_old(b, now);
    if (!news->is_effect || is_failed) {
        b->window[b->next].at_ms = now.mono_ms;
        b->window[b->next].is_failed = is_failed;
        b->window[b->next].is_slow = news->is_slow;
        b->next = (b->next + 1) % LDC_BREAKER_WINDOW;
        if (b->n_window < LDC_BREAKER_WINDOW)
            b->n_window++;
    }
    if (news->is_effect) {
        b->n_missing = is_failed ? b->n_missing + 1 : 0;
    } else {
        b->consecutive = is_failed ? b->consecutive + 1 : 0;
        b->n_hangs = news->fault == LDC_FAULT_DEADLINE ? b->n_hangs + 1 : 0;
    }
}

struct ldc_breaker_shares ldc_breaker_shares(const struct ldc_breaker *b)
{
    struct ldc_breaker_shares shares = {0};
    for (unsigned i = 1; i <= b->n_window; i++) {
        unsigned at = (b->next + LDC_BREAKER_WINDOW - i) % LDC_BREAKER_WINDOW;
        shares.n_failed += b->window[at].is_failed;
        shares.n_slow += b->window[at].is_slow;
    }
    return shares;
}

static bool is_row(unsigned n, unsigned limit)
{
    return limit > 0 && n >= limit;
}

/* The rule that what was told is too much for, as a sentence; false when there is none. */
static bool find_rule(const struct ldc_breaker *b, const struct ldc_breaker_news *news, char *ret,
                      size_t size)
{
    const struct ldc_breaker_options *o = &b->options;
    struct ldc_breaker_shares shares = ldc_breaker_shares(b);
    bool has_failed = news->fault != LDC_FAULT_NONE;
    bool has_enough = o->min_calls > 0 && b->n_window >= o->min_calls;

    if (has_failed && is_row(b->n_hangs, o->consecutive_hangs))
        snprintf(ret, size, "%u calls in a row gave no answer within their deadline", b->n_hangs);
    else if (has_failed && is_row(b->consecutive, o->consecutive_failures))
        snprintf(ret, size, "%u calls in a row failed", b->consecutive);
    else if (has_failed && is_row(b->n_missing, o->consecutive_failures))
        snprintf(ret, size, "%u times in a row ldconsole said yes and nothing came of it",
                 b->n_missing);
    else if (has_failed && has_enough && o->failure_percent > 0 &&
             shares.n_failed * 100 >= o->failure_percent * b->n_window)
        snprintf(ret, size, "%u of the last %u calls failed", shares.n_failed, b->n_window);
    else if (news->is_slow && has_enough && o->slow_percent > 0 &&
             shares.n_slow * 100 >= o->slow_percent * b->n_window)
        snprintf(ret, size, "%u of the last %u calls took more than half of their deadline",
                 shares.n_slow, b->n_window);
    else
        return false;
    return true;
}

static void keep_call(struct ldc_breaker *b, const struct ldc_breaker_call *call)
{
    if (b->n_calls < LDC_BREAKER_CALLS)
        b->n_calls++;
    memmove(&b->calls[1], &b->calls[0], (b->n_calls - 1) * sizeof(*b->calls));
    b->calls[0] = *call;
}

/* Whether NEWS decides a half-open breaker. An effect that was seen is news of now, whoever's it
 * is; one that did not come is old unless it is that of the try. */
static bool decides(const struct ldc_breaker *b, const struct ldc_breaker_news *news)
{
    bool has_failed = news->fault != LDC_FAULT_NONE;
    if (!news->is_effect)
        return news->is_probe && (has_failed || !b->is_by_effect);
    return !has_failed || (news->call && strcmp(news->call->instance, b->probe) == 0);
}

static void report_half_open(struct ldc_breaker *b, struct ldc_breaker_now now,
                             const struct ldc_breaker_news *news)
{
    if (!decides(b, news))
        return;
    if (news->fault == LDC_FAULT_NONE)
        close_now(b, now);
    else
        open_now(b, now, twice(b), "one call was let through to find out and failed as well", news);
}

static void report_closed(struct ldc_breaker *b, struct ldc_breaker_now now,
                          const struct ldc_breaker_news *news)
{
    char rule[120];
    remember(b, now, news);
    if (b->state == LDC_BREAKER_CLOSED && find_rule(b, news, rule, sizeof(rule)))
        open_now(b, now, next_open_ms(b, now), rule, news);
}

void ldc_breaker_report(struct ldc_breaker *b, struct ldc_breaker_now now,
                        const struct ldc_breaker_news *news)
{
    bool is_success = news->fault == LDC_FAULT_NONE;
    bool is_failure = ldc_fault_is_failure(news->fault);

    if (b->state == LDC_BREAKER_DISABLED)
        return;
    b->touched_ms = now.mono_ms;
    b->n_faults[news->fault]++;
    if (!is_success && !is_failure) {
        if (news->is_probe)
            ldc_breaker_abandon(b);
        return;
    }
    b->n_success += is_success && !news->is_effect;
    b->n_failure += is_failure;
    if (is_failure && news->call)
        keep_call(b, news->call);
    switch (b->state) {
    case LDC_BREAKER_CLOSED:
    case LDC_BREAKER_FORCED_CLOSED:
        report_closed(b, now, news);
        break;
    case LDC_BREAKER_HALF_OPEN:
        report_half_open(b, now, news);
        break;
    case LDC_BREAKER_OPEN:
        /* Answers are those of calls from before it opened: old news. */
        if (news->is_effect && is_success && b->is_by_effect)
            close_now(b, now);
        break;
    default:
        break;
    }
}

void ldc_breaker_abandon(struct ldc_breaker *b)
{
    b->is_probing = false;
}

/* --- operators, and time --- */

void ldc_breaker_look(struct ldc_breaker *b, struct ldc_breaker_now now)
{
    if (has_expired(b, now) && b->state == LDC_BREAKER_FORCED_OPEN)
        half_open(b);
    else if (has_expired(b, now))
        close_now(b, now);
    forget_old(b, now);
}

void ldc_breaker_obey(struct ldc_breaker *b, struct ldc_breaker_now now,
                      const struct ldc_breaker_order *order)
{
    close_now(b, now);
    b->touched_ms = now.mono_ms;
    b->state = order->state;
    if (order->state == LDC_BREAKER_CLOSED) {
        b->current_open_ms = 0;
        b->n_calls = 0;
        b->n_success = b->n_failure = b->n_rejected = b->n_opened = 0;
        memset(b->n_faults, 0, sizeof(b->n_faults));
        return;
    }
    b->expires_ms = order->for_ms > 0 ? now.mono_ms + order->for_ms : 0;
    str_copy(b->note, sizeof(b->note), order->note ? order->note : "");
    str_copy(b->by, sizeof(b->by), order->by ? order->by : "");
    if (order->state == LDC_BREAKER_FORCED_OPEN)
        b->opened_at = now.wall_ms;
}

/* --- across a restart --- */

/* 0 stays 0. */
static int64_t to_wall(uint64_t ms, struct ldc_breaker_now now)
{
    return ms > 0 ? now.wall_ms + (int64_t)(ms - now.mono_ms) : 0;
}

void ldc_breaker_save(const struct ldc_breaker *b, struct ldc_breaker_now now,
                      struct ldc_breaker_memory *ret)
{
    *ret = (struct ldc_breaker_memory){
        .state = b->state,
        .opened_at = b->opened_at,
        .open_until = b->state == LDC_BREAKER_OPEN ? to_wall(b->open_until_ms, now) : 0,
        .closed_at = to_wall(b->closed_ms, now),
        .expires_at = to_wall(b->expires_ms, now),
        .open_ms = b->current_open_ms,
        .is_by_effect = b->is_by_effect,
        .n_calls = b->n_calls,
    };
    str_copy(ret->name, sizeof(ret->name), b->name);
    str_copy(ret->instance, sizeof(ret->instance), b->instance);
    str_copy(ret->reason, sizeof(ret->reason), b->reason);
    str_copy(ret->note, sizeof(ret->note), b->note);
    str_copy(ret->by, sizeof(ret->by), b->by);
    memcpy(ret->calls, b->calls, sizeof(ret->calls));
}

static uint64_t remaining_ms(int64_t until, struct ldc_breaker_now now)
{
    return until > now.wall_ms ? (uint64_t)(until - now.wall_ms) : 0;
}

void ldc_breaker_restore(struct ldc_breaker *b, struct ldc_breaker_now now,
                         const struct ldc_breaker_memory *memory)
{
    unsigned max = b->options.max_open_ms;
    uint64_t left_ms = remaining_ms(memory->open_until, now);
    uint64_t quiet_ms = memory->closed_at > 0 && now.wall_ms > memory->closed_at
                            ? (uint64_t)(now.wall_ms - memory->closed_at)
                            : 0;
    b->state = memory->state;
    b->current_open_ms = memory->open_ms < max ? memory->open_ms : max;
    b->open_until_ms = now.mono_ms + (left_ms < b->current_open_ms ? left_ms : b->current_open_ms);
    b->closed_ms = now.mono_ms > quiet_ms ? now.mono_ms - quiet_ms : 0;
    b->expires_ms =
        memory->expires_at > 0 ? now.mono_ms + remaining_ms(memory->expires_at, now) : 0;
    b->touched_ms = now.mono_ms;
    b->opened_at = memory->opened_at;
    b->is_by_effect = memory->is_by_effect;
    b->n_calls = memory->n_calls;
    str_copy(b->reason, sizeof(b->reason), memory->reason);
    str_copy(b->note, sizeof(b->note), memory->note);
    str_copy(b->by, sizeof(b->by), memory->by);
    memcpy(b->calls, memory->calls, sizeof(b->calls));
}

/* --- names --- */

bool ldc_breaker_is_well(const struct ldc_breaker *b)
{
    return b->state == LDC_BREAKER_CLOSED || b->state == LDC_BREAKER_FORCED_CLOSED ||
           b->state == LDC_BREAKER_DISABLED;
}

static const char *const state_names[LDC_BREAKER_STATE_COUNT] = {
    [LDC_BREAKER_CLOSED] = "closed",       [LDC_BREAKER_OPEN] = "open",
    [LDC_BREAKER_HALF_OPEN] = "half-open", [LDC_BREAKER_FORCED_OPEN] = "forced-open",
    [LDC_BREAKER_DISABLED] = "disabled",   [LDC_BREAKER_FORCED_CLOSED] = "forced-closed",
};

const char *ldc_breaker_state_name(enum ldc_breaker_state state)
{
    return state_names[state];
}

bool ldc_breaker_state_parse(const char *name, enum ldc_breaker_state *ret)
{
    for (size_t i = 0; i < countof(state_names); i++) {
        if (strcmp(name, state_names[i]) == 0) {
            *ret = (enum ldc_breaker_state)i;
            return true;
        }
    }
    return false;
}
