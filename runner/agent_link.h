/* SPDX-License-Identifier: MIT */
#ifndef AGENT_LINK_H
#define AGENT_LINK_H

#include "base/loop/loop.h"
#include "runner/agent_message.h"

/** One end of the private pipe between the service and its session agent: frames in, frames out.
 *  Loop thread only. */
struct agent_link;

struct agent_link_events {
    /** FRAME ends with the call. The link may be closed within it. */
    void (*on_frame)(void *arg, const struct agent_frame *frame);
    /** The other side is gone, or sent what is no frame; nothing comes any more. WHY is a part of a
     *  sentence: "it closed the pipe". The link is still to be closed. */
    void (*on_end)(void *arg, const char *why);
};

/** Takes over PIPE, connected and on the heap (mem_new). MAX_FRAME: longer frames end the link. */
struct agent_link *agent_link_new(uv_pipe_t *pipe, size_t max_frame,
                                  const struct agent_link_events *events, void *arg);
/** Sends the frames in OUT and empties it. What cannot be sent any more is dropped: the end of the
 *  link is seen by both sides. */
void agent_link_send(struct agent_link *link, struct buf *out);
/** No event comes any more. What was sent is still written, if the other side takes it at once.
 *  ON_CLOSED (may be NULL) comes in a later turn, and the link is gone. */
void agent_link_close(struct agent_link *link, void (*on_closed)(void *arg), void *arg);

#endif
