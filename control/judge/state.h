/* SPDX-License-Identifier: MIT */
#ifndef CTL_STATE_H
#define CTL_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/snapshot/instance.h"

/** What state an instance is in, from everything that was seen of it. A pure function: the rules
 *  of the whole product in one place (reference 2.3, 5.2). */

enum ctl_guest {
    CTL_GUEST_UNKNOWN,
    CTL_GUEST_ANSWERS,
    CTL_GUEST_SILENT,
    CTL_GUEST_OTHER, /* what answers is not its own */
    CTL_GUEST_CLOSED /* there is no way to ask it */
};

enum { CTL_GUEST_REASON_SIZE = 160 };

/** What the engine has just asked of an instance. */
enum ctl_expect { CTL_EXPECT_NOTHING, CTL_EXPECT_START, CTL_EXPECT_STOP };

struct ctl_facts {
    int android;              /* list2's column: 0, 1, 2 */
    int64_t pid, vbox_pid;    /* as list2 says; <= 0 none */
    bool is_torn;             /* the list has a broken row, which may be its own */
    bool sees_players;        /* absence of its player from the process table proves something */
    bool sees_vms;            /* the same of its VM */
    int64_t player, headless; /* its own in the process table; 0 none */
    uint64_t player_age_ms;   /* since that player was started; 0 = not known */
    int64_t possible;         /* a VM that is its own or another installation's; 0 none */
    unsigned n_without_vm;    /* looks in a row in which its VM was missed, this one included */
    unsigned n_without_any;   /* the same of all its processes, while list2 names a player */
    bool had_vm;              /* a VM was seen since it was last off */
    enum ctl_guest guest;
    uint64_t without_vm_ms; /* how long this player has been there and had no VM yet; 0 = it had */
    bool is_repaired;       /* LDPlayer's repairer is at work on it (reference 5.2) */
    const char *flaw; /* what was wrong with its launch, as a part of a sentence; NULL = nothing
                         that is known */
    const char *guest_reason; /* what is wrong with it, as a part of a sentence; NULL = not known */
    enum ctl_expect expect;
    enum cache_state previous;
    uint64_t previous_ms; /* how long it was in that state; for starting and booting together */
    uint64_t off_ms;      /* how long list2 has been saying 0 */
    unsigned stuck_ms;
    unsigned longest_boot_ms; /* of its last ones; 0 = none is known */
};

struct ctl_verdict {
    enum cache_state state;
    char reason[CACHE_REASON_SIZE];
};

/** Whether a VM that should be there is not: what n_without_vm counts. */
bool ctl_state_misses_vm(const struct ctl_facts *facts);
/** Whether list2 names a player, and nothing of the instance lives: what n_without_any counts. */
bool ctl_state_misses_all(const struct ctl_facts *facts);
void ctl_state_derive(const struct ctl_facts *facts, struct ctl_verdict *ret);
/** The same of one that exists and that list2 does not show, for the N_UNLISTED-th look in a row:
 *  what the facts have of list2 is nothing. Returns false when it stays as it was, and RET is then
 *  left alone. */
bool ctl_state_derive_unlisted(const struct ctl_facts *facts, unsigned n_unlisted,
                               struct ctl_verdict *ret);
/** On its way up, so that no other may be launched. */
bool ctl_state_is_starting(enum cache_state state);
/** Whether something is under way that will end soon, so that looking often is worth it. */
bool ctl_state_is_moving(enum cache_state state);
/** Android is up: running or ready. */
bool ctl_state_is_up(enum cache_state state);
const char *ctl_guest_name(enum ctl_guest guest);

#endif
