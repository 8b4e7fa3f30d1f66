/* SPDX-License-Identifier: MIT */
#include "player.h"

#include "config.h"
#include "machine.h"
#include "os.h"
#include "programs.h"
#include "settings.h"
#include "timeline.h"

#include <string.h>

enum {
    SETTLED_NS = 100 * 1000 * 1000, /* a file changed longer ago shows any further change */
    CHECK_VM_MS = 50,
};

struct player {
    const struct home *home;
    int index;
    int64_t id;
    struct player_faults faults;
    struct os_info record_seen;
    struct os_info settings_seen;
    struct process checked_vm;
    int64_t checked_at;
    bool vm_was_alive;
};

/* The VM and the row end at times of their own. */
static bool vm_is_due(const struct run *run, int64_t now)
{
    return !run->vm_stopped && now >= run->quit_at + run->off_ms + run->vm_late_ms;
}

static int64_t row_time(const struct run *run)
{
    return run->quit_at + run->off_ms + run->row_late_ms;
}

static bool row_is_due(const struct run *run, int64_t now)
{
    return !run->off && now >= row_time(run);
}

static enum player_step next_when_quitting(const struct run *run, int64_t now)
{
    if (vm_is_due(run, now) || row_is_due(run, now))
        return PLAYER_POWER_OFF;
    if (!run->off || !run->vm_stopped)
        return PLAYER_WAIT;
    return now >= row_time(run) + run->tail_ms ? PLAYER_LEAVE : PLAYER_WAIT;
}

static enum player_step next_with_vm(const struct run *run, struct player_faults faults,
                                     int64_t now)
{
    int64_t up_at = run->vm_started_at + run->boot_ms;

    if (run->stuck || faults.svc_dead || (faults.zombie && now >= up_at))
        return PLAYER_KILL_VM;
    if (text_list_has(run->faults, "vbox_gutted") && now >= run->vm_started_at + run->boot_ms / 4)
        return PLAYER_KILL_VM;
    if (text_list_has(run->faults, "crash_loop") && now >= up_at + run->crash_ms)
        return PLAYER_CRASH_VM;
    return PLAYER_WAIT;
}

enum player_step player_next_step(const struct run *run, struct player_faults faults,
                                  bool vm_is_alive, int64_t now)
{
    if (run->quit_at)
        return next_when_quitting(run, now);
    if (run->repair_at && now >= run->repair_at)
        return PLAYER_HAND_OVER;
    if (run->restart_at)
        return PLAYER_CRASH_VM;
    if (vm_is_alive)
        return next_with_vm(run, faults, now);
    if (run->vm_started_at)
        return run->vm_died_at ? PLAYER_WAIT : PLAYER_NOTE_DEATH;
    if (!run->stuck && !faults.svc_dead && now >= run->vm_at)
        return PLAYER_START_VM;
    return PLAYER_WAIT;
}

/* The guest has the numbers that the configuration has now. */
static void take_identity(const struct settings *settings, struct run *run)
{
    struct config_summary summary =
        config_summary(home_config_path(settings->home, run->index), profile_get(settings));

    run->mac = summary.mac;
    run->imei = summary.imei;
    run->sim_serial = summary.sim_serial;
    run->android_id = summary.android_id;
}

static void start_vm(const struct player *player, struct run *run, int64_t now)
{
    struct settings settings = {.home = player->home};
    const char *argv[] = {NULL,
                          "--comment",
                          mem_printf("leidian%d", run->index),
                          "--startvm",
                          machine_uuid(run->index),
                          NULL};
    char *error;

    (void)settings_load(player->home, &settings, &error); /* unreadable: as at the start */
    take_identity(&settings, run);
    argv[0] = programs_vm(&settings);
    os_set_variable(programs_home_variable, player->home->dir);
    run->vm = process_start(player->home, "vm", run->index, argv, false);
    os_set_variable(programs_home_variable, NULL);
    run->vm_started_at = now;
    machine_log(player->home, run->index, "Changing the VM state from 'STARTING' to 'RUNNING'");
}

/* The player holds the configuration while it runs and writes it when it closes: what others wrote
 * into the file meanwhile is lost. */
static void write_config_back(const struct player *player)
{
    char *path = home_config_path(player->home, player->index);
    struct text kept = {0};
    struct text now = {0};

    if (os_read_file(home_run_config_path(player->home, player->index), &kept) < 0 ||
        os_read_file(path, &now) < 0)
        return;
    if (kept.len != now.len || memcmp(kept.data, now.data, now.len) != 0)
        (void)os_replace_file(path, kept.data, kept.len);
}

/* The next launch wants to know that somebody else ended the VM. */
static void note_death(const struct player *player, struct run *run, int64_t now)
{
    run->vm_died_at = now;
    (void)os_write_file(home_killed_path(player->home, run->index), "", 0);
}

static void power_off(const struct player *player, struct run *run, int64_t now)
{
    if (vm_is_due(run, now)) {
        if (run->vm_started_at && !run->vm_died_at && !process_is_alive(run->vm))
            note_death(player, run, now);
        if (!text_list_has(run->faults, "orphan_vm"))
            process_kill(run->vm);
        run->vm = (struct process){0};
        run->vm_stopped = true;
        machine_log(player->home, run->index, "Changing the VM state from 'POWERING_OFF' to 'OFF'");
    }
    if (row_is_due(run, now)) {
        run->off = true;
        write_config_back(player);
    }
}

static void hand_over(const struct player *player, struct run *run, int64_t now)
{
    struct settings settings = {.home = player->home};
    const char *argv[] = {NULL, mem_printf("index=%d|", run->index), "from=repairer", NULL};
    char *error;

    (void)settings_load(player->home, &settings, &error); /* unreadable: as at the start */
    argv[0] = programs_player(&settings);
    run->repair_at = 0;
    run->visible_at = now + (run->vm_at - now) * 3 / 4;
    run->player = process_start(player->home, "player", run->index, argv, false);
}

/* The VM has to be gone before the record says so, else it would look like one nobody knows. */
static void kill_vm(const struct player *player, struct run *run, const char *why)
{
    process_kill(run->vm);
    machine_log(player->home, run->index, why);
}

static void take_step(const struct player *player, struct run *run, enum player_step step,
                      int64_t now)
{
    switch (step) {
    case PLAYER_START_VM:
        start_vm(player, run, now);
        break;
    case PLAYER_KILL_VM:
        kill_vm(player, run,
                text_list_has(run->faults, "vbox_gutted")
                    ? "libOpenglRender2.dll is missing, exception 0x80000003"
                    : "The VM process ended unexpectedly");
        run->vm_died_at = now;
        break;
    case PLAYER_CRASH_VM:
        kill_vm(player, run, "VM reset");
        timeline_restart(run, now);
        break;
    case PLAYER_NOTE_DEATH:
        note_death(player, run, now);
        break;
    case PLAYER_HAND_OVER:
        hand_over(player, run, now);
        break;
    case PLAYER_POWER_OFF:
        power_off(player, run, now);
        break;
    case PLAYER_LEAVE:
    case PLAYER_WAIT:
        break;
    }
}

/* True when the file may hold something new since the last look. */
static bool has_changed(const char *path, struct os_info *seen)
{
    struct os_info info = {0};
    bool changed;

    (void)os_stat(path, &info); /* a file that went away has changed too */
    changed = info.size != seen->size || info.changed_ns != seen->changed_ns ||
              os_wall_ns() - info.changed_ns < SETTLED_NS;
    *seen = info;
    return changed;
}

static void look_at_settings(struct player *player)
{
    struct settings settings;
    char *error;

    if (!has_changed(settings_path(player->home), &player->settings_seen) ||
        settings_load(player->home, &settings, &error) < 0)
        return;
    player->faults = (struct player_faults){
        .zombie = settings_fault(&settings, player->index, "zombie"),
        .svc_dead = settings_bool(&settings, "svc_dead"),
    };
}

/* Something of the last run holds the machine for a while after the last process has gone. */
static void leave(const struct player *player, const struct run *run, int64_t now)
{
    char *until = mem_printf("%lld", (long long)(now + run->settle_ms));

    run_remove(player->home, player->index);
    if (run->settle_ms > 0)
        (void)os_write_file(home_settle_path(player->home, player->index), until, strlen(until));
}

/* Decide again under the lock: quit or a second launch may have come between. */
static bool act(struct player *player)
{
    intptr_t lock = home_lock(player->home);
    int64_t now = os_now_ms();
    enum player_step step = PLAYER_LEAVE;
    struct run run;

    if (run_load(player->home, player->index, &run) == 0 && run.id == player->id) {
        step = player_next_step(&run, player->faults, process_is_alive(run.vm), now);
        take_step(player, &run, step, now);
        if (step == PLAYER_LEAVE)
            leave(player, &run, now);
        else if (step != PLAYER_WAIT)
            (void)run_save(player->home, &run);
    }
    home_unlock(lock);
    return step != PLAYER_LEAVE && step != PLAYER_HAND_OVER;
}

/* The installation was deleted, or the time is over. */
static void end_everything(const struct player *player, const struct run *run)
{
    process_kill(run->vm);
    if (home_exists(player->home))
        run_remove(player->home, player->index);
}

/* Asking the system costs more than all the rest of a turn, and nobody is in a hurry to know. */
static bool vm_is_alive(struct player *player, const struct run *run, int64_t now)
{
    if (run->vm.pid != player->checked_vm.pid || now - player->checked_at >= CHECK_VM_MS) {
        player->checked_vm = run->vm;
        player->checked_at = now;
        player->vm_was_alive = process_is_alive(run->vm);
    }
    return player->vm_was_alive;
}

static bool turn(struct player *player, struct run *run)
{
    int64_t now = os_now_ms();

    if (!home_exists(player->home) || now >= run->end_at) {
        end_everything(player, run);
        return false;
    }
    look_at_settings(player);
    if (player_next_step(run, player->faults, vm_is_alive(player, run, now), now) == PLAYER_WAIT)
        return true;
    return act(player);
}

/* Somebody launched the instance while we were in our tail: the record is his now. */
static void finish_tail(const struct home *home, const struct run *run)
{
    int64_t end = row_time(run) + run->tail_ms;
    struct mem_mark mark = mem_mark();

    while (home_exists(home) && os_now_ms() < end) {
        mem_release(mark);
        os_sleep_ms(run->poll_ms);
    }
}

/* Read the record again when it may have changed. Returns false when it is not ours any more. */
static bool refresh(struct player *player, struct run *run)
{
    struct run fresh;

    if (!has_changed(home_run_path(player->home, player->index), &player->record_seen))
        return true;
    if (run_load(player->home, player->index, &fresh) < 0) {
        process_kill(run->vm);
        return false;
    }
    if (fresh.id != player->id) {
        finish_tail(player->home, run);
        return false;
    }
    /* The texts of the fresh one last for this turn only; they never change after the launch. */
    fresh.faults = run->faults;
    fresh.app = run->app;
    fresh.window = run->window;
    *run = fresh;
    return true;
}

/* The launch that started us holds the lock until the record is complete. */
static int load_under_lock(const struct home *home, int index, struct run *ret_run)
{
    intptr_t lock = home_lock(home);
    int r = run_load(home, index, ret_run);

    home_unlock(lock);
    return r;
}

void player_live(const struct home *home, int index)
{
    struct player player = {.home = home, .index = index};
    struct run run;
    struct mem_mark mark;

    if (load_under_lock(home, index, &run) < 0 || run.player.pid != os_pid())
        return;
    player.id = run.id;
    mark = mem_mark();
    while (turn(&player, &run)) {
        os_sleep_ms(run.poll_ms);
        if (!refresh(&player, &run))
            break;
        mem_release(mark);
    }
}

void player_live_second(const struct home *home, int index)
{
    struct mem_mark mark;
    struct run run;
    int64_t id;

    if (load_under_lock(home, index, &run) < 0)
        return;
    id = run.id;
    mark = mem_mark();
    while (home_exists(home) && run_load(home, index, &run) == 0 && run.id == id) {
        os_sleep_ms(run.poll_ms);
        mem_release(mark);
    }
}
