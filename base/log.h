/* SPDX-License-Identifier: MIT */
#ifndef BASE_LOG_H
#define BASE_LOG_H

/** One line a record on stderr: time, level, component, message. Any thread. Only `service/` and
 *  the request boundary log above debug; other layers return what happened. */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/** Records below LEVEL are dropped. Default LOG_INFO. */
void log_set_level(enum log_level level);
/** Returns 0, or UV_EINVAL for a name that is none of debug, info, warning, error. */
int log_level_parse(const char *name, enum log_level *ret_level);
void log_write(enum log_level level, const char *component, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(component, ...) log_write(LOG_DEBUG, component, __VA_ARGS__)
#define log_info(component, ...) log_write(LOG_INFO, component, __VA_ARGS__)
#define log_warning(component, ...) log_write(LOG_WARNING, component, __VA_ARGS__)
#define log_error(component, ...) log_write(LOG_ERROR, component, __VA_ARGS__)

#endif
