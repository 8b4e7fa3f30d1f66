/* SPDX-License-Identifier: MIT */
#ifndef API_FILTER_H
#define API_FILTER_H

#include <yyjson.h>

#include "api/exchange/exchange.h"
#include "cache/snapshot/instance.h"

enum { API_FILTER_MAX_LABELS = 8 };

/** Which instances are meant: by a query, or by the `select` of a batch. All conditions hold at
 *  once. Strings belong to the request. */
struct api_label_filter {
    const char *key; /* not terminated: KEY_LEN bytes */
    size_t key_len;
    const char *value; /* NULL = any */
};

struct api_filter {
    unsigned states;          /* 1 << state; 0 = any */
    const char *name, *group; /* NULL = any; group "" = those without one */
    struct api_label_filter labels[API_FILTER_MAX_LABELS];
    size_t n_labels;
};

/** `state=` (comma-separated), `name=`, `group=`, `label=KEY` or `label=KEY=VALUE` (repeatable).
 *  Adds what is refused to ERRORS. */
void api_filter_from_query(const struct http_request *r, struct api_filter *ret,
                           struct api_field_errors *errors);
/** `{"state": "x" or [..], "group": "g", "labels": {"k": "v"}}`; other members are not looked
 *  at. VALUE must outlive the filter. */
void api_filter_from_json(yyjson_val *select, struct api_filter *ret,
                          struct api_field_errors *errors);
bool api_filter_matches(const struct api_filter *filter, const struct cache_instance *instance);

#endif
