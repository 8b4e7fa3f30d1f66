/* SPDX-License-Identifier: MIT */
#ifndef BASE_LOG_FILE_H
#define BASE_LOG_FILE_H

#include <stdint.h>

#include "base/log/log.h"

/** Records as JSON, one object a line, in a file that is put aside when it is full or of another
 *  day (UTC); old ones are removed. All times are those of the records.
 *
 *      {"time":"2026-11-21T10:15:00.123Z","level":"info","component":"service","message":"..."}
 *
 *  The service never waits for its log: a record that cannot be written (full disk, a file that
 *  another program holds) is dropped and counted, ON_TROUBLE is called once for the row of them,
 *  the file is tried again every few seconds, and then a record says how many are missing. */

struct log_file_options {
    const char *path;    /* of the current file; its folder is made; copied */
    uint64_t max_bytes;  /* of one file */
    unsigned keep_files; /* put aside */
    unsigned keep_days;
    /* One sentence; must not log. From the thread that logs. May be NULL. */
    void (*on_trouble)(void *arg, const char *sentence);
    void *trouble_arg;
};

struct log_file;

/** Opens at the first record. */
struct log_file *log_file_new(const struct log_file_options *options);
/** Accepts NULL. */
void log_file_free(struct log_file *file);
/** A log_sink_fn; ARG is the file. */
void log_file_write(void *arg, const struct log_record *record);

#endif
