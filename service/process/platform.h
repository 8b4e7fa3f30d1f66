/* SPDX-License-Identifier: MIT */
#ifndef SVC_PLATFORM_H
#define SVC_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What the command line and the configuration have to know of the operating system. */

/** Makes ARGV UTF-8 whatever the system gave to main, and standard output binary, so that a line
 *  that a program reads ends in one byte everywhere. Files are made readable by the owner alone,
 *  and as many may be open as the system's hard limit lets. The strings live as long as the
 *  process. */
void svc_platform_start(int *argc, char ***argv);
/** Where data is kept unless the configuration says otherwise; owned by the caller. */
char *svc_platform_data_dir(void);
/** Where a unix socket is put in DATA_DIR, owned by the caller; NULL where there are none. */
char *svc_platform_socket(const char *data_dir);
/** The name of the pipe that Windows serves by default, owned by the caller; NULL elsewhere. */
char *svc_platform_pipe(void);
/** What gives a service without one a socket or pipe, and whom it takes for an admin there: parts
 * of sentences. */
const char *svc_platform_pipe_advice(void);
const char *svc_platform_admin_advice(void);
/** Why the option NAME cannot be used on this system, as a sentence, or NULL. */
const char *svc_platform_refusal(const char *name);

/** The session of Windows that this process belongs to; 0 elsewhere. */
uint32_t svc_platform_session(void);
/** Whether it has an administrator's rights. */
bool svc_platform_is_elevated(void);
/** How to get the service running on this system, as sentences for the overview of commands. */
const char *svc_platform_advice(void);

enum svc_signal_action { SVC_SIGNAL_STOP, SVC_SIGNAL_RELOAD };

/** The signals that mean something to a running service. */
struct svc_signal_rule {
    int signum;
    const char *name;
    enum svc_signal_action action;
};

extern const struct svc_signal_rule svc_platform_signals[];
extern const size_t svc_platform_n_signals;

#endif
