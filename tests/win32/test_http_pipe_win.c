/* SPDX-License-Identifier: MIT */

/* The HTTP server over a named pipe, with a client that has read its answer and gone before the
 * server hears that the answer is out: it says goodbye to somebody who is not there. libuv flushes
 * the pipe on a thread of its own then, and the pipe must not be closed under it. */

#include <uv.h>

#include <windows.h>

#include <stdio.h>

#include "api/http/conn.h"
#include "api/http/respond.h"
#include "api/http/server.h"

enum { ROUNDS = 50, CLIENTS = 8, LIMIT_MS = 30000, FAR_MS = 60000 };

static struct loop loop;
static uv_timer_t tick;
static struct http_server *server;
static bool is_closed;
static unsigned n_answers;

static void init(struct http_exchange *x, void *arg)
{
    (void)x;
    (void)arg;
}

static void on_request(struct http_exchange *x)
{
    (void)buf_printf(&x->reply, "here");
    http_respond_reply(x, 200, "text/plain");
}

static void on_fault(struct http_exchange *x, enum http_fault fault, const char *detail)
{
    (void)fault;
    (void)buf_printf(&x->reply, "%s", detail);
    http_respond_reply(x, 400, "text/plain");
}

static void on_answer(struct http_exchange *x, int status)
{
    (void)x;
    n_answers += status == 200;
}

/* Work of the owner's, so that the flush for one client runs while the next one is looked at. */
static void on_end(struct http_exchange *x)
{
    (void)x;
    Sleep(1);
}

static void free_conn_data(void *data)
{
    (void)data;
}

static const struct http_calls calls = {
    .exchange_size = sizeof(struct http_exchange),
    .init = init,
    .on_head = http_conn_proceed,
    .on_request = on_request,
    .on_fault = on_fault,
    .on_answer = on_answer,
    .on_end = on_end,
    .free_conn_data = free_conn_data,
};

static const struct http_limits limits = {
    .max_connections = 10,
    .max_head_bytes = 1000,
    .max_body_bytes = 100,
    .head_timeout_ms = FAR_MS,
    .body_timeout_ms = FAR_MS,
    .idle_timeout_ms = FAR_MS,
    .write_timeout_ms = FAR_MS,
    .heartbeat_ms = FAR_MS,
    .max_backlog_bytes = 1000,
};

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void on_closed(void *arg)
{
    (void)arg;
    is_closed = true;
}

static bool has_bytes(HANDLE client)
{
    DWORD n = 0;
    return PeekNamedPipe(client, NULL, 0, NULL, &n, NULL) && n > 0;
}

static bool is_in_time(uint64_t began)
{
    return uv_hrtime() - began < LIMIT_MS * 1000000ull;
}

static bool connect_all(const char *path, HANDLE clients[CLIENTS])
{
    uint64_t began = uv_hrtime();
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] =
            CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
        while (http_server_stats(server)->n_conns <= (unsigned)i && is_in_time(began))
            uv_run(&loop.uv, UV_RUN_ONCE);
    }
    return is_in_time(began);
}

static bool have_bytes(HANDLE clients[CLIENTS])
{
    bool have = true;
    for (int i = 0; i < CLIENTS; i++)
        have &= has_bytes(clients[i]);
    return have;
}

/* Several ask, read their answers and go before the loop hears that these are out. Returns how many
 * were answered. */
static unsigned visit(const char *path)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    HANDLE clients[CLIENTS];
    char answer[512];
    unsigned n_served = 0;
    DWORD n;
    if (!connect_all(path, clients))
        return 0;
    for (int i = 0; i < CLIENTS; i++)
        WriteFile(clients[i], request, sizeof(request) - 1, &n, NULL);
    uint64_t began = uv_hrtime();
    while (!have_bytes(clients) && is_in_time(began))
        uv_run(&loop.uv, UV_RUN_ONCE);
    for (int i = 0; i < CLIENTS; i++) {
        n_served += has_bytes(clients[i]) && ReadFile(clients[i], answer, sizeof(answer), &n, NULL);
        CloseHandle(clients[i]);
    }
    while (http_server_stats(server)->n_conns > 0 && is_in_time(began))
        uv_run(&loop.uv, UV_RUN_ONCE);
    return n_served;
}

static void turn_until(const bool *is_done)
{
    uint64_t began = uv_hrtime();
    while (!*is_done && is_in_time(began))
        uv_run(&loop.uv, UV_RUN_ONCE);
}

int main(void)
{
    char path[128];
    unsigned n_served = 0;
    snprintf(path, sizeof(path), "\\\\.\\pipe\\ldplayerd-test-%lu", GetCurrentProcessId());
    if (loop_init(&loop) < 0)
        return 1;
    uv_timer_init(&loop.uv, &tick);
    uv_timer_start(&tick, on_tick, 5, 5); /* no turn blocks for long */
    server = http_server_new(&loop, &limits, &calls, NULL);
    int r = http_server_listen_pipe(server, path, "D:P(A;;GA;;;BA)(A;;GA;;;IU)");
    if (r < 0) {
        printf("%s: %s\n", path, uv_strerror(r));
        return 1;
    }
    for (unsigned i = 0; i < ROUNDS; i++)
        n_served += visit(path);
    http_server_close(server, 0, on_closed, NULL);
    turn_until(&is_closed);
    uv_close((uv_handle_t *)&tick, NULL);
    loop_run(&loop);
    bool is_clean = loop_deinit(&loop) == 0;
    printf("%u of %u clients were served, %u answers; %s\n", n_served, (unsigned)(ROUNDS * CLIENTS),
           n_answers, is_clean ? "nothing is left" : "something is still open");
    return !(n_served == ROUNDS * CLIENTS && n_answers == ROUNDS * CLIENTS && is_closed &&
             is_clean);
}
