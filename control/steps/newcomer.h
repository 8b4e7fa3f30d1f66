/* SPDX-License-Identifier: MIT */
#ifndef CTL_NEWCOMER_H
#define CTL_NEWCOMER_H

#include "cache/snapshot/instance.h"

/** Which of the instances that are new since an add or copy of ours is the one that it made. Others
 *  add instances at the same time, by hand for instance, and ours may not have come yet, or never
 *  will: what is taken for ours is renamed and modified. Pure functions.
 *
 *      its title                            what it is
 *      the one that was asked for           ours, where it has the index that was returned
 *      none, or the one LDPlayer gives      ours, where it has the index that was returned, and was
 *                                           not made behind our command, whose add is done by then
 *      another one                          somebody else's in any case
 *
 *  Without that index among them ours is the only one with the title that was asked for. Where none
 *  was asked for it is the only one that is not somebody else's, once the row of the returned index
 *  would have come: then that was a lie. Of several none is guessed. */
struct ctl_newcomers {
    const char *name;   /* asked for; "" = none */
    const char *source; /* the title of what was copied; "" = not known, or nothing was */
    int returned;       /* the index that ldconsole returned; negative = none */
    bool is_late;       /* its row would have come by now */

    /* Of those that were added; zero to begin with. */
    const struct cache_instance *at_returned, *named, *nameless;
    unsigned n_named, n_nameless;
};

/** One of those that are new. HAS_TITLE: its config file gives it a title. IS_BEHIND: that file was
 *  made after our command had come to a good end. */
void ctl_newcomers_add(struct ctl_newcomers *n, const struct cache_instance *i, bool has_title,
                       bool is_behind);
/** NULL = none is known to be ours. */
const struct cache_instance *ctl_newcomers_choose(const struct ctl_newcomers *n);

#endif
