/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "tests/unit/api/house.h"

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

TestSuite(api_route_system, .init = begin, .fini = end);

static void expect_text(const char *path, const char *pointer, const char *text)
{
    struct answer a = house_ask(&h, "GET", path, NULL, 200);
    cr_assert_str_eq(answer_text(&a, pointer), text);
    answer_deinit(&a);
}

Test(api_route_system, health)
{
    expect_text("/livez", "/status", "alive");
    expect_text("/readyz", "/status", "ready");
    expect_text("/healthz", "/checks/list2/status", "ok");
    expect_text("/api/health", "/status", "ok");
    expect_text("/api/health", "/checks/database/status", "ok");
    expect_text("/api/health", "/checks/runner/kind", "direct");
}

Test(api_route_system_corrected, a_clock_that_was_set_back_makes_no_time_up_negative)
{
    house_init(&h);
    h.clock_set_back_ms = 3600000;
    house_open(&h);
    for (const char *const *path = (const char *const[]){"/api/health", "/api/info", NULL}; *path;
         path++) {
        struct answer a = house_ask(&h, "GET", *path, NULL, 200);
        cr_assert_geq(answer_number(&a, "/uptime_s"), 0, "%s", *path);
        answer_deinit(&a);
    }
    house_end(&h);
}

Test(api_route_system, version_and_info)
{
    expect_text("/api/version", "/version", "1.2.3");
    expect_text("/api/version", "/revision", "abc");
    expect_text("/api/info", "/paths/data_dir", h.world.folder);
    struct answer a = house_ask(&h, "GET", "/api/info", NULL, 200);
    cr_assert_eq(answer_number(&a, "/instances/total"), 1);
    cr_assert_eq(answer_number(&a, "/limits/connections"), 10000);
    cr_assert_eq(answer_number(&a, "/limits/service/x"), 1);
    answer_deinit(&a);
}

Test(api_route_system, metrics)
{
    struct answer a = house_ask(&h, "GET", "/metrics", NULL, 200);
    static const char *const lines[] = {"ldplayerd_instances{state=\"stopped\"} 1\n",
                                        "ldplayerd_breaker_state{breaker=\"list\"} 0\n",
                                        "ldplayerd_operations_open{status=\"running\"} 0\n",
                                        "ldplayerd_build_info{version=\"1.2.3\""};
    for (size_t i = 0; i < countof(lines); i++)
        cr_assert_not_null(strstr(a.reply.body, lines[i]), "%s", lines[i]);
    for (const char *line = a.reply.body; *line; line = strchr(line, '\n') + 1)
        cr_assert(strncmp(line, "# ", 2) == 0 || strncmp(line, "ldplayerd_", 10) == 0, "%.40s",
                  line);
    answer_deinit(&a);
}

Test(api_route_system, documents)
{
    expect_text("/api/openapi.json", "/openapi", "3.1.0");
    struct answer a = house_ask(&h, "GET", "/api/docs", NULL, 200);
    reply_expect_header(&a.reply, "Content-Type", "text/html; charset=utf-8");
    answer_deinit(&a);
}

Test(api_route_system, what_is_not_there_yet_is_not_there)
{
    static const char *const paths[] = {"/", "/api/auth/login", "/api/auth/users"};
    for (size_t i = 0; i < countof(paths); i++)
        house_refuses(&h, "GET", paths[i], NULL, 404, "NOT_FOUND", NULL);
}

Test(api_route_system, metrics_need_credentials_unless_loopback_is_trusted)
{
    struct client c;
    client_connect_tcp(&c, h.port, house_turn, &h);
    client_expect(&c, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 401);
    h.server->options.metrics_on_loopback = true;
    client_expect(&c, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 200);
    client_expect(&c, "GET /api/info HTTP/1.1\r\nHost: localhost\r\n\r\n", 401);
    client_close(&c);
}

Test(api_route_system, says_when_the_last_look_is_too_old)
{
    h.server->options.ready_age_ms = 0;
    fake_farm_answer(h.world.farm, "list2", FARM_HANG);
    world_flush(&h.world);
    struct answer a = house_ask(&h, "GET", "/readyz", NULL, 503);
    cr_assert_str_eq(answer_text(&a, "/code"), "NOT_READY");
    cr_assert_str_eq(answer_text(&a, "/checks/list2/status"), "failing");
    answer_deinit(&a);
}
