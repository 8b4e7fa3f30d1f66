/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_JSON_H
#define SIMULATOR_JSON_H

#include "text.h"

#include <yyjson.h>

/** Lets yyjson take its memory from the pool (mem.h), so documents need no freeing. */
extern const yyjson_alc json_alc;

/** Read a JSON object from a file; a byte order mark is skipped, comments are allowed.
 *  Returns NULL when it cannot be read or is no object; *ret_error (may be NULL) says why. */
yyjson_doc *json_read_file(const char *path, char **ret_error);

/** Write a document with 4 spaces of indent and the given line end, atomically. */
int json_replace_file(const char *path, yyjson_mut_doc *doc, const char *line_end);

/** The document on one line, for logs. */
char *json_line(yyjson_mut_doc *doc);

#endif
