/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_FAKE_FARM_STATE_H
#define TESTS_SUPPORT_FAKE_FARM_STATE_H

#include "base/memory/buf.h"
#include "tests/support/fake_farm.h"

/** What the farm's files share: fake_farm.c is the test's side and the process table,
 *  fake_farm_runner.c what the verbs do, fake_farm_life.c how a farm that lives gets on. */

enum { FARM_MAX_INSTANCES = 64, FARM_MAX_VERBS = 16 };

/* One launch, by the clock. */
struct farm_life {
    uint64_t launched_ms; /* 0 = it is off */
    uint64_t visible_ms, vm_ms, repair_ms, quit_ms;
    uint64_t vm_started_ms, vm_died_ms;
    unsigned boot_ms, adb_ms, done_ms; /* VM to Android, to ADB, to the end of the boot */
    unsigned faults;
    bool is_stuck, is_off, has_collided;
    uint64_t settled_ms; /* of the run before: when a launch does not get stuck any more */
};

struct farm_instance {
    struct farm_life life;
    unsigned faults, n_faulty; /* of the next launches, and how many those are */
    unsigned n_ignored_quits, n_kills, n_rash;
    enum farm_effect kill_effect;
    bool was_killed, has_repairer;
    uint64_t player_ms;   /* when its player was started; 0 = that is not told */
    bool exists, is_away; /* or its files are at another place */
    bool is_untitled;     /* its config file has lost its title, or never had one */
    int index;
    char title[100], model[40];
    int cpu, memory, width, height, dpi;
    long long imei;
    int android, pid, vbox_pid;
    int player, headless; /* in the process table ... */
    int second;           /* ... and another player of it; 0 = none */
    bool is_renamed;      /* ... under names that nobody knows */
    unsigned n_hidden;    /* so many lists leave it out yet */
};

struct farm_verb {
    char name[16];
    enum farm_answer answer;
    unsigned count, running, peak, deadline_ms;
};

enum farm_profile { FARM_LD4, FARM_LD9, FARM_LD14 };

struct farm_runner;

struct fake_farm {
    char *folder, *ldconsole, *usage;
    struct farm_instance instances[FARM_MAX_INSTANCES];
    struct farm_verb verbs[FARM_MAX_VERBS];
    size_t n_verbs;
    struct farm_instance neighbour; /* in another folder; exists = it runs */
    bool has_lost_neighbour;
    enum farm_profile profile;
    const char *more_columns; /* NULL = none */
    int manager_pid;
    bool is_manager_elsewhere;
    uint64_t age_ms, cpu_ms, private_bytes; /* of its processes */
    int vm_service;                         /* a pid while it hangs; 0 = it does not */
    int next_pid, launch_android;
    bool has_launch_vm, shows_processes, is_live;
    unsigned n_wrong_kills;
    char *guests_say;
    struct farm_runner *runner; /* NULL = none */
    void (*before)(void *arg, const char *verb);
    void *before_arg;
    struct buf log;
};

/** Aborts: the test itself is wrong. */
void farm_must(bool condition, const char *what);
/** NULL when there is none. */
struct farm_instance *farm_find(const struct fake_farm *farm, int index);
struct farm_verb *farm_verb_of(const struct fake_farm *farm, const char *name);
/** Sets what list2 and the process table show. */
void farm_set(struct farm_instance *i, int android, int pid, int vbox_pid);
/** Whether a process of it lives. */
bool farm_is_held(const struct farm_instance *i);
void farm_write_config(const struct fake_farm *farm, const struct farm_instance *i);
/** As list2 and its config file have it. */
void farm_write_title(const struct fake_farm *farm, struct farm_instance *i, char *ret,
                      size_t size);
/** A file of the farm gets TEXT, and the time of the fake clock. */
void farm_write_file(const struct fake_farm *farm, const char *name, const char *text);

/** The rest is of a farm that lives. Brings all instances to where they are now; with the lock. */
void farm_life_follow(struct fake_farm *farm);
void farm_life_launch(struct fake_farm *farm, struct farm_instance *i);
void farm_life_quit(struct fake_farm *farm, struct farm_instance *i);
/** A process of it was just ended by force; with the lock. */
void farm_life_note_end(struct farm_instance *i, bool is_player);
/** What the guest of INDEX prints when it is asked; BY_PORT: by adb. Returns false when the command
 *  does not come back after that. */
bool farm_life_ask(struct fake_farm *farm, int index, bool by_port, struct buf *out);
void farm_lock(void);
void farm_unlock(void);

#endif
