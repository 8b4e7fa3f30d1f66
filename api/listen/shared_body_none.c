/* SPDX-License-Identifier: MIT */
#include "api/listen/shared_body.h"

void shared_body_init(struct shared_body *shared)
{
    *shared = (struct shared_body){.file = -1};
}

void shared_body_forget(struct shared_body *shared)
{
    (void)shared; /* nothing is ever remembered */
}

int shared_body_send(struct shared_body *shared, uv_stream_t *stream, uv_buf_t head,
                     struct blob *body)
{
    (void)shared;
    (void)stream;
    (void)head;
    (void)body;
    return UV_ENOTSUP;
}
