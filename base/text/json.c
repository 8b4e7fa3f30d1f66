/* SPDX-License-Identifier: MIT */
#include "base/text/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"

static _Thread_local char refusal[160];

static int refuse(const char **reterr, const char *what, size_t where)
{
    snprintf(refusal, sizeof(refusal), "%s at byte %zu", what, where);
    *reterr = refusal;
    return UV_EINVAL;
}

static bool has_repeated_key(yyjson_val *object, const char **ret_key)
{
    size_t i, max, j, max_j;
    yyjson_val *key, *value, *other, *other_value;
    yyjson_obj_foreach(object, i, max, key, value) {
        yyjson_obj_foreach(object, j, max_j, other, other_value) {
            if (j >= i)
                break;
            if (yyjson_get_len(key) == yyjson_get_len(other) &&
                memcmp(yyjson_get_str(key), yyjson_get_str(other), yyjson_get_len(key)) == 0) {
                *ret_key = yyjson_get_str(key);
                return true;
            }
        }
    }
    return false;
}

static int check_value(yyjson_val *value, unsigned depth, const char **reterr)
{
    const char *key_text;
    size_t i, max;
    yyjson_val *key, *child;

    if (!yyjson_is_ctn(value))
        return 0;
    if (depth >= JSON_MAX_DEPTH) {
        *reterr = "nested deeper than 32 levels";
        return UV_EINVAL;
    }
    if (yyjson_is_arr(value)) {
        yyjson_arr_foreach(value, i, max, child) {
            if (check_value(child, depth + 1, reterr) < 0)
                return UV_EINVAL;
        }
        return 0;
    }
    if (yyjson_obj_size(value) > JSON_MAX_KEYS) {
        *reterr = "an object has more than 256 keys";
        return UV_EINVAL;
    }
    if (has_repeated_key(value, &key_text)) {
        /* Cut at a character: the sentence goes into a document that must be valid UTF-8. */
        char shown[64];
        str_copy(shown, sizeof(shown), key_text);
        snprintf(refusal, sizeof(refusal), "the key \"%s\" stands twice in one object", shown);
        *reterr = refusal;
        return UV_EINVAL;
    }
    yyjson_obj_foreach(value, i, max, key, child) {
        if (check_value(child, depth + 1, reterr) < 0)
            return UV_EINVAL;
    }
    return 0;
}

int json_parse(const char *text, size_t n, yyjson_doc **ret_doc, const char **reterr)
{
    yyjson_read_err err;
    yyjson_doc *doc cleanup(json_doc_freep) =
        yyjson_read_opts((char *)text, n, YYJSON_READ_NOFLAG, NULL, &err);
    if (!doc)
        return refuse(reterr, err.msg, err.pos);
    if (check_value(yyjson_doc_get_root(doc), 0, reterr) < 0)
        return UV_EINVAL;
    *ret_doc = take_ptr(doc);
    return 0;
}

void json_doc_freep(yyjson_doc **doc)
{
    yyjson_doc_free(*doc);
}

void json_mut_doc_freep(yyjson_mut_doc **doc)
{
    yyjson_mut_doc_free(*doc);
}

char *json_write(const yyjson_mut_doc *doc)
{
    char *text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, NULL);
    /* Every string in our documents is valid UTF-8, so the only cause left is memory. */
    if (!text)
        abort();
    return text;
}

struct blob *json_write_blob(const yyjson_mut_doc *doc)
{
    char *text cleanup(mem_freep) = json_write(doc);
    return blob_copy(text, strlen(text));
}

char *json_write_value(yyjson_val *value)
{
    char *text = yyjson_val_write(value, YYJSON_WRITE_NOFLAG, NULL);
    if (!text)
        abort();
    return text;
}

/* A copy that is valid UTF-8, or NULL when S is that already. Messages quote what programs print
 * and are cut to size, and no such text may make a document invalid. */
static char *repair(const char *s)
{
    if (str_is_utf8(s, strlen(s)))
        return NULL;
    char *copy = mem_strdup(s);
    str_make_utf8(copy);
    return copy;
}

void json_add_str(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, const char *s)
{
    char *repaired cleanup(mem_freep) = s ? repair(s) : NULL;
    if (s)
        yyjson_mut_obj_add_strcpy(doc, object, key, repaired ? repaired : s);
    else
        yyjson_mut_obj_add_null(doc, object, key);
}

void json_add_time(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, int64_t wall_ms)
{
    char text[CLOCK_RFC3339_SIZE];
    if (wall_ms)
        clock_format(wall_ms, text);
    json_add_str(doc, object, key, wall_ms ? text : NULL);
}

void json_add_raw(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, const char *json)
{
    if (json)
        yyjson_mut_obj_add_val(doc, object, key, yyjson_mut_rawcpy(doc, json));
    else
        yyjson_mut_obj_add_null(doc, object, key);
}

static bool needs_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

void json_add_percent(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, double percent)
{
    if (percent < 0)
        yyjson_mut_obj_add_null(doc, object, key);
    else
        yyjson_mut_obj_add_real(doc, object, key, (double)(uint64_t)(percent * 10 + 0.5) / 10);
}

void json_append_str(struct buf *out, const char *s)
{
    char *repaired cleanup(mem_freep) = repair(s);
    s = repaired ? repaired : s;
    (void)buf_append(out, "\"", 1);
    while (*s) {
        const char *plain = s;
        while (*s && !needs_escape((unsigned char)*s))
            s++;
        (void)buf_append(out, plain, (size_t)(s - plain));
        if (*s == '"' || *s == '\\')
            (void)buf_printf(out, "\\%c", *s++);
        else if (*s)
            (void)buf_printf(out, "\\u%04x", (unsigned char)*s++);
    }
    (void)buf_append(out, "\"", 1);
}
