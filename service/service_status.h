/* SPDX-License-Identifier: MIT */
#ifndef SVC_SERVICE_STATUS_H
#define SVC_SERVICE_STATUS_H

#include <stdint.h>

#include "base/buf.h"

/** What the service control manager says of the installed service, for `service status`. Texts are
 *  the caller's. */
struct svc_service_status {
    const char *state;      /* "running", "stopped", ... */
    const char *start_type; /* "automatic (delayed)", "manual", ... */
    int64_t pid;            /* 0: no process */
    int64_t exit_code;      /* why it stopped last, as Windows numbers it; 0: as it should */
    int64_t specific_code;  /* enum svc_scm_exit, when exit_code says that it is ours; else 0 */
    const char *command;    /* what Windows runs */
    const char *data_dir, *config_file; /* of that command; NULL: not readable, none */
};

/** Codes with which the service itself says why it could not start. */
enum svc_scm_exit {
    SVC_SCM_EXIT_START = 1,        /* anything else; the log and the event log say what */
    SVC_SCM_EXIT_CONFIG = 2,       /* the configuration is wrong */
    SVC_SCM_EXIT_DATA_IN_USE = 3,  /* another ldplayerd uses the data directory */
    SVC_SCM_EXIT_ADDRESS_USED = 4, /* somebody else listens where it should */
    SVC_SCM_EXIT_NO_ACCESS = 5     /* a folder or file may not be used */
};

/** The code for a failed svc_app_start. */
enum svc_scm_exit svc_service_status_code(int uv_error);
/** What such a code means, or NULL for a number that is none. */
const char *svc_service_status_meaning(int64_t specific_code);

void svc_service_status_text(const struct svc_service_status *status, struct buf *out);
/** One JSON object and a line end. */
void svc_service_status_json(const struct svc_service_status *status, struct buf *out);

#endif
