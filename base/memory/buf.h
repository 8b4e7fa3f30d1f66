/* SPDX-License-Identifier: MIT */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** A growing run of bytes with a maximum fixed at birth. `data` is always NUL-terminated once
 *  anything was appended (the NUL is not counted). The owner's thread only. */
struct buf {
    char *data;
    size_t len, cap, max;
};

/** MAX is the largest `len` ever allowed; 0 means no limit, for bytes we make ourselves. */
void buf_init(struct buf *b, size_t max);
/** Frees the bytes; the buffer can be used again with the same maximum. */
void buf_deinit(struct buf *b);
/** Forgets the bytes, keeps the room. */
void buf_clear(struct buf *b);
/** Room for N more bytes behind `len`, which the caller fills and adds to `len` itself.
 *  NULL when the maximum would be passed. */
char *buf_reserve(struct buf *b, size_t n);

/** For buf_append. Returns 0 or UV_ENOBUFS. */
int buf_make_room(struct buf *b, size_t n);

/** Returns 0, or UV_ENOBUFS with nothing appended when the maximum would be passed. Inline, because
 *  an answer is made of some fifty pieces, for which there is room as a rule: `cap` is never more
 *  than the maximum and its NUL. */
static inline int buf_append(struct buf *b, const void *bytes, size_t n)
{
    int r = b->cap - b->len > n ? 0 : buf_make_room(b, n);
    if (r < 0)
        return r;
    if (n)
        memcpy(b->data + b->len, bytes, n);
    b->len += n;
    b->data[b->len] = '\0';
    return 0;
}

static inline int buf_append_str(struct buf *b, const char *s)
{
    return buf_append(b, s, strlen(s));
}

/** Decimal; for what is written too often for buf_printf. */
int buf_append_u64(struct buf *b, uint64_t number);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Drops the first N bytes. */
void buf_consume(struct buf *b, size_t n);
/** The bytes, owned by the caller; the buffer is empty afterwards. */
char *buf_take(struct buf *b, size_t *ret_len);

#endif
