/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_SETTINGS_H
#define SIMULATOR_SETTINGS_H

#include "home.h"
#include "knobs.h"

#include <yyjson.h>

/* The knobs as they stand in sim.json: one flat JSON object, read by every call, so that a test
 * can turn them while things run.  Comments and trailing commas are allowed.  Values may be
 * strings, numbers or true/false alike; what a knob does not accept counts as its initial value. */
struct settings {
    const struct home *home;
    yyjson_doc *doc; /* NULL: no file, everything as at the start */
};

/** Who asks: the most specific of KNOB.VERB.INDEX, KNOB.VERB, KNOB.INDEX and KNOB answers. */
struct scope {
    const char *verb; /* "" when it is no call */
    int index;        /* -1 when it is no instance */
};

/** Returns 0, or -1 when the file is there and is no JSON object; *ret_error then says why. */
int settings_load(const struct home *home, struct settings *ret_settings, char **ret_error);

const char *settings_text(const struct settings *settings, const char *knob);
bool settings_bool(const struct settings *settings, const char *knob);
int64_t settings_int(const struct settings *settings, const char *knob);
const char *settings_text_at(const struct settings *settings, const char *knob, struct scope scope);
int64_t settings_int_at(const struct settings *settings, const char *knob, struct scope scope);

/** A duration of the instance (-1: none) in milliseconds, divided by the speed. */
int64_t settings_duration(const struct settings *settings, const char *knob, int index);

/** True when a KNOB_COUNT knob applies now; one of a limited number is thereby used up.
 *  The caller must not hold the lock of the home. */
bool settings_take(const struct settings *settings, const char *knob, struct scope scope);

/** True when the instance has the fault, by its own list or by the list for all. */
bool settings_fault(const struct settings *settings, int index, const char *fault);

/** Set a key of sim.json to a value, or take it out (NULL).  The caller holds the lock and has
 *  checked both. */
int settings_store(const struct home *home, const char *key, const char *value);

/** Name of the file, for messages. */
char *settings_path(const struct home *home);

/** The value as text, whatever its JSON type is; NULL for an array, an object or null. */
const char *settings_value_text(yyjson_val *value);

#endif
