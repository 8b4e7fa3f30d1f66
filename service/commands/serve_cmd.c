/* SPDX-License-Identifier: MIT */
#include "service/commands/command.h"

#include <stdio.h>

#include "base/memory/cleanup.h"
#include "service/app/app.h"
#include "service/reporting/logging.h"

/* The line tells who started the process where to find it, so it comes once: a restart listens
 * where the service was. */
static void announce(void *arg, struct svc_app *app, bool is_again)
{
    (void)arg;
    if (is_again)
        return;
    printf("%s\n", svc_app_ready_line(app));
    fflush(stdout);
}

static void report_failure(void *arg, const struct svc_app *app, int code)
{
    (void)arg;
    (void)code;
    (void)svc_exit_fail("%s", svc_app_error(app));
}

enum svc_exit svc_serve_cmd(const struct svc_args *args)
{
    struct svc_config config cleanup(svc_config_deinit);
    enum svc_exit status = svc_command_config(args, &config);
    if (status != SVC_EXIT_OK)
        return status;
    svc_logging_start(&config, false);
    const struct svc_app_options options = {
        .config = &config,
        .flags = args->flags,
        .n_flags = args->n_flags,
        .on_ready = announce,
        .on_failed = report_failure,
    };
    int r = svc_app_serve(&options);
    svc_logging_stop();
    return r < 0 ? SVC_EXIT_FAILED : SVC_EXIT_OK;
}
