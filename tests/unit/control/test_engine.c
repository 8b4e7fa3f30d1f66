/* SPDX-License-Identifier: MIT */
#include "tests/unit/control/world.h"

static struct world w;

static void set_up(void)
{
    world_init(&w);
    fake_farm_put(w.farm, 0, "zero");
    fake_farm_put(w.farm, 1, "one");
    world_open(&w);
}

static void tear_down(void)
{
    world_end(&w);
}

TestSuite(ctl_engine, .init = set_up, .fini = tear_down, .timeout = 60);

Test(ctl_engine, start_succeeds_when_android_is_up)
{
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_SUCCEEDED, NULL);
    cr_assert_eq(world_state(&w, 0), CACHE_STATE_RUNNING);
    cr_assert_str_eq(fake_farm_log(w.farm), "launch 0");
    cr_assert_str_eq(w.told, "queued running succeeded");
}
