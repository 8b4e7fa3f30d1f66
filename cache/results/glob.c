/* SPDX-License-Identifier: MIT */
#include "cache/results/glob.h"

#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"

/* Only the last star can need another try: whatever an earlier one could take in addition, the
 * last one can take as well. So one place to come back to is enough, and the work is bounded by
 * the product of the lengths. */

/* The byte that a pattern has at *P, escaped or not; *P moves behind it. */
static unsigned char take_byte(const char **p)
{
    *p += **p == '\\';
    return (unsigned char)*(*p)++;
}

/* What follows the '[' at P. Returns where the set ends, behind its ']'. */
static const char *match_set(const char *p, unsigned char byte, bool *ret_is_match)
{
    bool is_negated = *p == '!', is_member = false;
    p += is_negated;
    const char *first = p;
    while (*p != ']' || p == first) {
        unsigned char low = take_byte(&p), high = low;
        if (*p == '-' && p[1] != ']') {
            p++;
            high = take_byte(&p);
        }
        is_member |= low <= byte && byte <= high;
    }
    *ret_is_match = is_member != is_negated;
    return p + 1;
}

/* One element of the pattern that is no star against one byte. Returns where the next one begins,
 * or NULL. */
static const char *match_one(const char *p, unsigned char byte)
{
    bool is_match;
    switch (*p) {
    case '\0':
        return NULL;
    case '?':
        return p + 1;
    case '[':
        p = match_set(p + 1, byte, &is_match);
        return is_match ? p : NULL;
    default:
        return take_byte(&p) == byte ? p : NULL;
    }
}

bool cache_glob_match(const char *pattern, const char *text)
{
    const char *p = pattern, *star = NULL, *from = NULL;
    while (*text) {
        if (*p == '*') {
            star = ++p;
            from = text;
            continue;
        }
        const char *next = match_one(p, (unsigned char)*text);
        if (next) {
            p = next;
            text++;
        } else if (star && *star) {
            p = star;
            text = ++from;
        } else {
            return star != NULL; /* a star at the end takes the rest */
        }
    }
    return p[strspn(p, "*")] == '\0';
}

size_t cache_glob_literal(const char *pattern)
{
    return strcspn(pattern, "*?[\\");
}

char *cache_glob_escape(const char *text)
{
    char *pattern = mem_alloc(2 * strlen(text) + 1), *out = pattern;
    for (; *text; text++) {
        if (strchr("*?[\\", *text))
            *out++ = '\\';
        *out++ = *text;
    }
    return pattern;
}

char *cache_glob_unescape(const char *pattern)
{
    char *text cleanup(mem_freep) = mem_alloc(strlen(pattern) + 1);
    for (char *out = text; *pattern;) {
        if (strchr("*?[", *pattern))
            return NULL;
        *out++ = (char)take_byte(&pattern);
    }
    return take_ptr(text);
}

/* What follows the '[' at P. Returns where the set ends, or NULL with the rule. */
static const char *check_set(const char *p, const char **reterr_rule)
{
    static const char *const open = "has a '[' that no ']' closes; write \\[ for a bracket itself";
    p += *p == '!';
    const char *first = p;
    while (*p != ']' || p == first) {
        if (!*p || (*p == '\\' && !p[1])) {
            *reterr_rule = open;
            return NULL;
        }
        unsigned char low = take_byte(&p);
        if (*p != '-' || p[1] == ']')
            continue;
        p++;
        if (!*p || (*p == '\\' && !p[1])) {
            *reterr_rule = open;
            return NULL;
        }
        if (take_byte(&p) < low) {
            *reterr_rule = "has a range that runs backwards; write [a-z], not [z-a]";
            return NULL;
        }
    }
    return p + 1;
}

static const char *check_syntax(const char *p)
{
    const char *rule = NULL;
    while (p && *p) {
        if (*p == '\\' && !p[1])
            return "ends with a backslash that escapes nothing; write \\\\ for a backslash itself";
        if (*p == '[')
            p = check_set(p + 1, &rule);
        else
            take_byte(&p);
    }
    return rule;
}

int cache_glob_check(const char *pattern, const char **reterr_rule)
{
    const char *rule = NULL;
    if (!*pattern)
        rule = "must not be empty; write * for everything";
    else if (strlen(pattern) > CACHE_GLOB_MAX)
        rule = "must be at most 1024 bytes long";
    else if (str_has_controls(pattern))
        rule = "must not have control characters";
    else
        rule = check_syntax(pattern);
    if (!rule)
        return 0;
    *reterr_rule = rule;
    return UV_EINVAL;
}
