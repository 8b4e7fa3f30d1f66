/* SPDX-License-Identifier: MIT */
#ifndef CACHE_ENVELOPE_H
#define CACHE_ENVELOPE_H

#include "base/memory/blob.h"

/** How a value travels through a tier: with the names of what it was made from, so that whoever
 *  takes it out knows when it is outdated. One byte of version, each name with its NUL, an empty
 *  name, the bytes of the value. */

/** NAMES: NULL-terminated, or NULL. The caller owns what is returned. */
struct blob *cache_envelope_seal(const struct blob *value, const char *const *names);
/** Returns 0, or UV_EINVAL for bytes that are no envelope. The caller owns the value and frees the
 *  array of names with mem_free; the names themselves are SEALED's. */
int cache_envelope_open(const struct blob *sealed, struct blob **ret_value,
                        const char ***ret_names);

#endif
