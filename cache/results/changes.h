/* SPDX-License-Identifier: MIT */
#ifndef CACHE_CHANGES_H
#define CACHE_CHANGES_H

#include <stddef.h>
#include <stdint.h>

/** When each dependency last changed, for results that were made before and come in after: from a
 *  load under way or from the second tier. Remembers the last names only; of all others it says
 *  that they changed when the last one that was dropped did, which is later than they did. */
struct cache_changes;

struct cache_change_time {
    uint64_t sequence; /* of invalidations; 0 = never */
    uint64_t at_ms;
};

struct cache_changes *cache_changes_new(size_t max_names);
/** Accepts NULL. */
void cache_changes_free(struct cache_changes *c);
/** NAME changed. TIME never goes back. */
void cache_changes_note(struct cache_changes *c, const char *name, struct cache_change_time time);
/** The last change of any of NAMES, which is NULL-terminated or NULL. */
struct cache_change_time cache_changes_last(const struct cache_changes *c,
                                            const char *const *names);

#endif
