/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdint.h>
#include <string.h>

#include <uv.h>

#include "base/memory/mem.h"
#include "runner/agent_message.h"

enum { MAX = 4096 };

static struct agent_frame read_one(const struct buf *bytes)
{
    struct agent_frame frame;
    cr_assert_eq(agent_read_frame(bytes->data, bytes->len, MAX, &frame), (ptrdiff_t)bytes->len);
    return frame;
}

Test(agent_message, a_hello_comes_back)
{
    struct buf out = {0};
    struct agent_hello back,
        hello = {1,        4711, 3, true, "0.1.0 (\xe9\x9b\xb7)", "C:\\LDPlayer\\ldconsole.exe",
                 "D:\\vms"};
    agent_write_hello(&out, &hello);
    struct agent_frame frame = read_one(&out);
    cr_assert_eq(frame.type, AGENT_HELLO);
    cr_assert_eq(agent_read_hello(&frame, &back), 0);
    cr_assert_eq(back.pid, 4711);
    cr_assert_eq(back.session, 3);
    cr_assert(back.is_elevated);
    cr_assert_str_eq(back.version, hello.version);
    cr_assert_str_eq(back.ldconsole, "C:\\LDPlayer\\ldconsole.exe");
    cr_assert_str_eq(back.vms_dir, "D:\\vms");
    buf_deinit(&out);
}

static void write_start(struct buf *out)
{
    struct argv args;
    argv_init(&args);
    argv_add(&args, "modify");
    argv_add(&args, "");
    argv_add(&args, "a \"b\"\\");
    struct run_request request = {"C:\\LD Player\\ldconsole.exe", &args, 10000, 1 << 20};
    agent_write_start(out, 7, &request);
    argv_deinit(&args);
}

Test(agent_message, a_start_comes_back)
{
    struct buf out = {0};
    struct agent_start back;
    write_start(&out);
    struct agent_frame frame = read_one(&out);
    cr_assert_eq(agent_read_start(&frame, &back), 0);
    cr_assert_eq(back.id, 7);
    cr_assert_eq(back.deadline_ms, 10000);
    cr_assert_eq(back.max_output, 1 << 20);
    cr_assert_str_eq(back.file, "C:\\LD Player\\ldconsole.exe");
    cr_assert_eq(back.args.n_items, 3);
    cr_assert_str_eq(back.args.items[1], "");
    cr_assert_str_eq(back.args.items[2], "a \"b\"\\");
    agent_start_deinit(&back);
    buf_deinit(&out);
}

static void write_result(struct buf *out)
{
    struct run_result result = {
        .status = RUN_EXITED,
        .exit_code = -1001,
        .output = "a\0b",
        .output_len = 3,
        .pid = 99,
        .duration_ms = UINT64_C(5000000000),
    };
    agent_write_result(out, UINT32_MAX, &result);
}

Test(agent_message, a_result_comes_back_byte_for_byte)
{
    struct buf out = {0};
    struct run_result back;
    char *output;
    uint32_t id;
    write_result(&out);
    struct agent_frame frame = read_one(&out);
    cr_assert_eq(agent_read_result(&frame, &id, &back, &output), 0);
    cr_assert_eq(id, UINT32_MAX);
    cr_assert_eq(back.status, RUN_EXITED);
    cr_assert_eq(back.exit_code, -1001);
    cr_assert_eq(back.pid, 99);
    cr_assert_eq(back.duration_ms, UINT64_C(5000000000));
    cr_assert_eq(back.output_len, 3);
    cr_assert_arr_eq(back.output, "a\0b", 4, "with a NUL behind it");
    mem_free(output);
    buf_deinit(&out);
}

Test(agent_message, frames_are_taken_one_by_one_and_only_when_complete)
{
    struct buf out = {0};
    struct agent_frame frame;
    agent_write_id(&out, AGENT_CANCEL, 5);
    size_t first = out.len;
    agent_write_empty(&out, AGENT_PING);
    for (size_t n = 0; n < first; n++)
        cr_assert_eq(agent_read_frame(out.data, n, MAX, &frame), 0, "%zu bytes", n);
    cr_assert_eq(agent_read_frame(out.data, out.len, MAX, &frame), (ptrdiff_t)first);
    uint32_t id;
    cr_assert_eq(agent_read_id(&frame, &id), 0);
    cr_assert_eq(id, 5);
    cr_assert_eq(agent_read_frame(out.data + first, out.len - first, MAX, &frame), 5);
    cr_assert_eq(frame.type, AGENT_PING);
    cr_assert_eq(frame.n, 0);
    buf_deinit(&out);
}

Test(agent_message, what_is_no_frame_is_refused)
{
    struct agent_frame frame;
    static const char empty[] = {0, 0, 0, 0, 1}, strange[] = {1, 0, 0, 0, 99},
                      none[] = {1, 0, 0, 0, 0}, large[] = {1, 16, 0, 0, 1};
    cr_assert_eq(agent_read_frame(empty, 5, MAX, &frame), UV_EPROTO);
    cr_assert_eq(agent_read_frame(strange, 5, MAX, &frame), UV_EPROTO);
    cr_assert_eq(agent_read_frame(none, 5, MAX, &frame), UV_EPROTO);
    cr_assert_eq(agent_read_frame(large, 5, MAX, &frame), UV_EPROTO, "before it is all there");
    cr_assert_eq(agent_read_frame("GET / HTTP/1.1\r\n", 16, MAX, &frame), UV_EPROTO);
}

static int read_body(struct agent_frame frame)
{
    struct agent_hello hello;
    struct agent_start start;
    struct run_result result;
    char *output, text[16];
    uint32_t id;
    switch (frame.type) {
    case AGENT_HELLO:
        return agent_read_hello(&frame, &hello);
    case AGENT_START:
        return agent_read_start(&frame, &start);
    case AGENT_RESULT:
        return agent_read_result(&frame, &id, &result, &output);
    case AGENT_CANCEL:
        return agent_read_id(&frame, &id);
    default:
        return agent_read_text(&frame, text, sizeof(text));
    }
}

/* Under ASan this shows that no length is believed: the body is a copy of its exact size. */
static void expect_refused(enum agent_type type, const char *body, size_t n)
{
    char *exact = mem_realloc(NULL, n ? n : 1);
    memcpy(exact, body, n);
    cr_assert_eq(read_body((struct agent_frame){type, exact, n}), UV_EPROTO, "%zu bytes", n);
    mem_free(exact);
}

static void expect_no_part(const struct buf *whole)
{
    enum agent_type type = (enum agent_type)whole->data[4];
    for (size_t n = 0; n < whole->len - 5; n++)
        expect_refused(type, whole->data + 5, n);
}

Test(agent_message, a_body_that_is_cut_or_too_long_is_refused)
{
    struct buf out = {0};
    struct agent_hello hello = {.version = "1"};
    write_start(&out);
    expect_no_part(&out);
    (void)buf_append(&out, "x", 1);
    expect_refused(AGENT_START, out.data + 5, out.len - 5);
    buf_clear(&out);
    write_result(&out);
    expect_no_part(&out);
    buf_clear(&out);
    agent_write_hello(&out, &hello);
    expect_no_part(&out);
    buf_clear(&out);
    agent_write_id(&out, AGENT_CANCEL, 1);
    expect_no_part(&out);
    buf_clear(&out);
    agent_write_text(&out, AGENT_REFUSED, "no");
    expect_no_part(&out);
    buf_deinit(&out);
}

Test(agent_message, lengths_and_numbers_that_lie_are_refused)
{
    static const char many_arguments[] = "\1\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff",
                      long_text[] = "\xff\xff\xff\xff"
                                    "abcd",
                      text_with_nul[] = "\3\0\0\0"
                                        "a\0b";
    expect_refused(AGENT_START, many_arguments, sizeof(many_arguments) - 1);
    expect_refused(AGENT_REFUSED, long_text, sizeof(long_text) - 1);
    expect_refused(AGENT_REFUSED, text_with_nul, sizeof(text_with_nul) - 1);

    struct buf out = {0};
    struct run_result lost = {.status = RUN_LOST, .output = ""};
    agent_write_result(&out, 1, &lost);
    expect_refused(AGENT_RESULT, out.data + 5, out.len - 5);
    buf_deinit(&out);
}
