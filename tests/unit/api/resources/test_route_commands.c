/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "tests/unit/api/house.h"

static struct house h;

static void begin(void)
{
    house_init(&h);
    fake_farm_put(h.world.farm, 0, "zero");
    fake_farm_put(h.world.farm, 1, "one");
    fake_farm_put(h.world.farm, 2, "two");
    house_open(&h);
}

static void end(void)
{
    house_end(&h);
}

TestSuite(api_route_commands, .init = begin, .fini = end);

static struct answer post(const char *path, const char *body, int status)
{
    return house_ask(&h, "POST", path, body, status);
}

Test(api_route_commands, answers_202_with_the_operation_and_where_it_is)
{
    struct answer a = post("/api/instances/0/start", NULL, 202);
    char *location = reply_header(&a.reply, "Location");
    cr_assert_eq(strncmp(location, "/api/operations/", 16), 0);
    cr_assert_str_eq(location + 16, answer_text(&a, "/id"));
    cr_assert_str_eq(answer_text(&a, "/kind"), "start");
    char path[100];
    snprintf(path, sizeof(path), "%s?wait=9", location);
    struct answer b = house_ask(&h, "GET", path, NULL, 200);
    cr_assert_str_eq(answer_text(&b, "/status"), "succeeded");
    mem_free(location);
    answer_deinit(&a);
    answer_deinit(&b);
}

Test(api_route_commands, stays_open_until_the_end_when_asked_to)
{
    struct answer a = post("/api/instances/name:one/start?wait=9", "{'until':'running'}", 200);
    cr_assert_str_eq(answer_text(&a, "/status"), "succeeded");
    answer_deinit(&a);
    a = post("/api/instances/1/stop?wait=9", "{'force':false,'timeout_s':9}", 200);
    cr_assert_str_eq(answer_text(&a, "/status"), "succeeded");
    answer_deinit(&a);
}

Test(api_route_commands, answers_202_when_the_time_to_wait_is_up)
{
    fake_farm_answer(h.world.farm, "launch", FARM_HANG);
    struct answer a = post("/api/instances/0/start?wait=1", NULL, 202);
    cr_assert_str_eq(answer_text(&a, "/status"), "running");
    answer_deinit(&a);
}

/* Asks for an operation, waits for its end, and expects success. */
static void do_it(const char *method, const char *path, const char *body)
{
    struct answer a = house_ask(&h, method, path, body, 200);
    cr_assert_str_eq(answer_text(&a, "/status"), "succeeded", "%s", a.reply.body);
    answer_deinit(&a);
}

Test(api_route_commands, creates_changes_renames_clones_and_removes)
{
    do_it("POST", "/api/instances?wait=9",
          "{'name':'new','settings':{'cpu':2},'labels':{'a':'b'}}");
    struct answer a = house_ask(&h, "GET", "/api/instances/name:new", NULL, 200);
    cr_assert_eq(answer_number(&a, "/settings/cpu"), 2);
    cr_assert_str_eq(answer_text(&a, "/labels/a"), "b");
    answer_deinit(&a);
    do_it("PATCH", "/api/instances/name:new?wait=9", "{'settings':{'cpu':4}}");
    do_it("POST", "/api/instances/name:new/rename?wait=9", "{'name':'newer'}");
    /* Its disks have to be quiet for ten seconds. */
    do_it("POST", "/api/instances/name:newer/clone?wait=30", "{'name':'copy'}");
    a = house_ask(&h, "GET", "/api/instances/name:newer", NULL, 200);
    cr_assert_eq(answer_number(&a, "/settings/cpu"), 4);
    answer_deinit(&a);
    house_expect(&h, "GET", "/api/instances/adb:emulator-5554", NULL, 200);
    a = house_ask(&h, "GET", "/api/instances/adb:127.0.0.1:5555", NULL, 200);
    cr_assert_eq(answer_number(&a, "/index"), 0);
    answer_deinit(&a);
    house_refuses(&h, "GET", "/api/instances/adb:emulator-5555", NULL, 404, "INSTANCE_NOT_FOUND",
                  NULL);
    do_it("DELETE", "/api/instances/name:copy?wait=9", NULL);
    house_refuses(&h, "GET", "/api/instances/name:copy", NULL, 404, "INSTANCE_NOT_FOUND", NULL);
}

Test(api_route_commands, refuses_to_remove_what_runs_unless_forced)
{
    house_expect(&h, "POST", "/api/instances/0/start?wait=9", NULL, 200);
    house_refuses(&h, "DELETE", "/api/instances/0", NULL, 409, "INSTANCE_NOT_STOPPED", NULL);
    house_refuses(&h, "DELETE", "/api/instances/0?force=maybe", NULL, 422, "VALIDATION_FAILED",
                  "force");
    house_expect(&h, "DELETE", "/api/instances/0?force=true&wait=9", NULL, 200);
}

Test(api_route_commands, quotes_long_names_without_breaking_the_document)
{
    char name[200] = "a";
    for (int i = 0; i < 60; i++)
        strcat(name, "雷");
    fake_farm_put(h.world.farm, 5, name);
    world_look(&h.world);
    house_expect(&h, "POST", "/api/instances/5/start?wait=9", NULL, 200);
    house_refuses(&h, "DELETE", "/api/instances/5", NULL, 409, "INSTANCE_NOT_STOPPED", NULL);
}

Test(api_route_commands, takes_a_number_that_the_instance_has_whatever_it_is)
{
    house_refuses(&h, "PATCH", "/api/instances/0", "{'settings':{'memory_mb':3000}}", 422,
                  "VALIDATION_FAILED", NULL);
    fake_farm_write_config(h.world.farm, 0, "{\"advancedSettings.memorySize\": \"3000\"}");
    world_look(&h.world);
    house_expect(&h, "PATCH", "/api/instances/0?wait=9",
                 "{'settings':{'memory_mb':3000},'group':'g'}", 200);
    house_refuses(&h, "PATCH", "/api/instances/0", "{'settings':{'memory_mb':3001}}", 422,
                  "VALIDATION_FAILED", NULL);
}

Test(api_route_commands, does_nothing_for_what_it_refuses)
{
    static const char *const rows[][4] = {
        {"POST", "/api/instances", "{}", "name"},
        {"POST", "/api/instances", "[1]", "body"},
        {"POST", "/api/instances", "{'name':'x','settings':{'memory_mb':5}}", "settings.memory_mb"},
        {"POST", "/api/instances", "{'name':'x','nmae':'y'}", "nmae"},
        {"PATCH", "/api/instances/0", "{}", "body"},
        {"PATCH", "/api/instances/0", "{'labels':5}", "labels"},
        {"POST", "/api/instances/0/start", "{'until':'ready'}", "until"},
        {"POST", "/api/instances/0/start?wait=3601", NULL, "wait"},
        {"POST", "/api/instances/0/stop", "{'timeout_s':0}", "timeout_s"},
        {"POST", "/api/instances/0/rename", "{'name':'a\\nb'}", "name"},
        {"POST", "/api/instances/0/clone", "{'name':5}", "name"},
        {"DELETE", "/api/instances/0?timeout_s=0", NULL, "timeout_s"},
        {"POST", "/api/instances/batch", "{}", "action"},
    };
    for (size_t i = 0; i < countof(rows); i++)
        house_refuses(&h, rows[i][0], rows[i][1], rows[i][2], 422, "VALIDATION_FAILED", rows[i][3]);
    house_refuses(&h, "POST", "/api/instances/9/start", NULL, 404, "INSTANCE_NOT_FOUND", NULL);
    house_refuses(&h, "POST", "/api/instances", "{'name':'x'", 400, "BODY_NOT_JSON", NULL);
    house_refuses(&h, "POST", "/api/instances", "{'name':'x','name':'y'}", 400, "BODY_NOT_JSON",
                  NULL);
    struct answer a = house_ask(&h, "GET", "/api/operations", NULL, 200);
    cr_assert_eq(answer_number(&a, "/total"), 0);
    cr_assert_str_eq(fake_farm_log(h.world.farm), "");
    answer_deinit(&a);
}

Test(api_route_commands, changes_only_what_the_client_has_seen)
{
    char header[100], weak[100];
    struct answer a = house_ask(&h, "GET", "/api/instances/0", NULL, 200);
    snprintf(header, sizeof(header), "If-Match: \"x\", \"%s\"\r\n", answer_text(&a, "/revision"));
    snprintf(weak, sizeof(weak), "If-Match: W/\"%s\"\r\n", answer_text(&a, "/revision"));
    answer_deinit(&a);
    a = house_ask_with(&h, weak, "PATCH", "/api/instances/0?wait=9", "{'group':'g'}", 412);
    answer_deinit(&a);
    a = house_ask_with(&h, header, "PATCH", "/api/instances/0?wait=9", "{'group':'g'}", 200);
    answer_deinit(&a);
    a = house_ask_with(&h, header, "PATCH", "/api/instances/0?wait=9", "{'group':'h'}", 412);
    cr_assert_str_eq(answer_text(&a, "/code"), "PRECONDITION_FAILED");
    answer_deinit(&a);
    a = house_ask_with(&h, header, "DELETE", "/api/instances/0", NULL, 412);
    answer_deinit(&a);
    a = house_ask_with(&h, "If-Match: *\r\n", "DELETE", "/api/instances/0?wait=9", NULL, 200);
    answer_deinit(&a);
}

#define KEY "Idempotency-Key: k-1\r\n"

Test(api_route_commands, gives_one_answer_for_one_key)
{
    struct answer a = house_ask_with(&h, KEY, "POST", "/api/instances", "{'name':'x'}", 202);
    struct answer b = house_ask_with(&h, KEY, "POST", "/api/instances", "{'name':'x'}", 202);
    cr_assert_str_eq(answer_text(&a, "/id"), answer_text(&b, "/id"));
    answer_deinit(&b);
    b = house_ask_with(&h, KEY, "POST", "/api/instances?wait=9", "{'name':'x'}", 200);
    cr_assert_str_eq(answer_text(&a, "/id"), answer_text(&b, "/id"));
    answer_deinit(&b);
    b = house_ask_with(&h, KEY, "POST", "/api/instances", "{'name':'x'}", 202);
    cr_assert_str_eq(answer_text(&b, "/status"), "succeeded", "the work is done, the answer stays");
    answer_deinit(&b);
    b = house_ask_with(&h, KEY, "POST", "/api/instances", "{'name':'y'}", 422);
    cr_assert_str_eq(answer_text(&b, "/code"), "IDEMPOTENCY_KEY_REUSED");
    cr_assert_str_eq(answer_text(&b, "/errors/0/field"), "Idempotency-Key");
    answer_deinit(&b);
    b = house_ask_with(&h, "Idempotency-Key: a b\r\n", "POST", "/api/instances", "{'name':'y'}",
                       422);
    cr_assert_str_eq(answer_text(&b, "/errors/0/field"), "Idempotency-Key");
    answer_deinit(&b);
    answer_deinit(&a);
    cr_assert_eq(fake_farm_count(h.world.farm, "add"), 1);
}

Test(api_route_commands, gives_it_also_when_the_instance_is_gone)
{
    struct answer a = house_ask_with(&h, KEY, "DELETE", "/api/instances/0?wait=9", NULL, 200);
    struct answer b = house_ask_with(&h, KEY, "DELETE", "/api/instances/0", NULL, 202);
    cr_assert_str_eq(answer_text(&a, "/id"), answer_text(&b, "/id"));
    answer_deinit(&a);
    answer_deinit(&b);
    b = house_ask_with(&h, "Idempotency-Key: k-2\r\n", "DELETE", "/api/instances/0", NULL, 404);
    cr_assert_str_eq(answer_text(&b, "/code"), "INSTANCE_NOT_FOUND");
    answer_deinit(&b);
}

Test(api_route_commands, answers_503_with_the_time_while_a_breaker_is_open)
{
    house_expect(&h, "POST", "/api/breakers/start/force-open", "{'note':'a test'}", 200);
    struct answer a = post("/api/instances/0/start", NULL, 503);
    cr_assert_str_eq(answer_text(&a, "/code"), "BREAKER_OPEN");
    cr_assert(reply_has_header(&a.reply, "Retry-After"));
    answer_deinit(&a);
    house_expect(&h, "POST", "/api/breakers/start/reset", NULL, 200);
    house_expect(&h, "POST", "/api/instances/0/start", NULL, 202);
}

Test(api_route_commands, does_one_thing_to_many)
{
    struct answer a = post("/api/instances/batch?wait=9",
                           "{'action':'start','select':{'ids':[0,'name:two']}}", 200);
    cr_assert_str_eq(answer_text(&a, "/kind"), "batch");
    cr_assert_str_eq(answer_text(&a, "/status"), "succeeded");
    cr_assert_eq(answer_size(&a, "/children"), 2);
    cr_assert_str_eq(answer_text(&a, "/children/0/status"), "succeeded");
    cr_assert_str_eq(answer_text(&a, "/children/0/kind"), "start");
    char path[100];
    snprintf(path, sizeof(path), "/api/operations?parent=%s", answer_text(&a, "/id"));
    answer_deinit(&a);
    a = house_ask(&h, "GET", path, NULL, 200);
    cr_assert_eq(answer_number(&a, "/total"), 2);
    answer_deinit(&a);
    a = post("/api/instances/batch",
             "{'action':'stop','select':{'state':'running'},'options':{"
             "'force':true}}",
             202);
    cr_assert_eq(answer_size(&a, "/children"), 2);
    answer_deinit(&a);
    a = post("/api/instances/batch?wait=9",
             "{'action':'modify','select':{'all':true},'options':{'group':'g'}}", 200);
    cr_assert_eq(answer_size(&a, "/children"), 3);
    answer_deinit(&a);
    a = post("/api/instances/batch?wait=9", "{'action':'remove','select':{'group':'g'}}", 200);
    cr_assert_eq(answer_size(&a, "/children"), 3);
    answer_deinit(&a);
}

Test(api_route_commands, refuses_batches_that_are_not_clear)
{
    static const char *const rows[][2] = {
        {"{'action':'start'}", "select"},
        {"{'select':{'all':true}}", "action"},
        {"{'action':'fly','select':{'all':true}}", "action"},
        {"{'action':'start','select':[]}", "select"},
        {"{'action':'start','select':{}}", "select"},
        {"{'action':'start','select':{'all':false}}", "select.all"},
        {"{'action':'start','select':{'ids':[]}}", "select"},
        {"{'action':'start','select':{'ids':5}}", "select.ids"},
        {"{'action':'start','select':{'ids':[0,9]}}", "select.ids[1]"},
        {"{'action':'start','select':{'ids':[0],'all':true}}", "select"},
        {"{'action':'start','select':{'names':['x']}}", "select"},
        {"{'action':'start','select':{'state':'x'}}", "select.state"},
        {"{'action':'start','select':{'state':'running'}}", "select"},
        {"{'action':'stop','select':{'all':true},'options':{'until':'ready'}}", "options.until"},
        {"{'action':'modify','select':{'all':true}}", "options"},
        {"{'action':'modify','select':{'all':true},'options':{'name':'x'}}", "options.name"},
        {"{'action':'start','select':{'all':true},'more':1}", "more"},
    };
    for (size_t i = 0; i < countof(rows); i++)
        house_refuses(&h, "POST", "/api/instances/batch", rows[i][0], 422, "VALIDATION_FAILED",
                      rows[i][1]);
}

Test(api_route_commands, lets_only_an_admin_remove_many)
{
    char secret[CACHE_TOKEN_SIZE], header[100];
    house_token(&h, "op", CACHE_ROLE_OPERATOR, secret);
    snprintf(header, sizeof(header), "Authorization: Bearer %s\r\n", secret);
    struct answer a = house_ask_with(&h, header, "POST", "/api/instances/batch",
                                     "{'action':'remove','select':{'all':true}}", 403);
    answer_deinit(&a);
    a = house_ask_with(&h, header, "POST", "/api/instances/batch",
                       "{'action':'stop','select':{'all':true}}", 202);
    answer_deinit(&a);
    a = house_ask_with(&h, header, "DELETE", "/api/instances/0", NULL, 403);
    answer_deinit(&a);
}

Test(api_route_commands, lets_an_operator_change_what_is_ours_and_nothing_of_ldplayers)
{
    static const struct {
        const char *method, *path, *body;
        int status;
    } rows[] = {
        {"PATCH", "/api/instances/0?wait=9", "{'repair':'full','quarantine':null}", 200},
        {"PATCH", "/api/instances/0?wait=9",
         "{'labels':{'a':'b'},'group':'g','desired_state':null}", 200},
        {"PATCH", "/api/instances/0", "{'name':'x'}", 403},
        {"PATCH", "/api/instances/0", "{'group':'g','settings':{'cpu':1}}", 403},
        {"PATCH", "/api/instances/0", "{'resolution':{'width':9,'height':9,'dpi':9}}", 403},
        {"POST", "/api/instances/batch?wait=9",
         "{'action':'modify','select':{'all':true},'options':{'repair':'restart'}}", 200},
        {"POST", "/api/instances/batch",
         "{'action':'modify','select':{'all':true},'options':{'settings':{'cpu':1}}}", 403},
    };
    char secret[CACHE_TOKEN_SIZE], header[100];
    house_token(&h, "op", CACHE_ROLE_OPERATOR, secret);
    snprintf(header, sizeof(header), "Authorization: Bearer %s\r\n", secret);
    for (size_t i = 0; i < countof(rows); i++) {
        struct answer a =
            house_ask_with(&h, header, rows[i].method, rows[i].path, rows[i].body, rows[i].status);
        answer_deinit(&a);
    }
    struct answer a = house_ask(&h, "GET", "/api/instances/0", NULL, 200);
    cr_expect_str_eq(answer_text(&a, "/repair"), "restart");
    cr_expect_str_eq(answer_text(&a, "/group"), "g");
    answer_deinit(&a);
}

Test(api_route_commands, leaves_an_operation_alone_whose_client_went_away)
{
    client_send(&h.c, "POST /api/instances/0/start?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n");
    house_until(&h, h.server->http->n_holds == 1 && h.world.told[0]);
    client_close(&h.c);
    house_until(&h, h.server->http->n_holds == 0);
    client_connect_unix(&h.c, h.path, house_turn, &h);
    house_until(&h, world_state(&h.world, 0) == CACHE_STATE_RUNNING);
}
