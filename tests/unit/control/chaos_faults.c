/* SPDX-License-Identifier: MIT */
/* The faults of reference 5.2, and launches in parallel: how each happens, and what is said. */
#include "tests/unit/control/chaos.h"

enum { OFF_MS = 19000 }; /* after a quit until it is safe to launch */

/* Somebody does so by hand; the wish that it runs would be quicker. */
static void restart_by_hand(struct chaos *c, int index)
{
    chaos_leave_to_people(c, index);
    fake_farm_quit(c->w.farm, index);
    chaos_pass(c, OFF_MS);
    fake_farm_launch(c->w.farm, index);
}

/* What the watchdog starts because it should run. */
static void await_launch(struct chaos *c)
{
    unsigned before = fake_farm_count(c->w.farm, "launch");
    while (fake_farm_count(c->w.farm, "launch") == before)
        chaos_pass(c, 100);
}

static void hang_vm_service(struct chaos *c, int index)
{
    (void)index;
    for (int i = 0; i < CHAOS_N; i++) {
        c->may_touch[i] = c->may_end[i] = true;
        fake_farm_quit(c->w.farm, i);
    }
    fake_farm_set_neighbour(c->w.farm, 0, 0, 0); /* while a VM of another lives there is no cure */
    fake_farm_break_vm_service(c->w.farm, 77);
    await_launch(c);
}

static void make_zombie(struct chaos *c, int index)
{
    fake_farm_fault(c->w.farm, index, FARM_ZOMBIE);
}

static void launch_too_soon(struct chaos *c, int index)
{
    chaos_leave_to_people(c, index);
    fake_farm_quit(c->w.farm, index);
    chaos_pass(c, 5000);
    fake_farm_launch(c->w.farm, index);
}

static void hide(struct chaos *c, int index)
{
    fake_farm_fault(c->w.farm, index, FARM_HIDDEN);
}

static void hang_guest(struct chaos *c, int index)
{
    fake_farm_fault(c->w.farm, index, chaos_random(c, 2) ? FARM_HUNG_GUEST : FARM_HUNG_AM);
}

static void boot_no_kernel(struct chaos *c, int index)
{
    fake_farm_fault_launches(c->w.farm, index, FARM_NO_KERNEL_BOOT, 1);
    restart_by_hand(c, index);
}

static void ignore_quits(struct chaos *c, int index)
{
    fake_farm_ignore_quits(c->w.farm, index, 2);
    chaos_ask(c, CACHE_OP_RESTART, index, false);
}

static void kill_player(struct chaos *c, int index, enum farm_effect effect)
{
    fake_farm_set_kill_effect(c->w.farm, index, effect);
    fake_farm_end(c->w.farm, index, false);
    fake_farm_end(c->w.farm, index, true);
    await_launch(c);
}

static void reset_config(struct chaos *c, int index)
{
    kill_player(c, index, FARM_EFFECT_RESET);
}

static void truncate_config(struct chaos *c, int index)
{
    kill_player(c, index, FARM_EFFECT_TRUNCATE);
}

static void lock_disk(struct chaos *c, int index)
{
    fake_farm_fault_launches(c->w.farm, index, FARM_READONLY_VMDK, FARM_FOR_EVER);
    restart_by_hand(c, index);
}

static void gut_runtime(struct chaos *c, int index)
{
    fake_farm_fault_launches(c->w.farm, index, FARM_VBOX_GUTTED, FARM_FOR_EVER);
    restart_by_hand(c, index);
}

static void take_memory(struct chaos *c, int index)
{
    fake_farm_set_memory(c->w.farm, index, 512);
    restart_by_hand(c, index);
}

static void boot_slowly(struct chaos *c, int index)
{
    fake_farm_fault_launches(c->w.farm, index, FARM_SLOW_BOOT, FARM_FOR_EVER);
    restart_by_hand(c, index);
    c->may_touch[index] = false;
}

static void steal_port(struct chaos *c, int index)
{
    fake_farm_fault(c->w.farm, index, FARM_ADB_STOLEN);
}

static void repair_by_ldplayer(struct chaos *c, int index)
{
    fake_farm_fault_launches(c->w.farm, index, FARM_REPAIRER, 1);
    restart_by_hand(c, index);
    c->may_touch[index] = false;
}

static void launch_two(struct chaos *c, int index)
{
    int other = (index + 1) % CHAOS_N;
    chaos_leave_to_people(c, index);
    chaos_leave_to_people(c, other);
    c->may_end[other] = true;
    fake_farm_quit(c->w.farm, index);
    fake_farm_quit(c->w.farm, other);
    chaos_pass(c, OFF_MS);
    fake_farm_launch(c->w.farm, index);
    chaos_pass(c, 2000);
    fake_farm_launch(c->w.farm, other);
}

const struct chaos_fault chaos_faults[] = {
    {.name = "VM service stuck",
     .sign = "the VM service (Ld9BoxSVC) hangs",
     .begin = hang_vm_service,
     .is_of_host = true},
    {.name = "zombie window", .sign = "\"illness\":\"zombie\"", .begin = make_zombie},
    {.name = "launched too soon after quit", .sign = "too soon", .begin = launch_too_soon},
    {.name = "unknown to ldconsole", .sign = "\"illness\":\"unreachable\"", .begin = hide},
    {.name = "hung guest", .sign = "\"illness\":\"silent\"", .begin = hang_guest},
    {.name = "no kernel boot",
     .sign = "the VM runs without Android coming up",
     .begin = boot_no_kernel},
    {.name = "quit ignored",
     .sign = "QUIT_IGNORED",
     .begin = ignore_quits,
     .outcome = CHAOS_REPORTED},
    {.name = "config reset after force-kill", .sign = "it was reset", .begin = reset_config},
    {.name = "truncated config", .sign = "it was cut off", .begin = truncate_config},
    {.name = "read-only vmdk",
     .sign = "VERR_VD_IMAGE_READ_ONLY",
     .begin = lock_disk,
     .outcome = CHAOS_REPORTED},
    {.name = "VBox runtime gutted by repairer",
     .sign = "libOpenglRender2.dll is missing",
     .begin = gut_runtime,
     .outcome = CHAOS_REPORTED},
    {.name = "RAM floor",
     .sign = "MB of memory, with which the guest crashes",
     .begin = take_memory,
     .outcome = CHAOS_REPORTED},
    {.name = "Hyper-V on",
     .sign = "Hyper-V",
     .begin = boot_slowly,
     .outcome = CHAOS_PASSES,
     .is_of_host = true},
    {.name = "ADB port stolen (MuMu)",
     .sign = "the guest of no LDPlayer instance answers",
     .begin = steal_port,
     .outcome = CHAOS_REPORTED},
    {.name = "repairer pass",
     .sign = "repairer",
     .begin = repair_by_ldplayer,
     .outcome = CHAOS_PASSES},
    {.name = "launches in parallel", .sign = "at the same time", .begin = launch_two},
};
const size_t chaos_n_faults = countof(chaos_faults);
