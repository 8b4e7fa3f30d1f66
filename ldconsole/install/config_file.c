/* SPDX-License-Identifier: MIT */
/* Reading and writing the text of one file; which files there are is in configs.c, and what a text
 * may look like in config_text.c. Of members that stand there twice the last one counts. */
#include "ldconsole/install/config_file.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "ldconsole/install/config_text.h"

enum { MAX_FILE = 1 << 20 };

/* --- reading --- */

struct reading {
    struct ldc_config_text text;
    struct ldc_config *config;
    bool has_size, has_dpi, has_no_width, has_no_height;
};

static void note_fault(struct ldc_config *config, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The first one stays. */
static void note_fault(struct ldc_config *config, const char *fmt, ...)
{
    va_list args;
    if (*config->fault)
        return;
    va_start(args, fmt);
    vsnprintf(config->fault, sizeof(config->fault), fmt, args);
    va_end(args);
    str_make_utf8(config->fault);
}

/* Of a value that we would have used: which, what stands there, and where. */
static void note_value(struct reading *r, const struct ldc_config_member *m, const char *wanted)
{
    note_fault(r->config, "%.*s in line %u is no %s: %.*s", (int)m->key_len, m->key,
               ldc_config_text_line(&r->text, m->value), wanted,
               m->value_len > 40 ? 40 : (int)m->value_len, m->value);
}

static bool read_int(const struct ldc_config_member *m, int *ret)
{
    int64_t number;
    if (!ldc_config_member_int(m, &number) || number < INT_MIN || number > INT_MAX)
        return false;
    *ret = (int)number;
    return true;
}

static void read_setting(struct reading *r, const struct ldc_setting_info *info,
                         const struct ldc_config_member *m)
{
    static const char *const wanted[] = {[LDC_SETTING_INT] = "whole number",
                                         [LDC_SETTING_TEXT] = "text",
                                         [LDC_SETTING_BOOL] = "true or false"};
    struct ldc_setting_value *value = &r->config->settings.values[info - ldc_setting_table];
    bool flag = false;
    *value = (struct ldc_setting_value){0};
    if (ldc_config_member_is_null(m))
        return;
    switch (info->type) {
    case LDC_SETTING_INT:
        value->is_set = ldc_config_member_int(m, &value->number);
        break;
    case LDC_SETTING_TEXT:
        value->is_set = ldc_config_member_text(m, value->text, sizeof(value->text));
        break;
    case LDC_SETTING_BOOL:
        value->is_set = ldc_config_member_bool(m, &flag);
        value->number = flag;
        break;
    }
    if (!value->is_set)
        note_value(r, m, wanted[info->type]);
}

static void read_size(struct reading *r, const struct ldc_config_member *m)
{
    struct ldc_settings *s = &r->config->settings;
    struct ldc_config_text text;
    struct ldc_config_member side;
    bool has_width = false, has_height = false;
    ldc_config_text_init(&text, m->value, m->value_len);
    while (ldc_config_text_next(&text, &side)) {
        if (ldc_config_member_is(&side, "width"))
            has_width = read_int(&side, &s->width);
        else if (ldc_config_member_is(&side, "height"))
            has_height = read_int(&side, &s->height);
    }
    r->has_size = has_width && has_height;
    if (!r->has_size && !ldc_config_member_is_null(m))
        note_value(r, m, "size of a screen");
}

static bool is_zero(const struct ldc_config_member *m)
{
    int64_t number;
    return ldc_config_member_int(m, &number) && number == 0;
}

static const struct ldc_setting_info *find_setting(const struct ldc_config_member *m)
{
    for (size_t i = 0; i < LDC_SETTING_COUNT; i++) {
        if (ldc_config_member_is(m, ldc_setting_table[i].config_key))
            return &ldc_setting_table[i];
    }
    return NULL;
}

static void read_adb_debug(struct reading *r, const struct ldc_config_member *m)
{
    struct ldc_config *config = r->config;
    bool flag;
    config->adb_debug = -1;
    if (!ldc_config_member_is_null(m) && !read_int(m, &config->adb_debug)) {
        if (ldc_config_member_bool(m, &flag))
            config->adb_debug = flag;
        else
            note_value(r, m, "whole number");
    }
    ldc_settings_set_adb_debug(&config->settings, config->adb_debug);
}

static void read_member(struct reading *r, const struct ldc_config_member *m)
{
    struct ldc_config *config = r->config;
    const struct ldc_setting_info *info = find_setting(m);
    bool flag;
    if (info && info->words) {
        read_adb_debug(r, m);
    } else if (info) {
        read_setting(r, info, m);
    } else if (ldc_config_member_is(m, "statusSettings.playerName")) {
        config->player_name[0] = '\0';
        if (!ldc_config_member_is_null(m))
            (void)ldc_config_member_text(m, config->player_name, sizeof(config->player_name));
    } else if (ldc_config_member_is(m, "advancedSettings.resolution")) {
        read_size(r, m);
    } else if (ldc_config_member_is(m, "advancedSettings.resolutionDpi")) {
        r->has_dpi = read_int(m, &config->settings.dpi);
        if (!r->has_dpi && !ldc_config_member_is_null(m))
            note_value(r, m, "whole number");
    } else if (ldc_config_member_is(m, "statusSettings.isNewPlayer")) {
        config->is_new_player = ldc_config_member_bool(m, &flag) ? flag : -1;
    } else if (ldc_config_member_is(m, "basicSettings.realWidth")) {
        r->has_no_width = is_zero(m);
    } else if (ldc_config_member_is(m, "basicSettings.realHeigh")) {
        /* "Heigh" is the vendor's spelling. */
        r->has_no_height = is_zero(m);
    }
}

static void forget(struct ldc_config *config)
{
    config->is_readable = config->is_truncated = false;
    config->fault[0] = config->player_name[0] = '\0';
    config->settings = (struct ldc_settings){0};
    config->adb_debug = config->is_new_player = -1;
}

int ldc_config_parse(const char *text, size_t n, struct ldc_config *ret)
{
    struct reading r = {.config = ret};
    struct ldc_config_member m;
    forget(ret);
    ldc_config_text_init(&r.text, text, n);
    while (ldc_config_text_next(&r.text, &m))
        read_member(&r, &m);
    if (r.text.fault) {
        forget(ret);
        note_fault(ret, "cannot be parsed, line %u: %s", ldc_config_text_line(&r.text, r.text.at),
                   r.text.fault);
        return UV_EINVAL;
    }
    ret->is_readable = true;
    ret->is_truncated = r.has_no_width || r.has_no_height;
    ret->settings.has_resolution = r.has_size && r.has_dpi;
    return 0;
}

void ldc_config_read(const char *path, struct ldc_config *ret)
{
    struct buf text cleanup(buf_deinit);
    buf_init(&text, MAX_FILE);
    int r = fs_read(path, &text);
    if (r == 0) {
        (void)ldc_config_parse(text.data ? text.data : "", text.len, ret);
        return;
    }
    forget(ret);
    note_fault(ret, "cannot be read: %s", uv_strerror(r));
}

/* --- showing --- */

static bool has_nocase(const char *text, size_t n, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= n; i++) {
        size_t k = 0;
        while (k < len && (text[i + k] | 0x20) == word[k])
            k++;
        if (k == len)
            return true;
    }
    return false;
}

static bool may_show(const struct ldc_config_member *m)
{
    static const char *const groups[] = {"propertySettings.", "statusSettings.",
                                         "basicSettings.",    "advancedSettings.",
                                         "networkSettings.",  "hotkeySettings."};
    static const char *const secrets[] = {"passw", "secret", "token",   "credential",
                                          "email", "cookie", "account", "apikey"};
    bool is_vendors = false;
    for (size_t i = 0; i < countof(groups); i++) {
        size_t len = strlen(groups[i]);
        is_vendors |= m->key_len > len && memcmp(m->key, groups[i], len) == 0;
    }
    for (size_t i = 0; i < countof(secrets); i++) {
        if (has_nocase(m->key, m->key_len, secrets[i]))
            return false;
    }
    return is_vendors;
}

void ldc_config_show(const char *text, size_t n, size_t max, struct buf *out)
{
    struct ldc_config_text t;
    struct ldc_config_member m;
    size_t before = out->len;
    unsigned n_more = 0;
    ldc_config_text_init(&t, text, n);
    while (ldc_config_text_next(&t, &m)) {
        bool is_shown = may_show(&m);
        size_t len = m.key_len + (is_shown ? m.value_len : 0);
        if (out->len - before + len > max) {
            n_more++;
            continue;
        }
        (void)buf_printf(out, "%.*s: %.*s\n", (int)m.key_len, m.key,
                         is_shown ? (int)m.value_len : 10, is_shown ? m.value : "(left out)");
    }
    if (n_more)
        (void)buf_printf(out, "(%u members more)\n", n_more);
    if (t.fault)
        (void)buf_printf(out, "(cannot be parsed, line %u: %s; %u bytes from there are left out)\n",
                         ldc_config_text_line(&t, t.at), t.fault, (unsigned)(t.end - t.at));
}

/* --- writing --- */

static void append_span(struct buf *out, const char *start, const char *end)
{
    (void)buf_append(out, start, (size_t)(end - start));
}

/* Where the blanks before AT begin, not before START. */
static const char *blanks_before(const char *at, const char *start)
{
    while (at > start && (unsigned char)at[-1] <= ' ')
        at--;
    return at;
}

/* Behind LAST, or in an object without members, and laid out as that is. */
static const char *append_member(const struct ldc_config_text *t,
                                 const struct ldc_config_member *last, const char *key,
                                 const char *json_value, struct buf *out)
{
    const char *at = last->key ? last->value + last->value_len : t->open;
    append_span(out, t->start, at);
    if (last->key) {
        const char *quote = last->key - 1;
        (void)buf_append_str(out, ",");
        append_span(out, blanks_before(quote, t->open), quote);
        (void)buf_printf(out, "\"%s\":", key);
        append_span(out, blanks_before(last->value, last->key + last->key_len), last->value);
    } else {
        (void)buf_printf(out, "\"%s\":", key);
    }
    (void)buf_append_str(out, json_value);
    return at;
}

/* The text with another value wherever KEY stands. Returns 0, or UV_EINVAL when it is not
 * understood well enough. */
static int change(const char *text, size_t n, const char *key, const char *json_value,
                  struct buf *out)
{
    struct ldc_config_text t;
    struct ldc_config_member m, last = {0};
    const char *copied = text;
    ldc_config_text_init(&t, text, n);
    while (ldc_config_text_next(&t, &m)) {
        last = m;
        if (!ldc_config_member_is(&m, key))
            continue;
        append_span(out, copied, m.value);
        (void)buf_append_str(out, json_value);
        copied = m.value + m.value_len;
    }
    if (t.fault)
        return UV_EINVAL;
    if (copied == text)
        copied = append_member(&t, &last, key, json_value, out);
    append_span(out, copied, text + n);
    return 0;
}

int ldc_config_set(const char *path, const char *key, const char *json_value)
{
    struct buf old cleanup(buf_deinit), out cleanup(buf_deinit);
    yyjson_doc *value cleanup(json_doc_freep) =
        yyjson_read(json_value, strlen(json_value), YYJSON_READ_NOFLAG);
    buf_init(&old, MAX_FILE);
    buf_init(&out, 0);
    int r = value ? fs_read(path, &old) : UV_EINVAL;
    if (r == 0)
        r = change(old.data ? old.data : "", old.len, key, json_value, &out);
    if (r < 0)
        return r;
    char *backup cleanup(mem_freep) = mem_printf("%s.ldplayerd.bak", path);
    r = fs_write_atomic(backup, old.data, old.len);
    return r < 0 ? r : fs_write_atomic(path, out.data, out.len);
}
