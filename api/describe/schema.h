/* SPDX-License-Identifier: MIT */
#ifndef API_SCHEMA_H
#define API_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory/buf.h"

/** The named JSON Schemas of the OpenAPI document. Those of request bodies are built from the
 *  field tables that read the bodies, that of the settings from ldconsole's table.
 *
 *  Types are written in a short notation:
 *      text uuid time int count percent bool object    what they say
 *      1..3600                                         integer of this range
 *      a|b|c                                           one of these strings
 *      Name                                            the schema of that name
 *      [T] {T}                                         list of T, object whose members are T
 *      T?                                              T or null
 *      {"..."                                          a schema as it stands */
struct api_schema_member {
    const char *name; /* NULL ends a table */
    const char *type;
    bool is_required;
};

struct api_schema_object {
    const char *name;
    const struct api_schema_member *members;
};

/** The schemas of answers. */
extern const struct api_schema_object api_schema_objects[];
extern const size_t api_n_schema_objects;

/** Number of schemas, and the name of each. */
size_t api_schema_count(void);
const char *api_schema_name(size_t i);
/** Appends the schema as a JSON object. */
void api_schema_append(size_t i, struct buf *out);
/** Appends the schema of TYPE. */
void api_schema_append_type(const char *type, struct buf *out);

#endif
