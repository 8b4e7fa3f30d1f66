/* SPDX-License-Identifier: MIT */

/* libuv's own server creates its instances with no security descriptor and open to the network, so
 * this one makes them itself and hands what is connected to libuv.
 *
 * A slot holds one instance of the pipe:
 *
 *      EMPTY -> WAITING -> CONNECTED -> EMPTY (accepted or dead) -> WAITING ...
 *
 * Several slots wait at once: a client that finds no instance gets ERROR_PIPE_BUSY and may not
 * know that it should try again. A thread of the system's pool sees that ConnectNamedPipe is done
 * and wakes the loop, which looks at all slots; nothing else happens on other threads. */

#include "base/pipe_server.h"

#include <fcntl.h>
#include <io.h>
#include <stdbool.h>
#include <string.h>
#include <wchar.h>

#include <windows.h>

#include <sddl.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "base/mem.h"

enum {
    /* With one slot alone the name would be free between two instances. */
    MIN_SLOTS = 2,
    MAX_SLOTS = 16,
    PATH_SIZE = 257, /* of CreateNamedPipeW */
    BUFFER_BYTES = 65536,
    RETRY_MS = 500
};

static const char prefix[] = "\\\\.\\pipe\\";

enum slot_state { SLOT_EMPTY, SLOT_WAITING, SLOT_CONNECTED };

struct slot {
    struct pipe_server *server;
    enum slot_state state;
    struct list link; /* CONNECTED: among those that wait to be accepted */
    HANDLE handle;    /* none when EMPTY */
    HANDLE connected; /* event, of the slot and not of the instance */
    HANDLE wait;      /* WAITING: registration at the system's pool; may be none */
    OVERLAPPED overlapped;
};

struct pipe_server {
    wchar_t path[PATH_SIZE];
    PSECURITY_DESCRIPTOR descriptor;
    pipe_server_fn on_connection;
    void *arg;
    uv_async_t wake; /* also keeps the loop running, as a listening socket does */
    uv_timer_t retry;
    unsigned n_handles;
    struct list connected; /* slots, the oldest first */
    unsigned n_connected, n_told;
    struct slot slots[MAX_SLOTS];
    unsigned n_slots;
    bool is_closing;
    void (*on_closed)(void *arg); /* NULL: it never came to listen, and nobody waits */
    void *on_closed_arg;
};

static int last_error(void)
{
    DWORD error = GetLastError();
    return error == ERROR_ACCESS_DENIED ? UV_EACCES : uv_translate_sys_error((int)error);
}

/* A thread of the pool. */
static void CALLBACK on_signalled(void *arg, BOOLEAN is_timeout)
{
    struct slot *slot = arg;
    (void)is_timeout;
    uv_async_send(&slot->server->wake);
}

/* Returns when the pool has let go of the slot; its callback never blocks. */
static void end_wait(struct slot *slot)
{
    if (slot->wait)
        (void)UnregisterWaitEx(slot->wait, INVALID_HANDLE_VALUE);
    slot->wait = NULL;
}

static void empty(struct slot *slot)
{
    DWORD n;
    end_wait(slot);
    if (slot->state == SLOT_WAITING) {
        /* The system writes to `overlapped` until the connect has ended, one way or another. */
        CancelIoEx(slot->handle, &slot->overlapped);
        (void)GetOverlappedResult(slot->handle, &slot->overlapped, &n, TRUE);
    }
    if (slot->state != SLOT_EMPTY)
        CloseHandle(slot->handle);
    list_unlink(&slot->link);
    slot->state = SLOT_EMPTY;
}

static bool has_instance(const struct pipe_server *s)
{
    for (unsigned i = 0; i < s->n_slots; i++) {
        if (s->slots[i].state != SLOT_EMPTY)
            return true;
    }
    return false;
}

/* Whether anybody has a pipe of this name; nothing is connected by asking. */
static bool is_name_taken(const struct pipe_server *s)
{
    return WaitNamedPipeW(s->path, NMPWAIT_NOWAIT) || GetLastError() != ERROR_FILE_NOT_FOUND;
}

/* FIRST claims the name: the system refuses when there is such a pipe. Wine 8 does not look at
 * that flag, therefore the question before. */
static int open_instance(const struct pipe_server *s, bool is_first, HANDLE *ret)
{
    SECURITY_ATTRIBUTES security = {sizeof(security), s->descriptor, FALSE};
    DWORD first = is_first ? FILE_FLAG_FIRST_PIPE_INSTANCE : 0;
    if (is_first && is_name_taken(s))
        return UV_EADDRINUSE;
    *ret = CreateNamedPipeW(s->path, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | first,
                            PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT |
                                PIPE_REJECT_REMOTE_CLIENTS,
                            PIPE_UNLIMITED_INSTANCES, BUFFER_BYTES, BUFFER_BYTES, 0, &security);
    if (*ret != INVALID_HANDLE_VALUE)
        return 0;
    bool is_taken = GetLastError() == ERROR_ACCESS_DENIED || GetLastError() == ERROR_PIPE_BUSY;
    return is_first && is_taken ? UV_EADDRINUSE : last_error();
}

/* Whenever no slot holds the name, somebody else might have taken it meanwhile, so it must be
 * claimed anew: joining a pipe of another's making would serve behind a descriptor of another's
 * choosing. */
static int create_instance(struct slot *slot)
{
    return open_instance(slot->server, !has_instance(slot->server), &slot->handle);
}

static void set_connected(struct slot *slot)
{
    slot->state = SLOT_CONNECTED;
    list_append(&slot->server->connected, &slot->link);
    slot->server->n_connected++;
}

/* From here on an event tells. */
static int watch(struct slot *slot)
{
    slot->state = SLOT_WAITING;
    if (RegisterWaitForSingleObject(&slot->wait, slot->connected, on_signalled, slot, INFINITE,
                                    WT_EXECUTEINWAITTHREAD | WT_EXECUTEONLYONCE))
        return 0;
    int r = last_error();
    slot->wait = NULL;
    empty(slot);
    return r;
}

/* Fills an EMPTY slot. A client can come between creation and this, and even be gone again. */
static int fill(struct slot *slot)
{
    int r = create_instance(slot);
    if (r < 0)
        return r;
    ResetEvent(slot->connected);
    slot->overlapped = (OVERLAPPED){.hEvent = slot->connected};
    if (ConnectNamedPipe(slot->handle, &slot->overlapped))
        SetLastError(ERROR_PIPE_CONNECTED);
    switch (GetLastError()) {
    case ERROR_IO_PENDING:
        return watch(slot);
    case ERROR_PIPE_CONNECTED:
        set_connected(slot);
        uv_async_send(&slot->server->wake);
        return 0;
    default:
        r = last_error();
        CloseHandle(slot->handle);
        return r;
    }
}

/* Clients that came and went before they could be waited for (ERROR_NO_DATA) are passed over, but
 * not for ever. */
static int refill(struct slot *slot)
{
    int r = UV_EPIPE;
    for (int tries = 0; tries < 8 && r == UV_EPIPE; tries++)
        r = fill(slot);
    return r;
}

static int refill_all(struct pipe_server *s)
{
    for (unsigned i = 0; i < s->n_slots; i++) {
        int r = s->slots[i].state == SLOT_EMPTY ? refill(&s->slots[i]) : 0;
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
static void refill_or_retry(struct slot *slot)
{
    if (refill(slot) < 0)
        uv_timer_start(&slot->server->retry, on_retry, RETRY_MS, 0);
}

static void check(struct slot *slot)
{
    DWORD n;
    if (slot->state != SLOT_WAITING || !HasOverlappedIoCompleted(&slot->overlapped))
        return;
    end_wait(slot);
    if (GetOverlappedResult(slot->handle, &slot->overlapped, &n, FALSE)) {
        set_connected(slot);
        return;
    }
    empty(slot);
    refill_or_retry(slot);
}

/* Wakes merge, so one tells of any number of slots. */
static void on_wake(uv_async_t *wake)
{
    struct pipe_server *s = container_of(wake, struct pipe_server, wake);
    for (unsigned i = 0; i < s->n_slots; i++)
        check(&s->slots[i]);
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
    for (unsigned i = 0; i < server->n_slots; i++) {
        empty(&server->slots[i]);
        CloseHandle(server->slots[i].connected);
    }
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

static struct slot *add_slot(struct pipe_server *s)
{
    struct slot *slot = &s->slots[s->n_slots];
    slot->server = s;
    list_init(&slot->link);
    slot->connected = CreateEventW(NULL, TRUE, FALSE, NULL);
    return slot->connected ? slot : NULL;
}

static int listen_now(struct pipe_server *s, unsigned backlog)
{
    unsigned n = backlog < MIN_SLOTS ? MIN_SLOTS : backlog > MAX_SLOTS ? MAX_SLOTS : backlog;
    while (s->n_slots < n) {
        struct slot *slot = add_slot(s);
        if (!slot)
            return last_error();
        s->n_slots++;
        int r = refill(slot);
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
    list_init(&s->connected);
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

int pipe_server_accept(struct pipe_server *server, uv_pipe_t *client)
{
    if (list_is_empty(&server->connected))
        return UV_EAGAIN;
    struct slot *slot = list_entry(server->connected.next, struct slot, link);
    HANDLE handle = slot->handle;
    list_unlink(&slot->link);
    slot->state = SLOT_EMPTY;
    server->n_connected--;
    server->n_told -= server->n_told > 0;
    refill_or_retry(slot);
    return open_client(handle, client);
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
        return last_error();
    *ret_pid = (int)pid;
    return 0;
}
