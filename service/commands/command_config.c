/* SPDX-License-Identifier: MIT */
#include "service/commands/command_config.h"

#include <stdio.h>

#include "base/memory/cleanup.h"

enum svc_exit svc_command_config(const struct svc_args *args, struct svc_config *ret)
{
    struct svc_problems problems cleanup(svc_problems_deinit);
    svc_problems_init(&problems);
    if (svc_config_load(args->flags, args->n_flags, ret, &problems) == 0)
        return SVC_EXIT_OK;
    fputs(svc_problems_text(&problems), stderr);
    return SVC_EXIT_USAGE;
}
