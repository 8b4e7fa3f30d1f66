/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "control/keep/remedy.h"

#define RUNNING .desired = CACHE_DESIRED_RUNNING, .wish = CACHE_DESIRED_RUNNING
#define STOPPED .desired = CACHE_DESIRED_STOPPED, .wish = CACHE_DESIRED_STOPPED
#define OFF .state = CACHE_STATE_STOPPED
#define UP .state = CACHE_STATE_READY
#define ZOMBIE .state = CACHE_STATE_ZOMBIE, .is_ill = true
#define MAY .repair = CACHE_REPAIR_RESTART
#define FULL .repair = CACHE_REPAIR_FULL

static const struct row {
    const char *what;
    struct ctl_case c;
    enum ctl_remedy remedy;
} rows[] = {
    {"nothing is desired of it", {OFF}, CTL_REMEDY_NONE},
    {"it is as desired", {RUNNING, UP}, CTL_REMEDY_NONE},
    {"it is off as desired", {STOPPED, OFF}, CTL_REMEDY_NONE},
    {"it is on its way", {RUNNING, .state = CACHE_STATE_BOOTING}, CTL_REMEDY_NONE},
    {"it should run", {RUNNING, OFF}, CTL_REMEDY_START},
    {"it should be off", {STOPPED, UP}, CTL_REMEDY_STOP},

    {"a first start is free", {RUNNING, OFF, FULL, .n_acts = 5, .n_on_host = 10}, CTL_REMEDY_START},
    {"without leave to repair a start is tried for ever",
     {RUNNING, OFF, .n_tries = 9, .n_acts = 99, .n_on_host = 99, .is_lasting = true},
     CTL_REMEDY_START},
    {"with it until the budget is used up",
     {RUNNING, OFF, MAY, .n_tries = 4, .n_acts = 4},
     CTL_REMEDY_START},
    {"and then no more", {RUNNING, OFF, MAY, .n_tries = 5, .n_acts = 5}, CTL_REMEDY_QUARANTINE},
    {"what cannot help is not repeated",
     {RUNNING, OFF, MAY, .n_tries = 1, .is_lasting = true},
     CTL_REMEDY_QUARANTINE},
    {"a stop is repeated", {STOPPED, UP, MAY, .n_tries = 9, .n_acts = 9}, CTL_REMEDY_STOP},

    {"ill, and it may only be told", {RUNNING, ZOMBIE}, CTL_REMEDY_NONE},
    {"ill, and not even that", {RUNNING, ZOMBIE, .repair = CACHE_REPAIR_OFF}, CTL_REMEDY_NONE},
    {"ill", {RUNNING, ZOMBIE, MAY}, CTL_REMEDY_REPAIR},
    {"ill, and nobody said what it should be", {ZOMBIE, FULL}, CTL_REMEDY_REPAIR},
    {"not surely ill", {RUNNING, .state = CACHE_STATE_ZOMBIE, FULL}, CTL_REMEDY_NONE},
    {"ill, and it should be off", {STOPPED, ZOMBIE, FULL}, CTL_REMEDY_STOP},
    {"a person wanted it off and it is a zombie",
     {ZOMBIE, FULL, .wish = CACHE_DESIRED_STOPPED},
     CTL_REMEDY_STOP},
    {"ill and up: the desired state is no reason",
     {RUNNING, UP, FULL, .is_ill = true},
     CTL_REMEDY_REPAIR},
    {"up, ill, and should be off", {STOPPED, UP, FULL, .is_ill = true}, CTL_REMEDY_STOP},

    {"ill again and again", {RUNNING, ZOMBIE, FULL, .n_acts = 5}, CTL_REMEDY_QUARANTINE},
    {"many are", {RUNNING, ZOMBIE, FULL, .is_shared = true}, CTL_REMEDY_NONE},
    {"many are, and this one shows whether it is the VM service",
     {RUNNING, .state = CACHE_STATE_STUCK, .is_ill = true, FULL, .is_shared = true,
      .is_service = true},
     CTL_REMEDY_REPAIR},
    {"many are, and its budget is used up",
     {RUNNING, ZOMBIE, FULL, .is_shared = true, .n_acts = 5},
     CTL_REMEDY_NONE},
    {"many are, but it only has to be started",
     {RUNNING, OFF, FULL, .is_shared = true},
     CTL_REMEDY_START},
    {"the host's budget is used up", {RUNNING, ZOMBIE, FULL, .n_on_host = 10}, CTL_REMEDY_HOLD},
    {"in quarantine", {RUNNING, OFF, FULL, .is_quarantined = true}, CTL_REMEDY_NONE},
    {"ill in quarantine", {RUNNING, ZOMBIE, FULL, .is_quarantined = true}, CTL_REMEDY_NONE},
};

Test(ctl_remedy, the_table)
{
    static const struct ctl_budget budget = {.per_hour = 5, .host_per_hour = 10};
    for (size_t i = 0; i < countof(rows); i++)
        cr_expect_eq(ctl_remedy_choose(&rows[i].c, &budget), rows[i].remedy, "%s", rows[i].what);
}

Test(ctl_remedy, one_cause_is_what_half_of_them_have_and_three_at_least)
{
    cr_expect_not(ctl_remedy_is_shared(0, 0));
    cr_expect_not(ctl_remedy_is_shared(2, 2));
    cr_expect(ctl_remedy_is_shared(3, 3));
    cr_expect(ctl_remedy_is_shared(3, 6));
    cr_expect_not(ctl_remedy_is_shared(3, 7));
}
