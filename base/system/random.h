/* SPDX-License-Identifier: MIT */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>

enum { UUID_SIZE = 37 };

/** Bytes from the system's generator, by libsodium. Any thread. Aborts if there is none. */
void random_bytes(void *out, size_t n);
/** A random UUID (version 4), lower case, NUL-terminated. */
void random_uuid(char out[UUID_SIZE]);
/** A UUID ordered by time (version 7, RFC 9562), for rows that are listed newest first. */
void random_uuid_by_time(char out[UUID_SIZE]);
/** Whether TEXT, which may be NULL, is a UUID as the two above write it: lower case, nothing else.
 *  Then it can be a part of a file's name. */
bool random_is_uuid(const char *text);

#endif
