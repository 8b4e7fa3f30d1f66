/* SPDX-License-Identifier: MIT */
#include "adb.h"
#include "calllog.h"
#include "faults.h"
#include "os.h"
#include "process.h"

#include <string.h>

static int answer(const struct settings *settings, int argc, char **argv)
{
    struct scope scope = {.verb = "host_adb", .index = -1};
    struct adb adb = {.settings = settings};
    int exit_code = 0;

    faults_before(settings, scope);
    if (faults_crash(settings, scope))
        return faults_crash_code;
    if (!faults_ignore(settings, scope))
        exit_code = adb_run(&adb, argc, argv);
    faults_print(settings, scope, &adb.out);
    os_write_stderr(text_str(&adb.err), adb.err.len);
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
    /* What ldconsole starts under the knob hold_pipe: adb's daemon, which inherits too much. */
    if (argc > 1 && strcmp(argv[1], "fork-server") == 0) {
        process_linger(&home, "holder", -1, settings_int(&settings, "lifetime_s") * 1000);
        return 0;
    }
    log = calllog_start(&settings, "adb", argc - 1, argv + 1);
    exit_code = answer(&settings, argc - 1, argv + 1);
    calllog_end(&log, exit_code);
    if (exit_code == faults_crash_code)
        os_crash();
    return exit_code;
}
