/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_LDCONSOLE_RUNNER_UNDER_TEST_H
#define TESTS_UNIT_LDCONSOLE_RUNNER_UNDER_TEST_H

#include "base/loop/loop.h"
#include "runner/runner.h"

/** The runner that the suite is linked with, ready to run something. */
struct runner *runner_under_test_new(struct loop *loop);

#endif
