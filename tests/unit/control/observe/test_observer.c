/* SPDX-License-Identifier: MIT */
#include "base/text/str.h"
#include "ldconsole/verbs/timing.h"
#include "tests/unit/control/world.h"

static struct world w;

static void put_three(void)
{
    world_init(&w);
    fake_farm_put(w.farm, 0, "zero");
    fake_farm_put(w.farm, 1, "one");
    fake_farm_put(w.farm, 2, "two");
}

static void set_up(void)
{
    put_three();
    world_open(&w);
}

/* Surveys only when somebody asks. */
static void set_up_quiet(void)
{
    put_three();
    w.observing.active_ms = w.observing.idle_ms = 1000000;
    world_open(&w);
    world_look(&w);
}

static void tear_down(void)
{
    world_end(&w);
}

TestSuite(ctl_observer, .init = set_up, .fini = tear_down, .timeout = 60);
TestSuite(ctl_observer_quiet, .init = set_up_quiet, .fini = tear_down, .timeout = 60);

/* --- when it looks --- */

struct count {
    unsigned n;
    int status;
};

static void count(void *arg, int status)
{
    struct count *c = arg;
    c->n++;
    c->status = status;
}

/* The first begins a look, all that come while it is under way share the next. */
Test(ctl_observer_quiet, ten_thousand_readers_share_two_looks)
{
    struct count c = {0};
    unsigned before = fake_farm_count(w.farm, "list2");
    for (int i = 0; i < 10000; i++)
        cr_assert_not_null(ctl_observer_want(w.observer, 0, count, &c));
    cr_expect_eq(c.n, 0);
    world_until(&w, c.n == 10000);
    cr_expect_eq(c.status, 0);
    cr_expect_eq(fake_farm_count(w.farm, "list2"), before + 2);
}

Test(ctl_observer_quiet, what_is_fresh_enough_is_answered_at_once)
{
    struct count c = {0};
    unsigned before = fake_farm_count(w.farm, "list2");
    cr_expect_null(ctl_observer_want(w.observer, 60000, count, &c));
    cr_expect_eq(c.n, 1);
    cr_expect_eq(c.status, 0);
    cr_expect_eq(fake_farm_count(w.farm, "list2"), before);

    fake_clock_skip(60001);
    cr_expect_not_null(ctl_observer_want(w.observer, 60000, count, &c));
    world_until(&w, c.n == 2);
    cr_expect_eq(fake_farm_count(w.farm, "list2"), before + 1);
}

Test(ctl_observer_quiet, nothing_is_believed_after_a_sleep_before_a_new_look)
{
    struct count c = {0};
    unsigned before = fake_farm_count(w.farm, "list2");
    struct cache_snapshot *snapshot = ctl_observer_snapshot(w.observer);
    ctl_observer_distrust(w.observer, "slept");
    cr_expect_str_eq(cache_snapshot_stale_reason(snapshot), "slept");
    cr_expect_eq(cache_snapshot_count(snapshot), 3);
    cr_expect_not_null(ctl_observer_want(w.observer, 60000, count, &c));
    world_until(&w, c.n == 1);
    cr_expect_null(cache_snapshot_stale_reason(snapshot));
    cr_expect_eq(fake_farm_count(w.farm, "list2"), before + 1);
}

Test(ctl_observer_quiet, a_look_begun_before_a_sleep_is_not_believed)
{
    struct count c = {0};
    unsigned before = fake_farm_count(w.farm, "list2");
    ctl_observer_look(w.observer);
    ctl_observer_distrust(w.observer, "slept");
    cr_expect_not_null(ctl_observer_want(w.observer, 60000, count, &c));
    world_until(&w, c.n == 1);
    cr_expect_null(cache_snapshot_stale_reason(ctl_observer_snapshot(w.observer)));
    cr_expect_eq(fake_farm_count(w.farm, "list2"), before + 2);
}

static void count_look(void *arg)
{
    ++*(unsigned *)arg;
}

/* The farm prints its list when list2 begins, so what changes after that is not in it. */
Test(ctl_observer_quiet, a_look_that_began_before_the_question_does_not_answer_it)
{
    struct count c = {0};
    unsigned before = fake_farm_count(w.farm, "list2"), n_looks = 0;
    struct ctl_survey_listener listener = {.fn = count_look, .arg = &n_looks};
    ctl_observer_listen(w.observer, &listener);
    ctl_observer_look(w.observer);
    fake_farm_set(w.farm, 1, 1, 77, 78);
    for (int i = 0; i < 1000; i++)
        (void)ctl_observer_want(w.observer, 0, count, &c);
    world_until(&w, n_looks == 1);
    cr_expect_eq(c.n, 0);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_STOPPED);
    world_until(&w, c.n == 1000);
    cr_expect_eq(c.status, 0);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_RUNNING);
    cr_expect_eq(fake_farm_count(w.farm, "list2"), before + 2, "one for all of them");
    cr_expect_eq(fake_farm_peak(w.farm, "list2"), 1);
    ctl_observer_unlisten(&listener);
}

Test(ctl_observer_quiet, a_look_under_way_answers_whom_it_is_young_enough_for)
{
    struct count patient = {0}, other = {0};
    unsigned before = fake_farm_count(w.farm, "list2");
    fake_clock_skip(60001);
    ctl_observer_look(w.observer);
    fake_clock_skip(100);
    cr_expect_not_null(ctl_observer_want(w.observer, 60000, count, &patient));
    cr_expect_not_null(ctl_observer_want(w.observer, 99, count, &other));
    world_until(&w, patient.n == 1);
    cr_expect_eq(fake_farm_count(w.farm, "list2"), before + 2, "the next has just begun");
    cr_expect_eq(other.n, 0);
    world_until(&w, other.n == 1);
    cr_expect_eq(fake_farm_count(w.farm, "list2"), before + 2);
}

/* What was seen may be as old as the moment in which the look began. */
Test(ctl_observer_quiet, the_age_of_what_is_known_counts_from_the_begin_of_the_look)
{
    struct count c = {0};
    struct cache_snapshot *snapshot = ctl_observer_snapshot(w.observer);
    (void)ctl_observer_want(w.observer, 0, count, &c);
    int64_t began_at = clock_wall_ms();
    fake_clock_skip(7000);
    world_until(&w, c.n == 1);
    cr_expect_geq(cache_snapshot_age_ms(snapshot, clock_mono_ms()), 7000);
    cr_expect_leq(cache_snapshot_observed_wall_ms(snapshot), began_at);
}

static void expect_running(void *arg)
{
    unsigned *n = arg;
    ++*n;
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_RUNNING);
}

static void expect_listener_first(void *arg, int status)
{
    cr_expect_eq(status, 0);
    cr_expect_eq(*(unsigned *)arg, 1);
    *(unsigned *)arg = 100;
}

Test(ctl_observer_quiet, listeners_know_a_look_before_those_who_wait_for_it)
{
    unsigned n = 0;
    struct ctl_survey_listener listener = {.fn = expect_running, .arg = &n};
    ctl_observer_listen(w.observer, &listener);
    fake_farm_set(w.farm, 1, 1, 77, 78);
    (void)ctl_observer_want(w.observer, 0, expect_listener_first, &n);
    world_until(&w, n == 100);
    ctl_observer_unlisten(&listener);
}

Test(ctl_observer_quiet, a_reader_that_gave_up_is_not_answered)
{
    struct count c = {0}, d = {0};
    struct ctl_fresh_wait *wait = ctl_observer_want(w.observer, 0, count, &c);
    (void)ctl_observer_want(w.observer, 0, count, &d);
    ctl_observer_cancel_want(wait);
    world_until(&w, d.n == 1);
    cr_expect_eq(c.n, 0);
}

static void want_again(void *arg, int status)
{
    cr_expect_eq(status, 0);
    (void)ctl_observer_want(w.observer, 0, count, arg);
}

Test(ctl_observer_quiet, a_reader_that_asks_again_gets_a_newer_look)
{
    struct count c = {0};
    unsigned before = fake_farm_count(w.farm, "list2");
    (void)ctl_observer_want(w.observer, 0, want_again, &c);
    world_until(&w, c.n == 1);
    cr_expect_eq(fake_farm_count(w.farm, "list2"), before + 2);
}

Test(ctl_observer_quiet, readers_are_answered_when_it_closes)
{
    struct count c = {0};
    fake_farm_answer(w.farm, "list2", FARM_HANG);
    (void)ctl_observer_want(w.observer, 0, count, &c);
    world_close(&w);
    cr_expect_eq(c.n, 1);
    cr_expect_eq(c.status, UV_ECANCELED);
}

static void turn_for(uint64_t ms)
{
    uint64_t began = uv_hrtime();
    while (uv_hrtime() - began < ms * 1000000)
        world_turn(&w);
}

static unsigned looks_within(uint64_t ms)
{
    unsigned before = fake_farm_count(w.farm, "list2");
    turn_for(ms);
    return fake_farm_count(w.farm, "list2") - before;
}

static void set_up_idle(void)
{
    put_three();
    w.observing.idle_ms = 1000000;
    world_open(&w);
    world_look(&w);
}

TestSuite(ctl_observer_idle, .init = set_up_idle, .fini = tear_down, .timeout = 60);

Test(ctl_observer_idle, looks_often_only_while_something_moves)
{
    cr_expect_eq(looks_within(30), 0);
    fake_farm_set(w.farm, 1, 2, 77, -1);
    world_look(&w);
    unsigned before = fake_farm_count(w.farm, "list2");
    world_until(&w, fake_farm_count(w.farm, "list2") > before + 3);
    fake_farm_set(w.farm, 1, 1, 77, 78);
    world_until(&w, world_state(&w, 1) == CACHE_STATE_RUNNING);
    turn_for(20);
    cr_expect_eq(looks_within(30), 0);
}

Test(ctl_observer_idle, looks_not_often_for_ever_for_what_list2_has_forgotten)
{
    fake_farm_hide_row(w.farm, 1, 1000000);
    world_look(&w);
    unsigned before = fake_farm_count(w.farm, "list2");
    world_until(&w, fake_farm_count(w.farm, "list2") > before + 3);
    world_skip(&w, LDC_TIMING_ABSENT_MS);
    turn_for(20);
    cr_expect_eq(looks_within(30), 0);
}

Test(ctl_observer_idle, looks_often_while_somebody_is_in_a_hurry)
{
    unsigned before = fake_farm_count(w.farm, "list2");
    ctl_observer_hurry(w.observer, 1);
    world_until(&w, fake_farm_count(w.farm, "list2") > before + 3);
    ctl_observer_hurry(w.observer, -1);
    turn_for(20);
    cr_expect_eq(looks_within(30), 0);
}

/* --- what it makes of a bad list --- */

Test(ctl_observer, torn_list_keeps_what_it_does_not_show)
{
    fake_farm_set(w.farm, 2, 1, 55, 56);
    world_look(&w);
    char id[UUID_SIZE];
    strcpy(id, world_at(&w, 2)->id);

    fake_farm_answer(w.farm, "list2", FARM_TORN);
    fake_farm_set(w.farm, 0, 1, 65, 66);
    world_look(&w);
    cr_expect_eq(ctl_observer_verdict(w.observer)->status, 0);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_RUNNING, "what it shows is believed");
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_STOPPED);
    cr_expect_eq(world_state(&w, 2), CACHE_STATE_RUNNING);
    cr_expect_str_eq(world_at(&w, 2)->id, id);
    cr_expect_eq(world_heard(&w, "instance.removed"), 0);

    fake_farm_answer(w.farm, "list2", FARM_OBEY);
    fake_farm_drop(w.farm, 1);
    world_look(&w);
    cr_expect_null(world_at(&w, 1), "a whole list proves absence");
    cr_expect_str_eq(world_at(&w, 2)->id, id);
}

Test(ctl_observer, list_with_a_stray_line_proves_absence_too)
{
    fake_farm_answer(w.farm, "list2", FARM_NOISE);
    world_look(&w);
    cr_expect_str_eq(ctl_observer_noise(w.observer), "Active code page: 65001");
    unsigned n = fake_farm_count(w.farm, "list2");
    fake_farm_drop(w.farm, 1);
    world_look(&w);
    cr_expect_null(world_at(&w, 1));
    cr_expect_eq(fake_farm_count(w.farm, "list2"), n + 1, "one list2 a look");

    fake_farm_answer(w.farm, "list2", FARM_OBEY);
    world_look(&w);
    cr_expect_str_eq(ctl_observer_noise(w.observer), "");
}

Test(ctl_observer, bad_list_changes_nothing_but_says_why)
{
    static const struct {
        enum farm_answer answer;
        const char *code;
        int status;
    } bad[] = {{FARM_EMPTY, "LDCONSOLE_EMPTY_LIST", UV_EPROTO},
               {FARM_GARBAGE, "LDCONSOLE_GARBAGE", UV_EPROTO},
               {FARM_NOT_STARTED, "LDCONSOLE_NOT_STARTED", UV_ENOENT}};
    struct cache_snapshot *s = ctl_observer_snapshot(w.observer);
    for (size_t i = 0; i < countof(bad); i++) {
        struct count c = {0};
        fake_farm_answer(w.farm, "list2", bad[i].answer);
        world_until(&w, ctl_observer_verdict(w.observer)->status != 0);
        cr_expect_eq(ctl_observer_verdict(w.observer)->status, bad[i].status);
        cr_expect_str_eq(ctl_observer_verdict(w.observer)->code, bad[i].code);
        cr_expect_eq(cache_snapshot_count(s), 3);
        cr_expect_str_eq(cache_snapshot_stale_reason(s), ctl_observer_verdict(w.observer)->detail);
        (void)ctl_observer_want(w.observer, 1000000, count, &c);
        world_until(&w, c.n == 1);
        cr_expect_eq(c.status, bad[i].status, "nobody is told that this is fresh");

        fake_farm_answer(w.farm, "list2", FARM_OBEY);
        world_until(&w, ctl_observer_verdict(w.observer)->status == 0);
        cr_expect_null(cache_snapshot_stale_reason(s));
    }
    world_flush(&w);
    cr_expect_eq(world_heard(&w, "workstation.observation"), 2 * countof(bad));
    cr_expect_eq(world_heard(&w, "instance.removed"), 0);
}

/* Of looks that are an hour apart. */
static void set_up_slow(void)
{
    put_three();
    w.observing.idle_ms = 3600000;
    world_open(&w);
    world_look(&w);
}

TestSuite(ctl_observer_slow, .init = set_up_slow, .fini = tear_down, .timeout = 60);

Test(ctl_observer_slow, a_list2_that_hangs_is_asked_again_at_once_and_opens_its_breaker)
{
    struct count c = {0};
    const struct ldc_breaker *b = ldc_client_breaker(w.client, LDC_PURPOSE_LIST);
    fake_farm_answer(w.farm, "list2", FARM_HANG);
    cr_assert_not_null(ctl_observer_want(w.observer, 0, count, &c));
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    fake_farm_end_hung(w.farm, RUN_TIMED_OUT);
    world_until(&w, c.n == 1);
    cr_expect_eq(b->state, LDC_BREAKER_CLOSED);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    fake_farm_end_hung(w.farm, RUN_TIMED_OUT);
    world_until(&w, b->state == LDC_BREAKER_OPEN);
    fake_farm_answer(w.farm, "list2", FARM_OBEY);
}

/* The worst moment to begin to hang is right after a look. */
Test(ctl_observer_options, let_a_list2_that_hangs_open_its_breaker_within_30_s)
{
    const struct ctl_observer_options *o = &ctl_observer_defaults;
    unsigned n = ldc_client_defaults.breaker.consecutive_hangs;
    unsigned deadline_ms = ldc_verb_table[LDC_VERB_LIST2].deadline_ms;
    cr_assert_leq(o->idle_ms + n * deadline_ms + (n - 1) * o->active_ms, 30000);
}

Test(ctl_observer, open_breaker_is_a_trouble_with_a_time)
{
    world_order(&w, "list", LDC_BREAKER_FORCED_OPEN);
    world_until(&w, ctl_observer_verdict(w.observer)->status == UV_EBUSY);
    cr_expect_str_eq(ctl_observer_verdict(w.observer)->code, "BREAKER_OPEN");
    cr_expect_gt(ctl_observer_verdict(w.observer)->retry_ms, 0);
}

/* --- who is who --- */

Test(ctl_observer, reused_index_is_a_new_instance)
{
    char id[UUID_SIZE];
    struct ctl_local local = {.labels = "{\"a\":\"b\"}", .group = "g", .desired = -1};
    strcpy(id, world_at(&w, 1)->id);
    ctl_observer_set_local(w.observer, id, &local);
    fake_farm_drop(w.farm, 1);
    fake_farm_put(w.farm, 1, "another");
    world_look(&w);
    cr_expect_str_neq(world_at(&w, 1)->id, id);
    cr_expect_str_eq(world_at(&w, 1)->name, "another");
    cr_expect_str_eq(world_at(&w, 1)->labels, "{}");
    world_flush(&w);
    cr_expect_eq(world_heard(&w, "instance.removed"), 1);
    cr_expect_eq(world_heard(&w, "instance.added"), 4);
}

Test(ctl_observer, what_is_ours_survives_a_restart)
{
    char id[UUID_SIZE];
    struct ctl_local local = {
        .labels = "{\"a\":\"b\"}", .group = "g", .desired = CACHE_DESIRED_STOPPED};
    strcpy(id, world_at(&w, 1)->id);
    ctl_observer_set_local(w.observer, id, &local);
    cr_expect_str_eq(world_at(&w, 1)->labels, "{\"a\":\"b\"}", "known at once");
    world_crash(&w);
    cr_expect_str_eq(world_at(&w, 1)->id, id);
    cr_expect_str_eq(world_at(&w, 1)->labels, "{\"a\":\"b\"}");
    cr_expect_str_eq(world_at(&w, 1)->group, "g");
    cr_expect_eq(world_at(&w, 1)->desired, CACHE_DESIRED_STOPPED);
}

Test(ctl_observer, parts_of_what_is_ours_can_be_set_alone)
{
    struct ctl_local all = {.labels = "{}", .group = "g", .desired = CACHE_DESIRED_RUNNING};
    struct ctl_local group = {.group = "", .desired = -1};
    ctl_observer_set_local(w.observer, world_at(&w, 1)->id, &all);
    ctl_observer_set_local(w.observer, world_at(&w, 1)->id, &group);
    ctl_observer_set_local(w.observer, "no such id", &group);
    cr_expect_str_empty(world_at(&w, 1)->group);
    cr_expect_eq(world_at(&w, 1)->desired, CACHE_DESIRED_RUNNING);
}

Test(ctl_observer, a_removed_instance_is_not_remembered)
{
    fake_farm_drop(w.farm, 1);
    world_look(&w);
    fake_farm_answer(w.farm, "list2", FARM_NOT_STARTED);
    world_crash(&w);
    cr_expect_eq(cache_snapshot_count(ctl_observer_snapshot(w.observer)), 2);
}

/* Somebody moves its files away, and back; with and without a restart of ours meanwhile. */
static void expect_comes_back(bool is_restarted)
{
    char id[UUID_SIZE];
    struct ctl_local local = {
        .labels = "{\"a\":\"b\"}", .group = "g", .desired = CACHE_DESIRED_STOPPED};
    strcpy(id, world_at(&w, 1)->id);
    ctl_observer_set_local(w.observer, id, &local);
    fake_farm_move_away(w.farm, 1, true);
    world_until(&w, cache_snapshot_count(ctl_observer_snapshot(w.observer)) == 2);
    if (is_restarted)
        world_crash(&w);
    cr_expect_eq(cache_snapshot_count(ctl_observer_snapshot(w.observer)), 2);
    fake_farm_move_away(w.farm, 1, false);
    world_look(&w);
    cr_expect_str_eq(world_at(&w, 1)->id, id);
    cr_expect_str_eq(world_at(&w, 1)->labels, "{\"a\":\"b\"}");
    cr_expect_str_eq(world_at(&w, 1)->group, "g");
    cr_expect_eq(world_at(&w, 1)->desired, CACHE_DESIRED_STOPPED);
    world_crash(&w);
    cr_expect_str_eq(world_at(&w, 1)->id, id);
    cr_expect_str_eq(world_at(&w, 1)->group, "g");
}

Test(ctl_observer, a_disk_that_comes_back_brings_what_was_known)
{
    expect_comes_back(false);
}

Test(ctl_observer, a_disk_that_comes_back_after_a_restart_brings_what_was_known)
{
    expect_comes_back(true);
}

/* As a version without a readable data.vmdk has it, or somebody who took the folder away. */
Test(ctl_observer, a_config_file_alone_keeps_what_is_known_over_a_gap)
{
    char id[UUID_SIZE];
    strcpy(id, world_at(&w, 1)->id);
    fake_farm_lose_disk(w.farm, 1);
    world_look(&w);
    fake_farm_hide_row(w.farm, 1, 2 * LDC_TIMING_ABSENT_LOOKS);
    for (int i = 0; i < 2 * LDC_TIMING_ABSENT_LOOKS + 1; i++) {
        world_look(&w);
        cr_assert_not_null(world_at(&w, 1));
    }
    cr_expect_str_eq(world_at(&w, 1)->id, id);
}

/* list2 has forgotten it, for whatever reason: so has nobody else. */
Test(ctl_observer, config_and_disk_keep_what_is_known_for_ever)
{
    char id[UUID_SIZE];
    strcpy(id, world_at(&w, 1)->id);
    fake_farm_hide_row(w.farm, 1, 1000000);
    for (int i = 0; i < 2 * LDC_TIMING_ABSENT_LOOKS; i++) {
        world_skip(&w, LDC_TIMING_ABSENT_MS);
        cr_assert_not_null(world_at(&w, 1));
    }
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_UNKNOWN, "%s", world_at(&w, 1)->reason);
    cr_expect(ctl_observer_is_unlisted(w.observer, id));
    fake_farm_hide_row(w.farm, 1, 0);
    world_look(&w);
    cr_expect_str_eq(world_at(&w, 1)->id, id);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_STOPPED);
}

static const char marked[] = "{\"statusSettings.playerName\":\"one\","
                             "\"propertySettings.macAddress\":\"00DB11111111\"}";

/* Compacting a disk writes another file in its place. */
Test(ctl_observer, a_disk_that_is_rewritten_is_the_same_instances)
{
    char id[UUID_SIZE];
    fake_farm_write_config(w.farm, 1, marked);
    world_look(&w);
    strcpy(id, world_at(&w, 1)->id);
    fake_farm_lose_disk(w.farm, 1);
    uv_sleep(5); /* the file system's clock moves on */
    fake_farm_grow_disk(w.farm, 1, 4);
    world_look(&w);
    cr_expect_str_eq(world_at(&w, 1)->id, id);
    world_crash(&w);
    cr_expect_str_eq(world_at(&w, 1)->id, id);
}

Test(ctl_observer, what_we_removed_does_not_come_back)
{
    char id[UUID_SIZE];
    strcpy(id, world_at(&w, 1)->id);
    ctl_observer_note_removed(w.observer, id);
    fake_farm_move_away(w.farm, 1, true);
    world_until(&w, cache_snapshot_count(ctl_observer_snapshot(w.observer)) == 2);
    fake_farm_move_away(w.farm, 1, false);
    world_look(&w);
    cr_expect_str_neq(world_at(&w, 1)->id, id);
}

Test(ctl_observer, serves_what_was_remembered_until_the_first_look)
{
    char id[UUID_SIZE];
    strcpy(id, world_at(&w, 1)->id);
    fake_farm_answer(w.farm, "list2", FARM_NOT_STARTED);
    world_crash(&w);
    cr_expect_not(cache_snapshot_is_observed(ctl_observer_snapshot(w.observer)));
    cr_expect_str_eq(world_at(&w, 1)->id, id);
    cr_expect_str_eq(world_at(&w, 1)->name, "one");
    fake_farm_answer(w.farm, "list2", FARM_OBEY);
    world_until(&w, cache_snapshot_is_observed(ctl_observer_snapshot(w.observer)));
    cr_expect_str_eq(world_at(&w, 1)->id, id);
}

Test(ctl_observer, a_config_file_that_cannot_be_read_changes_nothing)
{
    fake_farm_write_config(w.farm, 1,
                           "{\"statusSettings.playerName\":\"named\","
                           "\"advancedSettings.memorySize\":2048}");
    world_until(&w, strcmp(world_at(&w, 1)->name, "named") == 0);
    world_flush(&w);
    unsigned before = world_heard(&w, "instance.changed");
    fake_farm_write_config(w.farm, 1, "{\"advancedSettings.memo");
    world_until(&w, strstr(world_at(&w, 1)->evidence, "unreadable"));
    cr_expect_str_eq(world_at(&w, 1)->name, "named");
    cr_expect_eq(world_at(&w, 1)->settings.values[LDC_SETTING_MEMORY_MB].number, 2048);
    world_flush(&w);
    cr_expect_eq(world_heard(&w, "instance.changed"), before);
}

Test(ctl_observer, the_name_of_the_config_file_counts)
{
    fake_farm_write_config(w.farm, 1, "{\"statusSettings.playerName\":\"名前\"}");
    world_until(&w, strcmp(world_at(&w, 1)->name, "名前") == 0);
    fake_farm_write_config(w.farm, 1, "{}");
    world_until(&w, strcmp(world_at(&w, 1)->name, "one") == 0);
}

Test(ctl_observer_quiet, what_did_not_move_is_not_made_again)
{
    const struct cache_snapshot *snapshot = ctl_observer_snapshot(w.observer);
    struct blob *json = blob_ref(cache_snapshot_by_index(snapshot, 1)->json);
    world_look(&w);
    cr_expect_eq(cache_snapshot_by_index(snapshot, 1)->json, json);
    fake_farm_write_config(w.farm, 1, "{\"statusSettings.playerName\":\"named\"}");
    world_look(&w);
    cr_expect_neq(cache_snapshot_by_index(snapshot, 1)->json, json);
    cr_expect_str_eq(cache_snapshot_by_index(snapshot, 1)->instance.name, "named");
    blob_unref(json);
}

/* --- processes --- */

static void set_up_seeing(void)
{
    put_three();
    fake_farm_show_processes(w.farm, true);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_open(&w);
    world_look(&w);
}

TestSuite(ctl_observer_seeing, .init = set_up_seeing, .fini = tear_down, .timeout = 60);

Test(ctl_observer_seeing, dead_vm_makes_a_zombie)
{
    cr_expect(ctl_observer_sees_processes(w.observer));
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_RUNNING);
    fake_farm_set_processes(w.farm, 0, 100, 0);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_ZOMBIE);
    fake_farm_set_processes(w.farm, 0, 100, 101);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_RUNNING);
}

/* The halves of one look may have seen different moments; but nothing that is up has no VM. */
Test(ctl_observer_quiet, what_misses_its_vm_is_not_up_before_the_next_look)
{
    fake_farm_set(w.farm, 1, 1, 77, 78);
    world_look(&w);
    fake_farm_set(w.farm, 1, 1, 77, -1);
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_UNKNOWN);
    cr_expect(strstr(world_at(&w, 1)->reason, "looking again"), "%s", world_at(&w, 1)->reason);
    cr_expect(ctl_observer_is_doubted(w.observer, world_at(&w, 1)->id));
    /* Somebody has closed it: the VM went first. */
    fake_farm_set(w.farm, 1, 0, 77, -1);
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_STOPPING, "%s", world_at(&w, 1)->reason);
    cr_expect_not(ctl_observer_is_doubted(w.observer, world_at(&w, 1)->id));
}

Test(ctl_observer_seeing, a_start_that_begins_when_the_vm_has_died_is_no_success)
{
    fake_farm_set_processes(w.farm, 0, 100, 0);
    world_look(&w);
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_FAILED, "INSTANCE_NOT_STARTABLE");
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_ZOMBIE);
}

/* LDPlayer was updated while we run, and its programs have names that nobody knows. */
Test(ctl_observer_seeing, programs_of_another_name_are_believed_where_their_numbers_live)
{
    fake_farm_rename_programs(w.farm, 1);
    fake_farm_set(w.farm, 1, 1, 300, 301);
    for (int i = 0; i < LDC_TIMING_CONFIRMING_LOOKS + 1; i++) {
        world_look(&w);
        cr_expect_eq(world_state(&w, 1), CACHE_STATE_RUNNING, "%s", world_at(&w, 1)->reason);
        cr_expect_eq(ctl_observer_life(w.observer, world_at(&w, 1)->id), CTL_LIFE_UNKNOWN);
    }
    fake_farm_set_processes(w.farm, 1, 0, 0);
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_UNKNOWN, "%s", world_at(&w, 1)->reason);
    cr_expect_eq(ctl_observer_life(w.observer, world_at(&w, 1)->id), CTL_LIFE_NONE);
}

Test(ctl_observer_seeing, what_starts_has_a_player)
{
    fake_farm_set(w.farm, 1, 2, 300, -1);
    fake_farm_set_processes(w.farm, 1, 0, 0);
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_STARTING);
    cr_expect(strstr(world_at(&w, 1)->reason, "looking again"), "%s", world_at(&w, 1)->reason);
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_UNKNOWN, "%s", world_at(&w, 1)->reason);
}

/* Both installations have an instance 1; their VMs' program lies in one folder. */
Test(ctl_observer_seeing, a_neighbours_vm_is_not_taken_for_that_we_wait_for)
{
    struct buf report;
    buf_init(&report, 0);
    fake_farm_set(w.farm, 1, 2, 300, -1);
    fake_farm_set_neighbour(w.farm, 1, 200, 201);
    world_look(&w);
    fake_farm_set_neighbour(w.farm, 1, 0, 201); /* its player dies */
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_STARTING, "%s", world_at(&w, 1)->reason);
    cr_expect(strstr(world_at(&w, 1)->evidence, "\"headless\":null"));
    fake_farm_set(w.farm, 1, 1, 300, -1);
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_UNKNOWN, "%s", world_at(&w, 1)->reason);
    cr_expect_eq(ctl_observer_end_processes(w.observer, world_at(&w, 1)->id, &report), 1);
    cr_expect(str_has_prefix(report.data, "ended player 300; VM 201 ("), "%s", report.data);
    buf_deinit(&report);
}

/* As when its number was given away since list2 named it. */
Test(ctl_observer_seeing, what_another_instance_has_is_not_ended)
{
    struct buf report;
    buf_init(&report, 0);
    fake_farm_set(w.farm, 1, 1, 100, 101);
    fake_farm_set_processes(w.farm, 1, 0, 0);
    world_look(&w);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_RUNNING, "%s", world_at(&w, 0)->reason);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_UNKNOWN, "%s", world_at(&w, 1)->reason);
    cr_expect_eq(ctl_observer_end_processes(w.observer, world_at(&w, 1)->id, &report), 0);
    cr_expect_eq(fake_farm_count(w.farm, "kill"), 0);
    buf_deinit(&report);
}

Test(ctl_observer_seeing, a_vm_that_is_older_than_the_instance_is_not_its_own)
{
    fake_farm_set_neighbour(w.farm, 1, 0, 201);
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_UNKNOWN, "%s", world_at(&w, 1)->reason);
    fake_farm_set_age(w.farm, 3600000);
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_STOPPED, "%s", world_at(&w, 1)->reason);
}

Test(ctl_observer_seeing, dead_player_makes_it_unreachable)
{
    fake_farm_set_processes(w.farm, 0, 0, 101);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_UNREACHABLE);
}

Test(ctl_observer, absence_proves_nothing_where_no_process_is_seen)
{
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_look(&w);
    cr_expect_not(ctl_observer_sees_processes(w.observer));
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_RUNNING);
}

Test(ctl_observer_seeing, a_player_that_ldconsole_lost_is_found)
{
    fake_farm_set(w.farm, 0, 0, -1, -1);
    fake_farm_set_processes(w.farm, 0, 100, 101);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_STOPPING);
    world_skip(&w, 30000);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_UNREACHABLE);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_RUNNING);
}

/* Column 5 stands, the pids are lost. */
Test(ctl_observer_seeing, the_guest_of_a_vm_that_list2_lost_is_asked_too)
{
    fake_farm_have(w.farm, "ld");
    world_close(&w);
    world_open(&w);
    fake_farm_let_guests_answer(w.farm, true);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_READY);
    fake_farm_set(w.farm, 0, 1, -1, -1);
    fake_farm_set_processes(w.farm, 0, 100, 101);
    world_look(&w);
    world_look(&w);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_READY, "%s", world_at(&w, 0)->reason);
}

/* Its program lies elsewhere and list2 does not name it any more. */
Test(ctl_observer_seeing, a_vm_that_was_named_once_is_found_again)
{
    fake_farm_set(w.farm, 0, 0, -1, -1);
    fake_farm_set_processes(w.farm, 0, 0, 101);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_STOPPING);
    world_skip(&w, 10000);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_UNREACHABLE);
    cr_expect(strstr(world_at(&w, 0)->evidence, "\"headless\":101"), "%s",
              world_at(&w, 0)->evidence);
    fake_farm_set_processes(w.farm, 0, 0, 0);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_STOPPED);
}

Test(ctl_observer_seeing, what_was_launched_right_before_the_first_look_is_starting)
{
    world_close(&w);
    fake_farm_set(w.farm, 0, 0, -1, -1);
    fake_farm_set_processes(w.farm, 0, 100, 0);
    fake_farm_set_age(w.farm, 300);
    world_open(&w);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_STARTING, "%s", world_at(&w, 0)->reason);
    fake_farm_set_age(w.farm, 10000);
    world_look(&w);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_UNREACHABLE, "%s", world_at(&w, 0)->reason);
}

/* Another installation has an instance of the same index, whose VM says just the same. */
Test(ctl_observer_seeing, a_vm_is_told_from_a_neighbours_after_a_restart_too)
{
    world_look(&w);
    world_flush(&w);
    fake_farm_set_neighbour(w.farm, 0, 200, 201);
    world_crash(&w);
    fake_farm_set(w.farm, 0, 0, -1, -1);
    fake_farm_set_processes(w.farm, 0, 0, 101);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_STOPPING);
    world_skip(&w, 30000);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_UNREACHABLE, "%s", world_at(&w, 0)->reason);
}

Test(ctl_observer_seeing, what_runs_is_there_although_list2_does_not_show_it)
{
    char id[UUID_SIZE];
    strcpy(id, world_at(&w, 1)->id);
    fake_farm_set(w.farm, 1, 1, 1000, 1001);
    world_look(&w);
    fake_farm_hide_row(w.farm, 1, 1000000);
    for (int i = 0; i < LDC_TIMING_ABSENT_LOOKS; i++)
        world_look(&w);
    world_skip(&w, LDC_TIMING_ABSENT_MS);
    world_skip(&w, LDC_TIMING_ABSENT_MS);
    cr_assert_not_null(world_at(&w, 1));
    cr_expect_str_eq(world_at(&w, 1)->id, id);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_UNREACHABLE);
    cr_expect(strstr(world_at(&w, 1)->reason, "process 1000"), "%s", world_at(&w, 1)->reason);
}

/* Its evidence is of the same look as its state. */
Test(ctl_observer_seeing, what_list2_does_not_show_is_as_its_processes_are)
{
    fake_farm_hide_row(w.farm, 0, 1000000);
    for (int i = 0; i < LDC_TIMING_ABSENT_LOOKS; i++)
        world_look(&w);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_UNREACHABLE);
    cr_expect_eq(world_at(&w, 0)->pid, 0);
    cr_expect(str_has_prefix(world_at(&w, 0)->evidence,
                             "{\"list2\":null,\"processes\":{\"player\":100,\"headless\":101}"),
              "%s", world_at(&w, 0)->evidence);
    fake_farm_set_processes(w.farm, 0, 0, 0);
    world_look(&w);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_UNKNOWN);
    cr_expect(strstr(world_at(&w, 0)->reason, "none of its processes lives"), "%s",
              world_at(&w, 0)->reason);
    cr_expect(strstr(world_at(&w, 0)->evidence, "{\"player\":null,\"headless\":null}"), "%s",
              world_at(&w, 0)->evidence);
}

Test(ctl_observer_seeing, a_boot_whose_processes_are_dead_keeps_nobody_waiting)
{
    fake_farm_set(w.farm, 1, 2, 300, 301);
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_BOOTING);
    cr_expect_not_null(ctl_observer_starting(w.observer, ""));
    fake_farm_hide_row(w.farm, 1, 1000000);
    fake_farm_set_processes(w.farm, 1, 0, 0);
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_UNKNOWN, "%s", world_at(&w, 1)->reason);
    cr_expect_null(ctl_observer_starting(w.observer, ""));
}

/* The farm tears each row but the first. */
Test(ctl_observer_seeing, what_a_torn_list_does_not_show_is_old_and_then_as_its_processes_are)
{
    struct cache_snapshot *s = ctl_observer_snapshot(w.observer);
    fake_farm_set(w.farm, 1, 1, 300, 301);
    fake_farm_set(w.farm, 2, 1, 400, 401);
    world_look(&w);
    /* Another look may be under way. */
    int64_t seen_from = cache_snapshot_observed_wall_ms(s), seen_to = clock_wall_ms();
    fake_farm_answer(w.farm, "list2", FARM_TORN);
    fake_clock_skip(5000);
    world_look(&w);
    fake_farm_set_processes(w.farm, 2, 0, 0);
    world_look(&w);
    const struct ctl_survey_verdict *verdict = ctl_observer_verdict(w.observer);
    cr_expect_eq(verdict->status, 0);
    cr_expect_str_eq(verdict->code, "LDCONSOLE_TORN_LIST");
    cr_expect(strstr(verdict->detail, "the first of them '7,torn'"), "%s", verdict->detail);
    cr_expect_null(cache_snapshot_by_index(s, 0)->unseen);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_RUNNING);
    cr_expect_str_eq(cache_snapshot_by_index(s, 1)->unseen,
                     "list2 printed a broken row, and none of this instance");
    int64_t seen_at = cache_snapshot_by_index(s, 1)->seen_wall_ms;
    cr_expect(seen_at >= seen_from && seen_at <= seen_to);
    cr_expect_eq(world_state(&w, 2), CACHE_STATE_UNKNOWN, "%s", world_at(&w, 2)->reason);
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_UNKNOWN, "%s", world_at(&w, 1)->reason);
    cr_expect(strstr(world_at(&w, 1)->reason, "process 300 is alive"));
    cr_expect_null(cache_snapshot_by_index(s, 1)->unseen, "that is of now");

    fake_farm_answer(w.farm, "list2", FARM_OBEY);
    world_look(&w);
    cr_expect_str_eq(ctl_observer_verdict(w.observer)->code, "");
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_RUNNING);
}

/* A row is left out for a moment in an ordinary boot. */
Test(ctl_observer_seeing, what_was_starting_is_not_lost_in_a_gap)
{
    fake_farm_set(w.farm, 1, 2, 1000, -1);
    world_look(&w);
    fake_farm_hide_row(w.farm, 1, 2 * LDC_TIMING_ABSENT_LOOKS);
    for (int i = 0; i < 2 * LDC_TIMING_ABSENT_LOOKS; i++) {
        world_look(&w);
        cr_expect_neq(world_state(&w, 1), CACHE_STATE_UNREACHABLE);
    }
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_STARTING);
}

Test(ctl_observer_seeing, every_process_is_ended_by_force_and_told)
{
    struct buf report;
    buf_init(&report, 0);
    cr_expect_eq(ctl_observer_end_processes(w.observer, world_at(&w, 0)->id, &report), 2);
    cr_expect_str_eq(report.data, "ended player 100; ended VM 101");
    world_until(&w, world_state(&w, 0) == CACHE_STATE_STOPPED);
    cr_expect_eq(ctl_observer_end_processes(w.observer, world_at(&w, 0)->id, &report), 0);
    cr_expect_eq(ctl_observer_end_processes(w.observer, "no such id", &report), 0);
    cr_expect_eq(fake_farm_count(w.farm, "kill"), 2);
    buf_deinit(&report);
}

/* --- expectations and time --- */

Test(ctl_observer, an_expectation_holds_until_it_is_met_or_old)
{
    char id[UUID_SIZE];
    strcpy(id, world_at(&w, 1)->id);
    ctl_observer_expect(w.observer, id, CTL_EXPECT_START, 20000);
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_STARTING);
    world_skip(&w, 20000);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_STOPPED);

    ctl_observer_expect(w.observer, id, CTL_EXPECT_START, 20000);
    fake_farm_set(w.farm, 1, 1, 100, 101);
    world_look(&w);
    fake_farm_set(w.farm, 1, 0, -1, -1);
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_STOPPED, "it was met");

    fake_farm_set(w.farm, 1, 1, 100, 101);
    world_look(&w); /* not one that began before, which would show that it is off */
    ctl_observer_expect(w.observer, id, CTL_EXPECT_STOP, 20000);
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_STOPPING);
    ctl_observer_expect(w.observer, id, CTL_EXPECT_NOTHING, 0);
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_RUNNING);
}

Test(ctl_observer, a_start_is_stuck_when_all_of_it_takes_too_long)
{
    fake_farm_set(w.farm, 1, 2, 100, -1);
    world_look(&w);
    world_skip(&w, 70000);
    fake_farm_set(w.farm, 1, 2, 100, 101);
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_BOOTING);
    world_skip(&w, 50000);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_STUCK);
    fake_farm_set(w.farm, 1, 1, 100, 101);
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_RUNNING);
}

Test(ctl_observer, what_is_stuck_says_why_where_its_log_does)
{
    fake_farm_set(w.farm, 1, 2, 100, -1);
    world_look(&w);
    fake_farm_write_log(w.farm, 1, "VD: error VERR_VD_IMAGE_READ_ONLY opening 'data.vmdk'\r\n");
    world_skip(&w, 130000);
    world_look(&w);
    cr_expect_eq(world_state(&w, 1), CACHE_STATE_STUCK);
    cr_expect(strstr(world_at(&w, 1)->reason, "VERR_VD_IMAGE_READ_ONLY"), "%s",
              world_at(&w, 1)->reason);
    fake_farm_set(w.farm, 1, 1, 100, 101);
    world_look(&w);
    cr_expect_str_eq(world_at(&w, 1)->reason, "Android is up");
}

/* --- guests --- */

static void set_up_guests(void)
{
    put_three();
    fake_farm_have(w.farm, "ld");
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_open(&w);
}

TestSuite(ctl_observer_guests, .init = set_up_guests, .fini = tear_down, .timeout = 60);

Test(ctl_observer_guests, is_ready_when_the_guest_answers)
{
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_RUNNING);
    world_until(&w, fake_farm_count(w.farm, "ld") == 1);
    fake_farm_let_guests_answer(w.farm, true);
    world_skip(&w, 1000);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_READY);
    unsigned before = fake_farm_count(w.farm, "ld");
    world_skip(&w, 29000);
    cr_expect_eq(fake_farm_count(w.farm, "ld"), before, "asked twice a minute");
    world_skip(&w, 2000);
    world_until(&w, fake_farm_count(w.farm, "ld") == before + 1);
}

Test(ctl_observer_guests, is_not_ready_when_the_guest_fell_silent)
{
    fake_farm_let_guests_answer(w.farm, true);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_READY);
    fake_farm_let_guests_answer(w.farm, false);
    for (int i = 0; i < 2; i++) {
        unsigned before = fake_farm_count(w.farm, "ld");
        world_skip(&w, 60000);
        world_until(&w, fake_farm_count(w.farm, "ld") == before + 1);
        world_look(&w);
        cr_expect_eq(world_state(&w, 0), CACHE_STATE_READY, "once may be chance");
    }
    world_skip(&w, 5000);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_RUNNING);
    cr_expect(strstr(world_at(&w, 0)->reason, "does not answer"));
}

Test(ctl_observer_guests, another_vm_has_to_answer_anew)
{
    fake_farm_let_guests_answer(w.farm, true);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_READY);
    fake_farm_let_guests_answer(w.farm, false);
    fake_farm_set(w.farm, 0, 1, 200, 201);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_RUNNING);
}

Test(ctl_observer_guests, a_guest_that_never_answers_is_asked_less_often)
{
    unsigned n;
    while ((n = fake_farm_count(w.farm, "ld")) < 120) {
        world_skip(&w, 1000);
        world_until(&w, fake_farm_count(w.farm, "ld") > n || n == 0);
    }
    world_settle(&w); /* the last question has been given up */
    world_skip(&w, 10000);
    cr_expect_eq(fake_farm_count(w.farm, "ld"), 120);
    world_skip(&w, 60000);
    world_until(&w, fake_farm_count(w.farm, "ld") == 121);
}

Test(ctl_observer_guests, is_not_ready_when_only_the_shell_answers)
{
    fake_farm_let_guests_say(w.farm, "ldplayerd.boot\n1\nldplayerd.server\n"
                                     "cmd: Can't find service: settings\nldplayerd.end\n");
    world_skip(&w, 1000);
    world_until(&w, strstr(world_at(&w, 0)->reason, "system server does not answer"));
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_RUNNING);
    fake_farm_let_guests_answer(w.farm, true);
    world_skip(&w, 1000);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_READY);
    cr_expect_eq(world_at(&w, 0)->adb.reachable, CACHE_REACHABLE_UNKNOWN, "adb was not asked");
}

/* --- guests through adb --- */

static void write_config(int index, int adb_debug, const char *mac, const char *android_id)
{
    char text[300];
    snprintf(text, sizeof(text),
             "{\"basicSettings.adbDebug\": %d, \"propertySettings.macAddress\": \"%s\","
             " \"propertySettings.phoneAndroidId\": \"%s\"}",
             adb_debug, mac, android_id);
    fake_farm_write_config(w.farm, index, text);
}

static void let_guest_be(const char *mac, const char *android_id)
{
    char text[300];
    snprintf(text, sizeof(text),
             "ldplayerd.boot\n1\nldplayerd.mac\n%s\nldplayerd.server\n%s\nldplayerd.end\n", mac,
             android_id);
    fake_farm_let_guests_say(w.farm, text);
}

static void set_up_adb(void)
{
    put_three();
    fake_farm_have(w.farm, "adb");
    write_config(0, 1, "00DBBF9A0870", "6ecae0a3a8a21860");
    write_config(1, 2, "00DBBF9A0871", "6ecae0a3a8a21861");
    write_config(2, 0, "00DBBF9A0872", "6ecae0a3a8a21862");
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_open(&w);
    world_until(&w, fake_farm_count(w.farm, "adb") == 1);
}

TestSuite(ctl_observer_adb, .init = set_up_adb, .fini = tear_down, .timeout = 60);

Test(ctl_observer_adb, is_ready_when_its_own_guest_answers)
{
    world_until(&w, world_at(&w, 0)->adb.reachable == CACHE_REACHABLE_NO);
    let_guest_be("00:db:bf:9a:08:70", "6ecae0a3a8a21860");
    world_skip(&w, 1000);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_READY);
    struct cache_adb adb = world_at(&w, 0)->adb;
    cr_expect_eq(adb.verified, CACHE_VERIFIED_OWN);
    cr_expect_eq(adb.reachable, CACHE_REACHABLE_YES);
    cr_expect_eq(adb.debug, CACHE_ADB_DEBUG_LOCAL);
    cr_expect_eq(world_at(&w, 1)->adb.debug, CACHE_ADB_DEBUG_REMOTE);
    cr_expect_eq(world_at(&w, 2)->adb.debug, CACHE_ADB_DEBUG_OFF);
    fake_farm_set(w.farm, 0, 0, -1, -1);
    world_until(&w, world_at(&w, 0)->adb.reachable == CACHE_REACHABLE_UNKNOWN);
    cr_expect_eq(world_at(&w, 0)->adb.verified, CACHE_VERIFIED_UNKNOWN);
}

Test(ctl_observer_adb, is_not_ready_when_another_instances_guest_answers)
{
    let_guest_be("00:db:bf:9a:08:71", "6ecae0a3a8a21861");
    world_skip(&w, 1000);
    world_until(&w, world_at(&w, 0)->adb.verified == CACHE_VERIFIED_OTHER);
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_RUNNING);
    cr_expect(strstr(world_at(&w, 0)->reason, "00dbbf9a0871 is that of instance 1"), "%s",
              world_at(&w, 0)->reason);
    cr_expect(strstr(world_at(&w, 0)->evidence, "\"guest\":\"other\""));
}

Test(ctl_observer_adb, is_ready_no_longer_when_another_product_takes_the_port)
{
    let_guest_be("00:db:bf:9a:08:70", "6ecae0a3a8a21860");
    world_skip(&w, 1000);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_READY);
    let_guest_be("08:00:27:70:b1:c5", "9d2f6c1be07a4e53");
    world_skip(&w, 60000);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_RUNNING);
    cr_expect_eq(world_at(&w, 0)->adb.verified, CACHE_VERIFIED_FOREIGN);
    fake_farm_answer(w.farm, "adb", FARM_IGNORE);
    world_skip(&w, 5000);
    world_until(&w, world_at(&w, 0)->adb.reachable == CACHE_REACHABLE_NO);
    cr_expect_str_eq(world_at(&w, 0)->reason, "Android is up");
    fake_farm_answer(w.farm, "adb", FARM_OBEY);
    let_guest_be("00:db:bf:9a:08:70", "6ecae0a3a8a21860");
    world_skip(&w, 1000);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_READY);
}

Test(ctl_observer_adb, values_that_cannot_be_read_prove_nothing)
{
    fake_farm_let_guests_answer(w.farm, true);
    world_skip(&w, 1000);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_READY);
    cr_expect_eq(world_at(&w, 0)->adb.verified, CACHE_VERIFIED_UNKNOWN);
    cr_expect_eq(world_at(&w, 0)->adb.reachable, CACHE_REACHABLE_YES);
}

Test(ctl_observer_adb, is_not_asked_while_adb_debugging_is_off)
{
    unsigned before = fake_farm_count(w.farm, "adb");
    let_guest_be("00:db:bf:9a:08:70", "6ecae0a3a8a21860");
    write_config(0, 0, "00DBBF9A0870", "6ecae0a3a8a21860");
    world_until(&w, strstr(world_at(&w, 0)->reason, "ADB debugging is off"));
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_RUNNING);
    cr_expect_eq(world_at(&w, 0)->adb.reachable, CACHE_REACHABLE_NO);
    cr_expect(strstr(world_at(&w, 0)->evidence, "\"guest\":\"closed\""));
    world_skip(&w, 60000);
    cr_expect_eq(fake_farm_count(w.farm, "adb"), before);
    write_config(0, 1, "00DBBF9A0870", "6ecae0a3a8a21860");
    world_until(&w, world_state(&w, 0) == CACHE_STATE_READY);
}

Test(ctl_observer_guests, a_guest_that_hangs_keeps_nothing_from_closing)
{
    fake_farm_answer(w.farm, "ld", FARM_HANG);
    world_skip(&w, 1000);
    world_until(&w, fake_farm_n_hung(w.farm) == 1);
    world_close(&w);
}
