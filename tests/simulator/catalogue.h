/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_CATALOGUE_H
#define SIMULATOR_CATALOGUE_H

#include "profile.h"

#include <stddef.h>

/* The instances there are: one for each file vms/config/leidian<N>.config.
 *
 * list2 must not cost a JSON parse for every instance, so what it needs is cached in
 * sim/catalogue beside size and time of the file it came from.  A file that looks different, or
 * that was changed so short ago that its time could not show another change, is read again. */
struct instance {
    int index;
    const char *title; /* NULL: the default title */
    int width;
    int height;
    int dpi;
    uint64_t size;
    int64_t changed_ns;
};

struct catalogue {
    struct instance *items; /* sorted by index */
    size_t n_items;
    size_t capacity;
};

struct catalogue catalogue_load(const struct settings *settings);

const struct instance *catalogue_find(const struct catalogue *catalogue, int index);

/** The one with the title; of several the one that was made last.  NULL: none. */
const struct instance *catalogue_find_title(const struct settings *settings,
                                            const struct catalogue *catalogue, const char *title);

/** The lowest index that no instance has. */
int catalogue_free_index(const struct catalogue *catalogue);

/** The title as it is printed. */
const char *catalogue_title(const struct settings *settings, const struct instance *instance);

/** Note that the instance was made now, after all others.  The caller holds the lock. */
void catalogue_note_made(const struct home *home, int index);
void catalogue_note_gone(const struct home *home, int index);

#endif
