/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_USAGE_H
#define SIMULATOR_USAGE_H

#include "profile.h"

/** Add the usage text.  Its head is that of the real program; the lines of the commands are in our
 *  own words, in the order of the manuals. */
void usage_add(struct text *out, const char *program, const struct settings *settings,
               const struct profile *profile);

#endif
