/* SPDX-License-Identifier: MIT */
#ifndef BASE_DIAL_H
#define BASE_DIAL_H

#include <stdbool.h>

#include "base/loop/loop.h"

/** One attempt to reach a host: its name is resolved on a worker, because a resolver blocks, then
 *  its addresses are tried one after the other. Loop thread only. */
struct dial;

/** TCP is a connected socket from the heap that now belongs to the receiver, or NULL with STATUS:
 *  UV_EAI_* when the name was not resolved, UV_ECANCELED after a cancel, or why the last address
 *  was not reached. */
typedef void (*dial_fn)(void *arg, int status, uv_tcp_t *tcp);

/** HOST: a name or an address without brackets. FN comes exactly once, in a later turn; the dial is
 *  gone then. TURN: which of several addresses is first, so that one that never answers does not
 *  stand in the way of the next for ever. */
struct dial *dial_new(struct loop *loop, const char *host, int port, unsigned turn, dial_fn fn,
                      void *arg);
/** Ends it as soon as can be, without a socket: a resolver that is at work cannot be stopped, so FN
 *  may take as long as that. */
void dial_cancel(struct dial *dial);
/** Whether it is still about the name. */
bool dial_is_resolving(const struct dial *dial);
/** Whether STATUS is about the name and not about a connection. */
bool dial_is_name_error(int status);

#endif
