/* SPDX-License-Identifier: MIT */
#include "cache/redis/redis_link.h"

#include <string.h>

#include <hiredis.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/random.h"
#include "base/text/str.h"
#include "cache/redis/redis_link_private.h"
#include "cache/redis/redis_reader.h"

/* WAITING -> DIALLING -> GREETING -> UP
 *    ^           |           |        |
 *    |           v           v        v
 *    +---------(failed)    LEAVING <--+
 *
 * Of hiredis only the protocol is used, on libuv's own sockets. Its asynchronous half would do, but
 * for what a peer that is no redis makes of it: an answer that nobody asked for, or a deep nest of
 * arrays ends the whole process there. Besides it resolves names within the loop, has one timer
 * that each command sets back, and on Windows needs a poll handle where libuv has a stream. */

static void connect_again(struct cache_redis_link *l);

/* --- the end --- */

/* After each step that could be the last. */
static void settle(struct cache_redis_link *l)
{
    if (!l->is_closing || l->n_handles > 0 || l->dial || l->tcp)
        return;
    buf_deinit(&l->out);
    l->on_closed(l->on_closed_arg);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct cache_redis_link *l = handle->data;
    l->n_handles--;
    settle(l);
}

/* --- losing the connection, and the next one --- */

unsigned cache_redis_link_wait_ms(const struct cache_redis_link_options *options, unsigned n_tries,
                                  uint32_t chance)
{
    uint64_t wait_ms = options->min_wait_ms;
    for (unsigned i = 0; i < n_tries && wait_ms < options->max_wait_ms; i++)
        wait_ms *= 2;
    if (wait_ms > options->max_wait_ms)
        wait_ms = options->max_wait_ms;
    return (unsigned)(wait_ms / 2 + chance % (wait_ms / 2 + 1));
}

static unsigned next_wait(struct cache_redis_link *l)
{
    uint32_t chance;
    random_bytes(&chance, sizeof(chance));
    return cache_redis_link_wait_ms(&l->options, l->n_tries++, chance);
}

static void on_wait_over(uv_timer_t *timer)
{
    connect_again(timer->data);
}

static void wait_again(struct cache_redis_link *l)
{
    l->state = CACHE_REDIS_LINK_WAITING;
    if (l->is_closing)
        settle(l);
    else
        uv_timer_start(&l->timer, on_wait_over, next_wait(l), 0);
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct cache_redis_link *l = handle->data;
    mem_free(handle);
    l->tcp = NULL;
    wait_again(l);
}

static void end_calls(struct cache_redis_link *l)
{
    while (!list_is_empty(&l->pending)) {
        struct cache_redis_call *call = list_entry(l->pending.next, struct cache_redis_call, link);
        list_unlink(&call->link);
        call->fn(call, NULL);
    }
}

/* The state changes first: whoever hears of the loss cannot send any more. */
void cache_redis_link_leave(struct cache_redis_link *l)
{
    if (l->state != CACHE_REDIS_LINK_GREETING && l->state != CACHE_REDIS_LINK_UP)
        return;
    l->state = CACHE_REDIS_LINK_LEAVING;
    redisReaderFree(l->reader);
    l->reader = NULL;
    buf_clear(&l->out);
    if (!l->is_closing) {
        uv_timer_stop(&l->timer);
        uv_prepare_stop(&l->flusher);
    }
    uv_close((uv_handle_t *)l->tcp, on_socket_closed);
    end_calls(l);
}

void cache_redis_link_refuse(struct cache_redis_link *l, const char *what)
{
    cache_redis_trouble_set(&l->trouble, "what answers there is no redis (%s): correct the URL",
                            what);
    cache_redis_link_leave(l);
}

bool cache_redis_link_yield(struct cache_redis_link *l, const char *error)
{
    if (!str_has_prefix(error, "BUSY") && !str_has_prefix(error, "LOADING"))
        return false;
    cache_redis_trouble_set_reply(&l->trouble, error);
    cache_redis_link_leave(l);
    return true;
}

/* --- sending --- */

static void flush(struct cache_redis_link *l);

/* What fails to be written fails to be read as well, or is never answered: both are noticed. */
static void on_written(uv_write_t *write, int status)
{
    struct cache_redis_link *l = container_of(write, struct cache_redis_link, write);
    mem_free(take_ptr(l->written));
    if (status == 0)
        flush(l);
}

/* The room stays for the next commands, but not that of large values. */
static void clear_out(struct cache_redis_link *l)
{
    if (l->out.cap > sizeof(l->in))
        buf_deinit(&l->out);
    else
        buf_clear(&l->out);
}

/* As a rule the socket takes all of it at once. What it does not take is one write at a time: what
 * is sent meanwhile gathers for the next. */
static void flush(struct cache_redis_link *l)
{
    if (l->written || l->out.len == 0)
        return;
    uv_buf_t bytes = uv_buf_init(l->out.data, (unsigned)l->out.len);
    int n = uv_try_write((uv_stream_t *)l->tcp, &bytes, 1);
    size_t n_taken = n > 0 ? (size_t)n : 0;
    if (n_taken == l->out.len) {
        clear_out(l);
        return;
    }
    bytes.base += n_taken;
    bytes.len -= n_taken;
    l->written = buf_take(&l->out, NULL);
    /* A connected stream takes it; what goes wrong comes later. */
    (void)uv_write(&l->write, (uv_stream_t *)l->tcp, &bytes, 1, on_written);
}

static void on_flush(uv_prepare_t *flusher)
{
    uv_prepare_stop(flusher);
    flush(flusher->data);
}

/* TYPE and NUMBER on a line of their own. */
static void append_line(struct buf *out, char type, size_t number)
{
    (void)buf_append(out, &type, 1);
    (void)buf_append_u64(out, number);
    (void)buf_append(out, "\r\n", 2);
}

/* An array of bulk strings, as https://redis.io/docs/latest/develop/reference/protocol-spec has it.
 * hiredis makes a string of its own of it, which took a third of what a get computed. */
static int append_command(struct buf *out, int n, const char **arguments, const size_t *lengths)
{
    enum { LINE_MAX_BYTES = 32 };
    size_t size = LINE_MAX_BYTES;
    for (int i = 0; i < n; i++)
        size += LINE_MAX_BYTES + lengths[i];
    int r = buf_make_room(out, size);
    if (r < 0)
        return r;
    append_line(out, '*', (size_t)n);
    for (int i = 0; i < n; i++) {
        append_line(out, '$', lengths[i]);
        (void)buf_append(out, arguments[i], lengths[i]);
        (void)buf_append(out, "\r\n", 2);
    }
    return 0;
}

int cache_redis_link_push(struct cache_redis_link *l, struct cache_redis_call *call, int n,
                          const char **arguments, const size_t *lengths)
{
    int r = append_command(&l->out, n, arguments, lengths);
    if (r < 0)
        return r;
    call->sent_ms = clock_mono_ms();
    list_append(&l->pending, &call->link);
    uv_prepare_start(&l->flusher, on_flush);
    return 0;
}

int cache_redis_link_send(struct cache_redis_link *l, struct cache_redis_call *call, int n,
                          const char **arguments, const size_t *lengths)
{
    if (!cache_redis_link_is_up(l))
        return UV_ENOTCONN;
    return cache_redis_link_push(l, call, n, arguments, lengths);
}

/* --- receiving --- */

static void take_reply(struct cache_redis_link *l, const redisReply *reply)
{
    if (list_is_empty(&l->pending)) {
        cache_redis_link_refuse(l, "it says what nobody asked for");
        return;
    }
    struct cache_redis_call *call = list_entry(l->pending.next, struct cache_redis_call, link);
    list_unlink(&call->link);
    call->fn(call, reply);
}

/* The reader is gone as soon as somebody found the connection wanting. */
static void take_replies(struct cache_redis_link *l)
{
    while (l->reader) {
        void *reply;
        if (redisReaderGetReply(l->reader, &reply) != REDIS_OK) {
            cache_redis_link_refuse(l, "it does not speak the protocol");
            return;
        }
        if (!reply)
            break;
        l->n_partial = 0;
        take_reply(l, reply);
        freeReplyObject(reply);
    }
    if (l->reader && l->n_partial > l->options.max_answer_bytes)
        cache_redis_link_refuse(l, "an answer is larger than any value");
}

static void on_allocate(uv_handle_t *handle, size_t wanted, uv_buf_t *ret)
{
    struct cache_redis_link *l = handle->data;
    (void)wanted;
    *ret = uv_buf_init(l->in, sizeof(l->in));
}

/* In pieces, because hiredis moves all that is left of what it was fed after each answer. */
static void feed(struct cache_redis_link *l, const char *bytes, size_t n)
{
    enum { PIECE = 2048 };
    while (l->reader && n > 0) {
        size_t n_fed = n < PIECE ? n : PIECE;
        l->n_partial += n_fed;
        (void)redisReaderFeed(l->reader, bytes, n_fed); /* GetReply tells its errors */
        take_replies(l);
        bytes += n_fed;
        n -= n_fed;
    }
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    struct cache_redis_link *l = stream->data;
    if (n > 0) {
        feed(l, bytes->base, (size_t)n);
    } else if (n < 0) {
        const char *why = n == UV_EOF ? "it closed the connection" : uv_strerror((int)n);
        cache_redis_trouble_set(&l->trouble, "the connection was lost (%s): see its log", why);
        cache_redis_link_leave(l);
    }
}

/* --- connecting --- */

static void on_dial_timeout(uv_timer_t *timer)
{
    struct cache_redis_link *l = timer->data;
    cache_redis_trouble_set(&l->trouble,
                            "no connection within %u ms: is it running, and host and port right?",
                            l->options.patience_ms);
    dial_cancel(l->dial);
}

static void on_greeting_timeout(uv_timer_t *timer)
{
    struct cache_redis_link *l = timer->data;
    cache_redis_trouble_set(&l->trouble,
                            "it accepts connections but does not answer: it hangs or is paused");
    cache_redis_link_leave(l);
}

static void tell_dial_failed(struct cache_redis_link *l, int status)
{
    if (dial_is_name_error(status))
        cache_redis_trouble_set(&l->trouble,
                                "its name cannot be resolved (%s): correct it in the URL",
                                uv_strerror(status));
    else
        cache_redis_trouble_set(&l->trouble,
                                "it cannot be reached (%s): start it, or correct the URL",
                                uv_strerror(status));
}

static void adopt(struct cache_redis_link *l, uv_tcp_t *tcp)
{
    l->tcp = tcp;
    tcp->data = l;
    uv_tcp_nodelay(tcp, 1);
    l->reader = cache_redis_reader_new(l->options.max_answer_bytes);
    l->n_partial = 0;
    l->state = CACHE_REDIS_LINK_GREETING;
    uv_timer_start(&l->timer, on_greeting_timeout, l->options.patience_ms, 0);
    uv_read_start((uv_stream_t *)tcp, on_allocate, on_read);
    cache_redis_link_greet(l);
}

static void on_dialled(void *arg, int status, uv_tcp_t *tcp)
{
    struct cache_redis_link *l = arg;
    l->dial = NULL;
    if (tcp) {
        adopt(l, tcp);
        return;
    }
    if (status != UV_ECANCELED) /* by who told why */
        tell_dial_failed(l, status);
    wait_again(l);
}

static void connect_again(struct cache_redis_link *l)
{
    l->state = CACHE_REDIS_LINK_DIALLING;
    uv_timer_start(&l->timer, on_dial_timeout, l->options.patience_ms, 0);
    l->dial =
        dial_new(l->loop, l->options.url->host, l->options.url->port, l->n_tries, on_dialled, l);
}

/* --- its owner --- */

void cache_redis_link_init(struct cache_redis_link *l, struct loop *loop,
                           const struct cache_redis_link_options *options,
                           cache_redis_link_fn on_alive, void *arg)
{
    *l = (struct cache_redis_link){
        .loop = loop, .options = *options, .on_alive = on_alive, .arg = arg, .n_handles = 2};
    list_init(&l->pending);
    buf_init(&l->out, options->max_out_bytes);
    uv_timer_init(&loop->uv, &l->timer);
    uv_prepare_init(&loop->uv, &l->flusher);
    l->timer.data = l->flusher.data = l;
    cache_redis_trouble_set(&l->trouble, "it is being connected to");
}

void cache_redis_link_start(struct cache_redis_link *l)
{
    connect_again(l);
}

void cache_redis_link_close(struct cache_redis_link *l, void (*on_closed)(void *arg), void *arg)
{
    l->is_closing = true;
    l->on_closed = on_closed;
    l->on_closed_arg = arg;
    uv_close((uv_handle_t *)&l->timer, on_handle_closed);
    uv_close((uv_handle_t *)&l->flusher, on_handle_closed);
    if (l->dial)
        dial_cancel(l->dial);
    cache_redis_link_leave(l);
}

bool cache_redis_link_is_up(const struct cache_redis_link *l)
{
    return l->state == CACHE_REDIS_LINK_UP;
}

uint64_t cache_redis_link_waiting_ms(const struct cache_redis_link *l)
{
    if (list_is_empty(&l->pending))
        return 0;
    return clock_mono_ms() - list_entry(l->pending.next, struct cache_redis_call, link)->sent_ms;
}
