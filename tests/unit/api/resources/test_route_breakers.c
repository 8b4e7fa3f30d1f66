/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "cache/faults/breakers.h"
#include "tests/unit/api/house.h"
#include "tests/unit/cache/fixture.h"

static struct house h;

static void begin(void)
{
    house_init(&h);
    fake_farm_put(h.world.farm, 0, "zero");
    house_open(&h);
}

static void end(void)
{
    house_end(&h);
}

TestSuite(api_route_breakers, .init = begin, .fini = end);

Test(api_route_breakers, are_listed)
{
    struct answer a = house_ask(&h, "GET", "/api/breakers", NULL, 200);
    cr_assert_eq(answer_number(&a, "/total"), LDC_BREAKER_HOST_COUNT);
    cr_assert_str_eq(answer_text(&a, "/items/2/name"), "list");
    cr_assert_str_eq(answer_text(&a, "/items/11/name"), "install");
    cr_assert_str_eq(answer_text(&a, "/items/12/name"), "vm-service");
    cr_assert_str_eq(answer_text(&a, "/items/2/state"), "closed");
    cr_assert_gt(answer_number(&a, "/items/2/window/calls"), 0);
    answer_deinit(&a);
    house_refuses(&h, "POST", "/api/breakers/nose/reset", NULL, 404, "BREAKER_NOT_FOUND", NULL);
}

Test(api_route_breakers, obey_an_admin)
{
    static const char *const rows[][3] = {
        {"force-open", "forced-open", "{'note':'disk is swapped'}"},
        {"force-close", "forced-closed", "{'note':'disk is swapped'}"},
        {"disable", "disabled", "{'note':'disk is swapped'}"},
        {"disable", "disabled", NULL},
        {"reset", "closed", NULL}};
    for (size_t i = 0; i < countof(rows); i++) {
        char path[80];
        snprintf(path, sizeof(path), "/api/breakers/start/%s", rows[i][0]);
        struct answer a = house_ask(&h, "POST", path, rows[i][2], 200);
        cr_assert_str_eq(answer_text(&a, "/state"), rows[i][1]);
        if (rows[i][2])
            cr_assert_str_eq(answer_text(&a, "/note"), "disk is swapped");
        cr_assert_eq(answer_size(&a, "/last_failures"), 0);
        answer_deinit(&a);
    }
}

Test(api_route_breakers, orders_without_a_reason_or_with_a_senseless_end_are_refused)
{
    static const struct {
        const char *action, *body, *field;
    } rows[] = {
        {"force-open", NULL, "note"},
        {"force-close", "{}", "note"},
        {"force-open", "{'note':''}", "note"},
        {"force-open", "{'note':'   '}", "note"},
        {"force-open", "{'note':7}", "note"},
        {"force-open", "{'note':'two\\nlines'}", "note"},
        {"force-open", "{'note':'why','expires_at':'soon'}", "expires_at"},
        {"force-open", "{'note':'why','expires_at':'2001-01-01T00:00:00Z'}", "expires_at"},
        {"disable", "{'expires_at':5}", "expires_at"},
        {"disable", "{'for':'ever'}", "for"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        char path[80];
        snprintf(path, sizeof(path), "/api/breakers/start/%s", rows[i].action);
        house_refuses(&h, "POST", path, rows[i].body, 422, "VALIDATION_FAILED", rows[i].field);
    }
    cr_assert_eq(ldc_client_breaker(h.world.client, LDC_PURPOSE_START)->state, LDC_BREAKER_CLOSED);
}

Test(api_route_breakers, what_an_admin_orders_is_on_disk_when_that_is_answered)
{
    struct ldc_breaker_memory *items = NULL;
    size_t n = 0;
    struct answer a = house_ask(&h, "POST", "/api/breakers/start/force-open",
                                "{'note':'why','expires_at':'2090-01-01T00:00:00Z'}", 200);
    cr_assert_str_eq(answer_text(&a, "/expires_at"), "2090-01-01T00:00:00.000Z");
    answer_deinit(&a);
    sqlite3 *db = open_beside(h.world.folder);
    cr_assert_eq(cache_breakers_load(db, &items, &n), 0);
    cache_db_close(db);
    cr_assert_eq(n, 1);
    cr_assert_str_eq(items[0].name, "start");
    cr_assert_eq(items[0].state, LDC_BREAKER_FORCED_OPEN);
    cr_assert_str_eq(items[0].note, "why");
    mem_free(items);
}

Test(api_route_breakers, an_order_that_cannot_be_written_holds_all_the_same_and_that_is_said)
{
    world_break_store(&h.world, true);
    house_refuses(&h, "POST", "/api/breakers/start/force-open", "{'note':'why'}", 503,
                  "STORE_UNAVAILABLE", NULL);
    cr_assert_eq(ldc_client_breaker(h.world.client, LDC_PURPOSE_START)->state,
                 LDC_BREAKER_FORCED_OPEN);
    world_break_store(&h.world, false);
}

Test(api_route_breakers, one_of_an_instance_tells_its_last_failures_and_refuses_that_alone)
{
    char name[LDC_BREAKER_NAME_SIZE], path[120];
    const char *id = world_at(&h.world, 0)->id;
    for (int i = 0; i < 5; i++)
        ldc_client_report_effect(h.world.client, LDC_PURPOSE_START, id, LDC_EFFECT_NO_VM, "no VM");
    snprintf(name, sizeof(name), "start.%s", id);
    struct answer a = house_ask(&h, "GET", "/api/breakers", NULL, 200);
    cr_assert_eq(answer_number(&a, "/total"), LDC_BREAKER_HOST_COUNT + 1);
    cr_assert_str_eq(answer_text(&a, "/items/13/name"), name);
    cr_assert_str_eq(answer_text(&a, "/items/13/instance"), id);
    cr_assert_str_eq(answer_text(&a, "/items/13/state"), "open");
    cr_assert_gt(answer_number(&a, "/items/13/retry_after_ms"), 0);
    cr_assert_eq(answer_number(&a, "/items/13/window/consecutive_missing_effects"), 5);
    cr_assert_eq(answer_number(&a, "/items/13/totals/faults/effect_missing"), 5);
    cr_assert_str_eq(answer_text(&a, "/items/13/last_failures/4/code"), "NO_VM");
    cr_assert_str_eq(answer_text(&a, "/items/13/last_failures/4/output"), "no VM");
    cr_assert_str_eq(answer_text(&a, "/items/12/state"), "closed", "it is one instance alone");
    answer_deinit(&a);
    a = house_ask(&h, "GET", "/api/health", NULL, 200);
    cr_assert_eq(answer_number(&a, "/checks/breakers/open"), 0);
    cr_assert_eq(answer_number(&a, "/checks/breakers/open_of_instances"), 1);
    answer_deinit(&a);
    a = house_ask(&h, "GET", "/metrics", NULL, 200);
    cr_assert_not_null(strstr(a.reply.body, "\nldplayerd_breakers_of_instances_open 1\n"));
    answer_deinit(&a);
    house_refuses(&h, "POST", "/api/instances/0/start", NULL, 503, "BREAKER_OPEN", NULL);
    snprintf(path, sizeof(path), "/api/breakers/%s/reset", name);
    house_expect(&h, "POST", path, NULL, 200);
    house_expect(&h, "POST", "/api/instances/0/start", NULL, 202);
}
