/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "api/common/cacheable.h"
#include "api/common/workstation_body.h"
#include "api/http/conn.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "tests/unit/api/house.h"

static struct house h;
static char path[200]; /* of the one that add() made */

static void begin(void)
{
    house_init(&h);
    fake_farm_put(h.world.farm, 0, "zero");
    fake_farm_put(h.world.farm, 1, "one");
    h.world.standing.check_ms = 100000000;
    /* Looks come when a test says so: a few bad ones would open a breaker. */
    h.world.observing.idle_ms = 100000000;
    fake_reach_answer_all(true, "answered");
    house_open(&h);
}

static void end(void)
{
    house_end(&h);
}

TestSuite(api_route_workstations, .init = begin, .fini = end);

static void add(const char *body)
{
    struct answer a = house_ask(&h, "POST", "/api/workstations", body, 201);
    snprintf(path, sizeof(path), "/api/workstations/%s", answer_text(&a, "/id"));
    reply_expect_header(&a.reply, "Location", path);
    answer_deinit(&a);
}

static const char *below(const char *rest)
{
    static char text[300];
    snprintf(text, sizeof(text), "%s%s", path, rest);
    return text;
}

static void expect_null(const struct answer *a, const char *pointer)
{
    yyjson_val *value = yyjson_ptr_get(a->root, pointer);
    cr_assert(yyjson_is_null(value), "%s in %s", pointer, a->reply.body);
}

static double answer_real(const struct answer *a, const char *pointer)
{
    yyjson_val *value = yyjson_ptr_get(a->root, pointer);
    cr_assert(yyjson_is_num(value), "no %s in %s", pointer, a->reply.body);
    return yyjson_get_num(value);
}

/* --- reading --- */

Test(api_route_workstations, the_list_is_an_array_with_the_local_one)
{
    fake_farm_set(h.world.farm, 1, 1, 100, 101);
    world_look(&h.world);
    ctl_figures_start(h.world.figures);
    house_until(&h, ctl_figures_last(h.world.figures));
    struct answer a = house_ask(&h, "GET", "/api/workstations", NULL, 200);
    cr_assert(yyjson_is_arr(a.root));
    cr_assert_eq(yyjson_arr_size(a.root), 1);
    cr_assert_str_eq(answer_text(&a, "/0/id"), "local");
    cr_assert_str_eq(answer_text(&a, "/0/status"), "online");
    cr_assert_str_eq(answer_text(&a, "/0/status_reason"), "ldconsole answers");
    expect_null(&a, "/0/address");
    cr_assert_eq(answer_size(&a, "/0/labels"), 0);
    cr_assert_eq(answer_number(&a, "/0/instances/total"), 2);
    cr_assert_eq(answer_number(&a, "/0/instances/running"), 1);
    cr_assert_eq(answer_number(&a, "/0/total_emulators"), 2);
    cr_assert_eq(answer_number(&a, "/0/active_emulators"), 1);
    cr_assert_gt(answer_number(&a, "/0/system/memory/total_bytes"), 0);
    cr_assert_gt(answer_number(&a, "/0/system/commit/limit_bytes"), 0);
    cr_assert_gt(answer_number(&a, "/0/system/uptime_s"), 0);
    cr_assert_str_not_empty(answer_text(&a, "/0/system/os/name"));
    cr_assert_str_not_empty(answer_text(&a, "/0/system/disks/0/mount"));
    cr_assert_gt(answer_real(&a, "/0/memory_usage"), 0);
    cr_assert_leq(answer_real(&a, "/0/memory_usage"), 100);
    cr_assert_gt(answer_real(&a, "/0/disk_usage"), 0);
    cr_assert_str_eq(answer_text(&a, "/0/ldplayer/0/ldconsole"), fake_farm_ldconsole(h.world.farm));
    cr_assert_str_not_empty(answer_text(&a, "/0/ldplayer/0/install_dir"));
    cr_assert_str_not_empty(answer_text(&a, "/0/last_seen"));
    answer_deinit(&a);
}

Test(api_route_workstations, nothing_is_claimed_before_anything_is_known)
{
    struct buf body cleanup(buf_deinit);
    buf_init(&body, 0);
    cr_assert_null(ctl_figures_last(h.world.figures));
    api_workstations_append_one(&h.server->context,
                                ctl_workstations_find(h.world.workstations, "local"), &body);
    struct answer a = {.doc = yyjson_read(body.data, body.len, 0)};
    a.root = yyjson_doc_get_root(a.doc);
    expect_null(&a, "/system");
    expect_null(&a, "/cpu_usage");
    expect_null(&a, "/memory_usage");
    expect_null(&a, "/disk_usage");
    yyjson_doc_free(a.doc);
    struct ldc_install install;
    ldc_install_copy(ldc_client_install(h.server->context.client), &install);
    install.is_missing = true;
    ldc_client_set_install(h.server->context.client, &install);
    ldc_install_deinit(&install);
    a = house_ask(&h, "GET", "/api/workstations", NULL, 200);
    cr_assert_eq(answer_size(&a, "/0/ldplayer"), 0);
    answer_deinit(&a);
}

static void expect_cache(const char *headers, const char *what, const char *wanted)
{
    struct answer a = house_ask_with(&h, headers, "GET", what, NULL, 200);
    reply_expect_header(&a.reply, "X-Cache", wanted);
    answer_deinit(&a);
}

Test(api_route_workstations, lists_are_kept_until_something_changes)
{
    expect_cache("", "/api/workstations", "MISS");
    expect_cache("", "/api/workstations", "HIT");
    expect_cache("Cache-Control: no-cache\r\n", "/api/workstations", "BYPASS");
    expect_cache("", "/api/workstations?max_age_ms=0", "BYPASS");
    expect_cache("", "/api/workstations?max_age_ms=60000", "HIT");
    expect_cache("", "/api/workstations/local", "MISS");
    expect_cache("", "/api/workstations/local", "HIT");
    add("{'name':'other'}");
    expect_cache("", "/api/workstations", "MISS");
    expect_cache("", path, "MISS");
    house_expect(&h, "PATCH", path, "{'maintenance':true}", 200);
    expect_cache("", path, "MISS");
    expect_cache("", "/api/workstations", "MISS");
    house_expect(&h, "DELETE", path, NULL, 204);
    expect_cache("", "/api/workstations", "MISS");
    house_expect(&h, "GET", path, NULL, 404);
}

/* What somebody does by hand counts like what we do ourselves. */
Test(api_route_workstations, what_is_seen_of_instances_makes_bodies_forgotten)
{
    world_look(&h.world);
    expect_cache("", "/api/workstations", "MISS");
    expect_cache("", "/api/workstations/local", "MISS");
    unsigned before = fake_farm_count(h.world.farm, "list2");
    fake_farm_set(h.world.farm, 0, 1, 77, 78);
    expect_cache("", "/api/workstations", "HIT");
    world_look(&h.world);
    struct answer a = house_ask(&h, "GET", "/api/workstations", NULL, 200);
    reply_expect_header(&a.reply, "X-Cache", "MISS");
    cr_expect_eq(answer_number(&a, "/0/active_emulators"), 1);
    answer_deinit(&a);
    expect_cache("", "/api/workstations/local", "MISS");
    cr_expect_eq(fake_farm_count(h.world.farm, "list2"), before + 1, "what is known will do");
    world_look(&h.world);
    expect_cache("", "/api/workstations", "HIT");
    fake_farm_put(h.world.farm, 2, "two");
    world_look(&h.world);
    a = house_ask(&h, "GET", "/api/workstations", NULL, 200);
    reply_expect_header(&a.reply, "X-Cache", "MISS");
    cr_expect_eq(answer_number(&a, "/0/total_emulators"), 3);
    answer_deinit(&a);
}

static void add_names(yyjson_val *value, struct buf *out)
{
    size_t i, max;
    yyjson_val *name, *member;
    yyjson_obj_foreach(value, i, max, name, member) {
        (void)buf_printf(out, "%s ", yyjson_get_str(name));
        add_names(member, out);
    }
}

/* Kept bodies outlive the program in redis. */
Test(api_route_workstations, a_kept_body_has_the_shape_of_its_version)
{
    struct buf names cleanup(buf_deinit) = {0};
    world_look(&h.world);
    struct answer a = house_ask(&h, "GET", "/api/workstations/local", NULL, 200);
    add_names(a.root, &names);
    answer_deinit(&a);
    cr_assert_str_eq(
        names.data,
        "id name status status_reason address labels maintenance system hostname "
        "cpu_percent memory total_bytes used_bytes available_bytes commit limit_bytes "
        "used_bytes disks os name version arch uptime_s hyper_v observed_at ldplayer instances "
        "total running total_emulators active_emulators cpu_usage memory_usage "
        "disk_usage last_seen created_at updated_at revision ",
        "The shape has changed: count API_CACHEABLE_VERSION up, then put it here");
    cr_assert_eq(API_CACHEABLE_VERSION, 2);
}

Test(api_route_workstations, a_tag_of_the_list_saves_the_body)
{
    struct answer a = house_ask(&h, "GET", "/api/workstations", NULL, 200);
    char *tag = reply_header(&a.reply, "ETag");
    char *headers = mem_printf("If-None-Match: %s\r\n", tag);
    answer_deinit(&a);
    a = house_ask_with(&h, headers, "GET", "/api/workstations", NULL, 304);
    answer_deinit(&a);
    mem_free(headers);
    mem_free(tag);
}

static void begin_blind(void)
{
    house_init(&h);
    fake_farm_answer(h.world.farm, "list2", FARM_GARBAGE);
    house_open(&h);
}

TestSuite(api_route_workstations_blind, .init = begin_blind, .fini = end);

Test(api_route_workstations_blind, a_failure_is_no_empty_list)
{
    struct answer a = house_ask(&h, "GET", "/api/workstations/local", NULL, 200);
    cr_assert_str_eq(answer_text(&a, "/status"), "degraded");
    expect_null(&a, "/instances");
    expect_null(&a, "/total_emulators");
    expect_null(&a, "/active_emulators");
    answer_deinit(&a);
}

Test(api_route_workstations, another_one_has_no_figures_here)
{
    add("{'name':'雷','address':'http://10.0.0.2:80','labels':{'rack':'3'}}");
    struct answer a = house_ask(&h, "GET", path, NULL, 200);
    cr_assert_str_eq(answer_text(&a, "/name"), "雷");
    cr_assert_str_eq(answer_text(&a, "/address"), "http://10.0.0.2:80");
    cr_assert_str_eq(answer_text(&a, "/labels/rack"), "3");
    cr_assert_eq(answer_size(&a, "/ldplayer"), 0);
    expect_null(&a, "/system");
    expect_null(&a, "/instances");
    expect_null(&a, "/cpu_usage");
    answer_deinit(&a);
    a = house_ask(&h, "GET", "/api/workstations", NULL, 200);
    cr_assert_eq(yyjson_arr_size(a.root), 2);
    cr_assert_str_eq(answer_text(&a, "/1/name"), "雷");
    answer_deinit(&a);
}

Test(api_route_workstations, one_that_is_not_there)
{
    static const char *const rows[][2] = {{"GET", ""},
                                          {"DELETE", ""},
                                          {"GET", "/system-info"},
                                          {"GET", "/instances"},
                                          {"POST", "/test-connection"}};
    snprintf(path, sizeof(path), "/api/workstations/nobody");
    for (size_t i = 0; i < countof(rows); i++)
        house_refuses(&h, rows[i][0], below(rows[i][1]), NULL, 404, "WORKSTATION_NOT_FOUND", NULL);
    house_refuses(&h, "PATCH", path, "{'name':'x'}", 404, "WORKSTATION_NOT_FOUND", NULL);
    house_refuses(&h, "PUT", path, "{}", 405, "METHOD_NOT_ALLOWED", NULL);
}

/* --- changing --- */

Test(api_route_workstations, fields_that_break_a_rule)
{
    static const char *const rows[][2] = {
        {"{}", "name"},
        {"[]", "body"},
        {"{'name':''}", "name"},
        {"{'name':5}", "name"},
        {"{'name':'a\\nb'}", "name"},
        {"{'name':'a\\u0000b'}", "name"},
        {"{'name':'a\\u007fb'}", "name"},
        {"{'name':'x','address':''}", "address"},
        {"{'name':'x','address':5}", "address"},
        {"{'name':'x','address':'host'}", "address"},
        {"{'name':'x','address':'host:0'}", "address"},
        {"{'name':'x','address':'ftp://host:1'}", "address"},
        {"{'name':'x','address':'http://host:1/x'}", "address"},
        {"{'name':'x','labels':5}", "labels"},
        {"{'name':'x','labels':{'a b':'c'}}", "labels"},
        {"{'name':'x','labels':{'a':1}}", "labels"},
        {"{'name':'x','maintenance':'yes'}", "maintenance"},
        {"{'name':'x','status':'online'}", "status"},
        {"{'name':'x','id':'y'}", "id"},
    };
    for (size_t i = 0; i < countof(rows); i++)
        house_refuses(&h, "POST", "/api/workstations", rows[i][0], 422, "VALIDATION_FAILED",
                      rows[i][1]);
    house_refuses(&h, "POST", "/api/workstations", "{", 400, "BODY_NOT_JSON", NULL);
    cr_assert_eq(ctl_workstations_count(h.world.workstations), 1);
}

Test(api_route_workstations, a_name_has_at_most_64_characters)
{
    char name[4 * 65 + 1] = "", body[400];
    for (int i = 0; i < 64; i++)
        strcat(name, "雷");
    snprintf(body, sizeof(body), "{'name':'%s'}", name);
    add(body);
    struct answer a = house_ask(&h, "GET", path, NULL, 200);
    cr_assert_str_eq(answer_text(&a, "/name"), name);
    answer_deinit(&a);
    snprintf(body, sizeof(body), "{'name':'%sx'}", name);
    house_refuses(&h, "POST", "/api/workstations", body, 422, "VALIDATION_FAILED", "name");
}

Test(api_route_workstations, refusals_name_what_stands_in_the_way)
{
    add("{'name':'x'}");
    house_refuses(&h, "POST", "/api/workstations", "{'name':'x'}", 409, "WORKSTATION_EXISTS",
                  "name");
    house_refuses(&h, "PATCH", "/api/workstations/local", "{'name':'x'}", 409, "WORKSTATION_EXISTS",
                  "name");
    house_refuses(&h, "DELETE", "/api/workstations/local", NULL, 409, "WORKSTATION_IS_LOCAL", NULL);
    house_refuses(&h, "PATCH", path, "{}", 422, "VALIDATION_FAILED", "body");
    house_refuses(&h, "PATCH", path, "{'name':''}", 422, "VALIDATION_FAILED", "name");
    world_break_store(&h.world, true);
    house_refuses(&h, "DELETE", path, NULL, 503, "STORE_UNAVAILABLE", NULL);
    world_break_store(&h.world, false);
}

Test(api_route_workstations, a_change_answers_with_what_is_so_now)
{
    add("{'name':'x','address':'h:1','maintenance':true}");
    struct answer a = house_ask(&h, "GET", path, NULL, 200);
    cr_assert_str_eq(answer_text(&a, "/status"), "maintenance");
    answer_deinit(&a);
    a = house_ask(&h, "PATCH", path, "{'name':'y','address':null,'labels':{'a':'b'}}", 200);
    cr_assert_str_eq(answer_text(&a, "/name"), "y");
    expect_null(&a, "/address");
    cr_assert_str_eq(answer_text(&a, "/labels/a"), "b");
    cr_assert(yyjson_is_true(yyjson_obj_get(a.root, "maintenance")));
    answer_deinit(&a);
    a = house_ask(&h, "PATCH", path, "{'maintenance':false}", 200);
    cr_assert_str_eq(answer_text(&a, "/status"), "unknown");
    cr_assert_str_eq(answer_text(&a, "/name"), "y");
    answer_deinit(&a);
}

Test(api_route_workstations, one_that_is_removed_is_gone)
{
    add("{'name':'x'}");
    house_expect(&h, "DELETE", path, NULL, 204);
    house_refuses(&h, "DELETE", path, NULL, 404, "WORKSTATION_NOT_FOUND", NULL);
    house_refuses(&h, "GET", path, NULL, 404, "WORKSTATION_NOT_FOUND", NULL);
}

/* --- tags --- */

static struct answer ask_if(const char *name, const char *tag, const char *method, const char *body,
                            int status)
{
    char *header cleanup(mem_freep) = mem_printf("%s: %s\r\n", name, tag);
    return house_ask_with(&h, header, method, path, body, status);
}

Test(api_route_workstations, a_tag_saves_the_body)
{
    add("{'name':'x'}");
    struct answer a = house_ask(&h, "GET", path, NULL, 200);
    char *tag cleanup(mem_freep) = reply_header(&a.reply, "ETag");
    answer_deinit(&a);
    a = ask_if("If-None-Match", tag, "GET", NULL, 304);
    answer_deinit(&a);
    house_expect(&h, "PATCH", path, "{'labels':{'a':'b'}}", 200);
    a = ask_if("If-None-Match", tag, "GET", NULL, 200);
    answer_deinit(&a);
}

/* The revision that the answer A tells, as If-Match wants it. */
static char *quoted_revision(const struct answer *a)
{
    return mem_printf("\"%s\"", answer_text(a, "/revision"));
}

Test(api_route_workstations, if_match_looks_at_what_can_be_changed)
{
    add("{'name':'x','address':'h:1'}");
    struct answer a = house_ask(&h, "GET", path, NULL, 200);
    char *tag cleanup(mem_freep) = reply_header(&a.reply, "ETag");
    char *revision cleanup(mem_freep) = quoted_revision(&a);
    cr_assert_eq(strncmp(tag, "W/\"", 3), 0, "%s", tag);
    answer_deinit(&a);
    /* Another status is another body, but nobody has changed anything. */
    fake_reach_answer_all(false, "refused");
    house_expect(&h, "POST", below("/test-connection"), NULL, 200);
    a = ask_if("If-None-Match", tag, "GET", NULL, 200);
    cr_assert_str_eq(answer_text(&a, "/status"), "offline");
    answer_deinit(&a);
    a = ask_if("If-Match", tag, "PATCH", "{'name':'y'}", 412);
    answer_deinit(&a);
    a = ask_if("If-Match", revision, "PATCH", "{'name':'y'}", 200);
    char *newer cleanup(mem_freep) = quoted_revision(&a);
    answer_deinit(&a);
    a = ask_if("If-Match", revision, "PATCH", "{'name':'z'}", 412);
    cr_assert_str_eq(answer_text(&a, "/code"), "PRECONDITION_FAILED");
    answer_deinit(&a);
    a = ask_if("If-Match", revision, "DELETE", NULL, 412);
    answer_deinit(&a);
    a = ask_if("If-Match", newer, "DELETE", NULL, 204);
    answer_deinit(&a);
}

Test(api_route_workstations, tags_and_revisions_fit_in_their_places)
{
    struct ctl_workstation w = {.row = {.id = "a", .name = "b", .labels = (char *)"{}"}};
    char tag[API_WORKSTATION_TAG_SIZE], revision[API_WORKSTATION_REVISION_SIZE];
    char other[API_WORKSTATION_REVISION_SIZE];
    api_workstations_tag("x", 1, tag);
    cr_assert_eq(strlen(tag) + 1, sizeof(tag));
    api_workstation_revision(&w, revision);
    cr_assert_eq(strlen(revision) + 1, sizeof(revision));
    w.row.is_maintained = true;
    api_workstation_revision(&w, other);
    cr_assert_str_neq(revision, other);
}

/* --- keys --- */

static struct answer ask_key(const char *method, const char *where, const char *body, int status)
{
    return house_ask_with(&h, "Idempotency-Key: k\r\n", method, where, body, status);
}

Test(api_route_workstations, a_repeated_request_is_made_once)
{
    struct answer a = ask_key("POST", "/api/workstations", "{'name':'x'}", 201);
    struct answer b = ask_key("POST", "/api/workstations", "{'name':'x'}", 201);
    cr_assert_str_eq(answer_text(&a, "/id"), answer_text(&b, "/id"));
    answer_deinit(&a);
    answer_deinit(&b);
    a = ask_key("POST", "/api/workstations", "{'name':'y'}", 422);
    cr_assert_str_eq(answer_text(&a, "/code"), "IDEMPOTENCY_KEY_REUSED");
    cr_assert_str_eq(answer_text(&a, "/errors/0/field"), "Idempotency-Key");
    answer_deinit(&a);
    a = house_ask_with(&h, "Idempotency-Key: a b\r\n", "POST", "/api/workstations", "{'name':'y'}",
                       422);
    answer_deinit(&a);
    cr_assert_eq(ctl_workstations_count(h.world.workstations), 2);
}

Test(api_route_workstations, a_repeated_removal_is_answered_alike)
{
    add("{'name':'x'}");
    struct answer a = ask_key("DELETE", path, NULL, 204);
    answer_deinit(&a);
    a = ask_key("DELETE", path, NULL, 204);
    answer_deinit(&a);
}

Test(api_route_workstations, a_repeated_change_of_one_that_is_gone)
{
    add("{'name':'x'}");
    struct answer a = ask_key("PATCH", path, "{'name':'y'}", 200);
    answer_deinit(&a);
    house_expect(&h, "PATCH", path, "{'name':'z'}", 200);
    a = ask_key("PATCH", path, "{'name':'y'}", 200);
    cr_assert_str_eq(answer_text(&a, "/name"), "z", "it was not done again");
    answer_deinit(&a);
    house_expect(&h, "DELETE", path, NULL, 204);
    a = ask_key("PATCH", path, "{'name':'y'}", 404);
    answer_deinit(&a);
}

/* --- what only the workstation itself knows --- */

Test(api_route_workstations, instances_of_the_local_one)
{
    struct answer a = house_ask(&h, "GET", "/api/workstations/local/instances?limit=1", NULL, 200);
    cr_assert_eq(answer_number(&a, "/total"), 2);
    cr_assert_eq(answer_size(&a, "/items"), 1);
    cr_assert_str_eq(answer_text(&a, "/items/0/name"), "zero");
    answer_deinit(&a);
}

static void expect_elsewhere(const char *rest, const char *where)
{
    struct answer a = house_ask(&h, "GET", below(rest), NULL, 503);
    cr_assert_str_eq(answer_text(&a, "/code"), "WORKSTATION_NOT_MIRRORED");
    cr_assert_not_null(strstr(answer_text(&a, "/detail"), where), "%s", a.reply.body);
    cr_assert(yyjson_is_false(yyjson_obj_get(a.root, "retryable")));
    answer_deinit(&a);
}

Test(api_route_workstations, what_another_knows_is_to_be_asked_for_there)
{
    add("{'name':'x','address':'h:1'}");
    expect_elsewhere("/instances", "GET http://h:1/api/instances");
    expect_elsewhere("/system-info", "GET http://h:1/api/workstations/local/system-info");
    house_expect(&h, "PATCH", path, "{'address':'http://h:2'}", 200);
    expect_elsewhere("/instances", "GET http://h:2/api/instances");
    house_expect(&h, "PATCH", path, "{'address':null}", 200);
    expect_elsewhere("/instances", "has no address");
}

Test(api_route_workstations, figures_of_the_local_one_are_new)
{
    struct answer a = house_ask(&h, "GET", "/api/workstations/local/system-info", NULL, 200);
    cr_assert_str_eq(answer_text(&a, "/id"), "local");
    cr_assert_gt(answer_number(&a, "/memory/total_bytes"), 0);
    cr_assert_gt(answer_size(&a, "/disks"), 0);
    cr_assert_eq(answer_size(&a, "/ldplayer"), 1);
    char *taken cleanup(mem_freep) = mem_strdup(answer_text(&a, "/observed_at"));
    answer_deinit(&a);
    fake_clock_skip(2000);
    a = house_ask(&h, "GET", "/api/workstations/local/system-info", NULL, 200);
    cr_assert_str_neq(answer_text(&a, "/observed_at"), taken);
    answer_deinit(&a);
}

/* --- what waits --- */

static uv_sem_t gate;

static void hold(uv_work_t *req)
{
    (void)req;
    uv_sem_wait(&gate);
}

static void on_held(uv_work_t *req, int status)
{
    (void)req;
    (void)status;
}

enum { POOL_SIZE = 4 };
static uv_work_t holders[POOL_SIZE];

/* Nothing is read any more, until let_go. */
static void hold_pool(void)
{
    uv_sem_init(&gate, 0);
    for (int i = 0; i < POOL_SIZE; i++)
        uv_queue_work(&h.world.loop.uv, &holders[i], hold, on_held);
}

static void let_go(void)
{
    for (int i = 0; i < POOL_SIZE; i++)
        uv_sem_post(&gate);
}

/* A request over TCP that gets no answer yet. */
static void send_waiting(struct client *c, const char *method, const char *where)
{
    char secret[CACHE_TOKEN_SIZE];
    house_token(&h, "waiter", CACHE_ROLE_ADMIN, secret);
    char *text cleanup(mem_freep) =
        mem_printf("%s %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", method,
                   where, secret);
    client_connect_tcp(c, h.port, house_turn, &h);
    client_send(c, text);
}

static unsigned n_waiting(void)
{
    return h.server->http->n_holds;
}

Test(api_route_workstations, a_drive_that_does_not_answer_is_told)
{
    h.server->options.first_survey_ms = 50;
    hold_pool();
    struct answer a = house_ask(&h, "GET", "/api/workstations/local/system-info", NULL, 503);
    cr_assert_str_eq(answer_text(&a, "/code"), "NOT_READY");
    cr_assert_not_null(strstr(answer_text(&a, "/detail"), "within 50 ms"), "%s", a.reply.body);
    answer_deinit(&a);
    let_go();
}

Test(api_route_workstations, who_goes_away_while_figures_are_read)
{
    struct client c;
    hold_pool();
    send_waiting(&c, "GET", "/api/workstations/local/system-info");
    house_until(&h, n_waiting() == 1);
    client_close(&c);
    house_until(&h, n_waiting() == 0);
    let_go();
}

static void expect_stopping_answer(struct client *c)
{
    struct reply r = client_read(c, false);
    cr_assert_eq(r.status, 503, "%s", r.body);
    cr_assert_not_null(strstr(r.body, "\"STOPPING\""), "%s", r.body);
    reply_deinit(&r);
    client_close(c);
}

/* The server drains, and tells who still waits. */
static void expect_stopping(struct client *c)
{
    h.server->http->is_closing = true;
    list_foreach(item, &h.server->http->conns)
        http_conn_drain(list_entry(item, struct http_conn, link));
    h.server->http->is_closing = false;
    expect_stopping_answer(c);
}

Test(api_route_workstations, who_waits_for_figures_is_told_when_the_service_stops)
{
    struct client c;
    hold_pool();
    send_waiting(&c, "GET", "/api/workstations/local/system-info");
    house_until(&h, n_waiting() == 1);
    expect_stopping(&c);
    let_go();
}

static void set_flag(void *arg)
{
    *(bool *)arg = true;
}

Test(api_route_workstations, figures_that_end_with_the_service)
{
    struct client c;
    bool is_closed = false;
    hold_pool();
    send_waiting(&c, "GET", "/api/workstations/local/system-info");
    house_until(&h, n_waiting() == 1);
    ctl_figures_close(h.world.figures, set_flag, &is_closed);
    h.world.figures = NULL;
    expect_stopping_answer(&c);
    let_go();
    house_until(&h, is_closed);
}

/* --- tests of a connection --- */

static void expect_tested(const char *where, bool is_reachable, const char *detail)
{
    struct answer a = house_ask(&h, "POST", where, NULL, 200);
    cr_assert_str_eq(answer_text(&a, "/status"), "success");
    cr_assert_eq(yyjson_get_bool(yyjson_obj_get(a.root, "reachable")), is_reachable);
    cr_assert_geq(answer_number(&a, "/latency_ms"), 0);
    cr_assert_not_null(strstr(answer_text(&a, "/detail"), detail), "%s", a.reply.body);
    answer_deinit(&a);
}

Test(api_route_workstations, a_test_tells_what_was_found)
{
    add("{'name':'x','address':'h:1'}");
    expect_tested(below("/test-connection"), true, "answered");
    fake_reach_answer_all(false, "refused");
    expect_tested(below("/test-connection"), false, "refused");
    expect_tested("/api/workstations/local/test-connection", true, "listed 2 instances");
    fake_farm_answer(h.world.farm, "list2", FARM_GARBAGE);
    world_look(&h.world);
    expect_tested("/api/workstations/local/test-connection", false, "no line is an instance");
    house_expect(&h, "PATCH", path, "{'address':null}", 200);
    house_refuses(&h, "POST", below("/test-connection"), NULL, 409, "WORKSTATION_HAS_NO_ADDRESS",
                  NULL);
}

Test(api_route_workstations, a_test_that_takes_too_long_is_given_up)
{
    h.server->options.first_survey_ms = 50;
    fake_farm_answer(h.world.farm, "list2", FARM_HANG);
    house_refuses(&h, "POST", "/api/workstations/local/test-connection", NULL, 504,
                  "LDCONSOLE_TIMED_OUT", NULL);
}

Test(api_route_workstations, who_goes_away_while_it_is_tested)
{
    struct client c;
    fake_farm_answer(h.world.farm, "list2", FARM_HANG);
    send_waiting(&c, "POST", "/api/workstations/local/test-connection");
    house_until(&h, n_waiting() == 1);
    client_close(&c);
    house_until(&h, n_waiting() == 0);
}

Test(api_route_workstations, who_tests_is_told_when_the_service_stops)
{
    struct client c;
    fake_farm_answer(h.world.farm, "list2", FARM_HANG);
    send_waiting(&c, "POST", "/api/workstations/local/test-connection");
    house_until(&h, n_waiting() == 1);
    expect_stopping(&c);
}

/* --- roles --- */

Test(api_route_workstations, each_role_may_do_its_part)
{
    static const struct {
        const char *method, *rest, *body;
        int viewer, operator, admin;
    } rows[] = {
        {"GET", "", NULL, 200, 200, 200},
        {"GET", "/local", NULL, 200, 200, 200},
        {"GET", "/local/system-info", NULL, 200, 200, 200},
        {"GET", "/local/instances", NULL, 200, 200, 200},
        {"POST", "/local/test-connection", NULL, 403, 200, 200},
        {"PATCH", "/local", "{'labels':{'a':'b'}}", 403, 403, 200},
        {"POST", "", "{'name':'x'}", 403, 403, 201},
        {"DELETE", "/local", NULL, 403, 403, 409},
    };
    char header[3][100], secret[CACHE_TOKEN_SIZE], where[100];
    static const char *const names[] = {"v", "o", "a"};
    for (int role = 0; role < 3; role++) {
        house_token(&h, names[role], (enum cache_role)(CACHE_ROLE_VIEWER + role), secret);
        snprintf(header[role], sizeof(header[role]), "Authorization: Bearer %s\r\n", secret);
    }
    for (size_t i = 0; i < countof(rows); i++) {
        const int statuses[] = {rows[i].viewer, rows[i].operator, rows[i].admin };
        snprintf(where, sizeof(where), "/api/workstations%s", rows[i].rest);
        for (int role = 0; role < 3; role++) {
            struct answer a = house_ask_with(&h, header[role], rows[i].method, where, rows[i].body,
                                             statuses[role]);
            answer_deinit(&a);
        }
    }
}
