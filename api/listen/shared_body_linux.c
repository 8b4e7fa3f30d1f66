/* SPDX-License-Identifier: MIT */
#include "api/listen/shared_body.h"

#include <stdbool.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

/* Below, two system calls cost more than the copy. */
enum { MIN_BYTES = 16384 };

void shared_body_init(struct shared_body *shared)
{
    *shared = (struct shared_body){.file = -1};
}

void shared_body_forget(struct shared_body *shared)
{
    shared->blob = blob_unref(shared->blob);
    /* The kernel keeps the pages that are still on their way. */
    if (shared->file >= 0)
        close(shared->file);
    shared->file = -1;
}

static bool make_file(struct shared_body *shared)
{
    const struct blob *blob = shared->blob;
    int file = memfd_create("ldplayerd-body", MFD_CLOEXEC);
    if (file < 0)
        return false;
    if (write(file, blob->data, blob->len) != (ssize_t)blob->len) {
        close(file);
        return false;
    }
    shared->file = file;
    return true;
}

/* Whether BODY is ready to be sent; if not, it may be the next time. */
static bool prepare(struct shared_body *shared, struct blob *body)
{
    if (shared->blob != body) {
        shared_body_forget(shared);
        shared->blob = blob_ref(body);
        return false;
    }
    return shared->file >= 0 || make_file(shared);
}

int shared_body_send(struct shared_body *shared, uv_stream_t *stream, uv_buf_t head,
                     struct blob *body)
{
    uv_os_fd_t fd;
    off_t at = 0;
    if (body->len < MIN_BYTES || uv_stream_get_write_queue_size(stream) > 0 ||
        uv_fileno((uv_handle_t *)stream, &fd) < 0 || !prepare(shared, body))
        return UV_ENOTSUP;
    ssize_t n = send(fd, head.base, head.len, MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0)
        return UV_ENOTSUP;
    if ((size_t)n == head.len) {
        ssize_t n_body = sendfile(fd, shared->file, &at, body->len);
        n += n_body > 0 ? n_body : 0;
    }
    return (int)n;
}
