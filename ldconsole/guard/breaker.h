/* SPDX-License-Identifier: MIT */
#ifndef LDC_BREAKER_H
#define LDC_BREAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/system/random.h"
#include "ldconsole/output/fault.h"

/** A circuit breaker: a pure state machine over the times that its caller gives.
 *
 *      closed --too much fails--> open --its time is up--> half-open --success--> closed
 *                                  ^----------failure---------'
 *
 *  Closed lets calls through until too much of what it is told fails: so many answers in a row, so
 *  many hangs in a row, so many effects in a row that did not come, or too large a share of the
 *  calls in its window failed, or was slow. Open refuses for a time that doubles with each failed
 *  try, up to a maximum, and with each time that it opens again soon after it closed; each
 *  max_open_ms for which it stays closed halves what has grown. Half-open lets one call through at
 *  a time. Because an answer is no effect, a breaker that missing effects opened is closed by an
 *  effect that is seen, not by an answer.
 *
 *  forced-open, forced-closed and disabled are ordered by an operator, for a time or until he says
 *  otherwise. Forced-closed goes on counting, disabled does not. */
enum ldc_breaker_state {
    LDC_BREAKER_CLOSED,
    LDC_BREAKER_OPEN,
    LDC_BREAKER_HALF_OPEN,
    LDC_BREAKER_FORCED_OPEN,
    LDC_BREAKER_DISABLED,
    LDC_BREAKER_FORCED_CLOSED,
    LDC_BREAKER_STATE_COUNT
};

enum {
    LDC_BREAKER_WINDOW = 32,    /* calls that the window has at most */
    LDC_BREAKER_CALLS = 5,      /* failed ones that are kept as evidence */
    LDC_BREAKER_NAME_SIZE = 64, /* URL-safe: letters, digits, '-' and '.' */
    LDC_BREAKER_NOTE_SIZE = 257,
    LDC_BREAKER_BY_SIZE = 65,
    LDC_BREAKER_REASON_SIZE = 640
};

/** 0 switches a rule off. */
struct ldc_breaker_options {
    unsigned min_calls; /* in the window, before a share of it counts */
    unsigned failure_percent, slow_percent;
    unsigned consecutive_failures; /* answers, or effects */
    unsigned consecutive_hangs; /* missed deadlines: each is certain, and took its time already */
    unsigned window_ms;         /* what is older does not count any more; 0 = for ever */
    unsigned open_ms, max_open_ms;
    unsigned probe_ms; /* a try of which nobody has told the end by then is given up */
};

struct ldc_breaker_now {
    uint64_t mono_ms;
    int64_t wall_ms;
};

/** A call that failed, as people are told of it. */
struct ldc_breaker_call {
    int64_t at; /* wall ms when that was known */
    enum ldc_fault fault;
    char code[40];            /* "LDCONSOLE_TIMED_OUT", ... */
    char instance[UUID_SIZE]; /* "" = it was for none */
    char command[200];        /* its command line; "" when an effect did not come */
    char output[160];         /* head of what it printed, or what was seen instead; UTF-8 */
    int32_t exit_code;        /* 0 when it did not end by itself */
    unsigned duration_ms;
};

/** What is told of a call. */
struct ldc_breaker_news {
    enum ldc_fault fault;
    bool is_slow;   /* it took more than half of its deadline */
    bool is_probe;  /* it is the try that ldc_breaker_pass let through */
    bool is_effect; /* the effect of one that said yes was seen, or did not come */
    const struct ldc_breaker_call *call; /* of a failure */
};

/** What an operator wants. State: forced-open, forced-closed, disabled, or closed for a reset. */
struct ldc_breaker_order {
    enum ldc_breaker_state state;
    const char *by, *note; /* NULL = none */
    uint64_t for_ms;       /* then the order ends: forced-open goes on with one try, the others
                            * closed; 0 = until another order */
};

/** The part that outlives the process; a value. Times are wall clock. */
struct ldc_breaker_memory {
    char name[LDC_BREAKER_NAME_SIZE], instance[UUID_SIZE];
    enum ldc_breaker_state state;
    int64_t opened_at, open_until, closed_at, expires_at; /* 0 = not */
    unsigned open_ms;
    bool is_by_effect;
    char reason[LDC_BREAKER_REASON_SIZE], note[LDC_BREAKER_NOTE_SIZE], by[LDC_BREAKER_BY_SIZE];
    struct ldc_breaker_call calls[LDC_BREAKER_CALLS]; /* the newest first */
    size_t n_calls;
};

struct ldc_breaker {
    char name[LDC_BREAKER_NAME_SIZE];
    char instance[UUID_SIZE]; /* of one that is an instance's own; else "" */
    struct ldc_breaker_options options;
    enum ldc_breaker_state state;

    struct {
        uint64_t at_ms;
        bool is_failed, is_slow;
    } window[LDC_BREAKER_WINDOW]; /* a ring of the last calls */
    unsigned n_window, next;
    unsigned consecutive, n_hangs, n_missing; /* in a row: answers, of these hangs, effects */

    uint64_t open_until_ms, closed_ms; /* monotonic */
    unsigned current_open_ms;          /* how long it was open last; 0 = it never was */
    int64_t opened_at;                 /* wall; 0 = it is not open */
    bool is_by_effect;                 /* missing effects opened it */
    bool is_probing;
    char probe[UUID_SIZE]; /* instance that the try is for; "" = none */
    uint64_t probe_until_ms;
    uint64_t expires_ms; /* of an order; 0 = never */
    uint64_t touched_ms; /* when something was last asked of it or told */

    char reason[LDC_BREAKER_REASON_SIZE]; /* why it opened, as a sentence without its end; or "" */
    char note[LDC_BREAKER_NOTE_SIZE], by[LDC_BREAKER_BY_SIZE]; /* of an order */
    struct ldc_breaker_call calls[LDC_BREAKER_CALLS];          /* the newest first */
    size_t n_calls;
    uint64_t n_success, n_failure, n_rejected, n_opened;
    uint64_t n_faults[LDC_FAULT_COUNT];
};

/** NAME and INSTANCE are copied. */
void ldc_breaker_init(struct ldc_breaker *b, const char *name, const char *instance,
                      const struct ldc_breaker_options *options);
/** Whether a call would be refused; then *RETERR_RETRY_MS says when it is worth asking again, 0
 *  where only an operator ends it. */
bool ldc_breaker_refuses(const struct ldc_breaker *b, struct ldc_breaker_now now,
                         uint64_t *reterr_retry_ms);
/** A call for INSTANCE ("" = none), which is not refused, goes. Returns whether it is the try of a
 *  half-open breaker: then its end must be told, or given up by ldc_breaker_abandon. */
bool ldc_breaker_pass(struct ldc_breaker *b, struct ldc_breaker_now now, const char *instance);
/** What came of a call. */
void ldc_breaker_report(struct ldc_breaker *b, struct ldc_breaker_now now,
                        const struct ldc_breaker_news *news);
/** The try says nothing of health: another one may go. */
void ldc_breaker_abandon(struct ldc_breaker *b);
/** Ends an order whose time is up, and forgets what has left the window. */
void ldc_breaker_look(struct ldc_breaker *b, struct ldc_breaker_now now);
void ldc_breaker_obey(struct ldc_breaker *b, struct ldc_breaker_now now,
                      const struct ldc_breaker_order *order);
void ldc_breaker_save(const struct ldc_breaker *b, struct ldc_breaker_now now,
                      struct ldc_breaker_memory *ret);
/** Goes on as MEMORY says, whatever the wall clock did since: never open for longer than the
 *  options allow. */
void ldc_breaker_restore(struct ldc_breaker *b, struct ldc_breaker_now now,
                         const struct ldc_breaker_memory *memory);

struct run_result;

/** Takes from what was run, and how it ended (NULL = it never ran), what people are told of it. */
void ldc_breaker_call_read(struct ldc_breaker_call *call, const char *command_line,
                           const struct run_result *result);

/** Of the calls in the window. */
struct ldc_breaker_shares {
    unsigned n_failed, n_slow;
};
struct ldc_breaker_shares ldc_breaker_shares(const struct ldc_breaker *b);
/** Whether it is as a breaker is that lets everything through: closed, forced-closed, disabled. */
bool ldc_breaker_is_well(const struct ldc_breaker *b);
/** "closed", "open", "half-open", "forced-open", "disabled", "forced-closed". */
const char *ldc_breaker_state_name(enum ldc_breaker_state state);
/** Returns false for any other text. */
bool ldc_breaker_state_parse(const char *name, enum ldc_breaker_state *ret);

#endif
