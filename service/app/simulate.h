/* SPDX-License-Identifier: MIT */
#ifndef SVC_SIMULATE_H
#define SVC_SIMULATE_H

#include "service/config/config.h"

/** `serve --simulate`: a simulated LDPlayer installation in `<data dir>/simulator`, made by the
 *  program ldsim that stands beside this one (or in its folder `simulator`, or where the build
 *  puts it). One that exists keeps its instances. */

struct svc_simulate_error {
    char text[1200];
};

/** Makes or updates the installation. *RET_LDCONSOLE, owned by the caller, is its ldconsole.
 *  Blocking; before the loop runs. Returns 0, or a UV code with RETERR. */
int svc_simulate(const struct svc_config *config, const char *data_dir, char **ret_ldconsole,
                 struct svc_simulate_error *reterr);

#endif
