/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "faults.h"
#include "guest.h"
#include "os.h"
#include "timeline.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

/* The few commands that callers use to find out how a guest is, with the words of Android. */

struct shell {
    const struct settings *settings;
    int index;
    bool is_foreign; /* the port belongs to somebody else's VM */
    struct text *out;
};

struct command {
    const char *name;
    int (*run)(struct shell *shell, int argc, char **argv);
};

static int run_echo(struct shell *shell, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        text_printf(shell->out, "%s%s", i > 1 ? " " : "", argv[i]);
    text_add(shell->out, "\n");
    return 0;
}

static int run_true(struct shell *shell, int argc, char **argv)
{
    (void)shell;
    (void)argc;
    (void)argv;
    return 0;
}

static int run_false(struct shell *shell, int argc, char **argv)
{
    return !run_true(shell, argc, argv);
}

static int run_sleep(struct shell *shell, int argc, char **argv)
{
    (void)shell;
    if (argc > 1)
        os_sleep_ms((int64_t)(strtod(argv[1], NULL) * 1000));
    return 0;
}

static bool boot_completed(const struct shell *shell)
{
    struct run run;

    return shell->is_foreign || (run_load(shell->settings->home, shell->index, &run) == 0 &&
                                 timeline_boot_completed(&run, os_now_ms()));
}

/* The numbers that the guest was booted with; what modify changed since is for the next boot. */
static struct run run_of(const struct shell *shell)
{
    struct run run = {.mac = "", .imei = "", .sim_serial = "", .android_id = ""};

    (void)run_load(shell->settings->home, shell->index, &run);
    return run;
}

/* What a MuMu guest says of itself: it has none of LDPlayer's properties. */
static const struct {
    const char *key, *value;
} foreign_props[] = {
    {"ro.product.brand", "netease"},
    {"ro.product.model", "MuMu"},
    {"ro.serialno", "ZX1G42CPJD"},
};

static int run_foreign_getprop(struct shell *shell, int argc, char **argv)
{
    const char *value = "";

    for (size_t i = 0; i < sizeof(foreign_props) / sizeof(foreign_props[0]); i++) {
        if (argc < 2)
            text_printf(shell->out, "[%s]: [%s]\n", foreign_props[i].key, foreign_props[i].value);
        else if (strcmp(argv[1], foreign_props[i].key) == 0)
            value = foreign_props[i].value;
    }
    if (argc >= 2)
        text_printf(shell->out, "%s\n",
                    text_list_has("sys.boot_completed,dev.bootcomplete", argv[1]) ? "1" : value);
    return 0;
}

/* The numbers of the configuration are in the guest, where nobody set them otherwise. */
static const char *own_prop(const struct shell *shell, const char *key)
{
    const char *value = guest_get_prop(shell->settings->home, shell->index, key);
    struct run run = run_of(shell);

    if (*value)
        return value;
    if (strcmp(key, "phone.imei") == 0)
        return run.imei;
    if (text_list_has("phone.simserial,ro.serialno", key))
        return run.sim_serial;
    return "";
}

static int run_getprop(struct shell *shell, int argc, char **argv)
{
    const struct home *home = shell->settings->home;

    if (shell->is_foreign)
        return run_foreign_getprop(shell, argc, argv);
    if (argc < 2) {
        text_printf(shell->out, "[sys.boot_completed]: [%s]\n", boot_completed(shell) ? "1" : "");
        guest_list_props(home, shell->index, shell->out);
    } else if (text_list_has("sys.boot_completed,dev.bootcomplete", argv[1])) {
        text_printf(shell->out, "%s\n", boot_completed(shell) ? "1" : "");
    } else {
        text_printf(shell->out, "%s\n", own_prop(shell, argv[1]));
    }
    return 0;
}

static int run_settings(struct shell *shell, int argc, char **argv)
{
    if (argc != 4 || strcmp(argv[1], "get") != 0 || strcmp(argv[3], "android_id") != 0) {
        text_add(shell->out, "null\n");
        return 0;
    }
    text_printf(shell->out, "%s\n",
                shell->is_foreign ? "9d2f6c1be07a4e53" : run_of(shell).android_id);
    return 0;
}

/* Answers only where the system server does. */
static int run_service(struct shell *shell, int argc, char **argv)
{
    if (argc != 3 || strcmp(argv[1], "check") != 0)
        return 255;
    text_printf(shell->out, "Service %s: found\n", argv[2]);
    return 0;
}

static int run_setprop(struct shell *shell, int argc, char **argv)
{
    if (argc != 3)
        return 1;
    if (!shell->is_foreign)
        guest_set_prop(shell->settings->home, shell->index, argv[1], argv[2]);
    return 0;
}

static int run_pm(struct shell *shell, int argc, char **argv)
{
    const struct home *home = shell->settings->home;

    if (argc >= 3 && strcmp(argv[1], "list") == 0 && strcmp(argv[2], "packages") == 0) {
        bool third_party = argc > 3 && strcmp(argv[3], "-3") == 0;

        if (!shell->is_foreign)
            guest_list_packages(home, shell->index, !third_party, shell->out);
        return 0;
    }
    if (argc >= 3 && strcmp(argv[1], "path") == 0) {
        if (shell->is_foreign || !guest_has_package(home, shell->index, argv[2]))
            return 1;
        text_printf(shell->out, "package:/data/app/%s-1/base.apk\n", argv[2]);
        return 0;
    }
    return 255;
}

static int run_pidof(struct shell *shell, int argc, char **argv)
{
    int pid = argc > 1 && !shell->is_foreign
                  ? guest_app_pid(shell->settings->home, shell->index, argv[1])
                  : 0;

    if (pid == 0)
        return 1;
    text_printf(shell->out, "%d\n", pid);
    return 0;
}

static int start_package(struct shell *shell, const char *package)
{
    const struct home *home = shell->settings->home;

    if (shell->is_foreign || !guest_has_package(home, shell->index, package))
        return 1;
    guest_run_app(home, shell->index, package);
    return 0;
}

static int run_am(struct shell *shell, int argc, char **argv)
{
    char *package;

    if (argc < 3)
        return 1;
    package = mem_text(argv[argc - 1]);
    if (strcmp(argv[1], "force-stop") == 0) {
        if (!shell->is_foreign)
            guest_kill_app(shell->settings->home, shell->index, package);
        return 0;
    }
    if (strcmp(argv[1], "start") != 0)
        return 255;
    package[strcspn(package, "/")] = '\0';
    text_printf(shell->out, "Starting: Intent { cmp=%s }\n", argv[argc - 1]);
    if (start_package(shell, package) != 0)
        text_add(shell->out, "Error type 3\nError: Activity class does not exist.\n");
    return 0;
}

static int run_monkey(struct shell *shell, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "-p") != 0)
            continue;
        if (start_package(shell, argv[i + 1]) == 0) {
            text_add(shell->out, "Events injected: 1\n");
            return 0;
        }
    }
    text_add(shell->out, "** No activities found to run, monkey aborted.\n");
    return 252;
}

static int run_wm(struct shell *shell, int argc, char **argv)
{
    struct run run;

    if (shell->is_foreign) {
        text_add(shell->out, "Physical size: 1600x900\n");
        return 0;
    }
    if (argc < 2 || run_load(shell->settings->home, shell->index, &run) < 0)
        return 1;
    if (strcmp(argv[1], "size") == 0)
        text_printf(shell->out, "Physical size: %dx%d\n", run.width, run.height);
    else
        text_printf(shell->out, "Physical density: %d\n", run.dpi);
    return 0;
}

/* The MAC tells which VM it really is. */
static void print_mac(struct shell *shell)
{
    const char *mac = shell->is_foreign ? "08002770B1C5" : run_of(shell).mac;

    for (int i = 0; mac[i]; i++) {
        if (i > 0 && i % 2 == 0)
            text_add(shell->out, ":");
        text_printf(shell->out, "%c", mac[i] >= 'A' && mac[i] <= 'F' ? mac[i] + 32 : mac[i]);
    }
    text_add(shell->out, "\n");
}

static int run_cat(struct shell *shell, int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "/sys/class/net/wlan0/address") == 0) {
        print_mac(shell);
        return 0;
    }
    if (argc == 2 && !shell->is_foreign &&
        os_read_file(guest_file(shell->settings->home, shell->index, argv[1]), shell->out) == 0)
        return 0;
    text_printf(shell->out, "cat: %s: No such file or directory\n", argc > 1 ? argv[1] : "-");
    return 1;
}

static int run_id(struct shell *shell, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    text_add(shell->out, "uid=0(root) gid=0(root)\n");
    return 0;
}

static int run_dumpsys(struct shell *shell, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    text_add(shell->out, "ACTIVITY MANAGER\n");
    return 0;
}

static const struct command commands[] = {
    {"am", run_am},           {"cat", run_cat},
    {"dumpsys", run_dumpsys}, {"echo", run_echo},
    {"false", run_false},     {"getprop", run_getprop},
    {"id", run_id},           {"monkey", run_monkey},
    {"pidof", run_pidof},     {"pm", run_pm},
    {"service", run_service}, {"setprop", run_setprop},
    {"sync", run_true},       {"settings", run_settings},
    {"sleep", run_sleep},     {"true", run_true},
    {"wm", run_wm},
};

static int run_one(struct shell *shell, const struct words *words)
{
    const struct settings *settings = shell->settings;
    const char *name = words->argv[0];

    if (settings_fault(settings, shell->index, "hung_am") && !shell->is_foreign &&
        text_list_has("am,cmd,dumpsys,monkey,pm,service,settings,wm", name))
        faults_hang(settings, shell->index);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].run(shell, words->argc, words->argv);
    text_printf(shell->out, "/system/bin/sh: %s: not found\n", name);
    return 127;
}

int guest_shell(const struct settings *settings, int index, bool through_adb, const char *line,
                struct text *out)
{
    struct shell shell = {.settings = settings,
                          .index = index,
                          .is_foreign =
                              through_adb && settings_fault(settings, index, "adb_stolen"),
                          .out = out};
    const char *cursor = line;
    struct words words;
    int status = 0;

    if (settings_fault(settings, index, "hung_guest") && !shell.is_foreign)
        faults_hang(settings, index);
    while (words_next_command(&cursor, &words)) {
        if (words.argc == 0)
            continue;
        status = run_one(&shell, &words);
        if (status != 0 && words.stop_on_failure)
            break;
    }
    return status;
}
