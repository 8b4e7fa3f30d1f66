/* SPDX-License-Identifier: MIT */
#include "cache/backup/backups.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "cache/backup/restore.h"

/* A job does its work on the pool and comes back to the loop: submit -> work -> finish -> done. The
 * daily look is one as well. Of those that make a backup there is one at most. */

enum { FIRST_LOOK_MS = 5 * 60 * 1000, LOOK_EVERY_MS = 10 * 60 * 1000, RETRY_MS = 3600 * 1000 };

enum kind { JOB_MAKE, JOB_DAILY, JOB_LIST, JOB_REMOVE, JOB_CHECK_RESTORE };

struct job {
    uv_work_t work;
    struct cache_backups *backups;
    enum kind kind;
    char name[CACHE_BACKUP_NAME_SIZE];
    bool may_make; /* of a daily look */
    cache_backups_fn done;
    void *arg;

    int status;
    bool has_made, has_tried;
    struct cache_backup made;
    struct cache_copy copy;
    struct cache_db_error error;
    struct cache_backup *items;
    size_t n_items;
    uint64_t n_commits; /* of the store, before the work began */
};

struct cache_backups {
    struct loop *loop;
    char *data_dir;
    struct cache_store *store;
    cache_backups_fn on_made;
    void *on_made_arg;
    uv_timer_t timer;
    atomic_bool is_cancelled;
    bool is_making;
    unsigned n_jobs;

    int64_t started_at, newest_at; /* wall ms */
    bool is_newest_ours;           /* made by this process, at n_commits of the store */
    uint64_t n_commits;
    int64_t retry_at;
    struct cache_db_error error; /* empty: the last one was made */

    bool is_stopping, is_closing;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

/* --- on the pool --- */

static bool is_older(int64_t newest_at, int64_t now, int64_t limit_ms)
{
    int64_t age = now - newest_at;
    /* One of the future was made by a clock that was wrong. */
    return age >= limit_ms || age < -limit_ms;
}

static void make(struct job *job)
{
    struct cache_backups *b = job->backups;
    job->has_tried = true;
    /* It is opened by its name. */
    job->status = cache_store_check_place(b->store);
    if (job->status == 0)
        job->status =
            cache_backup_make(b->data_dir, &b->is_cancelled, &job->made, &job->copy, &job->error);
    else
        snprintf(job->error.text, sizeof(job->error.text),
                 "the database is not where it was opened: %s", cache_sql_advice(job->status));
    job->has_made = job->status == 0;
}

static void list(struct job *job)
{
    job->status = cache_backup_list(job->backups->data_dir, &job->items, &job->n_items);
}

static void look(struct job *job)
{
    const char *data_dir = job->backups->data_dir;
    int64_t now = clock_wall_ms();
    list(job);
    int64_t newest_at = job->n_items ? job->items[0].created_at : 0;
    /* Where the folder cannot be read, making a backup says why. */
    if (job->may_make && is_older(newest_at, now, CACHE_BACKUPS_EVERY_MS))
        make(job);
    (void)cache_backup_prune(data_dir, now, CACHE_BACKUPS_KEEP_MS);
}

static void work(uv_work_t *request)
{
    struct job *job = container_of(request, struct job, work);
    const char *data_dir = job->backups->data_dir;
    switch (job->kind) {
    case JOB_MAKE:
        make(job);
        break;
    case JOB_DAILY:
        look(job);
        break;
    case JOB_LIST:
        list(job);
        break;
    case JOB_REMOVE:
        job->status = cache_backup_remove(data_dir, job->name);
        break;
    case JOB_CHECK_RESTORE:
        job->status = cache_restore_check(data_dir);
        break;
    }
}

/* --- on the loop --- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct cache_backups *b = container_of((uv_timer_t *)handle, struct cache_backups, timer);
    void (*on_closed)(void *arg) = b->on_closed;
    void *arg = b->on_closed_arg;
    mem_free(b->data_dir);
    mem_free(b);
    on_closed(arg);
}

static void try_to_close(struct cache_backups *b)
{
    if (b->is_closing && b->n_jobs == 0)
        uv_close((uv_handle_t *)&b->timer, on_timer_closed);
}

static void note_newest(struct cache_backups *b, int64_t created_at)
{
    if (created_at > b->newest_at)
        b->newest_at = created_at;
}

/* What the ends of jobs say about the backups as a whole. */
static void note(struct cache_backups *b, const struct job *job)
{
    if (job->n_items > 0)
        note_newest(b, job->items[0].created_at);
    if (job->has_made) {
        note_newest(b, job->made.created_at);
        b->is_newest_ours = true;
        b->n_commits = job->n_commits;
        b->error.text[0] = '\0';
    } else if (job->has_tried && job->status != UV_ECANCELED) {
        b->error = job->error;
        b->retry_at = clock_wall_ms() + RETRY_MS;
    }
}

static void finish(uv_work_t *request, int status)
{
    struct job *job = container_of(request, struct job, work);
    struct cache_backups *b = job->backups;
    struct cache_backups_answer answer = {
        .status = status < 0 ? status : job->status,
        .error = job->error.text[0] ? job->error.text : NULL,
        .items = job->has_made ? &job->made : job->items,
        .n_items = job->has_made ? 1 : job->n_items,
        .copy = &job->copy,
    };
    if (job->kind == JOB_MAKE || job->kind == JOB_DAILY)
        b->is_making = false;
    note(b, job);
    if (job->has_tried && answer.status != UV_ECANCELED)
        b->on_made(b->on_made_arg, &answer);
    if (job->done)
        job->done(job->arg, &answer);
    mem_free(job->items);
    mem_free(job);
    b->n_jobs--;
    try_to_close(b);
}

static void refuse(void *arg)
{
    struct job *job = arg;
    finish(&job->work, 0);
}

static struct job *new_job(struct cache_backups *b, enum kind kind, cache_backups_fn done,
                           void *arg)
{
    struct job *job = mem_new(struct job);
    job->backups = b;
    job->kind = kind;
    job->done = done;
    job->arg = arg;
    job->n_commits = cache_store_stats(b->store).n_commits;
    b->n_jobs++;
    return job;
}

static void submit(struct job *job)
{
    struct cache_backups *b = job->backups;
    bool makes = job->kind == JOB_MAKE || job->kind == JOB_DAILY;
    if (b->is_stopping || (makes && b->is_making)) {
        job->status = b->is_stopping ? UV_ECANCELED : UV_EBUSY;
        job->kind = JOB_LIST; /* it is not the one that is making */
        loop_post(b->loop, refuse, job);
        return;
    }
    b->is_making |= makes;
    uv_queue_work(&b->loop->uv, &job->work, work, finish);
}

/* One commit is the event that told of the newest. */
static bool has_changed(const struct cache_backups *b)
{
    return !b->is_newest_ours || cache_store_stats(b->store).n_commits > b->n_commits + 1;
}

void cache_backups_look(struct cache_backups *b)
{
    if (b->is_making)
        return;
    struct job *job = new_job(b, JOB_DAILY, NULL, NULL);
    job->may_make = has_changed(b) && clock_wall_ms() >= b->retry_at;
    submit(job);
}

static void on_timer(uv_timer_t *timer)
{
    cache_backups_look(container_of(timer, struct cache_backups, timer));
}

struct cache_backups *cache_backups_new(struct loop *loop, const char *data_dir,
                                        struct cache_store *store, cache_backups_fn on_made,
                                        void *arg)
{
    struct cache_backups *b = mem_new(struct cache_backups);
    b->loop = loop;
    b->data_dir = mem_strdup(data_dir);
    b->store = store;
    b->on_made = on_made;
    b->on_made_arg = arg;
    b->started_at = clock_wall_ms();
    uv_timer_init(&loop->uv, &b->timer);
    return b;
}

void cache_backups_start(struct cache_backups *b)
{
    uv_timer_start(&b->timer, on_timer, FIRST_LOOK_MS, LOOK_EVERY_MS);
    uv_unref((uv_handle_t *)&b->timer);
    /* So that the health knows of the newest before the first look. */
    cache_backups_list(b, NULL, NULL);
}

void cache_backups_make(struct cache_backups *b, cache_backups_fn done, void *arg)
{
    submit(new_job(b, JOB_MAKE, done, arg));
}

void cache_backups_list(struct cache_backups *b, cache_backups_fn done, void *arg)
{
    submit(new_job(b, JOB_LIST, done, arg));
}

void cache_backups_remove(struct cache_backups *b, const char *name, cache_backups_fn done,
                          void *arg)
{
    struct job *job = new_job(b, JOB_REMOVE, done, arg);
    /* One that is too long is none, cut or not. */
    str_copy(job->name, sizeof(job->name), cache_backup_is_name(name) ? name : "-");
    submit(job);
}

void cache_backups_check_restore(struct cache_backups *b, cache_backups_fn done, void *arg)
{
    submit(new_job(b, JOB_CHECK_RESTORE, done, arg));
}

struct cache_backups_health cache_backups_health(const struct cache_backups *b)
{
    int64_t since = b->newest_at ? b->newest_at : b->started_at;
    return (struct cache_backups_health){
        .newest_at = b->newest_at,
        .error = b->error.text[0] ? b->error.text : NULL,
        .is_overdue = has_changed(b) && is_older(since, clock_wall_ms(), CACHE_BACKUPS_OVERDUE_MS),
    };
}

void cache_backups_stop(struct cache_backups *b)
{
    b->is_stopping = true;
    atomic_store(&b->is_cancelled, true);
    uv_timer_stop(&b->timer);
}

void cache_backups_close(struct cache_backups *b, void (*on_closed)(void *arg), void *arg)
{
    cache_backups_stop(b);
    b->is_closing = true;
    b->on_closed = on_closed;
    b->on_closed_arg = arg;
    try_to_close(b);
}
