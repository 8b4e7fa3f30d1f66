/* SPDX-License-Identifier: MIT */
#include "base/memory/blob.h"

#include <string.h>

#include "base/memory/mem.h"

struct blob *blob_new(size_t len)
{
    struct blob *b = mem_realloc(NULL, sizeof(*b) + len + 1);
    b->refs = 1;
    b->len = len;
    b->data[len] = '\0';
    return b;
}

struct blob *blob_copy(const void *bytes, size_t len)
{
    struct blob *b = blob_new(len);
    memcpy(b->data, bytes, len);
    return b;
}

struct blob *blob_ref(struct blob *b)
{
    b->refs++;
    return b;
}

struct blob *blob_unref(struct blob *b)
{
    if (b && --b->refs == 0)
        mem_free(b);
    return NULL;
}

void blob_unrefp(struct blob **b)
{
    blob_unref(*b);
}
