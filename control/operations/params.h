/* SPDX-License-Identifier: MIT */
#ifndef CTL_PARAMS_H
#define CTL_PARAMS_H

#include "control/operations/engine.h"

/** What an operation was asked to do, as values; and the same as the JSON text that is kept with
 *  the operation so that it survives a restart. */
struct ctl_params {
    char revision[CACHE_REVISION_SIZE]; /* "" = any */
    char name[LDC_TITLE_SIZE];          /* "" = none */
    struct ldc_settings settings;
    bool until_ready, force;
    unsigned timeout_ms;
    char *labels; /* owned; NULL = leave */
    char group[CACHE_GROUP_SIZE];
    bool has_group;
    int desired; /* -1 = leave */
    enum ctl_priority priority;
};

/** JSON text of REQUEST, owned by the caller. */
char *ctl_params_write(const struct ctl_request *request);
/** Reads what ctl_params_write wrote. */
void ctl_params_read(const char *json, struct ctl_params *ret);
void ctl_params_deinit(struct ctl_params *params);
bool ctl_params_has_local(const struct ctl_params *params);

#endif
