/* SPDX-License-Identifier: MIT */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

/** One line a record on stderr: time, level, component, message; and the record itself to a sink,
 *  where one is set. Any thread. Only `service/` and the request boundary log above debug; other
 *  layers return what happened. */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

struct log_record {
    int64_t wall_ms;
    enum log_level level;
    const char *component;
    const char *message; /* may have line ends and bytes that are no UTF-8 */
};

/** Gets records one at a time, from any thread, and must not log. */
typedef void (*log_sink_fn)(void *arg, const struct log_record *record);

/** Records below LEVEL are dropped. Default LOG_INFO. */
void log_set_level(enum log_level level);
/** Records go to FN too, or with NULL no longer. When it returns the former sink is not being
 *  called and never will be. */
void log_set_sink(log_sink_fn fn, void *arg);
/** Returns 0, or UV_EINVAL for a name that is none of debug, info, warning, error. */
int log_level_parse(const char *name, enum log_level *ret_level);
const char *log_level_name(enum log_level level);
void log_write(enum log_level level, const char *component, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(component, ...) log_write(LOG_DEBUG, component, __VA_ARGS__)
#define log_info(component, ...) log_write(LOG_INFO, component, __VA_ARGS__)
#define log_warning(component, ...) log_write(LOG_WARNING, component, __VA_ARGS__)
#define log_error(component, ...) log_write(LOG_ERROR, component, __VA_ARGS__)

#endif
