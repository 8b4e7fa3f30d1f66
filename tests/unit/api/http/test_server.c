/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/http/stream.h"
#include "base/system/fs.h"
#include "tests/support/folder.h"
#include "tests/unit/api/loopback.h"

static struct loopback l;

static void begin(void)
{
    loopback_begin(&l, NULL);
}

static void end(void)
{
    loopback_end(&l);
}

TestSuite(api_server, .init = begin, .fini = end);

static bool can_connect(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)l.port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool is_there = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
    close(fd);
    return is_there;
}

Test(api_server, finishes_what_is_under_way_when_it_closes)
{
    struct client c;
    loopback_connect(&l, &c);
    client_send(&c, GET("/later"));
    loopback_until(&l, loopback_n_calls == 1);
    loopback_close(&l, 5000);
    struct reply r = client_read(&c, false);
    cr_assert_str_eq(r.body, "later");
    reply_expect_header(&r, "Connection", "close");
    reply_deinit(&r);
    client_expect_end(&c);
    client_close(&c);
    loopback_until(&l, l.is_closed);
    cr_assert_not(can_connect());
}

Test(api_server, cuts_waits_short_when_it_closes)
{
    struct client c;
    loopback_connect(&l, &c);
    client_send(&c, GET("/hold"));
    loopback_until(&l, loopback_held);
    loopback_close(&l, 5000);
    struct reply r = client_read(&c, false);
    cr_assert_str_eq(r.body, "time is up");
    reply_deinit(&r);
    client_close(&c);
}

Test(api_server, ends_streams_when_it_closes)
{
    struct client c;
    loopback_connect(&l, &c);
    client_send(&c, GET("/stream"));
    loopback_until(&l, loopback_stream);
    cr_assert_eq(http_stream_write(loopback_stream, "last", 4, 0), 0);
    loopback_close(&l, 5000);
    struct reply r = client_read(&c, false);
    cr_assert_str_eq(r.body, "last");
    reply_deinit(&r);
    client_expect_end(&c);
    client_close(&c);
}

Test(api_server, closes_idle_connections_at_once_and_the_rest_when_the_time_is_up)
{
    struct client idle, half;
    loopback_connect(&l, &idle);
    client_expect(&idle, GET("/hello"), 200);
    loopback_connect(&l, &half);
    client_send(&half, "GET /hel");
    loopback_until(&l, l.server->http->n_holds == 1);
    loopback_close(&l, 1);
    client_expect_end(&idle);
    client_expect_end(&half);
    client_close(&idle);
    client_close(&half);
}

Test(api_server, waits_for_handlers_whose_client_is_gone)
{
    struct client c;
    loopback_connect(&l, &c);
    client_send(&c, GET("/later"));
    loopback_until(&l, loopback_n_calls == 1);
    client_close(&c);
    loopback_close(&l, 0);
    loopback_until(&l, l.is_closed);
}

Test(api_server, says_why_it_cannot_listen)
{
    cr_assert_eq(api_server_listen_tcp(l.server, "127.0.0.1", (unsigned)l.port, NULL),
                 UV_EADDRINUSE);
    cr_assert_eq(api_server_listen_tcp(l.server, "localhorst", 0, NULL), UV_EINVAL);
    cr_assert_eq(api_server_listen_tcp(l.server, "127.0.0.1", 65536, NULL), UV_EINVAL);
    cr_assert_eq(api_server_listen_tcp(l.server, "localhost", 0, NULL), 0);
    loopback_until(&l, l.server->http->n_listeners == 2);
}

static void ask_socket(const char *path)
{
    struct client c;
    client_connect_unix(&c, path, loopback_turn, &l);
    /* Which host a local client names is its own affair. */
    client_expect(&c, "GET /hello HTTP/1.1\r\nHost: anything.example\r\n\r\n", 200);
    client_close(&c);
}

Test(api_server, serves_a_unix_socket_to_its_owner_and_group)
{
    char *folder = folder_make(), *path = fs_join(folder, "s");
    struct stat st;
    cr_assert_eq(api_server_listen_pipe(l.server, path), 0);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0660);
    ask_socket(path);
    cr_assert_eq(api_server_listen_pipe(l.server, path), UV_EADDRINUSE, "it is alive");
    ask_socket(path);
    loopback_end(&l);
    cr_assert_not(fs_exists(path));
    folder_remove(folder);
    mem_free(path);
    begin();
}

Test(api_server, replaces_the_socket_of_a_dead_server)
{
    char *folder = folder_make(), *path = fs_join(folder, "s");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    cr_assert(fs_exists(path));
    cr_assert_eq(api_server_listen_pipe(l.server, path), 0);
    ask_socket(path);
    folder_remove(folder);
    mem_free(path);
}

Test(api_server, leaves_a_file_that_is_no_socket)
{
    char *folder = folder_make(), *path = fs_join(folder, "s");
    folder_write(folder, "s", "precious");
    cr_assert_eq(api_server_listen_pipe(l.server, path), UV_EADDRINUSE);
    char *text = folder_read(folder, "s");
    cr_assert_str_eq(text, "precious");
    mem_free(text);
    folder_remove(folder);
    mem_free(path);
}

Test(api_server, refuses_a_path_that_would_be_cut)
{
    char path[300];
    memset(path, 'x', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    cr_assert_eq(api_server_listen_pipe(l.server, path), UV_ENAMETOOLONG);
}
