/* SPDX-License-Identifier: MIT */
#ifndef SVC_SCM_HANDLE_WIN_H
#define SVC_SCM_HANDLE_WIN_H

#include <uv.h>

#include <windows.h>

#include "service/process/exit.h"

/** Handles of the service control manager, for commands. */

/** For `cleanup(svc_scm_closep)`. */
void svc_scm_closep(SC_HANDLE *handle);
/** Opens the manager. What is wrong is printed. */
enum svc_exit svc_scm_open_manager(DWORD access, SC_HANDLE *ret);
/** Opens the installed service. What is wrong is printed. */
enum svc_exit svc_scm_open(DWORD access, SC_HANDLE *ret);
/** The same, but *RET is NULL and nothing is printed where it is not installed. */
enum svc_exit svc_scm_open_if_there(DWORD access, SC_HANDLE *ret);
/** Waits until the service is in STATE, as long as it gets on. What is wrong is printed. */
enum svc_exit svc_scm_await(SC_HANDLE service, DWORD state);

#endif
