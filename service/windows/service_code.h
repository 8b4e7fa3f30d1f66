/* SPDX-License-Identifier: MIT */
#ifndef SVC_SERVICE_CODE_H
#define SVC_SERVICE_CODE_H

#include <stdint.h>

/** Codes with which the service itself says why it could not start. */
enum svc_scm_exit {
    SVC_SCM_EXIT_START = 1,        /* anything else; the log and the event log say what */
    SVC_SCM_EXIT_CONFIG = 2,       /* the configuration is wrong */
    SVC_SCM_EXIT_DATA_IN_USE = 3,  /* another ldplayerd uses the data directory */
    SVC_SCM_EXIT_ADDRESS_USED = 4, /* somebody else listens where it should */
    SVC_SCM_EXIT_NO_ACCESS = 5,    /* a folder or file may not be used */
    SVC_SCM_EXIT_PORT_REFUSED = 6  /* the system does not give the port to it */
};

/** The code for a failed svc_app_start. */
enum svc_scm_exit svc_service_code_of(int uv_error);
/** What such a code means, or NULL for a number that is none. */
const char *svc_service_code_meaning(int64_t specific_code);

#endif
