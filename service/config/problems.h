/* SPDX-License-Identifier: MIT */
#ifndef SVC_PROBLEMS_H
#define SVC_PROBLEMS_H

#include "base/memory/buf.h"

/** What is wrong with what the user gave us: all of it, one line each, because a person who has
 *  three mistakes in a file wants to hear of three. */
struct svc_problems {
    struct buf text;
    unsigned n;
};

void svc_problems_init(struct svc_problems *p);
/** For `cleanup(svc_problems_deinit)`. */
void svc_problems_deinit(struct svc_problems *p);
/** Adds one line; the line end is added here. */
void svc_problems_add(struct svc_problems *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/** Every line, or "" when there is none. */
const char *svc_problems_text(const struct svc_problems *p);

#endif
