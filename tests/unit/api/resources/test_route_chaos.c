/* SPDX-License-Identifier: MIT */
#include "ldconsole/guard/chaos.h"
#include "tests/unit/api/house.h"

static struct house h;

static void begin(void)
{
    house_init(&h);
    fake_farm_put(h.world.farm, 0, "zero");
    h.world.has_chaos = true;
    house_open(&h);
}

static void end(void)
{
    house_end(&h);
}

TestSuite(api_route_chaos, .init = begin, .fini = end);

Test(api_route_chaos, begins_and_ends_a_drill)
{
    struct answer a = house_ask(&h, "GET", "/api/chaos", NULL, 200);
    cr_expect(yyjson_is_null(yyjson_obj_get(a.root, "drill")));
    cr_expect(yyjson_is_true(yyjson_obj_get(a.root, "is_allowed")));
    answer_deinit(&a);
    a = house_ask(&h, "PUT", "/api/chaos",
                  "{'kind':'latency','latency_ms':50,'duration_s':60,'verb':'list2'}", 200);
    cr_expect_str_eq(answer_text(&a, "/drill/kind"), "latency");
    cr_expect_str_eq(answer_text(&a, "/drill/verb"), "list2");
    cr_expect_eq(answer_number(&a, "/drill/percent"), 100);
    cr_expect_eq(answer_number(&a, "/drill/latency_ms"), 50);
    cr_expect_eq(ldc_chaos_drill(h.world.chaos)->duration_ms, 60000);
    answer_deinit(&a);
    a = house_ask(&h, "DELETE", "/api/chaos", NULL, 200);
    cr_expect(yyjson_is_null(yyjson_obj_get(a.root, "drill")));
    answer_deinit(&a);
    cr_expect_null(ldc_chaos_drill(h.world.chaos));
}

Test(api_route_chaos, senseless_drills_are_refused_with_their_limits)
{
    static const struct {
        const char *body, *field;
    } rows[] = {
        {"{'kind':'hang'}", "duration_s"},
        {"{'duration_s':5}", "kind"},
        {"{'kind':'fire','duration_s':5}", "kind"},
        {"{'kind':1,'duration_s':5}", "kind"},
        {"{'kind':'hang','duration_s':0}", "duration_s"},
        {"{'kind':'hang','duration_s':3601}", "duration_s"},
        {"{'kind':'hang','duration_s':1.5}", "duration_s"},
        {"{'kind':'hang','duration_s':-1}", "duration_s"},
        {"{'kind':'hang','duration_s':5,'percent':0}", "percent"},
        {"{'kind':'hang','duration_s':5,'percent':101}", "percent"},
        {"{'kind':'hang','duration_s':5,'latency_ms':5}", "latency_ms"},
        {"{'kind':'latency','duration_s':5}", "latency_ms"},
        {"{'kind':'latency','duration_s':5,'latency_ms':60001}", "latency_ms"},
        {"{'kind':'hang','duration_s':5,'verb':''}", "verb"},
        {"{'kind':'hang','duration_s':5,'verb':7}", "verb"},
        {"{'kind':'hang','duration_s':5,'more':7}", "more"},
    };
    for (size_t i = 0; i < countof(rows); i++)
        house_refuses(&h, "PUT", "/api/chaos", rows[i].body, 422, "VALIDATION_FAILED",
                      rows[i].field);
    cr_expect_null(ldc_chaos_drill(h.world.chaos));
}

static void begin_without(void)
{
    house_begin(&h);
}

TestSuite(api_route_chaos_off, .init = begin_without, .fini = end);

Test(api_route_chaos_off, nothing_can_be_begun_where_the_configuration_does_not_allow_it)
{
    house_refuses(&h, "PUT", "/api/chaos", "{'kind':'hang','duration_s':5}", 409,
                  "CHAOS_NOT_ALLOWED", NULL);
    house_refuses(&h, "DELETE", "/api/chaos", NULL, 409, "CHAOS_NOT_ALLOWED", NULL);
    struct answer a = house_ask(&h, "GET", "/api/chaos", NULL, 200);
    cr_expect(yyjson_is_false(yyjson_obj_get(a.root, "is_allowed")));
    answer_deinit(&a);
}
