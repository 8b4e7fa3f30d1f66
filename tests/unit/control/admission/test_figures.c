/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "base/system/clock.h"
#include "control/admission/figures.h"
#include "tests/support/fake_clock.h"

static struct loop loop;
static struct ctl_figures *figures;
static bool is_closing, is_closed;

static void begin(void)
{
    cr_assert_eq(loop_init(&loop), 0);
    figures = ctl_figures_new(&loop, "/", 0);
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

static void close_figures(void)
{
    if (!is_closing)
        ctl_figures_close(figures, on_closed, &is_closed);
    is_closing = true;
    loop_run(&loop);
}

static void end(void)
{
    close_figures();
    /* Criterion does not count what fails in a tear-down. */
    if (!is_closed || loop_deinit(&loop) < 0)
        abort();
}

TestSuite(ctl_figures, .init = begin, .fini = end);

struct heard {
    unsigned n;
    bool is_null;
    uint64_t taken_ms;
    double cpu_percent;
};

static void on_sample(void *arg, const struct ctl_sample *sample)
{
    struct heard *h = arg;
    h->n++;
    h->is_null = !sample;
    if (!sample)
        return;
    h->taken_ms = sample->taken_ms;
    h->cpu_percent = sample->cpu_percent;
}

#define turn_until(condition)                                                                      \
    do {                                                                                           \
        uint64_t began_ = uv_hrtime();                                                             \
        while (!(condition)) {                                                                     \
            cr_assert(uv_hrtime() - began_ < 10000000000u, "never came: %s", #condition);          \
            uv_run(&loop.uv, UV_RUN_ONCE);                                                         \
        }                                                                                          \
    } while (0)

Test(ctl_figures, are_there_soon_after_the_start)
{
    cr_assert_null(ctl_figures_last(figures));
    ctl_figures_start(figures);
    cr_assert_null(ctl_figures_last(figures));
    turn_until(ctl_figures_last(figures));
    const struct ctl_sample *s = ctl_figures_last(figures);
    cr_assert_gt(s->system.memory_total_bytes, 0);
    cr_assert_lt(s->system.home, s->system.n_disks);
    cr_assert_gt(s->taken_at, 0);
    cr_assert_geq(s->cpu_percent, 0, "the first has it as well");
    cr_assert_leq(s->cpu_percent, 100);
}

Test(ctl_figures, are_read_again_by_themselves)
{
    struct ctl_figures *quick = ctl_figures_new(&loop, "/", 5);
    bool is_quick_closed = false;
    ctl_figures_start(quick);
    for (int i = 0; i < 4; i++) {
        uint64_t before = ctl_figures_last(quick) ? ctl_figures_last(quick)->taken_ms : 0;
        turn_until(ctl_figures_last(quick) && ctl_figures_last(quick)->taken_ms > before);
    }
    ctl_figures_close(quick, on_closed, &is_quick_closed);
    turn_until(is_quick_closed);
}

Test(ctl_figures, all_who_wait_share_one_reading)
{
    struct heard a = {0}, b = {0};
    cr_assert_not_null(ctl_figures_want(figures, 0, on_sample, &a));
    cr_assert_not_null(ctl_figures_want(figures, 1000, on_sample, &b));
    turn_until(a.n && b.n);
    cr_assert_eq(a.taken_ms, b.taken_ms);
    cr_assert_not(a.is_null);
}

Test(ctl_figures, a_reading_that_began_before_the_question_does_not_answer_it)
{
    struct heard a = {0}, b = {0}, c = {0};
    ctl_figures_want(figures, 0, on_sample, &a);
    ctl_figures_want(figures, 0, on_sample, &b);
    ctl_figures_want(figures, 0, on_sample, &c);
    fake_clock_skip(1);
    turn_until(a.n);
    cr_assert_eq(b.n, 0);
    turn_until(b.n);
    cr_assert_eq(c.n, 1, "they share the next");
    cr_assert_gt(b.taken_ms, a.taken_ms);
    cr_assert_eq(b.taken_ms, c.taken_ms);
}

Test(ctl_figures, young_ones_are_given_at_once_and_old_ones_read_again)
{
    struct heard a = {0}, b = {0}, c = {0};
    ctl_figures_want(figures, 0, on_sample, &a);
    turn_until(a.n);
    cr_assert_null(ctl_figures_want(figures, 60000, on_sample, &b));
    cr_assert_eq(b.n, 1);
    cr_assert_eq(b.taken_ms, a.taken_ms);
    fake_clock_skip(60001);
    cr_assert_not_null(ctl_figures_want(figures, 60000, on_sample, &c));
    cr_assert_eq(c.n, 0);
    turn_until(c.n);
    cr_assert_gt(c.taken_ms, a.taken_ms);
}

Test(ctl_figures, who_cancels_hears_nothing)
{
    struct heard a = {0}, b = {0};
    struct ctl_figures_wait *wait = ctl_figures_want(figures, 0, on_sample, &a);
    ctl_figures_want(figures, 0, on_sample, &b);
    ctl_figures_cancel_want(wait);
    turn_until(b.n);
    cr_assert_eq(a.n, 0);
}

static struct heard second;

static void want_another(void *arg, const struct ctl_sample *sample)
{
    on_sample(arg, sample);
    if (sample)
        ctl_figures_want(figures, 60000, on_sample, &second);
}

Test(ctl_figures, who_is_told_may_want_more)
{
    struct heard a = {0};
    ctl_figures_want(figures, 0, want_another, &a);
    turn_until(a.n);
    cr_assert_eq(second.n, 1);
    cr_assert_eq(second.taken_ms, a.taken_ms);
}

Test(ctl_figures, closing_tells_those_who_wait)
{
    struct heard a = {0}, b = {0};
    ctl_figures_want(figures, 0, on_sample, &a);
    ctl_figures_close(figures, on_closed, &is_closed);
    is_closing = true;
    cr_assert_eq(a.n, 1);
    cr_assert(a.is_null);
    cr_assert_null(ctl_figures_want(figures, 0, on_sample, &b));
    cr_assert_eq(b.n, 1);
    cr_assert(b.is_null);
    cr_assert_not(is_closed);
    close_figures();
    cr_assert_eq(a.n, 1);
}
