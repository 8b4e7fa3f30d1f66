/* SPDX-License-Identifier: MIT */
#include "kv.h"

#include "os.h"
#include "text.h"

#include <string.h>

/* A value may hold line ends; they travel as \n and \r, a backslash as two. */
static char *unescape(const char *text)
{
    struct text out = {0};

    for (; *text; text++) {
        if (text[0] == '\\' && text[1]) {
            text++;
            text_add(&out, *text == 'n' ? "\n" : *text == 'r' ? "\r" : "\\");
        } else {
            text_add_bytes(&out, text, 1);
        }
    }
    return mem_text(text_str(&out));
}

static void add_escaped(struct text *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            text_add(out, "\\n");
        else if (*text == '\r')
            text_add(out, "\\r");
        else if (*text == '\\')
            text_add(out, "\\\\");
        else
            text_add_bytes(out, text, 1);
    }
}

static struct kv_pair *find(const struct kv *kv, const char *key)
{
    for (size_t i = 0; i < kv->n_items; i++)
        if (strcmp(kv->items[i].key, key) == 0)
            return &kv->items[i];
    return NULL;
}

int kv_load(const char *path, struct kv *ret_kv)
{
    struct text bytes = {0};
    const char *cursor;
    char *line;

    *ret_kv = (struct kv){0};
    if (os_read_file(path, &bytes) < 0)
        return -1;
    cursor = text_str(&bytes);
    while ((line = text_next_line(&cursor))) {
        char *equals = strchr(line, '=');

        if (!equals)
            continue;
        *equals = '\0';
        kv_set(ret_kv, line, unescape(equals + 1));
    }
    return 0;
}

int kv_save(const char *path, const struct kv *kv)
{
    struct text out = {0};

    text_add(&out, "");
    for (size_t i = 0; i < kv->n_items; i++) {
        text_add(&out, kv->items[i].key);
        text_add(&out, "=");
        add_escaped(&out, kv->items[i].value);
        text_add(&out, "\n");
    }
    return os_replace_file(path, out.data, out.len);
}

const char *kv_get(const struct kv *kv, const char *key)
{
    struct kv_pair *pair = find(kv, key);

    return pair ? pair->value : NULL;
}

int64_t kv_get_int(const struct kv *kv, const char *key)
{
    const char *value = kv_get(kv, key);
    int64_t number = 0;

    if (value)
        (void)text_to_int64(value, &number);
    return number;
}

static void grow(struct kv *kv)
{
    size_t capacity = kv->capacity ? kv->capacity * 2 : 32;
    struct kv_pair *items = mem_alloc(capacity * sizeof(*items));

    if (kv->n_items)
        memcpy(items, kv->items, kv->n_items * sizeof(*items));
    kv->items = items;
    kv->capacity = capacity;
}

void kv_set(struct kv *kv, const char *key, const char *value)
{
    struct kv_pair *pair = find(kv, key);

    if (!pair) {
        if (kv->n_items == kv->capacity)
            grow(kv);
        pair = &kv->items[kv->n_items++];
        pair->key = mem_text(key);
    }
    pair->value = mem_text(value);
}

void kv_set_int(struct kv *kv, const char *key, int64_t value)
{
    kv_set(kv, key, mem_printf("%lld", (long long)value));
}

void kv_remove(struct kv *kv, const char *key)
{
    struct kv_pair *pair = find(kv, key);

    if (pair)
        *pair = kv->items[--kv->n_items];
}
