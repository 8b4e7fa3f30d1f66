/* SPDX-License-Identifier: MIT */
#include "ldconsole/install/config_text.h"

#include <string.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "ldconsole/output/text.h"

enum { MAX_DIGITS = 18 };

/* --- the reader --- */

static bool fail(struct ldc_config_text *t, const char *fault)
{
    t->fault = fault;
    return false;
}

static bool is_quote(char c)
{
    return c == '"' || c == '\'';
}

static bool is_at(const struct ldc_config_text *t, const char *what)
{
    size_t n = strlen(what);
    return (size_t)(t->end - t->at) >= n && memcmp(t->at, what, n) == 0;
}

/* White space, control characters (a file that was padded) and comments. */
static void skip_blank(struct ldc_config_text *t)
{
    while (t->at < t->end) {
        if ((unsigned char)*t->at <= ' ') {
            t->at++;
        } else if (is_at(t, "//")) {
            while (t->at < t->end && *t->at != '\n')
                t->at++;
        } else if (is_at(t, "/*")) {
            t->at += 2;
            while (t->at < t->end && !is_at(t, "*/"))
                t->at++;
            t->at += t->at < t->end ? 2 : 0;
        } else {
            return;
        }
    }
}

/* A line end within a string is the end of one whose quote is missing. */
static bool skip_string(struct ldc_config_text *t)
{
    const char *start = t->at;
    char quote = *t->at++;
    while (t->at < t->end && *t->at != quote && *t->at != '\n') {
        t->at += *t->at == '\\';
        t->at += t->at < t->end;
    }
    if (t->at < t->end && *t->at == quote) {
        t->at++;
        return true;
    }
    t->at = start;
    return fail(t, "a string is not closed");
}

static bool skip_nested(struct ldc_config_text *t)
{
    const char *start = t->at;
    unsigned depth = 0;
    do {
        skip_blank(t);
        if (t->at == t->end)
            break;
        char c = *t->at;
        if (is_quote(c)) {
            if (!skip_string(t))
                return false;
            continue;
        }
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        t->at++;
    } while (depth > 0);
    if (depth == 0)
        return true;
    t->at = start;
    return fail(t, "a bracket is not closed");
}

static void skip_bare(struct ldc_config_text *t)
{
    while (t->at < t->end && !strchr(",{}[]\"'\r\n", *t->at) && !is_at(t, "//") && !is_at(t, "/*"))
        t->at++;
    while (t->at[-1] == ' ' || t->at[-1] == '\t')
        t->at--;
}

static bool read_value(struct ldc_config_text *t, struct ldc_config_member *m)
{
    m->value = t->at;
    m->value_len = 0;
    skip_blank(t);
    if (t->at == t->end || *t->at == ',' || *t->at == '}')
        return true;
    m->value = t->at;
    if (is_quote(*t->at)) {
        if (!skip_string(t))
            return false;
    } else if (*t->at == '{' || *t->at == '[') {
        if (!skip_nested(t))
            return false;
    } else if (*t->at == ']' || *t->at == ':') {
        return fail(t, "a value was expected");
    } else {
        skip_bare(t);
    }
    m->value_len = (size_t)(t->at - m->value);
    return true;
}

static bool read_member(struct ldc_config_text *t, struct ldc_config_member *m)
{
    if (!is_quote(*t->at))
        return fail(t, "a name in quotes was expected");
    m->key = t->at + 1;
    if (!skip_string(t))
        return false;
    m->key_len = (size_t)(t->at - 1 - m->key);
    skip_blank(t);
    if (t->at == t->end || *t->at != ':')
        return fail(t, "a ':' was expected");
    t->at++;
    return read_value(t, m);
}

static bool open_object(struct ldc_config_text *t)
{
    if (is_at(t, "\xef\xbb\xbf"))
        t->at += 3;
    skip_blank(t);
    if (t->at == t->end)
        return fail(t, "there is nothing in it");
    if (*t->at != '{')
        return fail(t, "a '{' was expected");
    t->open = ++t->at;
    return true;
}

void ldc_config_text_init(struct ldc_config_text *t, const char *text, size_t n)
{
    *t = (struct ldc_config_text){.start = text, .end = text + n, .at = text};
}

bool ldc_config_text_next(struct ldc_config_text *t, struct ldc_config_member *ret)
{
    if (t->fault || (!t->open && !open_object(t)))
        return false;
    skip_blank(t);
    while (t->at < t->end && *t->at == ',') {
        t->needs_comma = false;
        t->at++;
        skip_blank(t);
    }
    if (t->at == t->end)
        return fail(t, "the end is missing");
    if (*t->at == '}') {
        t->at++;
        skip_blank(t);
        return t->at < t->end && fail(t, "something follows the end");
    }
    if (t->needs_comma)
        return fail(t, "a ',' or '}' was expected");
    t->needs_comma = true;
    return read_member(t, ret);
}

unsigned ldc_config_text_line(const struct ldc_config_text *t, const char *at)
{
    unsigned line = 1;
    for (const char *p = t->start; p < at; p++)
        line += *p == '\n';
    return line;
}

/* --- members --- */

bool ldc_config_member_is(const struct ldc_config_member *m, const char *key)
{
    return strlen(key) == m->key_len && memcmp(m->key, key, m->key_len) == 0;
}

static bool is_word(const char *s, size_t n, const char *word)
{
    return n == strlen(word) && memcmp(s, word, n) == 0;
}

bool ldc_config_member_is_null(const struct ldc_config_member *m)
{
    return m->value_len == 0 || is_word(m->value, m->value_len, "null");
}

/* Without quotes and the blanks within them. */
static const char *bare(const struct ldc_config_member *m, size_t *ret_len)
{
    const char *start = m->value, *end = start + m->value_len;
    if (start < end && is_quote(*start)) {
        start++;
        end--;
    }
    while (start < end && *start == ' ')
        start++;
    while (start < end && end[-1] == ' ')
        end--;
    *ret_len = (size_t)(end - start);
    return start;
}

bool ldc_config_member_int(const struct ldc_config_member *m, int64_t *ret)
{
    size_t n, whole = 0;
    const char *s = bare(m, &n);
    while (whole < n && s[whole] != '.')
        whole++;
    for (size_t i = whole + 1; i < n; i++) {
        if (s[i] != '0')
            return false;
    }
    return whole > 0 && whole <= MAX_DIGITS && str_parse_i64n(s, whole, ret) == 0;
}

bool ldc_config_member_bool(const struct ldc_config_member *m, bool *ret)
{
    size_t n;
    int64_t number;
    const char *s = bare(m, &n);
    if (is_word(s, n, "true") || is_word(s, n, "false"))
        *ret = *s == 't';
    else if (ldc_config_member_int(m, &number))
        *ret = number != 0;
    else
        return false;
    return true;
}

/* What is strict in a string of JSON is escaped, what is no UTF-8 decoded, so that a parser of JSON
 * can do the rest. */
static void read_string(const char *s, size_t n, char *out, size_t size)
{
    struct buf strict cleanup(buf_deinit);
    buf_init(&strict, 0);
    (void)buf_append_str(&strict, "\"");
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)s[i] < ' ')
            (void)buf_printf(&strict, "\\u%04x", s[i]);
        else if (s[i] == '\\' && i + 1 < n && s[i + 1] == '\'')
            continue;
        else if (s[i] == '\\' && i + 1 < n && (unsigned char)s[i + 1] >= ' ')
            (void)buf_append(&strict, &s[i++], 2);
        else if (s[i] == '"' || s[i] == '\\')
            (void)buf_printf(&strict, "\\%c", s[i]);
        else
            (void)buf_append(&strict, &s[i], 1);
    }
    (void)buf_append_str(&strict, "\"");
    size_t room = strict.len * 3 + 1;
    char *text cleanup(mem_freep) = mem_alloc(room);
    ldc_text_decode(strict.data, strict.len, LDC_CODEPAGE_SYSTEM, text, room);
    yyjson_doc *doc cleanup(json_doc_freep) = yyjson_read(text, strlen(text), YYJSON_READ_NOFLAG);
    const char *value = yyjson_get_str(yyjson_doc_get_root(doc));
    if (!value) {
        /* An escape that is none: as it stands. */
        ldc_text_decode(s, n, LDC_CODEPAGE_SYSTEM, text, room);
        value = text;
    }
    str_copy(out, size, value);
}

bool ldc_config_member_text(const struct ldc_config_member *m, char *out, size_t size)
{
    if (m->value_len == 0 || *m->value == '{' || *m->value == '[')
        return false;
    if (is_quote(*m->value))
        read_string(m->value + 1, m->value_len - 2, out, size);
    else
        ldc_text_decode(m->value, m->value_len, LDC_CODEPAGE_SYSTEM, out, size);
    return true;
}
