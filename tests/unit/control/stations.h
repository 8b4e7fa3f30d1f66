/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CONTROL_STATIONS_H
#define TESTS_UNIT_CONTROL_STATIONS_H

#include <yyjson.h>

#include "tests/unit/control/world.h"

/** What the tests of the workstations share. */

/** What came of a request. */
struct station_answer {
    unsigned n; /* how often it came */
    bool has_station;
    char id[UUID_SIZE];
    struct ctl_refusal refusal; /* http_status 0 = none */
};

/** An empty request of ACTION for ID. */
struct ctl_workstation_request station_request(enum ctl_workstation_action action, const char *id);
/** For ctl_workstations_submit. ARG: struct station_answer. */
void station_on_answer(void *arg, const char *id, const struct ctl_workstation *s,
                       const struct ctl_refusal *refusal);
/** Submits and turns until the answer is there. */
struct station_answer station_submit(struct world *w,
                                     const struct ctl_workstation_request *request);
/** Adds one; returns its id, valid until the next call. */
const char *station_add(struct world *w, const char *name, const char *address);
void station_maintain(struct world *w, const char *id, bool is_maintained);
/** The one with ID, which must be there. */
const struct ctl_workstation *station(struct world *w, const char *id);
const char *station_status(struct world *w, const char *id);

/** Keeps what the events of workstations say, from here on; again after a crash. */
void station_listen(struct world *w);
void station_unlisten(void);
/** Each waits for what was emitted: the type of the newest event; a part of its data, e.g.
 *  "/changes/status/to" ("" for null, an object as it is written); how many there were. */
const char *station_event_type(void);
const char *station_event_text(const char *pointer);
unsigned station_n_events(void);

#endif
