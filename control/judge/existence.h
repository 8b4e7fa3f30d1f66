/* SPDX-License-Identifier: MIT */
#ifndef CTL_EXISTENCE_H
#define CTL_EXISTENCE_H

#include <stdbool.h>
#include <stdint.h>

/** Whether an instance exists that was known before. list2 leaves out rows for a moment (reference
 *  11) and forgets instances whose files are there, files lag behind rows: so row, config file,
 * disk and processes are held against each other, over several looks when they disagree. While
 * both its config file and its disk are there it exists, however long list2 leaves it out. A pure
 *  function. */

enum ctl_existence {
    CTL_EXISTS,  /* it is listed */
    CTL_DOUBTED, /* not listed, and yet it may be there: it stays as it was */
    CTL_GONE
};

enum ctl_disk {
    CTL_DISK_NONE, /* there is no data.vmdk at its index */
    CTL_DISK_OWN,  /* the one that it had (identity.h); or one where none was known */
    CTL_DISK_OTHER /* another one, or list2 shows another instance of that index: it was given away
                    */
};

struct ctl_witnesses {
    bool is_listed;      /* a row of list2 is this instance */
    bool is_list_whole;  /* no row was broken, so absence says something */
    bool is_folder_read; /* the folder of the config files could be read: the same of files */
    bool has_process;    /* one of its own lives */
    bool has_config;
    enum ctl_disk disk;
    unsigned n_absent;  /* whole lists in a row without it, this one included */
    uint64_t absent_ms; /* since the first of them */
};

enum ctl_existence ctl_existence_judge(const struct ctl_witnesses *w);

#endif
