/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "api/http/conn.h"
#include "tests/unit/api/house.h"

static struct house h;

static void begin(void)
{
    house_init(&h);
    fake_farm_put(h.world.farm, 0, "zero");
    fake_farm_put(h.world.farm, 1, "one");
    house_open(&h);
}

static void end(void)
{
    house_end(&h);
}

TestSuite(api_route_operations, .init = begin, .fini = end);

#define NOBODY "00000000-0000-7000-8000-000000000000"

static void start(int index)
{
    char path[60];
    snprintf(path, sizeof(path), "/api/instances/%d/start?wait=9", index);
    house_expect(&h, "POST", path, NULL, 200);
}

static int64_t total(const char *query)
{
    char path[200];
    snprintf(path, sizeof(path), "/api/operations?%s", query);
    struct answer a = house_ask(&h, "GET", path, NULL, 200);
    int64_t n = answer_number(&a, "/total");
    answer_deinit(&a);
    return n;
}

Test(api_route_operations, lists_and_filters)
{
    char query[100];
    start(0);
    start(1);
    house_expect(&h, "POST", "/api/instances/1/stop?wait=9", NULL, 200);
    cr_assert_eq(total(""), 3);
    cr_assert_eq(total("kind=start"), 2);
    cr_assert_eq(total("status=succeeded"), 3);
    cr_assert_eq(total("status=failed"), 0);
    cr_assert_eq(total("target=1"), 2);
    cr_assert_eq(total("target=name:zero&kind=start"), 1);
    snprintf(query, sizeof(query), "target=%s", world_at(&h.world, 0)->id);
    cr_assert_eq(total(query), 1);
    cr_assert_eq(total("target=" NOBODY), 0);
}

Test(api_route_operations, pages_from_the_newest)
{
    start(0);
    start(1);
    struct answer a = house_ask(&h, "GET", "/api/operations?limit=1", NULL, 200);
    cr_assert_str_eq(answer_text(&a, "/items/0/target"), world_at(&h.world, 1)->id);
    cr_assert_eq(answer_number(&a, "/total"), 2);
    char path[120];
    snprintf(path, sizeof(path), "/api/operations?limit=1&cursor=%s",
             answer_text(&a, "/next_cursor"));
    answer_deinit(&a);
    a = house_ask(&h, "GET", path, NULL, 200);
    cr_assert_str_eq(answer_text(&a, "/items/0/target"), world_at(&h.world, 0)->id);
    cr_assert(yyjson_is_null(yyjson_obj_get(a.root, "next_cursor")));
    answer_deinit(&a);
}

Test(api_route_operations, names_what_is_wrong_with_a_query)
{
    static const char *const rows[][2] = {{"status=x", "status"}, {"kind=x", "kind"},
                                          {"target=9", "target"}, {"parent=x", "parent"},
                                          {"cursor=x", "cursor"}, {"limit=0", "limit"},
                                          {"wait=1", "wait"}};
    char path[80];
    for (size_t i = 0; i < countof(rows); i++) {
        snprintf(path, sizeof(path), "/api/operations?%s", rows[i][0]);
        house_refuses(&h, "GET", path, NULL, 422, "VALIDATION_FAILED", rows[i][1]);
    }
}

Test(api_route_operations, does_not_know_others)
{
    house_refuses(&h, "GET", "/api/operations/" NOBODY, NULL, 404, "OPERATION_NOT_FOUND", NULL);
    house_refuses(&h, "GET", "/api/operations/x", NULL, 404, "OPERATION_NOT_FOUND", NULL);
    house_refuses(&h, "POST", "/api/operations/" NOBODY "/cancel", NULL, 404, "OPERATION_NOT_FOUND",
                  NULL);
}

/* A start that hangs, as the path of its operation. */
static char *hang(void)
{
    fake_farm_answer(h.world.farm, "launch", FARM_HANG);
    struct answer a = house_ask(&h, "POST", "/api/instances/0/start", NULL, 202);
    char *path = mem_printf("/api/operations/%s", answer_text(&a, "/id"));
    answer_deinit(&a);
    house_until(&h, fake_farm_n_hung(h.world.farm) == 1);
    return path;
}

Test(api_route_operations, shows_what_is_under_way)
{
    char *path = hang();
    struct answer a = house_ask(&h, "GET", path, NULL, 200);
    cr_assert_str_eq(answer_text(&a, "/status"), "running");
    answer_deinit(&a);
    cr_assert_eq(total("status=running"), 1);
    a = house_ask(&h, "GET", "/api/info", NULL, 200);
    cr_assert_eq(answer_number(&a, "/operations/running"), 1);
    answer_deinit(&a);
    mem_free(path);
}

Test(api_route_operations, cancels)
{
    char *path = hang(), *cancel = mem_printf("%s/cancel?wait=9", path);
    struct answer a = house_ask(&h, "POST", cancel, NULL, 200);
    cr_assert_str_eq(answer_text(&a, "/status"), "cancelled");
    answer_deinit(&a);
    /* Nobody is wrong who asks for what has happened. */
    house_expect(&h, "POST", cancel, NULL, 200);
    mem_free(cancel);
    mem_free(path);
}

Test(api_route_operations, does_not_cancel_what_has_ended)
{
    struct answer a = house_ask(&h, "POST", "/api/instances/0/start?wait=9", NULL, 200);
    char *cancel = mem_printf("/api/operations/%s/cancel", answer_text(&a, "/id"));
    house_refuses(&h, "POST", cancel, NULL, 409, "OPERATION_ENDED", NULL);
    mem_free(cancel);
    answer_deinit(&a);
}

Test(api_route_operations, prunes)
{
    start(0);
    house_refuses(&h, "DELETE", "/api/operations", NULL, 422, "VALIDATION_FAILED", "ended_before");
    house_refuses(&h, "DELETE", "/api/operations?ended_before=yesterday", NULL, 422,
                  "VALIDATION_FAILED", "ended_before");
    struct answer a =
        house_ask(&h, "DELETE", "/api/operations?ended_before=2000-01-01T00:00:00Z", NULL, 200);
    cr_assert_eq(answer_number(&a, "/removed"), 0);
    answer_deinit(&a);
    a = house_ask(&h, "DELETE", "/api/operations?ended_before=2999-01-01T00:00:00Z", NULL, 200);
    cr_assert_eq(answer_number(&a, "/removed"), 1);
    answer_deinit(&a);
    cr_assert_eq(total(""), 0);
}

Test(api_route_operations, stops_waiting_when_the_server_stops)
{
    char *path = hang();
    char *text = mem_printf("GET %s?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n", path);
    client_send(&h.c, text);
    house_until(&h, h.server->http->n_holds == 1);
    list_foreach(item, &h.server->http->conns)
        http_conn_drain(list_entry(item, struct http_conn, link));
    struct reply r = client_read(&h.c, false);
    cr_assert_eq(r.status, 200);
    cr_assert_not_null(strstr(r.body, "\"status\":\"running\""));
    reply_deinit(&r);
    mem_free(text);
    mem_free(path);
}
