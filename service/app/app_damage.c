/* SPDX-License-Identifier: MIT */

/* A page of the database that is found to be damaged after the start has checked it, or because the
 * start did not have to: word is left on disk, and the service starts again, which checks the whole
 * file and repairs it. Once in ten minutes: a disk that goes on damaging it is not to be kept busy
 * with repairs. */
#include "service/app/app_private.h"

#include "base/log/log.h"
#include "base/system/clock.h"

enum { AGAIN_MS = 600000 };

bool svc_app_restart_for_repair(struct svc_app *app)
{
    uint64_t now = clock_mono_ms();
    bool is_again = app->damaged_ms > 0 && now - app->damaged_ms < AGAIN_MS;
    int r = cache_repair_suspect(app->data_dir);
    if (r < 0)
        log_warning("service", "the mark that the database is damaged cannot be written (%s)",
                    uv_strerror(r));
    if (is_again)
        return false;
    app->damaged_ms = now;
    log_error("service", "a page of the database is damaged; the service starts again to check and "
                         "repair it");
    svc_app_restart(app, "a page of the database is damaged");
    return true;
}
