/* SPDX-License-Identifier: MIT */
#include "base/loop/loop.h"

#include "base/memory/mem.h"

struct post {
    struct list link;
    loop_fn fn;
    void *arg;
};

static struct post *next_post(struct loop *l)
{
    struct post *p = NULL;
    uv_mutex_lock(&l->lock);
    if (!list_is_empty(&l->posted)) {
        p = list_entry(l->posted.next, struct post, link);
        list_unlink(&p->link);
        l->n_posted--;
    }
    uv_mutex_unlock(&l->lock);
    return p;
}

static size_t count_posts(struct loop *l)
{
    uv_mutex_lock(&l->lock);
    size_t n = l->n_posted;
    uv_mutex_unlock(&l->lock);
    return n;
}

/* Only what was there at the start of the turn: a callback that posts again waits for the next,
 * so that posting in a circle cannot starve the sockets. */
static void on_wake(uv_async_t *wake)
{
    struct loop *l = container_of(wake, struct loop, wake);
    for (size_t n = count_posts(l); n > 0; n--) {
        struct post *p = next_post(l);
        p->fn(p->arg);
        mem_free(p);
    }
    if (count_posts(l) > 0)
        uv_async_send(&l->wake);
}

int loop_init(struct loop *l)
{
    list_init(&l->posted);
    l->n_posted = 0;
    int r = uv_loop_init(&l->uv);
    if (r < 0)
        return r;
    uv_mutex_init(&l->lock);
    r = uv_async_init(&l->uv, &l->wake, on_wake);
    if (r < 0)
        return r;
    uv_unref((uv_handle_t *)&l->wake);
    return 0;
}

void loop_run(struct loop *l)
{
    uv_run(&l->uv, UV_RUN_DEFAULT);
    while (count_posts(l) > 0) {
        on_wake(&l->wake);
        uv_run(&l->uv, UV_RUN_DEFAULT);
    }
}

int loop_deinit(struct loop *l)
{
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    uv_mutex_destroy(&l->lock);
    return uv_loop_close(&l->uv);
}

void loop_post(struct loop *l, loop_fn fn, void *arg)
{
    struct post *p = mem_new(struct post);
    p->fn = fn;
    p->arg = arg;
    uv_mutex_lock(&l->lock);
    list_append(&l->posted, &p->link);
    l->n_posted++;
    uv_mutex_unlock(&l->lock);
    uv_async_send(&l->wake);
}
