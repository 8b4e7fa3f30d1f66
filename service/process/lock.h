/* SPDX-License-Identifier: MIT */
#ifndef SVC_LOCK_H
#define SVC_LOCK_H

#include <stdint.h>

/** One service for one data directory: `ldplayerd.lock` there, held open and locked as long as
 *  the process lives. The system releases it whatever ends the process; the file stays. */
struct svc_lock;

/** Takes the lock and writes this process's id into the file. Returns 0, UV_EBUSY with the
 *  holder's id in *RETERR_PID (0 = not readable), or another UV code. */
int svc_lock_take(const char *data_dir, struct svc_lock **ret, int64_t *reterr_pid);
/** Accepts NULL. */
void svc_lock_release(struct svc_lock *lock);

#endif
