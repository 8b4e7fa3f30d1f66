/* SPDX-License-Identifier: MIT */
/*     timer, or somebody who wants newer ones -> start_reading -> work (a worker) -> on_read
 *                                                                    -> those who wait; the timer
 *
 * One reading at a time: who asks meanwhile waits for its end, or for that of the next. */
#include "control/admission/figures.h"

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"

enum { INTERVAL_MS = 30000, FIRST_MS = 100 };

struct ctl_figures {
    struct loop *loop;
    char *path;
    unsigned interval_ms;
    uv_timer_t timer;
    struct list waits;
    struct ctl_sample *last;
    uint64_t reading; /* number of the last that began */
    uint64_t began_ms;
    bool is_reading, is_closing;
    unsigned n_open; /* what must end before on_closed */
    void (*on_closed)(void *arg);
    void *closed_arg;
};

struct ctl_figures_wait {
    struct list link;
    uint64_t reading; /* number of the first one that will do */
    ctl_figures_fn done;
    void *arg;
};

/* What the worker has of its own: the other fields may change while it reads. */
struct reading {
    uv_work_t work;
    struct ctl_figures *figures;
    char *path;
    struct ctl_sample *sample;
    struct system_cpu before; /* of the sample before; all 0 = there is none */
};

static void answer_waits(struct ctl_figures *f, uint64_t reading)
{
    struct list waits;
    list_init(&waits);
    list_foreach(item, &f->waits) {
        if (list_entry(item, struct ctl_figures_wait, link)->reading > reading)
            continue;
        list_unlink(item);
        list_append(&waits, item);
    }
    while (!list_is_empty(&waits)) {
        struct ctl_figures_wait *wait = list_entry(waits.next, struct ctl_figures_wait, link);
        list_unlink(&wait->link);
        wait->done(wait->arg, f->is_closing ? NULL : f->last);
        mem_free(wait);
    }
}

static void release(struct ctl_figures *f)
{
    if (--f->n_open > 0)
        return;
    void (*on_closed)(void *arg) = f->on_closed;
    void *arg = f->closed_arg;
    mem_free(f->path);
    mem_free(f->last);
    mem_free(f);
    on_closed(arg);
}

/* --- one reading --- */

static void work(uv_work_t *req);
static void on_read(uv_work_t *req, int status);

static void start_reading(struct ctl_figures *f)
{
    if (f->is_reading)
        return;
    struct reading *r = mem_new(struct reading);
    r->figures = f;
    r->path = mem_strdup(f->path);
    r->sample = mem_new(struct ctl_sample);
    r->sample->taken_ms = f->began_ms = clock_mono_ms();
    r->sample->taken_at = clock_wall_ms();
    if (f->last)
        r->before = f->last->system.cpu;
    f->reading++;
    f->is_reading = true;
    f->n_open++;
    uv_queue_work(&f->loop->uv, &r->work, work, on_read);
}

static void on_timer(uv_timer_t *timer)
{
    start_reading(container_of(timer, struct ctl_figures, timer));
}

static void work(uv_work_t *req)
{
    struct reading *r = container_of(req, struct reading, work);
    struct system_figures *system = &r->sample->system;
    /* Processor time is a difference, and a first sample shall not be kept without it. */
    if (r->before.total == 0) {
        system_read(r->path, system);
        r->before = system->cpu;
        uv_sleep(FIRST_MS);
    }
    system_read(r->path, system);
    r->sample->cpu_percent = system_cpu_percent(&r->before, &system->cpu);
}

static void on_read(uv_work_t *req, int status)
{
    struct reading *r = container_of(req, struct reading, work);
    struct ctl_figures *f = r->figures;
    struct ctl_sample *sample = take_ptr(r->sample);
    (void)status; /* it is never cancelled */
    f->is_reading = false;
    mem_free(r->path);
    mem_free(r);
    if (f->is_closing) {
        mem_free(sample);
        release(f);
        return;
    }
    uv_timer_start(&f->timer, on_timer, f->interval_ms, 0);
    mem_free(f->last);
    f->last = sample;
    answer_waits(f, f->reading);
    if (!list_is_empty(&f->waits))
        start_reading(f);
    release(f);
}

struct ctl_figures *ctl_figures_new(struct loop *loop, const char *path, unsigned interval_ms)
{
    struct ctl_figures *f = mem_new(struct ctl_figures);
    f->loop = loop;
    f->path = mem_strdup(path);
    f->interval_ms = interval_ms ? interval_ms : INTERVAL_MS;
    f->n_open = 1;
    list_init(&f->waits);
    uv_timer_init(&loop->uv, &f->timer);
    return f;
}

void ctl_figures_start(struct ctl_figures *f)
{
    start_reading(f);
}

static void on_timer_closed(uv_handle_t *handle)
{
    release(container_of((uv_timer_t *)handle, struct ctl_figures, timer));
}

void ctl_figures_close(struct ctl_figures *f, void (*on_closed)(void *arg), void *arg)
{
    f->is_closing = true;
    f->on_closed = on_closed;
    f->closed_arg = arg;
    answer_waits(f, UINT64_MAX);
    uv_close((uv_handle_t *)&f->timer, on_timer_closed);
}

const struct ctl_sample *ctl_figures_last(const struct ctl_figures *f)
{
    return f->last;
}

static bool is_young(uint64_t began_ms, uint64_t max_age_ms)
{
    return max_age_ms > 0 && clock_mono_ms() - began_ms <= max_age_ms;
}

struct ctl_figures_wait *ctl_figures_want(struct ctl_figures *f, uint64_t max_age_ms,
                                          ctl_figures_fn done, void *arg)
{
    if (f->is_closing || (f->last && is_young(f->last->taken_ms, max_age_ms))) {
        done(arg, f->is_closing ? NULL : f->last);
        return NULL;
    }
    bool will_do = !f->is_reading || is_young(f->began_ms, max_age_ms);
    struct ctl_figures_wait *wait = mem_new(struct ctl_figures_wait);
    wait->done = done;
    wait->arg = arg;
    list_append(&f->waits, &wait->link);
    start_reading(f);
    wait->reading = f->reading + !will_do;
    return wait;
}

void ctl_figures_cancel_want(struct ctl_figures_wait *wait)
{
    list_unlink(&wait->link);
    mem_free(wait);
}
