/* SPDX-License-Identifier: MIT */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include "api/http/exchange.h"
#include "api/http/state.h"

/** One connection: reads requests one after the other, hands each to the owner, writes the answer,
 *  goes on. At most one request at a time; what comes meanwhile waits in `unread`, and when that is
 *  full in the socket.
 *
 *      IDLE -> HEAD -> HANDLING (on_head) -> (BODY) -> HANDLING (on_request)
 *                                                        |-> (WRITING) -> IDLE, or, after the
 *                                                        |                last answer,
 *                                                        `-> STREAMING -> LINGERING -> CLOSING
 */
enum http_conn_state {
    HTTP_CONN_IDLE, /* between requests */
    HTTP_CONN_HEAD, /* part of a head is there */
    HTTP_CONN_BODY,
    HTTP_CONN_HANDLING, /* the owner has the request */
    HTTP_CONN_WRITING,  /* the rest of an answer is on its way */
    HTTP_CONN_STREAMING,
    HTTP_CONN_LINGERING, /* answered and shut down; what still comes is thrown away, because closing
                            with unread bytes would reset the connection and lose the answer */
    HTTP_CONN_CLOSING
};

/** What a connection asks of the stream that it is given to while STREAMING. */
struct http_conn_stream {
    void (*on_gone)(void *stream);
    void (*on_deadline)(void *stream);
    void (*on_drain)(void *stream);
};

struct http_conn {
    union listener_stream io;
    struct list link;
    struct http_server *server;
    const struct listener *listener; /* lives as long as the server */
    enum http_conn_state state;
    bool is_processing; /* inside the loop that reads requests */
    bool is_eof;        /* the client sends no more */
    bool is_held;       /* reading is stopped until `unread` has been used */
    /* Until on_shutdown has come, libuv may flush a pipe on a thread of its own. Closed under it,
     * the number of its handle may be another file's by then, and the server of Wine 8.0 dies, and
     * with it all that runs there. So it stays open, at most until the deadline. */
    bool is_shutting_down;
    uint64_t deadline_ms; /* loop time; 0 = none; what it means depends on the state */
    size_t last_queue; /* bytes that libuv held when the deadline was set: no progress, no mercy */
    struct http_exchange *exchange;
    const struct http_conn_stream *stream_calls; /* while STREAMING */
    void *stream;
    void *data; /* the owner's */
    struct buf unread;
    uv_shutdown_t shutdown;
};

/** For the owner: the head was found good. Reads the body, if there is one, then comes
 *  on_request. */
void http_conn_proceed(struct http_exchange *x);

/* For the other files of this room. conn.c: life and deadlines. */

/** Takes the client that waits at LISTENER. */
void http_conn_accept(struct http_server *server, struct listener *listener);
/** Ends it: nothing is read or answered any more. Repeating it does nothing. */
void http_conn_close(struct http_conn *conn);
/** The last of it: frees it in one of the next turns. */
void http_conn_close_io(struct http_conn *conn);
/** Does what is due when a deadline has passed. */
void http_conn_check_deadline(struct http_conn *conn);
/** The server drains: ends what is idle, cuts waits short, ends streams. */
void http_conn_drain(struct http_conn *conn);
void http_conn_set_deadline(struct http_conn *conn, uint64_t after_ms);

/* conn_read.c: requests. */

/** An exchange for the request whose first byte came. */
void http_conn_begin_exchange(struct http_conn *conn);
void http_conn_start_reading(struct http_conn *conn);
/** Goes on with what came while a request was being answered. */
void http_conn_process(struct http_conn *conn);
/** Has the owner answer a request that cannot be read, and ends the connection. */
void http_conn_fail(struct http_conn *conn, enum http_fault fault, const char *detail);

/* conn_write.c: answers. */

/** Writes HEAD and BODY (the memory belongs to the exchange) and then goes on. */
void http_conn_send(struct http_conn *conn, uv_buf_t head, uv_buf_t body);
/** Whether the answer under way must be the last on this connection. */
bool http_conn_is_last(const struct http_conn *conn);
/** Says goodbye: no more requests, but gives the client time to read the answer. */
void http_conn_linger(struct http_conn *conn);
/** Gives the exchange back to the pool. */
void http_conn_end_exchange(struct http_conn *conn);

#endif
