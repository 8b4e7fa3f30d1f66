/* SPDX-License-Identifier: MIT */
#ifndef CTL_GUEST_IDENTITY_H
#define CTL_GUEST_IDENTITY_H

#include "cache/snapshot/snapshot.h"
#include "ldconsole/output/guest.h"

/** Whose guest it is that answers for an instance. Other products take the ports of LDPlayer
 *  (reference 4), so what can be read inside is held against the config files of all instances: the
 *  MAC address, the android id and the serial number. A pure function. */

struct ctl_guest_identity {
    enum cache_verified verified;
    char reason[160]; /* what is wrong, as a part of a sentence; "" where nothing is */
};

/** ID is the instance that was asked; BOOTED has the values of its config when its VM came, which
 * the guest keeps until it boots again. A value that only its own config has, now or then, is its
 * own; one that only others have is another's. Equal ones of several configs (clones) prove
 * nothing, nor do unreadable ones, nor two that contradict each other. A guest is of no instance
 * when MAC and android id, or the one of them that its config has, are those of no config;
 * HAS_PORT: only where it was asked through a port (adb), because `ld` goes by the index, and
 *  guests may use other values than their configs have (reference 11). */
void ctl_guest_identify(const struct cache_snapshot *all, const char *id,
                        const struct cache_booted *booted, const struct ldc_guest *guest,
                        bool has_port, struct ctl_guest_identity *ret);

#endif
