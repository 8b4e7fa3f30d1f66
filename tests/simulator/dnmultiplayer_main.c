/* SPDX-License-Identifier: MIT */
#include "manager.h"
#include "os.h"

/* dnmultiplayer: the window that lists all instances. */
int program_main(int argc, char **argv)
{
    struct home home = {.dir = os_self_dir()};

    (void)argc;
    (void)argv;
    manager_live(&home);
    return 0;
}
