/* SPDX-License-Identifier: MIT */
#include "api/listen/shared_body.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory/mem.h"

enum { LARGE = 100000, ROOM = 300000 };

static uv_loop_t loop;
static uv_pipe_t ours;
static int theirs;
static struct shared_body shared;

static void make(void)
{
    int ends[2], size = ROOM;
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    cr_assert_eq(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
    cr_assert_eq(uv_loop_init(&loop), 0);
    cr_assert_eq(uv_pipe_init(&loop, &ours, 0), 0);
    cr_assert_eq(uv_pipe_open(&ours, ends[0]), 0);
    theirs = ends[1];
    shared_body_init(&shared);
}

static void clean(void)
{
    shared_body_forget(&shared);
    close(theirs);
    uv_close((uv_handle_t *)&ours, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&loop), 0);
}

static struct blob *make_body(size_t n, char first)
{
    struct blob *body = blob_new(n);
    for (size_t i = 0; i < n; i++)
        body->data[i] = (char)(first + i % 23);
    return body;
}

static int send_it(struct blob *body)
{
    return shared_body_send(&shared, (uv_stream_t *)&ours, uv_buf_init((char *)"head", 4), body);
}

static void expect(const struct blob *body, int n_sent)
{
    cr_assert_gt(n_sent, 4);
    char *got = mem_alloc((size_t)n_sent);
    size_t n = 0;
    while (n < (size_t)n_sent) {
        ssize_t part = read(theirs, got + n, (size_t)n_sent - n);
        cr_assert_gt(part, 0);
        n += (size_t)part;
    }
    cr_assert_eq(memcmp(got, "head", 4), 0);
    cr_assert_eq(memcmp(got + 4, body->data, n - 4), 0);
    mem_free(got);
}

TestSuite(shared_body, .init = make, .fini = clean);

Test(shared_body, serves_the_second_reader_and_those_after_it)
{
    struct blob *body = make_body(LARGE, 'a');
    cr_assert_eq(send_it(body), UV_ENOTSUP, "the first is alone so far");
    for (int i = 0; i < 3; i++)
        expect(body, send_it(body));
    blob_unref(body);
}

Test(shared_body, sends_the_new_body_after_a_change)
{
    struct blob *before = make_body(LARGE, 'a'), *after = make_body(LARGE, 'B');
    cr_assert_eq(send_it(before), UV_ENOTSUP);
    expect(before, send_it(before));
    cr_assert_eq(send_it(after), UV_ENOTSUP);
    expect(after, send_it(after));
    blob_unref(before);
    blob_unref(after);
}

Test(shared_body, keeps_what_it_remembers_alive)
{
    struct blob *body = make_body(LARGE, 'a');
    cr_assert_eq(send_it(body), UV_ENOTSUP);
    cr_assert_eq(body->refs, 2);
    shared_body_forget(&shared);
    cr_assert_eq(body->refs, 1);
    blob_unref(body);
}

Test(shared_body, leaves_short_bodies_to_others)
{
    struct blob *body = make_body(1000, 'a');
    for (int i = 0; i < 3; i++)
        cr_assert_eq(send_it(body), UV_ENOTSUP);
    cr_assert_eq(body->refs, 1);
    blob_unref(body);
}

Test(shared_body, says_how_much_a_full_socket_took)
{
    struct blob *body = make_body(4 * ROOM, 'a');
    cr_assert_eq(send_it(body), UV_ENOTSUP);
    int n = send_it(body);
    cr_assert_lt(n, 4 * ROOM);
    expect(body, n);
    blob_unref(body);
}
