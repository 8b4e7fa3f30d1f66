/* SPDX-License-Identifier: MIT */

/* api/access/peer_win.c: the descriptor of the pipe, and who is at its other end. The source is
 * included so that a token can be looked at that comes from no pipe. */

#include "api/access/peer_win.c"

#include <stdio.h>

#include "base/loop/pipe_server.h"
#include "tests/support/lesser_win.h"

static int n_failed;

#define check(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                                 \
            n_failed++;                                                                            \
        }                                                                                          \
    } while (0)

enum { LIMIT_MS = 30000 };

static struct loop loop;
static uv_timer_t tick;
static uv_pipe_t accepted;
static struct pipe_server *server;
static bool is_connected, is_read, is_over, is_closed;
static bool is_filtered_admin;
static bool is_lesser; /* how the client of identify comes */
static char byte, path[128];

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void run_until(const bool *is_done)
{
    uint64_t began = uv_hrtime();
    while (!*is_done && uv_hrtime() - began < LIMIT_MS * 1000000ull)
        uv_run(&loop.uv, UV_RUN_ONCE);
    check(*is_done);
}

static void on_connection(void *arg, int status)
{
    (void)arg;
    check(status == 0);
    is_connected = true;
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    (void)handle;
    (void)size;
    *buf = uv_buf_init(&byte, 1);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    (void)buf;
    check(n == 1);
    is_read = true;
    uv_read_stop(stream);
}

static void on_over(uv_handle_t *handle)
{
    (void)handle;
    is_over = true;
}

static void on_closed(void *arg)
{
    (void)arg;
    is_closed = true;
}

static void serve(const struct api_peers *peers)
{
    const struct pipe_server_options options = {
        .path = path, .sddl = api_peers_sddl(peers), .backlog = 2};
    is_closed = false;
    check(pipe_server_new(&loop, &options, on_connection, NULL, &server) == 0);
}

/* A client that lets itself be known at LEVEL (SECURITY_...) connects, sends a byte and is
 * identified. */
static struct api_identity identify(struct api_peers *peers, DWORD level)
{
    struct api_identity who = {.role = CACHE_ROLE_OPERATOR};
    DWORD n;
    is_connected = is_read = is_over = false;
    check(!is_lesser || lesser_begin());
    HANDLE client = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                                SECURITY_SQOS_PRESENT | level, NULL);
    lesser_end();
    check(client != INVALID_HANDLE_VALUE);
    run_until(&is_connected);
    uv_pipe_init(&loop.uv, &accepted, 0);
    check(pipe_server_accept(server, &accepted) == 0);
    check(WriteFile(client, "x", 1, &n, NULL));
    check(uv_read_start((uv_stream_t *)&accepted, on_alloc, on_read) == 0);
    run_until(&is_read);
    api_peers_identify(peers, &accepted, &who);
    uv_close((uv_handle_t *)&accepted, on_over);
    run_until(&is_over);
    CloseHandle(client);
    return who;
}

static bool is_wine(void)
{
    return GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_get_version") != NULL;
}

static bool is_impersonating(void)
{
    HANDLE token;
    if (!OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token))
        return GetLastError() != ERROR_NO_TOKEN;
    CloseHandle(token);
    return true;
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

static void test_the_descriptor(void)
{
    char expected[512];
    char *own = find_own_sid();
    struct api_peers *peers = api_peers_new("ldplayerd-no-such-group", CACHE_ROLE_VIEWER);
    snprintf(expected, sizeof(expected),
             "D:P(D;;GA;;;NU)(D;;GA;;;AN)(A;;GA;;;SY)(A;;GA;;;BA)(A;;GA;;;%s)(A;;0x12019b;;;IU)",
             own);
    if (strcmp(api_peers_sddl(peers), expected) != 0) {
        printf("the descriptor is %s\n", api_peers_sddl(peers));
        n_failed++;
    }
    api_peers_free(peers);
    peers = api_peers_new("BUILTIN\\Users", CACHE_ROLE_VIEWER);
    size_t n = strlen(expected);
    snprintf(expected + n, sizeof(expected) - n, "(A;;0x12019b;;;S-1-5-32-545)");
    if (strcmp(api_peers_sddl(peers), expected) != 0) {
        printf("the descriptor is %s\n", api_peers_sddl(peers));
        n_failed++;
    }
    api_peers_free(peers);
    LocalFree(own);
    check(api_peers_free(NULL) == NULL);
}

/* Whoever runs this test is the account that serves, and so the administrator. */
static void test_the_caller_is_known(void)
{
    char user[256] = "", full[600];
    DWORD n = sizeof(user);
    struct api_peers *peers = api_peers_new("ldplayerd-no-such-group", CACHE_ROLE_NONE);
    check(GetUserNameA(user, &n));
    snprintf(full, sizeof(full), "\\%s", user);
    serve(peers);
    const DWORD levels[] = {SECURITY_IDENTIFICATION, SECURITY_IMPERSONATION};
    for (size_t i = 0; i < countof(levels); i++) {
        struct api_identity who = identify(peers, levels[i]);
        check(who.kind == API_IDENTITY_PEER);
        check(who.role == CACHE_ROLE_ADMIN);
        printf("the caller is %s\n", who.name);
        check(str_has_suffix(who.name, full));
        check(!is_impersonating());
    }
    pipe_server_close(server, on_closed, NULL);
    run_until(&is_closed);
    api_peers_free(peers);
}

static HANDLE open_thread_token(void)
{
    HANDLE token = NULL;
    check(OpenThreadToken(GetCurrentThread(), TOKEN_QUERY | TOKEN_DUPLICATE, TRUE, &token));
    return token;
}

/* What may only deny does not count. */
static void test_a_group_that_may_only_deny_is_none(void)
{
    struct api_peers *peers = api_peers_new("BUILTIN\\Administrators", CACHE_ROLE_VIEWER);
    check(ImpersonateSelf(SecurityIdentification));
    HANDLE whole = open_thread_token();
    RevertToSelf();
    check(lesser_begin());
    HANDLE lesser = open_thread_token();
    lesser_end();
    struct api_peer_facts before = read_facts(peers, whole), after = read_facts(peers, lesser);
    check(before.is_admin || before.is_own);
    check(before.is_operator == before.is_admin);
    check(!after.is_admin && !after.is_operator && !after.is_own);
    is_filtered_admin = after.is_linked_admin;
    check(!after.is_network && !after.is_anonymous && !after.is_system);
    check(after.is_interactive == before.is_interactive);
    printf("interactive: %d\n", after.is_interactive);
    CloseHandle(whole);
    CloseHandle(lesser);
    api_peers_free(peers);
}

/* Somebody who is only at the screen: not the account that serves, no administrator. */
static void test_a_lesser_caller_has_the_role_of_the_screen(enum cache_role interactive)
{
    struct api_peers *peers = api_peers_new("ldplayerd-no-such-group", interactive);
    serve(peers);
    is_lesser = true;
    struct api_identity who = identify(peers, SECURITY_IDENTIFICATION);
    is_lesser = false;
    check(who.name[0] != '\0');
    if (who.role != interactive && is_wine()) {
        printf("not seen: Wine tells of the process that connects, not of its thread\n");
    } else if (is_filtered_admin) {
        printf("not seen: this user can become an administrator at any time; run it elevated\n");
    } else {
        check(who.role == interactive);
        check(who.kind == (interactive == CACHE_ROLE_NONE ? API_IDENTITY_NONE : API_IDENTITY_PEER));
    }
    pipe_server_close(server, on_closed, NULL);
    run_until(&is_closed);
    api_peers_free(peers);
}

/* Windows gives the token of an anonymous caller to nobody. Wine 8 does not know the level. */
static void test_a_caller_that_hides_is_nobody(void)
{
    struct api_peers *peers = api_peers_new("ldplayerd-no-such-group", CACHE_ROLE_OPERATOR);
    serve(peers);
    struct api_identity who = identify(peers, SECURITY_ANONYMOUS);
    if (is_wine() && who.kind != API_IDENTITY_NONE) {
        printf("not seen: Wine tells who an anonymous caller is\n");
    } else {
        check(who.kind == API_IDENTITY_NONE);
        check(who.role == CACHE_ROLE_NONE);
        check(who.is_anonymous);
    }
    check(!is_impersonating());
    pipe_server_close(server, on_closed, NULL);
    run_until(&is_closed);
    api_peers_free(peers);
}

static void run_all(void)
{
    test_the_descriptor();
    test_the_caller_is_known();
    test_a_caller_that_hides_is_nobody();
    test_a_group_that_may_only_deny_is_none();
    test_a_lesser_caller_has_the_role_of_the_screen(CACHE_ROLE_VIEWER);
    test_a_lesser_caller_has_the_role_of_the_screen(CACHE_ROLE_NONE);
}

static DWORD count_handles(void)
{
    DWORD n = 0;
    uv_run(&loop.uv, UV_RUN_NOWAIT);
    check(GetProcessHandleCount(GetCurrentProcess(), &n));
    return n;
}

int main(void)
{
    snprintf(path, sizeof(path), "\\\\.\\pipe\\ldplayerd-test-%lu", GetCurrentProcessId());
    check(loop_init(&loop) == 0);
    uv_timer_init(&loop.uv, &tick);
    uv_timer_start(&tick, on_tick, 5, 5); /* no turn blocks for long */
    run_all();                            /* what the system and libuv keep for good comes here */
    DWORD before = count_handles();
    run_all();
    DWORD after = count_handles();
    if (after > before) {
        printf("handles: %lu before, %lu after\n", before, after);
        n_failed++;
    }
    uv_close((uv_handle_t *)&tick, NULL);
    loop_run(&loop);
    check(loop_deinit(&loop) == 0);
    printf("%d failures\n", n_failed);
    return n_failed > 0;
}
