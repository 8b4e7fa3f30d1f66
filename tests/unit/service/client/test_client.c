/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <uv.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/json.h"
#include "service/client/client.h"
#include "tests/support/folder.h"

/* A service that takes one connection, reads the whole request and answers with ANSWER, which may
 * be anything; a thread of this process. */
static struct {
    char *dir, *path;
    int listener;
    uv_thread_t thread;
    const char *answer; /* NULL: none, for as long as the client stays */
    size_t n_answer, n_times;
    char request[4096];
} server;

static struct svc_endpoint endpoint;

static void begin(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memset(&server, 0, sizeof(server));
    server.dir = folder_make();
    server.path = fs_join(server.dir, "s");
    endpoint = (struct svc_endpoint){.pid = getpid(), .pipe = server.path};
    strcpy(address.sun_path, server.path);
    server.listener = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(server.listener, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(server.listener, 8), 0);
}

static void end(void)
{
    close(server.listener);
    mem_free(server.path);
    folder_remove(server.dir);
}

TestSuite(svc_client, .init = begin, .fini = end);

/* Up to the blank line, and the body when the test has one. */
static void read_request(int fd)
{
    size_t n = 0;
    ssize_t got;
    while (!strstr(server.request, "\r\n\r\n") &&
           (got = read(fd, server.request + n, sizeof(server.request) - 1 - n)) > 0)
        n += (size_t)got;
}

static void serve_once(void *arg)
{
    char byte;
    int fd = accept(server.listener, NULL, NULL);
    (void)arg;
    read_request(fd);
    bool is_there = true;
    for (size_t i = 0; i < server.n_times && is_there; i++)
        is_there = send(fd, server.answer, server.n_answer, MSG_NOSIGNAL) > 0;
    while (!server.answer && read(fd, &byte, 1) > 0) {
    }
    close(fd);
}

static void answer_times(const char *text, size_t n_times)
{
    server.answer = text;
    server.n_answer = text ? strlen(text) : 0;
    server.n_times = n_times;
    memset(server.request, 0, sizeof(server.request));
    uv_thread_create(&server.thread, serve_once, NULL);
}

static int ask(const char *method, const char *path, const char *body, unsigned timeout_ms,
               struct svc_client_answer *ret, struct svc_client_error *reterr)
{
    struct svc_client_request request = {
        .method = method, .path = path, .body = body, .timeout_ms = timeout_ms};
    return svc_client_ask(&endpoint, &request, ret, reterr);
}

static int get(struct svc_client_answer *ret, struct svc_client_error *reterr)
{
    int r = ask("GET", "/x?y=1", NULL, 60000, ret, reterr);
    uv_thread_join(&server.thread);
    return r;
}

Test(svc_client, gives_status_and_json)
{
    struct svc_client_answer a cleanup(svc_client_answer_deinit) = {0};
    struct svc_client_error error;
    answer_times("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"n\":1}", 1);
    cr_assert_eq(get(&a, &error), 0);
    cr_assert_eq(a.status, 200);
    cr_assert_null(a.problem);
    cr_assert_eq(yyjson_get_int(yyjson_obj_get(yyjson_doc_get_root(a.doc), "n")), 1);
    cr_assert_not_null(strstr(server.request, "GET /x?y=1 HTTP/1.1\r\nHost: "));
}

Test(svc_client, sends_a_body_as_json)
{
    struct svc_client_answer a cleanup(svc_client_answer_deinit) = {0};
    struct svc_client_error error;
    answer_times("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 1);
    cr_assert_eq(ask("POST", "/x", "{}", 60000, &a, &error), 0);
    uv_thread_join(&server.thread);
    cr_assert_eq(a.status, 201);
    cr_assert_null(a.doc);
    cr_assert_not_null(strstr(server.request, "Content-Type: application/json\r\n"));
    cr_assert_not_null(strstr(server.request, "Content-Length: 2\r\n"));
}

Test(svc_client, takes_an_answer_in_chunks_and_behind_one_that_announces_it)
{
    struct svc_client_answer a cleanup(svc_client_answer_deinit) = {0};
    struct svc_client_error error;
    answer_times(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n",
        1);
    cr_assert_eq(get(&a, &error), 0);
    cr_assert_eq(yyjson_arr_size(yyjson_doc_get_root(a.doc)), 2);
}

Test(svc_client, gives_the_words_of_a_problem)
{
    struct svc_client_answer a cleanup(svc_client_answer_deinit) = {0};
    struct svc_client_error error;
    answer_times("HTTP/1.1 403 Forbidden\r\nContent-Length: 31\r\n\r\n"
                 "{\"detail\":\"It needs an admin.\"}",
                 1);
    cr_assert_eq(get(&a, &error), 0);
    cr_assert_eq(a.status, 403);
    cr_assert_str_eq(a.problem, "It needs an admin.");
}

Test(svc_client, says_what_is_wrong_with_an_answer)
{
    static const struct {
        const char *answer, *said;
        int r;
    } cases[] = {
        {"SSH-2.0-x\r\n", "not as HTTP", UV_EPROTO},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{,}", "not with JSON", UV_EPROTO},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "without a whole answer", UV_EOF},
        {"", "without a whole answer", UV_EOF},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct svc_client_answer a cleanup(svc_client_answer_deinit) = {0};
        struct svc_client_error error;
        answer_times(cases[i].answer, 1);
        cr_assert_eq(get(&a, &error), cases[i].r, "%s: %s", cases[i].answer, error.text);
        cr_assert_not_null(strstr(error.text, cases[i].said), "%s", error.text);
    }
}

Test(svc_client, reads_no_more_than_it_must)
{
    enum { N = 1 << 20 };
    struct svc_client_answer a cleanup(svc_client_answer_deinit) = {0};
    struct svc_client_error error;
    char *line = mem_alloc(N + 1);
    memset(line, 'x', N);
    memcpy(line, "HTTP/1.1 200 OK\r\n\r\n", 19);
    answer_times(line, 40);
    cr_assert_eq(get(&a, &error), UV_EFBIG);
    cr_assert_not_null(strstr(error.text, "16 MiB"), "%s", error.text);
    mem_free(line);
}

Test(svc_client, does_not_wait_for_ever)
{
    struct svc_client_answer a cleanup(svc_client_answer_deinit) = {0};
    struct svc_client_error error;
    answer_times(NULL, 0);
    cr_assert_eq(ask("GET", "/", NULL, 50, &a, &error), UV_ETIMEDOUT);
    uv_thread_join(&server.thread);
    cr_assert_not_null(strstr(error.text, "gave no answer"), "%s", error.text);
}

Test(svc_client, sends_nothing_to_another_process)
{
    struct svc_client_answer a = {0};
    struct svc_client_error error;
    endpoint.pid = getpid() + 1;
    answer_times("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 1);
    cr_assert_eq(get(&a, &error), UV_EPERM);
    cr_assert_not_null(strstr(error.text, server.path), "%s", error.text);
    cr_assert_str_empty(server.request);
}

Test(svc_client, names_where_nobody_listens)
{
    struct svc_client_answer a = {0};
    struct svc_client_error error;
    close(server.listener);
    cr_assert_eq(ask("GET", "/", NULL, 1000, &a, &error), UV_ECONNREFUSED);
    cr_assert_not_null(strstr(error.text, server.path), "%s", error.text);
    unlink(server.path);
    cr_assert_eq(ask("GET", "/", NULL, 1000, &a, &error), UV_ENOENT);
    char too_long[200];
    memset(too_long, 'a', sizeof(too_long) - 1);
    too_long[sizeof(too_long) - 1] = '\0';
    endpoint.pipe = too_long;
    cr_assert_eq(ask("GET", "/", NULL, 1000, &a, &error), UV_ENAMETOOLONG);
}

Test(svc_client, encodes_a_segment_of_a_path)
{
    struct buf path cleanup(buf_deinit);
    buf_init(&path, 0);
    svc_client_append_segment(&path, "a/b c%\xc3\xa4~-._9");
    cr_assert_str_eq(path.data, "a%2Fb%20c%25%C3%A4~-._9");
}
