/* SPDX-License-Identifier: MIT */
#ifndef API_AUDIT_H
#define API_AUDIT_H

#include <stdint.h>

struct api_exchange;

/** The record of who did what: one line of the log (component "audit") for each request that was
 *  to change something and reached a route, whatever came of it, and for each that was refused
 *  with 401 or 403. Reads that were allowed are too many to be recorded.
 *
 *      method=POST path="/api/instances/0/stop" status=202 who="PC\eva" role=operator how=pipe
 *      duration_ms=3 request_id=...
 *
 *  HOW is token, or pipe, socket or tcp for a caller without one; WHO is "-" where nothing tells.
 *  STATUS is 499 when the client went away before the answer came.
 *  Queries and bodies are not recorded: they may carry secrets. */

/** Refusals cost a stranger nothing, so a second records so many and counts the rest. An event
 *  `security.caller_refused` comes once a minute at most, with the first refusal and the number of
 *  those since the last event, and not for a mere read without credentials: a browser does that. */
enum { API_AUDIT_REFUSALS_PER_S = 50, API_AUDIT_TELL_EVERY_MS = 60000 };

struct api_audit {
    uint64_t until_ms; /* loop time: end of the second */
    unsigned n_recorded, n_dropped;
    uint64_t tell_at_ms; /* loop time: no event before */
    unsigned n_untold;
};

struct api_audit *api_audit_new(void);
/** Accepts NULL. */
void api_audit_free(struct api_audit *audit);

/** X is about to be answered with STATUS. */
void api_audit_record(struct api_exchange *x, int status);

#endif
