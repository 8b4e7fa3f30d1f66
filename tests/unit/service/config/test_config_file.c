/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "service/config/config.h"

struct reading {
    struct svc_config config;
    struct svc_problems problems;
};

/* Reads TEXT as a file named x.json in the working directory, which is a temporary one. */
static void read_text(struct reading *r, const char *text, size_t n)
{
    char dir[] = "/tmp/ldp_config_XXXXXX";
    cr_assert_not_null(mkdtemp(dir));
    cr_assert_eq(chdir(dir), 0);
    cr_assert_eq(fs_write_atomic("x.json", text, n), 0);
    svc_config_init(&r->config);
    svc_problems_init(&r->problems);
    r->config.file = mem_strdup("x.json");
    svc_config_read_file(&r->config, "x.json", &r->problems);
    cr_assert_eq(unlink("x.json"), 0);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(rmdir(dir), 0);
}

static void reading_deinit(struct reading *r)
{
    svc_config_deinit(&r->config);
    svc_problems_deinit(&r->problems);
}

static void check_problems(const char *text, const char *expected)
{
    struct reading r cleanup(reading_deinit);
    read_text(&r, text, strlen(text));
    cr_assert_str_eq(svc_problems_text(&r.problems), expected);
}

Test(svc_config_file, reads_comments_and_trailing_commas)
{
    static const char text[] = "// ours\n{\n \"log_level\": \"debug\", /* loud\n */\n"
                               " \"allow_remote\": true,\n \"stuck_ms\": 4000,\n}\n";
    struct reading r cleanup(reading_deinit);
    read_text(&r, text, strlen(text));
    cr_assert_eq(r.problems.n, 0, "%s", svc_problems_text(&r.problems));
    cr_assert_str_eq(r.config.log_level, "debug");
    cr_assert(r.config.allow_remote);
    cr_assert_eq(r.config.stuck_ms, 4000);
    char *source cleanup(mem_freep) = svc_config_source(&r.config, svc_option_find("stuck_ms"));
    cr_assert_str_eq(source, "file x.json line 6");
}

Test(svc_config_file, suggests_the_nearest_name_for_an_unknown_key)
{
    check_problems("{\"max_conections\": 5}",
                   "x.json:1: max_conections: there is no such option; did you mean "
                   "max_connections?\n");
    check_problems("{\n\n\"zzz\": {}}", "x.json:3: zzz: there is no such option\n");
}

Test(svc_config_file, names_every_problem_with_its_line)
{
    check_problems("{\"http\": 5,\n\"log_level\": \"loud\",\n\"stuck_ms\": \"5000\",\n"
                   "\"stuck_ms\": 5000,\n\"max_connections\": 0,\n\"max_body_bytes\": 1.5,\n"
                   "\"allow_remote\": 1}",
                   "x.json:1: http: a value of type uint is not allowed; it must be a text that "
                   "is not empty\n"
                   "x.json:2: log_level: \"loud\" is not allowed; it must be one of debug, info, "
                   "warning, error\n"
                   "x.json:3: stuck_ms: a value of type string is not allowed; it must be a "
                   "whole number from 1000 to 86400000 ms\n"
                   "x.json:4: stuck_ms: the key stands a second time\n"
                   "x.json:5: max_connections: 0 is not allowed; it must be a whole number from "
                   "1 to 100000\n"
                   "x.json:6: max_body_bytes: 1.5 is not allowed; it must be a whole number from "
                   "1024 to 67108864 bytes\n"
                   "x.json:7: allow_remote: a value of type uint is not allowed; it must be true "
                   "or false\n");
}

Test(svc_config_file, refuses_numbers_that_do_not_fit)
{
    check_problems("{\"stuck_ms\": 18446744073709551615}",
                   "x.json:1: stuck_ms: 9223372036854775807 is not allowed; it must be a whole "
                   "number from 1000 to 86400000 ms\n");
    check_problems("{\"stuck_ms\": -5}", "x.json:1: stuck_ms: -5 is not allowed; it must be a "
                                         "whole number from 1000 to 86400000 ms\n");
}

Test(svc_config_file, refuses_a_text_with_a_zero_byte)
{
    check_problems("{\"data_dir\": \"a\\u0000b\"}",
                   "x.json:1: data_dir: a value of type string is not allowed; it must be a text "
                   "that is not empty\n");
}

Test(svc_config_file, says_where_it_stops_being_json)
{
    struct reading r cleanup(reading_deinit);
    read_text(&r, "{\n\"http\":\n}", 11);
    cr_assert_eq(r.problems.n, 1);
    cr_assert(strstr(svc_problems_text(&r.problems), "x.json:3: this is not JSON: "), "%s",
              svc_problems_text(&r.problems));
}

Test(svc_config_file, refuses_empty_files_and_other_values)
{
    struct reading r cleanup(reading_deinit);
    check_problems("[1]", "x.json:1: the file must hold one JSON object\n");
    read_text(&r, "", 0);
    cr_assert_str_eq(svc_problems_text(&r.problems),
                     "x.json: the file is empty; it must hold one JSON object, {} at least\n");
}

Test(svc_config_file, takes_a_byte_order_mark_and_still_counts_lines)
{
    struct reading r cleanup(reading_deinit);
    static const char text[] = "\xEF\xBB\xBF{\n \"stuck_ms\": 4000\n}\n";
    read_text(&r, text, strlen(text));
    cr_assert_eq(r.problems.n, 0, "%s", svc_problems_text(&r.problems));
    cr_assert_eq(r.config.stuck_ms, 4000);
    char *source cleanup(mem_freep) = svc_config_source(&r.config, svc_option_find("stuck_ms"));
    cr_assert_str_eq(source, "file x.json line 2");
}

Test(svc_config_file, refuses_utf_16_by_its_name)
{
    struct reading r cleanup(reading_deinit);
    read_text(&r, "\xFF\xFE{\0}\0", 6);
    cr_assert_str_eq(svc_problems_text(&r.problems),
                     "x.json: the file is in UTF-16; save it as UTF-8\n");
}

Test(svc_config_file, says_that_a_named_file_is_missing)
{
    struct svc_flag flag = {"config", "/nonexistent/x.json"};
    struct svc_problems problems cleanup(svc_problems_deinit);
    struct svc_config c cleanup(svc_config_deinit);
    svc_problems_init(&problems);
    cr_assert_lt(svc_config_load(&flag, 1, &c, &problems), 0);
    cr_assert(strstr(svc_problems_text(&problems),
                     "/nonexistent/x.json: the configuration file cannot be read: "));
}

Test(svc_config_file, explains_options_of_the_other_system)
{
    check_problems("{\"pipe\": \"x\"}",
                   "x.json:1: pipe: named pipes are for Windows; use the option socket\n");
}
