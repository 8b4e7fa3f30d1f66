/* SPDX-License-Identifier: MIT */
#ifndef LDC_CONFIG_TEXT_H
#define LDC_CONFIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The text of a config file as it is found (reference 3.1, 11): an object whose members are told
 *  one by one, with where they stand. JSON, and what is harmless beside it: a byte order mark,
 *  comments, commas too many, values that are none (2/8*9, NaN) or missing, numbers as text,
 *  strings in single quotes or with control characters and bytes that are no UTF-8. Everything
 *  points into the text, which need not be terminated and outlives the reader. */
struct ldc_config_text {
    const char *start, *end, *at;
    const char *open;  /* behind the bracket that the object begins with; NULL before it */
    const char *fault; /* NULL while all is well; static */
    bool needs_comma;
};

struct ldc_config_member {
    const char *key; /* between the quotes, as it stands */
    size_t key_len;
    const char
        *value;       /* with its quotes or brackets, as it stands; behind the colon when missing */
    size_t value_len; /* 0 = missing */
};

void ldc_config_text_init(struct ldc_config_text *t, const char *text, size_t n);
/** The next member, also one whose key was there before. False at the end of the object and of the
 *  text, and where neither is possible: `fault` then says what is wrong at `at`. */
bool ldc_config_text_next(struct ldc_config_text *t, struct ldc_config_member *ret);
/** The number of the line that AT is in, from 1. */
unsigned ldc_config_text_line(const struct ldc_config_text *t, const char *at);

bool ldc_config_member_is(const struct ldc_config_member *m, const char *key);
/** Whether there is no value: missing, or null. */
bool ldc_config_member_is_null(const struct ldc_config_member *m);
/** A whole number: 3072, "3072", 3072.0. */
bool ldc_config_member_int(const struct ldc_config_member *m, int64_t *ret);
/** true or false, with quotes or without, or a number. */
bool ldc_config_member_bool(const struct ldc_config_member *m, bool *ret);
/** A string, or what stands there without quotes, as UTF-8 in OUT (SIZE bytes, cut). */
bool ldc_config_member_text(const struct ldc_config_member *m, char *out, size_t size);

#endif
