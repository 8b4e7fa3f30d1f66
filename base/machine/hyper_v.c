/* SPDX-License-Identifier: MIT */
#include "base/machine/hyper_v.h"

#include <string.h>

#if defined(__x86_64__)

#include <cpuid.h>

enum {
    LEAF_VENDOR = 0x40000000,
    LEAF_PRIVILEGES = 0x40000003,
    MAY_CREATE_PARTITIONS = 1 /* of its EBX */
};
static const unsigned is_present = 1u << 31; /* of ECX of leaf 1 */

bool system_has_hyper_v(void)
{
    unsigned a, b, c, d;
    char vendor[12];
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & is_present))
        return false;
    __cpuid(LEAF_VENDOR, a, b, c, d);
    memcpy(vendor, &b, sizeof(b));
    memcpy(vendor + 4, &c, sizeof(c));
    memcpy(vendor + 8, &d, sizeof(d));
    if (memcmp(vendor, "Microsoft Hv", sizeof(vendor)) != 0 || a < LEAF_PRIVILEGES)
        return false;
    __cpuid(LEAF_PRIVILEGES, a, b, c, d);
    return b & MAY_CREATE_PARTITIONS;
}

#else

bool system_has_hyper_v(void)
{
    return false;
}

#endif
