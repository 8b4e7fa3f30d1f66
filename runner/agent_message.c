/* SPDX-License-Identifier: MIT */
#include "runner/agent_message.h"

#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"

enum { LENGTH_SIZE = 4, MAX_ARGUMENTS = 4096 };

/* --- writing --- */

static void put_u32(struct buf *out, uint32_t value)
{
    unsigned char bytes[4];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    (void)buf_append(out, bytes, sizeof(bytes));
}

static void put_u64(struct buf *out, uint64_t value)
{
    put_u32(out, (uint32_t)value);
    put_u32(out, (uint32_t)(value >> 32));
}

static void put_bytes(struct buf *out, const char *bytes, size_t n)
{
    put_u32(out, (uint32_t)n);
    (void)buf_append(out, bytes, n);
}

static void put_text(struct buf *out, const char *text)
{
    put_bytes(out, text, strlen(text));
}

/* Returns where the frame begins; its length is filled in when it ends. */
static size_t begin(struct buf *out, enum agent_type type)
{
    size_t at = out->len;
    char byte = (char)type;
    put_u32(out, 0);
    (void)buf_append(out, &byte, 1);
    return at;
}

static void end(struct buf *out, size_t at)
{
    uint32_t n = (uint32_t)(out->len - at - LENGTH_SIZE);
    for (size_t i = 0; i < LENGTH_SIZE; i++)
        out->data[at + i] = (char)(n >> (8 * i));
}

void agent_write_hello(struct buf *out, const struct agent_hello *hello)
{
    size_t at = begin(out, AGENT_HELLO);
    put_u32(out, hello->protocol);
    put_u32(out, hello->pid);
    put_u32(out, hello->session);
    put_u32(out, hello->is_elevated);
    put_text(out, hello->version);
    put_text(out, hello->ldconsole);
    put_text(out, hello->vms_dir);
    end(out, at);
}

void agent_write_start(struct buf *out, uint32_t id, const struct run_request *request)
{
    size_t at = begin(out, AGENT_START);
    put_u32(out, id);
    put_u32(out, request->deadline_ms);
    put_u64(out, request->max_output);
    put_text(out, request->file);
    put_u32(out, (uint32_t)request->args->n_items);
    for (size_t i = 0; i < request->args->n_items; i++)
        put_text(out, request->args->items[i]);
    end(out, at);
}

void agent_write_result(struct buf *out, uint32_t id, const struct run_result *result)
{
    size_t at = begin(out, AGENT_RESULT);
    put_u32(out, id);
    put_u32(out, (uint32_t)result->status);
    put_u32(out, (uint32_t)result->error);
    put_u32(out, result->needs_elevation);
    put_u32(out, (uint32_t)result->exit_code);
    put_u32(out, (uint32_t)result->pid);
    put_u64(out, result->duration_ms);
    put_bytes(out, result->output, result->output_len);
    end(out, at);
}

void agent_write_id(struct buf *out, enum agent_type type, uint32_t id)
{
    size_t at = begin(out, type);
    put_u32(out, id);
    end(out, at);
}

void agent_write_text(struct buf *out, enum agent_type type, const char *text)
{
    size_t at = begin(out, type);
    put_text(out, text);
    end(out, at);
}

void agent_write_empty(struct buf *out, enum agent_type type)
{
    end(out, begin(out, type));
}

/* --- reading --- */

/* What is left of a body. After the first thing that is not there, nothing is. */
struct cursor {
    const unsigned char *at;
    size_t n;
    bool is_bad;
};

static struct cursor cursor_of(const struct agent_frame *frame)
{
    return (struct cursor){(const unsigned char *)frame->body, frame->n, false};
}

static const unsigned char *advance(struct cursor *c, size_t n)
{
    const unsigned char *at = c->at;
    if (c->is_bad || n > c->n) {
        c->is_bad = true;
        return NULL;
    }
    c->at += n;
    c->n -= n;
    return at;
}

static uint32_t read_u32(struct cursor *c)
{
    const unsigned char *b = advance(c, 4);
    return b ? b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24 : 0;
}

static uint64_t read_u64(struct cursor *c)
{
    uint64_t low = read_u32(c);
    return low | (uint64_t)read_u32(c) << 32;
}

/* A copy with a NUL behind it; NULL when it is not there. */
static char *read_bytes(struct cursor *c, size_t *ret_n)
{
    size_t n = read_u32(c);
    const unsigned char *bytes = advance(c, n);
    if (!bytes)
        return NULL;
    char *copy = mem_alloc(n + 1);
    memcpy(copy, bytes, n);
    *ret_n = n;
    return copy;
}

/* The same without a NUL in it. */
static char *read_text(struct cursor *c)
{
    size_t n = 0;
    char *text = read_bytes(c, &n);
    if (text && strlen(text) != n) {
        c->is_bad = true;
        mem_free(take_ptr(text));
    }
    return text;
}

static int finish(const struct cursor *c)
{
    return c->is_bad || c->n > 0 ? UV_EPROTO : 0;
}

ptrdiff_t agent_read_frame(const char *bytes, size_t n, size_t max, struct agent_frame *ret)
{
    struct cursor c = {(const unsigned char *)bytes, n, false};
    uint32_t length = read_u32(&c);
    if (c.is_bad)
        return 0;
    if (length == 0 || length > max)
        return UV_EPROTO;
    if (c.n < length)
        return 0;
    if (*c.at < AGENT_HELLO || *c.at > AGENT_PONG)
        return UV_EPROTO;
    *ret = (struct agent_frame){
        .type = (enum agent_type) * c.at,
        .body = (const char *)c.at + 1,
        .n = length - 1,
    };
    return (ptrdiff_t)length + LENGTH_SIZE;
}

int agent_read_hello(const struct agent_frame *frame, struct agent_hello *ret)
{
    struct cursor c = cursor_of(frame);
    struct agent_hello hello = {.protocol = read_u32(&c)};
    hello.pid = read_u32(&c);
    hello.session = read_u32(&c);
    hello.is_elevated = read_u32(&c) != 0;
    char *version cleanup(mem_freep) = read_text(&c);
    char *ldconsole cleanup(mem_freep) = read_text(&c);
    char *vms_dir cleanup(mem_freep) = read_text(&c);
    if (finish(&c) < 0 || strlen(ldconsole) >= sizeof(hello.ldconsole) ||
        strlen(vms_dir) >= sizeof(hello.vms_dir))
        return UV_EPROTO;
    str_copy(hello.version, sizeof(hello.version), version);
    str_copy(hello.ldconsole, sizeof(hello.ldconsole), ldconsole);
    str_copy(hello.vms_dir, sizeof(hello.vms_dir), vms_dir);
    *ret = hello;
    return 0;
}

void agent_start_deinit(struct agent_start *start)
{
    mem_free(take_ptr(start->file));
    argv_deinit(&start->args);
}

static void read_arguments(struct cursor *c, struct argv *args)
{
    uint32_t n = read_u32(c);
    if (n > MAX_ARGUMENTS)
        c->is_bad = true;
    for (uint32_t i = 0; i < n && !c->is_bad; i++) {
        char *text cleanup(mem_freep) = read_text(c);
        if (text)
            argv_add(args, text);
    }
}

int agent_read_start(const struct agent_frame *frame, struct agent_start *ret)
{
    struct cursor c = cursor_of(frame);
    *ret = (struct agent_start){.id = read_u32(&c)};
    argv_init(&ret->args);
    ret->deadline_ms = read_u32(&c);
    ret->max_output = read_u64(&c);
    ret->file = read_text(&c);
    read_arguments(&c, &ret->args);
    if (finish(&c) == 0)
        return 0;
    agent_start_deinit(ret);
    return UV_EPROTO;
}

int agent_read_result(const struct agent_frame *frame, uint32_t *ret_id, struct run_result *ret,
                      char **ret_output)
{
    struct cursor c = cursor_of(frame);
    struct run_result result = {0};
    *ret_id = read_u32(&c);
    uint32_t status = read_u32(&c);
    result.error = (int)read_u32(&c);
    result.needs_elevation = read_u32(&c) != 0;
    result.exit_code = (int32_t)read_u32(&c);
    result.pid = (int)read_u32(&c);
    result.duration_ms = read_u64(&c);
    char *output cleanup(mem_freep) = read_bytes(&c, &result.output_len);
    if (finish(&c) < 0 || status >= RUN_LOST)
        return UV_EPROTO;
    result.status = (enum run_status)status;
    result.output = output;
    *ret_output = take_ptr(output);
    *ret = result;
    return 0;
}

int agent_read_id(const struct agent_frame *frame, uint32_t *ret_id)
{
    struct cursor c = cursor_of(frame);
    *ret_id = read_u32(&c);
    return finish(&c);
}

int agent_read_text(const struct agent_frame *frame, char *ret, size_t size)
{
    struct cursor c = cursor_of(frame);
    char *text cleanup(mem_freep) = read_text(&c);
    if (finish(&c) < 0)
        return UV_EPROTO;
    str_copy(ret, size, text);
    return 0;
}
