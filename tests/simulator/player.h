/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_PLAYER_H
#define SIMULATOR_PLAYER_H

#include "run.h"

/* The life of a dnplayer process: it starts the VM when it is due, ends it when somebody asked for
 * that, and otherwise waits.  It learns everything from the run record and from sim.json. */

/** What to do now. */
enum player_step {
    PLAYER_WAIT,
    PLAYER_START_VM,
    PLAYER_KILL_VM,    /* and leave it at that */
    PLAYER_CRASH_VM,   /* kill it and begin again */
    PLAYER_NOTE_DEATH, /* somebody else killed it */
    PLAYER_HAND_OVER,  /* the repairer: a second player takes over */
    PLAYER_POWER_OFF,  /* the end that quit asked for */
    PLAYER_LEAVE,      /* the tail is over */
};

/** The faults that count from one moment to the next. */
struct player_faults {
    bool zombie;
    bool svc_dead;
};

enum player_step player_next_step(const struct run *run, struct player_faults faults,
                                  bool vm_is_alive, int64_t now);

/** Live until it is over. */
void player_live(const struct home *home, int index);

/** Live beside the player that does the work, as long as it does. */
void player_live_second(const struct home *home, int index);

#endif
