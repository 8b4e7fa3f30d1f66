/* SPDX-License-Identifier: MIT */
#ifndef API_EVENT_H
#define API_EVENT_H

#include <stddef.h>

/** Every type of event there is. The OpenAPI document and the pages are made from this table, and
 *  tests hold what is emitted against it: tests/contract over the sources, the integration tests
 *  over what comes. */
struct api_event_type {
    const char *type;
    const char *data; /* of its member `data`, in the notation of notation.h */
    const char *description;
};

extern const struct api_event_type api_event_types[];
extern const size_t api_n_event_types;

#endif
