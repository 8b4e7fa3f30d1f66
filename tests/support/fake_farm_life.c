/* SPDX-License-Identifier: MIT */
/* How an instance gets on by itself, as the simulator has it (tests/simulator/timeline.c,
 * player.c):
 *
 *      launch --visible--> 2,pid,-1 --vm--> 2,pid,vm --android--> 1,pid,vm --adb--> answers
 *      quit --off--> the VM is gone --row--> 0,-1,-1 --tail--> the player is gone --settle--> safe
 *
 * Nothing runs: where it is now follows from the clock, whenever somebody looks. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "tests/support/fake_farm_state.h"

enum {
    VISIBLE_MS = 1500,
    VM_MS = 4000,
    ANDROID_MS = 12000,
    ADB_MS = 22000,
    BOOT_MS = 24000,
    ROW_GAP_MS = 1500,
    OFF_MS = 3000,
    ROW_LATE_MS = 500,
    TAIL_MS = 5000,
    SETTLE_MS = 10000,
    COLLISION_MS = 10000,
    CRASH_MS = 20000,
    REPAIR_MS = 80000,
    SLOW_FACTOR = 4,
    RAM_FLOOR_MB = 768
};

/* What is over when the boot is. */
enum { HARMLESS = FARM_SLOW_BOOT | FARM_REPAIRER | FARM_SECOND_PLAYER | FARM_LATE_COLUMN5 };

static struct farm_instance *must_find(struct fake_farm *farm, int index)
{
    struct farm_instance *i = farm_find(farm, index);
    farm_must(i != NULL, "no such instance");
    return i;
}

static void write_log(struct fake_farm *farm, const struct farm_instance *i, const char *text)
{
    fake_farm_write_log(farm, i->index, text);
}

/* --- the VM --- */

static bool has_booted(const struct farm_life *l, uint64_t now)
{
    uint64_t up_ms = l->vm_started_ms + l->boot_ms;
    return l->vm_started_ms && now >= up_ms && !(l->faults & FARM_NO_KERNEL_BOOT) &&
           (!l->vm_died_ms || l->vm_died_ms >= up_ms);
}

static void end_vm(struct farm_instance *i, uint64_t at_ms)
{
    i->headless = 0;
    i->life.vm_died_ms = at_ms;
}

static void follow_vm(struct fake_farm *farm, struct farm_instance *i, uint64_t now)
{
    struct farm_life *l = &i->life;
    if (!l->is_stuck && !l->vm_started_ms && i->player > 0 && now >= l->vm_ms) {
        i->headless = farm->next_pid++;
        l->vm_started_ms = l->vm_ms;
    }
    uint64_t up_ms = l->vm_started_ms + l->boot_ms;
    if (i->headless <= 0)
        return;
    if (l->faults & FARM_VBOX_GUTTED && now >= l->vm_started_ms + l->boot_ms / 4) {
        end_vm(i, l->vm_started_ms + l->boot_ms / 4);
        write_log(farm, i, "libOpenglRender2.dll is missing, exception 0x80000003\n");
    } else if (l->faults & FARM_ZOMBIE && now >= up_ms) {
        end_vm(i, now);
    } else if (l->faults & FARM_CRASH_LOOP && now >= up_ms + CRASH_MS) {
        i->headless = farm->next_pid++;
        l->vm_started_ms = now;
    }
}

/* --- the player --- */

static void forget_run(struct farm_instance *i, uint64_t settled_ms)
{
    i->life = (struct farm_life){.settled_ms = settled_ms};
    i->has_repairer = false;
}

static void follow_quit(struct farm_instance *i, uint64_t now)
{
    struct farm_life *l = &i->life;
    uint64_t gone_ms = l->quit_ms + OFF_MS + ROW_LATE_MS + TAIL_MS;
    if (now >= l->quit_ms + OFF_MS)
        i->headless = 0;
    l->is_off |= now >= l->quit_ms + OFF_MS + ROW_LATE_MS;
    if (now < gone_ms)
        return;
    i->player = i->second = 0;
    forget_run(i, gone_ms + SETTLE_MS);
}

static void hand_over(struct fake_farm *farm, struct farm_instance *i)
{
    struct farm_life *l = &i->life;
    i->player = farm->next_pid++;
    i->player_ms = l->repair_ms;
    i->has_repairer = true;
    l->visible_ms = l->repair_ms + (l->vm_ms - l->repair_ms) * 3 / 4;
    l->repair_ms = 0;
}

static void show(struct farm_instance *i, uint64_t now)
{
    const struct farm_life *l = &i->life;
    bool is_shown = l->launched_ms && !l->is_off && i->player > 0 && now >= l->visible_ms &&
                    !(l->faults & FARM_HIDDEN);
    i->pid = is_shown ? i->player : -1;
    i->vbox_pid = is_shown && i->headless > 0 ? i->headless : -1;
    i->android = !is_shown ? 0 : has_booted(l, now) ? 1 : l->faults & FARM_LATE_COLUMN5 ? 0 : 2;
    i->n_hidden = is_shown && l->vm_started_ms && now < l->vm_started_ms + ROW_GAP_MS ? 1 : 0;
}

static void follow(struct fake_farm *farm, struct farm_instance *i, uint64_t now)
{
    struct farm_life *l = &i->life;
    if (l->launched_ms && l->quit_ms)
        follow_quit(i, now);
    else if (l->launched_ms) {
        if (l->repair_ms && now >= l->repair_ms)
            hand_over(farm, i);
        follow_vm(farm, i, now);
    }
    show(i, now);
}

void farm_life_follow(struct fake_farm *farm)
{
    uint64_t now = clock_mono_ms();
    for (size_t n = 0; n < FARM_MAX_INSTANCES; n++) {
        if (farm->instances[n].exists)
            follow(farm, &farm->instances[n], now);
    }
}

void farm_life_note_end(struct farm_instance *i, bool is_player)
{
    i->was_killed = true;
    if (!is_player)
        i->life.vm_died_ms = clock_mono_ms();
    if (i->player == 0 && i->headless == 0)
        forget_run(i, 0);
    show(i, clock_mono_ms());
}

/* --- launch --- */

static void damage_config(struct fake_farm *farm, struct farm_instance *i)
{
    char text[400];
    if (i->kill_effect == FARM_EFFECT_NONE)
        return;
    /* As the simulator's config_damage: another machine without a name, or sizes of zero. */
    bool is_reset = i->kill_effect == FARM_EFFECT_RESET;
    snprintf(text, sizeof(text),
             "{\"statusSettings.isNewPlayer\":true,\"basicSettings.adbDebug\":0,"
             "\"advancedSettings.resolution\":{\"width\":1920,\"height\":1080},"
             "\"advancedSettings.resolutionDpi\":280,\"basicSettings.realWidth\":%d,"
             "\"basicSettings.realHeigh\":%d}",
             is_reset ? 1920 : 0, is_reset ? 1080 : 0);
    fake_farm_write_config(farm, i->index, text);
    i->is_untitled = true;
}

static bool has_truncated_config(struct fake_farm *farm, const struct farm_instance *i)
{
    char *text cleanup(mem_freep) = fake_farm_read_config(farm, i->index);
    return !text || strstr(text, "\"basicSettings.realWidth\":0");
}

static void collide(struct fake_farm *farm, struct farm_instance *i, uint64_t now)
{
    for (size_t n = 0; n < FARM_MAX_INSTANCES; n++) {
        struct farm_instance *other = &farm->instances[n];
        if (other == i || !other->exists || !other->life.launched_ms || other->life.quit_ms ||
            now - other->life.launched_ms >= COLLISION_MS || other->player <= 0)
            continue;
        other->life.is_stuck = i->life.is_stuck = true;
        other->life.has_collided = i->life.has_collided = true;
        end_vm(other, other->life.vm_started_ms ? now : 0);
    }
}

static void plan(struct farm_instance *i, uint64_t now)
{
    unsigned faults = i->n_faulty > 0 ? i->faults : 0;
    unsigned slow = faults & FARM_SLOW_BOOT ? SLOW_FACTOR : 1;
    if (i->n_faulty > 0 && i->n_faulty != FARM_FOR_EVER)
        i->n_faulty--;
    if (i->memory <= RAM_FLOOR_MB)
        faults |= FARM_CRASH_LOOP;
    i->life = (struct farm_life){
        .launched_ms = now,
        .visible_ms = now + VISIBLE_MS,
        .vm_ms = now + (uint64_t)VM_MS * slow,
        .boot_ms = (ANDROID_MS - VM_MS) * slow,
        .adb_ms = (ADB_MS - ANDROID_MS) * slow,
        .done_ms = (BOOT_MS - ADB_MS) * slow,
        .faults = faults,
        .is_stuck = (faults & (FARM_STUCK_STARTING | FARM_READONLY_VMDK)) != 0,
    };
    if (faults & FARM_REPAIRER) {
        i->life.repair_ms = now + REPAIR_MS / 5;
        i->life.vm_ms = now + REPAIR_MS * 6 / 10;
        i->life.boot_ms = REPAIR_MS * 85 / 100 - REPAIR_MS * 6 / 10;
        i->life.adb_ms = REPAIR_MS - REPAIR_MS * 85 / 100;
    }
}

void farm_life_launch(struct fake_farm *farm, struct farm_instance *i)
{
    uint64_t now = clock_mono_ms();
    farm_lock();
    follow(farm, i, now);
    if (i->life.launched_ms && !i->life.is_off && i->player > 0) {
        farm_unlock();
        return; /* already up, or hung, or on its way down */
    }
    bool is_held = i->player > 0 || i->headless > 0;
    bool is_too_soon = is_held || now < i->life.settled_ms;
    i->n_rash += is_too_soon;
    plan(i, now);
    if (farm->profile == FARM_LD4)
        i->life.faults |= FARM_LATE_COLUMN5;
    if (i->was_killed)
        damage_config(farm, i);
    i->was_killed = false;
    write_log(farm, i,
              i->life.faults & FARM_READONLY_VMDK
                  ? "VD: error VERR_VD_IMAGE_READ_ONLY opening image file 'data.vmdk'\n"
                    "Power up failed (PowerUpFailed)\n"
                  : "VirtualBox VM\n");
    i->life.is_stuck |= is_too_soon || farm->vm_service != 0 || has_truncated_config(farm, i) ||
                        !fake_farm_has_disk(farm, i->index);
    collide(farm, i, now);
    i->player = farm->next_pid++;
    i->player_ms = now;
    if (i->life.faults & FARM_SECOND_PLAYER)
        i->second = farm->next_pid++;
    show(i, now);
    farm_unlock();
}

/* --- quit --- */

/* Reaches only what list2 shows. */
void farm_life_quit(struct fake_farm *farm, struct farm_instance *i)
{
    farm_lock();
    follow(farm, i, clock_mono_ms());
    bool is_ignored = i->n_ignored_quits > 0;
    i->n_ignored_quits -= is_ignored;
    if (i->life.launched_ms && !i->life.quit_ms && i->player > 0 && !is_ignored &&
        !(i->life.faults & FARM_HIDDEN))
        i->life.quit_ms = clock_mono_ms();
    farm_unlock();
}

/* --- the guest --- */

bool farm_life_ask(struct fake_farm *farm, int index, bool by_port, struct buf *out)
{
    struct farm_instance *i = farm_find(farm, index);
    uint64_t now = clock_mono_ms();
    if (!i)
        return true;
    farm_lock();
    follow(farm, i, now);
    farm_unlock();
    const struct farm_life *l = &i->life;
    bool is_up =
        i->headless > 0 && has_booted(l, now) && now >= l->vm_started_ms + l->boot_ms + l->adb_ms;
    bool is_done = is_up && now >= l->vm_started_ms + l->boot_ms + l->adb_ms + l->done_ms;
    if (l->faults & FARM_ADB_STOLEN && by_port) {
        (void)buf_append_str(out, "ldplayerd.boot\r\n1\r\nldplayerd.mac\r\n02:4d:75:4d:75:01\r\n"
                                  "ldplayerd.serial\r\nMuMu\r\nldplayerd.server\r\n"
                                  "feedfacecafebeef\r\nldplayerd.end\r\n");
        return true;
    }
    if (!is_up) {
        if (by_port)
            (void)buf_printf(out, "adb.exe: device 'emulator-%d' not found\r\n", 5554 + 2 * index);
        return true;
    }
    if (l->faults & FARM_HUNG_GUEST)
        return false;
    (void)buf_printf(out,
                     "ldplayerd.boot\r\n%s\r\nldplayerd.mac\r\n00:db:00:00:0a:%02x\r\n"
                     "ldplayerd.serial\r\nunknown\r\nldplayerd.server\r\n",
                     is_done ? "1" : "", index);
    if (l->faults & FARM_HUNG_AM)
        return false;
    if (is_done)
        (void)buf_printf(out, "a1b2c3d4e5f600%02x\r\n", index);
    (void)buf_append_str(out, "ldplayerd.end\r\n");
    return true;
}

/* --- the test's side --- */

void fake_farm_live(struct fake_farm *farm)
{
    farm->is_live = true;
    fake_farm_show_processes(farm, true);
}

void fake_farm_fault(struct fake_farm *farm, int index, unsigned faults)
{
    farm_lock();
    must_find(farm, index)->life.faults |= faults;
    farm_unlock();
}

void fake_farm_fault_launches(struct fake_farm *farm, int index, unsigned faults, unsigned n)
{
    farm_lock();
    struct farm_instance *i = must_find(farm, index);
    i->faults = faults;
    i->n_faulty = n;
    farm_unlock();
}

void fake_farm_boot(struct fake_farm *farm, int index)
{
    enum { LONG_MS = 600000 };
    struct farm_instance *i = must_find(farm, index);
    uint64_t now = clock_mono_ms();
    farm_lock();
    plan(i, now - LONG_MS);
    i->player = farm->next_pid++;
    follow(farm, i, now);
    farm_unlock();
}

void fake_farm_launch(struct fake_farm *farm, int index)
{
    farm_life_launch(farm, must_find(farm, index));
}

void fake_farm_quit(struct fake_farm *farm, int index)
{
    farm_life_quit(farm, must_find(farm, index));
}

void fake_farm_end(struct fake_farm *farm, int index, bool is_player)
{
    struct farm_instance *i = must_find(farm, index);
    farm_lock();
    follow(farm, i, clock_mono_ms());
    if (is_player)
        i->player = 0;
    else
        i->headless = 0;
    farm_life_note_end(i, is_player);
    farm_unlock();
}

bool fake_farm_has_collided(const struct fake_farm *farm, int index)
{
    return farm_find(farm, index)->life.has_collided;
}

bool fake_farm_is_sick(struct fake_farm *farm, int index)
{
    struct farm_instance *i = must_find(farm, index);
    char *text cleanup(mem_freep) = fake_farm_read_config(farm, index);
    farm_lock();
    follow(farm, i, clock_mono_ms());
    const struct farm_life *l = &i->life;
    bool is_sick = l->is_stuck || l->vm_died_ms || l->faults & ~(unsigned)HARMLESS ||
                   (i->player <= 0 && i->headless > 0) || !text || !strstr(text, i->title);
    farm_unlock();
    return is_sick;
}

bool fake_farm_is_well(struct fake_farm *farm, int index)
{
    struct farm_instance *i = must_find(farm, index);
    uint64_t now = clock_mono_ms();
    farm_lock();
    follow(farm, i, now);
    const struct farm_life *l = &i->life;
    bool is_well = i->player > 0 && i->headless > 0 && !l->quit_ms && has_booted(l, now) &&
                   now >= l->vm_started_ms + l->boot_ms + l->adb_ms + l->done_ms &&
                   !(l->faults & ~(unsigned)HARMLESS);
    farm_unlock();
    return is_well;
}
