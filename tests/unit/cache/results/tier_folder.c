/* SPDX-License-Identifier: MIT */
#include "tests/unit/cache/results/tier_folder.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "cache/results/glob.h"

/* Files block, so each call becomes a job for libuv's pool. One job runs at a time, in the order of
 * the calls: a get sees what was put before it, and an invalidation removes it.
 *
 * A file has a header, then the key, then the value. Its name is a hash of the key, because a key
 * may be longer than a name and have any character. */

enum { MAX_JOBS = 1000, NAME_SIZE = 2 * crypto_generichash_BYTES_MIN + 1 };

struct header {
    char magic[8];
    int64_t made_at; /* wall clock: it must mean something to the next process */
    uint64_t ttl_ms, stale_ms, made_from, key_len;
};
static const char magic[8] = "ldpfile";

struct folder_tier {
    struct cache_tier base;
    struct loop *loop;
    char *folder;
    struct list jobs; /* the first is running */
    unsigned n_jobs;
    uv_work_t work;
    bool is_running;
    bool must_clear; /* an invalidation failed: nothing here can be trusted until all is gone */
    int last_error;
    int64_t failed_since;
    struct cache_tier_health stats;
    uv_async_t alive; /* never sent: gives closing a turn of its own */
    bool is_closing;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

struct job {
    struct list link;
    struct folder_tier *tier;
    void (*run)(struct job *job); /* on a worker */
    char *key;                    /* or a pattern */
    struct blob *value;           /* to be put; or what was got */
    struct header header;
    int status;
    cache_tier_got_fn done; /* NULL = nobody waits */
    void *arg;
};

static struct folder_tier *cast(const struct cache_tier *tier)
{
    return container_of(tier, struct folder_tier, base);
}

/* --- on a worker --- */

static char *path_of(const struct job *job)
{
    unsigned char hash[crypto_generichash_BYTES_MIN];
    char name[NAME_SIZE];
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)job->key, strlen(job->key), NULL,
                       0);
    sodium_bin2hex(name, sizeof(name), hash, sizeof(hash));
    return fs_join(job->tier->folder, name);
}

/* The header and the key of a file that was read. Returns 0 or UV_EINVAL. */
static int parse(const struct buf *file, struct header *ret, const char **ret_key)
{
    if (file->len < sizeof(*ret))
        return UV_EINVAL;
    memcpy(ret, file->data, sizeof(*ret));
    if (memcmp(ret->magic, magic, sizeof(magic)) != 0 || ret->key_len > file->len - sizeof(*ret))
        return UV_EINVAL;
    *ret_key = file->data + sizeof(*ret);
    return 0;
}

static uint64_t age_of(const struct header *h)
{
    int64_t age_ms = clock_wall_ms() - h->made_at;
    return age_ms > 0 ? (uint64_t)age_ms : 0;
}

static bool is_over(const struct header *h)
{
    return age_of(h) >= h->ttl_ms + h->stale_ms;
}

static int remove_file(const char *path)
{
    uv_fs_t req;
    int r = uv_fs_unlink(NULL, &req, path, NULL);
    uv_fs_req_cleanup(&req);
    return r;
}

static void run_get(struct job *job)
{
    struct buf file cleanup(buf_deinit) = {0};
    char *path cleanup(mem_freep) = path_of(job);
    const char *key;
    job->status = fs_read(path, &file);
    if (job->status == UV_ENOENT)
        job->status = 0; /* a miss is no failure */
    if (file.len == 0 || parse(&file, &job->header, &key) < 0)
        return;
    size_t key_len = (size_t)job->header.key_len;
    if (key_len != strlen(job->key) || memcmp(key, job->key, key_len) != 0)
        return;
    if (!is_over(&job->header))
        job->value = blob_copy(key + key_len, (size_t)(file.data + file.len - key) - key_len);
    else
        (void)remove_file(path); /* the next put or invalidation tries again */
}

static void run_put(struct job *job)
{
    struct buf file cleanup(buf_deinit) = {0};
    char *path cleanup(mem_freep) = path_of(job);
    (void)buf_append(&file, &job->header, sizeof(job->header));
    (void)buf_append_str(&file, job->key);
    (void)buf_append(&file, job->value->data, job->value->len);
    job->status = fs_write_atomic(path, file.data, file.len);
}

/* Returns 0, or why a value that may match is still there. */
static int remove_if_match(const struct job *job, const char *path)
{
    struct buf file cleanup(buf_deinit) = {0};
    struct header header;
    const char *text;
    int r = fs_read(path, &file);
    if (r < 0)
        return r;
    if (parse(&file, &header, &text) < 0)
        return 0;
    char *key cleanup(mem_freep) = mem_strndup(text, (size_t)header.key_len);
    if (cache_glob_match(job->key, key) || is_over(&header))
        return remove_file(path);
    return 0;
}

static void run_invalidate(struct job *job)
{
    uv_fs_t req;
    uv_dirent_t entry;
    job->status = uv_fs_scandir(NULL, &req, job->tier->folder, 0, NULL);
    while (job->status >= 0 && uv_fs_scandir_next(&req, &entry) == 0) {
        char *path cleanup(mem_freep) = fs_join(job->tier->folder, entry.name);
        job->status = remove_if_match(job, path);
    }
    uv_fs_req_cleanup(&req);
}

/* --- on the loop --- */

static void free_job(struct job *job)
{
    list_unlink(&job->link);
    job->tier->n_jobs--;
    blob_unref(job->value);
    mem_free(job->key);
    mem_free(job);
}

static void answer(struct job *job)
{
    cache_tier_got_fn done = take_ptr(job->done);
    if (!done)
        return;
    const struct cache_tier_item item = {
        .value = job->value,
        .age_ms = age_of(&job->header),
        .ttl_ms = job->header.ttl_ms,
        .stale_ms = job->header.stale_ms,
        .made_from = job->header.made_from,
    };
    bool is_hit = job->value && !is_over(&job->header) && !job->tier->must_clear;
    job->tier->stats.n_hits += is_hit;
    done(job->arg, is_hit ? &item : NULL);
}

static void note_status(struct folder_tier *t, const struct job *job)
{
    bool is_clear = job->run == run_invalidate && strcmp(job->key, "*") == 0;
    if (job->run == run_invalidate && job->status < 0)
        t->must_clear = true;
    else if (is_clear)
        t->must_clear = false;
    if (job->status < 0) {
        t->stats.n_failed++;
        if (t->last_error == 0)
            t->failed_since = clock_wall_ms();
    }
    t->last_error = job->status;
}

static void run_next(struct folder_tier *t);

static void on_alive_closed(uv_handle_t *handle)
{
    struct folder_tier *t = container_of((uv_async_t *)handle, struct folder_tier, alive);
    void (*on_closed)(void *arg) = t->on_closed;
    void *arg = t->on_closed_arg;
    mem_free(t->folder);
    mem_free(t);
    on_closed(arg);
}

static void on_worked(uv_work_t *work, int status)
{
    struct folder_tier *t = container_of(work, struct folder_tier, work);
    struct job *job = list_entry(t->jobs.next, struct job, link);
    (void)status;            /* never cancelled */
    list_unlink(&job->link); /* who is answered may begin the next one */
    t->is_running = false;
    note_status(t, job);
    answer(job);
    free_job(job);
    run_next(t);
}

static void on_work(uv_work_t *work)
{
    struct folder_tier *t = container_of(work, struct folder_tier, work);
    struct job *job = list_entry(t->jobs.next, struct job, link);
    job->run(job);
}

static void run_next(struct folder_tier *t)
{
    if (t->is_running)
        return;
    if (!list_is_empty(&t->jobs)) {
        t->is_running = true;
        uv_queue_work(&t->loop->uv, &t->work, on_work, on_worked);
    } else if (t->is_closing && !uv_is_closing((uv_handle_t *)&t->alive)) {
        uv_close((uv_handle_t *)&t->alive, on_alive_closed);
    }
}

static struct job *new_job(struct folder_tier *t, const char *key, void (*run)(struct job *job))
{
    struct job *job = mem_new(struct job);
    job->tier = t;
    job->key = mem_strdup(key);
    job->run = run;
    list_append(&t->jobs, &job->link);
    t->n_jobs++;
    return job;
}

static void tier_get(struct cache_tier *tier, const char *key, cache_tier_got_fn done, void *arg)
{
    struct folder_tier *t = cast(tier);
    t->stats.n_gets++;
    if (t->is_closing || t->n_jobs >= MAX_JOBS) {
        t->stats.n_failed++;
        done(arg, NULL);
        return;
    }
    if (t->must_clear)
        (void)new_job(t, "*", run_invalidate);
    struct job *job = new_job(t, key, run_get);
    job->done = done;
    job->arg = arg;
    run_next(t);
}

static void tier_put(struct cache_tier *tier, const char *key, const struct cache_tier_item *item)
{
    struct folder_tier *t = cast(tier);
    t->stats.n_puts++;
    if (t->is_closing || t->n_jobs >= MAX_JOBS) {
        t->stats.n_failed++;
        return;
    }
    struct job *job = new_job(t, key, run_put);
    job->value = blob_ref(item->value);
    job->header = (struct header){
        .made_at = clock_wall_ms() - (int64_t)item->age_ms,
        .ttl_ms = item->ttl_ms,
        .stale_ms = item->stale_ms,
        .made_from = item->made_from,
        .key_len = strlen(key),
    };
    memcpy(job->header.magic, magic, sizeof(magic));
    run_next(t);
}

/* However many wait: a value that is wrong must go. */
static void tier_invalidate(struct cache_tier *tier, const char *pattern)
{
    struct folder_tier *t = cast(tier);
    if (t->is_closing)
        return;
    (void)new_job(t, pattern, run_invalidate);
    run_next(t);
}

static void tier_health(const struct cache_tier *tier, struct cache_tier_health *ret)
{
    const struct folder_tier *t = cast(tier);
    char since[CLOCK_RFC3339_SIZE];
    *ret = t->stats;
    ret->is_up = t->last_error == 0;
    if (ret->is_up)
        return;
    clock_format(t->failed_since, since);
    snprintf(ret->detail, sizeof(ret->detail),
             "folder %.80s since %s: %s; see that it exists and can be written", t->folder, since,
             uv_strerror(t->last_error));
}

/* Gets end at once and puts that wait are given up; what was invalidated still goes. */
static void tier_close(struct cache_tier *tier, void (*on_closed)(void *arg), void *arg)
{
    struct folder_tier *t = cast(tier);
    t->is_closing = true;
    t->on_closed = on_closed;
    t->on_closed_arg = arg;
    list_foreach(item, &t->jobs) {
        struct job *job = list_entry(item, struct job, link);
        cache_tier_got_fn done = take_ptr(job->done);
        if (done)
            done(job->arg, NULL);
        bool is_running = t->is_running && item == t->jobs.next;
        if (!is_running && job->run != run_invalidate)
            free_job(job);
    }
    run_next(t);
}

static const struct cache_tier_ops ops = {
    .name = "folder",
    .get = tier_get,
    .put = tier_put,
    .invalidate = tier_invalidate,
    .health = tier_health,
    .close = tier_close,
};

struct cache_tier *tier_folder_new(struct loop *loop, const char *folder)
{
    struct folder_tier *t = mem_new(struct folder_tier);
    t->base.ops = &ops;
    t->loop = loop;
    t->folder = mem_strdup(folder);
    list_init(&t->jobs);
    uv_async_init(&loop->uv, &t->alive, NULL);
    uv_unref((uv_handle_t *)&t->alive);
    return &t->base;
}
