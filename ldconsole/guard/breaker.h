/* SPDX-License-Identifier: MIT */
#ifndef LDC_BREAKER_H
#define LDC_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

/** A circuit breaker: a pure state machine over times the caller gives. Closed until at least
 *  min_calls of the window's calls are in and failure_percent of them failed, or
 *  consecutive_failures failed in a row; open for open_ms (doubling up to max_open_ms each time the
 *  probe fails); half-open lets exactly one probe through and closes when it succeeds.
 *
 *      closed --too many failures--> open --open_ms--> half-open --success--> closed
 *                                     ^------failure------'
 *
 *  forced-open and disabled are set by an operator and left only by one. */
enum ldc_breaker_state {
    LDC_BREAKER_CLOSED,
    LDC_BREAKER_OPEN,
    LDC_BREAKER_HALF_OPEN,
    LDC_BREAKER_FORCED_OPEN,
    LDC_BREAKER_DISABLED
};

enum { LDC_BREAKER_WINDOW = 32 };

struct ldc_breaker_options {
    unsigned min_calls, failure_percent, consecutive_failures;
    unsigned open_ms, max_open_ms;
};

struct ldc_breaker {
    const char *name;
    struct ldc_breaker_options options;
    enum ldc_breaker_state state;
    bool window[LDC_BREAKER_WINDOW]; /* true = failed; a ring of the last calls */
    unsigned n_window, next, consecutive;
    uint64_t opened_at_ms; /* monotonic */
    unsigned current_open_ms;
    bool is_probing;
    char reason[160]; /* why it opened; "" while closed */
    uint64_t n_success, n_failure, n_rejected, n_opened;
};

void ldc_breaker_init(struct ldc_breaker *b, const char *name,
                      const struct ldc_breaker_options *options);
/** Asks whether a call may go now. True: the caller must report it by ldc_breaker_report or
 *  ldc_breaker_abandon. False: *RETERR_RETRY_MS says when it is worth asking again. */
bool ldc_breaker_allow(struct ldc_breaker *b, uint64_t now_ms, uint64_t *reterr_retry_ms);
/** Whether ldc_breaker_allow would say no now. Changes nothing. */
bool ldc_breaker_is_refusing(const struct ldc_breaker *b, uint64_t now_ms);
/** The outcome of an allowed call. REASON is kept when it opens the breaker. Returns true when
 *  the state changed. */
bool ldc_breaker_report(struct ldc_breaker *b, uint64_t now_ms, bool is_success,
                        const char *reason);
/** An allowed call that was cancelled says nothing about health. */
void ldc_breaker_abandon(struct ldc_breaker *b);
/** Operator commands. */
void ldc_breaker_force_open(struct ldc_breaker *b);
void ldc_breaker_force_close(struct ldc_breaker *b);
void ldc_breaker_disable(struct ldc_breaker *b);
void ldc_breaker_reset(struct ldc_breaker *b);
unsigned ldc_breaker_window_failures(const struct ldc_breaker *b);
const char *ldc_breaker_state_name(enum ldc_breaker_state state);

#endif
