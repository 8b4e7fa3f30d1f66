/* SPDX-License-Identifier: MIT */
#ifndef API_CONN_H
#define API_CONN_H

#include "api/http/server_state.h"

/** One connection: reads requests one after the other, hands each to its handler, writes the
 *  answer, goes on. At most one request at a time; what comes meanwhile waits in `unread`, and
 *  when that is full in the socket.
 *
 *      IDLE -> HEAD -> (BODY) -> HANDLING -> (WRITING) -> IDLE ...
 *                                   |             `----> LINGERING -> CLOSING
 *                                   `-> STREAMING -----------^
 */
enum api_conn_state {
    API_CONN_IDLE, /* between requests */
    API_CONN_HEAD, /* part of a head is there */
    API_CONN_BODY,
    API_CONN_HANDLING, /* an answer is owed */
    API_CONN_WRITING,  /* the rest of an answer is on its way */
    API_CONN_STREAMING,
    API_CONN_LINGERING, /* answered and shut down; what still comes is thrown away, because closing
                           with unread bytes would reset the connection and lose the answer */
    API_CONN_CLOSING
};

struct api_stream;

struct api_conn {
    union api_io io;
    struct list link;
    struct api_server *server;
    const struct api_listener *listener; /* lives as long as the server */
    enum api_conn_state state;
    bool is_processing;   /* inside the loop that reads requests */
    bool is_eof;          /* the client sends no more */
    bool is_held;         /* reading is stopped until `unread` has been used */
    uint64_t deadline_ms; /* loop time; 0 = none; what it means depends on the state */
    size_t last_queue; /* bytes that libuv held when the deadline was set: no progress, no mercy */
    struct api_exchange *exchange;
    struct api_stream *stream;
    struct buf unread;
    struct api_identity peer;      /* who is at the other end of a pipe ... */
    bool is_peer_known;            /* ... once somebody asked */
    struct api_identity token_who; /* the token last checked here ... */
    char token[CACHE_TOKEN_SIZE];
    uint64_t token_until_ms; /* ... may be believed until then */
    unsigned token_generation;
    uv_shutdown_t shutdown;
};

/* conn.c: life and deadlines. */

/** Takes the next connection from LISTENER. */
void api_conn_accept(struct api_listener *listener);
/** Closes at once. Repeating it does nothing. */
void api_conn_close(struct api_conn *conn);
/** Its deadline has passed. */
void api_conn_on_deadline(struct api_conn *conn);
/** The server drains: ends what is idle, cuts waits short, ends streams. */
void api_conn_drain(struct api_conn *conn);
void api_conn_set_deadline(struct api_conn *conn, uint64_t after_ms);
/** Whether the client is on this machine. */
bool api_conn_is_loopback(const struct api_conn *conn);

/* conn_read.c: requests. */

void api_conn_start_reading(struct api_conn *conn);
/** The gate let the head pass after waiting: reads the body or calls the handler. */
void api_conn_continue(struct api_conn *conn);
/** Goes on with what came while a request was being answered. */
void api_conn_process(struct api_conn *conn);
/** Answers with a problem and ends the connection. */
void api_conn_refuse(struct api_conn *conn, enum api_code code, const char *detail);

/* conn_write.c: answers. */

/** Writes HEAD and BODY (the memory belongs to the exchange) and then goes on. */
void api_conn_send(struct api_conn *conn, uv_buf_t head, uv_buf_t body);
/** Whether the answer under way must be the last on this connection. */
bool api_conn_is_last(const struct api_conn *conn);
/** Says goodbye: no more requests, but gives the client time to read the answer. */
void api_conn_linger(struct api_conn *conn);
/** Gives the exchange back to the pool. */
void api_conn_end_exchange(struct api_conn *conn);

#endif
