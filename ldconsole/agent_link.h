/* SPDX-License-Identifier: MIT */
#ifndef LDC_AGENT_LINK_H
#define LDC_AGENT_LINK_H

#include "base/loop.h"
#include "ldconsole/agent_message.h"

/** One end of the private pipe between the service and its session agent: frames in, frames out.
 *  Loop thread only. */
struct ldc_agent_link;

struct ldc_agent_link_events {
    /** FRAME ends with the call. The link may be closed within it. */
    void (*on_frame)(void *arg, const struct ldc_agent_frame *frame);
    /** The other side is gone, or sent what is no frame; nothing comes any more. WHY is a part of a
     *  sentence: "it closed the pipe". The link is still to be closed. */
    void (*on_end)(void *arg, const char *why);
};

/** Takes over PIPE, connected and on the heap (mem_new). MAX_FRAME: longer frames end the link. */
struct ldc_agent_link *ldc_agent_link_new(uv_pipe_t *pipe, size_t max_frame,
                                          const struct ldc_agent_link_events *events, void *arg);
/** Sends the frames in OUT and empties it. What cannot be sent any more is dropped: the end of the
 *  link is told to both sides. */
void ldc_agent_link_send(struct ldc_agent_link *link, struct buf *out);
/** No event comes any more. What was sent is still written, if the other side takes it at once.
 *  ON_CLOSED (may be NULL) comes in a later turn, and the link is gone. */
void ldc_agent_link_close(struct ldc_agent_link *link, void (*on_closed)(void *arg), void *arg);

#endif
