/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "tests/unit/api/house.h"

static struct house h;

static void begin(void)
{
    house_init(&h);
    fake_farm_put(h.world.farm, 0, "zero");
    fake_farm_put(h.world.farm, 1, "twin");
    fake_farm_put(h.world.farm, 3, "twin");
    fake_farm_put(h.world.farm, 7, "雷, a/b");
    house_open(&h);
}

static void end(void)
{
    house_end(&h);
}

TestSuite(api_route_instances, .init = begin, .fini = end);

Test(api_route_instances, lists_all_and_says_how_fresh_that_is)
{
    struct answer a = house_ask(&h, "GET", "/api/instances", NULL, 200);
    reply_expect_header(&a.reply, "X-Cache", "HIT");
    reply_expect_header(&a.reply, "Age", "0");
    cr_assert_eq(answer_size(&a, "/items"), 4);
    cr_assert_eq(answer_number(&a, "/total"), 4);
    cr_assert_str_eq(answer_text(&a, "/source"), "cache");
    cr_assert_geq(answer_number(&a, "/age_ms"), 0);
    cr_assert_str_eq(answer_text(&a, "/items/3/name"), "雷, a/b");
    answer_deinit(&a);
}

Test(api_route_instances, shows_one_by_index_id_and_name)
{
    struct answer a = house_ask(&h, "GET", "/api/instances/0", NULL, 200);
    char path[80];
    snprintf(path, sizeof(path), "/api/instances/%s", answer_text(&a, "/id"));
    struct answer b = house_ask(&h, "GET", path, NULL, 200);
    cr_assert_str_eq(answer_text(&b, "/name"), "zero");
    answer_deinit(&b);
    answer_deinit(&a);
    a = house_ask(&h, "GET", "/api/instances/name:%e9%9b%b7%2C%20a%2fb", NULL, 200);
    cr_assert_eq(answer_number(&a, "/index"), 7);
    answer_deinit(&a);
}

Test(api_route_instances, refuses_references_that_mean_none_or_several)
{
    static const char *const none[] = {"2",
                                       "x",
                                       "name:",
                                       "name:Zero",
                                       "99999999999",
                                       "-1",
                                       "00000000-0000-0000-0000-000000000000"};
    char path[100];
    for (size_t i = 0; i < countof(none); i++) {
        snprintf(path, sizeof(path), "/api/instances/%s", none[i]);
        house_refuses(&h, "GET", path, NULL, 404, "INSTANCE_NOT_FOUND", NULL);
    }
    house_refuses(&h, "GET", "/api/instances/name:twin", NULL, 409, "NAME_NOT_UNIQUE", NULL);
}

/* Number of items that PATH lists. */
static size_t count(const char *path)
{
    struct answer a = house_ask(&h, "GET", path, NULL, 200);
    size_t n = answer_size(&a, "/items");
    cr_assert_eq((size_t)answer_number(&a, "/total"), n);
    answer_deinit(&a);
    return n;
}

Test(api_route_instances, filters)
{
    cr_assert_eq(count("/api/instances?name=twin"), 2);
    cr_assert_eq(count("/api/instances?state=stopped"), 4);
    cr_assert_eq(count("/api/instances?state=running"), 0);
    struct answer a = house_ask(&h, "PATCH", "/api/instances/3?wait=5",
                                "{'labels':{'env':'x'},'group':'g'}", 200);
    answer_deinit(&a);
    cr_assert_eq(count("/api/instances?label=env=x"), 1);
    cr_assert_eq(count("/api/instances?label=env=y"), 0);
    cr_assert_eq(count("/api/instances?group=g"), 1);
    cr_assert_eq(count("/api/instances?group="), 3);
}

Test(api_route_instances, pages)
{
    struct answer a = house_ask(&h, "GET", "/api/instances?limit=3", NULL, 200);
    cr_assert_eq(answer_size(&a, "/items"), 3);
    cr_assert_eq(answer_number(&a, "/total"), 4);
    char path[80];
    snprintf(path, sizeof(path), "/api/instances?limit=3&cursor=%s",
             answer_text(&a, "/next_cursor"));
    answer_deinit(&a);
    a = house_ask(&h, "GET", path, NULL, 200);
    cr_assert_eq(answer_size(&a, "/items"), 1);
    cr_assert_eq(answer_number(&a, "/items/0/index"), 7);
    cr_assert(yyjson_is_null(yyjson_obj_get(a.root, "next_cursor")));
    answer_deinit(&a);
}

Test(api_route_instances, answers_with_chosen_members)
{
    struct answer a = house_ask(&h, "GET", "/api/instances?fields=name,state", NULL, 200);
    cr_assert_eq(answer_size(&a, "/items/0"), 2);
    cr_assert_str_eq(answer_text(&a, "/items/0/name"), "zero");
    answer_deinit(&a);
    a = house_ask(&h, "GET", "/api/instances/0?fields=index", NULL, 200);
    cr_assert_str_eq(a.reply.body, "{\"index\":0}");
    answer_deinit(&a);
}

Test(api_route_instances, names_what_is_wrong_with_a_query)
{
    static const char *const rows[][2] = {{"state=x", "state"},
                                          {"limit=0", "limit"},
                                          {"limit=1001", "limit"},
                                          {"cursor=x", "cursor"},
                                          {"fields=id,x", "fields"},
                                          {"fields=", "fields"},
                                          {"max_age_ms=-1", "max_age_ms"},
                                          {"max_age_ms=", "max_age_ms"},
                                          {"stat=x", "stat"},
                                          {"label=", "label"}};
    char path[80];
    for (size_t i = 0; i < countof(rows); i++) {
        snprintf(path, sizeof(path), "/api/instances?%s", rows[i][0]);
        house_refuses(&h, "GET", path, NULL, 422, "VALIDATION_FAILED", rows[i][1]);
    }
}

Test(api_route_instances, answers_304_while_nothing_has_changed)
{
    static const char *const paths[] = {"/api/instances", "/api/instances/0",
                                        "/api/instances?name=twin", "/api/auth/me", "/api/version"};
    char header[100];
    for (size_t i = 0; i < countof(paths); i++) {
        struct answer a = house_ask(&h, "GET", paths[i], NULL, 200);
        char *etag = reply_header(&a.reply, "ETag");
        cr_assert_not_null(etag, "%s", paths[i]);
        answer_deinit(&a);
        world_look(&h.world);
        snprintf(header, sizeof(header), "If-None-Match: \"x\", W/%s\r\n",
                 strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag);
        a = house_ask_with(&h, header, "GET", paths[i], NULL, 304);
        cr_assert_eq(a.reply.n_body, 0);
        reply_expect_header(&a.reply, "ETag", etag);
        answer_deinit(&a);
        mem_free(etag);
    }
    fake_farm_put(h.world.farm, 9, "new");
    world_look(&h.world);
    struct answer a = house_ask_with(&h, header, "GET", "/api/instances", NULL, 200);
    answer_deinit(&a);
}

Test(api_route_instances, has_another_tag_when_it_comes_from_somewhere_else)
{
    static const char *const paths[] = {"/api/instances", "/api/instances/0"};
    for (size_t i = 0; i < countof(paths); i++) {
        char *live_path cleanup(mem_freep) = mem_printf("%s?max_age_ms=0", paths[i]);
        struct answer a = house_ask(&h, "GET", paths[i], NULL, 200);
        struct answer b = house_ask(&h, "GET", live_path, NULL, 200);
        char *kept cleanup(mem_freep) = reply_header(&a.reply, "ETag");
        char *live cleanup(mem_freep) = reply_header(&b.reply, "ETag");
        cr_assert_eq(strncmp(kept, "W/\"", 3), 0, "%s", kept);
        cr_assert_str_neq(kept, live);
        answer_deinit(&a);
        answer_deinit(&b);
    }
}

Test(api_route_instances, looks_again_when_asked_to_and_shares_the_look)
{
    struct answer a = house_ask(&h, "GET", "/api/instances?max_age_ms=60000", NULL, 200);
    reply_expect_header(&a.reply, "X-Cache", "HIT");
    answer_deinit(&a);
    fake_farm_put(h.world.farm, 9, "new");
    a = house_ask(&h, "GET", "/api/instances?max_age_ms=0", NULL, 200);
    reply_expect_header(&a.reply, "X-Cache", "BYPASS");
    cr_assert_str_eq(answer_text(&a, "/source"), "live");
    answer_deinit(&a);
}

Test(api_route_instances, serves_the_last_good_list_and_says_why)
{
    fake_farm_answer(h.world.farm, "list2", FARM_GARBAGE);
    house_refuses(&h, "GET", "/api/instances?max_age_ms=0", NULL, 503, "LDCONSOLE_GARBAGE", NULL);
    struct answer a = house_ask(&h, "GET", "/api/instances", NULL, 200);
    reply_expect_header(&a.reply, "X-Cache", "STALE");
    cr_assert_eq(answer_size(&a, "/items"), 4);
    cr_assert_str_eq(answer_text(&a, "/source"), "stale");
    cr_assert_str_neq(answer_text(&a, "/stale_reason"), "");
    answer_deinit(&a);
    a = house_ask(&h, "GET", "/api/health", NULL, 200);
    cr_assert_str_eq(answer_text(&a, "/status"), "degraded");
    answer_deinit(&a);
}

Test(api_route_instances, answers_503_with_the_time_to_ask_again_while_the_breaker_is_open)
{
    house_expect(&h, "POST", "/api/breakers/list/force-open", "{'note':'a test'}", 200);
    struct answer a = house_ask(&h, "GET", "/api/instances?max_age_ms=0", NULL, 503);
    cr_assert_str_eq(answer_text(&a, "/code"), "BREAKER_OPEN");
    cr_assert(yyjson_is_true(yyjson_obj_get(a.root, "retryable")));
    cr_assert(reply_has_header(&a.reply, "Retry-After"));
    answer_deinit(&a);
}

TestSuite(api_route_instances_at_first, .fini = end);

Test(api_route_instances_at_first, a_failure_is_never_an_empty_list)
{
    house_init(&h);
    fake_farm_answer(h.world.farm, "list2", FARM_NOT_STARTED);
    house_open(&h);
    struct answer a = house_ask(&h, "GET", "/api/instances", NULL, 503);
    cr_assert_not_null(strstr(answer_text(&a, "/code"), "LDCONSOLE"));
    answer_deinit(&a);
    house_refuses(&h, "GET", "/api/instances/0", NULL, 503, "LDCONSOLE_NOT_STARTED", NULL);
    house_refuses(&h, "GET", "/readyz", NULL, 503, "NOT_READY", NULL);
    house_expect(&h, "GET", "/livez", NULL, 200);
}
