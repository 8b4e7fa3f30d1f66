/* SPDX-License-Identifier: MIT */

/* base/loop/pipe_server_win.c and its slots. The sources are included so that making an instance
 * can be made to fail. */

#include <uv.h>

#include <windows.h>

static HANDLE create_pipe(const wchar_t *path, DWORD open_mode, DWORD pipe_mode, DWORD most,
                          DWORD out_bytes, DWORD in_bytes, DWORD timeout_ms,
                          SECURITY_ATTRIBUTES *security);

#define CreateNamedPipeW create_pipe
#include "base/loop/pipe_slot_win.c"
#undef CreateNamedPipeW
#include "base/loop/pipe_server_win.c"

#include <aclapi.h>
#include <stdio.h>

#include "tests/support/lesser_win.h"

static int n_failed;

#define check(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                                 \
            n_failed++;                                                                            \
        }                                                                                          \
    } while (0)

enum { LIMIT_MS = 30000, N_CLIENTS = 40 };

/* SYSTEM, administrators and this very user, all; interactive users may not make instances. */
static char sddl[512];
static char path[128];

static struct loop loop;
static uv_timer_t tick;
static struct pipe_server *server;
static unsigned n_told, n_failures, n_closed, n_refused_creations;
static int failure;
static bool is_creation_refused;
static DWORD last_open_mode, last_pipe_mode;

static HANDLE create_pipe(const wchar_t *name, DWORD open_mode, DWORD pipe_mode, DWORD most,
                          DWORD out_bytes, DWORD in_bytes, DWORD timeout_ms,
                          SECURITY_ATTRIBUTES *security)
{
    last_open_mode = open_mode;
    last_pipe_mode = pipe_mode;
    if (is_creation_refused) {
        n_refused_creations++;
        SetLastError(ERROR_NO_SYSTEM_RESOURCES);
        return INVALID_HANDLE_VALUE;
    }
    return CreateNamedPipeW(name, open_mode, pipe_mode, most, out_bytes, in_bytes, timeout_ms,
                            security);
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void run_until(bool (*is_done)(void))
{
    uint64_t began = uv_hrtime();
    while (!is_done() && uv_hrtime() - began < LIMIT_MS * 1000000ull)
        uv_run(&loop.uv, UV_RUN_ONCE);
    check(is_done());
}

/* A connection that echoes what it reads. */
struct echo {
    uv_pipe_t pipe;
    uv_write_t write;
    char bytes[64];
    size_t n;
    bool is_over, is_gone;
};

static struct echo *accept_into; /* where connections are accepted to as they come */
static int start_echo(struct echo *e);

static void on_connection(void *arg, int status)
{
    (void)arg;
    if (status < 0) {
        n_failures++;
        failure = status;
        return;
    }
    n_told++;
    if (accept_into)
        check(start_echo(accept_into++) == 0);
}

static void on_closed(void *arg)
{
    (void)arg;
    n_closed++;
}

static bool is_closed(void)
{
    return n_closed == 1;
}

static int listen_at(const char *name, const char *guard, struct pipe_server **ret)
{
    const struct pipe_server_options options = {.path = name, .sddl = guard, .backlog = 4};
    return pipe_server_new(&loop, &options, on_connection, NULL, ret);
}

static void serve(void)
{
    n_told = n_failures = n_closed = n_refused_creations = 0;
    check(listen_at(path, sddl, &server) == 0);
}

static void end(void)
{
    pipe_server_close(server, on_closed, NULL);
    check(n_closed == 0);
    run_until(is_closed);
    server = NULL;
}

/* As a client does: waits while all instances are taken. */
static HANDLE connect_now(void)
{
    for (int tries = 0; tries < 1000; tries++) {
        HANDLE handle = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                                    SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, NULL);
        if (handle != INVALID_HANDLE_VALUE || GetLastError() != ERROR_PIPE_BUSY)
            return handle;
        uv_run(&loop.uv, UV_RUN_NOWAIT);
    }
    return INVALID_HANDLE_VALUE;
}

static unsigned wanted;

static bool is_told(void)
{
    return n_told >= wanted;
}

static void wait_for_connections(unsigned n)
{
    wanted = n;
    run_until(is_told);
}

static void on_echo_closed(uv_handle_t *handle)
{
    struct echo *e = handle->data;
    e->is_gone = true;
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    struct echo *e = handle->data;
    (void)size;
    *buf = uv_buf_init(e->bytes, sizeof(e->bytes));
}

static void on_written(uv_write_t *write, int status)
{
    (void)write;
    check(status == 0);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct echo *e = stream->data;
    (void)buf;
    if (n < 0) {
        e->is_over = true;
        uv_close((uv_handle_t *)&e->pipe, on_echo_closed);
    } else if (n > 0) {
        uv_buf_t out = uv_buf_init(e->bytes, (unsigned)n);
        check(uv_write(&e->write, stream, &out, 1, on_written) == 0);
    }
}

static int start_echo(struct echo *e)
{
    *e = (struct echo){0};
    uv_pipe_init(&loop.uv, &e->pipe, 0);
    e->pipe.data = e;
    int r = pipe_server_accept(server, &e->pipe);
    if (r == 0)
        check(uv_read_start((uv_stream_t *)&e->pipe, on_alloc, on_read) == 0);
    else
        uv_close((uv_handle_t *)&e->pipe, on_echo_closed);
    return r;
}

static struct echo *watched;

static bool is_echo_gone(void)
{
    return watched->is_gone;
}

static void wait_for_end_of(struct echo *e)
{
    watched = e;
    run_until(is_echo_gone);
}

static bool has_bytes(HANDLE client)
{
    DWORD n = 0;
    return PeekNamedPipe(client, NULL, 0, NULL, &n, NULL) && n > 0;
}

/* Sends TEXT and reads the answer, turning the loop meanwhile. */
static bool is_echoed(HANDLE client, const char *text)
{
    char got[64] = "";
    DWORD n;
    if (!WriteFile(client, text, (DWORD)strlen(text), &n, NULL))
        return false;
    uint64_t began = uv_hrtime();
    while (!has_bytes(client) && uv_hrtime() - began < LIMIT_MS * 1000000ull)
        uv_run(&loop.uv, UV_RUN_ONCE);
    return has_bytes(client) && ReadFile(client, got, sizeof(got) - 1, &n, NULL) &&
           strcmp(got, text) == 0;
}

static bool is_wine(void)
{
    return GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_get_version") != NULL;
}

static void test_a_client_is_served(void)
{
    static struct echo e;
    int pid = 0;
    serve();
    check(!(last_open_mode & FILE_FLAG_FIRST_PIPE_INSTANCE)); /* of the last of several */
    check(last_pipe_mode & PIPE_REJECT_REMOTE_CLIENTS);
    uv_pipe_init(&loop.uv, &e.pipe, 0);
    check(pipe_server_accept(server, &e.pipe) == UV_EAGAIN);
    e.pipe.data = &e;
    uv_close((uv_handle_t *)&e.pipe, on_echo_closed);
    wait_for_end_of(&e);
    HANDLE client = connect_now();
    wait_for_connections(1);
    check(start_echo(&e) == 0);
    check(pipe_peer_pid(&e.pipe, 0, &pid) == 0);
    check((DWORD)pid == GetCurrentProcessId());
    pid = 0;
    check(pipe_peer_pid(&e.pipe, 1, &pid) == 0);
    check((DWORD)pid == GetCurrentProcessId());
    check(is_echoed(client, "hello"));
    check(is_echoed(client, "again"));
    CloseHandle(client);
    wait_for_end_of(&e);
    check(e.is_over);
    end();
}

static void test_many_clients_at_once(void)
{
    static struct echo echoes[N_CLIENTS];
    HANDLE clients[N_CLIENTS];
    serve();
    accept_into = echoes;
    for (unsigned i = 0; i < N_CLIENTS; i++) {
        clients[i] = connect_now();
        check(clients[i] != INVALID_HANDLE_VALUE);
    }
    wait_for_connections(N_CLIENTS);
    accept_into = NULL;
    check(n_told == N_CLIENTS);
    for (unsigned i = 0; i < N_CLIENTS; i++) {
        char text[16];
        snprintf(text, sizeof(text), "client %u", i);
        check(is_echoed(clients[i], text));
    }
    end(); /* those accepted live on */
    check(is_echoed(clients[0], "still here"));
    for (unsigned i = 0; i < N_CLIENTS; i++) {
        CloseHandle(clients[i]);
        wait_for_end_of(&echoes[i]);
    }
}

static void test_more_clients_than_wait(void)
{
    static struct echo echoes[5];
    HANDLE clients[5];
    serve();
    for (int i = 0; i < 4; i++)
        clients[i] =
            CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    check(clients[3] != INVALID_HANDLE_VALUE);
    check(CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL) ==
          INVALID_HANDLE_VALUE);
    check(GetLastError() == ERROR_PIPE_BUSY);
    wait_for_connections(4);
    check(start_echo(&echoes[0]) == 0);
    clients[4] = connect_now(); /* there is room again */
    check(clients[4] != INVALID_HANDLE_VALUE);
    wait_for_connections(5);
    for (int i = 1; i < 5; i++)
        check(start_echo(&echoes[i]) == 0);
    for (int i = 0; i < 5; i++) {
        check(is_echoed(clients[i], "x"));
        CloseHandle(clients[i]);
        wait_for_end_of(&echoes[i]);
    }
    end();
}

static void test_a_client_that_dies_at_once(void)
{
    static struct echo e;
    unsigned n_served = 0;
    serve();
    for (unsigned i = 0; i < 20; i++) {
        HANDLE client = connect_now();
        check(client != INVALID_HANDLE_VALUE);
        CloseHandle(client);
        wait_for_connections(i + 1);
        n_served += start_echo(&e) == 0; /* or it says that nobody is there any more */
        wait_for_end_of(&e);
    }
    printf("of 20 clients that died at once %u were opened\n", n_served);
    HANDLE client = connect_now();
    wait_for_connections(21);
    check(start_echo(&e) == 0);
    check(is_echoed(client, "and life goes on"));
    CloseHandle(client);
    wait_for_end_of(&e);
    end();
}

static void test_the_name_is_taken_once(void)
{
    struct pipe_server *other = NULL;
    serve();
    check(listen_at(path, sddl, &other) == UV_EADDRINUSE);
    check(other == NULL);
    end();
    serve(); /* and is free again */
    end();
}

/* Somebody was there first: nothing of theirs is joined. */
static void test_a_squatter_is_not_joined(void)
{
    HANDLE squatter = CreateNamedPipeA(path, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE,
                                       PIPE_UNLIMITED_INSTANCES, 64, 64, 0, NULL);
    check(squatter != INVALID_HANDLE_VALUE);
    check(listen_at(path, sddl, &server) == UV_EADDRINUSE);
    CloseHandle(squatter);
}

/* A client that claims the name for itself is told that it is not the first. */
static void test_a_client_cannot_claim_the_name(void)
{
    serve();
    HANDLE claim = CreateNamedPipeA(path, PIPE_ACCESS_DUPLEX | FILE_FLAG_FIRST_PIPE_INSTANCE,
                                    PIPE_TYPE_BYTE, PIPE_UNLIMITED_INSTANCES, 64, 64, 0, NULL);
    DWORD error = GetLastError();
    if (claim != INVALID_HANDLE_VALUE && is_wine())
        printf("not seen: Wine lets anybody claim a name that is taken\n");
    else
        check(claim == INVALID_HANDLE_VALUE && error == ERROR_ACCESS_DENIED);
    if (claim != INVALID_HANDLE_VALUE)
        CloseHandle(claim);
    end();
}

/* Wine 8 does not look at the descriptor of a pipe when somebody opens or extends it. */
static void check_or_say(bool condition, const char *what)
{
    if (!condition && is_wine())
        printf("not seen: Wine lets %s\n", what);
    else
        check(condition);
}

/* Who is merely at the screen may be a client, but may not stand in for the server. */
static void test_a_lesser_client_cannot_make_instances(void)
{
    serve();
    if (!lesser_begin()) {
        printf("not seen: no lesser token is to be had, error %lu\n", GetLastError());
        end();
        return;
    }
    HANDLE instance = CreateNamedPipeA(path, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE,
                                       PIPE_UNLIMITED_INSTANCES, 64, 64, 0, NULL);
    DWORD error = GetLastError();
    HANDLE client =
        CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    lesser_end();
    check_or_say(instance == INVALID_HANDLE_VALUE && error == ERROR_ACCESS_DENIED,
                 "a lesser user make instances");
    check(client != INVALID_HANDLE_VALUE); /* when the user of this test is an interactive one */
    if (instance != INVALID_HANDLE_VALUE)
        CloseHandle(instance);
    CloseHandle(client);
    end();
}

/* With a descriptor that has no place for users at the screen they are refused altogether. */
static void test_a_stranger_cannot_connect(void)
{
    check(listen_at(path, "D:P(A;;GA;;;SY)(A;;GA;;;BA)", &server) == 0);
    n_closed = 0;
    if (lesser_begin()) {
        HANDLE client =
            CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
        DWORD error = GetLastError();
        lesser_end();
        check_or_say(client == INVALID_HANDLE_VALUE && error == ERROR_ACCESS_DENIED,
                     "a stranger connect");
        if (client != INVALID_HANDLE_VALUE)
            CloseHandle(client);
    }
    end();
}

static char *read_back(HANDLE handle)
{
    PSECURITY_DESCRIPTOR descriptor;
    char *text = NULL;
    if (GetSecurityInfo(handle, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, NULL, NULL,
                        &descriptor) != ERROR_SUCCESS)
        return NULL;
    (void)ConvertSecurityDescriptorToStringSecurityDescriptorA(
        descriptor, SDDL_REVISION_1, DACL_SECURITY_INFORMATION, &text, NULL);
    LocalFree(descriptor);
    return text;
}

/* What the system may make of the descriptor of a file object: the generic right to all becomes
 * the specific one on Windows and stays as it is in Wine. */
static const char *expected_of(const char *sid, const char *all)
{
    static char text[512];
    snprintf(text, sizeof(text),
             "D:P(D;;%s;;;NU)(D;;%s;;;AN)(A;;%s;;;SY)(A;;%s;;;BA)"
             "(A;;0x12019b;;;IU)(A;;%s;;;%s)",
             all, all, all, all, all, sid);
    return text;
}

static char *find_own_sid(void)
{
    HANDLE token;
    union {
        TOKEN_USER user;
        char room[256];
    } data;
    DWORD n;
    char *text = NULL;
    check(OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token));
    check(GetTokenInformation(token, TokenUser, &data, sizeof(data), &n));
    check(ConvertSidToStringSidA(data.user.User.Sid, &text));
    CloseHandle(token);
    return text;
}

static void test_the_descriptor_is_the_one_asked_for(const char *sid)
{
    serve();
    for (unsigned i = 0; i < server->n_slots; i++) {
        char *text = read_back(server->slots[i]->handle);
        check(text != NULL);
        if (text && strcmp(text, expected_of(sid, "FA")) != 0 &&
            strcmp(text, expected_of(sid, "GA")) != 0) {
            printf("slot %u: %s\n", i, text);
            n_failed++;
        }
        LocalFree(text);
    }
    end();
}

static bool has_failed_twice(void)
{
    return n_failures >= 2;
}

static bool is_full(void)
{
    for (unsigned i = 0; i < server->n_slots; i++) {
        if (pipe_slot_is_empty(server->slots[i]))
            return false;
    }
    return true;
}

static void test_a_failing_creation_is_told_and_tried_again(void)
{
    static struct echo e;
    serve();
    is_creation_refused = true;
    HANDLE client = connect_now();
    wait_for_connections(1);
    check(start_echo(&e) == 0); /* its slot cannot be filled again */
    check(is_echoed(client, "served all the same"));
    run_until(has_failed_twice);
    check(failure == UV_ENOBUFS || failure == UV_UNKNOWN);
    check(n_refused_creations >= 3);
    check(!is_full());
    is_creation_refused = false;
    run_until(is_full);
    CloseHandle(client);
    wait_for_end_of(&e);
    is_creation_refused = true;
    client = connect_now();
    wait_for_connections(2);
    check(start_echo(&e) == 0);
    end(); /* with the retry pending */
    is_creation_refused = false;
    CloseHandle(client);
    wait_for_end_of(&e);
}

/* When no instance is left the name may be another's by now. */
static void test_a_lost_name_is_made_anew(void)
{
    serve();
    for (unsigned i = 0; i < server->n_slots; i++)
        empty(server->slots[i]);
    HANDLE squatter = CreateNamedPipeA(path, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE,
                                       PIPE_UNLIMITED_INSTANCES, 64, 64, 0, NULL);
    check(squatter != INVALID_HANDLE_VALUE);
    on_retry(&server->retry);
    check(n_failures == 1);
    check(failure == UV_EADDRINUSE);
    CloseHandle(squatter);
    run_until(is_full);
    end();
}

static void test_refusals(void)
{
    char longest[300];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    check(listen_at(longest, sddl, &server) == UV_ENAMETOOLONG);
    check(listen_at("\\\\.\\pipe\\", sddl, &server) == UV_EINVAL);
    check(listen_at("\\\\.\\pipe\\a\\b", sddl, &server) == UV_EINVAL);
    check(listen_at("C:\\pipe", sddl, &server) == UV_EINVAL);
    check(listen_at("\\\\server\\pipe\\x", sddl, &server) == UV_EINVAL);
    check(listen_at(path, "no descriptor", &server) == UV_EINVAL);
    is_creation_refused = true;
    check(listen_at(path, sddl, &server) < 0);
    is_creation_refused = false;
}

static void test_closing_with_clients_waiting(void)
{
    serve();
    HANDLE client = connect_now(), other = connect_now();
    wait_for_connections(1);
    end();
    char byte;
    DWORD n;
    check(!ReadFile(client, &byte, 1, &n, NULL));
    CloseHandle(client);
    CloseHandle(other);
}

static void run_all(const char *sid)
{
    test_a_client_is_served();
    test_many_clients_at_once();
    test_more_clients_than_wait();
    test_a_client_that_dies_at_once();
    test_the_name_is_taken_once();
    test_a_squatter_is_not_joined();
    test_a_client_cannot_claim_the_name();
    test_a_lesser_client_cannot_make_instances();
    test_a_stranger_cannot_connect();
    test_the_descriptor_is_the_one_asked_for(sid);
    test_a_failing_creation_is_told_and_tried_again();
    test_a_lost_name_is_made_anew();
    test_refusals();
    test_closing_with_clients_waiting();
}

static DWORD count_handles(void)
{
    DWORD n = 0;
    check(GetProcessHandleCount(GetCurrentProcess(), &n));
    return n;
}

int main(void)
{
    char *sid = find_own_sid();
    snprintf(sddl, sizeof(sddl),
             "D:P(D;;GA;;;NU)(D;;GA;;;AN)(A;;GA;;;SY)(A;;GA;;;BA)(A;;0x12019b;;;IU)(A;;GA;;;%s)",
             sid);
    snprintf(path, sizeof(path), "\\\\.\\pipe\\ldplayerd-test-%lu", GetCurrentProcessId());
    check(loop_init(&loop) == 0);
    uv_timer_init(&loop.uv, &tick);
    uv_timer_start(&tick, on_tick, 5, 5); /* no turn blocks for long */
    run_all(sid);                         /* what the system and libuv keep for good comes here */
    uv_run(&loop.uv, UV_RUN_NOWAIT);
    DWORD before = count_handles();
    run_all(sid);
    uv_run(&loop.uv, UV_RUN_NOWAIT);
    DWORD after = count_handles();
    if (after > before) {
        printf("handles: %lu before, %lu after\n", before, after);
        n_failed++;
    }
    uv_close((uv_handle_t *)&tick, NULL);
    loop_run(&loop);
    check(loop_deinit(&loop) == 0);
    LocalFree(sid);
    printf("%d failures\n", n_failed);
    return n_failed > 0;
}
