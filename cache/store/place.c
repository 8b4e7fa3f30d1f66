/* SPDX-License-Identifier: MIT */
#include "cache/store/place.h"

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "cache/pages/file.h"

enum { DATABASE, LOG, LOCK };

/* A page in the log has a head of its own, and the log too (SQLite's file format, section 4.1). */
enum { LOG_HEAD = 32, PAGE_HEAD = 24 };

static bool is_there(const struct cache_place *place, size_t i)
{
    struct fs_identity now;
    int r = fs_identify(place->paths[i], &now);
    if (r == 0)
        return fs_is_same(&now, &place->files[i]);
    return r != UV_ENOENT && r != UV_ENOTDIR;
}

static bool is_long_enough(struct cache_place *place)
{
    int64_t size;
    if (fs_size(place->paths[DATABASE], &size) < 0)
        return true;
    if (size > atomic_load(&place->shortest))
        atomic_store(&place->shortest, size);
    return size >= atomic_load(&place->shortest);
}

static bool has_pages(const struct cache_place *place, unsigned n_pages)
{
    int64_t size;
    if (n_pages == 0 || fs_size(place->paths[LOG], &size) < 0)
        return true;
    return size >= LOG_HEAD + (int64_t)n_pages * (PAGE_HEAD + CACHE_PAGE_SIZE);
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
    (void)is_long_enough(place);
}

void cache_place_deinit(struct cache_place *place)
{
    for (size_t i = 0; i < countof(place->paths); i++)
        mem_free(place->paths[i]);
}

int cache_place_check(struct cache_place *place, unsigned n_pages)
{
    bool is_mine = !place->has_lock || is_there(place, LOCK);
    bool is_in_place = is_mine && is_there(place, DATABASE) && is_there(place, LOG);
    return is_in_place && is_long_enough(place) && has_pages(place, n_pages) ? 0 : UV_ENXIO;
}
