/* SPDX-License-Identifier: MIT */
#ifndef API_NOTATION_H
#define API_NOTATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory/buf.h"

/** Schemas are written in a short notation, and turned into JSON Schemas here. Types:
 *      text uuid time int count percent share number bool null any    what they say
 *      1..3600               an integer of this range
 *      =word                 this string alone; =true the boolean
 *      a|b|c  A_B|C_D        one of these strings
 *      Name                  the schema of that name
 *      Name|[Other]          any of these types; the first is a name, a list or an object
 *      [T] {T}               a list of T; an object whose members, of any name, are T
 *      {MEMBERS}             an object of these members
 *      <T>                   a change: {from: T, to: T}
 *      T?                    T or null
 *      {"...                 a schema as it stands
 *  and members, separated by commas, as
 *      name: T               is always there
 *      name?: T              may be missing
 *      ...Name ...Name?      the members of that row; as if each had the question mark
 *  A row is a type, or
 *      MEMBERS               an object
 *      only MEMBERS          one in a request: other members are refused
 *      some MEMBERS          the same, and at least one must be there
 *      name => Name|Name     one of these objects, of which each says by this member which it is */
struct api_schema_row {
    const char *name; /* one in small letters is no schema, but for others to begin with */
    const char *what;
};

/** Of schema_table.c. */
extern const struct api_schema_row api_schema_rows[];
extern const size_t api_n_schema_rows;

/** Appends the schema of TYPE. */
void api_notation_append_type(const char *type, struct buf *out);
/** MORE is appended behind the schema's `required`: `,"minProperties":1`. */
void api_notation_append_object(const char *members, const char *more, struct buf *out);
void api_notation_append_row(const struct api_schema_row *row, struct buf *out);

#endif
