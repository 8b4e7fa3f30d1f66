/* SPDX-License-Identifier: MIT */
#include "ldsim.h"
#include "manager.h"
#include "os.h"
#include "process.h"

#include <stdio.h>
#include <string.h>

/* ldsim: the administrator of simulated installations. */

int ldsim_fail(int exit_code, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = mem_printf("ldsim: %s\n", mem_vprintf(format, args));
    va_end(args);
    os_write_stderr(text, strlen(text));
    return exit_code;
}

void ldsim_print(const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = mem_vprintf(format, args);
    va_end(args);
    os_write_stdout(text, strlen(text));
}

/* As a crash, or a person with the task manager, would: the rest of the installation goes on. */
static int kill_some(const struct home *home, int index, const char *kind)
{
    struct process_list list = process_find(home, index);
    int killed = 0;

    for (size_t i = 0; i < list.n_items; i++) {
        if (!text_list_has(kind ? kind : "player,second,vm", list.items[i].kind))
            continue;
        process_kill(list.items[i].process);
        killed++;
    }
    ldsim_print("%d ended\n", killed);
    return 0;
}

static int run_kill(const struct home *home, int argc, char **argv)
{
    int index;

    if (argc > 0) {
        if (argc > 2 || sscanf(argv[0], "%d", &index) != 1 ||
            (argc == 2 && !text_list_has("player,vm", argv[1])))
            return ldsim_fail(2, "kill wants nothing, or an index, and player or vm behind it; see "
                                 "`ldsim help`");
        return kill_some(home, index, argc == 2 ? argv[1] : NULL);
    }
    int killed = process_kill_all(home);
    struct process_list left = process_find(home, -1);

    if (left.n_items > 0)
        return ldsim_fail(1, "%d processes do not end", (int)left.n_items);
    ldsim_print("%d ended\n", killed);
    return 0;
}

int ldsim_manager(const struct home *home, int argc, char **argv)
{
    bool opens = argc == 1 && strcmp(argv[0], "open") == 0;

    if (!opens && !(argc == 1 && strcmp(argv[0], "close") == 0))
        return ldsim_fail(2, "manager wants open or close; see `ldsim help`");
    if ((opens ? manager_open(home) : manager_close(home)) < 0)
        return ldsim_fail(1, "the manager's window does not %s", argv[0]);
    return 0;
}

static int run_on_home(const char *command, const char *dir, int argc, char **argv)
{
    struct home home = {.dir = os_real_path(dir)};

    if (!home.dir || !home_exists(&home))
        return ldsim_fail(1, "%s is no simulated installation", dir);
    if (strcmp(command, "set") == 0)
        return ldsim_set(&home, argc, argv);
    if (strcmp(command, "reset") == 0)
        return ldsim_reset(&home);
    if (strcmp(command, "manager") == 0)
        return ldsim_manager(&home, argc, argv);
    if (strcmp(command, "show") == 0)
        return ldsim_show(&home);
    return run_kill(&home, argc, argv);
}

int program_main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "help";

    if (text_list_has("help,--help,-h", command))
        return ldsim_help();
    if (!text_list_has("init,set,reset,show,manager,kill", command))
        return ldsim_fail(2, "no command %s; see `ldsim help`", command);
    if (argc < 3)
        return ldsim_fail(2, "%s wants a directory; see `ldsim help`", command);
    if (strcmp(command, "init") == 0)
        return ldsim_init(argv[2], argc - 3, argv + 3);
    return run_on_home(command, argv[2], argc - 3, argv + 3);
}
