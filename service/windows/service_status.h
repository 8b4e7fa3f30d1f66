/* SPDX-License-Identifier: MIT */
#ifndef SVC_SERVICE_STATUS_H
#define SVC_SERVICE_STATUS_H

#include <stdint.h>

#include "base/memory/buf.h"
#include "service/config/args.h"
#include "service/process/exit.h"

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

void svc_service_status_text(const struct svc_service_status *status, struct buf *out);
/** One JSON object and a line end. */
void svc_service_status_json(const struct svc_service_status *status, struct buf *out);

/** Asks the service control manager and prints the answer, as `--format` says; Windows only. */
enum svc_exit svc_service_status_show(const struct svc_args *args);

#endif
