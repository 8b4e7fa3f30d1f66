/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "ldconsole/process/match.h"

/* Paths that both systems take for absolute and compare alike. */
#define OURS "/ld/LDPlayer9"
static char our_player[] = OURS "/dnplayer.exe", other_player[] = "/ld/LDPlayer14/dnplayer.exe",
            vm[] = "/pf/ldplayer9box/Ld9BoxHeadless.exe",
            other_vm[] = "/ld/LDPlayer14/box/Ld9BoxHeadless.exe";
#define PLAYER(pid_, index_, image_)                                                               \
    {                                                                                              \
        .pid = (pid_), .born = 1, .role = LDC_PROCESS_PLAYER, .index = (index_), .image = (image_) \
    }
#define VM(pid_, index_)                                                                           \
    {                                                                                              \
        .pid = (pid_), .born = 1, .role = LDC_PROCESS_HEADLESS, .index = (index_), .image = vm     \
    }

/* What runs on the machine, what is known of the instance, and what is its own of that. */
static struct {
    const char *what;
    struct ldc_process processes[4];
    struct ldc_claim claim;
    int64_t player, headless;
    int64_t possible;
} rows[] = {
    {"nothing runs", {{.pid = 0}}, {.index = 0}, 0, 0, 0},
    {"what list2 names",
     {PLAYER(10, 0, our_player), VM(11, 0)},
     {.pid = 10, .vbox_pid = 11},
     10,
     11,
     0},
    {"what list2 lost", {PLAYER(10, 0, our_player), VM(11, 0)}, {.index = 0}, 10, 11, 0},
    {"a VM whose player is gone", {VM(11, 0)}, {.index = 0}, 0, 0, 11},
    {"a VM whose player is gone, and that was its own",
     {VM(11, 0)},
     {.index = 0, .headless = {11, 1}},
     0,
     11,
     0},
    {"a VM without a player where its installation has none",
     {VM(11, 0)},
     {.index = 0, .vm_dir = "/pf/ldplayer14box"},
     0,
     0,
     0},
    {"a VM without a player where its installation has its own",
     {VM(11, 0)},
     {.index = 0, .vm_dir = "/pf/ldplayer9box"},
     0,
     0,
     11},
    {"a VM that is older than its player",
     {{.pid = 10, .born = 2, .role = LDC_PROCESS_PLAYER, .image = our_player}, VM(11, 0)},
     {.index = 0},
     10,
     0,
     11},
    {"those of another instance", {PLAYER(10, 1, our_player), VM(11, 1)}, {.index = 0}, 0, 0, 0},
    {"those of another installation",
     {PLAYER(20, 0, other_player), VM(21, 0)},
     {.index = 0},
     0,
     0,
     0},
    {"both run, and list2 names ours",
     {PLAYER(10, 0, our_player), VM(11, 0), PLAYER(20, 0, other_player), VM(21, 0)},
     {.pid = 10, .vbox_pid = 11},
     10,
     11,
     0},
    {"both run, and ours is known from before",
     {PLAYER(10, 0, our_player), VM(11, 0), PLAYER(20, 0, other_player), VM(21, 0)},
     {.index = 0, .headless = {11, 1}},
     10,
     11,
     0},
    {"a known number that was given away",
     {PLAYER(20, 0, other_player), VM(11, 0)},
     {.index = 0, .headless = {11, 7}},
     0,
     0,
     0},
    {"two VMs, and whose they are cannot be told",
     {VM(11, 0), PLAYER(20, 0, other_player), VM(21, 0)},
     {.index = 0},
     0,
     0,
     21},
    {"both run, and list2 names none of ours",
     {PLAYER(10, 0, our_player), VM(11, 0), PLAYER(20, 0, other_player)},
     {.index = 0},
     10,
     0,
     11},
    {"list2 says that ours has no VM, and a neighbour's player has that",
     {PLAYER(10, 0, our_player), PLAYER(20, 0, other_player), VM(21, 0)},
     {.pid = 10, .vbox_pid = -1},
     10,
     0,
     0},
    {"our player waits for its VM, and a neighbour's has lost its player",
     {PLAYER(10, 0, our_player), VM(21, 0)},
     {.pid = 10, .vbox_pid = -1, .has_neighbour = true},
     10,
     0,
     21},
    {"the same, and it was known to be ours",
     {PLAYER(10, 0, our_player), VM(21, 0)},
     {.pid = 10, .vbox_pid = -1, .headless = {21, 1}, .has_neighbour = true},
     10,
     21,
     0},
    {"the neighbour's player has no VM yet, and that is younger than ours",
     {VM(11, 0), {.pid = 20, .born = 2, .role = LDC_PROCESS_PLAYER, .image = other_player}},
     {.index = 0},
     0,
     0,
     11},
    {"the neighbour's player has its VM, outside the folder of ours",
     {VM(11, 0),
      PLAYER(20, 0, other_player),
      {.pid = 21, .born = 1, .role = LDC_PROCESS_HEADLESS, .image = other_vm}},
     {.index = 0, .vm_dir = "/pf/ldplayer9box"},
     0,
     0,
     11},
    {"a neighbour without a VM", {PLAYER(20, 0, other_player)}, {.index = 0}, 0, 0, 0},
    {"a neighbour with its VM outside the folder of ours",
     {PLAYER(20, 0, other_player),
      {.pid = 21, .born = 1, .role = LDC_PROCESS_HEADLESS, .image = other_vm}},
     {.index = 0, .vm_dir = "/pf/ldplayer9box"},
     0,
     0,
     0},
    {"list2 names what says that it is another instance's",
     {PLAYER(10, 1, our_player), VM(11, 1)},
     {.index = 0, .pid = 10, .vbox_pid = 11},
     0,
     0,
     0},
    {"a VM that is older than the disk",
     {{.pid = 21, .age_ms = 60000, .role = LDC_PROCESS_HEADLESS, .image = vm}},
     {.index = 0, .age_ms = 59999},
     0,
     0,
     0},
    {"a VM that may be younger than the disk",
     {{.pid = 21, .age_ms = 60000, .role = LDC_PROCESS_HEADLESS, .image = vm}},
     {.index = 0, .age_ms = 60000},
     0,
     0,
     21},
    {"list2 names the second player",
     {PLAYER(10, 0, our_player), PLAYER(12, 0, our_player)},
     {.pid = 12, .vbox_pid = -1},
     12,
     0,
     0},
    {"the known one rather than a second player",
     {PLAYER(10, 0, our_player), PLAYER(12, 0, our_player)},
     {.index = 0, .player = {12, 1}},
     12,
     0,
     0},
};

static struct ldc_processes list_of(struct ldc_process *items)
{
    size_t n = 0;
    while (n < 4 && items[n].pid)
        n++;
    return (struct ldc_processes){.items = items, .n_items = n};
}

Test(ldc_match, finds_what_is_its_own)
{
    for (size_t i = 0; i < countof(rows); i++) {
        struct ldc_processes list = list_of(rows[i].processes);
        struct ldc_match match;
        ldc_match_find(&list, OURS, &rows[i].claim, &match);
        cr_expect_eq(match.player ? match.player->pid : 0, rows[i].player, "%s", rows[i].what);
        cr_expect_eq(match.headless ? match.headless->pid : 0, rows[i].headless, "%s",
                     rows[i].what);
        cr_expect_eq(match.possible ? match.possible->pid : 0, rows[i].possible, "%s",
                     rows[i].what);
    }
}

Test(ldc_match, owns_a_second_player_and_nothing_of_another_installation)
{
    struct ldc_process processes[4] = {PLAYER(10, 0, our_player), PLAYER(12, 0, our_player),
                                       PLAYER(20, 0, other_player), VM(21, 0)};
    static const bool is_own[4] = {true, true, false, false};
    const struct ldc_claim claim = {.pid = 10, .vbox_pid = -1};
    struct ldc_processes list = list_of(processes);
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(ldc_match_owns(&list, OURS, &claim, &processes[i]), is_own[i], "%zu", i);
}

Test(ldc_match, owns_no_vm_that_may_be_a_neighbours)
{
    struct ldc_process processes[4] = {PLAYER(10, 0, our_player), VM(21, 0)};
    struct ldc_claim claim = {.index = 0, .player = {10, 1}, .has_neighbour = true};
    struct ldc_processes list = list_of(processes);
    cr_expect(ldc_match_owns(&list, OURS, &claim, &processes[0]));
    cr_expect_not(ldc_match_owns(&list, OURS, &claim, &processes[1]));
    claim.has_neighbour = false;
    cr_expect(ldc_match_owns(&list, OURS, &claim, &processes[1]), "then it can only be its own");
}

Test(ldc_match, a_hidden_path_is_its_own_when_nobody_else_runs)
{
    struct ldc_process processes[4] = {
        {.pid = 10, .role = LDC_PROCESS_PLAYER, .index = 0},
        {.pid = 11, .role = LDC_PROCESS_HEADLESS, .index = 0},
    };
    struct ldc_processes list = list_of(processes);
    struct ldc_match match;
    ldc_match_find(&list, OURS, &(struct ldc_claim){.index = 0}, &match);
    cr_assert_eq(match.player, &processes[0]);
    cr_assert_eq(match.headless, &processes[1]);
}

Test(ldc_match, a_manager_belongs_to_an_installation_and_to_no_instance)
{
    char elsewhere[] = "/other/dnmultiplayer", here[] = "/ld9/dnmultiplayer";
    struct ldc_process items[] = {
        {.pid = 10, .role = LDC_PROCESS_MANAGER, .index = -1, .image = elsewhere},
        {.pid = 11, .role = LDC_PROCESS_MANAGER, .index = -1, .image = here},
    };
    struct ldc_processes all = {.items = items, .n_items = 2};
    struct ldc_claim manager = {.index = 0, .pid = 11, .vbox_pid = 11};
    struct ldc_match match;
    cr_expect_eq(ldc_processes_find_manager(&all, "/ld9"), &items[1]);
    ldc_match_find(&all, "/ld9", &manager, &match);
    cr_expect(!match.player && !match.headless);
    all.n_items = 1;
    cr_expect_null(ldc_processes_find_manager(&all, "/ld9"));
    items[0].image = NULL;
    cr_expect_eq(ldc_processes_find_manager(&all, "/ld9"), &items[0], "it may be ours");
}
