/* SPDX-License-Identifier: MIT */
#include "service/commands/command.h"

static enum svc_exit refuse(void)
{
    return svc_exit_fail("the service commands are for Windows; here run `ldplayerd serve`, or "
                         "have systemd run it (Type=simple, ExecStart=.../ldplayerd serve)");
}

enum svc_exit svc_service_cmd_install(const struct svc_args *args)
{
    (void)args;
    return refuse();
}

enum svc_exit svc_service_cmd_uninstall(const struct svc_args *args)
{
    (void)args;
    return refuse();
}

enum svc_exit svc_service_cmd_start(const struct svc_args *args)
{
    (void)args;
    return refuse();
}

enum svc_exit svc_service_cmd_stop(const struct svc_args *args)
{
    (void)args;
    return refuse();
}

enum svc_exit svc_service_cmd_reload(const struct svc_args *args)
{
    (void)args;
    return refuse();
}

enum svc_exit svc_service_cmd_status(const struct svc_args *args)
{
    (void)args;
    return refuse();
}

enum svc_exit svc_service_cmd_run(const struct svc_args *args)
{
    (void)args;
    return refuse();
}

enum svc_exit svc_service_cmd_configure(const struct svc_args *args)
{
    (void)args;
    return refuse();
}

enum svc_exit svc_service_cmd_unconfigure(const struct svc_args *args)
{
    (void)args;
    return refuse();
}
