/* SPDX-License-Identifier: MIT */
#include "runner/argv.h"

#include <string.h>

#include "base/memory/buf.h"
#include "base/memory/mem.h"

void argv_init(struct argv *argv)
{
    *argv = (struct argv){.cap = 8};
    argv->items = mem_calloc(argv->cap, sizeof(*argv->items));
}

void argv_deinit(struct argv *argv)
{
    for (size_t i = 0; i < argv->n_items; i++)
        mem_free(argv->items[i]);
    mem_free(argv->items);
    *argv = (struct argv){0};
}

static void add_owned(struct argv *argv, char *item)
{
    argv->items = mem_grow(argv->items, argv->n_items + 1, &argv->cap, sizeof(*argv->items));
    argv->items[argv->n_items++] = item;
    argv->items[argv->n_items] = NULL;
}

void argv_add(struct argv *argv, const char *item)
{
    add_owned(argv, mem_strdup(item));
}

void argv_add_number(struct argv *argv, long long number)
{
    add_owned(argv, mem_printf("%lld", number));
}

static void append_quoted(struct buf *line, const char *item)
{
    if (*item && !strpbrk(item, " \t\r\n\"'\\|&;<>()$`*?")) {
        (void)buf_append_str(line, item);
        return;
    }
    (void)buf_append_str(line, "\"");
    for (; *item; item++) {
        if (*item == '"' || *item == '\\')
            (void)buf_append_str(line, "\\");
        (void)buf_append(line, item, 1);
    }
    (void)buf_append_str(line, "\"");
}

char *argv_format(const struct argv *argv)
{
    struct buf line;
    buf_init(&line, 0);
    for (size_t i = 0; i < argv->n_items; i++) {
        if (i > 0)
            (void)buf_append_str(&line, " ");
        append_quoted(&line, argv->items[i]);
    }
    return buf_take(&line, NULL);
}
