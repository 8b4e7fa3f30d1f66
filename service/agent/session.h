/* SPDX-License-Identifier: MIT */
#ifndef SVC_SESSION_H
#define SVC_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The sessions of this machine, and which of them is to run ldconsole. */

enum { SVC_SESSION_MAX = 64 };

struct svc_session {
    uint32_t id;
    bool is_console; /* at the machine itself, not over RDP */
    bool is_active;  /* somebody sits in front of it; false: disconnected */
    char user[256];  /* "DOMAIN\\name" (Windows) or "name"; "" = nobody is logged on */
    bool is_unnamed; /* the system did not say whose it is */
};

/** Fills at most MAX sessions. Where the system has no sessions it is one, of this process. Returns
 *  0, or a UV code when the system did not answer: then nothing is known, and nobody has left. */
int svc_session_list(struct svc_session *ret, size_t max, size_t *ret_n);

/** Chooses among N sessions with a user; WANTED ("" = anybody) names the only one who will do, with
 *  or without a domain. CURRENT is where the agent is now, or NULL: emulators live in its session,
 *  so it stays there as long as its user is logged on, also when they disconnect. Otherwise the
 *  console comes before active remote sessions, and these before disconnected ones. Returns NULL
 *  when none will do. */
const struct svc_session *svc_session_pick(const struct svc_session *sessions, size_t n,
                                           const char *wanted, const struct svc_session *current);

#endif
