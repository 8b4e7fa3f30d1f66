/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "guest.h"
#include "job.h"
#include "machine.h"
#include "os.h"
#include "programs.h"
#include "timeline.h"
#include "verbs.h"

#include <string.h>

/* Starting and stopping.  All of it is acknowledged at once; the work is done by the player
 * process, which reads the run record. */

static bool is_hidden(const struct call *call, int index)
{
    return settings_bool(call->settings, "session0") ||
           settings_fault(call->settings, index, "hidden");
}

/* Whether the last run was ended by force: the VM, or a player that left its record behind. */
static bool was_killed(const struct call *call, const struct run *last)
{
    char *mark = home_killed_path(call->home, call->index);

    if (os_exists(mark)) {
        os_remove_file(mark);
        return true;
    }
    return last && !process_is_alive(last->player);
}

/* The file that a killed player held open may have suffered. */
static void damage_config(const struct call *call)
{
    const char *effect =
        settings_text_at(call->settings, "kill_effect", (struct scope){"", call->index});

    config_damage(home_config_path(call->home, call->index), effect);
}

/* Whether the disks can be used; the log says why they cannot. */
static bool has_disks(const struct call *call, const struct run *run)
{
    const char *why = NULL;

    if (!machine_has_disk(call->home, run->index) &&
        !settings_bool(call->settings, "boot_without_disk"))
        why = "VERR_FILE_NOT_FOUND";
    else if (job_is_copying(call->home, run->index))
        why = "VERR_SHARING_VIOLATION";
    else if (machine_is_read_only(call->home, run->index) ||
             text_list_has(run->faults, "readonly_vmdk"))
        why = "VERR_VD_IMAGE_READ_ONLY";
    if (!why)
        return true;
    machine_log(call->home, run->index,
                mem_printf("VD: error %s opening image file 'data.vmdk' (%s)", why, why));
    machine_log(call->home, run->index, "Power up failed (PowerUpFailed)");
    return false;
}

/* A runtime without one of its libraries starts, and aborts when the guest draws. */
static void miss_libraries(const struct call *call, struct run *run)
{
    if (programs_missing_library(call->settings))
        run->faults = mem_printf("%s%svbox_gutted", run->faults, *run->faults ? "," : "");
}

/* True for some time after the last process of the last run has gone. */
static bool is_settling(const struct call *call)
{
    struct text until = {0};
    int64_t end;

    return os_read_file(home_settle_path(call->home, call->index), &until) == 0 &&
           text_to_int64(text_str(&until), &end) && os_now_ms() < end;
}

static void prepare_config(const struct call *call, struct run *run)
{
    char *path = home_config_path(call->home, run->index);
    struct config_summary summary = config_summary(path, call->profile);
    struct config config;

    run->adb_debug = summary.adb_debug;
    run->width = summary.width;
    run->height = summary.height;
    run->dpi = summary.dpi;
    if (summary.memory_mb <= settings_int(call->settings, "ram_floor_mb"))
        run->faults = mem_printf("%s%scrash_loop", run->faults, *run->faults ? "," : "");
    run->stuck = run->stuck || summary.truncated;
    if (!summary.truncated) {
        config = config_open(path);
        config_fill_first_launch(&config, call->profile);
        (void)config_save(&config);
    }
    (void)os_copy_file(path, home_run_config_path(call->home, run->index));
    machine_write_vbox(call->home, run->index, summary.memory_mb);
}

/* Two launches at the same time: both guests hang. */
static void collide(const struct call *call, struct run *run)
{
    int64_t window = settings_duration(call->settings, "ms.collision", -1);
    int64_t now = os_now_ms();
    struct run_list others;

    if (!settings_bool(call->settings, "collision"))
        return;
    others = run_load_all(call->home);
    for (size_t i = 0; i < others.n_items; i++) {
        struct run *other = &others.items[i];

        if (other->index == run->index || other->quit_at || now - other->launched_at >= window ||
            !process_is_alive(other->player))
            continue;
        other->stuck = true;
        run->stuck = true;
        (void)run_save(call->home, other);
    }
}

static void start_player(const struct call *call, struct run *run)
{
    const char *const argv[] = {programs_player(call->settings),
                                mem_printf("index=%d|", run->index), NULL};

    (void)run_save(call->home, run);
    run->player = process_start(call->home, "player", run->index, argv, false);
    (void)run_save(call->home, run);
    if (!text_list_has(run->faults, "second_player"))
        return;
    os_set_variable(programs_second_variable, "1");
    (void)process_start(call->home, "second", run->index, argv, false);
    os_set_variable(programs_second_variable, NULL);
}

/* How the window opens: flags of LD9 and later, which older versions pass over. */
static const char *window_of(const struct call *call)
{
    const char *window = "normal";

    for (int i = 0; i < call->argc && call->profile->has_window_flags; i++) {
        if (strcmp(call->argv[i], "--mini") == 0)
            window = "mini";
        else if (strcmp(call->argv[i], "--hide") == 0)
            window = "hide";
    }
    return window;
}

/* The caller holds the lock. */
static void launch(struct call *call, const char *app)
{
    struct run run;
    struct run last;
    bool has_last = run_load(call->home, call->index, &last) == 0;

    /* Already up, or hung, or on its way down: nothing is done, and that is a success. */
    if (has_last && !last.off && process_is_alive(last.player))
        return;
    run = timeline_plan(call->settings, call->index);
    run.app = app;
    run.window = window_of(call);
    if (process_instance_is_alive(call->home, call->index) || is_settling(call))
        run.stuck = true; /* something of the last run still holds the machine */
    if (was_killed(call, has_last ? &last : NULL))
        damage_config(call);
    machine_log_start(call->home, call->index);
    prepare_config(call, &run);
    miss_libraries(call, &run);
    if (!has_disks(call, &run))
        run.stuck = true;
    collide(call, &run);
    guest_boot(call->home, call->index);
    start_player(call, &run);
}

static void launch_locked(struct call *call, const char *app)
{
    intptr_t lock;

    if (settings_bool(call->settings, "session0"))
        return;
    lock = home_lock(call->home);
    launch(call, app);
    home_unlock(lock);
}

void verb_launch(struct call *call)
{
    const char *app = call_option(call, "--packagename");

    launch_locked(call, app ? app : "");
}

/* Unlike launch it also opens the app in an instance that is up already. */
void verb_launchex(struct call *call)
{
    const char *app = call_option(call, "--packagename");
    struct run run;

    launch_locked(call, app ? app : "");
    if (app && run_load(call->home, call->index, &run) == 0 && timeline_is_up(&run, os_now_ms()))
        guest_run_app(call->home, call->index, app);
}

static void ask(struct call *call, int index, bool to_restart)
{
    struct run run;

    if (is_hidden(call, index) || run_load(call->home, index, &run) < 0 || run.quit_at)
        return;
    if (to_restart)
        run.restart_at = os_now_ms();
    else
        run.quit_at = os_now_ms();
    (void)run_save(call->home, &run);
}

void verb_quit(struct call *call)
{
    intptr_t lock = home_lock(call->home);

    ask(call, call->index, false);
    home_unlock(lock);
}

void verb_quitall(struct call *call)
{
    intptr_t lock = home_lock(call->home);
    struct run_list runs = run_load_all(call->home);

    for (size_t i = 0; i < runs.n_items; i++)
        ask(call, runs.items[i].index, false);
    home_unlock(lock);
}

/* Seen on LD14: the reboot leaves a fresh configuration behind. */
static void reset_config(struct call *call)
{
    char *path = home_config_path(call->home, call->index);

    config_damage(path, "reset");
    (void)os_copy_file(path, home_run_config_path(call->home, call->index));
}

void verb_reboot(struct call *call)
{
    bool is_up = os_exists(home_run_path(call->home, call->index));
    bool resets = is_up && settings_take(call->settings, "reboot_resets", call_scope(call));
    intptr_t lock = home_lock(call->home);

    ask(call, call->index, true);
    if (resets)
        reset_config(call);
    home_unlock(lock);
}
