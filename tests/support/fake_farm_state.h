/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_FAKE_FARM_STATE_H
#define TESTS_SUPPORT_FAKE_FARM_STATE_H

#include "base/memory/buf.h"
#include "tests/support/fake_farm.h"

/** What the farm's two files share: fake_farm.c is the test's side and the process table,
 *  fake_farm_runner.c what the verbs do. */

enum { FARM_MAX_INSTANCES = 64, FARM_MAX_VERBS = 16 };

struct farm_instance {
    bool exists, is_away; /* or its files are at another place */
    int index;
    char title[100], model[40];
    int cpu, memory, width, height, dpi;
    long long imei;
    int android, pid, vbox_pid;
    int player, headless; /* in the process table ... */
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
    int manager_pid;
    bool is_manager_elsewhere;
    uint64_t age_ms; /* of its processes */
    int vm_service;  /* a pid while it hangs; 0 = it does not */
    int next_pid, launch_android;
    bool has_launch_vm, shows_processes;
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

#endif
