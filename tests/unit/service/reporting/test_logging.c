/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include "base/log/log.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "service/reporting/logging.h"
#include "tests/support/folder.h"

static struct svc_config config;
static char *folder;

static void set_option(const char *name, const char *text)
{
    struct svc_problems problems cleanup(svc_problems_deinit);
    svc_problems_init(&problems);
    svc_config_set_text(&config, svc_option_find(name), text, SVC_SOURCE_FLAG, name, &problems);
    cr_assert_eq(problems.n, 0);
}

static void set_up(void)
{
    folder = folder_make();
    svc_config_init(&config);
    set_option("data_dir", folder);
    cr_redirect_stderr();
}

static void tear_down(void)
{
    svc_config_deinit(&config);
    folder_remove(folder);
}

TestSuite(svc_logging, .init = set_up, .fini = tear_down);

Test(svc_logging, a_console_has_a_file_only_when_it_is_asked_for)
{
    cr_expect_null(svc_logging_path(&config, false));
    set_option("log_file", "/x/y.log");
    char *path cleanup(mem_freep) = svc_logging_path(&config, false);
    cr_expect_str_eq(path, "/x/y.log");
}

Test(svc_logging, a_service_has_one_unless_it_is_told_not_to)
{
    char *expected cleanup(mem_freep) = mem_printf("%s/logs/ldplayerd.log", folder);
    char *path cleanup(mem_freep) = svc_logging_path(&config, true);
    cr_expect_str_eq(path, expected);
    set_option("log_file", "none");
    cr_expect_null(svc_logging_path(&config, true));
}

Test(svc_logging, records_go_to_the_file_until_it_is_stopped)
{
    set_option("log_level", "warning");
    svc_logging_start(&config, true);
    log_warning("here", "said");
    log_info("here", "below");
    svc_logging_stop();
    log_warning("here", "late");
    char *text cleanup(mem_freep) = folder_read(folder, "logs/ldplayerd.log");
    cr_assert_not_null(text);
    cr_expect_not_null(strstr(text, "\"component\":\"here\",\"message\":\"said\""));
    cr_expect_null(strstr(text, "below"));
    cr_expect_null(strstr(text, "late"));
}

Test(svc_logging, a_file_that_cannot_be_written_stops_nothing)
{
    folder_write(folder, "logs", "a file where the folder should be");
    svc_logging_start(&config, true);
    log_warning("here", "lost");
    svc_logging_stop();
}
