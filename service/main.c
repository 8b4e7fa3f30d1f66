/* SPDX-License-Identifier: MIT */
#include "service/command.h"
#include "service/platform.h"

int main(int argc, char **argv)
{
    svc_platform_start(&argc, &argv);
    return (int)svc_command_run(argc, argv);
}
