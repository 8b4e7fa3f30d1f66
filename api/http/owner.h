/* SPDX-License-Identifier: MIT */
#ifndef HTTP_OWNER_H
#define HTTP_OWNER_H

#include <stddef.h>
#include <stdint.h>

/** What the program around an HTTP server, its owner, says and is told. */

struct http_exchange;

struct http_limits {
    unsigned max_connections;   /* one more is accepted, told so and closed; default 10000 */
    unsigned max_head_bytes;    /* request line and headers; default 16384 */
    unsigned max_body_bytes;    /* default 1 MiB */
    unsigned head_timeout_ms;   /* first to last byte of a head; default 10000 */
    unsigned body_timeout_ms;   /* the whole body; default 30000 */
    unsigned idle_timeout_ms;   /* kept alive without a request; default 75000 */
    unsigned write_timeout_ms;  /* an answer that the client does not take; default 30000 */
    unsigned heartbeat_ms;      /* between the beats of an idle stream; default 15000 */
    unsigned max_backlog_bytes; /* of one stream before the reader is cut off; default 1 MiB */
};

/** Why a request cannot be read to its end. It is answered, then the connection ends. */
enum http_fault {
    HTTP_FAULT_NONE,
    HTTP_FAULT_BAD_REQUEST,       /* 400 */
    HTTP_FAULT_TIMEOUT,           /* 408 */
    HTTP_FAULT_BODY_TOO_LARGE,    /* 413 */
    HTTP_FAULT_TARGET_TOO_LONG,   /* 414 */
    HTTP_FAULT_HEAD_TOO_LARGE,    /* 431 */
    HTTP_FAULT_METHOD_UNKNOWN,    /* 501 */
    HTTP_FAULT_TRANSFER_ENCODING, /* 501 */
    HTTP_FAULT_CONNECTIONS,       /* 503: as many as allowed are open */
    HTTP_FAULT_VERSION            /* 505 */
};

/** What the owner is told of an exchange:
 *
 *      on_head -> http_conn_proceed -> (the body) -> on_request -> http_respond_* or a stream
 *         `------------- or an answer at once -----------------------^              |
 *      on_fault -> an answer at once                        on_answer, then on_end -'
 */
struct http_calls {
    /** Of the owner's struct, which begins with a struct http_exchange. */
    size_t exchange_size;
    /** A new exchange, zeroed; it will be used again and again. ARG is http_server_new's. */
    void (*init)(struct http_exchange *x, void *arg);
    /** The head of a request is complete: to be answered, or let on with http_conn_proceed, now or
     *  later. */
    void (*on_head)(struct http_exchange *x);
    /** The request is complete: to be answered, now or later. */
    void (*on_request)(struct http_exchange *x);
    /** The request cannot be read: to be answered at once. DETAIL is a sentence. */
    void (*on_fault)(struct http_exchange *x, enum http_fault fault, const char *detail);
    /** An answer with STATUS is about to be written, or would be if the client were still there;
     *  HTTP_CLIENT_LEFT when it went away while the answer waited for something. */
    void (*on_answer)(struct http_exchange *x, int status);
    /** It is over: what the owner keeps in it is to be made ready for the next request. */
    void (*on_end)(struct http_exchange *x);
    /** What the owner kept with a connection (http_exchange's conn_data) is to be released. */
    void (*free_conn_data)(void *data);
};

/** What other servers log for a client that did not wait for its answer. */
enum { HTTP_CLIENT_LEFT = 499 };

struct http_stats {
    uint64_t n_accepted, n_refused; /* connections */
    uint64_t n_requests[6];         /* answers by status / 100 */
    unsigned n_conns, n_streams;    /* open ones */
};

#endif
