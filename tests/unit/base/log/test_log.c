/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <uv.h>

#include "base/log/log.h"

struct seen {
    unsigned n;
    enum log_level level;
    char component[32], message[64];
};

static void see(void *arg, const struct log_record *record)
{
    struct seen *s = arg;
    s->n++;
    s->level = record->level;
    snprintf(s->component, sizeof(s->component), "%s", record->component);
    snprintf(s->message, sizeof(s->message), "%s", record->message);
}

Test(log, a_sink_gets_what_stderr_gets, .init = cr_redirect_stderr)
{
    struct seen s = {0};
    log_set_sink(see, &s);
    log_warning("part", "%d things", 3);
    log_debug("part", "not this");
    log_set_sink(NULL, NULL);
    log_error("part", "nor this");
    cr_expect_eq(s.n, 1);
    cr_expect_eq(s.level, LOG_WARNING);
    cr_expect_str_eq(s.component, "part");
    cr_expect_str_eq(s.message, "3 things");
}

static void write_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++)
        log_info("thread", "%d", i);
}

/* The count is no atomic one: only records one at a time give the sum. */
Test(log, a_sink_gets_one_record_at_a_time, .init = cr_redirect_stderr)
{
    struct seen s = {0};
    uv_thread_t threads[4];
    log_set_sink(see, &s);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(uv_thread_create(&threads[i], write_many, NULL), 0);
    for (int i = 0; i < 4; i++)
        uv_thread_join(&threads[i]);
    log_set_sink(NULL, NULL);
    cr_expect_eq(s.n, 4000);
}
