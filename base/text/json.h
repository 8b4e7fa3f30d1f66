/* SPDX-License-Identifier: MIT */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <yyjson.h>

#include "base/memory/blob.h"

/** What yyjson leaves to its user: limits on text from outside, and short ways to write. */

enum { JSON_MAX_DEPTH = 32, JSON_MAX_KEYS = 256 };

/** Parses text from outside. Refused: anything yyjson refuses (strict RFC 8259, UTF-8), more than
 *  JSON_MAX_DEPTH levels, an object with a repeated key or more than JSON_MAX_KEYS keys.
 *  Returns 0 with a document for yyjson_doc_free, or UV_EINVAL with a sentence in RETERR
 *  (static or thread-local storage, valid until the next call). */
int json_parse(const char *text, size_t n, yyjson_doc **ret_doc, const char **reterr);
/** For `cleanup(json_doc_freep)`. */
void json_doc_freep(yyjson_doc **doc);
void json_mut_doc_freep(yyjson_mut_doc **doc);

/** The document as compact text. */
struct blob *json_write_blob(const yyjson_mut_doc *doc);
/** Owned by the caller. */
char *json_write(const yyjson_mut_doc *doc);
/** VALUE and all below it as compact text, owned by the caller. */
char *json_write_value(yyjson_val *value);

/** Adds a copy of S, or null for NULL. Bytes that are no UTF-8 become '?'. */
void json_add_str(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, const char *s);
/** Adds WALL_MS as RFC 3339, or null for 0. */
void json_add_time(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, int64_t wall_ms);
/** Adds already encoded JSON text as it is, or null for NULL. The text is copied. */
void json_add_raw(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, const char *json);

/** Adds PERCENT with one decimal, or null below 0. */
void json_add_percent(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, double percent);

struct buf;

/** Appends S to a buffer as a quoted JSON string. Bytes that are no UTF-8 become '?'. */
void json_append_str(struct buf *out, const char *s);

#endif
