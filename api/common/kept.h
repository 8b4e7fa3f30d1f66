/* SPDX-License-Identifier: MIT */
#ifndef API_KEPT_H
#define API_KEPT_H

#include "api/common/cacheable.h"
#include "api/exchange/exchange.h"

/** Bodies that the result cache keeps. */

struct api_server;

/** Forgets bodies when a workstation is made, changes or goes. */
void api_kept_start(struct api_server *server);
void api_kept_stop(struct api_server *server);

/** How old the answer to X may be: `?max_age_ms=`, 0 also for `Cache-Control: no-cache`, UINT64_MAX
 *  when it does not say. A 0 goes past what is kept, which takes an operator; of a viewer no-cache
 *  has no effect, because browsers send it with every reload. Returns false when X has been
 *  refused. */
bool api_kept_max_age(struct api_exchange *x, uint64_t *ret_ms);
/** X-Cache and Age. */
void api_kept_headers(struct api_exchange *x, uint64_t age_ms);

/** Calls THEN with the body of KIND for ID ("" when its key has none), whose headers are set: kept,
 *  or made from a new look at the instances and new figures of this machine. BODY ends with the
 *  call. THEN is not called when X has been answered with why there is none. */
typedef void (*api_kept_fn)(struct api_exchange *x, struct blob *body);
void api_kept_get(struct api_exchange *x, enum api_cacheable_kind kind, const char *id,
                  api_kept_fn then);

#endif
