/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"
#include "tests/unit/control/stations.h"

static struct world w;

static void begin(void)
{
    world_init(&w);
    fake_farm_put(w.farm, 0, "zero");
    /* Looks come when a test says so: a few bad ones would open a breaker. */
    w.observing.idle_ms = 100000000;
    world_open(&w);
}

static void end(void)
{
    world_end(&w);
}

TestSuite(ctl_workstations, .init = begin, .fini = end);

#define LOCAL CACHE_WORKSTATION_LOCAL

static const struct cache_workstation *local(void)
{
    return &station(&w, LOCAL)->row;
}

static void expect_reason(const char *id, const char *part)
{
    const char *reason = station(&w, id)->reason;
    cr_assert_not_null(strstr(reason, part), "'%s' is not in: %s", part, reason);
}

Test(ctl_workstations, the_local_one_is_there_by_itself)
{
    char host[UV_MAXHOSTNAMESIZE];
    size_t n = sizeof(host);
    cr_assert_eq(uv_os_gethostname(host, &n), 0);
    cr_assert_eq(ctl_workstations_count(w.workstations), 1);
    const struct ctl_workstation *s = ctl_workstations_at(w.workstations, 0);
    cr_assert(ctl_workstation_is_local(s));
    cr_assert_str_eq(s->row.name, host);
    cr_assert_str_eq(s->row.labels, "{}");
    cr_assert_gt(s->row.created_at, 0);
    cr_assert_str_eq(station_status(&w, LOCAL), "online");
    expect_reason(LOCAL, "ldconsole answers");
    cr_assert_eq(s->row.last_seen_at,
                 cache_snapshot_observed_wall_ms(ctl_observer_snapshot(w.observer)));
    cr_assert_eq(ctl_workstations_figures(w.workstations), w.figures);
    cr_assert_null(ctl_workstations_find(w.workstations, "never made"));
}

Test(ctl_workstations, the_local_one_is_the_same_after_a_restart)
{
    int64_t created_at = local()->created_at;
    fake_clock_skip(5000);
    world_crash(&w);
    cr_assert_eq(ctl_workstations_count(w.workstations), 1);
    cr_assert_eq(local()->created_at, created_at);
    cr_assert_str_eq(station_status(&w, LOCAL), "online");
}

Test(ctl_workstations, others_are_there_after_a_restart_in_their_order)
{
    station_add(&w, "one", "");
    station_add(&w, "two", "10.0.0.2:80");
    world_crash(&w);
    cr_assert_eq(ctl_workstations_count(w.workstations), 3);
    cr_assert(ctl_workstation_is_local(ctl_workstations_at(w.workstations, 0)));
    cr_assert_str_eq(ctl_workstations_at(w.workstations, 1)->row.name, "one");
    const struct ctl_workstation *two = ctl_workstations_at(w.workstations, 2);
    cr_assert_str_eq(two->row.name, "two");
    cr_assert_str_eq(two->row.address, "10.0.0.2:80");
    cr_assert_not(ctl_workstation_is_local(two));
}

Test(ctl_workstations, what_was_found_stays_over_a_restart_until_it_is_looked_again)
{
    char id[UUID_SIZE];
    str_copy(id, sizeof(id), station_add(&w, "one", "10.0.0.2:80"));
    world_until(&w, fake_reach_n_open() == 1);
    fake_reach_answer(true, "answered");
    int64_t seen_at = station(&w, id)->row.last_seen_at;
    cr_assert_gt(seen_at, 0);
    world_crash(&w);
    cr_assert_str_eq(station_status(&w, id), "online");
    cr_assert_eq(station(&w, id)->row.last_seen_at, seen_at);
    expect_reason(id, "before the service was started");
}

Test(ctl_workstations, is_degraded_while_ldconsole_cannot_be_read)
{
    station_listen(&w);
    fake_farm_answer(w.farm, "list2", FARM_GARBAGE);
    world_look(&w);
    cr_assert_str_eq(station_status(&w, LOCAL), "degraded");
    expect_reason(LOCAL, "no line is an instance");
    cr_assert_str_eq(station_event_type(), "workstation.changed");
    cr_assert_str_eq(station_event_text("/id"), LOCAL);
    cr_assert_str_eq(station_event_text("/changes"),
                     "{\"status\":{\"from\":\"online\",\"to\":\"degraded\"}}");
    cr_assert_not_null(strstr(station_event_text("/status_reason"), "no line is an instance"));
    world_look(&w);
    cr_assert_eq(station_n_events(), 1, "the same again is no change");

    fake_farm_answer(w.farm, "list2", FARM_OBEY);
    world_look(&w);
    cr_assert_str_eq(station_status(&w, LOCAL), "online");
    cr_assert_str_eq(station_event_type(), "workstation.changed");
    cr_assert_str_eq(station_event_text("/changes/status/to"), "online");
    cr_assert_eq(station_n_events(), 2);
    station_unlisten();
}

Test(ctl_workstations, is_degraded_while_a_breaker_is_open)
{
    world_order(&w, "start", LDC_BREAKER_FORCED_OPEN);
    ctl_workstations_judge(w.workstations);
    cr_assert_str_eq(station_status(&w, LOCAL), "degraded");
    expect_reason(LOCAL, "the breaker 'start' is forced-open: a test");
    world_order(&w, "start", LDC_BREAKER_DISABLED);
    ctl_workstations_judge(w.workstations);
    cr_assert_str_eq(station_status(&w, LOCAL), "online");
}

Test(ctl_workstations, is_degraded_while_the_database_fails)
{
    world_break_store(&w, true);
    cache_events_emit(w.events, "test.event", "{}");
    world_until(&w, cache_store_health(w.store).write_error != 0);
    /* Reads that go well do not hide it. */
    world_flush(&w);
    ctl_workstations_judge(w.workstations);
    cr_assert_str_eq(station_status(&w, LOCAL), "degraded");
    expect_reason(LOCAL, "the database fails");
    world_break_store(&w, false);
    world_until(&w, cache_store_health(w.store).write_error == 0);
    world_look(&w);
    cr_assert_str_eq(station_status(&w, LOCAL), "online");
}

Test(ctl_workstations, maintenance_wins)
{
    station_maintain(&w, LOCAL, true);
    cr_assert_str_eq(station_status(&w, LOCAL), "maintenance");
    expect_reason(LOCAL, "an admin set it aside");
    fake_farm_answer(w.farm, "list2", FARM_GARBAGE);
    world_look(&w);
    cr_assert_str_eq(station_status(&w, LOCAL), "maintenance");
    world_crash(&w);
    cr_assert_str_eq(station_status(&w, LOCAL), "maintenance");
    station_maintain(&w, LOCAL, false);
    cr_assert_str_eq(station_status(&w, LOCAL), "degraded");
    fake_farm_answer(w.farm, "list2", FARM_OBEY);
    world_look(&w);
    cr_assert_str_eq(station_status(&w, LOCAL), "online");
}

/* --- parts of its own, on an observer that never looks --- */

struct blind {
    struct ctl_observer *observer;
    struct ctl_workstations *workstations;
    bool is_closed;
};

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

static void blind_open(struct blind *b, const struct cache_workstation *rows, size_t n)
{
    struct ctl_observer_parts seeing = {
        .loop = &w.loop, .client = w.client, .store = w.store, .events = w.events};
    b->observer = ctl_observer_new(&seeing, &ctl_observer_defaults);
    struct ctl_workstations_parts parts = {
        .loop = &w.loop,
        .client = w.client,
        .store = w.store,
        .events = w.events,
        .idempotency = w.idempotency,
        .observer = b->observer,
        .figures = w.figures,
        .reach = &fake_reach_ops,
    };
    struct cache_workstation *items = mem_calloc(n, sizeof(*items));
    for (size_t i = 0; i < n; i++) {
        items[i] = rows[i];
        items[i].labels = mem_strdup("{}");
    }
    b->workstations = ctl_workstations_new(&parts, &ctl_workstations_defaults, items, n);
}

static void blind_close(struct blind *b)
{
    b->is_closed = false;
    ctl_workstations_close(b->workstations, on_closed, &b->is_closed);
    world_until(&w, b->is_closed);
    b->is_closed = false;
    ctl_observer_close(b->observer, on_closed, &b->is_closed);
    world_until(&w, b->is_closed);
}

static void expect_found(struct blind *b, const char *id, enum cache_workstation_status status,
                         const char *part)
{
    const struct ctl_workstation *s = ctl_workstations_find(b->workstations, id);
    cr_assert_not_null(s);
    cr_assert_eq(s->row.status, status, "%s: %s", id, cache_workstation_status_name(s->row.status));
    cr_assert_not_null(strstr(s->reason, part), "'%s' is not in: %s", part, s->reason);
}

Test(ctl_workstations, before_the_first_look_nothing_is_claimed)
{
    struct blind b;
    blind_open(&b, NULL, 0);
    ctl_workstations_judge(b.workstations);
    expect_found(&b, LOCAL, CACHE_WORKSTATION_UNKNOWN, "has not been asked");
    blind_close(&b);

    static const struct cache_workstation knew = {
        .id = LOCAL, .name = "me", .status = CACHE_WORKSTATION_DEGRADED};
    blind_open(&b, &knew, 1);
    ctl_workstations_start(b.workstations);
    expect_found(&b, LOCAL, CACHE_WORKSTATION_DEGRADED, "has not been asked");
    blind_close(&b);

    static const struct cache_workstation set_aside = {
        .id = LOCAL, .name = "me", .status = CACHE_WORKSTATION_MAINTENANCE};
    blind_open(&b, &set_aside, 1);
    ctl_workstations_start(b.workstations);
    expect_found(&b, LOCAL, CACHE_WORKSTATION_UNKNOWN, "has not been asked");
    blind_close(&b);
}

Test(ctl_workstations, what_a_row_says_is_judged_when_it_is_loaded)
{
    static const struct cache_workstation rows[] = {
        {.id = "a", .name = "a", .address = "h:1", .status = CACHE_WORKSTATION_OFFLINE},
        {.id = "b", .name = "b", .address = "h:1", .status = CACHE_WORKSTATION_UNKNOWN},
        {.id = "c", .name = "c", .status = CACHE_WORKSTATION_ONLINE},
        {.id = "d", .name = "d", .address = "h:1", .is_maintained = true},
        {.id = "e", .name = "e", .address = "h:1", .status = CACHE_WORKSTATION_MAINTENANCE},
    };
    struct blind b;
    blind_open(&b, rows, countof(rows));
    expect_found(&b, "a", CACHE_WORKSTATION_OFFLINE, "before the service was started");
    expect_found(&b, "b", CACHE_WORKSTATION_UNKNOWN, "nobody has looked yet");
    expect_found(&b, "c", CACHE_WORKSTATION_UNKNOWN, "no address");
    expect_found(&b, "d", CACHE_WORKSTATION_MAINTENANCE, "set it aside");
    expect_found(&b, "e", CACHE_WORKSTATION_UNKNOWN, "nobody has looked yet");
    blind_close(&b);
}

Test(ctl_workstations, the_local_one_takes_no_name_that_another_has)
{
    char host[UV_MAXHOSTNAMESIZE];
    size_t n = sizeof(host);
    cr_assert_eq(uv_os_gethostname(host, &n), 0);
    struct cache_workstation rows[2] = {{.id = "a"}, {.id = "b", .name = "local-1"}};
    struct blind b;
    str_copy(rows[0].name, sizeof(rows[0].name), host);
    blind_open(&b, rows, 2);
    cr_assert_str_eq(ctl_workstations_find(b.workstations, LOCAL)->row.name, "local-2");
    blind_close(&b);
}

/* --- listeners --- */

static char *heard;

static void on_change(void *arg, enum cache_change_kind kind, const struct ctl_workstation *s)
{
    static const char *const words[] = {"added", "changed", "removed"};
    char *longer = mem_printf("%s%s %s %s; ", heard ? heard : "", words[kind], s->row.name,
                              cache_workstation_status_name(s->row.status));
    (void)arg;
    mem_free(heard);
    heard = longer;
}

Test(ctl_workstations, a_listener_is_told_of_everything_once)
{
    struct ctl_workstations_listener listener = {.fn = on_change};
    char id[UUID_SIZE];
    ctl_workstations_listen(w.workstations, &listener);
    str_copy(id, sizeof(id), station_add(&w, "one", "10.0.0.2:80"));
    world_until(&w, fake_reach_n_open() == 1);
    fake_reach_answer(false, "refused");
    station_maintain(&w, id, true);
    struct ctl_workstation_request r = station_request(CTL_WORKSTATION_REMOVE, id);
    (void)station_submit(&w, &r);
    cr_assert_str_eq(heard, "added one unknown; changed one offline; changed one maintenance; "
                            "removed one maintenance; ");
    ctl_workstations_unlisten(&listener);
    ctl_workstations_unlisten(&listener);
    station_add(&w, "two", "");
    cr_assert_not_null(strstr(heard, "removed one maintenance; "));
    cr_assert_null(strstr(heard, "two"));
    mem_free(heard);
}
