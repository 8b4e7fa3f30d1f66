/* SPDX-License-Identifier: MIT */
#ifndef SVC_TOKEN_WIN_H
#define SVC_TOKEN_WIN_H

#include <stdbool.h>
#include <stdint.h>

/** Access tokens of Windows. uv.h and windows.h come before this header; a HANDLE is closed by the
 *  caller. */

/** A primary token of the user of SESSION, elevated where that user can be (the linked token of a
 *  filtered administrator). Needs LocalSystem. Returns 0 or a UV code; GetLastError says more. */
int svc_token_of_session(uint32_t session, HANDLE *ret);
/** The token of this process, to be asked. */
int svc_token_own(HANDLE *ret);
/** The user of TOKEN ("S-1-5-21-..."), owned by the caller, or NULL. */
char *svc_token_user_sid(HANDLE token);
/** Whether this process runs elevated. */
bool svc_token_is_elevated(void);

#endif
