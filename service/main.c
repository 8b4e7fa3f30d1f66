/* SPDX-License-Identifier: MIT */
#include "service/commands/command.h"
#include "service/process/platform.h"

int main(int argc, char **argv)
{
    svc_platform_start(&argc, &argv);
    return (int)svc_command_run(argc, argv);
}
