/* SPDX-License-Identifier: MIT */
#ifndef RUNNER_H
#define RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/argv.h"

/** Runs one child process to its end. One interface, because where ldconsole may run differs: in
 *  this process's session (runner_direct) or in the interactive user's (the session agent). Loop
 *  thread only. */

enum run_status {
    RUN_EXITED,      /* the child ended by itself; exit_code says how */
    RUN_NOT_STARTED, /* `error` says why (UV_ENOENT, UV_EACCES, ...) */
    RUN_TIMED_OUT,   /* killed at the deadline */
    RUN_CANCELLED,   /* killed because the caller asked */
    RUN_FLOODED,     /* killed because it printed more than max_output */
    RUN_LOST         /* the agent is gone: whether the child did its work is unknown */
};

struct run_request {
    const char *file;        /* program path, UTF-8 */
    const struct argv *args; /* without argv[0]; copied */
    unsigned deadline_ms;
    size_t max_output; /* bytes of stdout and stderr together */
};

struct run_result {
    enum run_status status;
    int error;            /* UV_E* for RUN_NOT_STARTED, else 0 */
    bool needs_elevation; /* RUN_NOT_STARTED because Windows wants an elevated caller (740) */
    int32_t exit_code;  /* as the vendor means it: signed 32 bit (reference 2.2); a child that died
                         * of a signal counts as minus its number. On Unix only 8 bits arrive */
    const char *output; /* stdout and stderr as they came, NUL-terminated */
    size_t output_len;
    int pid; /* 0 when not started */
    uint64_t duration_ms;
};

/** Called exactly once per run, always in a later turn of the loop. RESULT is the runner's and
 *  ends with the call. */
typedef void (*run_fn)(void *arg, const struct run_result *result);

struct run;
struct runner;

struct runner_ops {
    /** Never fails at once: what goes wrong comes through the callback. */
    struct run *(*start)(struct runner *runner, const struct run_request *request, run_fn done,
                         void *arg);
    /** Kills the child; the callback still comes. Does nothing when the child is ending already,
     *  so the result may still be RUN_EXITED. */
    void (*cancel)(struct run *run);
    /** Cancels what runs; on_closed is called after the last callback, then the runner is gone.
     *  Nothing may be started afterwards. */
    void (*close)(struct runner *runner, void (*on_closed)(void *arg), void *arg);
};

/** Embedded first in each implementation. */
struct runner {
    const struct runner_ops *ops;
    unsigned n_running;
    /** Why nothing can be run now, as a sentence for an operator, until it is NULL again: there is
     *  no agent. The runner's. */
    const char *absence;
    struct runner *behind; /* another one, which this one stands in front of; NULL = none */
};

/** Of the one that does the work. */
static inline const char *runner_absence(const struct runner *runner)
{
    while (runner->behind)
        runner = runner->behind;
    return runner->absence;
}

/** "exited", "timed_out", ... for evidence and logs. */
const char *run_status_name(enum run_status status);

struct loop;

/** The runner for this process's own session. The window is hidden, all three standard handles
 *  are pipes or nothing, and the end of the child is its exit, not the end of its output: a
 *  grandchild may hold the pipe for hours (reference 2.6). */
struct runner *runner_direct_new(struct loop *loop);

#endif
