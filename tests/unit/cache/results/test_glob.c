/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "cache/results/glob.h"
#include "tests/unit/cache/dice.h"

static const char *rule_of(const char *pattern)
{
    const char *rule = "none";
    int r = cache_glob_check(pattern, &rule);
    cr_assert_eq(r, strcmp(rule, "none") ? UV_EINVAL : 0);
    return rule;
}

Test(cache_glob, matches_as_a_shell_does)
{
    static const struct {
        const char *pattern, *text;
        bool is_match;
    } rows[] = {
        {"abc", "abc", true},
        {"abc", "ab", false},
        {"abc", "abcd", false},
        {"*", "", true},
        {"*", "a/b c", true},
        {"?", "", false},
        {"?", "a", true},
        {"?", "ab", false},
        {"a*", "a", true},
        {"a*c", "abbbc", true},
        {"a*c", "abbbcd", false},
        {"*abab", "ababcabab", true},
        {"*a*b*c*", "xxaxxbxxcxx", true},
        {"*a*b*c*", "xxcxxbxxaxx", false},
        {"a**?**c", "abc", true},
        {"a**?**c", "ac", false},
        {"workstations_*", "workstations_list", true},
        {"workstations_*", "workstation_list", false},
        {"[a-c]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[!a-c]x", "dx", true},
        {"[!a-c]x", "bx", false},
        {"[!a-c]", "", false},
        {"[abc-]", "-", true},
        {"[-a]", "-", true},
        {"[]x]", "]", true},
        {"[!]x]", "]", false},
        {"[!]x]", "y", true},
        {"[a-c0-9_]", "5", true},
        {"[a!]", "!", true},
        {"[^a]", "^", true},
        {"[[]", "[", true},
        {"[*?]", "*", true},
        {"[*?]", "x", false},
        {"[\\]]", "]", true},
        {"[\\--\\/]", ".", true},
        {"[a\\-c]", "b", false},
        {"[\xc0-\xff]", "\xe9", true},
        {"\\*", "*", true},
        {"\\*", "x", false},
        {"\\[a]", "[a]", true},
        {"\\\\", "\\", true},
        {"a]", "a]", true},
        {"x*[0-9]", "xa1b2", true},
        {"x*[0-9]", "xa1b", false},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        cr_assert_str_eq(rule_of(rows[i].pattern), "none", "%s", rows[i].pattern);
        cr_assert_eq(cache_glob_match(rows[i].pattern, rows[i].text), rows[i].is_match,
                     "%s against %s", rows[i].pattern, rows[i].text);
    }
}

Test(cache_glob, says_which_rule_a_pattern_breaks)
{
    static const struct {
        const char *pattern, *rule;
    } rows[] = {
        {"", "must not be empty"},  {"a\nb", "control characters"}, {"a\x7f", "control characters"},
        {"[", "no ']' closes"},     {"[]", "no ']' closes"},        {"[!]", "no ']' closes"},
        {"x[a-", "no ']' closes"},  {"[a-\\", "no ']' closes"},     {"[a\\", "no ']' closes"},
        {"[a\\]", "no ']' closes"}, {"[a]*[", "no ']' closes"},     {"[z-a]", "runs backwards"},
        {"a\\", "escapes nothing"},
    };
    for (size_t i = 0; i < countof(rows); i++)
        cr_assert_not_null(strstr(rule_of(rows[i].pattern), rows[i].rule), "\"%s\": %s",
                           rows[i].pattern, rule_of(rows[i].pattern));
}

static char *repeat(const char *part, size_t n)
{
    size_t len = strlen(part);
    char *text = mem_alloc(n * len + 1);
    for (size_t i = 0; i < n; i++)
        memcpy(text + i * len, part, len);
    return text;
}

Test(cache_glob, refuses_what_is_too_long)
{
    char *longest = repeat("a", CACHE_GLOB_MAX), *longer = repeat("a", CACHE_GLOB_MAX + 1);
    char *stars = repeat("*", 10000), *ten_kb = repeat("0123456789", 1024);
    cr_assert_str_eq(rule_of(longest), "none");
    cr_assert_str_eq(rule_of(longer), "must be at most 1024 bytes long");
    cr_assert_str_eq(rule_of(stars), "must be at most 1024 bytes long");
    cr_assert_str_eq(rule_of(ten_kb), "must be at most 1024 bytes long");
    mem_free(longest);
    mem_free(longer);
    mem_free(stars);
    mem_free(ten_kb);
}

/* Each of these takes years when every star is tried at every place. */
Test(cache_glob, evil_patterns_end)
{
    static const char *const parts[] = {"*", "a*", "*a", "*?", "[a-z]*", "*a*b", "?*[!b]*"};
    char *text = repeat("a", 512);
    for (size_t i = 0; i < countof(parts); i++) {
        char *evil = repeat(parts[i], 1000 / strlen(parts[i]));
        char *miss = mem_printf("%sb", evil);
        cr_assert_str_eq(rule_of(miss), "none");
        cr_assert_not(cache_glob_match(miss, text), "%s", miss);
        mem_free(evil);
        mem_free(miss);
    }
    mem_free(text);
}

Test(cache_glob, a_literal_start_stands_for_itself)
{
    cr_assert_eq(cache_glob_literal("workstations_*"), 13);
    cr_assert_eq(cache_glob_literal("*"), 0);
    cr_assert_eq(cache_glob_literal("ab"), 2);
    cr_assert_eq(cache_glob_literal("a\\b"), 1);
    cr_assert_eq(cache_glob_literal("a[b]"), 1);
}

Test(cache_glob, an_escaped_text_matches_itself_alone)
{
    static const char *const texts[] = {"", "plain", "a*b", "[x]?\\", "a]b"};
    for (size_t i = 0; i < countof(texts); i++) {
        char *pattern = cache_glob_escape(texts[i]);
        for (size_t j = 0; j < countof(texts); j++)
            cr_assert_eq(cache_glob_match(pattern, texts[j]), i == j, "%s, %s", pattern, texts[j]);
        cr_assert_eq(cache_glob_match(pattern, "axb"), false);
        char *text = cache_glob_unescape(pattern);
        cr_assert_str_eq(text, texts[i]);
        mem_free(text);
        mem_free(pattern);
    }
}

Test(cache_glob, what_matches_more_than_one_text_has_none)
{
    cr_assert_null(cache_glob_unescape("a*"));
    cr_assert_null(cache_glob_unescape("?"));
    cr_assert_null(cache_glob_unescape("a[b]"));
}

/* --- against a matcher that is slow and obvious --- */

/* Whether the N bytes of a set's inside hold BYTE. */
static bool naive_set(const char *set, size_t n, unsigned char byte)
{
    for (size_t i = 0; i < n;) {
        unsigned char ends[2];
        for (int end = 0; end < 2; end++) {
            i += set[i] == '\\';
            ends[end] = (unsigned char)set[i++];
            if (end == 0 && (i + 1 >= n || set[i] != '-')) {
                ends[1] = ends[0];
                break;
            }
            i += end == 0;
        }
        if (byte >= ends[0] && byte <= ends[1])
            return true;
    }
    return false;
}

static size_t naive_set_length(const char *set)
{
    size_t n = 0;
    while (set[n] != ']' || n == 0)
        n += 1 + (set[n] == '\\');
    return n;
}

static bool naive_match(const char *pattern, const char *text)
{
    if (!*pattern)
        return !*text;
    if (*pattern == '*')
        return naive_match(pattern + 1, text) || (*text && naive_match(pattern, text + 1));
    if (!*text)
        return false;
    if (*pattern == '?')
        return naive_match(pattern + 1, text + 1);
    if (*pattern == '[') {
        const char *set = pattern + 1 + (pattern[1] == '!');
        size_t n = naive_set_length(set);
        return naive_set(set, n, (unsigned char)*text) != (pattern[1] == '!') &&
               naive_match(set + n + 1, text + 1);
    }
    pattern += *pattern == '\\';
    return *pattern == *text && naive_match(pattern + 1, text + 1);
}

/* A few letters, so that much of what is thrown matches. */
static void throw_text(struct dice *d, const char *letters, char *out, size_t max_len)
{
    size_t len = dice_below(d, max_len + 1), n = strlen(letters);
    for (size_t i = 0; i < len; i++)
        out[i] = letters[dice_below(d, n)];
    out[len] = '\0';
}

Test(cache_glob, agrees_with_an_obvious_matcher)
{
    struct dice d;
    dice_init(&d);
    unsigned long n_valid = 0, n_matches = 0;
    for (int i = 0; i < 1000000; i++) {
        char pattern[16], text[12];
        const char *rule;
        throw_text(&d, "abc**?[]!-\\", pattern, sizeof(pattern) - 1);
        if (cache_glob_check(pattern, &rule) < 0)
            continue;
        n_valid++;
        for (int j = 0; j < 3; j++) {
            throw_text(&d, "abc-]", text, sizeof(text) - 1);
            bool is_match = cache_glob_match(pattern, text);
            n_matches += is_match;
            cr_assert_eq(is_match, naive_match(pattern, text), "%s against %s, seed %" PRIu64,
                         pattern, text, d.seed);
        }
    }
    cr_assert_gt(n_valid, 100000, "%lu patterns were valid", n_valid);
    cr_assert_gt(n_matches, 10000, "%lu pairs matched", n_matches);
}

/* Whatever the bytes are, the check reads no further than their end and says yes or no. */
Test(cache_glob, any_bytes_are_checked_and_matched)
{
    struct dice d;
    dice_init(&d);
    for (int i = 0; i < 200000; i++) {
        size_t len = dice_below(&d, 40);
        char *pattern = mem_alloc(len + 1);
        const char *rule = NULL;
        for (size_t j = 0; j < len; j++)
            pattern[j] = (char)(1 + dice_below(&d, 255));
        if (cache_glob_check(pattern, &rule) == 0)
            (void)cache_glob_match(pattern, "instances?state=running");
        else
            cr_assert_not_null(rule);
        mem_free(pattern);
    }
}
