/* SPDX-License-Identifier: MIT */
#ifndef SVC_NEAREST_H
#define SVC_NEAREST_H

#include <stddef.h>

/** The word that somebody who typed something else probably meant. */
struct svc_nearest {
    const char *typed;
    const char *best; /* NULL while nothing was near enough */
    unsigned distance;
};

void svc_nearest_init(struct svc_nearest *n, const char *typed);
/** Offers a word, which must outlive N. Near enough is one edit (insert, drop, change, swap of
 *  neighbours) for every three letters typed, at least one. */
void svc_nearest_offer(struct svc_nearest *n, const char *word);
/** "; did you mean PREFIXbest?" or "", in OUT (which is returned). */
const char *svc_nearest_hint(const struct svc_nearest *n, const char *prefix, char *out,
                             size_t size);

#endif
