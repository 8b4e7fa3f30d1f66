/* SPDX-License-Identifier: MIT */
#ifndef API_NOTATION_H
#define API_NOTATION_H

#include "api/describe/schema.h"

/** Writes the notation of schema.h as JSON Schemas. */

/** MORE is appended behind the schema's `required`: `,"minProperties":1`. */
void api_notation_append_object(const char *members, const char *more, struct buf *out);
void api_notation_append_row(const struct api_schema_row *row, struct buf *out);

#endif
