/* SPDX-License-Identifier: MIT */
#ifndef CACHE_REDIS_LINK_H
#define CACHE_REDIS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop/dial.h"
#include "base/loop/loop.h"
#include "base/memory/buf.h"
#include "cache/redis/redis_trouble.h"
#include "cache/redis/redis_url.h"

/** One connection to redis that is made again whenever it is lost: it connects, introduces itself,
 *  sends commands in order without waiting for answers (pipelining) and tells each answer to who
 *  asked. What others send is bounded in size and depth, and anything that is not the answer of a
 *  redis ends the connection. Loop thread only; nothing blocks. */

struct redisReply; /* hiredis.h */

/** A command under way, embedded by who sends it and kept until FN, which comes exactly once in a
 *  later turn. REPLY is NULL when the connection was lost; it ends with the call. */
struct cache_redis_call {
    struct list link;
    void (*fn)(struct cache_redis_call *call, const struct redisReply *reply);
    uint64_t sent_ms; /* monotonic */
};

struct cache_redis_link_options {
    const struct cache_redis_url *url; /* as long as the link */
    unsigned patience_ms; /* for connecting; and for an answer, then the connection is given up */
    unsigned beat_ms;     /* between two looks at whether redis still answers */
    unsigned min_wait_ms, max_wait_ms; /* before connecting again: doubles each time */
    size_t max_out_bytes;              /* commands that were not taken yet; more are refused */
    size_t max_answer_bytes;           /* larger ones end the connection */
};

/** The connection is ready (IS_NEW), or has just answered. */
typedef void (*cache_redis_link_fn)(void *arg, bool is_new);

struct cache_redis_link {
    struct loop *loop;
    struct cache_redis_link_options options;
    cache_redis_link_fn on_alive;
    void *arg;

    enum cache_redis_link_state {
        CACHE_REDIS_LINK_WAITING, /* for the time to dial */
        CACHE_REDIS_LINK_DIALLING,
        CACHE_REDIS_LINK_GREETING, /* password, database, clock */
        CACHE_REDIS_LINK_UP,
        CACHE_REDIS_LINK_LEAVING, /* the socket closes */
    } state;
    struct dial *dial;
    uv_tcp_t *tcp;
    uv_timer_t timer;     /* what it is for depends on the state */
    uv_prepare_t flusher; /* writes what one turn has sent at once */
    bool is_closing;
    unsigned n_handles;
    unsigned n_tries; /* since the last connection that lasted */
    uint64_t n_ups;
    struct cache_redis_trouble trouble;

    struct list pending; /* calls in the order sent */
    struct cache_redis_call auth, select, beat;
    bool is_beating;
    struct buf out;
    uv_write_t write;
    char *written; /* what WRITE is busy with */
    char in[65536];
    struct redisReader *reader;
    size_t n_partial; /* bytes read of an answer that is not complete */

    int64_t clock_offset_ms; /* redis' clock is at least that far ahead of ours */
    uint64_t clock_error_ms; /* and at most so much further */

    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

/** OPTIONS is copied, what it points to is not. */
void cache_redis_link_init(struct cache_redis_link *l, struct loop *loop,
                           const struct cache_redis_link_options *options,
                           cache_redis_link_fn on_alive, void *arg);
void cache_redis_link_start(struct cache_redis_link *l);
/** Commands under way end without a reply, within the call. */
void cache_redis_link_close(struct cache_redis_link *l, void (*on_closed)(void *arg), void *arg);

bool cache_redis_link_is_up(const struct cache_redis_link *l);
/** How long the oldest command that is not answered has been under way; 0 when there is none. */
uint64_t cache_redis_link_waiting_ms(const struct cache_redis_link *l);
/** Sends N arguments of LENGTHS bytes; they are copied. Returns 0, UV_ENOTCONN, or UV_ENOBUFS;
 *  CALL is not used then. */
int cache_redis_link_send(struct cache_redis_link *l, struct cache_redis_call *call, int n,
                          const char **arguments, const size_t *lengths);
/** The answer to a command cannot come from a redis: ends the connection. For use in a call's FN.
 */
void cache_redis_link_refuse(struct cache_redis_link *l, const char *what);
/** Ends the connection when ERROR, the reply to a command, is about redis as a whole (a script
 *  keeps it busy, it loads its data): the greeting of the next one tells when that is over, while
 *  another such command may not come for hours. For use in a call's FN. Returns whether it did. */
bool cache_redis_link_yield(struct cache_redis_link *l, const char *error);
/** Milliseconds since 1970 on redis' clock: no earlier than the result, and no later than
 *  *RET_ERROR (about a round trip) after it. */
uint64_t cache_redis_link_now_ms(const struct cache_redis_link *l, uint64_t *ret_error_ms);

#endif
