/* SPDX-License-Identifier: MIT */
#ifndef CACHE_CARE_H
#define CACHE_CARE_H

#include <stdbool.h>
#include <stdint.h>

/** What we have learned of one instance and done for it. Not in the API; it survives a restart, so
 *  that neither patience nor a budget begins anew with the process, and a guest is known again. A
 *  value type. */
enum { CACHE_CARE_BOOTS = 8, CACHE_CARE_ACTS = 60 };

/** What the config said when the VM came that runs: its guest has these until it boots again. */
struct cache_booted {
    int64_t vm; /* process number; 0 = none of these is known */
    char mac[40], android_id[40], sim_serial[40];
};

struct cache_care {
    unsigned boots_ms[CACHE_CARE_BOOTS]; /* how long the last boots took, the oldest first */
    unsigned n_boots;
    int64_t acted_at[CACHE_CARE_ACTS]; /* wall ms of the last acts, the oldest first */
    unsigned n_acts;
    struct cache_booted booted;
    bool has_answered; /* its guest has, once: one that does not answer is silent, not closed */
};

/** Both push out the oldest when there is no room. */
void cache_care_add_boot(struct cache_care *care, unsigned ms);
void cache_care_add_act(struct cache_care *care, int64_t at);
/** How many acts there were after SINCE (wall ms). */
unsigned cache_care_count_acts(const struct cache_care *care, int64_t since);
unsigned cache_care_longest_boot_ms(const struct cache_care *care);

/** JSON text, owned by the caller. */
char *cache_care_write(const struct cache_care *care);
/** Reads what cache_care_write wrote; anything else reads as nothing. */
void cache_care_read(const char *json, struct cache_care *ret);

#endif
