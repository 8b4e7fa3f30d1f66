/* SPDX-License-Identifier: MIT */
#include "api/listen/shared_body.h"

void api_shared_body_init(struct api_shared_body *shared)
{
    *shared = (struct api_shared_body){.file = -1};
}

void api_shared_body_forget(struct api_shared_body *shared)
{
    (void)shared; /* nothing is ever remembered */
}

int api_shared_body_send(struct api_shared_body *shared, uv_stream_t *stream, uv_buf_t head,
                         struct blob *body)
{
    (void)shared;
    (void)stream;
    (void)head;
    (void)body;
    return UV_ENOTSUP;
}
