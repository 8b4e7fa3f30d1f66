/* SPDX-License-Identifier: MIT */
#ifndef SVC_SERVICE_NAME_H
#define SVC_SERVICE_NAME_H

/** The names of the installed service; Windows only. */
#define SVC_SCM_NAME L"ldplayerd"
#define SVC_SCM_DISPLAY_NAME L"LDPlayer daemon (ldplayerd)"
#define SVC_SCM_GROUP L"ldplayerd-operators"

#endif
