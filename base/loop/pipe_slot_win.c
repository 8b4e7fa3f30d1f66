/* SPDX-License-Identifier: MIT */

/* A thread of the system's pool sees that ConnectNamedPipe is done and wakes the loop, which asks
 * all slots; nothing else happens on other threads. */

#include "base/loop/pipe_slot_win.h"

#include <windows.h>

#include "base/memory/mem.h"

enum { BUFFER_BYTES = 65536 };

enum slot_state { SLOT_EMPTY, SLOT_WAITING, SLOT_CONNECTED };

struct pipe_slot {
    const wchar_t *path;
    PSECURITY_DESCRIPTOR descriptor;
    uv_async_t *wake;
    enum slot_state state;
    HANDLE handle;    /* none when EMPTY */
    HANDLE connected; /* event, of the slot and not of the instance */
    HANDLE wait;      /* WAITING: registration at the system's pool */
    OVERLAPPED overlapped;
};

int pipe_slot_error(void)
{
    DWORD error = GetLastError();
    return error == ERROR_ACCESS_DENIED ? UV_EACCES : uv_translate_sys_error((int)error);
}

struct pipe_slot *pipe_slot_new(const wchar_t *path, void *descriptor, uv_async_t *wake)
{
    HANDLE connected = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (!connected)
        return NULL;
    struct pipe_slot *slot = mem_new(struct pipe_slot);
    slot->path = path;
    slot->descriptor = descriptor;
    slot->wake = wake;
    slot->connected = connected;
    return slot;
}

bool pipe_slot_is_empty(const struct pipe_slot *slot)
{
    return slot->state == SLOT_EMPTY;
}

/* A thread of the pool. */
static void CALLBACK on_signalled(void *arg, BOOLEAN is_timeout)
{
    struct pipe_slot *slot = arg;
    (void)is_timeout;
    uv_async_send(slot->wake);
}

/* Returns when the pool has let go of the slot; its callback never blocks. */
static void end_wait(struct pipe_slot *slot)
{
    if (slot->wait)
        (void)UnregisterWaitEx(slot->wait, INVALID_HANDLE_VALUE);
    slot->wait = NULL;
}

static void empty(struct pipe_slot *slot)
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
    slot->state = SLOT_EMPTY;
}

void pipe_slot_free(struct pipe_slot *slot)
{
    empty(slot);
    CloseHandle(slot->connected);
    mem_free(slot);
}

/* Whether anybody has a pipe of this name; nothing is connected by asking. */
static bool is_name_taken(const wchar_t *path)
{
    return WaitNamedPipeW(path, NMPWAIT_NOWAIT) || GetLastError() != ERROR_FILE_NOT_FOUND;
}

/* FIRST claims the name: the system refuses when there is such a pipe. Wine 8 does not look at
 * that flag, therefore the question before. */
static int create_instance(struct pipe_slot *slot, bool is_first)
{
    SECURITY_ATTRIBUTES security = {sizeof(security), slot->descriptor, FALSE};
    DWORD first = is_first ? FILE_FLAG_FIRST_PIPE_INSTANCE : 0;
    if (is_first && is_name_taken(slot->path))
        return UV_EADDRINUSE;
    slot->handle = CreateNamedPipeW(
        slot->path, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | first,
        PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
        PIPE_UNLIMITED_INSTANCES, BUFFER_BYTES, BUFFER_BYTES, 0, &security);
    if (slot->handle != INVALID_HANDLE_VALUE)
        return 0;
    bool is_taken = GetLastError() == ERROR_ACCESS_DENIED || GetLastError() == ERROR_PIPE_BUSY;
    return is_first && is_taken ? UV_EADDRINUSE : pipe_slot_error();
}

/* From here on an event tells. */
static int watch(struct pipe_slot *slot)
{
    slot->state = SLOT_WAITING;
    if (RegisterWaitForSingleObject(&slot->wait, slot->connected, on_signalled, slot, INFINITE,
                                    WT_EXECUTEINWAITTHREAD | WT_EXECUTEONLYONCE))
        return 0;
    int r = pipe_slot_error();
    slot->wait = NULL;
    empty(slot);
    return r;
}

/* A client can come between creation and ConnectNamedPipe, and even be gone again
 * (ERROR_NO_DATA). */
int pipe_slot_fill(struct pipe_slot *slot, bool is_first)
{
    int r = create_instance(slot, is_first);
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
        slot->state = SLOT_CONNECTED;
        return 1;
    default:
        r = pipe_slot_error();
        CloseHandle(slot->handle);
        return r;
    }
}

int pipe_slot_poll(struct pipe_slot *slot)
{
    DWORD n;
    if (slot->state != SLOT_WAITING || !HasOverlappedIoCompleted(&slot->overlapped))
        return 0;
    end_wait(slot);
    if (GetOverlappedResult(slot->handle, &slot->overlapped, &n, FALSE)) {
        slot->state = SLOT_CONNECTED;
        return 1;
    }
    int r = pipe_slot_error();
    empty(slot);
    return r;
}

void *pipe_slot_take(struct pipe_slot *slot)
{
    slot->state = SLOT_EMPTY;
    return slot->handle;
}
