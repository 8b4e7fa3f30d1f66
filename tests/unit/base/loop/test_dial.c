/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/loop/dial.h"
#include "base/memory/mem.h"

static struct loop loop;
static int listener, port;

struct told {
    unsigned n;
    int status;
    uv_tcp_t *tcp;
};

static void begin(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    cr_assert_eq(loop_init(&loop), 0);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(listen(listener, 8), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    port = ntohs(address.sin_port);
}

static void end(void)
{
    close(listener);
    loop_run(&loop);
    cr_assert_eq(loop_deinit(&loop), 0, "a handle is still open");
}

TestSuite(dial, .init = begin, .fini = end);

static void on_told(void *arg, int status, uv_tcp_t *tcp)
{
    struct told *told = arg;
    told->n++;
    told->status = status;
    told->tcp = tcp;
}

static struct dial *dial_host(const char *host, struct told *told)
{
    struct dial *dial = dial_new(&loop, host, port, 0, on_told, told);
    cr_assert_eq(told->n, 0, "it is told in a later turn");
    return dial;
}

static void free_socket(uv_handle_t *handle)
{
    mem_free(handle);
}

static void expect_connection(const char *host)
{
    struct told told = {0};
    (void)dial_host(host, &told);
    loop_run(&loop);
    cr_assert_eq(told.n, 1);
    cr_assert_eq(told.status, 0, "%s: %s", host, uv_strerror(told.status));
    uv_close((uv_handle_t *)told.tcp, free_socket);
}

Test(dial, an_address_and_a_name_are_reached)
{
    expect_connection("127.0.0.1");
    expect_connection("localhost");
}

Test(dial, a_refusal_is_about_the_connection)
{
    struct told told = {0};
    close(listener);
    struct dial *dial = dial_host("127.0.0.1", &told);
    cr_assert_not(dial_is_resolving(dial));
    loop_run(&loop);
    cr_assert_eq(told.n, 1);
    cr_assert_eq(told.status, UV_ECONNREFUSED);
    cr_assert_null(told.tcp);
    cr_assert_not(dial_is_name_error(told.status));
    listener = -1;
}

Test(dial, a_name_that_leads_nowhere_is_about_the_name)
{
    struct told told = {0};
    char name[81] = "";
    /* Longer than the name system allows, so nobody is asked about it. */
    memset(name, 'x', sizeof(name) - 1);
    cr_assert(dial_is_resolving(dial_host(name, &told)));
    loop_run(&loop);
    cr_assert_eq(told.n, 1);
    cr_assert(dial_is_name_error(told.status), "%s", uv_strerror(told.status));
}

Test(dial, one_that_is_cancelled_brings_no_socket)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    for (size_t i = 0; i < 2; i++) {
        struct told told = {0};
        dial_cancel(dial_host(hosts[i], &told));
        loop_run(&loop);
        cr_assert_eq(told.n, 1);
        cr_assert_eq(told.status, UV_ECANCELED);
        cr_assert_null(told.tcp);
    }
}
