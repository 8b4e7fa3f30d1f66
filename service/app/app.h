/* SPDX-License-Identifier: MIT */
#ifndef SVC_APP_H
#define SVC_APP_H

#include "service/config/config.h"

/** The running service: every part of every layer, built in one order and taken down in the
 *  reverse of it. */
struct svc_app;
struct loop;

enum svc_app_phase {
    SVC_APP_STARTING,
    SVC_APP_STOPPING,
    SVC_APP_RESTARTING /* ends, to begin again at once in the same process */
};

struct svc_app_options {
    struct svc_config *config;    /* the caller's; a reload changes its reloadable options */
    const struct svc_flag *flags; /* of the command line, for a reload; outlive the app */
    size_t n_flags;
    bool is_service; /* of the system, without a session of its own to run ldconsole in */
    /* Called before each step of the start and of the end, or NULL: who waits for the service is
     * told that it gets on. Loop thread, like the two below. */
    void (*on_step)(void *arg, enum svc_app_phase phase);
    /* After a good start; the app ends with svc_app_serve. IS_AGAIN: it was restarted. */
    void (*on_ready)(void *arg, struct svc_app *app, bool is_again);
    /* The start failed with CODE (UV); svc_app_error says why. */
    void (*on_failed)(void *arg, const struct svc_app *app, int code);
    void *arg;
};

/** Opens the data directory, reads what a former process left, listens, looks, and runs until a
 *  signal or svc_app_stop, after svc_app_restart again from the beginning. Blocks. Returns 0, or
 *  the UV code with which the start failed. */
int svc_app_serve(const struct svc_app_options *options);
/** One sentence: what failed, why, what to do. */
const char *svc_app_error(const struct svc_app *app);
/** "ready http=http://127.0.0.1:8765 socket=/path", without a line end; after a good start. */
const char *svc_app_ready_line(const struct svc_app *app);
/** Begins the end: requests under way are answered for up to drain_ms, nothing new is begun. A
 *  restart that has begun to end ends so, too. Loop thread; REASON goes into the log. Safe to
 *  repeat. */
void svc_app_stop(struct svc_app *app, const char *reason);
/** Ends in the same way and starts again in this process, on the same addresses, with what is on
 *  disk by then. Nothing when the app is stopping already. Loop thread. */
void svc_app_restart(struct svc_app *app, const char *reason);
/** Somebody logged on or off, connected or disconnected. Any thread, while the app runs. */
void svc_app_session_changed(struct svc_app *app);
/** The loop, for other threads to post to; from on_ready to the first step of the end. */
struct loop *svc_app_loop(struct svc_app *app);
/** Reads the configuration again and applies what can be applied. Loop thread. */
void svc_app_reload(struct svc_app *app);
/** The computer was asleep: nothing known is believed before it has been looked at again. Loop
 *  thread. */
void svc_app_resumed(struct svc_app *app);

#endif
