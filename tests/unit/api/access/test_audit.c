/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "api/access/audit.h"
#include "base/system/fs.h"
#include "tests/support/folder.h"
#include "tests/unit/api/house.h"

static struct house h;
static struct client c; /* over TCP, where only a token helps */
static char *folder;
static char who[32]; /* of the socket */

/* The log goes to a file that the tests read. */
static void begin(void)
{
    folder = folder_make();
    char *path = fs_join(folder, "log");
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    cr_assert_geq(fd, 0);
    fflush(stderr);
    cr_assert_eq(dup2(fd, 2), 2);
    close(fd);
    mem_free(path);
    house_begin(&h);
    client_connect_tcp(&c, h.port, house_turn, &h);
    snprintf(who, sizeof(who), "who=\"uid:%u\"", (unsigned)geteuid());
}

static void end(void)
{
    client_close(&c);
    house_end(&h);
    folder_remove(folder);
}

TestSuite(api_audit, .init = begin, .fini = end);

static unsigned count(const char *text)
{
    char *log = folder_read(folder, "log");
    unsigned n = 0;
    for (const char *at = log; (at = strstr(at, text)); at++)
        n++;
    mem_free(log);
    return n;
}

static void expect_record(const char *text)
{
    char *log = folder_read(folder, "log");
    cr_assert(strstr(log, text), "\"%s\" is not in:\n%s", text, log);
    mem_free(log);
}

static void ask(const char *method, const char *path, const char *secret, int status)
{
    char *text = mem_printf("%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n%s%s%s\r\n",
                            method, path, secret ? "Authorization: Bearer " : "",
                            secret ? secret : "", secret ? "\r\n" : "");
    client_expect(&c, text, status);
    mem_free(text);
}

static void ask_socket(const char *method, const char *path, int status)
{
    struct answer a = house_ask(&h, method, path, NULL, status);
    answer_deinit(&a);
}

Test(api_audit, records_a_change_with_who_and_how_and_without_the_query)
{
    ask_socket("POST", "/api/breakers/list/reset", 200);
    expect_record(" info audit: method=POST path=\"/api/breakers/list/reset\" status=200 ");
    expect_record(who);
    expect_record(" role=admin how=socket duration_ms=");
    expect_record(" request_id=");
    ask_socket("DELETE", "/api/operations?ended_before=2020-01-01T00:00:00Z", 200);
    expect_record("method=DELETE path=\"/api/operations\" status=200 ");
    cr_assert_eq(count("2020-01-01"), 0);
}

Test(api_audit, records_a_change_that_failed)
{
    ask_socket("POST", "/api/instances/77/stop", 404);
    expect_record("method=POST path=\"/api/instances/77/stop\" status=404 ");
}

Test(api_audit, records_a_change_whose_client_did_not_wait_for_it)
{
    char secret[CACHE_TOKEN_SIZE];
    house_token(&h, "hasty", CACHE_ROLE_ADMIN, secret);
    ask("GET", "/api/auth/me", secret, 200);
    fake_farm_put(h.world.farm, 0, "zero");
    fake_farm_launch_to(h.world.farm, 2, true);
    world_look(&h.world);
    char *text = mem_printf("POST /api/instances/0/start?wait=60 HTTP/1.1\r\nHost: localhost\r\n"
                            "Authorization: Bearer %s\r\nContent-Length: 0\r\n\r\n",
                            secret);
    client_send(&c, text);
    mem_free(text);
    house_until(&h, fake_farm_count(h.world.farm, "launch") == 1);
    client_close(&c);
    house_until(&h, count("path=\"/api/instances/0/start\" status=499 who=\"hasty\"") == 1);
}

Test(api_audit, records_refusals_of_reads_too)
{
    ask("GET", "/api/instances?state=x", NULL, 401);
    expect_record(" warning audit: method=GET path=\"/api/instances\" status=401 who=\"-\" "
                  "role=none how=tcp ");
    ask("GET", "/api/instances", "nonsense", 401);
    cr_assert_eq(count("status=401"), 2);
    cr_assert_eq(count("nonsense"), 0, "no secret is written, valid or not");
}

Test(api_audit, names_the_token)
{
    char secret[CACHE_TOKEN_SIZE];
    house_token(&h, "eva", CACHE_ROLE_VIEWER, secret);
    ask("POST", "/api/breakers/list/reset", secret, 403);
    expect_record(" warning audit: method=POST path=\"/api/breakers/list/reset\" status=403 "
                  "who=\"eva\" role=viewer how=token ");
    cr_assert_eq(count(secret), 0);
}

Test(api_audit, forgets_who_asked_before)
{
    char secret[CACHE_TOKEN_SIZE];
    house_token(&h, "eva", CACHE_ROLE_VIEWER, secret);
    ask("GET", "/api/instances", secret, 200);
    ask("GET", "/api/instances", NULL, 401);
    cr_assert_eq(count("eva"), 0);
}

static unsigned n_events;
static char event[1024];

static void on_event(void *arg, const struct cache_event *e)
{
    (void)arg;
    if (!strstr(e->json->data, "security.caller_refused"))
        return;
    n_events++;
    snprintf(event, sizeof(event), "%.*s", (int)e->json->len, e->json->data);
}

Test(api_audit, tells_of_refusals_by_one_event_a_minute)
{
    char secret[CACHE_TOKEN_SIZE];
    struct cache_subscriber *s = cache_events_subscribe(h.world.events, on_event, NULL);
    house_token(&h, "eva", CACHE_ROLE_VIEWER, secret);
    ask("GET", "/api/instances", NULL, 401); /* a browser does that */
    ask("POST", "/api/breakers/list/reset", secret, 403);
    house_until(&h, n_events == 1);
    cr_assert(strstr(event, "\"path\":\"/api/breakers/list/reset\""), "%s", event);
    cr_assert(strstr(event, "\"who\":\"eva\",\"role\":\"viewer\",\"how\":\"token\""), "%s", event);
    cr_assert(strstr(event, "\"more\":0"), "%s", event);
    ask("POST", "/api/breakers/list/reset", NULL, 401);
    ask("GET", "/api/instances", "nonsense", 401);
    h.server->audit->tell_at_ms = 0; /* the minute is over */
    ask("GET", "/api/auth/tokens", secret, 403);
    house_until(&h, n_events == 2);
    cr_assert(strstr(event, "\"more\":2"), "%s", event);
    cache_events_unsubscribe(s);
}

Test(api_audit, cannot_be_forged_by_a_name)
{
    char secret[CACHE_TOKEN_SIZE];
    house_token(&h, "a\" role=admin", CACHE_ROLE_VIEWER, secret);
    ask("DELETE", "/api/auth/tokens/x%22%20status=200%0A", secret, 403);
    expect_record("path=\"/api/auth/tokens/x' status=200\\x0a\" status=403 "
                  "who=\"a' role=admin\" role=viewer");
}

Test(api_audit, does_not_record_reads_that_were_allowed)
{
    ask_socket("GET", "/api/instances", 200);
    ask("GET", "/livez", NULL, 200);
    cr_assert_eq(count(" audit: "), 0);
}

Test(api_audit, counts_refusals_beyond_so_many_in_a_second)
{
    for (int i = 0; i < API_AUDIT_REFUSALS_PER_S + 7; i++) {
        h.server->audit->until_ms = UINT64_MAX; /* one long second */
        ask("GET", "/api/instances", NULL, 401);
    }
    cr_assert_eq(count("status=401"), API_AUDIT_REFUSALS_PER_S);
    ask_socket("POST", "/api/breakers/list/reset", 200);
    cr_assert_eq(count("method=POST"), 1, "changes are always recorded");
    h.server->audit->until_ms = 0;
    ask("GET", "/api/instances", NULL, 401);
    cr_assert_eq(count("status=401"), API_AUDIT_REFUSALS_PER_S + 1);
    expect_record(" warning audit: dropped=7: more refusals");
}
