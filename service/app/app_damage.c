/* SPDX-License-Identifier: MIT */

/* A page of the database that is found to be damaged after the start has checked it, or because the
 * start did not have to: word is left on disk, and the service starts again, which checks the whole
 * file and repairs it. Once in ten minutes: a disk that goes on damaging it is not to be kept busy
 * with repairs. Not without room for a second database: the start would end then. And not where the
 * files are not those that were opened: what is read there is none of ours, and a start would go on
 * with it as if nothing had been. */
#include "service/app/app_private.h"

#include "base/log/log.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"

enum { AGAIN_MS = 600000, MB = 1 << 20 };

static void leave_word(const struct svc_app *app, const char *why)
{
    int r = cache_repair_suspect(app->data_dir, why);
    if (r < 0)
        log_warning("service", "the mark that the database is damaged cannot be written (%s)",
                    uv_strerror(r));
}

/* Of what may have to be made anew. */
static int64_t size_of_database(const struct svc_app *app)
{
    int64_t size = 0, log_size = 0;
    char *path cleanup(mem_freep) = fs_join(app->data_dir, CACHE_DB_NAME);
    char *log cleanup(mem_freep) = mem_printf("%s-wal", path);
    (void)fs_size(path, &size);
    (void)fs_size(log, &log_size);
    return size + log_size;
}

/* Owned by the caller; NULL when nothing does. */
static char *what_keeps_from_it(const struct svc_app *app)
{
    int r = app->store ? cache_store_check_place(app->store) : 0;
    int64_t size = size_of_database(app);
    uint64_t free_bytes = app->store ? cache_store_health(app->store).free_bytes : UINT64_MAX;
    if (r < 0)
        return mem_printf("%s: %s", cache_sql_strerror(r), cache_sql_advice(r));
    if (free_bytes < (uint64_t)size)
        return mem_printf("there is no room to repair it: it needs %u MB on the drive of %s, of "
                          "which %u MB are free; make room and restart the service",
                          (unsigned)(size / MB + 1), app->data_dir, (unsigned)(free_bytes / MB));
    if (app->damaged_ms > 0 && clock_mono_ms() - app->damaged_ms < AGAIN_MS)
        return mem_printf("it is damaged again: %s", cache_sql_advice(UV_EFTYPE));
    return NULL;
}

bool svc_app_restart_for_repair(struct svc_app *app)
{
    char *obstacle cleanup(mem_freep) = what_keeps_from_it(app);
    leave_word(app, "a page was damaged when it was read");
    if (obstacle) {
        log_error("service", "a page of the database in %s is damaged, and %s", app->data_dir,
                  obstacle);
        return false;
    }
    app->damaged_ms = clock_mono_ms();
    log_error("service", "a page of the database is damaged; the service starts again to check and "
                         "repair it");
    svc_app_restart(app, "a page of the database is damaged");
    return true;
}

void svc_app_doubt_database(struct svc_app *app)
{
    leave_word(app, cache_sql_strerror(UV_ENXIO));
}

void svc_app_trust_database(struct svc_app *app)
{
    char *path cleanup(mem_freep) = fs_join(app->data_dir, CACHE_DB_NAME);
    cache_repair_trust(path);
}
