/* SPDX-License-Identifier: MIT */
#ifndef CTL_STEPS_H
#define CTL_STEPS_H

#include "control/operations/flow.h"

/** The steps that flow.c puts together; private to the steps_*.c files and flow.c. */

extern const struct ctl_step ctl_step_launch;
extern const struct ctl_step ctl_step_until_up;
extern const struct ctl_step ctl_step_until_ready;

extern const struct ctl_step ctl_step_quit;
extern const struct ctl_step ctl_step_quit_again;
extern const struct ctl_step ctl_step_kill;

extern const struct ctl_step ctl_step_add;
extern const struct ctl_step ctl_step_copy;

extern const struct ctl_step ctl_step_rename;
extern const struct ctl_step ctl_step_modify;
extern const struct ctl_step ctl_step_set_local;

extern const struct ctl_step ctl_step_remove;
extern const struct ctl_step ctl_step_remove_again;

#endif
