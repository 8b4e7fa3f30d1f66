/* SPDX-License-Identifier: MIT */

/* libuv's own server creates its instances with no security descriptor and open to the network, so
 * this one makes them itself (base/loop/pipe_slot_win.c) and hands what is connected to libuv.
 *
 * Several slots wait at once: a client that finds no instance gets ERROR_PIPE_BUSY and may not
 * know that it should try again. */

#include "base/loop/pipe_server.h"

#include <fcntl.h>
#include <io.h>
#include <stdbool.h>
#include <string.h>

#include <windows.h>

#include <sddl.h>

#include "base/loop/pipe_slot_win.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"

enum {
    /* With one slot alone the name would be free between two instances. */
    MIN_SLOTS = 2,
    MAX_SLOTS = 16,
    PATH_SIZE = 257, /* of CreateNamedPipeW */
    MAX_TRIES = 8,
    RETRY_MS = 500
};

static const char prefix[] = "\\\\.\\pipe\\";

struct pipe_server {
    wchar_t path[PATH_SIZE];
    PSECURITY_DESCRIPTOR descriptor;
    pipe_server_fn on_connection;
    void *arg;
    uv_async_t wake; /* also keeps the loop running, as a listening socket does */
    uv_timer_t retry;
    unsigned n_handles;
    struct pipe_slot *slots[MAX_SLOTS];
    unsigned n_slots;
    struct pipe_slot *connected[MAX_SLOTS]; /* to be accepted, the oldest first */
    unsigned n_connected, n_told;
    bool is_closing;
    void (*on_closed)(void *arg); /* NULL: it never came to listen, and nobody waits */
    void *on_closed_arg;
};

static bool has_instance(const struct pipe_server *s)
{
    for (unsigned i = 0; i < s->n_slots; i++) {
        if (!pipe_slot_is_empty(s->slots[i]))
            return true;
    }
    return false;
}

static void add_connected(struct pipe_server *s, struct pipe_slot *slot)
{
    s->connected[s->n_connected++] = slot;
}

/* Whenever no slot holds the name, somebody else might have taken it meanwhile, so it must be
 * claimed anew: joining a pipe of another's making would serve behind a descriptor of another's
 * choosing. Clients that came and went before they could be waited for are passed over, but not
 * for ever. */
static int refill(struct pipe_server *s, struct pipe_slot *slot)
{
    int r = UV_EPIPE;
    for (int tries = 0; tries < MAX_TRIES && r == UV_EPIPE; tries++)
        r = pipe_slot_fill(slot, !has_instance(s));
    if (r <= 0)
        return r;
    add_connected(s, slot);
    uv_async_send(&s->wake);
    return 0;
}

static int refill_all(struct pipe_server *s)
{
    for (unsigned i = 0; i < s->n_slots; i++) {
        int r = pipe_slot_is_empty(s->slots[i]) ? refill(s, s->slots[i]) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

static void on_retry(uv_timer_t *timer)
{
    struct pipe_server *s = container_of(timer, struct pipe_server, retry);
    int r = refill_all(s);
    if (r == 0)
        return;
    uv_timer_start(&s->retry, on_retry, RETRY_MS, 0);
    s->on_connection(s->arg, r);
}

/* What fails here is tried again soon, and told when it fails again. */
static void refill_or_retry(struct pipe_server *s, struct pipe_slot *slot)
{
    if (refill(s, slot) < 0)
        uv_timer_start(&s->retry, on_retry, RETRY_MS, 0);
}

static void check(struct pipe_server *s, struct pipe_slot *slot)
{
    int r = pipe_slot_poll(slot);
    if (r > 0)
        add_connected(s, slot);
    else if (r < 0)
        refill_or_retry(s, slot);
}

/* Wakes merge, so one tells of any number of slots. */
static void on_wake(uv_async_t *wake)
{
    struct pipe_server *s = container_of(wake, struct pipe_server, wake);
    for (unsigned i = 0; i < s->n_slots; i++)
        check(s, s->slots[i]);
    while (s->n_told < s->n_connected && !s->is_closing) {
        s->n_told++;
        s->on_connection(s->arg, 0);
    }
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct pipe_server *s = handle->data;
    if (--s->n_handles > 0)
        return;
    void (*on_closed)(void *arg) = s->on_closed;
    void *arg = s->on_closed_arg;
    mem_free(s);
    if (on_closed)
        on_closed(arg);
}

void pipe_server_close(struct pipe_server *server, void (*on_closed)(void *arg), void *arg)
{
    server->is_closing = true;
    server->on_closed = on_closed;
    server->on_closed_arg = arg;
    for (unsigned i = 0; i < server->n_slots; i++)
        pipe_slot_free(server->slots[i]);
    LocalFree(server->descriptor);
    uv_close((uv_handle_t *)&server->wake, on_handle_closed);
    uv_close((uv_handle_t *)&server->retry, on_handle_closed);
}

static int check_path(const char *path)
{
    size_t n = strlen(prefix);
    if (strlen(path) >= PATH_SIZE)
        return UV_ENAMETOOLONG;
    if (_strnicmp(path, prefix, n) != 0 || !path[n] || strchr(path + n, '\\'))
        return UV_EINVAL;
    return 0;
}

static int read_descriptor(const char *sddl, PSECURITY_DESCRIPTOR *ret)
{
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorA(sddl, SDDL_REVISION_1, ret, NULL))
        return UV_EINVAL;
    return 0;
}

static int listen_now(struct pipe_server *s, unsigned backlog)
{
    unsigned n = backlog < MIN_SLOTS ? MIN_SLOTS : backlog > MAX_SLOTS ? MAX_SLOTS : backlog;
    while (s->n_slots < n) {
        struct pipe_slot *slot = pipe_slot_new(s->path, s->descriptor, &s->wake);
        if (!slot)
            return pipe_slot_error();
        s->slots[s->n_slots++] = slot;
        int r = refill(s, slot);
        if (r < 0)
            return r;
    }
    return 0;
}

static void init_handles(struct pipe_server *s, struct loop *loop)
{
    uv_async_init(&loop->uv, &s->wake, on_wake);
    uv_timer_init(&loop->uv, &s->retry);
    s->wake.data = s->retry.data = s;
    s->n_handles = 2;
}

int pipe_server_new(struct loop *loop, const struct pipe_server_options *options,
                    pipe_server_fn on_connection, void *arg, struct pipe_server **ret)
{
    PSECURITY_DESCRIPTOR descriptor;
    int r = check_path(options->path);
    if (r == 0)
        r = read_descriptor(options->sddl, &descriptor);
    if (r < 0)
        return r;
    struct pipe_server *s = mem_new(struct pipe_server);
    s->descriptor = descriptor;
    s->on_connection = on_connection;
    s->arg = arg;
    MultiByteToWideChar(CP_UTF8, 0, options->path, -1, s->path, PATH_SIZE);
    init_handles(s, loop);
    r = listen_now(s, options->backlog);
    if (r < 0)
        pipe_server_close(s, NULL, NULL);
    else
        *ret = s;
    return r;
}

/* The handle is libuv's in any case where this returns 0, and closed in any other. */
static int open_client(HANDLE handle, uv_pipe_t *client)
{
    int fd = _open_osfhandle((intptr_t)handle, _O_BINARY);
    if (fd < 0) {
        CloseHandle(handle);
        return UV_EMFILE;
    }
    int r = uv_pipe_open(client, fd);
    if (r < 0)
        _close(fd);
    return r;
}

static HANDLE take_oldest(struct pipe_server *s)
{
    struct pipe_slot *slot = s->connected[0];
    HANDLE handle = pipe_slot_take(slot);
    s->n_connected--;
    s->n_told -= s->n_told > 0;
    memmove(&s->connected[0], &s->connected[1], s->n_connected * sizeof(s->connected[0]));
    refill_or_retry(s, slot);
    return handle;
}

int pipe_server_accept(struct pipe_server *server, uv_pipe_t *client)
{
    return server->n_connected > 0 ? open_client(take_oldest(server), client) : UV_EAGAIN;
}

int pipe_peer_pid(const uv_pipe_t *pipe, int is_server, int *ret_pid)
{
    uv_os_fd_t handle;
    ULONG pid;
    int r = uv_fileno((const uv_handle_t *)pipe, &handle);
    if (r < 0)
        return r;
    if (!(is_server ? GetNamedPipeServerProcessId(handle, &pid)
                    : GetNamedPipeClientProcessId(handle, &pid)))
        return pipe_slot_error();
    *ret_pid = (int)pid;
    return 0;
}
