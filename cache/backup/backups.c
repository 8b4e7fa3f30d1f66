/* SPDX-License-Identifier: MIT */
#include "cache/backup/backups.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "cache/backup/restore.h"
#include "cache/tables/preferences.h"

/* A job does its work on the pool and comes back to the loop: submit -> work -> finish -> done. The
 * daily look is one as well. Several may be under way, but of those that claim the same thing one
 * at most. */

enum { FIRST_LOOK_MS = 5 * 60 * 1000, LOOK_EVERY_MS = 10 * 60 * 1000, RETRY_MS = 3600 * 1000 };

enum kind { JOB_MAKE, JOB_DAILY, JOB_LIST, JOB_REMOVE, JOB_ARM };

struct job {
    uv_work_t work;
    struct cache_backups *backups;
    enum kind kind;
    char *name;                         /* of the one to remove; or the id of what to arm */
    bool may_make;                      /* of a daily look */
    int64_t now;                        /* of a daily look: for what is old; 0: nothing is */
    char whole[CACHE_BACKUP_NAME_SIZE]; /* of a daily look: as below */
    bool *claim;                        /* of the backups: what it has for itself, or NULL */
    cache_backups_fn done;
    void *arg;

    int status;
    bool has_made, has_tried, has_listed;
    struct cache_backup made;
    struct cache_copy copy;
    struct cache_db_error error;
    struct cache_backup *items;
    size_t n_items;
    struct cache_missing missing; /* since when, and what a list has found of it */
    uint64_t n_commits;           /* of the store, before the work began */
    unsigned n_changes;           /* of the backups, then */
};

struct cache_backups {
    struct loop *loop;
    char *data_dir;
    struct cache_store *store;
    cache_backups_fn on_made;
    void *on_made_arg;
    uv_timer_t timer;
    atomic_bool is_cancelled;
    bool is_making, is_arming; /* the claims */
    unsigned n_jobs;

    int64_t started_at;                 /* wall ms */
    unsigned n_changes;                 /* of the folder, by jobs that have ended */
    struct cache_backup newest;         /* in the folder; no name: there is none */
    char made[CACHE_BACKUP_NAME_SIZE];  /* the last one of this process; "": none */
    char whole[CACHE_BACKUP_NAME_SIZE]; /* the newest, when somebody has looked; "": nobody has */
    uint64_t n_commits;                 /* of the store, before that was made */
    int64_t retry_at;
    struct cache_db_error error; /* empty: the last one was made */
    struct cache_missing missing;
    const struct cache_clock_check *clock; /* NULL: it is believed */

    bool is_stopping, is_closing;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

/* --- on the pool --- */

static bool is_older(int64_t newest_at, int64_t now, int64_t limit_ms)
{
    return now - newest_at >= limit_ms;
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
        snprintf(job->error.text, sizeof(job->error.text), "%s: %s",
                 cache_sql_strerror(job->status), cache_sql_advice(job->status));
    job->has_made = job->status == 0;
}

static int list(struct job *job)
{
    const char *data_dir = job->backups->data_dir;
    int64_t missing_at = job->missing.at;
    mem_free(take_ptr(job->items));
    job->n_items = 0;
    int r = cache_backup_list(data_dir, &job->items, &job->n_items);
    job->has_listed = r == 0;
    cache_missing_deinit(&job->missing);
    if (missing_at)
        cache_missing_find(data_dir, missing_at, &job->missing);
    return r;
}

/* What goes because it is old goes before one that is known to be whole. Where the folder cannot be
 * read, making a backup says why. */
static void look(struct job *job)
{
    const char *data_dir = job->backups->data_dir;
    int64_t now = clock_wall_ms();
    struct cache_backup newest;
    bool is_whole = cache_backup_find_whole(data_dir, now, job->whole, &newest) == 0;
    int64_t newest_at = is_whole ? newest.created_at : 0;
    if (job->may_make && is_older(newest_at, now, CACHE_BACKUPS_EVERY_MS))
        make(job);
    str_copy(job->whole, sizeof(job->whole), is_whole ? newest.name : "");
    if (is_whole || job->has_made)
        (void)cache_backup_prune(data_dir, job->now, CACHE_BACKUPS_KEEP_MS, job->missing.at);
}

static void work(uv_work_t *request)
{
    struct job *job = container_of(request, struct job, work);
    const char *data_dir = job->backups->data_dir;
    switch (job->kind) {
    case JOB_MAKE:
        make(job);
        (void)list(job);
        break;
    case JOB_DAILY:
        look(job);
        (void)list(job);
        break;
    case JOB_LIST:
        job->status = list(job);
        break;
    case JOB_REMOVE:
        job->status = cache_backup_remove(data_dir, job->name);
        (void)list(job);
        break;
    case JOB_ARM:
        job->status = cache_restore_arm(data_dir, job->name, &job->error);
        break;
    }
}

/* --- on the loop --- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct cache_backups *b = container_of((uv_timer_t *)handle, struct cache_backups, timer);
    void (*on_closed)(void *arg) = b->on_closed;
    void *arg = b->on_closed_arg;
    cache_missing_deinit(&b->missing);
    mem_free(b->data_dir);
    mem_free(b);
    on_closed(arg);
}

static void try_to_close(struct cache_backups *b)
{
    if (b->is_closing && b->n_jobs == 0)
        uv_close((uv_handle_t *)&b->timer, on_timer_closed);
}

/* Without copies from before the database is what there is. */
static void note_missing(struct cache_backups *b, struct job *job)
{
    if (!b->missing.at)
        return;
    if (job->missing.n_copies == 0)
        cache_preferences_remove(b->store, CACHE_MISSING_NOTE);
    cache_missing_deinit(&b->missing);
    if (job->missing.n_copies == 0)
        return;
    b->missing = job->missing;
    job->missing = (struct cache_missing){0};
}

/* A list from before a change that another job has made meanwhile says nothing any more. */
static void note_list(struct cache_backups *b, struct job *job)
{
    bool is_old = job->n_changes != b->n_changes;
    b->n_changes += job->has_made || job->kind == JOB_REMOVE;
    if (job->has_listed && is_old) {
        cache_backups_list(b, NULL, NULL);
    } else if (job->has_listed) {
        const struct cache_backup *newest =
            cache_backup_newest(job->items, job->n_items, clock_wall_ms());
        b->newest = newest ? *newest : (struct cache_backup){0};
        note_missing(b, job);
    }
}

/* What the ends of jobs say about the backups as a whole. */
static void note(struct cache_backups *b, struct job *job)
{
    note_list(b, job);
    if (job->kind == JOB_DAILY)
        str_copy(b->whole, sizeof(b->whole), job->whole);
    if (job->has_made) {
        str_copy(b->whole, sizeof(b->whole), job->made.name);
        str_copy(b->made, sizeof(b->made), job->made.name);
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
    if (job->claim)
        *job->claim = false;
    note(b, job);
    if (job->has_tried && answer.status != UV_ECANCELED)
        b->on_made(b->on_made_arg, &answer);
    if (job->done)
        job->done(job->arg, &answer);
    cache_missing_deinit(&job->missing);
    mem_free(job->items);
    mem_free(job->name);
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
    job->n_changes = b->n_changes;
    job->missing.at = b->missing.at;
    b->n_jobs++;
    return job;
}

/* CLAIM: what the job wants for itself, or NULL; UV_EBUSY when another one has it. */
static bool claim_or_refuse(struct job *job, bool *claim)
{
    struct cache_backups *b = job->backups;
    if (b->is_stopping)
        job->status = UV_ECANCELED;
    else if (claim && *claim)
        job->status = UV_EBUSY;
    if (job->status < 0) {
        loop_post(b->loop, refuse, job);
        return false;
    }
    job->claim = claim;
    if (claim)
        *claim = true;
    return true;
}

static void submit(struct job *job, bool *claim)
{
    if (claim_or_refuse(job, claim))
        uv_queue_work(&job->backups->loop->uv, &job->work, work, finish);
}

static int exec_nothing(sqlite3 *db, void *arg)
{
    (void)db;
    (void)arg;
    return 0;
}

/* Writes that were refused are no reason to make no backup of the others. */
static void on_written(void *arg, int status)
{
    struct job *job = arg;
    (void)status;
    job->n_commits = cache_store_stats(job->backups->store).n_commits;
    uv_queue_work(&job->backups->loop->uv, &job->work, work, finish);
}

/* An empty write ends after those before it: who has seen something has it in the backup. */
static void submit_after_writes(struct job *job, bool *claim)
{
    if (claim_or_refuse(job, claim))
        cache_store_write(job->backups->store, exec_nothing, on_written, job);
}

/* Since the newest: one that was fetched and removed again is none. One commit is the event that
 * told of it. */
static bool has_changed(const struct cache_backups *b)
{
    return !b->made[0] || strcmp(b->newest.name, b->made) != 0 ||
           cache_store_stats(b->store).n_commits > b->n_commits + 1;
}

void cache_backups_look(struct cache_backups *b)
{
    if (b->is_making)
        return;
    struct job *job = new_job(b, JOB_DAILY, NULL, NULL);
    str_copy(job->whole, sizeof(job->whole), b->whole);
    job->may_make = has_changed(b) && clock_wall_ms() >= b->retry_at;
    if (!cache_clock_check_now(b->clock, &job->now))
        job->now = 0;
    submit(job, &b->is_making);
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

void cache_backups_set_missing(struct cache_backups *b, struct cache_missing *missing)
{
    b->missing = *missing;
    *missing = (struct cache_missing){0};
}

void cache_backups_set_clock(struct cache_backups *b, const struct cache_clock_check *clock)
{
    b->clock = clock;
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
    submit_after_writes(new_job(b, JOB_MAKE, done, arg), &b->is_making);
}

void cache_backups_list(struct cache_backups *b, cache_backups_fn done, void *arg)
{
    submit(new_job(b, JOB_LIST, done, arg), NULL);
}

void cache_backups_remove(struct cache_backups *b, const char *name, cache_backups_fn done,
                          void *arg)
{
    struct job *job = new_job(b, JOB_REMOVE, done, arg);
    job->name = mem_strdup(name);
    submit(job, NULL);
}

void cache_backups_arm_restore(struct cache_backups *b, const char *id, cache_backups_fn done,
                               void *arg)
{
    struct job *job = new_job(b, JOB_ARM, done, arg);
    job->name = mem_strdup(id);
    submit(job, &b->is_arming);
}

struct cache_backups_health cache_backups_health(const struct cache_backups *b)
{
    int64_t since = b->newest.name[0] ? b->newest.created_at : b->started_at;
    return (struct cache_backups_health){
        .newest_at = b->newest.created_at,
        .error = b->error.text[0] ? b->error.text : NULL,
        .is_overdue = has_changed(b) && is_older(since, clock_wall_ms(), CACHE_BACKUPS_OVERDUE_MS),
        .missing = b->missing.at ? &b->missing : NULL,
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
