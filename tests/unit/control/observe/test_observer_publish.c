/* SPDX-License-Identifier: MIT */
/* Ten thousand instances: what comes between two turns of a look at all of them. */
#include <criterion/criterion.h>

#include <string.h>

#include "base/memory/buf.h"
#include "base/memory/mem.h"
#include "cache/tables/events.h"
#include "cache/tables/instances.h"
#include "control/observe/observer_private.h"
#include "tests/support/fake_farm.h"
#include "tests/support/fake_runner.h"
#include "tests/support/folder.h"

enum { N_INSTANCES = 10000, N_SLICES = N_INSTANCES / CTL_OBSERVER_SLICE };

static struct {
    struct loop loop;
    char *folder; /* of the database */
    struct fake_farm *farm;
    struct fake_runner *runner;
    struct cache_store *store;
    struct cache_events *events;
    struct ldc_client *client;
    struct ctl_observer *observer;
    uv_timer_t pulse; /* keeps the loop turning */
    unsigned n_answered;
    char *lists[4]; /* that were printed */
    size_t n_lists;
} t;

static sqlite3 *open_db(void)
{
    sqlite3 *db = NULL;
    struct cache_db_error error;
    cr_assert_eq(cache_db_open(t.folder, &db, NULL, &error), 0, "%s", error.text);
    return db;
}

static void do_nothing(uv_timer_t *pulse)
{
    (void)pulse;
}

static void set_up(void)
{
    struct ldc_install install = {0};
    struct ldc_client_options calls = ldc_client_defaults;
    struct ctl_observer_options options = ctl_observer_defaults;
    sqlite3 *db;
    t.folder = folder_make();
    t.farm = fake_farm_new();
    db = open_db();
    cr_assert_eq(loop_init(&t.loop), 0);
    uv_timer_init(&t.loop.uv, &t.pulse);
    uv_timer_start(&t.pulse, do_nothing, 1, 1);
    cr_assert_eq(cache_events_new(db, 100, &t.events), 0);
    t.store = cache_store_new(&t.loop, db, NULL);
    cache_events_set_store(t.events, t.store);
    t.runner = fake_runner_new(&t.loop);
    ldc_install_from_path(fake_farm_ldconsole(t.farm), &install);
    calls.max_output = 16 << 20;
    t.client = ldc_client_new(&t.loop, fake_runner_base(t.runner), &install, &calls);
    ldc_install_deinit(&install);
    options.active_ms = options.idle_ms = 1000000;
    struct ctl_observer_parts parts = {&t.loop, t.client, t.store, t.events};
    t.observer = ctl_observer_new(&parts, &options);
}

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

static void turn(void)
{
    uv_run(&t.loop.uv, UV_RUN_ONCE);
}

#define CLOSE(close, part)                                                                         \
    do {                                                                                           \
        bool is_closed = false;                                                                    \
        close(part, note_closed, &is_closed);                                                      \
        while (!is_closed)                                                                         \
            turn();                                                                                \
    } while (0)

static void tear_down(void)
{
    CLOSE(ctl_observer_close, t.observer);
    CLOSE(ldc_client_close, t.client);
    CLOSE(cache_store_close, t.store);
    cache_events_free(t.events);
    uv_close((uv_handle_t *)&t.pulse, NULL);
    cr_assert_eq(loop_deinit(&t.loop), 0);
    fake_farm_free(t.farm);
    for (size_t i = 0; i < t.n_lists; i++)
        mem_free(t.lists[i]);
}

TestSuite(ctl_observer_publish, .init = set_up, .timeout = 120);

/* The list of all of them, each with NAME, but N_LESS. */
static void print(const char *name, unsigned n_less)
{
    struct buf list;
    buf_init(&list, 0);
    for (int i = 0; i < N_INSTANCES - (int)n_less; i++)
        (void)buf_printf(&list, "%d,%s,0,0,0,-1,-1,960,540,160\r\n", i, name);
    t.lists[t.n_lists] = buf_take(&list, NULL);
    fake_runner_answer_next(t.runner, 0, t.lists[t.n_lists++]);
}

static void note_answer(void *arg, int status)
{
    (void)arg;
    cr_assert(status == 0 || status == UV_ECANCELED, "%s", uv_strerror(status));
    t.n_answered++;
}

static size_t count_named(const char *name)
{
    size_t n = 0;
    (void)cache_snapshot_by_name(ctl_observer_snapshot(t.observer), name, &n);
    return n;
}

static size_t n_judged(void)
{
    size_t n = t.observer->n_judged;
    return n == SIZE_MAX ? 0 : n;
}

/* A turn judges one slice, or, where one ends and the next begins, two. Returns whether some. */
static bool turn_and_judge(void)
{
    size_t before = n_judged();
    turn();
    cr_assert_leq(n_judged(), before + 2 * (size_t)CTL_OBSERVER_SLICE);
    return n_judged() > before;
}

static void expect_all_named(const char *name)
{
    struct cache_snapshot *snapshot = ctl_observer_snapshot(t.observer);
    cr_assert_eq(count_named(name), cache_snapshot_count(snapshot), "no mixture");
    cr_assert_eq(cache_snapshot_is_observed(snapshot), cache_snapshot_count(snapshot) > 0);
}

/* Looks, and returns when all have NAME. Until then, turn after turn, all have FORMER. */
static void look_until_shown(const char *former, const char *name, unsigned n_less)
{
    unsigned n_turns = 0;
    print(name, n_less);
    (void)ctl_observer_want(t.observer, 0, note_answer, NULL);
    while (count_named(name) == 0) {
        expect_all_named(former);
        n_turns += turn_and_judge();
    }
    cr_assert_geq(n_turns, N_SLICES / 2);
    cr_assert_eq(cache_snapshot_count(ctl_observer_snapshot(t.observer)), N_INSTANCES - n_less);
    expect_all_named(name);
}

/* The same, until all changes are told; only then who waits is answered. */
static void look(const char *former, const char *name, unsigned n_less)
{
    unsigned n_turns = 0, n_answered = t.n_answered;
    look_until_shown(former, name, n_less);
    for (; t.n_answered == n_answered; n_turns++) {
        expect_all_named(name);
        turn();
    }
    cr_assert_geq(n_turns, N_SLICES - 1);
}

/* Rows of the database when all has ended. */
static size_t count_rows(void)
{
    struct cache_instance *items = NULL;
    size_t n = 0;
    sqlite3 *db = open_db();
    cr_assert_eq(cache_instances_load(db, &items, &n), 0);
    for (size_t i = 0; i < n; i++)
        cache_instance_deinit(&items[i]);
    mem_free(items);
    cache_db_close(db);
    return n;
}

static size_t tear_down_and_count(void)
{
    tear_down();
    size_t n = count_rows();
    folder_remove(t.folder);
    return n;
}

Test(ctl_observer_publish, readers_see_all_as_before_or_all_as_now)
{
    look("", "one", 0);
    look("one", "two", 100);
    cr_expect_eq(tear_down_and_count(), N_INSTANCES - 100);
}

Test(ctl_observer_publish, a_look_under_way_answers_whom_it_is_young_enough_for)
{
    print("one", 0);
    (void)ctl_observer_want(t.observer, 0, note_answer, NULL);
    while (n_judged() == 0)
        turn();
    cr_expect_not_null(ctl_observer_want(t.observer, 600000, note_answer, NULL));
    while (t.n_answered == 0)
        turn();
    cr_expect_eq(t.n_answered, 2);
    (void)tear_down_and_count();
}

Test(ctl_observer_publish, a_stop_amid_the_judging_leaves_all_as_before)
{
    look("", "one", 0);
    print("two", 100);
    (void)ctl_observer_want(t.observer, 0, note_answer, NULL);
    while (n_judged() == 0)
        turn();
    expect_all_named("one");
    cr_expect_eq(tear_down_and_count(), N_INSTANCES);
}

Test(ctl_observer_publish, what_was_shown_is_known_after_a_stop_amid_the_telling)
{
    look_until_shown("", "one", 0);
    cr_expect_eq(t.n_answered, 0);
    cr_expect_eq(tear_down_and_count(), N_INSTANCES);
}

/* The computer slept: what was judged so far is of another time. */
Test(ctl_observer_publish, a_look_that_is_no_longer_believed_is_given_up)
{
    look("", "one", 0);
    print("two", 0);
    (void)ctl_observer_want(t.observer, 0, note_answer, NULL);
    while (n_judged() == 0)
        turn();
    ctl_observer_distrust(t.observer, "slept");
    t.n_answered = 0;
    look_until_shown("one", "three", 0);
    (void)tear_down_and_count();
}
