/* SPDX-License-Identifier: MIT */
#include "tests/unit/ldconsole/runner_under_test.h"

struct ldc_runner *runner_under_test_new(struct loop *loop)
{
    return ldc_runner_direct_new(loop);
}
