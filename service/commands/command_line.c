/* SPDX-License-Identifier: MIT */
#include "service/commands/command_line.h"

#include <stdbool.h>
#include <string.h>

static void repeat(struct buf *line, char c, size_t n)
{
    while (n-- > 0)
        (void)buf_append(line, &c, 1);
}

static void append_quoted(struct buf *line, const char *arg)
{
    (void)buf_append_str(line, "\"");
    while (*arg) {
        size_t n = strspn(arg, "\\");
        arg += n;
        bool is_before_quote = *arg == '"' || *arg == '\0'; /* the closing one counts */
        repeat(line, '\\', is_before_quote ? 2 * n : n);
        if (*arg == '"')
            (void)buf_append_str(line, "\\");
        if (*arg)
            (void)buf_append(line, arg++, 1);
    }
    (void)buf_append_str(line, "\"");
}

void svc_command_line_add(struct buf *line, const char *arg)
{
    if (line->len > 0)
        (void)buf_append_str(line, " ");
    if (*arg && !strpbrk(arg, " \t\n\v\""))
        (void)buf_append_str(line, arg);
    else
        append_quoted(line, arg);
}
