/* SPDX-License-Identifier: MIT */
#include "service/commands/command.h"

#include <stdio.h>

#include "base/log/log.h"
#include "base/memory/cleanup.h"
#include "service/app/app.h"
#include "service/reporting/logging.h"

static void announce(const struct svc_app *app)
{
    printf("%s\n", svc_app_ready_line(app));
    fflush(stdout);
}

enum svc_exit svc_serve_cmd(const struct svc_args *args)
{
    struct svc_config config cleanup(svc_config_deinit);
    enum svc_exit status = svc_command_config(args, &config);
    if (status != SVC_EXIT_OK)
        return status;
    svc_logging_start(&config, false);

    struct svc_app_options options = {
        .config = &config,
        .flags = args->flags,
        .n_flags = args->n_flags,
    };
    struct svc_app *app = svc_app_new(&options);
    if (svc_app_start(app) == 0)
        announce(app);
    else
        status = svc_exit_fail("%s", svc_app_error(app));
    svc_app_run(app);
    if (svc_app_free(app) < 0)
        log_error("service", "something was still open at the end");
    svc_logging_stop();
    return status;
}
