/* SPDX-License-Identifier: MIT */
#ifndef SVC_TROUBLE_H
#define SVC_TROUBLE_H

#include "cache/tables/events.h"

/** What goes wrong with instances, in the log: one warning for each operation that ends badly (not
 *  when somebody cancelled it), and for each instance that becomes stuck, zombie or unreachable. It
 *  is read off the event stream, so a line has what its event has. Loop thread. */

/** The line for an event of TYPE, owned by the caller; NULL = there is none. */
char *svc_trouble_line(const char *type, const char *event_json, size_t n);
/** Writes the lines; to be unsubscribed by the caller. */
struct cache_subscriber *svc_trouble_follow(struct cache_events *events);

#endif
