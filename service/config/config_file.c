/* SPDX-License-Identifier: MIT */
#include "service/config/config.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>
#include <yyjson.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/json.h"
#include "service/config/nearest.h"

/* The configuration file: one flat JSON object, comments and trailing commas allowed. yyjson does
 * not keep where a value stood, but parsed in place its strings point into our own bytes, and the
 * place of a key gives the line. */

enum { FILE_MAX = 1 << 20 };

struct reader {
    struct svc_config *config;
    struct svc_problems *problems;
    const char *path;
    const struct buf *text; /* as read, for counting lines */
    char *bytes;            /* a copy that the parser may write into */
    bool seen[SVC_CONFIG_MAX_OPTIONS];
};

static unsigned line_at(const struct reader *r, size_t offset)
{
    unsigned line = 1;
    for (size_t i = 0; i < offset && i < r->text->len; i++)
        line += r->text->data[i] == '\n';
    return line;
}

static void refuse_key(const struct reader *r, const char *key, unsigned line)
{
    char hint[80];
    struct svc_nearest nearest;
    svc_nearest_init(&nearest, key);
    for (size_t i = 0; i < svc_option_count; i++)
        svc_nearest_offer(&nearest, svc_option_table[i].name);
    svc_problems_add(r->problems, "%s:%u: %.60s: there is no such option%s", r->path, line, key,
                     svc_nearest_hint(&nearest, "", hint, sizeof(hint)));
}

static void refuse_type(const struct reader *r, const struct svc_option *option, yyjson_val *value,
                        const char *where)
{
    char rule[200], got[64];
    if (yyjson_is_real(value))
        snprintf(got, sizeof(got), "%.10g", yyjson_get_real(value));
    else
        snprintf(got, sizeof(got), "a value of type %s", yyjson_get_type_desc(value));
    svc_problems_add(r->problems, "%s: %s is not allowed; it must be %s", where, got,
                     svc_option_rule(option, rule, sizeof(rule)));
}

static int64_t clamp(yyjson_val *value)
{
    if (yyjson_is_uint(value) && yyjson_get_uint(value) > INT64_MAX)
        return INT64_MAX;
    return yyjson_get_sint(value);
}

static void set_value(struct reader *r, const struct svc_option *option, yyjson_val *value,
                      unsigned line)
{
    struct svc_origin origin = {.source = SVC_SOURCE_FILE, .line = line};
    char *where cleanup(mem_freep) = mem_printf("%s:%u: %s", r->path, line, option->name);
    bool is_plain = yyjson_is_str(value) && strlen(yyjson_get_str(value)) == yyjson_get_len(value);
    switch (option->type) {
    case SVC_OPTION_NUMBER:
        if (yyjson_is_int(value)) {
            svc_config_set_number(r->config, option, clamp(value), origin, where, r->problems);
            return;
        }
        break;
    case SVC_OPTION_BOOL:
        if (yyjson_is_bool(value)) {
            svc_config_set_bool(r->config, option, yyjson_get_bool(value), origin);
            return;
        }
        break;
    case SVC_OPTION_TEXT:
    case SVC_OPTION_CHOICE:
        if (is_plain) {
            svc_config_set_string(r->config, option, yyjson_get_str(value), origin, where,
                                  r->problems);
            return;
        }
        break;
    }
    refuse_type(r, option, value, where);
}

static void read_pair(struct reader *r, yyjson_val *key, yyjson_val *value)
{
    const char *name = yyjson_get_str(key);
    unsigned line = line_at(r, (size_t)(name - r->bytes));
    const struct svc_option *option = svc_option_find(name);
    if (!option) {
        refuse_key(r, name, line);
        return;
    }
    size_t position = svc_option_position(option);
    if (r->seen[position])
        svc_problems_add(r->problems, "%s:%u: %s: the key stands a second time", r->path, line,
                         name);
    else
        set_value(r, option, value, line);
    r->seen[position] = true;
}

static void read_object(struct reader *r, yyjson_val *root)
{
    size_t i, max;
    yyjson_val *key, *value;
    if (!yyjson_is_obj(root)) {
        svc_problems_add(r->problems, "%s:1: the file must hold one JSON object", r->path);
        return;
    }
    yyjson_obj_foreach(root, i, max, key, value) {
        read_pair(r, key, value);
    }
}

/* Editors of Windows, and PowerShell 5.1, put one in front of UTF-8. */
static size_t skip_byte_order_mark(const struct reader *r)
{
    static const char mark[] = "\xEF\xBB\xBF";
    size_t n = sizeof(mark) - 1;
    return r->text->len >= n && memcmp(r->bytes, mark, n) == 0 ? n : 0;
}

static bool is_utf16(const struct reader *r)
{
    const unsigned char *b = (const unsigned char *)r->bytes;
    return r->text->len >= 2 && ((b[0] == 0xFF && b[1] == 0xFE) || (b[0] == 0xFE && b[1] == 0xFF));
}

static void parse(struct reader *r)
{
    yyjson_read_err err;
    size_t begin = skip_byte_order_mark(r), len = r->text->len - begin;
    if (len == 0 || is_utf16(r)) {
        svc_problems_add(r->problems,
                         len == 0
                             ? "%s: the file is empty; it must hold one JSON object, {} at least"
                             : "%s: the file is in UTF-16; save it as UTF-8",
                         r->path);
        return;
    }
    yyjson_read_flag flags =
        YYJSON_READ_INSITU | YYJSON_READ_ALLOW_COMMENTS | YYJSON_READ_ALLOW_TRAILING_COMMAS;
    yyjson_doc *doc cleanup(json_doc_freep) =
        yyjson_read_opts(r->bytes + begin, len, flags, NULL, &err);
    if (doc)
        read_object(r, yyjson_doc_get_root(doc));
    else
        svc_problems_add(r->problems, "%s:%u: this is not JSON: %s", r->path,
                         line_at(r, begin + err.pos), err.msg);
}

void svc_config_read_file(struct svc_config *c, const char *path, struct svc_problems *problems)
{
    struct buf text cleanup(buf_deinit);
    buf_init(&text, FILE_MAX);
    int status = fs_read(path, &text);
    if (status < 0) {
        svc_problems_add(problems, "%s: the configuration file cannot be read: %s", path,
                         uv_strerror(status));
        return;
    }
    char *bytes cleanup(mem_freep) = mem_alloc(text.len + YYJSON_PADDING_SIZE);
    if (text.len > 0)
        memcpy(bytes, text.data, text.len);
    struct reader r = {
        .config = c, .problems = problems, .path = path, .text = &text, .bytes = bytes};
    parse(&r);
}
