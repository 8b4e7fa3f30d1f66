/* SPDX-License-Identifier: MIT */
#include "cache/results/envelope.h"

#include <stdbool.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"

enum { VERSION = 1 };

static size_t names_size(const char *const *names)
{
    size_t size = 0;
    for (; names && *names; names++)
        size += **names ? strlen(*names) + 1 : 0;
    return size;
}

struct blob *cache_envelope_seal(const struct blob *value, const char *const *names)
{
    struct blob *sealed = blob_new(1 + names_size(names) + 1 + value->len);
    char *out = sealed->data;
    *out++ = VERSION;
    for (; names && *names; names++) {
        size_t size = **names ? strlen(*names) + 1 : 0;
        memcpy(out, *names, size);
        out += size;
    }
    *out++ = '\0';
    memcpy(out, value->data, value->len);
    return sealed;
}

int cache_envelope_open(const struct blob *sealed, struct blob **ret_value, const char ***ret_names)
{
    const char *at = sealed->data, *end = at + sealed->len;
    const char **names cleanup(mem_freep) = NULL;
    size_t n = 0, cap = 0;
    if (at == end || *at++ != VERSION)
        return UV_EINVAL;
    for (;;) {
        const char *nul = memchr(at, '\0', (size_t)(end - at));
        if (!nul)
            return UV_EINVAL;
        names = mem_grow(names, n, &cap, sizeof(*names));
        names[n++] = nul > at ? at : NULL;
        bool is_last = nul == at;
        at = nul + 1;
        if (is_last)
            break;
    }
    *ret_value = blob_copy(at, (size_t)(end - at));
    *ret_names = take_ptr(names);
    return 0;
}
