/* SPDX-License-Identifier: MIT */
#include "service/process/node_id.h"

#include <string.h>

#include <uv.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"

enum { MAX_BYTES = 256 };

/* TEXT has N bytes: a UUID, perhaps with the end of a line that an editor put there. */
static int parse(const char *text, size_t n, char ret[UUID_SIZE])
{
    char id[UUID_SIZE];
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    if (n != UUID_SIZE - 1)
        return UV_EINVAL;
    memcpy(id, text, n);
    id[n] = '\0';
    if (!random_is_uuid(id))
        return UV_EINVAL;
    memcpy(ret, id, UUID_SIZE);
    return 0;
}

static int make(const char *path, char ret[UUID_SIZE])
{
    char line[UUID_SIZE + 1];
    random_uuid(ret);
    memcpy(line, ret, UUID_SIZE - 1);
    line[UUID_SIZE - 1] = '\n';
    return fs_write_atomic(path, line, UUID_SIZE);
}

int svc_node_id_read(const char *data_dir, char ret[UUID_SIZE])
{
    struct buf text cleanup(buf_deinit);
    char *path cleanup(mem_freep) = fs_join(data_dir, SVC_NODE_ID_FILE);
    buf_init(&text, MAX_BYTES);
    int r = fs_read(path, &text);
    if (r == UV_ENOENT)
        return make(path, ret);
    if (r < 0)
        return r == UV_EFBIG ? UV_EINVAL : r;
    return parse(text.len ? text.data : "", text.len, ret);
}
