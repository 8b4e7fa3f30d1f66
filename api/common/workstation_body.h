/* SPDX-License-Identifier: MIT */
#ifndef API_WORKSTATION_BODY_H
#define API_WORKSTATION_BODY_H

#include "api/exchange/context.h"
#include "base/memory/buf.h"
#include "control/workstations/workstations.h"

/** What the routes of the workstations answer with, apart from how it is answered: a body may be
 *  kept and sent again. Figures of another workstation are null: they are not known here. */

/** Appends the array of all workstations. */
void api_workstations_append_list(const struct api_context *c, struct buf *out);
/** Appends one as an object. */
void api_workstations_append_one(const struct api_context *c, const struct ctl_workstation *w,
                                 struct buf *out);
/** Appends the answer of system-info: the figures of this machine in SAMPLE. */
void api_workstations_append_system(const struct api_context *c, const struct ctl_workstation *w,
                                    const struct ctl_sample *sample, struct buf *out);

/** Digests of all that bodies show but figures, ages and when somebody was last seen: of the
 *  workstations themselves, and of what this one shows of its LDPlayer and instances. */
uint64_t api_workstations_state(const struct ctl_workstations *workstations);
uint64_t api_workstations_instances_state(const struct api_context *c);

enum { API_WORKSTATION_REVISION_SIZE = 25, API_WORKSTATION_TAG_SIZE = 29 };

/** A digest of what PATCH changes of W. */
void api_workstation_revision(const struct ctl_workstation *w,
                              char out[API_WORKSTATION_REVISION_SIZE]);
/** The tag of a body, N bytes: weak, because it tells of the figures how old they are. */
void api_workstations_tag(const char *body, size_t n, char out[API_WORKSTATION_TAG_SIZE]);

#endif
