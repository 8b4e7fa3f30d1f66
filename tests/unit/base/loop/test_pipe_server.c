/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/loop/pipe_server.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "tests/support/folder.h"

static struct loop loop;
static uv_timer_t pulse;
static uv_pipe_t first, second; /* the server's ends */
static char *folder, *path;
static struct pipe_server *server;
static unsigned n_told, n_closed;
static int last_status;

static void on_pulse(uv_timer_t *timer)
{
    (void)timer;
}

static void begin(void)
{
    cr_assert_eq(loop_init(&loop), 0);
    uv_timer_init(&loop.uv, &pulse);
    uv_timer_start(&pulse, on_pulse, 2, 2);
    folder = folder_make();
    path = fs_join(folder, "s");
}

static void on_closed(void *arg)
{
    n_closed++;
    cr_assert_eq(arg, &n_closed);
}

#define until(condition)                                                                           \
    do {                                                                                           \
        for (int turns_ = 0; !(condition); turns_++) {                                             \
            cr_assert(turns_ < 10000, "never came: %s", #condition);                               \
            uv_run(&loop.uv, UV_RUN_ONCE);                                                         \
        }                                                                                          \
    } while (0)

static void close_server(void)
{
    pipe_server_close(server, on_closed, &n_closed);
    server = NULL;
    cr_assert_eq(n_closed, 0, "not within the call");
    until(n_closed == 1);
}

static void end(void)
{
    if (server)
        close_server();
    uv_close((uv_handle_t *)&pulse, NULL);
    loop_run(&loop);
    cr_assert_eq(loop_deinit(&loop), 0, "a handle is still open");
    mem_free(path);
    folder_remove(folder);
}

TestSuite(pipe_server, .init = begin, .fini = end);

static void on_connection(void *arg, int status)
{
    cr_assert_eq(arg, &n_told);
    n_told++;
    last_status = status;
}

static int listen_at(const char *at, unsigned mode, struct pipe_server **ret)
{
    const struct pipe_server_options options = {.path = at, .mode = mode, .backlog = 16};
    return pipe_server_new(&loop, &options, on_connection, &n_told, ret);
}

static void serve(void)
{
    cr_assert_eq(listen_at(path, 0600, &server), 0);
}

static int connect_to(const char *at)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, at);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static char read_one;
static ssize_t n_read;

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    (void)handle;
    (void)size;
    *buf = uv_buf_init(&read_one, 1);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    (void)buf;
    n_read = n;
    uv_read_stop(stream);
}

static void accept_and_read(uv_pipe_t *client, char expected)
{
    uv_pipe_init(&loop.uv, client, 0);
    cr_assert_eq(pipe_server_accept(server, client), 0);
    n_read = 0;
    cr_assert_eq(uv_read_start((uv_stream_t *)client, on_alloc, on_read), 0);
    until(n_read != 0);
    cr_assert_eq(n_read, 1);
    cr_assert_eq(read_one, expected);
}

Test(pipe_server, hands_out_connections_in_the_order_they_came)
{
    serve();
    int a = connect_to(path), b = connect_to(path);
    cr_assert_eq(write(a, "a", 1), 1);
    cr_assert_eq(write(b, "b", 1), 1);
    until(n_told == 1);
    cr_assert_eq(last_status, 0);
    accept_and_read(&first, 'a');
    until(n_told == 2);
    accept_and_read(&second, 'b');
    uv_close((uv_handle_t *)&first, NULL);
    uv_close((uv_handle_t *)&second, NULL);
    close(a);
    close(b);
}

Test(pipe_server, has_nothing_to_accept_before_somebody_came)
{
    serve();
    uv_pipe_init(&loop.uv, &first, 0);
    cr_assert_eq(pipe_server_accept(server, &first), UV_EAGAIN);
    uv_close((uv_handle_t *)&first, NULL);
}

Test(pipe_server, gives_the_socket_its_mode_and_takes_it_away_at_the_end)
{
    struct stat st;
    cr_assert_eq(listen_at(path, 0640, &server), 0);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert(S_ISSOCK(st.st_mode));
    cr_assert_eq(st.st_mode & 0777, 0640);
    close_server();
    cr_assert_not(fs_exists(path));
}

Test(pipe_server, leaves_the_place_to_a_live_server)
{
    struct pipe_server *other = NULL;
    serve();
    cr_assert_eq(listen_at(path, 0600, &other), UV_EADDRINUSE);
    cr_assert_null(other);
    close(connect_to(path));
    until(n_told > 0);
}

Test(pipe_server, replaces_the_socket_of_a_dead_server)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    serve();
    close(connect_to(path));
    until(n_told == 1);
}

Test(pipe_server, leaves_a_file_that_is_no_socket)
{
    folder_write(folder, "s", "precious");
    cr_assert_eq(listen_at(path, 0600, &server), UV_EADDRINUSE);
    cr_assert_eq(folder_count(folder), 1);
}

Test(pipe_server, refuses_paths_that_cannot_be)
{
    char longest[300];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[0] = '/';
    longest[sizeof(longest) - 1] = '\0';
    char *nowhere = fs_join(folder, "nowhere/s");
    cr_assert_eq(listen_at(longest, 0600, &server), UV_ENAMETOOLONG);
    cr_assert_eq(listen_at("", 0600, &server), UV_EINVAL);
    cr_assert_lt(listen_at(nowhere, 0600, &server), 0);
    mem_free(nowhere);
}

Test(pipe_server, closes_with_connections_waiting_and_keeps_those_accepted)
{
    serve();
    int a = connect_to(path), b = connect_to(path);
    cr_assert_eq(write(a, "a", 1), 1);
    until(n_told == 1);
    uv_pipe_init(&loop.uv, &first, 0);
    cr_assert_eq(pipe_server_accept(server, &first), 0);
    close_server();
    cr_assert_eq(uv_read_start((uv_stream_t *)&first, on_alloc, on_read), 0);
    until(n_read != 0);
    cr_assert_eq(read_one, 'a');
    uv_close((uv_handle_t *)&first, NULL);
    close(a);
    close(b);
}

Test(pipe_server, tells_which_process_is_at_the_other_end)
{
    int pid = 0;
    serve();
    int fd = connect_to(path);
    until(n_told == 1);
    uv_pipe_init(&loop.uv, &first, 0);
    cr_assert_eq(pipe_peer_pid(&first, 0, &pid), UV_EBADF);
    cr_assert_eq(pipe_server_accept(server, &first), 0);
    cr_assert_eq(pipe_peer_pid(&first, 0, &pid), 0);
    cr_assert_eq(pid, getpid());
    uv_close((uv_handle_t *)&first, NULL);
    close(fd);
}
