/* SPDX-License-Identifier: MIT */
#ifndef CACHE_REDIS_READER_H
#define CACHE_REDIS_READER_H

#include <stddef.h>

struct redisReader; /* hiredis.h */

/** hiredis' reader of answers with limits, for a peer that may be anything: a string is at most
 *  MAX_BYTES long, an array has at most 16384 elements, and arrays are nested at most two deep.
 *  Freed with redisReaderFree. From the first call on hiredis allocates by base/memory/mem.h. Loop
 *  thread only. */
struct redisReader *cache_redis_reader_new(size_t max_bytes);

#endif
