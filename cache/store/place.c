/* SPDX-License-Identifier: MIT */
#include "cache/store/place.h"

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"

static bool is_there(const struct cache_place *place, size_t i)
{
    uint64_t now;
    int r = fs_identify(place->paths[i], &now);
    if (r == 0)
        return now == place->files[i];
    return r != UV_ENOENT && r != UV_ENOTDIR;
}

void cache_place_init(struct cache_place *place, sqlite3 *db)
{
    place->paths[0] = mem_strdup(sqlite3_db_filename(db, "main"));
    place->paths[1] = mem_strdup(sqlite3_filename_wal(sqlite3_db_filename(db, "main")));
    char *folder cleanup(mem_freep) = fs_dirname(place->paths[0]);
    place->paths[2] = fs_join(folder, CACHE_LOCK_NAME);
    place->files[2] = 0;
    /* What is not there now is not any file that comes later. */
    for (size_t i = 0; i < countof(place->files); i++)
        (void)fs_identify(place->paths[i], &place->files[i]);
    /* Since it was opened; Windows knows no such question, and lets nobody move it. */
    int has_moved = 0;
    (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
    if (has_moved)
        place->files[0] = 0;
}

void cache_place_deinit(struct cache_place *place)
{
    for (size_t i = 0; i < countof(place->paths); i++)
        mem_free(place->paths[i]);
}

int cache_place_check(const struct cache_place *place)
{
    bool is_mine = !place->files[2] || is_there(place, 2);
    return is_mine && is_there(place, 0) && is_there(place, 1) ? 0 : UV_ENXIO;
}
