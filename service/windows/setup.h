/* SPDX-License-Identifier: MIT */
#ifndef SVC_SETUP_H
#define SVC_SETUP_H

#include "service/process/exit.h"

/** What the service is given beyond its entry in the service control manager. Texts are the
 *  caller's. */
struct svc_setup {
    const char *data_dir;
    const char *add_user; /* who becomes an operator: DOMAIN\NAME or a SID; or NULL */
};

/* Each part of the setup can be repeated, prints what went wrong and what to do, and returns
 * SVC_EXIT_OK or SVC_EXIT_FAILED. */

/** setup_service_win.c: description, start, recovery, privileges and the like. */
enum svc_exit svc_setup_service(const struct svc_setup *setup);
/** setup_source_win.c: the event source whose texts are in this program. */
enum svc_exit svc_setup_source(const struct svc_setup *setup);
enum svc_exit svc_setup_source_remove(void);
/** setup_group_win.c: the local group of those who may operate instances. */
enum svc_exit svc_setup_group(const struct svc_setup *setup);
/** Leaves a group that was there before us. */
enum svc_exit svc_setup_group_remove(void);
/** setup_data_dir_win.c: the data directory, closed to all but the system and administrators. */
enum svc_exit svc_setup_data_dir(const struct svc_setup *setup);

/** All that stands without an entry, the directory first; a part that fails is the last. */
enum svc_exit svc_setup_prepare(const struct svc_setup *setup);
/** What uninstalling takes back: everything but the data. */
enum svc_exit svc_setup_remove(void);

#endif
