/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"
#include "control/steps/newcomer.h"

enum { NONE = -1 };

/* A title that is the config file's has a '!' before it, and behind that a '+' where the file was
 * made behind our command. */
static const struct {
    const char *what;
    const char *name, *source;
    int returned;
    bool is_late;
    struct {
        int index;
        const char *title;
    } new[3];
    int ours;
} rows[] = {
    {"nothing is new", "mine", "", 3, true, {{0}}, NONE},
    {"as asked", "mine", "", 3, false, {{3, "!mine"}}, 3},
    {"named, of nobody knows which index", "mine", "", NONE, false, {{3, "!mine"}}, 3},
    {"named, and another index returned", "mine", "", 4, false, {{3, "!mine"}}, 3},
    {"twins: the returned index", "mine", "", 4, false, {{3, "!mine"}, {4, "!mine"}}, 4},
    {"twins of unknown index", "mine", "", NONE, true, {{3, "!mine"}, {4, "!mine"}}, NONE},
    {"somebody's", "mine", "", NONE, true, {{3, "!theirs"}}, NONE},
    {"somebody's at the returned index", "mine", "", 3, true, {{3, "!theirs"}}, NONE},
    {"somebody's beside ours", "mine", "", NONE, true, {{3, "!theirs"}, {4, "!mine"}}, 4},
    {"not named yet, at the returned index", "mine", "", 3, false, {{3, "LDPlayer-3"}}, 3},
    {"made behind our command, at the returned index",
     "mine",
     "",
     3,
     false,
     {{3, "+LDPlayer-3"}},
     NONE},
    {"ours, though its file was written anew", "mine", "", 3, false, {{3, "!+mine"}}, 3},
    {"no name: made behind our command", "", "", 3, true, {{3, "!+LDPlayer-3"}}, NONE},
    {"nameless, at another index", "mine", "", NONE, true, {{3, "LDPlayer-3"}}, NONE},
    {"no name: the only one", "", "", NONE, true, {{3, "LDPlayer-3"}}, 3},
    {"no name: the default in the file", "", "", NONE, true, {{3, "!LDPlayer-3"}}, 3},
    {"no name: another's default", "", "", NONE, true, {{3, "!LDPlayer-4"}}, NONE},
    {"no name: somebody's", "", "", 3, true, {{3, "!theirs"}}, NONE},
    {"no name: one of two", "", "", 4, false, {{3, "LDPlayer-3"}, {4, "LDPlayer-4"}}, 4},
    {"no name: the returned one may come", "", "", 4, false, {{3, "LDPlayer-3"}}, NONE},
    {"no name: the returned one never came", "", "", 4, true, {{3, "LDPlayer-3"}}, 3},
    {"no name: two", "", "", NONE, true, {{3, "LDPlayer-3"}, {4, "LDPlayer-4"}}, NONE},
    {"no name: beside somebody's", "", "", NONE, true, {{3, "!theirs"}, {4, "LDPlayer-4"}}, 4},
    {"a copy begins as its source", "mine", "old", 3, false, {{3, "!old"}}, 3},
    {"a copy without a name", "", "old", NONE, true, {{3, "!old-3"}}, 3},
    {"a copy of another", "", "old", 3, true, {{3, "!other-3"}}, NONE},
};

Test(ctl_newcomers, ours_is_told_from_what_others_make)
{
    for (size_t r = 0; r < countof(rows); r++) {
        struct cache_instance made[countof(rows[r].new)];
        struct ctl_newcomers n = {.name = rows[r].name,
                                  .source = rows[r].source,
                                  .returned = rows[r].returned,
                                  .is_late = rows[r].is_late};
        for (size_t i = 0; i < countof(made) && rows[r].new[i].title; i++) {
            const char *title = rows[r].new[i].title;
            bool has_title = *title == '!';
            title += has_title;
            bool is_behind = *title == '+';
            title += is_behind;
            made[i] = (struct cache_instance){.index = rows[r].new[i].index};
            str_copy(made[i].name, sizeof(made[i].name), title);
            ctl_newcomers_add(&n, &made[i], has_title, is_behind);
        }
        const struct cache_instance *ours = ctl_newcomers_choose(&n);
        cr_expect_eq(ours ? ours->index : NONE, rows[r].ours, "%s", rows[r].what);
    }
}
