/* SPDX-License-Identifier: MIT */
#ifndef CACHE_PROFILE_H
#define CACHE_PROFILE_H

#include <stddef.h>

/** How the database is run. What is acknowledged survives the death of the process in all of them,
 *  and a power cut where `synchronous` is FULL. */
struct cache_profile {
    const char *name;
    const char *synchronous;   /* of SQLite: "NORMAL" or "FULL" */
    unsigned readers;          /* threads that only read; at least one */
    unsigned statements;       /* prepared ones that a connection keeps */
    unsigned busy_timeout_ms;  /* how long a lock of another program is waited for */
    unsigned checkpoint_pages; /* of the write-ahead log, 4 KiB each, before it is copied back */
    unsigned cache_kib;        /* page cache of a connection */
};

enum { CACHE_PROFILE_MAX_READERS = 4 };

/** "dev", "staging", "prod". */
extern const struct cache_profile cache_profiles[];
extern const size_t cache_n_profiles;
/** NULL when there is none. */
const struct cache_profile *cache_profile_find(const char *name);
/** "prod". */
extern const struct cache_profile *const cache_profile_default;

#endif
