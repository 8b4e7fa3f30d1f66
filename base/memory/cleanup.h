/* SPDX-License-Identifier: MIT */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

/** Scoped ownership: a local marked `cleanup(fn)` has `fn(&local)` called when it leaves scope.
 *  A constructor builds into such a local and hands it over with `take_ptr` on success, so the
 *  only failure path is `return`. */
#define cleanup(fn) __attribute__((cleanup(fn)))

/** Evaluates to the pointer held in P and leaves NULL behind: ownership moves to the reader. */
#define take_ptr(p)                                                                                \
    ({                                                                                             \
        __typeof__(p) taken_ = (p);                                                                \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })

/** The struct of TYPE whose MEMBER is at PTR. */
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define countof(array) (sizeof(array) / sizeof((array)[0]))

#endif
