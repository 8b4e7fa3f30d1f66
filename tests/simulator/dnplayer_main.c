/* SPDX-License-Identifier: MIT */
#include "os.h"
#include "player.h"
#include "process.h"
#include "programs.h"

#include <stdlib.h>
#include <string.h>

/* dnplayer: the window of one instance.  Its command line holds `index=N|`, as the real one's. */
int program_main(int argc, char **argv)
{
    struct home home = {.dir = os_self_dir()};
    bool is_second = os_variable(programs_second_variable) != NULL;
    const char *kind = is_second ? "second" : "player";
    int index = -1;

    for (int i = 1; i < argc; i++)
        if (text_starts(argv[i], "index="))
            index = atoi(argv[i] + strlen("index="));
    if (index < 0)
        return 1;
    os_ignore_children();
    process_register(&home, kind, index);
    if (is_second)
        player_live_second(&home, index);
    else
        player_live(&home, index);
    process_unregister(&home, kind, index);
    return 0;
}
