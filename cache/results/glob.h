/* SPDX-License-Identifier: MIT */
#ifndef CACHE_GLOB_H
#define CACHE_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/** Patterns for cache keys, as in a shell:
 *
 *      *       any run of bytes, also none, also '/'
 *      ?       any byte
 *      [a-z]   a byte of the set; a ']' right after the '[' or '[!' is a member
 *      [!x]    a byte that is not in the set
 *      \x      x itself, in a set as well
 *
 *  Any thread. */
enum { CACHE_GLOB_MAX = 1024 };

/** Returns 0, or UV_EINVAL with the rule that PATTERN breaks in words that follow "the pattern ":
 *  "must not be empty". */
int cache_glob_check(const char *pattern, const char **reterr_rule);
/** Whether PATTERN, which passed the check, matches all of TEXT. Time grows at most with the
 *  product of both lengths. */
bool cache_glob_match(const char *pattern, const char *text);
/** How many bytes at the start of PATTERN stand for themselves: what a scan can compare first. */
size_t cache_glob_literal(const char *pattern);
/** The pattern that matches TEXT alone, owned by the caller. It may be longer than
 *  CACHE_GLOB_MAX when TEXT is. */
char *cache_glob_escape(const char *text);
/** The text that PATTERN, which passed the check, matches alone, owned by the caller; NULL when it
 *  is not made of bytes that stand for themselves and of escaped ones. */
char *cache_glob_unescape(const char *pattern);

#endif
