/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "api/http/route.h"
#include "api/resources/routes.h"

static struct api_request r;

/* Looks METHOD PATH up in the product's table. */
static struct api_route_match find(enum api_method method, const char *path)
{
    const char *why;
    struct api_router *router = api_router_new(api_routes, api_n_routes);
    api_request_reset(&r);
    r.method = method;
    (void)buf_append(&r.head, path, strlen(path) + 1);
    cr_assert_eq(api_request_parse_target(&r, &why), 0);
    struct api_route_match match = api_router_find(router, &r);
    api_router_free(router);
    return match;
}

static void begin(void)
{
    api_request_init(&r, 16384, 100);
}

static void end(void)
{
    api_request_deinit(&r);
}

TestSuite(api_route, .init = begin, .fini = end);

static void expect(enum api_method method, const char *path, const char *id)
{
    struct api_route_match match = find(method, path);
    cr_assert_not_null(match.route, "%s", path);
    cr_assert_str_eq(match.route->id, id);
}

Test(api_route, finds_by_method_and_path)
{
    expect(API_METHOD_GET, "/api/instances", "listInstances");
    expect(API_METHOD_POST, "/api/instances", "createInstance");
    expect(API_METHOD_HEAD, "/api/instances", "listInstances");
    expect(API_METHOD_GET, "/livez", "getLivez");
}

Test(api_route, fills_the_parameters_of_the_path)
{
    expect(API_METHOD_POST, "/api/instances/name%3Aa%2Fb/start", "startInstance");
    cr_assert_str_eq(r.params[0], "name:a/b");
    expect(API_METHOD_DELETE, "/api/auth/tokens/x", "revokeToken");
    cr_assert_str_eq(r.params[0], "x");
}

Test(api_route, prefers_the_literal_path)
{
    expect(API_METHOD_POST, "/api/instances/batch", "batchInstances");
    expect(API_METHOD_GET, "/api/instances/batch", "getInstance");
}

Test(api_route, knows_the_methods_of_a_path)
{
    char allow[64];
    struct api_route_match match = find(API_METHOD_PUT, "/api/instances/0");
    cr_assert_null(match.route);
    api_route_allow(match.methods, allow, sizeof(allow));
    cr_assert_str_eq(allow, "GET, HEAD, PATCH, DELETE, OPTIONS");
}

Test(api_route, does_not_know_other_paths)
{
    static const char *const paths[] = {"/",
                                        "/api",
                                        "/api/",
                                        "/api/instances/",
                                        "//livez",
                                        "/livez/",
                                        "/API/instances",
                                        "/api/instance",
                                        "/api/instances/0/x",
                                        "/api/instances//start",
                                        "/api/auth/login",
                                        "/api/auth/users",
                                        "/1/2/3/4/5/6/7/8/9"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
        cr_assert_eq(find(API_METHOD_GET, paths[i]).methods, 0, "%s", paths[i]);
}

Test(api_route, is_well_formed_throughout_the_table)
{
    for (size_t i = 0; i < api_n_routes; i++) {
        const struct api_route *route = &api_routes[i];
        cr_assert_eq(route->path[0], '/');
        cr_assert_not_null(route->handler, "%s", route->path);
        cr_assert_not_null(route->summary, "%s", route->path);
        cr_assert_neq(route->answers[0].status, 0, "%s", route->path);
        for (size_t k = 0; k < i; k++) {
            cr_assert_str_neq(api_routes[k].id, route->id);
            cr_assert(api_routes[k].method != route->method ||
                          strcmp(api_routes[k].path, route->path) != 0,
                      "%s stands twice", route->path);
        }
    }
}
