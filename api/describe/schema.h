/* SPDX-License-Identifier: MIT */
#ifndef API_SCHEMA_H
#define API_SCHEMA_H

#include "api/describe/notation.h"

/** The named JSON Schemas of the OpenAPI document. Those of request bodies are built from the
 *  field tables that read the bodies, those of settings from ldconsole's table, those of events
 *  from the table of event types (event.h), all others from the rows of schema_table.c. */

/** Appends all schemas as the members of a JSON object. */
void api_schemas_append(struct buf *out);

#endif
