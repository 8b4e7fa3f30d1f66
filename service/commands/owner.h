/* SPDX-License-Identifier: MIT */
#ifndef SVC_OWNER_H
#define SVC_OWNER_H

#include "service/client/client.h"
#include "service/config/args.h"
#include "service/process/exit.h"
#include "service/process/lock.h"

/** Whose the database of a data directory is while a command runs. Exactly one process opens it:
 *  the holder of the lock. Either this command has become that, or the running service is, and is
 *  asked. */
struct svc_owner {
    char *data_dir;
    struct svc_lock *lock;        /* this command's, or NULL: ask */
    struct svc_endpoint endpoint; /* of the service that is to be asked */
};

/** What a command needs to find. */
enum svc_owner_need {
    SVC_OWNER_NOTHING,  /* it makes what is missing: the default data directory, the database in it
                         * or in an empty folder */
    SVC_OWNER_DATA_DIR, /* a folder that is known to be a data directory */
    SVC_OWNER_DATABASE, /* a database in it */
};

/** Takes the lock of the data directory that ARGS or the configuration name in the name of WHAT,
 *  and finishes a restore that was cut off; or finds the service that has it. One that is just
 *  starting or ending, and another command, are waited for a little. What stands in the way is
 *  printed to standard error; where what the command NEEDs is missing, nothing is made. RET is to
 *  be released in any case. */
enum svc_exit svc_owner_find(const struct svc_args *args, const char *what,
                             enum svc_owner_need need, struct svc_owner *ret);
/** Accepts a zeroed one. */
void svc_owner_deinit(struct svc_owner *owner);

/** Asks the service, see svc_client_ask. A request without an answer, and an answer of 400 or more
 *  but EXPECTED, is printed: DOING ("the token could not be made") and why. */
enum svc_exit svc_owner_ask(const struct svc_owner *owner, const struct svc_client_request *request,
                            int expected, const char *doing, struct svc_client_answer *ret);
/** The second half of that, of an answer. */
enum svc_exit svc_owner_judge(const struct svc_owner *owner, const struct svc_client_answer *answer,
                              int expected, const char *doing);

#endif
