/* SPDX-License-Identifier: MIT */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include "api/http/exchange.h"

/** An answer without an end: bytes are written as they come up. What the client does not take is
 *  kept up to limits.max_backlog_bytes. Loop thread. */
struct http_stream;

struct http_stream_calls {
    /** Everything written so far has been taken by the socket, after it had not been. */
    void (*on_ready)(void *arg);
    /** The client is gone; the stream must not be used any more. */
    void (*on_gone)(void *arg);
    /** The server stops; the stream is to be ended with http_stream_end. */
    void (*on_drain)(void *arg);
};

/** Begins the answer of X with status 200; X belongs to the stream from now on. BEAT is written
 *  every limits.heartbeat_ms while nothing is in the way; NULL for none. CALLS is static. */
struct http_stream *http_stream_begin(struct http_exchange *x, const char *type, const char *beat,
                                      const struct http_stream_calls *calls, void *arg);
/** Returns 0, or UV_ENOBUFS with nothing taken when the backlog would pass its limit. MARK is
 *  what http_stream_taken says once these bytes can no longer be forgotten. */
int http_stream_write(struct http_stream *stream, const char *bytes, size_t n, uint64_t mark);
uint64_t http_stream_taken(const struct http_stream *stream);
/** Whether bytes wait for the client. */
bool http_stream_is_behind(const struct http_stream *stream);
/** Forgets what waits beyond what libuv has been given. */
void http_stream_forget(struct http_stream *stream);
/** Ends the answer once it is written; no more calls come. */
void http_stream_end(struct http_stream *stream);

#endif
