/* SPDX-License-Identifier: MIT */
#include "ldconsole/argv.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

void ldc_argv_init(struct ldc_argv *argv)
{
    *argv = (struct ldc_argv){.cap = 8};
    argv->items = mem_calloc(argv->cap, sizeof(*argv->items));
}

void ldc_argv_deinit(struct ldc_argv *argv)
{
    for (size_t i = 0; i < argv->n_items; i++)
        mem_free(argv->items[i]);
    mem_free(argv->items);
    *argv = (struct ldc_argv){0};
}

static void add_owned(struct ldc_argv *argv, char *item)
{
    argv->items = mem_grow(argv->items, argv->n_items + 1, &argv->cap, sizeof(*argv->items));
    argv->items[argv->n_items++] = item;
    argv->items[argv->n_items] = NULL;
}

void ldc_argv_add(struct ldc_argv *argv, const char *item)
{
    add_owned(argv, mem_strdup(item));
}

void ldc_argv_add_number(struct ldc_argv *argv, long long number)
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

char *ldc_argv_format(const struct ldc_argv *argv)
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
