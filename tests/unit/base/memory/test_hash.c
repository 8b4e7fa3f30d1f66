/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "base/memory/hash.h"

static const uint64_t seed[] = {1, 2};

Test(hash, depends_on_each_bit_and_on_the_length)
{
    char bytes[100];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7);
    for (size_t n = 1; n < sizeof(bytes); n++) {
        uint64_t whole = hash_bytes(seed, bytes, n);
        cr_assert_eq(hash_bytes(seed, bytes, n), whole);
        cr_assert_neq(hash_bytes(seed, bytes, n - 1), whole, "%zu bytes", n);
        for (size_t bit = 0; bit < 8 * n; bit++) {
            bytes[bit / 8] ^= (char)(1 << bit % 8);
            cr_assert_neq(hash_bytes(seed, bytes, n), whole, "bit %zu of %zu bytes", bit, n);
            bytes[bit / 8] ^= (char)(1 << bit % 8);
        }
    }
}

Test(hash, of_zeros_depends_on_how_many_there_are)
{
    char zeros[64] = {0};
    for (size_t n = 1; n < sizeof(zeros); n++)
        cr_assert_neq(hash_bytes(seed, zeros, n), hash_bytes(seed, zeros, n - 1), "%zu", n);
}

Test(hash, depends_on_both_halves_of_the_seed)
{
    const uint64_t others[][2] = {{3, 2}, {1, 3}};
    for (size_t i = 0; i < 2; i++)
        cr_assert_neq(hash_bytes(others[i], "key", 3), hash_bytes(seed, "key", 3));
}
