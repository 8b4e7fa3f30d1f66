/* SPDX-License-Identifier: MIT */
#ifndef CTL_EVIDENCE_H
#define CTL_EVIDENCE_H

#include "cache/tables/operation.h"
#include "control/observe/watch.h"
#include "ldconsole/guard/client.h"
#include "ldconsole/install/config_file.h"

/** The proof behind what we say, as JSON. Every result is text owned by the caller. */

/** What the state of an instance rests on. CONFIG may be NULL. DRIFT: what is no longer as it was
 *  set, as ldc_settings_differing says. */
char *ctl_evidence_of_instance(const struct ctl_sight *sight, const struct ldc_config *config,
                               unsigned drift);
/** Adds to OBJECT the names of those SETTINGS, bits of ldc_settings_differing. */
void ctl_evidence_add_settings(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key,
                               unsigned settings);

/** Adds to an operation's evidence what was run and what came back: command line, exit code, the
 *  first 500 bytes of output, duration. At most 50 entries an operation are kept. */
void ctl_evidence_add_call(struct cache_operation *op, const struct ldc_outcome *outcome);
/** Adds a state that was seen; the same one twice in a row counts once. */
void ctl_evidence_add_state(struct cache_operation *op, const char *state, const char *reason);
/** Adds a sentence. */
void ctl_evidence_add_note(struct cache_operation *op, const char *note);

#endif
