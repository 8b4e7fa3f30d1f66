/* SPDX-License-Identifier: MIT */
#ifndef SHARED_BODY_H
#define SHARED_BODY_H

#include <uv.h>

#include "base/memory/blob.h"

/** The large body that was sent last, in the form that is cheapest to send again: many readers of
 *  the list get the same bytes within a millisecond, and copying them into each socket would be
 *  most of the work. On Linux the second reader and those after it are sent the pages of a file in
 *  memory (sendfile). Loop thread only. */
struct shared_body {
    struct blob *blob; /* the one remembered, or NULL */
    int file;          /* of its bytes; -1 while only one reader came */
};

void shared_body_init(struct shared_body *shared);
/** Releases what is remembered. */
void shared_body_forget(struct shared_body *shared);
/** Sends HEAD and BODY as far as the socket takes them at once. Returns how many bytes that were,
 *  or UV_ENOTSUP when nothing was sent and the usual way is to be used. */
int shared_body_send(struct shared_body *shared, uv_stream_t *stream, uv_buf_t head,
                     struct blob *body);

#endif
