/* SPDX-License-Identifier: MIT */
#ifndef API_REACH_H
#define API_REACH_H

#include "control/workstations/reach.h"

/** Asks another ldplayerd `GET /livez` over a connection of its own. Reachable is what answers 200;
 *  a refusal, silence, another status or what is no HTTP is told in words. Of the answer nothing
 *  but its status is used, and at most 16 KiB are read. */
extern const struct ctl_reach_ops api_reach_ops;

#endif
