/* SPDX-License-Identifier: MIT */
#ifndef API_IDEMPOTENCY_H
#define API_IDEMPOTENCY_H

#include "api/exchange/exchange.h"

/** Reads the Idempotency-Key of a complete request: where its route takes one, sets X->key and
 *  X->fingerprint, which the handler hands on with what it was asked. Returns false when X has been
 *  answered because the key is none, or the route changes something and takes none. */
bool api_idempotency_read(struct api_exchange *x);

#endif
