/* SPDX-License-Identifier: MIT */
#ifndef CTL_OBSERVER_H
#define CTL_OBSERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory/list.h"
#include "cache/snapshot/snapshot.h"
#include "cache/store/store.h"
#include "cache/tables/events.h"
#include "control/judge/health.h"
#include "control/judge/state.h"
#include "control/judge/survey_verdict.h"
#include "control/observe/usage.h"
#include "ldconsole/guard/survey.h"
#include "ldconsole/install/vm_log.h"
#include "ldconsole/process/match.h"

/** Knows the state of every instance by looking: decides when to survey, turns what was seen into
 *  states and identities, publishes the snapshot and the events of what changed. Loop thread. */

struct ctl_observer_options {
    unsigned active_ms; /* between surveys while something is moving; default 500 */
    unsigned idle_ms;   /* when nothing moves; default 5000 */
    unsigned stuck_ms;  /* a start without VM or Android for longer is `stuck`; default 120000 */
    enum ldc_codepage codepage;
    const char *config_copies; /* folder for copies of good config files, which outlives the
                                  observer; NULL keeps none */
};
extern const struct ctl_observer_options ctl_observer_defaults;

struct ctl_observer;

struct ctl_observer_parts {
    struct loop *loop;
    struct ldc_client *client;
    struct cache_store *store;
    struct cache_events *events;
};

struct ctl_observer *ctl_observer_new(const struct ctl_observer_parts *parts,
                                      const struct ctl_observer_options *options);
/** Warm start: what the store remembered (taken over), served as source "cache" until the first
 *  survey is in. */
void ctl_observer_load(struct ctl_observer *o, struct cache_instance *items, size_t n,
                       int64_t observed_wall_ms);
/** Those that are gone (taken over), the oldest first: for the case that their disks come back. */
void ctl_observer_load_gone(struct ctl_observer *o, struct cache_instance *items, size_t n);
/** The first survey and the schedule. */
void ctl_observer_start(struct ctl_observer *o);
/** Waiters are answered with UV_ECANCELED; must come before ldc_client_close. */
void ctl_observer_close(struct ctl_observer *o, void (*on_closed)(void *arg), void *arg);

struct cache_snapshot *ctl_observer_snapshot(struct ctl_observer *o);

/** What the last survey was worth. */
const struct ctl_survey_verdict *ctl_observer_verdict(const struct ctl_observer *o);
/** The first line of the last good list that was no part of it, or "". */
const char *ctl_observer_noise(const struct ctl_observer *o);

/** Calls DONE once the snapshot is from a look that began at most MAX_AGE_MS before this call (at
 *  once, that is in this turn, when it is already), or with the verdict's status when that look
 *  failed. 0: a look that begins from now on. Everybody who waits shares the look that is under
 *  way, where it is young enough, and else the next one: there is never more than one of each. */
typedef void (*ctl_fresh_fn)(void *arg, int status);
struct ctl_fresh_wait;
/** Returns NULL when DONE was called already; otherwise a handle for cancelling. */
struct ctl_fresh_wait *ctl_observer_want(struct ctl_observer *o, uint64_t max_age_ms,
                                         ctl_fresh_fn done, void *arg);
void ctl_observer_cancel_want(struct ctl_fresh_wait *wait);

/** Called after each survey, good or not, in the order of listening and before those who wait for
 *  it. Owned by the listener. */
struct ctl_survey_listener {
    struct list link;
    void (*fn)(void *arg);
    void *arg;
};
void ctl_observer_listen(struct ctl_observer *o, struct ctl_survey_listener *listener);
/** Repeating it does nothing. */
void ctl_observer_unlisten(struct ctl_survey_listener *listener);
/** The number of activities that want quick surveys changes by DELTA. */
void ctl_observer_hurry(struct ctl_observer *o, int delta);
/** What the engine has just asked of an instance: until the state shows it (or `within_ms`
 *  passed) a lagging list2 reads as starting or stopping instead of stopped or running. */
void ctl_observer_expect(struct ctl_observer *o, const char *id, enum ctl_expect expect,
                         unsigned within_ms);
/** What was asked of an instance at ISSUED_MS is waited for no longer, and may come all the same:
 * it counts on, but no longer than list2 is late with it (timing.h). */
void ctl_observer_expect_no_longer(struct ctl_observer *o, const char *id, uint64_t issued_ms);
/** Labels, group, desired state and what the watchdog may do: kept by us, changed at once, written
 * to the store. */
struct ctl_local {
    const char *labels;                        /* JSON object text; NULL leaves as is */
    const char *group;                         /* "" clears; NULL leaves */
    int desired;                               /* enum cache_desired; -1 leaves */
    const enum cache_repair_mode *repair;      /* NULL leaves */
    const struct cache_quarantine *quarantine; /* with since 0 it ends, and the acts that led there
                                                  are forgotten; NULL leaves */
};
void ctl_observer_set_local(struct ctl_observer *o, const char *id, const struct ctl_local *local);
/** What callers can set of ID was set for one of them, also where nothing was known before: it gets
 *  a new revision. */
void ctl_observer_note_set(struct ctl_observer *o, const char *id);
/** An operation sets WANTED of ID. It is about to (IS_SO false): another value is nobody else's
 * doing meanwhile; or it has seen that it is so: from now on another value is drift, also
 * after a restart of the service. */
void ctl_observer_guard_settings(struct ctl_observer *o, const char *id,
                                 const struct ldc_settings *wanted, bool is_so);
/** Of what operations have set of ID, what is otherwise now ("cpu, adb_debug") in OUT. Returns
 *  whether there is such. */
bool ctl_observer_drift(struct ctl_observer *o, const char *id, char *out, size_t size);
/** The process of LDPlayer's manager window, which writes the config files as it has read them when
 *  it closes (reference 11); 0 = it is not open. */
int64_t ctl_observer_manager(const struct ctl_observer *o);
/** A remove of ID is about to be asked for: its config file alone then proves nothing. */
void ctl_observer_note_removed(struct ctl_observer *o, const char *id);
/** The disks of an instance over the last looks. */
struct ctl_disks {
    int64_t bytes;    /* all of them together; -1 = there is none, or that cannot be seen */
    unsigned n_files; /* so many they are */
    unsigned n_same;  /* looks in a row that saw them so, also when they were last written to */
    uint64_t same_ms; /* and for how long */
};
struct ctl_disks ctl_observer_disks(struct ctl_observer *o, const char *id);
/** Whether a program has one of them open, as far as the system tells. By a look of its own (some
 *  milliseconds); while it lasts nobody else can open them. */
bool ctl_observer_has_open_disk(struct ctl_observer *o, const char *id);
/** Whether the last look did not show ID, which may be there all the same: what is known of it was
 *  seen before. */
bool ctl_observer_is_unlisted(struct ctl_observer *o, const char *id);
/** Whether the last look missed something of ID that the next one has to confirm. */
bool ctl_observer_is_doubted(struct ctl_observer *o, const char *id);
/** Whether ID is new and its disks are not all there yet. */
bool ctl_observer_is_in_the_making(struct ctl_observer *o, const char *id);
/** An add or copy was begun at SINCE_MS (monotonic), and nobody waits for it any more: LDPlayer may
 *  be at work on it before anything is seen of that. */
void ctl_observer_note_left(struct ctl_observer *o, uint64_t since_ms);
/** Whether LDPlayer is still at work on a new instance: the last look saw its disks growing, or one
 *  that was left may yet come, or has come and its disks are not quiet. */
bool ctl_observer_sees_growing(const struct ctl_observer *o);
/** The id of the new instance whose disks it is at; NULL = it is not known yet. Valid until the
 * next look. */
const char *ctl_observer_growing(const struct ctl_observer *o);
/** Whether the config file of ID gives it a title. */
bool ctl_observer_has_title(struct ctl_observer *o, const char *id);
/** When the config file of ID was made (wall clock); 0 = not known. */
int64_t ctl_observer_born_ms(struct ctl_observer *o, const char *id);
/** Where what belongs to an instance is found, for a worker. */
struct ctl_places {
    char *dir, *vms_dir;    /* of the installation; owned */
    char *vm_dir;           /* owned; NULL = not known */
    struct ldc_claim claim; /* with the index; points into this */
};
/** Of ID, for ctl_places_deinit; false when there is no such instance. */
bool ctl_observer_locate(struct ctl_observer *o, const char *id, struct ctl_places *ret);
void ctl_places_deinit(struct ctl_places *places);
/** Whether processes of ID live, as far as the process table tells. */
enum ctl_life { CTL_LIFE_UNKNOWN, CTL_LIFE_NONE, CTL_LIFE_SOME };
enum ctl_life ctl_observer_life(struct ctl_observer *o, const char *id);
/** What is still there of ID, which is taken for gone and whose number nobody else has ("its disk
 *  is"); NULL = nothing. By a look of its own (some milliseconds). */
const char *ctl_observer_left_files(struct ctl_observer *o, const char *id, int *ret_index);
/** Whether ID looks as the empty instance that LDPlayer makes again after a removal: without a
 *  title and without disks, as it appeared, and never seen running. */
bool ctl_observer_is_blank(struct ctl_observer *o, const char *id);
/** Ends every process of ID that there is now, by a look of its own (some milliseconds), and writes
 *  each with its error to RET_REPORT (initialised): "ended player 100; VM 101 could not be ended:
 *  permission denied". Returns how many were ended. For instances that ignore quit: the player may
 *  lose its configuration (reference 0.12). */
unsigned ctl_observer_end_processes(struct ctl_observer *o, const char *id, struct buf *ret_report);
/** Ends the VM service as ldc_vm_service_end does; its breaker then lets a start find out at once.
 */
int ctl_observer_end_vm_service(struct ctl_observer *o, int64_t *ret_pid);
/** Why the VM of ID did not start, as its log tells that was written after SINCE_WALL_MS; false
 * when it does not. By a look of its own (some milliseconds). */
bool ctl_observer_read_vm_log(struct ctl_observer *o, const char *id, int64_t since_wall_ms,
                              struct ldc_vm_fault *ret);
/** What the config file of ID has lost that a copy has: "it was reset (name, cpu)"; "" = nothing.
 */
const char *ctl_observer_config_loss(struct ctl_observer *o, const char *id);
/** Whether that is known of the file as it is now; a file that was just written is held against its
 *  copy one look later. */
bool ctl_observer_knows_config_loss(struct ctl_observer *o, const char *id);
/** Whether the config file of ID cannot be used: LDPlayer would never start with it. */
bool ctl_observer_has_bad_config(struct ctl_observer *o, const char *id);
/** Whether I would certainly not boot, as the last look found; a config file of which a copy can be
 *  put back is no obstacle. */
bool ctl_observer_find_obstacle(struct ctl_observer *o, const struct cache_instance *i,
                                struct ldc_obstacle *ret);
/** Puts the copy back, and tells that by an event. Only while ID is stopped; blocking, a few
 *  milliseconds. Returns 0 or a UV error. */
int ctl_observer_restore_config(struct ctl_observer *o, const char *id);
/** Sets one key of the config file of ID to a JSON value (ldc_config_set). Only while ID is
 * stopped; blocking, a few milliseconds. Returns 0 or a UV error. */
int ctl_observer_edit_config(struct ctl_observer *o, const char *id, const char *key,
                             const char *json_value);
/** What the processes of ID have used. */
struct ctl_usage ctl_observer_usage(struct ctl_observer *o, const char *id);
/** What was wrong with the launch of ID, as a part of a sentence; NULL = nothing that is known. */
const char *ctl_observer_launch_flaw(struct ctl_observer *o, const char *id);
/** What I, an entry of the snapshot, suffers from, as far as the last look tells. */
enum ctl_illness ctl_observer_illness(struct ctl_observer *o, const struct cache_instance *i);
/** What the watchdog keeps of ID; valid until the loop turns. */
const struct cache_care *ctl_observer_care(struct ctl_observer *o, const char *id);
/** Something was done for ID by the watchdog, now. */
void ctl_observer_note_act(struct ctl_observer *o, const char *id);
/** A person has asked for a start or a stop of ID; that counts until it is off. */
void ctl_observer_note_wish(struct ctl_observer *o, const char *id, enum cache_desired wish);
/** What I should be as far as anybody said: its desired state, else that wish. */
enum cache_desired ctl_observer_wish(struct ctl_observer *o, const struct cache_instance *i);
/** Has the guest of ID asked anew: with the next look, or behind the question that is out. */
void ctl_observer_ask_guest(struct ctl_observer *o, const char *id);
/** When the last question was asked that the guest of ID has answered; 0 = its VM never did. */
uint64_t ctl_observer_guest_answered_ms(struct ctl_observer *o, const char *id);
/** How many questions it has not answered since. */
unsigned ctl_observer_guest_failures(struct ctl_observer *o, const char *id);
/** When a question to the guest of ID last came to its end, answered or not; 0 = never. */
uint64_t ctl_observer_guest_replied_ms(struct ctl_observer *o, const char *id);
/** Starts a survey now unless one runs. */
void ctl_observer_look(struct ctl_observer *o);
/** What is known may be of another time (the computer slept): until a survey that begins now or
 *  later is in, answers are marked stale with REASON (copied), and nothing counts as fresh. */
void ctl_observer_distrust(struct ctl_observer *o, const char *reason);
/** How long nothing of ID has been running, as far as that can be seen; 0 while something is. */
uint64_t ctl_observer_gone_ms(struct ctl_observer *o, const char *id);
/** Whether something of ID was seen running, also by a former process at its last look. */
bool ctl_observer_has_run(struct ctl_observer *o, const char *id);
/** The id of another instance than ID that the last look saw starting, whoever began that; NULL =
 *  there is none. Valid until the next look. */
const char *ctl_observer_starting(const struct ctl_observer *o, const char *id);
/** Whether the guest of I cannot be asked, so that it is never seen `ready` (prober.h). */
bool ctl_observer_is_guest_closed(const struct ctl_observer *o, const struct cache_instance *i);
/** Whether the pids of list2 are processes of this machine's table; if not, a dead process proves
 *  nothing. */
bool ctl_observer_sees_processes(const struct ctl_observer *o);

#endif
