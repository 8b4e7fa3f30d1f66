/* SPDX-License-Identifier: MIT */
#ifndef LDC_TIMING_H
#define LDC_TIMING_H

/** How long LDPlayer takes for what, and how long we therefore wait before we draw a conclusion:
 * one row each, in milliseconds, with the section of the reference behind it. Deadlines of the
 * commands themselves are in command.c, and how long an operation may take altogether is an option.
 */
enum ldc_timing {
    /* --- list2 and what it is late with --- */

    /* A launch is in list2 after about 2 s (2.6); a player is seen without its row that long. */
    LDC_TIMING_LAUNCH_LAG_MS = 10000,
    /* A quit is in list2 after a few seconds (2.6). */
    LDC_TIMING_QUIT_LAG_MS = 5000,
    /* So long what was asked of an instance counts for what list2 does not show yet (2.6). */
    LDC_TIMING_EXPECT_MS = 20000,
    /* A player outlives its row by about 5 s after quit, much longer on a busy machine (2.6) ... */
    LDC_TIMING_PLAYER_LINGER_MS = 30000,
    /* ... and so may a VM without its player (2.6). */
    LDC_TIMING_VM_LINGER_MS = 10000,
    /* The row of what add or copy made, after they named its index (0.1, 2.6). */
    LDC_TIMING_LATE_ROW_MS = 5000,

    /* A row is left out for a moment while an instance boots (11): so long the files of one that
     * is not listed are believed, and by so many lists at least. */
    LDC_TIMING_ABSENT_MS = 60000,
    LDC_TIMING_ABSENT_LOOKS = 3, /* not a time */

    /* list2 and the process table are not read at the same moment (2.3): that a process is missing
     * which list2 names is believed when so many looks in a row say so. */
    LDC_TIMING_CONFIRMING_LOOKS = 2, /* not a time */

    /* --- disks that are being made --- */

    /* A disk that nobody was seen writing is there when so many looks in a row see it so. */
    LDC_TIMING_DISK_LOOKS = 3, /* not a time */
    /* A copy goes on behind its row, and the disk appears later and grows (2.6, 11), or has its
     * whole size at once, as CopyFile gives it: it is whole when nothing was written for so long.
     */
    LDC_TIMING_DISK_QUIET_MS = 10000,
    /* What is still written to so long after it appeared is no longer being made: the longest copy
     * that was reported took 10 minutes (2.6). */
    LDC_TIMING_MAKING_MS = 1800000,
    /* Which of its disks are written to is looked at while data.vmdk is younger: a copy takes
     * minutes at most (2.6). */
    LDC_TIMING_YOUNG_DISK_MS = 3600000,
    /* What is new has a disk by then, or will have none. */
    LDC_TIMING_LATE_DISK_MS = 30000,
    /* An add or copy that nobody waits for any more may go on behind (2.6): its row is there by
     * then, or nothing comes of it. */
    LDC_TIMING_LEFT_ROW_MS = 60000,

    /* --- between a stop and a start --- */

    /* From a launch until Android is up (2.6): for those who wait for others, until this machine
     * has shown how long it takes. */
    LDC_TIMING_BOOT_MS = 15000,

    /* A launch too soon after a quit sticks for ever (2.6, 5.2); the pause is the option settle_ms,
     * from the end of the last process, or from this long after the row where none is seen. */
    LDC_TIMING_PLAYER_TAIL_MS = 5000,

    /* --- within which a command has its effect, or has none --- */

    /* A launch: 2 s as a rule (2.6); state 0 may come once more in a repairer's pass (5.2). */
    LDC_TIMING_LAUNCH_EFFECT_MS = 30000,
    /* The VM comes a few seconds behind the player (2.6). One that is not there by then may still
     * come, in a repairer's pass; it is told to the breakers. */
    LDC_TIMING_VM_LATE_MS = 30000,
    /* A player that waits for its VM for so long waits for ever (5.2: VM service stuck, launched
     * too soon), also on a machine where all takes four times as long; but for a repairer's pass.
     */
    LDC_TIMING_NO_VM_MS = 40000,
    /* A VM without Android for so long, and three times as long as this instance's boots take, is
     * told of (5.2: no kernel boot). */
    LDC_TIMING_OVERDUE_MS = 45000,
    /* A launch within so long of the end of the last run gets stuck, and so do two launches of
     * different instances (2.6). */
    LDC_TIMING_LAUNCH_APART_MS = 10000,
    /* The row of add is expected on return (2.6). */
    LDC_TIMING_ADD_EFFECT_MS = 15000,
    /* remove works on behind its answer (1.3) ... */
    LDC_TIMING_REMOVE_EFFECT_MS = 15000,
    /* ... and may make an empty instance of the same number again (1.3): gone for as long. */
    LDC_TIMING_REMOVE_SETTLE_MS = 700,
    /* Nobody says how long after that (1.3): so long one that appears is told of. */
    LDC_TIMING_RECREATE_MS = 300000,
    /* modify and rename write the config file at once (1.4). */
    LDC_TIMING_CONFIG_EFFECT_MS = 5000,

    /* --- the guest --- */

    /* VMs that come after another within so long crash in a loop (5.2: the RAM floor); one that ran
     * for longer was well in between. */
    LDC_TIMING_CRASH_LOOP_MS = 600000,

    /* adb answers about 10 s after column 5 says 1, up to 80 s in a repairer's pass (2.6): asked so
     * often until the first answer ... */
    LDC_TIMING_GUEST_BOOT_MS = 1000,
    /* ... or until none has come for two minutes: ADB may be off (4). */
    LDC_TIMING_GUEST_GIVE_UP_MS = 120000,
    /* A guest that answered hangs now and then (5.2, 5.3): with three questions of 5 s that is
     * known within a minute. */
    LDC_TIMING_GUEST_CHECK_MS = 30000,
    /* One answer that did not come is not believed (5.3), so many in a row are. */
    LDC_TIMING_GUEST_RETRY_MS = 5000,
    LDC_TIMING_GUEST_FAILURES = 3, /* not a time */

    /* --- the clocks of files, which are not LDPlayer's but this system's --- */

    /* They are coarser than ours: a file may seem to be older than what came before it ... */
    LDC_TIMING_FILE_TICK_MS = 20,
    /* ... and may change twice within one tick: one that changed so lately is read again. */
    LDC_TIMING_FILE_SETTLE_MS = 100,
    /* VBox.log is begun anew by each start: so much older than that it may seem to be (11). */
    LDC_TIMING_LOG_SLACK_MS = 2000,
    /* A VM that is older than its disk by more is none of its own (4: disks say which one it is).
     */
    LDC_TIMING_DISK_SLACK_MS = 500,

    /* --- without eyes --- */

    /* How long an operation bears that nothing can be seen, before its step is planned and after
     * its deadline: list2 may hang for its own and be refused by a breaker for a while (2.6). */
    LDC_TIMING_BLIND_LIMIT_MS = 60000,
};

#endif
