/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/system/fs.h"
#include "cache/results/results_json.h"
#include "cache/tables/preferences.h"
#include "tests/unit/api/house.h"

static struct house h;

static void begin(void)
{
    house_init(&h);
    h.world.observing.active_ms = h.world.observing.idle_ms = 1000000;
    fake_farm_put(h.world.farm, 0, "zero");
    house_open(&h);
    world_look(&h.world);
}

static void end(void)
{
    house_end(&h);
}

TestSuite(api_route_cache, .init = begin, .fini = end, .timeout = 60);

/* X-Cache of a GET with HEADERS. */
static void expect_cache_with(const char *headers, const char *path, const char *wanted)
{
    struct answer a = house_ask_with(&h, headers, "GET", path, NULL, 200);
    reply_expect_header(&a.reply, "X-Cache", wanted);
    cr_assert(reply_has_header(&a.reply, "Age"));
    answer_deinit(&a);
}

static void expect_cache(const char *path, const char *wanted)
{
    expect_cache_with("", path, wanted);
}

static int64_t stat_of(const char *pointer)
{
    struct answer a = house_ask(&h, "GET", "/api/cache/stats", NULL, 200);
    int64_t n = answer_number(&a, pointer);
    answer_deinit(&a);
    return n;
}

/* --- on the path of reads --- */

Test(api_route_cache, reads_hit_what_a_survey_has_kept)
{
    unsigned before = fake_farm_count(h.world.farm, "list2");
    expect_cache("/api/instances", "HIT");
    expect_cache("/api/instances/0", "HIT");
    expect_cache("/api/instances?state=stopped", "HIT");
    cr_expect_eq(fake_farm_count(h.world.farm, "list2"), before);
    cr_expect_eq(stat_of("/hits"), 3);
}

Test(api_route_cache, what_was_forgotten_is_looked_up_again)
{
    house_expect(&h, "POST", "/api/cache/clear", NULL, 200);
    unsigned before = fake_farm_count(h.world.farm, "list2");
    expect_cache("/api/instances", "MISS");
    cr_expect_eq(fake_farm_count(h.world.farm, "list2"), before + 1);
    expect_cache("/api/instances", "HIT");
}

/* Its effect is still to come, and is looked for by the engine. */
Test(api_route_cache, a_command_that_is_accepted_forgets_nothing)
{
    house_expect(&h, "GET", "/api/workstations", NULL, 200);
    fake_farm_answer(h.world.farm, "launch", FARM_HANG);
    house_expect(&h, "POST", "/api/instances/0/start", NULL, 202);
    cr_expect_eq(stat_of("/entries"), 2);
    cr_expect_eq(stat_of("/invalidated"), 0);
    expect_cache("/api/instances/0", "HIT");
    expect_cache("/api/workstations", "HIT");
}

Test(api_route_cache, zero_age_and_no_cache_go_past_it)
{
    unsigned before = fake_farm_count(h.world.farm, "list2");
    expect_cache("/api/instances?max_age_ms=0", "BYPASS");
    expect_cache_with("Cache-Control: no-cache\r\n", "/api/instances/0", "BYPASS");
    cr_expect_eq(fake_farm_count(h.world.farm, "list2"), before + 2);
    expect_cache("/api/instances?max_age_ms=60000", "HIT");
    expect_cache("/api/instances", "HIT");
    cr_expect_eq(stat_of("/bypassed"), 2);
}

Test(api_route_cache, a_viewer_cannot_start_looks)
{
    char secret[CACHE_TOKEN_SIZE];
    house_token(&h, "eve", CACHE_ROLE_VIEWER, secret);
    char *viewer = mem_printf("Authorization: Bearer %s\r\n", secret);
    char *impatient = mem_printf("%sCache-Control: no-cache\r\n", viewer);
    unsigned before = fake_farm_count(h.world.farm, "list2");
    struct answer a = house_ask_with(&h, viewer, "GET", "/api/instances?max_age_ms=0", NULL, 403);
    cr_expect_str_eq(answer_text(&a, "/code"), "FORBIDDEN");
    answer_deinit(&a);
    a = house_ask_with(&h, viewer, "GET", "/api/cache/stats", NULL, 403);
    answer_deinit(&a);
    expect_cache_with(impatient, "/api/instances", "HIT");
    cr_expect_eq(fake_farm_count(h.world.farm, "list2"), before);
    mem_free(impatient);
    mem_free(viewer);
}

Test(api_route_cache, a_good_list_bridges_a_bad_ldconsole)
{
    fake_farm_answer(h.world.farm, "list2", FARM_GARBAGE);
    house_refuses(&h, "GET", "/api/instances?max_age_ms=0", NULL, 503, "LDCONSOLE_GARBAGE", NULL);
    expect_cache("/api/instances", "STALE");
    house_expect(&h, "POST", "/api/cache/clear", NULL, 200);
    expect_cache("/api/instances", "STALE");
    struct answer a = house_ask(&h, "GET", "/api/instances", NULL, 200);
    cr_expect_str_eq(answer_text(&a, "/source"), "stale");
    cr_expect_eq(answer_number(&a, "/total"), 1);
    answer_deinit(&a);
}

/* --- steering --- */

Test(api_route_cache, entries_tell_what_is_kept)
{
    expect_cache("/api/instances", "HIT");
    struct answer a = house_ask(&h, "GET", "/api/cache/entries", NULL, 200);
    cr_expect_eq(answer_number(&a, "/total"), 1);
    cr_expect_str_eq(answer_text(&a, "/items/0/key"), "instances_list");
    cr_expect_gt(answer_number(&a, "/items/0/bytes"), 0);
    cr_expect_eq(answer_number(&a, "/items/0/ttl_ms"), 86400000, "the default");
    cr_expect_eq(answer_number(&a, "/items/0/accesses"), 1);
    answer_deinit(&a);
    a = house_ask(&h, "GET", "/api/cache/entries?pattern=work*", NULL, 200);
    cr_expect_eq(answer_number(&a, "/total"), 0);
    answer_deinit(&a);
    house_refuses(&h, "GET", "/api/cache/entries?pattern=", NULL, 422, "VALIDATION_FAILED",
                  "pattern");
}

Test(api_route_cache, figures_count_from_zero_after_a_reset)
{
    expect_cache("/api/instances", "HIT");
    cr_expect_eq(stat_of("/hits"), 1);
    house_expect(&h, "POST", "/api/cache/stats/reset", NULL, 200);
    cr_expect_eq(stat_of("/hits"), 0);
    cr_expect_eq(stat_of("/entries"), 1, "what is kept stays");
}

Test(api_route_cache, limits_can_be_changed_and_are_remembered)
{
    struct answer a = house_ask(&h, "POST", "/api/cache/config",
                                "{'max_entries': 5, 'default_ttl_seconds': 7}", 200);
    cr_expect_eq(answer_number(&a, "/max_entries"), 5);
    cr_expect_eq(answer_number(&a, "/default_ttl_seconds"), 7);
    cr_expect_eq(answer_number(&a, "/max_memory_mb"), 1);
    cr_expect_str_eq(answer_text(&a, "/backend"), "memory");
    answer_deinit(&a);
    cr_expect_eq(cache_results_options(h.results)->limits.max_entries, 5);
    world_flush(&h.world);
    cr_expect_eq(world_heard(&h.world, "cache.configured"), 1);

    sqlite3 *db = NULL;
    char *text = NULL, *path = fs_join(h.world.folder, "ldplayerd.db");
    cr_assert_eq(cache_db_open_reader(path, cache_profile_default, &db), 0);
    mem_free(path);
    cr_assert_eq(cache_preferences_read(db, CACHE_RESULTS_PREFERENCE, &text), 0);
    cr_expect_not_null(strstr(text, "\"max_entries\":5"), "%s", text);
    mem_free(text);
    cache_db_close(db);
}

Test(api_route_cache, disabled_it_keeps_nothing)
{
    house_expect(&h, "POST", "/api/cache/config", "{'enabled': false}", 200);
    cr_expect_eq(stat_of("/entries"), 0);
    expect_cache("/api/instances", "BYPASS");
    expect_cache("/api/instances", "BYPASS");
    expect_cache("/api/workstations", "BYPASS");
    cr_expect_eq(stat_of("/bypassed"), 3);
    cr_expect_eq(stat_of("/misses"), 0);
    house_expect(&h, "POST", "/api/cache/config", "{'enabled': true}", 200);
    expect_cache("/api/instances", "MISS");
    expect_cache("/api/instances", "HIT");
}

Test(api_route_cache, bad_limits_change_nothing)
{
    static const char *const rows[][2] = {
        {"{'max_entries': 0}", "max_entries"},
        {"{'max_entries': -1}", "max_entries"},
        {"{'max_entries': 1.5}", "max_entries"},
        {"{'max_entries': '5'}", "max_entries"},
        {"{'max_entries': 10000001}", "max_entries"},
        {"{'max_memory_mb': 0}", "max_memory_mb"},
        {"{'max_memory_mb': 1048576}", "max_memory_mb"},
        {"{'default_ttl_seconds': 0}", "default_ttl_seconds"},
        {"{'default_ttl_seconds': 31536001}", "default_ttl_seconds"},
        {"{'enabled': 'yes'}", "enabled"},
        {"{'colour': 1}", "colour"},
        {"{}", "body"},
        {"[1]", "body"},
    };
    struct cache_results_options before = *cache_results_options(h.results);
    for (size_t i = 0; i < countof(rows); i++)
        house_refuses(&h, "POST", "/api/cache/config", rows[i][0], 422, "VALIDATION_FAILED",
                      rows[i][1]);
    house_refuses(&h, "POST", "/api/cache/config", "{", 400, "BODY_NOT_JSON", NULL);
    cr_expect_eq(memcmp(&before, cache_results_options(h.results), sizeof(before)), 0);
}

Test(api_route_cache, a_database_that_fails_keeps_the_limits_as_they_are)
{
    world_break_store(&h.world, true);
    house_refuses(&h, "POST", "/api/cache/config", "{'max_entries': 5}", 503, "STORE_UNAVAILABLE",
                  NULL);
    cr_expect_eq(cache_results_options(h.results)->limits.max_entries, 1000);
    world_break_store(&h.world, false);
}

static void begin_without(void)
{
    house_init(&h);
    h.cache_backend = "none";
    house_open(&h);
}

TestSuite(api_route_cache_none, .init = begin_without, .fini = end, .timeout = 60);

Test(api_route_cache_none, cannot_be_enabled)
{
    house_refuses(&h, "POST", "/api/cache/config", "{'enabled': true}", 422, "VALIDATION_FAILED",
                  "enabled");
}

/* --- the routes of the earlier systems --- */

Test(api_route_cache, performance_cache_stats_have_their_shape)
{
    expect_cache("/api/instances", "HIT");
    house_expect(&h, "POST", "/api/performance/cache-clear", NULL, 200);
    expect_cache("/api/instances", "MISS");
    struct answer a = house_ask(&h, "GET", "/api/performance/cache-stats", NULL, 200);
    cr_expect_str_eq(answer_text(&a, "/status"), "success");
    cr_expect_eq(answer_number(&a, "/cache_stats/hits"), 1);
    cr_expect_eq(answer_number(&a, "/cache_stats/misses"), 1);
    cr_expect_eq(answer_number(&a, "/cache_stats/size"), 1);
    cr_expect_eq(answer_number(&a, "/cache_stats/evictions"), 0);
    cr_expect_eq(answer_number(&a, "/cache_stats/total_requests"), 2);
    cr_expect_eq(yyjson_get_num(yyjson_ptr_get(a.root, "/cache_stats/hit_rate_percent")), 50);
    cr_expect_str_neq(answer_text(&a, "/timestamp"), "");
    answer_deinit(&a);
}

Test(api_route_cache, performance_cache_clear_says_how_many_went)
{
    struct answer a = house_ask(&h, "POST", "/api/performance/cache-clear", NULL, 200);
    cr_expect_str_eq(answer_text(&a, "/message"), "Cache cleared");
    cr_expect_eq(answer_number(&a, "/entries_removed"), 1);
    answer_deinit(&a);
    world_flush(&h.world);
    cr_expect_eq(world_heard(&h.world, "cache.invalidated"), 1);
}

Test(api_route_cache, performance_cache_invalidate_takes_a_pattern)
{
    struct answer a = house_ask(
        &h, "POST", "/api/performance/cache-invalidate?pattern=workstations_*", NULL, 200);
    cr_expect_str_eq(answer_text(&a, "/message"), "0 cache entries invalidated");
    cr_expect_str_eq(answer_text(&a, "/pattern"), "workstations_*");
    answer_deinit(&a);
    a = house_ask(&h, "POST", "/api/performance/cache-invalidate?pattern=inst*", NULL, 200);
    cr_expect_str_eq(answer_text(&a, "/message"), "1 cache entries invalidated");
    answer_deinit(&a);
}

Test(api_route_cache, performance_cache_invalidate_refuses_bad_patterns)
{
    char *stars = mem_alloc(10001), *path;
    memset(stars, '*', 10000);
    stars[10000] = '\0';
    static const char *const patterns[] = {"", "?pattern=", "?pattern=a%01b", "?pattern=%5Bab"};
    for (size_t i = 0; i < countof(patterns); i++) {
        path = mem_printf("/api/performance/cache-invalidate%s", patterns[i]);
        house_refuses(&h, "POST", path, NULL, 400, "BAD_REQUEST", NULL);
        mem_free(path);
    }
    path = mem_printf("/api/performance/cache-invalidate?pattern=%.2000s", stars);
    house_refuses(&h, "POST", path, NULL, 400, "BAD_REQUEST", NULL);
    mem_free(path);
    cr_expect_eq(stat_of("/entries"), 1);
    mem_free(stars);
}

Test(api_route_cache, performance_metrics_have_their_shape)
{
    struct answer a = house_ask(&h, "GET", "/api/performance/metrics", NULL, 200);
    cr_expect_eq(answer_number(&a, "/metrics/cache/size"), 1);
    cr_expect_eq(answer_number(&a, "/metrics/managers/count"), 1);
    cr_expect_eq(answer_number(&a, "/metrics/websockets/active_connections"), 0);
    cr_expect_eq(answer_number(&a, "/metrics/connections/active"), 1);
    cr_expect_eq(answer_number(&a, "/metrics/operations/open"), 0);
    answer_deinit(&a);
}
