/* SPDX-License-Identifier: MIT */
#include "cache/faults/diagnostics.h"
#include "tests/unit/control/world.h"

static struct world w;

static void set_up(void)
{
    world_init(&w);
    fake_farm_put(w.farm, 0, "zero");
    fake_farm_put(w.farm, 1, "one");
    fake_farm_show_processes(w.farm, true);
    world_open(&w);
    world_look(&w);
}

static void tear_down(void)
{
    world_end(&w);
}

TestSuite(ctl_diagnostics, .init = set_up, .fini = tear_down, .timeout = 60);

struct answer {
    bool is_there;
    char *json;
};

static void on_got(void *arg, int status, const char *json)
{
    struct answer *a = arg;
    cr_assert_eq(status, 0);
    a->is_there = true;
    a->json = json ? mem_strdup(json) : NULL;
}

/* Owned by the caller; NULL when nothing was kept. */
static char *kept(const char *id)
{
    struct answer a = {0};
    world_until(&w, !ctl_engine_is_collecting(w.engine, id));
    cache_diagnostics_get(w.store, id, on_got, &a);
    world_until(&w, a.is_there);
    return a.json;
}

static struct world_answer start_with_window_alone(void)
{
    fake_farm_launch_to(w.farm, 1, false);
    return world_do(&w, CACHE_OP_START, 0);
}

Test(ctl_diagnostics, of_a_failure_tell_what_was_run_and_found)
{
    fake_farm_write_log(w.farm, 0, "VERR_VD_IMAGE_READ_ONLY \x01\r\n");
    fake_farm_write_config(w.farm, 0, "{\"basicSettings.fps\": 60, \"uuid\": \"mine\"}");
    world_look(&w);
    struct world_answer a = start_with_window_alone();
    struct cache_operation *op = world_ends(&w, a.id, CACHE_OP_FAILED, "START_FAILED");
    cache_operation_free(op);
    char *json cleanup(mem_freep) = kept(a.id);
    cr_assert_not_null(json);
    cr_expect(strstr(json, "launch --index 0"), "%s", json);
    cr_expect(strstr(json, "START_FAILED"), "%s", json);
    cr_expect(strstr(json, "VERR_VD_IMAGE_READ_ONLY ?\\n"), "%s", json);
    cr_expect(strstr(json, "basicSettings.fps: 60\\nuuid: (left out)"), "%s", json);
    cr_expect_null(strstr(json, "mine"), "%s", json);
    cr_expect(strstr(json, "\"before\":{\"read_at\":"), "%s", json);
    cr_expect(strstr(json, "\"role\":\"player\",\"is_own\":true"), "%s", json);
    op = world_load(&w, a.id);
    cr_expect(op->has_diagnostics);
    cache_operation_free(op);
}

Test(ctl_diagnostics, of_a_success_are_none)
{
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_SUCCEEDED, NULL);
    struct world_answer a = world_do(&w, CACHE_OP_STOP, 0);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_null(kept(a.id));
}

Test(ctl_diagnostics, of_all_that_the_watchdog_does_tell_its_reason)
{
    struct ctl_request r = world_request(&w, CACHE_OP_START, 0);
    r.priority = CTL_PRIORITY_WATCHDOG;
    r.reason = "it should run";
    struct world_answer a = world_submit(&w, &r);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    char *json cleanup(mem_freep) = kept(a.id);
    cr_expect(strstr(json, "\"reason\":\"it should run\""), "%s", json);
}

Test(ctl_diagnostics, one_that_never_began_has_no_config_of_before)
{
    fake_farm_write_config(w.farm, 0, "{");
    world_skip(&w, 1000);
    struct world_answer a = world_do(&w, CACHE_OP_START, 0);
    world_expect(&w, a.id, CACHE_OP_FAILED, "CONFIG_UNUSABLE");
    char *json cleanup(mem_freep) = kept(a.id);
    cr_expect(strstr(json, "\"commands\":[]"), "%s", json);
    cr_expect(strstr(json, "\"before\":null"), "%s", json);
    cr_expect(strstr(json, "(cannot be parsed, line 1"), "%s", json);
}

Test(ctl_diagnostics, what_is_being_collected_is_kept_when_the_service_stops)
{
    struct world_answer a = start_with_window_alone();
    const struct cache_operation *op;
    world_until(&w, !(op = ctl_engine_find(w.engine, a.id)) || cache_op_has_ended(op->status));
    world_close(&w);
    world_open(&w);
    op = world_load(&w, a.id);
    cr_expect(op->has_diagnostics, "although nobody waited for it");
    cache_operation_free((struct cache_operation *)op);
}
