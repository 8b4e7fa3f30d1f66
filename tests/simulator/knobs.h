/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_KNOBS_H
#define SIMULATOR_KNOBS_H

#include "text.h"

#include <stdbool.h>

/* Everything that can be turned, which starts as the real LDPlayer is: the one table behind
 * sim.json, `ldsim set`, `ldsim help` and docs/simulator.md.  A key in sim.json is the name of a
 * knob, with the scope behind it where the knob has one: KNOB, KNOB.VERB, KNOB.INDEX or
 * KNOB.VERB.INDEX. */

enum knob_kind {
    KNOB_BOOL,   /* true, false */
    KNOB_INT,    /* a whole number, not negative unless the help says so */
    KNOB_REAL,   /* a number above 0 */
    KNOB_TEXT,   /* any text */
    KNOB_CHOICE, /* one word of `choices` */
    KNOB_COUNT,  /* always, never, or K: the next K times, counted down in sim.json */
    KNOB_LIST,   /* words of `choices`, separated by commas; may be empty */
};

enum {
    KNOB_BY_VERB = 1,
    KNOB_BY_INDEX = 2,
    KNOB_KEPT = 4, /* `ldsim reset` leaves it alone */
};

struct knob {
    const char *name;
    enum knob_kind kind;
    unsigned scope;
    const char *initial;
    const char *choices;
    const char *help;
};

/** All knobs, in the order in which they are shown; ends with a nameless one. */
extern const struct knob knobs[];

const struct knob *knob_find(const char *name);

/** Take a key of sim.json apart: the knob, the verb ("" for all) and the index (-1 for all).
 *  Returns false when the key means nothing. */
bool knob_parse_key(const char *key, const struct knob **ret_knob, const char **ret_verb,
                    int *ret_index);

/** True when the knob can have this value. */
bool knob_accepts(const struct knob *knob, const char *value);

/** The values it takes, for a person to read. */
char *knob_values(const struct knob *knob);

/** ".VERB.INDEX" and the like: what may stand behind the name. */
const char *knob_scope_text(const struct knob *knob);

#endif
