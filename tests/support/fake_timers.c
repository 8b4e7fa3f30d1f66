/* SPDX-License-Identifier: MIT */
#include "tests/support/fake_timers.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/system/clock.h"
#include "tests/support/fake_clock.h"

int __real_uv_timer_start(uv_timer_t *timer, uv_timer_cb fn, uint64_t ms, uint64_t repeat_ms);
int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb fn, uint64_t ms, uint64_t repeat_ms);
int __real_uv_timer_stop(uv_timer_t *timer);
int __wrap_uv_timer_stop(uv_timer_t *timer);
void __real_uv_close(uv_handle_t *handle, uv_close_cb on_closed);
void __wrap_uv_close(uv_handle_t *handle, uv_close_cb on_closed);

enum { MAX_TIMERS = 64 };

/* In the order in which they were started: the first of those that are due at once comes first. */
static struct {
    uv_timer_t *timer;
    uv_timer_cb fn;
    uint64_t due_ms, repeat_ms;
} timers[MAX_TIMERS];
static size_t n_timers;
static bool is_on;

bool fake_timers_are_on(void)
{
    return is_on;
}

void fake_timers_begin(struct loop *loop)
{
    is_on = true;
    n_timers = 0;
    fake_clock_stop(true);
    /* Without a handle that counts the loop would not wait for what other threads post. */
    uv_ref((uv_handle_t *)&loop->wake);
}

void fake_timers_end(struct loop *loop)
{
    is_on = false;
    fake_clock_stop(false);
    uv_unref((uv_handle_t *)&loop->wake);
}

static void forget(const uv_timer_t *timer)
{
    size_t n = 0;
    for (size_t i = 0; i < n_timers; i++) {
        if (timers[i].timer != timer)
            timers[n++] = timers[i];
    }
    n_timers = n;
}

int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb fn, uint64_t ms, uint64_t repeat_ms)
{
    if (!is_on)
        return __real_uv_timer_start(timer, fn, ms, repeat_ms);
    forget(timer);
    if (n_timers == MAX_TIMERS) {
        fprintf(stderr, "fake timers: too many\n");
        abort();
    }
    timers[n_timers].timer = timer;
    timers[n_timers].fn = fn;
    timers[n_timers].due_ms = clock_mono_ms() + ms;
    timers[n_timers++].repeat_ms = repeat_ms;
    return 0;
}

int __wrap_uv_timer_stop(uv_timer_t *timer)
{
    forget(timer);
    return __real_uv_timer_stop(timer);
}

void __wrap_uv_close(uv_handle_t *handle, uv_close_cb on_closed)
{
    if (handle->type == UV_TIMER)
        forget((uv_timer_t *)handle);
    __real_uv_close(handle, on_closed);
}

void fake_timers_let_next_come(void)
{
    size_t next = 0;
    if (n_timers == 0)
        return;
    uint64_t now = clock_mono_ms();
    for (size_t i = 1; i < n_timers; i++) {
        if (timers[i].due_ms < timers[next].due_ms)
            next = i;
    }
    uv_timer_t *timer = timers[next].timer;
    uv_timer_cb fn = timers[next].fn;
    uint64_t repeat_ms = timers[next].repeat_ms;
    if (timers[next].due_ms > now)
        fake_clock_skip(timers[next].due_ms - now);
    if (repeat_ms > 0)
        (void)__wrap_uv_timer_start(timer, fn, repeat_ms, repeat_ms);
    else
        forget(timer);
    fn(timer);
}

bool fake_timers_are_at_rest(struct loop *loop)
{
    uv_mutex_lock(&loop->lock);
    bool has_post = loop->n_posted > 0;
    uv_mutex_unlock(&loop->lock);
    return !has_post && loop->uv.active_reqs.count == 0 && !loop->uv.closing_handles;
}

void fake_timers_turn(struct loop *loop, bool is_under_way)
{
    if (is_under_way || n_timers == 0 || !fake_timers_are_at_rest(loop))
        uv_run(&loop->uv, UV_RUN_ONCE);
    else
        fake_timers_let_next_come();
}
