/* SPDX-License-Identifier: MIT */
#ifndef CTL_WATCH_H
#define CTL_WATCH_H

#include "base/memory/map.h"
#include "cache/snapshot/care.h"
#include "control/judge/state.h"
#include "control/observe/usage.h"
#include "ldconsole/install/config_file.h"
#include "ldconsole/output/row.h"
#include "ldconsole/process/match.h"

/** What is published of an instance comes from these and its verdict, and from nothing else that
 *  moves: while they stay, so does what was published. */
struct ctl_sight {
    struct ldc_row row; /* of one that list2 does not show: only the index, and what was last shown
                           of its title and screen */
    bool is_listed;
    uint64_t config_revision; /* 0 = there is no file */
    int64_t player, headless;
    enum ctl_guest guest;
    uint64_t guest_answered_ms;
    struct cache_adb adb;
    bool sees_processes;
};

/** What the observer remembers of one instance between two surveys. */
struct ctl_watch {
    char id[UUID_SIZE];
    struct map_node by_id;
    bool seen; /* scratch of a survey */

    enum cache_state state;
    uint64_t phase_since_ms;   /* start and boot count as one phase, every other state as its own */
    uint64_t off_since_ms;     /* since when list2 says 0; 0 = it does not */
    uint64_t started_ms;       /* when a start began that has not come up; 0 = there is none */
    bool saw_start;            /* that was seen: it had been off */
    int64_t vm_pid, vm_player; /* its last VM, and the window that was above it */
    int64_t start_pid;         /* its last player */
    uint64_t start_ms;         /* when that was seen first */
    uint64_t on_ms;            /* when something of it was seen running last; 0 = never */
    const char *flaw;          /* as ctl_facts has it */
    bool is_repaired;          /* that player was started by LDPlayer's repairer */
    uint64_t vm_restarted_ms[3]; /* when another VM came under the same window, the last times */
    char vm_fault[150];          /* what its log says, of one that is stuck or a zombie */
    struct cache_care care;
    enum cache_desired wish;                /* what a person asked for, until it is off */
    struct ldc_process_id player, headless; /* its own, last seen in the process table */
    struct ctl_usage usage;
    int64_t possible;          /* a VM that may be its own; 0 none */
    bool sees_player, sees_vm; /* that those are missing from the process table proves something */
    char config_loss[LDC_LOSS_SIZE]; /* as ldc_config has it */
    bool is_config_judged;           /* its file was held against its copy, or none is kept */
    char config_fault[160]; /* why its file cannot be used; "" = it can, or there is none */
    bool has_resbak;        /* as ldc_config has it, as what follows */
    unsigned read_only_disks;
    bool has_title;         /* one of its own, as its config file says */
    int64_t born_ms;        /* when its config file was made (wall clock); 0 = not known */
    bool was_on;            /* it was seen running, or some of it */
    bool had_vm;            /* one was seen since it was last off */
    uint64_t gone_since_ms; /* since when nothing of it runs; 0 = something does, or is not known */
    unsigned n_without_vm;  /* looks in a row that missed its VM */
    unsigned n_without_any; /* the same of all its processes */
    struct ctl_sight sight; /* what was published last */

    struct ldc_settings *set; /* owned: what operations of ours have set, as it then was; or NULL */
    unsigned drift;           /* of that, what is otherwise now: bits of ldc_settings_differing */

    bool is_new;            /* it appeared while we looked, and was never seen running */
    uint64_t appeared_ms;   /* of one that is new */
    bool was_set;           /* its settings changed since */
    int64_t disk_bytes;     /* of all its disks; -1 = there is none, or that cannot be seen */
    unsigned n_disks;       /* so many files they are */
    uint64_t disk_time;     /* as ldc_config has it */
    bool has_grown;         /* they were written to while we looked */
    unsigned n_disk_same;   /* looks in a row that saw them so */
    uint64_t disk_since_ms; /* since when they are so */

    bool is_unlisted;    /* the last list left it out; what is known of it is older */
    unsigned n_unlisted; /* lists in a row that left it out ... */
    unsigned n_absent;   /* ... and those of them that were whole */
    uint64_t absent_since_ms;
    bool was_removed;        /* a remove of ours was carried out since it was last listed */
    int64_t removed_wall_ms; /* when the last one was asked for; 0 = never ... */
    uint64_t removed_ms;     /* ... and by the clock that is never set */

    enum ctl_expect expect;
    uint64_t expect_until_ms;

    struct cache_adb adb; /* as it was last asked; `debug` is of the config */
    enum ctl_guest guest;
    char guest_reason[CTL_GUEST_REASON_SIZE]; /* as ctl_facts has it; "" = none */
    int64_t guest_pid;                        /* the VM the guest's answer belongs to */
    bool guest_has_answered;                  /* that of this VM, or one before */
    unsigned guest_failures;
    uint64_t guest_replied_ms;  /* when the last question came to its end */
    uint64_t guest_answered_ms; /* when the last one was asked that was answered; 0 = none was */
    uint64_t guest_wanted_ms;   /* since when somebody wants to have it asked */
    uint64_t guest_next_ms;     /* when to ask again */
    bool guest_is_asked;
};

#endif
