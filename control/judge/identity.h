/* SPDX-License-Identifier: MIT */
#ifndef CTL_IDENTITY_H
#define CTL_IDENTITY_H

#include "cache/snapshot/snapshot.h"
#include "control/judge/tombstones.h"
#include "ldconsole/install/configs.h"

/** Which known instance a row of list2 is. An index is reused after a removal, and the VM's own
 *  UUID is derived from it, so the disk decides: the file id and birth time of data.vmdk
 *  (reference 3.3). But a disk is moved, compacted into another file, or not there for a moment.
 *  Beside it there are marks: the title, and MAC and Android id of the config file. The first that
 *  applies counts:
 *
 *      the disk is known, here, or at another index and no
 *      longer where it was                                        that instance, at this index now
 *      the disk is that of one that is gone (a tombstone)         that one is back
 *      of the one at this index the disk is at another index now  not that one
 *      of the one at this index
 *          the disk was never seen                                that one
 *          there is another disk: all marks are its own           that one: the file was rewritten
 *              else                                               another one
 *          there is no disk: all marks are another's              another one, its disk to come
 *              else                                               that one
 *      one that is gone had this index, and all marks             that one is back
 *      none of these                                              a new one
 *
 *  A title alone is no mark: default titles are the same again. Pure functions. */
struct ctl_identity {
    const struct cache_entry *known;     /* NULL = none */
    const struct cache_instance *former; /* KNOWN is NULL: one that was gone; NULL = a new one */
};
void ctl_identity_find(const struct cache_snapshot *snapshot,
                       const struct ctl_tombstones *tombstones, const struct ldc_configs *configs,
                       const struct ldc_row *row, struct ctl_identity *ret);

/** Whether the files of CONFIG, at the index of I, are those of I, by the same table. */
bool ctl_identity_has_files(const struct cache_instance *i, const struct ldc_config *config);

#endif
