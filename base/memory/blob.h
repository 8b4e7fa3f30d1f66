/* SPDX-License-Identifier: MIT */
#ifndef BASE_BLOB_H
#define BASE_BLOB_H

#include <stddef.h>

/** Immutable bytes with several owners: a response body that many connections are writing at
 *  once. Loop thread only, so the count is a plain integer. */
struct blob {
    unsigned refs;
    size_t len;
    char data[];
};

/** A blob of LEN bytes to be filled before it is shared; the caller holds the one reference. */
struct blob *blob_new(size_t len);
struct blob *blob_copy(const void *bytes, size_t len);
struct blob *blob_ref(struct blob *b);
/** Accepts NULL; returns NULL. */
struct blob *blob_unref(struct blob *b);
void blob_unrefp(struct blob **b);

#endif
