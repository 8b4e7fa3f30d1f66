/* SPDX-License-Identifier: MIT */
#include "base/log/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/system/clock.h"

static const char *const level_names[] = {"debug", "info", "warning", "error"};
static _Atomic int threshold = LOG_INFO;

static uv_once_t once = UV_ONCE_INIT;
static uv_mutex_t lock; /* of the two below, and held while the sink runs */
static log_sink_fn sink;
static void *sink_arg;

static void make_lock(void)
{
    uv_mutex_init(&lock);
}

void log_set_sink(log_sink_fn fn, void *arg)
{
    uv_once(&once, make_lock);
    uv_mutex_lock(&lock);
    sink = fn;
    sink_arg = arg;
    uv_mutex_unlock(&lock);
}

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

const char *log_level_name(enum log_level level)
{
    return level_names[level];
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

static void write_line(const struct log_record *record)
{
    char when[CLOCK_RFC3339_SIZE];
    struct buf line cleanup(buf_deinit);
    buf_init(&line, 0);
    clock_format(record->wall_ms, when);
    (void)buf_printf(&line, "%s %s %s: ", when, level_names[record->level], record->component);
    append_safe(&line, record->message);
    (void)buf_append_str(&line, "\n");
    /* One write a record: lines of several threads do not mix. */
    fwrite(line.data, 1, line.len, stderr);
    fflush(stderr);
}

void log_write(enum log_level level, const char *component, const char *fmt, ...)
{
    if ((int)level < threshold)
        return;
    char message[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    struct log_record record = {clock_wall_ms(), level, component, message};
    write_line(&record);
    uv_once(&once, make_lock);
    uv_mutex_lock(&lock);
    if (sink)
        sink(sink_arg, &record);
    uv_mutex_unlock(&lock);
}
