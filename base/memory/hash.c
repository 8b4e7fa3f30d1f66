/* SPDX-License-Identifier: MIT */
#include "base/memory/hash.h"

#include <string.h>

static uint64_t read_word(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    return word;
}

/* Each byte of the whole product depends on every byte of both. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Sixteen bytes a step: going byte by byte, hashing took as long as all the rest of a lookup in a
 * map. The last step takes what is left, with bytes in front of it again when it is less than a
 * step. */
uint64_t hash_bytes(const uint64_t seed[2], const void *bytes, size_t n)
{
    const char *p = bytes, *end = p + n;
    uint64_t h = seed[0] ^ n, a = 0, b = 0;
    for (size_t left = n; left > 16; left -= 16, p += 16)
        h = mix(read_word(p) ^ h, read_word(p + 8) ^ seed[1]);
    if (n >= 8) {
        a = read_word(n >= 16 ? end - 16 : bytes);
        b = read_word(end - 8);
    } else {
        memcpy(&a, bytes, n);
    }
    return mix(mix(a ^ h, b ^ seed[1]), seed[0] | 1);
}

uint64_t hash_more(uint64_t hash, const void *bytes, size_t n)
{
    const uint64_t seed[] = {hash, UINT64_C(0x9e3779b97f4a7c15)}; /* the other half is any number */
    return hash_bytes(seed, bytes, n);
}
