/* SPDX-License-Identifier: MIT */
#ifndef API_REF_H
#define API_REF_H

#include "api/describe/problem.h"
#include "cache/snapshot/snapshot.h"

/** How paths and bodies name an instance. */

enum api_ref { API_REF_FOUND, API_REF_MISSING, API_REF_AMBIGUOUS };
/** Finds the instance REF means: an index, `name:TITLE`, an id, or `adb:SERIAL` (by the rule
 *  of adb_serial.h, whoever answers there). */
enum api_ref api_ref_find(const struct cache_snapshot *s, const char *ref,
                          const struct cache_entry **ret);
/** Fills PROBLEM with why REF (as OUTCOME says) was not found; DETAIL (SIZE bytes) holds its
 *  text. */
void api_ref_explain(enum api_ref outcome, const char *ref, struct api_problem *problem,
                     char *detail, size_t size);

#endif
