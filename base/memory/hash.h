/* SPDX-License-Identifier: MIT */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/** A hash of N bytes. Bytes that have the same one cannot be chosen by who does not know the SEED:
 *  random for what clients send; any fixed one where only accidents are to be noticed. The same on
 *  machines of the same byte order. Any thread. */
uint64_t hash_bytes(const uint64_t seed[2], const void *bytes, size_t n);
/** For what comes in pieces, where only accidents are to be noticed: the hash of what was before,
 *  0 at first, and of N bytes more. */
uint64_t hash_more(uint64_t hash, const void *bytes, size_t n);

#endif
