/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "api/access/auth.h"
#include "tests/unit/api/house.h"

static struct house h;
static struct client c; /* over TCP, where only a token helps */

static void begin(void)
{
    house_begin(&h);
    client_connect_tcp(&c, h.port, house_turn, &h);
}

static void end(void)
{
    client_close(&c);
    house_end(&h);
}

TestSuite(api_auth, .init = begin, .fini = end);

static struct reply ask(const char *authorization, const char *path, int status)
{
    char *text = mem_printf("GET %s HTTP/1.1\r\nHost: localhost\r\n%s%s%s\r\n", path,
                            authorization ? "Authorization: " : "",
                            authorization ? authorization : "", authorization ? "\r\n" : "");
    struct reply r = client_ask(&c, text, status);
    mem_free(text);
    return r;
}

static void expect(const char *authorization, const char *path, int status)
{
    struct reply r = ask(authorization, path, status);
    reply_deinit(&r);
}

static void expect_token(const char *secret, const char *path, int status)
{
    char *header = mem_printf("Bearer %s", secret);
    expect(header, path, status);
    mem_free(header);
}

Test(api_auth, asks_strangers_for_credentials)
{
    struct reply r = ask(NULL, "/api/auth/me", 401);
    char *challenge = reply_header(&r, "WWW-Authenticate");
    cr_assert_str_eq(challenge, "Bearer realm=\"ldplayerd\"");
    mem_free(challenge);
    reply_deinit(&r);
    expect(NULL, "/livez", 200);
    expect(NULL, "/api/openapi.json", 200);
}

Test(api_auth, knows_the_owner_of_the_process_on_the_socket)
{
    struct answer a = house_ask(&h, "GET", "/api/auth/me", NULL, 200);
    cr_assert_str_eq(answer_text(&a, "/role"), "admin");
    cr_assert_str_eq(answer_text(&a, "/kind"), "peer");
    answer_deinit(&a);
}

Test(api_auth, takes_a_token_over_the_peer_that_brings_it)
{
    char secret[CACHE_TOKEN_SIZE], header[100];
    house_token(&h, "reader", CACHE_ROLE_VIEWER, secret);
    snprintf(header, sizeof(header), "Authorization: Bearer %s\r\n", secret);
    struct answer a = house_ask_with(&h, header, "GET", "/api/auth/me", NULL, 200);
    cr_assert_str_eq(answer_text(&a, "/role"), "viewer");
    cr_assert_str_eq(answer_text(&a, "/name"), "reader");
    cr_assert_str_eq(answer_text(&a, "/kind"), "token");
    answer_deinit(&a);
    a = house_ask_with(&h, header, "GET", "/api/auth/tokens", NULL, 403);
    cr_assert_not_null(strstr(answer_text(&a, "/detail"), "admin"));
    answer_deinit(&a);
}

Test(api_auth, refuses_what_is_no_token)
{
    static const char too_long[] = "Bearer 0123456789012345678901234567890123456789012345678901";
    static const char *const headers[] = {"Basic YTpi", "Bearer",     "Bearer ",
                                          "ldp_x",      "Bearer a b", too_long};
    for (size_t i = 0; i < countof(headers); i++)
        expect(headers[i], "/api/auth/me", 401);
    expect("Basic YTpi", "/livez", 200);
}

Test(api_auth, forgets_a_token_that_was_revoked_at_once)
{
    struct answer a =
        house_ask(&h, "POST", "/api/auth/tokens", "{'name':'t','role':'operator'}", 201);
    const char *secret = answer_text(&a, "/token");
    char path[100];
    expect_token(secret, "/api/auth/me", 200);
    expect_token(secret, "/api/auth/me", 200);
    snprintf(path, sizeof(path), "/api/auth/tokens/%s", answer_text(&a, "/id"));
    house_expect(&h, "DELETE", path, NULL, 204);
    expect_token(secret, "/api/auth/me", 401);
    house_refuses(&h, "DELETE", path, NULL, 404, "TOKEN_NOT_FOUND", NULL);
    answer_deinit(&a);
}

Test(api_auth, lists_tokens_without_their_secrets)
{
    struct answer made =
        house_ask(&h, "POST", "/api/auth/tokens",
                  "{'name':'t','role':'viewer','expires_at':'2999-01-01T00:00:00Z'}", 201);
    reply_expect_header(&made.reply, "Cache-Control", "no-store");
    struct answer a = house_ask(&h, "GET", "/api/auth/tokens", NULL, 200);
    cr_assert_eq(answer_number(&a, "/total"), 1);
    cr_assert_str_eq(answer_text(&a, "/items/0/expires_at"), "2999-01-01T00:00:00.000Z");
    cr_assert_null(strstr(a.reply.body, answer_text(&made, "/token") + 4));
    answer_deinit(&a);
    answer_deinit(&made);
}

Test(api_auth, refuses_tokens_that_cannot_be_made)
{
    house_expect(&h, "POST", "/api/auth/tokens", "{'name':'t','role':'viewer'}", 201);
    house_refuses(&h, "POST", "/api/auth/tokens", "{'name':'t','role':'viewer'}", 409,
                  "TOKEN_EXISTS", NULL);
    static const char *const bodies[][2] = {
        {"{'role':'viewer'}", "name"},
        {"{'name':'','role':'viewer'}", "name"},
        {"{'name':'a\\tb','role':'viewer'}", "name"},
        {"{'name':'x'}", "role"},
        {"{'name':'x','role':'none'}", "role"},
        {"{'name':'x','role':'root'}", "role"},
        {"{'name':'x','role':'viewer','expires_at':'1999-01-01T00:00:00Z'}", "expires_at"},
        {"{'name':'x','role':'viewer','expires_at':'soon'}", "expires_at"},
        {"{'name':'x','role':'viewer','expires':'x'}", "expires"},
    };
    for (size_t i = 0; i < countof(bodies); i++)
        house_refuses(&h, "POST", "/api/auth/tokens", bodies[i][0], 422, "VALIDATION_FAILED",
                      bodies[i][1]);
}
