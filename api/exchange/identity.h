/* SPDX-License-Identifier: MIT */
#ifndef API_IDENTITY_H
#define API_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/system/random.h"
#include "cache/tables/tokens.h"

/** Who is asking. A value type; all zero is nobody. */
enum { API_IDENTITY_ID_SIZE = 192 }; /* a SID's text is less */
enum api_identity_kind { API_IDENTITY_NONE, API_IDENTITY_PEER, API_IDENTITY_TOKEN };

struct api_identity {
    enum api_identity_kind kind;
    enum cache_role role;
    char name[CACHE_TOKEN_NAME_MAX + 1]; /* to be shown; may be given again */
    char id[API_IDENTITY_ID_SIZE];       /* of the token; of a peer "uid:N" or its SID */
    int64_t expires_at;                  /* wall ms, 0 = never */
    bool is_anonymous; /* of nobody: connected so that the system may not tell who it is */
};

#endif
