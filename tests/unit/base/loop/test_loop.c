/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/loop/loop.h"

static struct loop loop;
static int order[8];
static int n_order;

static void note(void *arg)
{
    order[n_order++] = *(int *)arg;
}

Test(loop, runs_posts_in_a_later_turn_and_in_order)
{
    int one = 1, two = 2;
    cr_assert_eq(loop_init(&loop), 0);
    loop_post(&loop, note, &one);
    loop_post(&loop, note, &two);
    cr_assert_eq(n_order, 0);
    loop_run(&loop);
    cr_assert_eq(n_order, 2);
    cr_assert_eq(order[0], 1);
    cr_assert_eq(order[1], 2);
    cr_assert_eq(loop_deinit(&loop), 0);
}

static int n_again;

static void post_again(void *arg)
{
    if (++n_again < 100)
        loop_post(&loop, post_again, arg);
}

static uv_timer_t timer;
static int n_again_at_timer;

static void on_timer(uv_timer_t *t)
{
    n_again_at_timer = n_again;
    uv_close((uv_handle_t *)t, NULL);
}

Test(loop, posting_in_a_circle_does_not_starve_other_handles)
{
    cr_assert_eq(loop_init(&loop), 0);
    uv_timer_init(&loop.uv, &timer);
    uv_timer_start(&timer, on_timer, 0, 0);
    loop_post(&loop, post_again, NULL);
    loop_run(&loop);
    cr_assert_eq(n_again, 100);
    cr_assert_lt(n_again_at_timer, 100);
    cr_assert_eq(loop_deinit(&loop), 0);
}

static int n_counted;

static void count(void *arg)
{
    (void)arg;
    if (++n_counted == 20000)
        uv_close((uv_handle_t *)&timer, NULL);
}

static void post_counts(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10000; i++)
        loop_post(&loop, count, NULL);
}

Test(loop, takes_posts_from_other_threads_without_losing_any)
{
    uv_thread_t threads[2];
    cr_assert_eq(loop_init(&loop), 0);
    uv_timer_init(&loop.uv, &timer);
    uv_timer_start(&timer, on_timer, 60000, 0); /* keeps the loop alive until all are counted */
    for (int i = 0; i < 2; i++)
        cr_assert_eq(uv_thread_create(&threads[i], post_counts, NULL), 0);
    loop_run(&loop);
    for (int i = 0; i < 2; i++)
        uv_thread_join(&threads[i]);
    cr_assert_eq(n_counted, 20000);
    cr_assert_eq(loop_deinit(&loop), 0);
}

Test(loop, says_when_a_handle_was_left_open)
{
    cr_assert_eq(loop_init(&loop), 0);
    uv_timer_init(&loop.uv, &timer);
    cr_assert_eq(loop_deinit(&loop), UV_EBUSY);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop.uv, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&loop.uv), 0);
}
