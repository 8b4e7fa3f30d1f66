/* SPDX-License-Identifier: MIT */
#ifndef API_STREAM_H
#define API_STREAM_H

#include "api/http/exchange.h"

/** An answer without an end: bytes are written as they come up. What the client does not take is
 *  kept up to options.max_backlog_bytes. Loop thread. */
struct api_stream;

struct api_stream_calls {
    /** Everything written so far has been taken by the socket, after it had not been. */
    void (*on_ready)(void *arg);
    /** The client is gone; the stream must not be used any more. */
    void (*on_gone)(void *arg);
    /** The server stops; the stream is to be ended with api_stream_end. */
    void (*on_drain)(void *arg);
};

/** Begins the answer of X with status 200; X belongs to the stream from now on. BEAT is written
 *  every options.heartbeat_ms while nothing is in the way; NULL for none. CALLS is static. */
struct api_stream *api_stream_begin(struct api_exchange *x, const char *type, const char *beat,
                                    const struct api_stream_calls *calls, void *arg);
/** Returns 0, or UV_ENOBUFS with nothing taken when the backlog would pass its limit. MARK is
 *  what api_stream_taken says once these bytes can no longer be forgotten. */
int api_stream_write(struct api_stream *stream, const char *bytes, size_t n, uint64_t mark);
uint64_t api_stream_taken(const struct api_stream *stream);
/** Whether bytes wait for the client. */
bool api_stream_is_behind(const struct api_stream *stream);
/** Forgets what waits beyond what libuv has been given. */
void api_stream_forget(struct api_stream *stream);
/** Ends the answer once it is written; no more calls come. */
void api_stream_end(struct api_stream *stream);

/* For the connection. */
void api_stream_on_gone(struct api_stream *stream);
void api_stream_on_deadline(struct api_stream *stream);
void api_stream_drain(struct api_stream *stream);

#endif
