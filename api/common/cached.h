/* SPDX-License-Identifier: MIT */
#ifndef API_CACHED_H
#define API_CACHED_H

#include "api/common/cacheable.h"
#include "api/exchange/exchange.h"
#include "cache/snapshot/snapshot.h"

/** Reads that are answered from the result cache. What is cached of the instances is the
 *  observation, and bodies are rendered from it with their true age (cached_instances.c); of
 *  workstations it is the body itself (cached_body.c). Both are asked for in the same way: check
 * the request, wait for what it needs, answer. */
struct api_cached;

/** Puts each observation into the cache, and tells it in what state that is that bodies are made
 *  from. */
struct api_cached *api_cached_new(struct api_server *server);
/** Accepts NULL. */
void api_cached_free(struct api_cached *cached);

struct api_stages {
    /** Refuses what is wrong with the request, before anything is waited for: answers and returns
     *  false. NULL = nothing can be wrong. */
    bool (*check)(struct api_exchange *x);
    /** Comes when what the answer needs is there. */
    void (*answer)(struct api_exchange *x);
};

/** For reads of instances: what is cached, or with `?max_age_ms=` what is young enough, or for 0
 *  and for `Cache-Control: no-cache` (operators and up) a new look; who waits shares one look.
 * While ldconsole fails, what there is serves those who did not ask for an age. When there is
 * nothing to answer from, X is answered with why (403, 503, 504). STAGES are static. */
void api_cached_instances(struct api_exchange *x, const struct api_stages *stages);
/** For commands, which only have to know whom they are for: any snapshot will do. */
void api_cached_known_instances(struct api_exchange *x, const struct api_stages *stages);
/** The snapshot to answer from. */
struct cache_snapshot *api_cached_snapshot(const struct api_exchange *x);
/** X-Cache and Age for an answer from S. */
void api_cached_snapshot_headers(struct api_exchange *x, const struct cache_snapshot *s);

/** For reads of workstations: X->body, valid within the stage `answer`, is that of KIND for ID (""
 *  when its key has none), and its headers are set: cached, or made from what is known of instances
 *  and figures. With an age in the request both are looked at anew where they are older. */
void api_cached_body(struct api_exchange *x, enum api_cacheable_kind kind, const char *id,
                     const struct api_stages *stages);

/** How old the answer to X may be: `?max_age_ms=`, 0 also for `Cache-Control: no-cache`, UINT64_MAX
 *  when it does not say. A 0 goes past the cache, which takes an operator; of a viewer no-cache has
 *  no effect, because browsers send it with every reload. Returns false when X has been refused. */
bool api_cached_max_age(struct api_exchange *x, uint64_t *ret_ms);
/** X-Cache, and Age unless AGE_MS is UINT64_MAX, which is not known. */
void api_cached_headers(struct api_exchange *x, uint64_t age_ms);

/* cached_clear.c: what operators do to the cache. */

/** Empties it, or forgets what PATTERN (which passed cache_glob_check) matches; tells it as an
 *  event in the name of the caller. Returns how many entries went. */
size_t api_cached_clear(struct api_exchange *x);
size_t api_cached_invalidate(struct api_exchange *x, const char *pattern);
/** Of all answers, the percentage that needed no load. */
double api_cached_hit_rate(const struct cache_results_stats *s);

/* For the files of this header. */

/** Keeps that the instances were looked at, when they ever were: here or by a former process. */
void api_cached_put_observation(const struct api_context *c);

#endif
