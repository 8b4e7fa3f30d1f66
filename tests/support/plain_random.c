/* SPDX-License-Identifier: MIT */
#include <sys/random.h>

#include <uv.h>

/* For programs that are linked without libuv. */
int uv_random(uv_loop_t *loop, uv_random_t *req, void *buf, size_t n, unsigned flags,
              uv_random_cb cb)
{
    (void)loop, (void)req, (void)flags, (void)cb;
    return getrandom(buf, n, 0) == (ssize_t)n ? 0 : UV_EIO;
}
