/* SPDX-License-Identifier: MIT */
#include "service/app/app_private.h"

#include <inttypes.h>

#include "base/log/log.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "cache/backup/restore.h"
#include "cache/results/results_json.h"
#include "cache/tables/instances.h"
#include "cache/tables/operations.h"
#include "cache/tables/preferences.h"
#include "cache/tables/workstations.h"
#include "service/process/crash.h"
#include "service/process/node_id.h"

/* Everything here blocks and runs before the loop does: there is nobody yet who could wait. */

enum { LOCK_PATIENCE_MS = 10000, LOOK_EVERY_MS = 20 };

/* A command that works on the data while there is no service is soon done. One that has just taken
 * the lock has not said so yet: what stands there then is of the service before us. */
static int take_lock(struct svc_app *app, struct svc_lock_holder *reterr)
{
    uint64_t end = clock_mono_ms() + LOCK_PATIENCE_MS;
    bool was_service = false;
    for (;;) {
        int r = svc_lock_take(app->data_dir, svc_lock_service, &app->lock, reterr);
        bool is_service = r == UV_EBUSY && svc_lock_is_service(reterr);
        if (r != UV_EBUSY || (is_service && was_service) || clock_mono_ms() >= end)
            return r;
        was_service = is_service;
        uv_sleep(LOOK_EVERY_MS);
    }
}

/* What a killed process was about to write (fs_write_atomic), of the files that the holder of the
 * lock alone writes. */
static void remove_halves(const char *data_dir)
{
    uv_fs_t req;
    uv_dirent_t entry;
    int r = uv_fs_scandir(NULL, &req, data_dir, 0, NULL);
    while (r >= 0 && uv_fs_scandir_next(&req, &entry) == 0) {
        char *path cleanup(mem_freep) = fs_join(data_dir, entry.name);
        bool is_ours = str_has_prefix(entry.name, "ldplayerd.") ||
                       str_has_prefix(entry.name, SVC_NODE_ID_FILE ".");
        if (is_ours && str_has_suffix(entry.name, ".tmp"))
            (void)fs_remove(path);
    }
    uv_fs_req_cleanup(&req);
}

int svc_app_open_data_dir(struct svc_app *app)
{
    struct svc_lock_holder holder;
    const char *dir = app->config->data_dir;
    int r = fs_make_dirs(dir);
    if (r < 0)
        return svc_app_refuse(app, r, "the data directory %s cannot be made: %s", dir,
                              uv_strerror(r));
    app->data_dir = fs_real(dir);
    r = take_lock(app, &holder);
    if (r == UV_EBUSY)
        return svc_app_refuse(app, r,
                              "another ldplayerd (process %" PRId64
                              ") uses the data directory %s; stop it or choose another data_dir",
                              holder.pid, dir);
    if (r < 0)
        return svc_app_refuse(app, r,
                              "the lock file in the data directory %s cannot be written: %s", dir,
                              uv_strerror(r));
    svc_endpoint_remove(app->data_dir);
    remove_halves(app->data_dir);
    svc_crash_arm(app->data_dir);
    return 0;
}

static void tell_restored(const char *data_dir, const char *kept)
{
    struct cache_restored restored cleanup(cache_restored_deinit) = {0};
    (void)cache_restore_read_last(data_dir, &restored);
    log_warning("service", "a backup took the place of the database; the former one is %s",
                *kept ? kept : "not there");
    if (restored.lost)
        log_error("service", "%s", restored.lost);
    if (restored.live_again)
        log_warning("service", "%s", restored.live_again);
}

/* While no database is open. */
int svc_app_restore_db(struct svc_app *app)
{
    struct cache_db_error error;
    char *kept cleanup(mem_freep) = NULL;
    int r = cache_restore_finish(app->data_dir, &kept, &error);
    if (r == UV_EPERM)
        log_error("service", "%s", error.text);
    else if (r < 0)
        return svc_app_refuse(app, r, "%s", error.text);
    else if (kept)
        tell_restored(app->data_dir, kept);
    return 0;
}

int svc_app_open_db(struct svc_app *app)
{
    struct cache_db_error error;
    app->repair.finish = cache_housekeeping_mend;
    int r = cache_missing_open(app->data_dir, &app->db, &app->repair, &app->missing, &error);
    if (r < 0)
        return svc_app_refuse(app, r, "%s", error.text);
    if (app->repair.at) {
        char *sentence cleanup(mem_freep) = cache_repair_sentence(&app->repair);
        log_error("service", "%s", sentence);
    }
    if (app->missing.at) {
        char *sentence cleanup(mem_freep) = cache_missing_sentence(&app->missing);
        log_error("service", "%s", sentence);
    }
    return 0;
}

/* A database that knows less than we have told is another one, or an older one. */
static int go_on_with_numbers(struct svc_app *app)
{
    int64_t highest = 0, last = (int64_t)app->last_seq;
    int r = last ? cache_events_highest(app->db, &highest) : 0;
    return r == 0 && highest < last ? cache_events_renumber_above(app->db, last) : r;
}

static int load_all(struct svc_app *app)
{
    app->idempotency = cache_idempotency_new();
    int r = cache_tokens_new(app->db, &app->tokens);
    if (r == 0)
        r = go_on_with_numbers(app);
    if (r == 0)
        r = cache_clock_check_init(&app->clock, app->db);
    if (r == 0)
        r = cache_idempotency_load(app->idempotency, app->db,
                                   cache_clock_check_is_off(&app->clock));
    if (r == 0)
        r = cache_events_new(app->db, (unsigned)app->config->event_ring, &app->events);
    if (r == 0)
        r = cache_instances_load(app->db, &app->instances, &app->n_instances);
    if (r == 0)
        r = cache_instances_load_gone(app->db, &app->gone, &app->n_gone);
    if (r == 0)
        r = cache_operations_load_open(app->db, &app->operations, &app->n_operations);
    if (r == 0)
        r = cache_workstations_load(app->db, &app->stations, &app->n_stations);
    if (r == 0)
        r = cache_breakers_load(app->db, &app->breakers, &app->n_breakers);
    if (r == 0)
        r = cache_preferences_read(app->db, CACHE_RESULTS_PREFERENCE, &app->cache_preference);
    if (r == 0)
        r = cache_restore_read_note(app->db, &app->restore_note, &app->is_restore_told);
    return r;
}

static void tell_clock(const struct svc_app *app)
{
    char now[CLOCK_RFC3339_SIZE], known[CLOCK_RFC3339_SIZE];
    if (!cache_clock_check_is_off(&app->clock))
        return;
    clock_format(app->clock.started_wall, now);
    clock_format(app->clock.known, known);
    log_warning("service",
                "the clock says %s, and %s when it was last known to be right: if it is wrong, "
                "correct it within %u hours, during which nothing is removed because it is old, "
                "nor any Idempotency-Key forgotten",
                now, known, CACHE_CLOCK_HELD_HOURS);
}

int svc_app_load(struct svc_app *app)
{
    int r = load_all(app);
    if (r == UV_EFTYPE && svc_app_restart_for_repair(app))
        return r;
    if (r == UV_EFTYPE)
        return svc_app_refuse(app, r, "the database in %s is damaged again: %s", app->data_dir,
                              cache_sql_advice(r));
    if (r < 0)
        return svc_app_refuse(app, r, "the database in %s cannot be read: %s", app->data_dir,
                              uv_strerror(r));
    tell_clock(app);
    log_info("service", "data directory %s: %u instances, %u open operations", app->data_dir,
             (unsigned)app->n_instances, (unsigned)app->n_operations);
    return 0;
}
