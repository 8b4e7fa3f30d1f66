/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/text/str.h"
#include "tests/unit/control/stations.h"

static struct world w;
static char id[UUID_SIZE];

/* Looks come when a test says so: a minute is longer than a test, and a few bad looks at ldconsole
 * would open a breaker. */
static void begin(void)
{
    world_init(&w);
    fake_farm_put(w.farm, 0, "zero");
    w.observing.idle_ms = 100000000;
    world_open(&w);
    station_listen(&w);
}

static void begin_quick(void)
{
    world_init(&w);
    w.standing.check_ms = 20;
    world_open(&w);
    station_listen(&w);
}

static void end(void)
{
    station_unlisten();
    world_end(&w);
}

TestSuite(ctl_workstations_check, .init = begin, .fini = end);
TestSuite(ctl_workstations_looks, .init = begin_quick, .fini = end);

#define LOCAL CACHE_WORKSTATION_LOCAL

/* One with an address, whose first look is under way. */
static void add_one(void)
{
    str_copy(id, sizeof(id), station_add(&w, "one", "10.0.0.2:80"));
    world_until(&w, fake_reach_n_open() == 1);
}

static void change_address(const char *address)
{
    struct ctl_workstation_request r = station_request(CTL_WORKSTATION_CHANGE, id);
    r.address = address;
    cr_assert_eq(station_submit(&w, &r).refusal.http_status, 0);
}

struct tested {
    unsigned n;
    struct ctl_reach_result result;
};

static void on_tested(void *arg, const struct ctl_reach_result *result)
{
    struct tested *t = arg;
    t->n++;
    t->result = *result;
}

Test(ctl_workstations_check, what_answers_is_online_and_what_does_not_is_offline)
{
    add_one();
    cr_assert_eq(fake_reach_deadline_ms(), 5000);
    fake_reach_answer(true, "answered 200");
    cr_assert_str_eq(station_status(&w, id), "online");
    cr_assert_str_eq(station(&w, id)->reason, "answered 200");
    int64_t seen_at = station(&w, id)->row.last_seen_at;
    cr_assert_gt(seen_at, 0);
    cr_assert_str_eq(station_event_type(), "workstation.changed");
    cr_assert_str_eq(station_event_text("/changes"),
                     "{\"status\":{\"from\":\"unknown\",\"to\":\"online\"}}");

    struct tested t = {0};
    fake_clock_skip(1000);
    ctl_workstations_test(w.workstations, id, on_tested, &t);
    fake_reach_answer(false, "refused");
    cr_assert_str_eq(station_status(&w, id), "offline");
    cr_assert_str_eq(station(&w, id)->reason, "refused");
    cr_assert_eq(station(&w, id)->row.last_seen_at, seen_at);
    cr_assert_str_eq(station_event_text("/changes/status/to"), "offline");
    cr_assert_str_eq(station_event_text("/status_reason"), "refused");
    cr_assert_eq(station_n_events(), 3);
}

Test(ctl_workstations_looks, are_looked_at_again_and_again)
{
    add_one();
    for (unsigned n = 1; n < 6; n++) {
        world_until(&w, fake_reach_n_begun() == n && fake_reach_n_open() == 1);
        fake_reach_answer(n % 2, "so it was found");
        cr_assert_str_eq(station_status(&w, id), n % 2 ? "online" : "offline");
    }
}

Test(ctl_workstations_looks, one_look_at_a_time)
{
    add_one();
    uint64_t until = uv_hrtime() + 100000000;
    /* Several times the interval; the first look is not answered. */
    while (uv_hrtime() < until)
        world_turn(&w);
    cr_assert_eq(fake_reach_n_begun(), 1);
}

Test(ctl_workstations_looks, looks_are_spread_and_bounded)
{
    char name[20];
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "s%d", i);
        station_add(&w, name, "10.0.0.2:80");
    }
    world_until(&w, fake_reach_n_open() == 32);
    uint64_t until = uv_hrtime() + 60000000;
    while (uv_hrtime() < until)
        world_turn(&w);
    cr_assert_eq(fake_reach_n_open(), 32);
    fake_reach_answer_all(true, "answered");
    world_until(&w, fake_reach_n_begun() > 80);
}

Test(ctl_workstations_looks, only_others_with_an_address_and_not_set_aside)
{
    struct ctl_workstation_request r = station_request(CTL_WORKSTATION_CHANGE, LOCAL);
    r.address = "10.0.0.1:80";
    (void)station_submit(&w, &r);
    station_add(&w, "without", "");
    add_one();
    cr_assert_eq(fake_reach_n_begun(), 1);
    fake_reach_answer(true, "answered");
    station_maintain(&w, id, true);
    unsigned n = fake_reach_n_begun();
    fake_reach_answer_all(true, "answered");
    uint64_t until = uv_hrtime() + 60000000;
    while (uv_hrtime() < until)
        world_turn(&w);
    cr_assert_leq(fake_reach_n_begun(), n + 1, "one may have been under way");
    cr_assert_str_eq(station_status(&w, id), "maintenance");
    station_maintain(&w, id, false);
    world_until(&w, strcmp(station_status(&w, id), "online") == 0);
}

Test(ctl_workstations_check, a_look_at_one_that_was_set_aside_meanwhile_changes_no_status)
{
    add_one();
    station_maintain(&w, id, true);
    fake_reach_answer(true, "answered");
    cr_assert_str_eq(station_status(&w, id), "maintenance");
    cr_assert_gt(station(&w, id)->row.last_seen_at, 0);
}

Test(ctl_workstations_check, a_look_at_an_address_of_before_says_nothing)
{
    add_one();
    change_address("10.0.0.3:80");
    fake_reach_answer(true, "answered");
    cr_assert_str_eq(station_status(&w, id), "unknown");
    cr_assert_eq(station(&w, id)->row.last_seen_at, 0);
    world_until(&w, fake_reach_n_open() == 1);
    cr_assert_str_eq(fake_reach_address(), "10.0.0.3:80");
}

Test(ctl_workstations_check, a_look_at_one_that_was_removed_meanwhile)
{
    struct tested t = {0};
    add_one();
    ctl_workstations_test(w.workstations, id, on_tested, &t);
    struct ctl_workstation_request r = station_request(CTL_WORKSTATION_REMOVE, id);
    cr_assert_eq(station_submit(&w, &r).refusal.http_status, 0);
    fake_reach_answer(true, "answered");
    cr_assert_eq(t.n, 1);
    cr_assert_eq(ctl_workstations_count(w.workstations), 1);
}

Test(ctl_workstations_check, when_it_was_seen_is_written_now_and_then)
{
    add_one();
    fake_reach_answer(true, "answered");
    int64_t written_at = station(&w, id)->row.last_seen_at;
    fake_reach_answer_all(true, "answered");
    struct tested t = {0};
    ctl_workstations_test(w.workstations, id, on_tested, &t);
    world_until(&w, t.n == 1);
    world_crash(&w);
    station_listen(&w);
    cr_assert_lt(station(&w, id)->row.last_seen_at - written_at, 600000);
    fake_clock_skip(601000);
    ctl_workstations_test(w.workstations, id, on_tested, &t);
    world_until(&w, t.n == 2);
    world_crash(&w);
    station_listen(&w);
    cr_assert_geq(station(&w, id)->row.last_seen_at, written_at + 601000);
}

/* --- tests --- */

Test(ctl_workstations_check, a_test_tells_what_was_found)
{
    struct tested t = {0};
    add_one();
    fake_reach_answer(false, "refused");
    ctl_workstations_test(w.workstations, id, on_tested, &t);
    cr_assert_eq(fake_reach_n_open(), 1);
    fake_reach_answer(true, "answered");
    cr_assert_eq(t.n, 1);
    cr_assert(t.result.is_reachable);
    cr_assert_eq(t.result.latency_ms, 7);
    cr_assert_str_eq(t.result.detail, "answered");
    cr_assert_str_eq(station_status(&w, id), "online");
}

Test(ctl_workstations_check, all_who_test_share_one_look)
{
    struct tested a = {0}, b = {0};
    add_one();
    ctl_workstations_test(w.workstations, id, on_tested, &a);
    ctl_workstations_test(w.workstations, id, on_tested, &b);
    cr_assert_eq(fake_reach_n_begun(), 1);
    fake_reach_answer(true, "answered");
    cr_assert(a.n == 1 && b.n == 1);
}

Test(ctl_workstations_check, a_test_looks_at_the_address_that_it_has_now)
{
    struct tested t = {0};
    add_one();
    change_address("10.0.0.3:80");
    ctl_workstations_test(w.workstations, id, on_tested, &t);
    cr_assert_eq(fake_reach_n_open(), 2);
    cr_assert_str_eq(fake_reach_address(), "10.0.0.3:80");
    fake_reach_answer(false, "of before");
    cr_assert_eq(t.n, 0);
    fake_reach_answer(true, "answered");
    cr_assert_eq(t.n, 1);
    cr_assert_str_eq(station_status(&w, id), "online");
}

Test(ctl_workstations_check, one_that_is_set_aside_can_be_tested)
{
    struct tested t = {0};
    add_one();
    fake_reach_answer(false, "refused");
    station_maintain(&w, id, true);
    ctl_workstations_test(w.workstations, id, on_tested, &t);
    fake_reach_answer(true, "answered");
    cr_assert_eq(t.n, 1);
    cr_assert_str_eq(station_status(&w, id), "maintenance");
}

Test(ctl_workstations_check, a_test_that_is_cancelled_says_nothing)
{
    struct tested a = {0}, b = {0};
    add_one();
    struct ctl_workstation_test *test = ctl_workstations_test(w.workstations, id, on_tested, &a);
    ctl_workstations_cancel_test(test);
    fake_reach_answer(true, "answered");
    cr_assert_eq(a.n, 0);

    test = ctl_workstations_test(w.workstations, LOCAL, on_tested, &a);
    ctl_workstations_test(w.workstations, LOCAL, on_tested, &b);
    ctl_workstations_cancel_test(test);
    world_until(&w, b.n == 1);
    cr_assert_eq(a.n, 0);
}

Test(ctl_workstations_check, the_local_one_lists_its_instances)
{
    struct tested t = {0};
    unsigned n = fake_farm_count(w.farm, "list2");
    ctl_workstations_test(w.workstations, LOCAL, on_tested, &t);
    cr_assert_eq(t.n, 0);
    world_until(&w, t.n == 1);
    cr_assert(t.result.is_reachable);
    cr_assert_str_eq(t.result.detail, "ldconsole list2 listed 1 instances");
    cr_assert_gt(fake_farm_count(w.farm, "list2"), n);
}

Test(ctl_workstations_check, the_local_one_tells_why_it_cannot)
{
    struct tested t = {0};
    fake_farm_answer(w.farm, "list2", FARM_GARBAGE);
    world_look(&w);
    ctl_workstations_test(w.workstations, LOCAL, on_tested, &t);
    world_until(&w, t.n == 1);
    cr_assert_not(t.result.is_reachable);
    cr_assert_not_null(strstr(t.result.detail, "no line is an instance"), "%s", t.result.detail);
}

Test(ctl_workstations_check, closing_ends_looks_and_tests)
{
    struct tested a = {0}, b = {0};
    add_one();
    fake_farm_answer(w.farm, "list2", FARM_HANG);
    ctl_workstations_test(w.workstations, id, on_tested, &a);
    ctl_workstations_test(w.workstations, LOCAL, on_tested, &b);
    world_close(&w);
    cr_assert_eq(a.n, 1);
    cr_assert_not(a.result.is_reachable);
    cr_assert_eq(b.n, 1);
    cr_assert_not(b.result.is_reachable);
    cr_assert_str_eq(b.result.detail, "the service is stopping");
    fake_farm_answer(w.farm, "list2", FARM_OBEY);
    world_open(&w);
    station_listen(&w);
    cr_assert_str_eq(station_status(&w, id), "unknown", "what was not found is not claimed");
}
