/* SPDX-License-Identifier: MIT */
#include "os.h"
#include "process.h"
#include "programs.h"
#include "run.h"

#include <stdlib.h>
#include <string.h>

/* Ld9BoxHeadless: the process of one virtual machine.  It does nothing but be there.  Its command
 * line says which instance it is, as the real one's does, but not of which installation. */
int program_main(int argc, char **argv)
{
    const char *dir = os_variable(programs_home_variable);
    struct home home = {.dir = dir ? dir : os_self_dir()};
    struct run run;
    int index = -1;

    for (int i = 1; i < argc; i++)
        if (text_starts(argv[i], "leidian"))
            index = atoi(argv[i] + strlen("leidian"));
    if (index < 0 || run_load(&home, index, &run) < 0)
        return 1;
    process_linger(&home, "vm", index, run.end_at - os_now_ms());
    return 0;
}
