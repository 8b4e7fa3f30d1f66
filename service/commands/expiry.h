/* SPDX-License-Identifier: MIT */
#ifndef SVC_EXPIRY_H
#define SVC_EXPIRY_H

#include <stdint.h>

/** When a token ends: an RFC 3339 time, or a span from NOW: "30d", "12h", "15m". Returns 0,
 *  UV_EINVAL when TEXT is neither, UV_ERANGE when the time is not in the future or more than a
 *  hundred years away. */
int svc_expiry_parse(const char *text, int64_t now_wall_ms, int64_t *ret_wall_ms);

#endif
