/* SPDX-License-Identifier: MIT */
#include "ldconsole/guard/breaker.h"

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"

/* While a probe is out or an operator holds the breaker open, nothing says when that ends; asking
 * once a second costs nothing. */
enum { ASK_AGAIN_MS = 1000 };

void ldc_breaker_init(struct ldc_breaker *b, const char *name,
                      const struct ldc_breaker_options *options)
{
    *b = (struct ldc_breaker){
        .name = name,
        .options = *options,
        .current_open_ms = options->open_ms,
    };
}

static void enter(struct ldc_breaker *b, enum ldc_breaker_state state)
{
    b->state = state;
    b->is_probing = false;
    if (state == LDC_BREAKER_HALF_OPEN || state == LDC_BREAKER_OPEN)
        return;
    b->n_window = b->next = b->consecutive = 0;
    b->current_open_ms = b->options.open_ms;
    b->reason[0] = '\0';
}

static void open_now(struct ldc_breaker *b, uint64_t now_ms, const char *reason)
{
    enter(b, LDC_BREAKER_OPEN);
    b->opened_at_ms = now_ms;
    b->n_opened++;
    str_copy(b->reason, sizeof(b->reason), reason ? reason : "");
}

static bool refuse(struct ldc_breaker *b, uint64_t retry_ms, uint64_t *reterr_retry_ms)
{
    b->n_rejected++;
    *reterr_retry_ms = retry_ms;
    return false;
}

bool ldc_breaker_allow(struct ldc_breaker *b, uint64_t now_ms, uint64_t *reterr_retry_ms)
{
    if (b->state == LDC_BREAKER_OPEN) {
        uint64_t until = b->opened_at_ms + b->current_open_ms;
        if (now_ms < until)
            return refuse(b, until - now_ms, reterr_retry_ms);
        enter(b, LDC_BREAKER_HALF_OPEN);
    }
    if (b->state == LDC_BREAKER_FORCED_OPEN || b->is_probing)
        return refuse(b, ASK_AGAIN_MS, reterr_retry_ms);
    b->is_probing = b->state == LDC_BREAKER_HALF_OPEN;
    return true;
}

bool ldc_breaker_is_refusing(const struct ldc_breaker *b, uint64_t now_ms)
{
    return b->state == LDC_BREAKER_FORCED_OPEN || b->is_probing ||
           (b->state == LDC_BREAKER_OPEN && now_ms < b->opened_at_ms + b->current_open_ms);
}

unsigned ldc_breaker_window_failures(const struct ldc_breaker *b)
{
    unsigned n = 0;
    for (unsigned i = 0; i < b->n_window; i++)
        n += b->window[i];
    return n;
}

static void remember(struct ldc_breaker *b, bool failed)
{
    b->window[b->next] = failed;
    b->next = (b->next + 1) % LDC_BREAKER_WINDOW;
    if (b->n_window < LDC_BREAKER_WINDOW)
        b->n_window++;
    b->consecutive = failed ? b->consecutive + 1 : 0;
}

static bool is_too_much(const struct ldc_breaker *b)
{
    const struct ldc_breaker_options *o = &b->options;
    if (o->consecutive_failures && b->consecutive >= o->consecutive_failures)
        return true;
    return o->min_calls && b->n_window >= o->min_calls &&
           ldc_breaker_window_failures(b) * 100 >= o->failure_percent * b->n_window;
}

static bool report_probe(struct ldc_breaker *b, uint64_t now_ms, bool is_success,
                         const char *reason)
{
    if (is_success) {
        enter(b, LDC_BREAKER_CLOSED);
        return true;
    }
    unsigned max = b->options.max_open_ms;
    b->current_open_ms = b->current_open_ms < max / 2 ? b->current_open_ms * 2 : max;
    open_now(b, now_ms, reason);
    return true;
}

bool ldc_breaker_report(struct ldc_breaker *b, uint64_t now_ms, bool is_success, const char *reason)
{
    b->n_success += is_success;
    b->n_failure += !is_success;
    if (b->state == LDC_BREAKER_HALF_OPEN)
        return report_probe(b, now_ms, is_success, reason);
    /* Open: a call that was let in before the breaker opened; its news is old. */
    if (b->state != LDC_BREAKER_CLOSED)
        return false;
    remember(b, !is_success);
    if (is_success || !is_too_much(b))
        return false;
    open_now(b, now_ms, reason);
    return true;
}

void ldc_breaker_abandon(struct ldc_breaker *b)
{
    b->is_probing = false;
}

void ldc_breaker_force_open(struct ldc_breaker *b)
{
    enter(b, LDC_BREAKER_FORCED_OPEN);
    str_copy(b->reason, sizeof(b->reason), "forced open by an operator");
}

void ldc_breaker_force_close(struct ldc_breaker *b)
{
    enter(b, LDC_BREAKER_CLOSED);
}

void ldc_breaker_disable(struct ldc_breaker *b)
{
    enter(b, LDC_BREAKER_DISABLED);
}

void ldc_breaker_reset(struct ldc_breaker *b)
{
    enter(b, LDC_BREAKER_CLOSED);
    b->n_success = b->n_failure = b->n_rejected = b->n_opened = 0;
}

const char *ldc_breaker_state_name(enum ldc_breaker_state state)
{
    static const char *const names[] = {"closed", "open", "half-open", "forced-open", "disabled"};
    return (size_t)state < countof(names) ? names[state] : "unknown";
}
