/* SPDX-License-Identifier: MIT */
/* The faults of reference 5.2, and launches in parallel: how each happens, and what is said. */
#include "tests/unit/control/ordeal.h"

enum {
    BOOT_MS = 25000,
    SHOWN_MS = 2000,    /* until list2 shows a launch */
    OFF_MS = 19000,     /* after a quit until it is safe to launch */
    TOO_SOON_MS = 5000, /* after a quit, when its processes live yet */
    PATIENCE_MS = 120000
};

/* Somebody does so by hand; meanwhile nobody else is to start it. */
static void relaunch(struct ordeal *c, int index, uint64_t off_ms)
{
    ordeal_desire(c, index, CACHE_DESIRED_NONE);
    fake_farm_quit(c->w.farm, index);
    ordeal_pass(c, off_ms);
    fake_farm_launch(c->w.farm, index);
    ordeal_pass(c, SHOWN_MS);
    ordeal_desire(c, index, CACHE_DESIRED_RUNNING);
}

/* What the watchdog starts because it should run. */
static void await_launch(struct ordeal *c)
{
    unsigned before = fake_farm_count(c->w.farm, "launch");
    for (unsigned ms = 0; ms < PATIENCE_MS; ms += 100) {
        if (fake_farm_count(c->w.farm, "launch") > before)
            return;
        ordeal_pass(c, 100);
    }
}

static void hang_vm_service(struct ordeal *c, int index)
{
    (void)index;
    for (int i = 0; i < ORDEAL_N; i++) {
        c->may_touch[i] = c->may_end[i] = true;
        fake_farm_quit(c->w.farm, i);
    }
    fake_farm_set_neighbour(c->w.farm, 0, 0, 0); /* while a VM of another lives there is no cure */
    fake_farm_break_vm_service(c->w.farm, 77);
    await_launch(c);
}

static void make_zombie(struct ordeal *c, int index)
{
    fake_farm_fault(c->w.farm, index, FARM_ZOMBIE);
}

static void launch_too_soon(struct ordeal *c, int index)
{
    relaunch(c, index, TOO_SOON_MS);
}

static void hide(struct ordeal *c, int index)
{
    fake_farm_fault(c->w.farm, index, FARM_HIDDEN);
}

static void hang_guest(struct ordeal *c, int index)
{
    fake_farm_fault(c->w.farm, index, ordeal_random(c, 2) ? FARM_HUNG_GUEST : FARM_HUNG_AM);
}

static void boot_no_kernel(struct ordeal *c, int index)
{
    relaunch(c, index, OFF_MS); /* then it is known how long it takes */
    for (unsigned n = 0; n < PATIENCE_MS / BOOT_MS && !fake_farm_is_well(c->w.farm, index); n++)
        ordeal_pass(c, BOOT_MS);
    fake_farm_fault_launches(c->w.farm, index, FARM_NO_KERNEL_BOOT, 1);
    relaunch(c, index, OFF_MS);
}

static void ignore_quits(struct ordeal *c, int index)
{
    fake_farm_ignore_quits(c->w.farm, index, 2);
    ordeal_ask(c, CACHE_OP_RESTART, index, false);
}

static void kill_player(struct ordeal *c, int index, enum farm_effect effect)
{
    ordeal_desire(c, index, CACHE_DESIRED_RUNNING);
    fake_farm_set_kill_effect(c->w.farm, index, effect);
    fake_farm_end(c->w.farm, index, false);
    fake_farm_end(c->w.farm, index, true);
    await_launch(c);
}

static void reset_config(struct ordeal *c, int index)
{
    kill_player(c, index, FARM_EFFECT_RESET);
}

static void truncate_config(struct ordeal *c, int index)
{
    kill_player(c, index, FARM_EFFECT_TRUNCATE);
}

static void lock_disk(struct ordeal *c, int index)
{
    fake_farm_fault_launches(c->w.farm, index, FARM_READONLY_VMDK, FARM_FOR_EVER);
    relaunch(c, index, OFF_MS);
}

static void gut_runtime(struct ordeal *c, int index)
{
    fake_farm_fault_launches(c->w.farm, index, FARM_VBOX_GUTTED, FARM_FOR_EVER);
    relaunch(c, index, OFF_MS);
}

static void take_memory(struct ordeal *c, int index)
{
    fake_farm_set_memory(c->w.farm, index, 512);
    relaunch(c, index, OFF_MS);
}

static void boot_slowly(struct ordeal *c, int index)
{
    ordeal_set_hyper_v(true);
    ordeal_restart(c);
    fake_farm_fault_launches(c->w.farm, index, FARM_SLOW_BOOT, FARM_FOR_EVER);
    relaunch(c, index, OFF_MS);
    c->may_touch[index] = false;
}

static void steal_port(struct ordeal *c, int index)
{
    fake_farm_fault(c->w.farm, index, FARM_ADB_STOLEN);
}

static void repair_by_ldplayer(struct ordeal *c, int index)
{
    fake_farm_fault_launches(c->w.farm, index, FARM_REPAIRER, 1);
    relaunch(c, index, OFF_MS);
    c->may_touch[index] = false;
}

static void launch_two(struct ordeal *c, int index)
{
    int other = (index + 1) % ORDEAL_N;
    c->may_touch[other] = c->may_end[other] = true;
    ordeal_desire(c, other, CACHE_DESIRED_NONE);
    fake_farm_quit(c->w.farm, other);
    relaunch(c, index, OFF_MS);
    fake_farm_launch(c->w.farm, other);
    ordeal_pass(c, SHOWN_MS);
    ordeal_desire(c, other, CACHE_DESIRED_RUNNING);
}

const struct ordeal_fault ordeal_faults[] = {
    {.name = "VM service stuck",
     .sign = "the VM service (Ld9BoxSVC) hangs",
     .seen = "a player waits for its VM for 40 s while no VM of any instance lives; three in a row "
             "open the breaker `vm-service`",
     .done = "quit, the VM service is ended while no VM of any installation lives, all are started "
             "one after another",
     .begin = hang_vm_service,
     .is_of_host = true},
    {.name = "zombie window",
     .sign = "\"illness\":\"zombie\"",
     .seen = "list2 says that Android is up, and there is no VM process: `zombie`",
     .done = "quit and start",
     .begin = make_zombie},
    {.name = "launched too soon after quit",
     .sign = "too soon",
     .seen = "a player waits for its VM for 40 s, and its last run ended less than 10 s before it: "
             "`stuck`",
     .done = "quit, 10 s of rest, start; our own starts wait for that anyway",
     .begin = launch_too_soon,
     .needs_witness = true},
    {.name = "unknown to ldconsole",
     .sign = "\"illness\":\"unreachable\"",
     .seen = "list2 says that it is off, and its processes live: `unreachable`",
     .done =
         "quit twice, its own processes are ended, start; what that costs the config file is put "
         "back",
     .begin = hide},
    {.name = "hung guest",
     .sign = "\"illness\":\"silent\"",
     .seen = "a guest that has answered leaves three questions without an answer: `silent`",
     .done = "asked once more, then quit and start",
     .begin = hang_guest},
    {.name = "no kernel boot",
     .sign = "Android is overdue",
     .seen = "a VM without Android for 45 s and three times as long as its boots take is told of; "
             "after 120 s, or twice its longest boot, it is `stuck`",
     .done = "quit and start, not before it is stuck",
     .begin = boot_no_kernel},
    {.name = "quit ignored",
     .sign = "QUIT_IGNORED",
     .seen = "it is still there after two quits: the operation fails with `QUIT_IGNORED`",
     .done = "nothing without leave: ask again with `force`; a repair in the mode `full` ends its "
             "processes",
     .begin = ignore_quits,
     .outcome = ORDEAL_REPORTED},
    {.name = "config reset after force-kill",
     .sign = "it was reset",
     .seen =
         "the config file has lost its name and settings, of which a copy is kept: `config_lost`",
     .done = "quit, the copy is put back, start",
     .begin = reset_config},
    {.name = "truncated config",
     .sign = "it was cut off",
     .seen = "a player waits for its VM, and its config file is cut off: `stuck`",
     .done = "quit, the copy is put back, start",
     .begin = truncate_config},
    {.name = "read-only vmdk",
     .sign = "VERR_VD_IMAGE_READ_ONLY",
     .seen = "a player waits for its VM, whose log has VERR_VD_IMAGE_READ_ONLY: `stuck`",
     .done = "one start more, then quarantine: take the attribute read-only from the disks",
     .begin = lock_disk,
     .outcome = ORDEAL_REPORTED},
    {.name = "VBox runtime gutted by repairer",
     .sign = "libOpenglRender2.dll is missing",
     .seen = "the VM ends during the start, and its log names the missing file: `zombie`",
     .done = "one start more, then quarantine: repair or install LDPlayer again",
     .begin = gut_runtime,
     .outcome = ORDEAL_REPORTED},
    {.name = "RAM floor",
     .sign = "MB of memory, with which the guest crashes",
     .seen = "the VM ends and begins anew, and it has 768 MB or less: `crash_loop`; our own starts "
             "refuse with `MEMORY_BELOW_FLOOR`",
     .done = "quarantine: give it 1,536 MB or more",
     .begin = take_memory,
     .outcome = ORDEAL_REPORTED},
    {.name = "Hyper-V on",
     .sign = "workstation.hyper_v",
     .seen = "a fact of this machine, told by `workstation.hyper_v` with each start of the service",
     .done = "nothing: a boot may take twice as long as this instance's longest one",
     .begin = boot_slowly,
     .outcome = ORDEAL_PASSES,
     .is_of_host = true},
    {.name = "ADB port stolen (MuMu)",
     .sign = "the guest of no LDPlayer instance answers",
     .seen = "what answers at its port has no MAC address and no android id of any config: "
             "`foreign_guest`",
     .done = "nothing, a restart does not help: close the other product, or use another index",
     .begin = steal_port,
     .outcome = ORDEAL_REPORTED},
    {.name = "repairer pass",
     .sign = "LDPlayer's repairer is at work",
     .seen = "its player was started with from=repairer",
     .done = "nothing: it comes up by itself",
     .begin = repair_by_ldplayer,
     .outcome = ORDEAL_PASSES},
    {.name = "launches in parallel",
     .sign = "at the same time",
     .seen = "a player waits for its VM for 40 s, and another instance was launched within 10 s of "
             "it: `stuck`",
     .done = "quit and start, one after another; our own starts wait for each other anyway",
     .begin = launch_two,
     .needs_witness = true},
};
const size_t ordeal_n_faults = countof(ordeal_faults);
