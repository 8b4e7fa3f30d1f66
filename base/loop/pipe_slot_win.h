/* SPDX-License-Identifier: MIT */
#ifndef BASE_PIPE_SLOT_WIN_H
#define BASE_PIPE_SLOT_WIN_H

#include <stdbool.h>
#include <wchar.h>

#include <uv.h>

/** A part of base/loop/pipe_server_win.c: one instance of a named pipe on its way to a client.
 *
 *      EMPTY -> WAITING -> CONNECTED -> EMPTY (taken or lost) -> WAITING ...
 *
 *  Loop thread. */
struct pipe_slot;

/** PATH, DESCRIPTOR (PSECURITY_DESCRIPTOR) and WAKE are the caller's and outlive the slot. WAKE is
 *  sent when somebody may have connected. NULL when the system has no more events. */
struct pipe_slot *pipe_slot_new(const wchar_t *path, void *descriptor, uv_async_t *wake);
/** Gives up what it holds; waits for nobody but the system. */
void pipe_slot_free(struct pipe_slot *slot);
bool pipe_slot_is_empty(const struct pipe_slot *slot);
/** Makes an instance in an EMPTY slot. IS_FIRST claims the name: UV_EADDRINUSE when anybody has a
 *  pipe of it. Returns 0 when the slot waits, 1 when it is connected already, or a UV code:
 *  UV_EPIPE when a client came and is gone again. */
int pipe_slot_fill(struct pipe_slot *slot, bool is_first);
/** Returns 1 when the slot has become CONNECTED since it was filled (told once), 0 when nothing
 *  has changed, or a UV code when what it waited for failed; then it is EMPTY. */
int pipe_slot_poll(struct pipe_slot *slot);
/** The instance (HANDLE) of a CONNECTED slot, which is the caller's now; the slot is EMPTY. */
void *pipe_slot_take(struct pipe_slot *slot);

/** The UV code of GetLastError. */
int pipe_slot_error(void);

#endif
