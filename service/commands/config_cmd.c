/* SPDX-License-Identifier: MIT */
#include "service/commands/command.h"

#include "base/memory/cleanup.h"
#include "service/config/config_docs.h"

enum svc_exit svc_config_cmd_show(const struct svc_args *args)
{
    struct svc_config config cleanup(svc_config_deinit);
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    enum svc_exit status = svc_command_config(args, &config);
    if (status != SVC_EXIT_OK)
        return status;
    svc_config_show(&config, &out);
    return svc_exit_print(&out);
}

enum svc_exit svc_config_cmd_check(const struct svc_args *args)
{
    struct svc_config config cleanup(svc_config_deinit);
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    enum svc_exit status = svc_command_config(args, &config);
    if (status != SVC_EXIT_OK)
        return status;
    (void)buf_printf(&out, "The configuration is good (%s).\n",
                     config.file ? config.file : "no configuration file");
    return svc_exit_print(&out);
}

enum svc_exit svc_config_cmd_docs(const struct svc_args *args)
{
    (void)args;
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    svc_config_docs(&out);
    return svc_exit_print(&out);
}
