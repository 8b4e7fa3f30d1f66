/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_FAKE_FARM_H
#define TESTS_SUPPORT_FAKE_FARM_H

#include <stddef.h>
#include <stdint.h>

#include "base/loop/loop.h"
#include "runner/runner.h"

/** A small LDPlayer installation in memory: a runner that starts no child answers the verbs and
 *  does what they do. Nothing moves by itself, the test says what comes next. The config files and
 *  disks are real files in a folder of the farm's own. The process table is the farm's too, in a
 *  program that is linked with --wrap for ldc_processes_scan, _kill and _lives. What the verbs
 *  do is held against the same table as the simulator (tests/data/conformance.json). One farm at
 *  a time. */
struct fake_farm;

/** How a verb is answered. */
enum farm_answer {
    FARM_OBEY,      /* does it at once; a launched instance is up with the next list2 */
    FARM_IGNORE,    /* says yes and does nothing */
    FARM_NO_PLAYER, /* "player don't exist!", -1001; nothing done */
    FARM_PARAMETER, /* "parameter error!", -1005; nothing done */
    FARM_LIE,       /* does it; add and copy exit with a wrong index, the others say no */
    FARM_LATE_DISK, /* add, copy: does it, but for the disk, which the test brings */
    FARM_RECREATE,  /* remove: does it, and an empty one takes its place; from then on FARM_OBEY */
    FARM_HANG,      /* no answer until cancelled or fake_farm_end_hung; nothing done */
    FARM_NOT_STARTED, /* there is no such program */
    FARM_BUSY,        /* cannot be started just now */
    FARM_NO_SESSION,  /* there is no agent to run it */
    FARM_CRASH,       /* ends with 0xC0000008, nothing printed, nothing done */
    FARM_EMPTY,       /* list2: prints nothing */
    FARM_GARBAGE,     /* list2: prints what is no list */
    FARM_TORN,        /* list2: the first row whole, then half a row */
    FARM_NOISE        /* list2: a line before the rows that is none of them */
};

struct fake_farm *fake_farm_new(void);
void fake_farm_free(struct fake_farm *farm);
/** A runner for ldc_client_new, which takes ownership; the farm outlives it. */
struct runner *fake_farm_runner(struct fake_farm *farm, struct loop *loop);
/** Path of the ldconsole, which does not exist. */
const char *fake_farm_ldconsole(const struct fake_farm *farm);
/** From now on there is a PROGRAM `ld` or `adb` beside it; before the install is read. */
void fake_farm_have(struct fake_farm *farm, const char *program);
/** All guests are up and say nothing of who they are; or not up. */
void fake_farm_let_guests_answer(struct fake_farm *farm, bool do_answer);
/** What a guest prints from now on, whatever it is asked; copied. */
void fake_farm_let_guests_say(struct fake_farm *farm, const char *text);

/** A stopped instance with config file and disk. */
void fake_farm_put(struct fake_farm *farm, int index, const char *title);
void fake_farm_drop(struct fake_farm *farm, int index);
/** LDPlayer makes one again that was removed (reference 1.3): with the default title, which stands
 * in no file, and without a disk. */
void fake_farm_recreate(struct fake_farm *farm, int index);
/** Its files are moved to another place, and ldconsole forgets it; or back, the same files. */
void fake_farm_move_away(struct fake_farm *farm, int index, bool is_away);
/** What list2 shows, and the process table too where pids are positive. */
void fake_farm_set(struct fake_farm *farm, int index, int android, int pid, int vbox_pid);
/** Only the process table; 0 = none. */
void fake_farm_set_processes(struct fake_farm *farm, int index, int player, int headless);
/** Its player or its VM ends, and list2 goes on to show it. */
void fake_farm_end_process(struct fake_farm *farm, int index, bool is_player);
/** The next N_LISTS list2 leave its row out. */
void fake_farm_hide_row(struct fake_farm *farm, int index, unsigned n_lists);
/** Whether a player of it runs, as far as list2 knows. */
bool fake_farm_is_on(const struct fake_farm *farm, int index);
/** Its programs have a name that nobody knows, so that the process table does not show them. */
void fake_farm_rename_programs(struct fake_farm *farm, int index);
/** Whether a process of it lives, and whether just those do that list2 shows. */
bool fake_farm_is_held(const struct fake_farm *farm, int index);
bool fake_farm_is_whole(const struct fake_farm *farm, int index);
/** Whether somebody has tried to end a process of the other installation. */
bool fake_farm_has_lost_neighbour(const struct fake_farm *farm);
/** Processes of another installation's instance of that index; 0 = none. */
void fake_farm_set_neighbour(struct fake_farm *farm, int index, int player, int headless);
/** How long ago every process of it was started, as the system tells; 0 = it does not. */
void fake_farm_set_age(struct fake_farm *farm, uint64_t ms);
/** What every process of it has used so far. */
void fake_farm_set_used(struct fake_farm *farm, uint64_t cpu_ms, uint64_t private_bytes);
/** Whether the process table shows them at all; it does not to begin with. */
void fake_farm_show_processes(struct fake_farm *farm, bool do_show);
/** The manager's window is open, in this installation or in another one; 0 = it is not. */
void fake_farm_open_manager(struct fake_farm *farm, int pid, bool is_elsewhere);
/** The VM service is process PID and hangs: launches lead to a window without a VM, until it is
 *  ended. */
void fake_farm_break_vm_service(struct fake_farm *farm, int pid);
bool fake_farm_has(const struct fake_farm *farm, int index);
bool fake_farm_has_disk(const struct fake_farm *farm, int index);
void fake_farm_lose_disk(struct fake_farm *farm, int index);
/** The disk has so many bytes, of 4 when it is whole. */
void fake_farm_grow_disk(struct fake_farm *farm, int index, int n_bytes);
/** Replaces the config file's text. */
void fake_farm_write_config(struct fake_farm *farm, int index, const char *text);
/** Replaces the text of VBox.log, which tells why its VM does not start. */
void fake_farm_write_log(struct fake_farm *farm, int index, const char *text);
char *fake_farm_read_config(const struct fake_farm *farm, int index);

/** The version of LDPlayer to be: "ld4", "ld9" (to begin with) or "ld14". */
void fake_farm_set_profile(struct fake_farm *farm, const char *profile);
/** list2 prints COLUMNS ("60,vulkan"; kept) behind the known ones. */
void fake_farm_add_columns(struct fake_farm *farm, const char *columns);
/** The usage text, which is printed without a verb, too; copied. */
void fake_farm_set_usage(struct fake_farm *farm, const char *text);
/** The runner has nobody to run anything, for the reason in SENTENCE (kept), until that is NULL. */
void fake_farm_set_absence(struct fake_farm *farm, const char *sentence);
/** From now on VERB ("launch", ...) is answered so. */
void fake_farm_answer(struct fake_farm *farm, const char *verb, enum farm_answer answer);
/** What a launch leads to: android, and whether there is a VM. Default 1, true. */
void fake_farm_launch_to(struct fake_farm *farm, int android, bool has_vm);
/** Calls BEFORE before each verb is carried out, e.g. to add an instance by hand. */
void fake_farm_on_verb(struct fake_farm *farm, void (*before)(void *arg, const char *verb),
                       void *arg);
/** The deadline that the last command of VERB was given. */
unsigned fake_farm_deadline_ms(const struct fake_farm *farm, const char *verb);
/** Ends every run that hangs. */
void fake_farm_end_hung(struct fake_farm *farm, enum run_status status);
unsigned fake_farm_n_hung(const struct fake_farm *farm);

/** --- a farm that lives ---
 *  From now on, before anything is launched: a launch and a quit take the time that they take
 *  (reference 2.6), by the fake clock; list2, the process table and the guests show how far it is.
 *  Guests answer each for itself, commands that hang end at their deadline, and a config file has
 *  what a guest is known by and ADB switched on. Faults are those of the simulator
 *  (docs/simulator.md), under the same names. */
void fake_farm_live(struct fake_farm *farm);
enum farm_fault {
    FARM_STUCK_STARTING = 1 << 0,
    FARM_ZOMBIE = 1 << 1,
    FARM_NO_KERNEL_BOOT = 1 << 2,
    FARM_VBOX_GUTTED = 1 << 3,
    FARM_READONLY_VMDK = 1 << 4,
    FARM_REPAIRER = 1 << 5,
    FARM_SLOW_BOOT = 1 << 6,
    FARM_CRASH_LOOP = 1 << 7,
    FARM_HIDDEN = 1 << 8,
    FARM_HUNG_GUEST = 1 << 9,
    FARM_HUNG_AM = 1 << 10,
    FARM_ADB_STOLEN = 1 << 11,
    FARM_SECOND_PLAYER = 1 << 12,
    FARM_LATE_COLUMN5 = 1 << 13 /* 0 beside the pids until Android is up, as ld4 has it always */
};
enum { FARM_FOR_EVER = 0x7fffffff };
/** What is wrong with the present run of the instance besides, until it ends. */
void fake_farm_fault(struct fake_farm *farm, int index, unsigned faults);
/** What is wrong with its next N launches. */
void fake_farm_fault_launches(struct fake_farm *farm, int index, unsigned faults, unsigned n);
/** It has been up for long. */
void fake_farm_boot(struct fake_farm *farm, int index);
/** Somebody does it by hand: launch, quit, the end of a process by force. */
void fake_farm_launch(struct fake_farm *farm, int index);
void fake_farm_quit(struct fake_farm *farm, int index);
void fake_farm_end(struct fake_farm *farm, int index, bool is_player);
/** The next N quits are acknowledged and not done. */
void fake_farm_ignore_quits(struct fake_farm *farm, int index, unsigned n);
/** As somebody wrote it into the config; with 768 or less its guest crashes in a loop. */
void fake_farm_set_memory(struct fake_farm *farm, int index, int mb);
/** What the launch after an end by force makes of the config file. */
enum farm_effect { FARM_EFFECT_RESET, FARM_EFFECT_TRUNCATE, FARM_EFFECT_NONE };
void fake_farm_set_kill_effect(struct fake_farm *farm, int index, enum farm_effect effect);
/** Its processes live, Android is up, its guest answers and nothing is wrong with it. */
bool fake_farm_is_well(struct fake_farm *farm, int index);
/** Whether something is wrong with it that does not pass by itself. */
bool fake_farm_is_sick(struct fake_farm *farm, int index);
/** Whether its present run was launched beside another one, which hangs both. */
bool fake_farm_has_collided(const struct fake_farm *farm, int index);
/** How many processes of it were ended by force by ldplayerd; of the neighbour with index -1. */
unsigned fake_farm_kills(const struct fake_farm *farm, int index);
/** How often a launch met processes of the same instance, which gets it stuck. */
unsigned fake_farm_rash_launches(const struct fake_farm *farm, int index);

/** How often VERB was started; "kill" counts processes ended by force. */
unsigned fake_farm_count(const struct fake_farm *farm, const char *verb);
/** Every verb but list2 and the guest's in order, with its index: "launch 0; quit 1; add". */
const char *fake_farm_log(const struct fake_farm *farm);
/** The most commands of VERB that were under way at once. */
unsigned fake_farm_peak(const struct fake_farm *farm, const char *verb);

#endif
