/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_FAKE_RUNNER_H
#define TESTS_SUPPORT_FAKE_RUNNER_H

#include "base/loop/loop.h"
#include "runner/runner.h"

/** A runner without children: the test says when a run ends and how. Runs are numbered from 0 in
 *  the order they were started. */
struct fake_runner;

struct fake_runner *fake_runner_new(struct loop *loop);
/** For ldc_client_new, which takes ownership. */
struct runner *fake_runner_base(struct fake_runner *fake);
size_t fake_runner_n_started(const struct fake_runner *fake);
/** "file arg arg" of a run. */
const char *fake_runner_command(const struct fake_runner *fake, size_t run);
unsigned fake_runner_deadline(const struct fake_runner *fake, size_t run);
/** Ends a run that is under way, in a later turn. */
void fake_runner_exit(struct fake_runner *fake, size_t run, int exit_code, const char *output);
void fake_runner_end(struct fake_runner *fake, size_t run, enum run_status status);
/** The next run that is started ends by itself with this; calls add up, in order. */
void fake_runner_answer_next(struct fake_runner *fake, int exit_code, const char *output);

#endif
