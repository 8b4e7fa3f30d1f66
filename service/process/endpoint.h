/* SPDX-License-Identifier: MIT */
#ifndef SVC_ENDPOINT_H
#define SVC_ENDPOINT_H

#include <stdint.h>

#define SVC_ENDPOINT_FILE "ldplayerd.endpoint"

/** Where the service that holds a data directory listens: `ldplayerd.endpoint` there, for commands
 *  that want to ask it. The file alone says nothing, because a service that was killed leaves it
 *  behind: that somebody is there says the lock (lock.h), and the file counts when it names the
 *  holder. */
struct svc_endpoint {
    int64_t pid;
    char *http; /* "http://127.0.0.1:8765", or NULL */
    char *pipe; /* path of the unix socket or name of the pipe, or NULL */
};

/** Written by the holder of the lock, as one step. Blocking, like the others. Returns 0 or a UV
 *  code. */
int svc_endpoint_write(const char *data_dir, const struct svc_endpoint *endpoint);
/** By the holder of the lock: what stands there, be it of a former one, goes. */
void svc_endpoint_remove(const char *data_dir);
/** By who may have lost the lock meanwhile: only what this process has written goes. */
void svc_endpoint_withdraw(const char *data_dir);
/** RET is for svc_endpoint_deinit. Returns 0, UV_ENOENT, UV_EINVAL for a file that is none of ours,
 *  UV_EISDIR or UV_EFTYPE for what is no plain file, or another UV code. */
int svc_endpoint_read(const char *data_dir, struct svc_endpoint *ret);
/** Accepts a zeroed one. */
void svc_endpoint_deinit(struct svc_endpoint *endpoint);

#endif
