/* SPDX-License-Identifier: MIT */
#ifndef SVC_EVENTLOG_H
#define SVC_EVENTLOG_H

#include "cache/tables/events.h"

/** The event log of Windows, where administrators and their tools look first: few entries, stable
 *  ids, readable texts (messages.mc, which is part of this program). It is fed from the event
 *  stream by one table, and directly with what happens while there is no stream. Elsewhere than on
 *  Windows nothing is written. */

/** As in messages.mc and docs/windows-service.md; never reused for something else. */
enum svc_eventlog_id {
    SVC_EVENTLOG_STARTED = 1,
    SVC_EVENTLOG_STOPPED = 2,
    SVC_EVENTLOG_START_FAILED = 3,
    SVC_EVENTLOG_CRASHED = 4,
    SVC_EVENTLOG_SETUP_FAILED = 5,
    SVC_EVENTLOG_BREAKER_OPEN = 10,
    SVC_EVENTLOG_BREAKER_CLOSED = 11,
    SVC_EVENTLOG_PIPE_TAKEN = 20,
    SVC_EVENTLOG_AGENT_REFUSED = 21,
    SVC_EVENTLOG_CALLER_REFUSED = 22,
    SVC_EVENTLOG_AGENT_STARTED = 30,
    SVC_EVENTLOG_AGENT_LOST = 31,
    SVC_EVENTLOG_NO_SESSION = 32,
    SVC_EVENTLOG_LOG_TROUBLE = 40,
    SVC_EVENTLOG_DATABASE_REPAIRED = 41,
    SVC_EVENTLOG_DATABASE_FAILING = 42,
    SVC_EVENTLOG_DATABASE_RECOVERED = 43,
    SVC_EVENTLOG_DISK_LOW = 44,
    SVC_EVENTLOG_DATABASE_MISSING = 45
};

enum svc_eventlog_level { SVC_EVENTLOG_INFO = 1, SVC_EVENTLOG_WARNING = 2, SVC_EVENTLOG_ERROR = 3 };

/** As the message table has it. */
enum svc_eventlog_level svc_eventlog_level(enum svc_eventlog_id id);
/** The id for an event type of the stream, or 0. */
enum svc_eventlog_id svc_eventlog_find(const char *type);
/** "reason: ...\nname: list2": the data of an event for people, owned by the caller. */
char *svc_eventlog_details(const char *event_json, size_t n);

/** TEXT as an entry shows it: who reads the log expands %1 and %%5 also in what was inserted, so a
 *  percent sign in front of a digit or of another one becomes the full-width one. Owned by the
 *  caller. */
char *svc_eventlog_plain(const char *text);

/** Writes entries from now on; before it nothing is written. */
void svc_eventlog_open(void);
void svc_eventlog_close(void);
/** One entry; DETAILS is UTF-8. Any thread. */
void svc_eventlog_write(enum svc_eventlog_id id, const char *details);
/** Writes an entry for each event of the table; to be unsubscribed by the caller. */
struct cache_subscriber *svc_eventlog_follow(struct cache_events *events);

#endif
