/* SPDX-License-Identifier: MIT */
#include "ldconsole/guard/chaos.h"
#include "tests/unit/runner/runner_under_test.h"

/* Without a drill it is the runner that it stands in front of. */
struct runner *runner_under_test_new(struct loop *loop)
{
    return ldc_chaos_new(loop, runner_direct_new(loop));
}
