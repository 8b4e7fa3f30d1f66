/* SPDX-License-Identifier: MIT */
#ifndef SVC_LOCK_H
#define SVC_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#define SVC_LOCK_FILE "ldplayerd.lock"

/** One owner for one data directory: `ldplayerd.lock` there, held open and locked as long as the
 *  process lives. Only who holds it opens the database: the service, or a command that runs while
 *  there is none. The system releases it whatever ends the process; the file stays. */
struct svc_lock;

/** Who has the lock, as the file says; for people, and to know whether there is somebody to ask. */
struct svc_lock_holder {
    int64_t pid;   /* 0 = not readable */
    char what[32]; /* of the command line: "serve", "token create" */
};

/** Takes the lock and writes this process's id and WHAT into the file. Returns 0, UV_EBUSY with the
 *  holder in *RETERR, or another UV code. */
int svc_lock_take(const char *data_dir, const char *what, struct svc_lock **ret,
                  struct svc_lock_holder *reterr);
/** Accepts NULL. */
void svc_lock_release(struct svc_lock *lock);
/** The same, and its file goes. Who takes the lock meanwhile has one that is there. Returns 0 or a
 *  UV code. */
int svc_lock_remove(struct svc_lock *lock);

/** What the service calls itself as a holder. */
extern const char svc_lock_service[];
bool svc_lock_is_service(const struct svc_lock_holder *holder);

/* lock.c: the text of the file. */
enum { SVC_LOCK_TEXT_SIZE = 64 };
void svc_lock_write_text(const char *what, char out[SVC_LOCK_TEXT_SIZE]);
void svc_lock_read_text(const char *text, struct svc_lock_holder *ret);

#endif
