/* SPDX-License-Identifier: MIT */
#include "cache/store/place.h"

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "cache/pages/file.h"
#include "cache/store/files.h"

enum { DATABASE, LOG, LOCK };

/* A page in the log has a head of its own, and the log too (SQLite's file format, section 4.1). */
enum { LOG_HEAD = 32, PAGE_HEAD = 24 };

enum finding { FINE, GONE, OTHER, CUT_OFF, WRITTEN };

static const char *const findings[3][5] = {
    [DATABASE] = {[GONE] = CACHE_DB_NAME " is gone",
                  [OTHER] = "another file is in the place of " CACHE_DB_NAME,
                  [CUT_OFF] = CACHE_DB_NAME " was cut off",
                  [WRITTEN] = "another program has written into " CACHE_DB_NAME},
    [LOG] = {[GONE] = CACHE_DB_NAME "-wal is gone",
             [OTHER] = "another file is in the place of " CACHE_DB_NAME "-wal",
             [CUT_OFF] = CACHE_DB_NAME "-wal was cut off"},
    [LOCK] = {[GONE] = CACHE_LOCK_NAME " is gone",
              [OTHER] = "another file is in the place of " CACHE_LOCK_NAME},
};

static atomic_int last_file = DATABASE, last_finding = OTHER;

const char *cache_place_finding(void)
{
    return findings[atomic_load(&last_file)][atomic_load(&last_finding)];
}

/* *RET_NOW stays as it is where that cannot be found out. */
static enum finding find(const struct cache_place *place, size_t i, struct fs_identity *ret_now)
{
    struct fs_identity now;
    int r = fs_identify(place->paths[i], &now);
    if (r < 0)
        return r == UV_ENOENT || r == UV_ENOTDIR ? GONE : FINE;
    *ret_now = now;
    return fs_is_same(&now, &place->files[i]) ? FINE : OTHER;
}

static int64_t log_size(unsigned n_pages)
{
    return n_pages ? LOG_HEAD + (int64_t)n_pages * (PAGE_HEAD + CACHE_PAGE_SIZE) : 0;
}

void cache_place_init(struct cache_place *place, sqlite3 *db)
{
    *place = (struct cache_place){0};
    place->paths[DATABASE] = mem_strdup(sqlite3_db_filename(db, "main"));
    place->paths[LOG] = mem_strdup(sqlite3_filename_wal(sqlite3_db_filename(db, "main")));
    char *folder cleanup(mem_freep) = fs_dirname(place->paths[DATABASE]);
    place->paths[LOCK] = fs_join(folder, CACHE_LOCK_NAME);
    /* What is not there now is not any file that comes later. */
    for (size_t i = 0; i < countof(place->files); i++)
        (void)fs_identify(place->paths[i], &place->files[i]);
    place->has_lock = place->files[LOCK].file != 0;
    /* Since it was opened; Windows knows no such question, and lets nobody move it. */
    int has_moved = 0;
    int r = sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
    if (has_moved)
        place->files[DATABASE] = (struct fs_identity){0};
    atomic_store(&place->shortest, place->files[DATABASE].size);
    atomic_store(&place->written_at, r == SQLITE_OK ? place->files[DATABASE].written_at : 0);
}

void cache_place_deinit(struct cache_place *place)
{
    for (size_t i = 0; i < countof(place->paths); i++)
        mem_free(place->paths[i]);
}

bool cache_place_is_mine(const struct cache_place *place)
{
    struct fs_identity now;
    return !place->has_lock || find(place, LOCK, &now) == FINE;
}

void cache_place_begin_copy(struct cache_place *place)
{
    atomic_fetch_add(&place->n_copy_calls, 1);
}

void cache_place_end_copy(struct cache_place *place)
{
    struct fs_identity now;
    if (atomic_load(&place->written_at) && fs_identify(place->paths[DATABASE], &now) == 0)
        atomic_store(&place->written_at, now.written_at);
    atomic_fetch_add(&place->n_copy_calls, 1);
}

static int refuse(size_t file, enum finding finding)
{
    atomic_store(&last_file, (int)file);
    atomic_store(&last_finding, (int)finding);
    return UV_ENXIO;
}

int cache_place_check(struct cache_place *place, unsigned n_pages)
{
    struct fs_identity now[] = {
        [DATABASE] = {.size = INT64_MAX}, [LOG] = {.size = INT64_MAX}, [LOCK] = {0}};
    /* Before it is looked at: it may grow meanwhile, or be written, and another thread see that. */
    unsigned n_calls = atomic_load(&place->n_copy_calls);
    int64_t shortest = atomic_load(&place->shortest), written_at = atomic_load(&place->written_at);
    static const size_t order[] = {LOCK, DATABASE, LOG};
    for (size_t i = 0; i < countof(order); i++) {
        size_t file = order[i];
        enum finding finding =
            file != LOCK || place->has_lock ? find(place, file, &now[file]) : FINE;
        if (finding != FINE)
            return refuse(file, finding);
    }
    int64_t size = now[DATABASE].size;
    if (size < shortest)
        return refuse(DATABASE, CUT_OFF);
    if (now[LOG].size < log_size(n_pages))
        return refuse(LOG, CUT_OFF);
    bool is_known = written_at && size < INT64_MAX && n_calls % 2 == 0 &&
                    n_calls == atomic_load(&place->n_copy_calls);
    if (is_known && now[DATABASE].written_at != written_at)
        return refuse(DATABASE, WRITTEN);
    if (size > shortest && size < INT64_MAX)
        atomic_store(&place->shortest, size);
    return 0;
}
