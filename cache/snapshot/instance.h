/* SPDX-License-Identifier: MIT */
#ifndef CACHE_INSTANCE_H
#define CACHE_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory/buf.h"
#include "base/system/random.h"
#include "cache/snapshot/care.h"
#include "ldconsole/output/row.h"
#include "ldconsole/process/match.h"
#include "ldconsole/verbs/adb_serial.h"
#include "ldconsole/verbs/settings.h"

/** What is known of one emulator instance: the API's Instance (api/describe/schema_table.c)
 *  without its freshness, which belongs to the whole snapshot. A value type; copy by
 *  assignment except `labels` and `evidence` (see cache_instance_copy). */
enum cache_state {
    CACHE_STATE_UNKNOWN,
    CACHE_STATE_STOPPED,
    CACHE_STATE_STARTING, /* asked to start; no VM yet */
    CACHE_STATE_BOOTING,  /* process and VM up, Android not */
    CACHE_STATE_RUNNING,  /* Android up */
    CACHE_STATE_READY,    /* the guest answers */
    CACHE_STATE_STOPPING,
    CACHE_STATE_STUCK,
    CACHE_STATE_ZOMBIE,      /* window without VM */
    CACHE_STATE_UNREACHABLE, /* processes alive, ldconsole does not know it */
    CACHE_STATE_COUNT
};

enum cache_desired { CACHE_DESIRED_NONE, CACHE_DESIRED_RUNNING, CACHE_DESIRED_STOPPED };

/** Whose guest answers where adb looks for that of an instance. */
enum cache_verified {
    CACHE_VERIFIED_UNKNOWN, /* nothing that was read inside proves anything, or nothing was */
    CACHE_VERIFIED_OWN,
    CACHE_VERIFIED_OTHER,   /* another instance's */
    CACHE_VERIFIED_FOREIGN, /* that of no LDPlayer instance */
    CACHE_VERIFIED_COUNT
};

/** ADB debugging, as the config file says. */
enum cache_adb_debug {
    CACHE_ADB_DEBUG_UNKNOWN,
    CACHE_ADB_DEBUG_OFF,
    CACHE_ADB_DEBUG_LOCAL,
    CACHE_ADB_DEBUG_REMOTE,
    CACHE_ADB_DEBUG_COUNT
};

/** Whether adb reached a guest the last time, null in JSON where it was not asked. */
enum cache_reachable { CACHE_REACHABLE_UNKNOWN, CACHE_REACHABLE_NO, CACHE_REACHABLE_YES };

struct cache_adb {
    enum cache_verified verified;
    enum cache_reachable reachable;
    enum cache_adb_debug debug;
};

enum { CACHE_GROUP_SIZE = 65, CACHE_REASON_SIZE = 200, CACHE_REVISION_SIZE = 17 };

/** What the watchdog does by itself for an instance that is ill (control/judge/health.h). */
enum cache_repair_mode {
    CACHE_REPAIR_REPORT, /* it tells of it */
    CACHE_REPAIR_OFF,
    CACHE_REPAIR_RESTART, /* and quits it and starts it again */
    CACHE_REPAIR_FULL,    /* and ends its processes by force where quit is ignored */
    CACHE_REPAIR_COUNT
};

/** The watchdog has given up on it: nothing is done for it before a person lifts that. */
struct cache_quarantine {
    int64_t since; /* wall ms; 0 = it is in none, and the reason is "" */
    char reason[2 * CACHE_REASON_SIZE];
};

struct cache_instance {
    char id[UUID_SIZE];
    int index;
    char name[LDC_TITLE_SIZE];
    enum cache_state state;
    char reason[CACHE_REASON_SIZE]; /* why `state` is believed, a sentence */
    char *evidence;                 /* JSON object, owned; NULL = {} */
    enum cache_desired desired;
    enum cache_repair_mode repair;
    struct cache_quarantine quarantine;   /* zeroed behind the text; null in JSON */
    char adb_serial[LDC_ADB_SERIAL_SIZE]; /* "" = none; null in JSON */
    struct cache_adb adb;
    int64_t pid, vbox_pid, top_window, bind_window; /* 0 = none; null in JSON */
    int width, height, dpi; /* width 0 = unknown; resolution is null in JSON */
    struct ldc_settings settings;
    char *labels;                       /* JSON object of strings, owned; never NULL */
    char group[CACHE_GROUP_SIZE];       /* "" = none; null in JSON */
    char revision[CACHE_REVISION_SIZE]; /* another one whenever callers could see something else set
                                         */
    char disk_id[64];                   /* identity of data.vmdk; not in the API */
    struct ldc_process_id player, headless; /* its own, last seen in the process table; not in the
                                               API */
    struct cache_care care; /* as the database had it at the start, for the observer; not in the
                               API */
    struct ldc_settings *guarded; /* owned, as care: what operations have set, as it then was; NULL
                                     = nothing. A copy has none. */
};

void cache_instance_init(struct cache_instance *i);
/** Frees what I owns; repeating it does nothing. */
void cache_instance_deinit(struct cache_instance *i);
/** Makes TO an independent copy of FROM, another instance. TO was initialised (zeroed will do);
 *  what it owned is released. */
void cache_instance_copy(struct cache_instance *to, const struct cache_instance *from);

/** Gives TO what is kept by us of FROM, and no look shows: labels, group, desired state, repair and
 *  quarantine. */
void cache_instance_take_local(struct cache_instance *to, const struct cache_instance *from);

/** Appends `{"id":...,...` without the closing brace, so that freshness can follow. All text in I
 *  must be valid UTF-8, `labels` and `evidence` valid JSON. */
void cache_instance_append_json(const struct cache_instance *i, struct buf *out);
/** Reads what cache_instance_append_json wrote (closed); other members are ignored, values that
 *  do not fit their field are cut. Returns 0, or UV_EINVAL with nothing to release. */
int cache_instance_from_json(const char *text, struct cache_instance *ret);
/** `{"state":{"from":..,"to":..},...}` of the API's fields that differ, owned by the caller; NULL
 *  when none does. `evidence` does not count: it moves with every look. */
char *cache_instance_diff(const struct cache_instance *before, const struct cache_instance *after);
/** Whether nothing that diff looks at differs; cheap. */
bool cache_instance_is_same(const struct cache_instance *a, const struct cache_instance *b);

/** The same as cache_instance_append_json. Returns a hash of everything that diff looks at: equal
 *  content has an equal one, also after a restart, and other content by accident only. */
uint64_t cache_instance_render(const struct cache_instance *i, struct buf *out);

/** Gives I, which came after BEFORE, a revision of its own when something that callers can set
 *  (name, desired state, repair, resolution, settings, labels, group) is not as it was, whoever
 * changed it. What was not known before is no change. One without a revision gets BEFORE's. BEFORE
 * NULL: a new one in any case. */
void cache_instance_revise(struct cache_instance *i, const struct cache_instance *before);

const char *cache_state_name(enum cache_state state);
/** In JSON. */
extern const char *const cache_verified_names[CACHE_VERIFIED_COUNT];
extern const char *const cache_adb_debug_names[CACHE_ADB_DEBUG_COUNT];
/** Returns 0 or UV_EINVAL. */
int cache_state_parse(const char *name, enum cache_state *ret);
/** "running", "stopped", or NULL for none. */
const char *cache_desired_name(enum cache_desired desired);
extern const char *const cache_repair_names[CACHE_REPAIR_COUNT];

#endif
