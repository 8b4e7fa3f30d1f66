/* SPDX-License-Identifier: MIT */
#include "service/process/signals.h"

#include "base/memory/mem.h"

struct watcher {
    uv_signal_t handle;
    struct svc_signals *owner;
    const struct svc_signal_rule *rule;
};

struct svc_signals {
    svc_signal_fn fn;
    void *arg;
    struct watcher *items;
    size_t n_open;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

static void on_signal(uv_signal_t *handle, int signum)
{
    struct watcher *w = container_of(handle, struct watcher, handle);
    (void)signum;
    w->owner->fn(w->owner->arg, w->rule);
}

struct svc_signals *svc_signals_new(struct loop *loop, svc_signal_fn fn, void *arg)
{
    struct svc_signals *s = mem_new(struct svc_signals);
    s->fn = fn;
    s->arg = arg;
    s->items = mem_calloc(svc_platform_n_signals, sizeof(*s->items));
    for (size_t i = 0; i < svc_platform_n_signals; i++) {
        struct watcher *w = &s->items[i];
        w->owner = s;
        w->rule = &svc_platform_signals[i];
        uv_signal_init(&loop->uv, &w->handle);
        (void)uv_signal_start(&w->handle, on_signal, w->rule->signum);
        uv_unref((uv_handle_t *)&w->handle);
        s->n_open++;
    }
    return s;
}

static void on_closed(uv_handle_t *handle)
{
    struct svc_signals *s = container_of((uv_signal_t *)handle, struct watcher, handle)->owner;
    if (--s->n_open > 0)
        return;
    void (*done)(void *) = s->on_closed;
    void *arg = s->closed_arg;
    mem_free(s->items);
    mem_free(s);
    done(arg);
}

void svc_signals_close(struct svc_signals *s, void (*done)(void *arg), void *arg)
{
    s->on_closed = done;
    s->closed_arg = arg;
    for (size_t i = 0; i < svc_platform_n_signals; i++)
        uv_close((uv_handle_t *)&s->items[i].handle, on_closed);
}
