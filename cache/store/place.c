/* SPDX-License-Identifier: MIT */
#include "cache/store/place.h"

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "cache/pages/file.h"

enum { DATABASE, LOG, LOCK };

/* A page in the log has a head of its own, and the log too (SQLite's file format, section 4.1). */
enum { LOG_HEAD = 32, PAGE_HEAD = 24 };

/* *RET_SIZE stays as it is where that cannot be found out. */
static bool is_there(const struct cache_place *place, size_t i, int64_t *ret_size)
{
    struct fs_identity now;
    int r = fs_identify(place->paths[i], &now);
    if (r < 0)
        return r != UV_ENOENT && r != UV_ENOTDIR;
    *ret_size = now.size;
    return fs_is_same(&now, &place->files[i]);
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
    (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
    if (has_moved)
        place->files[DATABASE] = (struct fs_identity){0};
    atomic_store(&place->shortest, place->files[DATABASE].size);
}

void cache_place_deinit(struct cache_place *place)
{
    for (size_t i = 0; i < countof(place->paths); i++)
        mem_free(place->paths[i]);
}

bool cache_place_is_mine(const struct cache_place *place)
{
    int64_t size;
    return !place->has_lock || is_there(place, LOCK, &size);
}

int cache_place_check(struct cache_place *place, unsigned n_pages)
{
    int64_t sizes[] = {[DATABASE] = INT64_MAX, [LOG] = INT64_MAX};
    /* Before it is looked at: it may grow meanwhile, and another thread see that. */
    int64_t shortest = atomic_load(&place->shortest);
    if (!cache_place_is_mine(place) || !is_there(place, DATABASE, &sizes[DATABASE]) ||
        !is_there(place, LOG, &sizes[LOG]))
        return UV_ENXIO;
    if (sizes[DATABASE] < shortest || sizes[LOG] < log_size(n_pages))
        return UV_ENXIO;
    if (sizes[DATABASE] > shortest && sizes[DATABASE] < INT64_MAX)
        atomic_store(&place->shortest, sizes[DATABASE]);
    return 0;
}
