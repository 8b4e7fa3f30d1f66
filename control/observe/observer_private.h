/* SPDX-License-Identifier: MIT */
#ifndef CTL_OBSERVER_PRIVATE_H
#define CTL_OBSERVER_PRIVATE_H

#include "base/loop/loop.h"
#include "base/memory/map.h"
#include "control/judge/tombstones.h"
#include "control/observe/observer.h"
#include "control/observe/prober.h"
#include "control/observe/watch.h"

/** So many instances are judged, or told of, in a turn of the loop: some milliseconds. */
enum { CTL_OBSERVER_SLICE = 256 };

/** An instance that we have removed, for as long as LDPlayer may make an empty one in its place. */
struct ctl_removal {
    int index;
    int64_t asked_wall_ms; /* when we asked for it; 0 = there is none */
    uint64_t gone_ms;
};
enum { CTL_OBSERVER_REMOVALS = 16 }; /* the oldest is forgotten first */

/** What the observer's files share: observer.c decides when to look, observer_judge.c what that
 *  says of each instance, observer_publish.c shows it to others. observer_facts.c answers what was
 *  seen of one instance, observer_files.c and observer_processes.c look at it themselves, in
 *  observer_notes.c it is told of one. Private to them. */
struct ctl_observer {
    struct ctl_observer_parts parts;
    struct ctl_observer_options options;
    struct ldc_surveyor *surveyor;
    struct cache_snapshot *snapshot;
    struct ctl_prober *prober;
    struct map watches;
    struct ctl_tombstones *tombstones;
    struct list waits, listeners;
    uv_timer_t timer;
    struct ctl_survey_verdict verdict;
    char noise[LDC_QUOTE_SIZE];
    bool has_processes;            /* the process table was read in this survey */
    bool sees_players, sees_vms;   /* absence from the process table of this survey says something,
                                      where the program's name is known */
    bool knows_players, knows_vms; /* pids of list2 were found in the process table */
    struct ldc_premises premises;  /* as the last survey found them */
    char *vm_dir;                  /* where its VMs' program lies; NULL = none was seen yet */
    bool has_neighbour;            /* processes of another installation were seen */
    int64_t manager_pid;           /* of the manager's window; 0 = it is not seen */
    uint64_t manager_survey;       /* number of the last survey that saw it; 0 = none did */
    bool is_moving;                /* some instance was in a passing state */
    char growing[UUID_SIZE];       /* the new instance whose disks grow; "" = there is none */
    uint64_t left_since_ms;        /* an add or copy that nobody waits for; 0 = there is none */
    char starting[2][UUID_SIZE];   /* of the instances on their way up: for everybody one that is
                                      another than himself; "" = no more */
    char last_start[UUID_SIZE];    /* of the instance whose player was last seen first; "" = none */
    uint64_t last_start_ms;
    struct ctl_removal removals[CTL_OBSERVER_REMOVALS];
    size_t n_removals; /* all that there ever were */
    uint64_t judging;  /* number of the survey that was judged last */
    size_t n_judged;   /* so many of its instances are; SIZE_MAX = all, and published */
    int n_hurried;
    uint64_t first_believed; /* earlier surveys may have seen what is no longer so */
    bool is_closing;
    void (*on_closed)(void *arg);
    void *closed_arg;
    unsigned n_open; /* what must close before on_closed */
};

/** What is remembered of ID; made when there is nothing. */
struct ctl_watch *ctl_observer_watch(struct ctl_observer *o, const char *id);

/** Whether it is new and its disks are not all there yet. */
bool ctl_observer_judge_making(const struct ctl_watch *w, uint64_t now);
/** How often another VM came under the same window of late: some, as far as that is remembered. */
unsigned ctl_observer_count_vm_restarts(const struct ctl_watch *w, uint64_t now);
/** Judges the next instances of a survey that can be believed; once there are none it brings the
 *  snapshot up to date with all of them, and returns true from then on. */
bool ctl_observer_judge(struct ctl_observer *o, const struct ldc_survey *survey);
/** What was judged of one instance becomes its entry; KNOWN is the one so far, NULL for a new
 *  instance, or one that was gone: FORMER, else NULL. */
void ctl_observer_publish(struct ctl_observer *o, const struct cache_entry *known,
                          const struct cache_instance *former, struct ctl_watch *w,
                          const struct ldc_row *row, const struct ldc_config *config,
                          const struct ctl_verdict *verdict);
/** One that list2 does not show and that may still be there: what is its processes' and its config
 *  file's is of now, what is list2's goes, but for title and screen. */
void ctl_observer_publish_doubt(struct ctl_observer *o, const struct cache_entry *known,
                                struct ctl_watch *w, const struct ldc_config *config,
                                const struct ctl_verdict *verdict);
/** Emits that the config file of I is again as it was before LOSS. */
void ctl_observer_publish_restored(struct ctl_observer *o, const struct cache_instance *i,
                                   const char *loss);
/** Emits that those of DRIFT, bits of ldc_settings_differing, are no longer as an operation set
 * them.
 */
void ctl_observer_publish_drift(struct ctl_observer *o, const struct cache_instance *i,
                                unsigned drift);
/** Emits that LDPlayer has made an empty instance again, which stands at INDEX as ID. */
void ctl_observer_publish_recreated(struct ctl_observer *o, const char *id, int index);
/** Emits that the manager's window is open or closed. */
void ctl_observer_publish_manager(struct ctl_observer *o);
/** Forgets what is remembered of one. */
void ctl_observer_free_watch(struct ctl_observer *o, struct ctl_watch *w);
/** For cache_snapshot_new: writes the row and emits the event of a change. */
void ctl_observer_publish_change(void *arg, const struct cache_change *change);
/** Emits that surveys began or stopped to be good. */
void ctl_observer_publish_verdict(struct ctl_observer *o);

#endif
