/* SPDX-License-Identifier: MIT */
#include "calllog.h"
#include "faults.h"
#include "guest.h"
#include "os.h"
#include "timeline.h"
#include "words.h"

#include <string.h>

/* ld -s INDEX COMMAND...: a shell in the guest that needs no adb port.  Old scripts put `adb
 * shell` in front of the command. */

static int run(const struct settings *settings, int index, int argc, char **argv, struct text *out)
{
    struct run run;

    if (run_load(settings->home, index, &run) < 0 || !timeline_is_up(&run, os_now_ms())) {
        text_add(out, "player is not running\r\n");
        return 1;
    }
    if (argc >= 2 && strcmp(argv[0], "adb") == 0 && strcmp(argv[1], "shell") == 0) {
        argc -= 2;
        argv += 2;
    }
    return guest_shell(settings, index, false, words_join(argc, argv), out);
}

static int answer(const struct settings *settings, int argc, char **argv)
{
    struct scope scope = {.verb = "ld", .index = -1};
    struct text out = {0};
    int exit_code = 0;

    if (argc < 3 || strcmp(argv[0], "-s") != 0 || !text_to_int(argv[1], &scope.index)) {
        text_add(&out, "Usage: ld -s <index> <command>\r\n");
        os_write_stdout(out.data, out.len);
        return 1;
    }
    faults_before(settings, scope);
    if (faults_crash(settings, scope))
        return faults_crash_code;
    if (!faults_ignore(settings, scope))
        exit_code = run(settings, scope.index, argc - 2, argv + 2, &out);
    faults_print(settings, scope, &out);
    return faults_after(settings, scope, exit_code);
}

int program_main(int argc, char **argv)
{
    struct home home = {.dir = os_self_dir()};
    struct settings settings;
    struct calllog log;
    char *error;
    int exit_code;

    if (settings_load(&home, &settings, &error) < 0) {
        os_write_stderr(error, strlen(error));
        return 1;
    }
    log = calllog_start(&settings, "ld", argc - 1, argv + 1);
    exit_code = answer(&settings, argc - 1, argv + 1);
    calllog_end(&log, exit_code);
    if (exit_code == faults_crash_code)
        os_crash();
    return exit_code;
}
