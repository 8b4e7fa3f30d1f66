/* SPDX-License-Identifier: MIT */
#include "json.h"

#include "os.h"

#include <string.h>

static void *pool_malloc(void *ctx, size_t size)
{
    (void)ctx;
    return mem_alloc(size);
}

static void *pool_realloc(void *ctx, void *old, size_t old_size, size_t size)
{
    void *ret = mem_alloc(size);

    (void)ctx;
    return memcpy(ret, old, old_size < size ? old_size : size);
}

static void pool_free(void *ctx, void *memory)
{
    (void)ctx;
    (void)memory;
}

const yyjson_alc json_alc = {
    .malloc = pool_malloc, .realloc = pool_realloc, .free = pool_free, .ctx = NULL};

static yyjson_doc *fail(char **ret_error, const char *why)
{
    if (ret_error)
        *ret_error = mem_text(why);
    return NULL;
}

yyjson_doc *json_read_file(const char *path, char **ret_error)
{
    struct text bytes = {0};
    yyjson_read_err error;
    yyjson_doc *doc;
    size_t skip;

    if (os_read_file(path, &bytes) < 0)
        return fail(ret_error, "cannot be read");
    skip = bytes.len >= 3 && memcmp(bytes.data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    doc = yyjson_read_opts(bytes.data + skip, bytes.len - skip,
                           YYJSON_READ_ALLOW_COMMENTS | YYJSON_READ_ALLOW_TRAILING_COMMAS,
                           &json_alc, &error);
    if (!doc)
        return fail(ret_error, error.msg);
    if (!yyjson_is_obj(yyjson_doc_get_root(doc)))
        return fail(ret_error, "is not a JSON object");
    return doc;
}

int json_replace_file(const char *path, yyjson_mut_doc *doc, const char *line_end)
{
    size_t len = 0;
    char *plain = yyjson_mut_write_opts(doc, YYJSON_WRITE_PRETTY, &json_alc, &len, NULL);
    struct text out = {0};

    if (!plain)
        return -1;
    /* Line ends inside strings are escaped, so every one here is the writer's. */
    for (char *at = plain; *at;) {
        size_t part = strcspn(at, "\n");

        text_add_bytes(&out, at, part);
        text_add(&out, line_end);
        at += part + (at[part] == '\n');
    }
    return os_replace_file(path, out.data, out.len);
}

char *json_line(yyjson_mut_doc *doc)
{
    return yyjson_mut_write_opts(doc, YYJSON_WRITE_NOFLAG, &json_alc, NULL, NULL);
}
