/* SPDX-License-Identifier: MIT */
#include "tests/unit/runner/runner_under_test.h"

struct runner *runner_under_test_new(struct loop *loop)
{
    return runner_direct_new(loop);
}
