/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"

static const char *const level_names[] = {"debug", "info", "warning", "error"};
static _Atomic int threshold = LOG_INFO;

void log_set_level(enum log_level level)
{
    threshold = (int)level;
}

int log_level_parse(const char *name, enum log_level *ret_level)
{
    for (size_t i = 0; i < countof(level_names); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return 0;
        }
    }
    return UV_EINVAL;
}

/* Control characters would let an instance title forge a record. */
static void append_safe(struct buf *line, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f)
            (void)buf_printf(line, "\\x%02x", c);
        else
            (void)buf_append(line, text, 1);
    }
}

void log_write(enum log_level level, const char *component, const char *fmt, ...)
{
    if ((int)level < threshold)
        return;
    char message[2048], when[CLOCK_RFC3339_SIZE];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    clock_format(clock_wall_ms(), when);

    struct buf line cleanup(buf_deinit);
    buf_init(&line, 0);
    (void)buf_printf(&line, "%s %s %s: ", when, level_names[level], component);
    append_safe(&line, message);
    (void)buf_append_str(&line, "\n");
    /* One write a record: lines of several threads do not mix. */
    fwrite(line.data, 1, line.len, stderr);
    fflush(stderr);
}
