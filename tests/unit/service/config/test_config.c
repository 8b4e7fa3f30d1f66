/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>
#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "service/config/config.h"
#include "service/process/platform.h"

/* A configuration from these flags and the environment alone: no file of this machine. */
static int load(const struct svc_flag *flags, size_t n, struct svc_config *ret,
                struct svc_problems *problems)
{
    svc_problems_init(problems);
    uv_os_setenv("LDPLAYERD_DATA_DIR", "/nonexistent/data");
    return svc_config_load(flags, n, ret, problems);
}

static void check_refused(const char *name, const char *value, const char *expected)
{
    struct svc_flag flag = {name, value};
    struct svc_problems problems cleanup(svc_problems_deinit);
    struct svc_config c cleanup(svc_config_deinit);
    cr_assert_eq(load(&flag, 1, &c, &problems), UV_EINVAL, "--%s %s was taken", name, value);
    cr_assert(strstr(svc_problems_text(&problems), expected), "--%s %s: %s", name, value,
              svc_problems_text(&problems));
}

Test(svc_config, has_a_default_for_every_option_that_its_own_rule_allows)
{
    struct svc_problems problems cleanup(svc_problems_deinit);
    struct svc_config c cleanup(svc_config_deinit);
    svc_problems_init(&problems);
    svc_config_init(&c);
    for (size_t i = 0; i < svc_option_count; i++) {
        const struct svc_option *option = &svc_option_table[i];
        if (*option->fallback && !svc_platform_refusal(option->name))
            svc_config_set_text(&c, option, option->fallback, SVC_SOURCE_FLAG, option->name,
                                &problems);
        if (option->bare)
            svc_config_set_text(&c, option, option->bare, SVC_SOURCE_FLAG, option->name, &problems);
        cr_assert(*option->fallback || option->fallback_note, "%s has no default", option->name);
    }
    cr_assert_eq(problems.n, 0, "%s", svc_problems_text(&problems));
}

Test(svc_config, has_no_name_twice)
{
    for (size_t i = 0; i < svc_option_count; i++) {
        const char *name = svc_option_table[i].name;
        cr_assert_eq(svc_option_find(name), &svc_option_table[i], "%s", name);
    }
}

Test(svc_config, spells_an_option_in_three_ways)
{
    char text[64];
    const struct svc_option *option = svc_option_find("max_connections");
    svc_option_env_name(option, text, sizeof(text));
    cr_assert_str_eq(text, "LDPLAYERD_MAX_CONNECTIONS");
    svc_option_flag_name(option, text, sizeof(text));
    cr_assert_str_eq(text, "max-connections");
    cr_assert_eq(svc_option_find_flag("max-connections"), option);
    cr_assert_null(svc_option_find_flag("max_connections"));
}

Test(svc_config, prefers_a_flag_to_the_environment_to_the_default)
{
    struct svc_flag flag = {"idle-timeout-ms", "3000"};
    struct svc_problems problems cleanup(svc_problems_deinit);
    struct svc_config c cleanup(svc_config_deinit);
    uv_os_setenv("LDPLAYERD_IDLE_TIMEOUT_MS", "2000");
    uv_os_setenv("LDPLAYERD_BODY_TIMEOUT_MS", "2001");
    uv_os_setenv("LDPLAYERD_STUCK_MS", "");
    cr_assert_eq(load(&flag, 1, &c, &problems), 0, "%s", svc_problems_text(&problems));
    cr_assert_eq(c.idle_timeout_ms, 3000);
    cr_assert_eq(c.body_timeout_ms, 2001);
    cr_assert_eq(c.stuck_ms, 120000, "an empty variable must count as none");

    char *source cleanup(mem_freep) = svc_config_source(&c, svc_option_find("idle_timeout_ms"));
    cr_assert_str_eq(source, "flag --idle-timeout-ms");
    char *other cleanup(mem_freep) = svc_config_source(&c, svc_option_find("body_timeout_ms"));
    cr_assert_str_eq(other, "environment LDPLAYERD_BODY_TIMEOUT_MS");
    char *third cleanup(mem_freep) = svc_config_source(&c, svc_option_find("stuck_ms"));
    cr_assert_str_eq(third, "default");
}

Test(svc_config, takes_variables_of_the_earlier_system)
{
    struct svc_problems problems cleanup(svc_problems_deinit);
    struct svc_config c cleanup(svc_config_deinit);
    uv_os_setenv("DISABLE_RESULT_CACHE", "true");
    uv_os_setenv("CACHE_MAX_SIZE", "77");
    uv_os_setenv("CACHE_MAX_MEMORY_MB", "64");
    uv_os_setenv("CACHE_TTL_SECONDS", "60");
    uv_os_setenv("LDPLAYERD_CACHE_TTL_S", "61");
    cr_assert_eq(load(NULL, 0, &c, &problems), 0, "%s", svc_problems_text(&problems));
    cr_assert(c.disable_result_cache);
    cr_assert_eq(c.cache_max_entries, 77);
    cr_assert_eq(c.cache_max_memory_mb, 64);
    cr_assert_eq(c.cache_ttl_s, 61, "our own name wins");
    char *alias cleanup(mem_freep) = svc_config_source(&c, svc_option_find("cache_max_entries"));
    cr_assert_str_eq(alias, "environment CACHE_MAX_SIZE");
    char *own cleanup(mem_freep) = svc_config_source(&c, svc_option_find("cache_ttl_s"));
    cr_assert_str_eq(own, "environment LDPLAYERD_CACHE_TTL_S");
}

Test(svc_config, refuses_a_cache_that_cannot_be)
{
    check_refused("cache-max-memory-mb", "1048576", "more than the");
    check_refused("cache-max-entries", "0", "a whole number from 1 to");
    check_refused("cache-redis-url", "http://127.0.0.1", "cache_redis_url: the URL ");
    check_refused("cache-redis-prefix", "a*", "cache_redis_prefix: the prefix ");
    check_refused("cache-backend", "memcached", "memory, redis, none");
}

Test(svc_config, shows_no_password)
{
    struct svc_flag flag = {"cache-redis-url", "redis://:secret@127.0.0.1"};
    struct svc_problems problems cleanup(svc_problems_deinit);
    struct svc_config c cleanup(svc_config_deinit);
    cr_assert_eq(load(&flag, 1, &c, &problems), 0, "%s", svc_problems_text(&problems));
    char *shown cleanup(mem_freep) = svc_config_shown(&c, svc_option_find("cache_redis_url"));
    cr_assert_str_eq(shown, "(not shown)");
    char *none cleanup(mem_freep) = svc_config_shown(&c, svc_option_find("ldconsole"));
    cr_assert_str_eq(none, "-");
}

Test(svc_config, reports_a_bad_value_also_where_a_better_source_hides_it)
{
    struct svc_flag flag = {"stuck-ms", "5000"};
    struct svc_problems problems cleanup(svc_problems_deinit);
    struct svc_config c cleanup(svc_config_deinit);
    uv_os_setenv("LDPLAYERD_STUCK_MS", "soon");
    cr_assert_eq(load(&flag, 1, &c, &problems), UV_EINVAL);
    cr_assert_str_eq(svc_problems_text(&problems),
                     "LDPLAYERD_STUCK_MS: \"soon\" is not allowed; it must be a whole number "
                     "from 1000 to 86400000 ms\n");
    cr_assert_eq(c.stuck_ms, 5000);
}

Test(svc_config, refuses_what_is_out_of_range_or_of_another_type)
{
    check_refused("max-connections", "0", "a whole number from 1 to 100000");
    check_refused("max-connections", "100001", "100001 is not allowed");
    check_refused("max-connections", "-1", "-1 is not allowed");
    check_refused("max-connections", "1e3", "\"1e3\" is not allowed");
    check_refused("max-connections", "", "\"\" is not allowed");
    check_refused("max-connections", "99999999999999999999", "is not allowed");
    check_refused("allow-remote", "yes", "true or false");
    check_refused("log-level", "loud", "one of debug, info, warning, error");
    check_refused("data-dir", "", "a text that is not empty");
    check_refused("breaker-max-open-ms", "100", "less than breaker_open_ms");
    check_refused("breaker-min-calls", "33", "a whole number from 1 to 32");
    check_refused("breaker-slow-percent", "0", "a whole number from 1 to 100");
    check_refused("breaker-window-ms", "900000", "deadline_copy_ms (900000 ms)");
    check_refused(
        "repair-per-hour", "25",
        "25 acts in an hour are one in 144 s, but it takes 145 s to see whether one helped: "
        "settle_ms 10000 + stuck_ms 120000 + 3 looks (repair_looks) of refresh_idle_ms 5000; "
        "at most 24 with these");
    check_refused("restart-after-h", "8761", "a whole number from 0 to 8760");
    check_refused("restart-idle-cpu-percent", "10", "there are none: set restart_after_h");
    check_refused("refresh-idle-ms", "100", "less than refresh_active_ms");
}

Test(svc_config, refuses_to_restart_what_cannot_have_been_seen_to_run)
{
    struct svc_flag flags[] = {{"restart-after-h", "1"}, {"stuck-ms", "7200000"}};
    struct svc_problems problems cleanup(svc_problems_deinit);
    struct svc_config c cleanup(svc_config_deinit);
    cr_assert_eq(load(flags, 2, &c, &problems), UV_EINVAL);
    cr_assert(strstr(svc_problems_text(&problems),
                     "restart_after_h: 1 h is less than it may take to see that a start has come "
                     "up, 7225 s: settle_ms 10000 + stuck_ms 7200000 + 3 looks (repair_looks) of "
                     "refresh_idle_ms 5000; at least 3 with these"),
              "%s", svc_problems_text(&problems));
    flags[0].value = "3";
    svc_config_deinit(&c);
    svc_problems_deinit(&problems);
    cr_assert_eq(load(flags, 2, &c, &problems), 0, "%s", svc_problems_text(&problems));
}

Test(svc_config, takes_the_last_of_repeated_flags)
{
    struct svc_flag flags[] = {{"http", "127.0.0.1:1"}, {"http", "127.0.0.1:2"}};
    struct svc_problems problems cleanup(svc_problems_deinit);
    struct svc_config c cleanup(svc_config_deinit);
    cr_assert_eq(load(flags, 2, &c, &problems), 0);
    cr_assert_str_eq(c.http, "127.0.0.1:2");
}

Test(svc_config, refuses_an_address_others_can_reach_until_it_is_allowed)
{
    struct svc_flag flags[] = {{"http", "0.0.0.0:80"}, {"allow-remote", "true"}};
    struct svc_problems problems cleanup(svc_problems_deinit);
    struct svc_config c cleanup(svc_config_deinit);
    check_refused("http", "0.0.0.0:80", "set allow_remote");
    check_refused("http", "[::]:80", "set allow_remote");
    cr_assert_eq(load(flags, 2, &c, &problems), 0, "%s", svc_problems_text(&problems));
}

Test(svc_config, puts_the_socket_into_the_data_directory)
{
    struct svc_flag flag = {"data-dir", "/nonexistent/other"};
    struct svc_problems problems cleanup(svc_problems_deinit);
    struct svc_config c cleanup(svc_config_deinit);
    cr_assert_eq(load(&flag, 1, &c, &problems), 0);
    cr_assert_str_eq(c.socket, "/nonexistent/other/ldplayerd.sock");
}

Test(svc_config, has_no_pipe_where_there_are_none)
{
    struct svc_problems problems cleanup(svc_problems_deinit);
    struct svc_config c cleanup(svc_config_deinit);
    cr_assert_eq(load(NULL, 0, &c, &problems), 0);
    cr_assert_str_eq(c.pipe, "none");
    cr_assert_str_eq(c.operators_group, "ldplayerd-operators");
    cr_assert_str_eq(c.interactive_role, "viewer");
    check_refused("pipe", "\\\\.\\pipe\\x", "named pipes are for Windows");
    check_refused("operators-group", "x", "which is for Windows");
    check_refused("interactive-role", "none", "which is for Windows");
}

Test(svc_config, refuses_a_pipe_that_is_none_of_this_machine)
{
    const char *const bad[] = {"x", "\\\\.\\pipe\\", "\\\\server\\pipe\\x", "\\\\.\\pipe\\a\\b"};
    struct svc_problems problems cleanup(svc_problems_deinit);
    struct svc_config c cleanup(svc_config_deinit);
    cr_assert_eq(load(NULL, 0, &c, &problems), 0);
    for (size_t i = 0; i < countof(bad); i++) {
        mem_free(c.pipe);
        c.pipe = mem_strdup(bad[i]);
        svc_config_check(&c, &problems);
        cr_assert_eq(problems.n, i + 1, "%s", bad[i]);
    }
    mem_free(c.pipe);
    c.pipe = mem_strdup("\\\\.\\pipe\\ldplayerd");
    svc_config_check(&c, &problems);
    cr_assert_eq(problems.n, countof(bad));
}

Test(svc_config, refuses_to_have_no_listener)
{
    struct svc_flag flags[] = {{"http", "none"}, {"socket", "none"}};
    struct svc_problems problems cleanup(svc_problems_deinit);
    struct svc_config c cleanup(svc_config_deinit);
    cr_assert_eq(load(flags, 2, &c, &problems), UV_EINVAL);
    cr_assert(strstr(svc_problems_text(&problems), "nobody could connect"));
}

Test(svc_config, refuses_to_drive_a_simulation_and_an_ldplayer)
{
    struct svc_flag flags[] = {{"simulate", "8"}, {"ldconsole", "/x/ldconsole"}};
    struct svc_problems problems cleanup(svc_problems_deinit);
    struct svc_config c cleanup(svc_config_deinit);
    cr_assert_eq(load(flags, 2, &c, &problems), UV_EINVAL);
    cr_assert(strstr(svc_problems_text(&problems), "only one of them"));
}
