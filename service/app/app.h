/* SPDX-License-Identifier: MIT */
#ifndef SVC_APP_H
#define SVC_APP_H

#include "service/config/config.h"

/** The running service: every part of every layer, built in one order and taken down in the
 *  reverse of it.
 *
 *      svc_app_new -> svc_app_start -> svc_app_run (until a signal or svc_app_stop) -> svc_app_free
 *
 *  A start that fails is followed by run and free all the same: run then only takes down what had
 *  been built. */
struct svc_app;
struct loop;

struct svc_app_options {
    struct svc_config *config;    /* the caller's; a reload changes its reloadable options */
    const struct svc_flag *flags; /* of the command line, for a reload; outlive the app */
    size_t n_flags;
    bool is_service; /* of the system, without a session of its own to run ldconsole in */
    /* Called before each step of the start and of the end, or NULL: who waits for the service is
     * told that it gets on. Loop thread. */
    void (*on_step)(void *arg, bool is_stopping);
    void *step_arg;
};

struct svc_app *svc_app_new(const struct svc_app_options *options);
/** Opens the data directory, reads what a former process left, listens, and begins to look.
 *  Blocks for as long as the disk does. Returns 0, or a UV code with svc_app_error saying why. */
int svc_app_start(struct svc_app *app);
/** One sentence: what failed, why, what to do. */
const char *svc_app_error(const struct svc_app *app);
/** "ready http=http://127.0.0.1:8765 socket=/path", without a line end; after a good start. */
const char *svc_app_ready_line(const struct svc_app *app);
/** Runs until everything is closed. */
void svc_app_run(struct svc_app *app);
/** Begins the end: requests under way are answered for up to drain_ms, nothing new is begun.
 *  Loop thread; REASON goes into the log. Safe to repeat. */
void svc_app_stop(struct svc_app *app, const char *reason);
/** Somebody logged on or off, connected or disconnected. Any thread, while the app runs. */
void svc_app_session_changed(struct svc_app *app);
/** The loop, for other threads to post to; between a good start and the end of svc_app_run. */
struct loop *svc_app_loop(struct svc_app *app);
/** Reads the configuration again and applies what can be applied. Loop thread. */
void svc_app_reload(struct svc_app *app);
/** The computer was asleep: nothing known is believed before it has been looked at again. Loop
 *  thread. */
void svc_app_resumed(struct svc_app *app);
/** Returns 0, or UV_EBUSY when something was still open, which is a mistake in the program. */
int svc_app_free(struct svc_app *app);

#endif
