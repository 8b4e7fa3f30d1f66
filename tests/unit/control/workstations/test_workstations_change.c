/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/text/str.h"
#include "tests/unit/control/stations.h"

static struct world w;

static void begin(void)
{
    world_begin(&w);
    station_listen(&w);
}

static void end(void)
{
    station_unlisten();
    world_end(&w);
}

TestSuite(ctl_workstations_change, .init = begin, .fini = end);

#define ADD CTL_WORKSTATION_ADD
#define CHANGE CTL_WORKSTATION_CHANGE
#define REMOVE CTL_WORKSTATION_REMOVE

static void expect_refused(struct station_answer a, int http_status, const char *code)
{
    cr_assert_eq(a.n, 1);
    cr_assert_eq(a.refusal.http_status, http_status, "%d %s", a.refusal.http_status,
                 a.refusal.detail);
    cr_assert_str_eq(a.refusal.code, code);
    cr_assert_str_not_empty(a.refusal.detail);
}

static void expect_done(struct station_answer a)
{
    cr_assert_eq(a.n, 1);
    cr_assert_eq(a.refusal.http_status, 0, "%s", a.refusal.detail);
}

Test(ctl_workstations_change, an_added_one_has_what_was_asked_for)
{
    struct ctl_workstation_request r = station_request(ADD, NULL);
    r.name = "雷";
    r.address = "http://10.0.0.2:80";
    r.labels = "{\"rack\":\"3\"}";
    struct station_answer a = station_submit(&w, &r);
    expect_done(a);
    cr_assert(a.has_station);
    const struct cache_workstation *row = &station(&w, a.id)->row;
    cr_assert_eq(strlen(row->id), 36);
    cr_assert_str_eq(row->name, "雷");
    cr_assert_str_eq(row->address, "http://10.0.0.2:80");
    cr_assert_str_eq(row->labels, "{\"rack\":\"3\"}");
    cr_assert_not(row->is_maintained);
    cr_assert_eq(row->last_seen_at, 0);
    cr_assert_gt(row->created_at, 0);
    cr_assert_eq(row->updated_at, row->created_at);
    cr_assert_str_eq(station_status(&w, a.id), "unknown");
    cr_assert_str_eq(station_event_type(), "workstation.added");
    cr_assert_str_eq(station_event_text("/id"), a.id);
    cr_assert_str_eq(station_event_text("/name"), "雷");
    cr_assert_str_eq(station_event_text("/status"), "unknown");
    /* It is looked at right away. */
    world_until(&w, fake_reach_n_open() == 1);
    cr_assert_str_eq(fake_reach_address(), "http://10.0.0.2:80");
}

Test(ctl_workstations_change, one_may_be_added_in_maintenance)
{
    struct ctl_workstation_request r = station_request(ADD, NULL);
    r.name = "one";
    r.address = "10.0.0.2:80";
    r.maintenance = 1;
    struct station_answer a = station_submit(&w, &r);
    cr_assert_str_eq(station_status(&w, a.id), "maintenance");
    world_settle(&w);
    cr_assert_eq(fake_reach_n_begun(), 0);
}

Test(ctl_workstations_change, a_change_tells_what_has_changed)
{
    char id[UUID_SIZE];
    str_copy(id, sizeof(id), station_add(&w, "one", ""));
    fake_clock_skip(1000);
    struct ctl_workstation_request r = station_request(CHANGE, id);
    r.name = "two";
    r.labels = "{\"a\":\"b\"}";
    r.maintenance = 1;
    expect_done(station_submit(&w, &r));
    const struct cache_workstation *row = &station(&w, id)->row;
    cr_assert_str_eq(row->name, "two");
    cr_assert_str_eq(row->labels, "{\"a\":\"b\"}");
    cr_assert(row->is_maintained);
    cr_assert_gt(row->updated_at, row->created_at);
    cr_assert_str_eq(station_event_type(), "workstation.changed");
    cr_assert_str_eq(station_event_text("/changes/name"), "{\"from\":\"one\",\"to\":\"two\"}");
    cr_assert_str_eq(station_event_text("/changes/labels"), "{\"from\":{},\"to\":{\"a\":\"b\"}}");
    cr_assert_str_eq(station_event_text("/changes/maintenance"), "{\"from\":false,\"to\":true}");
    cr_assert_str_eq(station_event_text("/changes/status/to"), "maintenance");
    cr_assert_eq(station_n_events(), 2);
}

Test(ctl_workstations_change, what_is_not_named_stays)
{
    char id[UUID_SIZE];
    str_copy(id, sizeof(id), station_add(&w, "one", "10.0.0.2:80"));
    struct ctl_workstation_request r = station_request(CHANGE, id);
    r.labels = "{\"a\":\"b\"}";
    expect_done(station_submit(&w, &r));
    r.labels = NULL;
    r.name = "one";
    expect_done(station_submit(&w, &r));
    const struct cache_workstation *row = &station(&w, id)->row;
    cr_assert_str_eq(row->name, "one");
    cr_assert_str_eq(row->address, "10.0.0.2:80");
    cr_assert_str_eq(row->labels, "{\"a\":\"b\"}");
    /* The second changed nothing. */
    cr_assert_eq(station_n_events(), 2);
}

Test(ctl_workstations_change, another_address_is_looked_at_anew)
{
    char id[UUID_SIZE];
    str_copy(id, sizeof(id), station_add(&w, "one", "10.0.0.2:80"));
    world_until(&w, fake_reach_n_open() == 1);
    fake_reach_answer(true, "answered");
    cr_assert_str_eq(station_status(&w, id), "online");
    struct ctl_workstation_request r = station_request(CHANGE, id);
    r.address = "10.0.0.3:80";
    expect_done(station_submit(&w, &r));
    cr_assert_str_eq(station_status(&w, id), "unknown");
    cr_assert_str_eq(station_event_text("/changes/address"),
                     "{\"from\":\"10.0.0.2:80\",\"to\":\"10.0.0.3:80\"}");
    world_until(&w, fake_reach_n_open() == 1);
    cr_assert_str_eq(fake_reach_address(), "10.0.0.3:80");
    fake_reach_answer(true, "answered");

    r.address = "";
    expect_done(station_submit(&w, &r));
    cr_assert_str_eq(station_status(&w, id), "unknown");
    cr_assert_str_eq(station_event_text("/changes/address/to"), "");
    cr_assert_eq(fake_reach_n_begun(), 2);
}

/* The database takes its time: what is written waits for the gate. */
static uv_sem_t gate;

static int exec_wait(sqlite3 *db, void *arg)
{
    (void)db;
    (void)arg;
    uv_sem_wait(&gate);
    return 0;
}

static void note_turn(void *arg)
{
    *(bool *)arg = true;
}

/* Submits and turns until the change is on its way to the disk, where it has to wait. */
static void submit_held(const struct ctl_workstation_request *r, struct station_answer *a)
{
    bool is_taken = false;
    uv_sem_init(&gate, 0);
    cache_store_write(w.store, exec_wait, NULL, NULL);
    ctl_workstations_submit(w.workstations, r, station_on_answer, a);
    loop_post(&w.loop, note_turn, &is_taken);
    world_until(&w, is_taken);
    cr_assert_eq(a->n, 0);
}

Test(ctl_workstations_change, a_look_that_ends_meanwhile_is_not_forgotten)
{
    char id[UUID_SIZE];
    struct station_answer a = {0};
    str_copy(id, sizeof(id), station_add(&w, "one", "10.0.0.2:80"));
    world_until(&w, fake_reach_n_open() == 1);
    struct ctl_workstation_request r = station_request(CHANGE, id);
    r.name = "two";
    submit_held(&r, &a);
    fake_reach_answer(true, "answered");
    uv_sem_post(&gate);
    world_until(&w, a.n == 1);
    expect_done(a);
    cr_assert_str_eq(station_status(&w, id), "online");
    cr_assert_gt(station(&w, id)->row.last_seen_at, 0);
    world_crash(&w);
    station_listen(&w);
    cr_assert_str_eq(station_status(&w, id), "online");
    cr_assert_str_eq(station(&w, id)->row.name, "two");
}

Test(ctl_workstations_change, a_status_is_settled_by_what_is_so_when_it_is_written)
{
    struct station_answer a = {0};
    struct ctl_workstation_request r = station_request(CHANGE, CACHE_WORKSTATION_LOCAL);
    r.name = "here";
    submit_held(&r, &a);
    world_order(&w, "start", LDC_BREAKER_FORCED_OPEN);
    uv_sem_post(&gate);
    world_until(&w, a.n == 1);
    cr_assert_str_eq(station_status(&w, CACHE_WORKSTATION_LOCAL), "degraded");
    world_flush(&w);
    world_crash(&w);
    station_listen(&w);
    cr_assert_str_eq(station(&w, CACHE_WORKSTATION_LOCAL)->row.name, "here");
}

Test(ctl_workstations_change, a_removed_one_is_gone)
{
    char id[UUID_SIZE];
    str_copy(id, sizeof(id), station_add(&w, "one", ""));
    station_add(&w, "two", "");
    struct ctl_workstation_request r = station_request(REMOVE, id);
    struct station_answer a = station_submit(&w, &r);
    expect_done(a);
    cr_assert_not(a.has_station);
    cr_assert_str_eq(a.id, id);
    cr_assert_null(ctl_workstations_find(w.workstations, id));
    cr_assert_eq(ctl_workstations_count(w.workstations), 2);
    cr_assert_str_eq(ctl_workstations_at(w.workstations, 1)->row.name, "two");
    cr_assert_str_eq(station_event_type(), "workstation.removed");
    cr_assert_str_eq(station_event_text("/name"), "one");
    station_add(&w, "one", "");
    world_crash(&w);
    cr_assert_eq(ctl_workstations_count(w.workstations), 3);
    station_listen(&w);
}

Test(ctl_workstations_change, one_that_is_not_there)
{
    struct ctl_workstation_request r = station_request(CHANGE, "nobody");
    r.name = "one";
    expect_refused(station_submit(&w, &r), 404, "WORKSTATION_NOT_FOUND");
    r = station_request(REMOVE, "nobody");
    expect_refused(station_submit(&w, &r), 404, "WORKSTATION_NOT_FOUND");
}

Test(ctl_workstations_change, the_local_one_can_be_changed_but_not_removed)
{
    struct ctl_workstation_request r = station_request(REMOVE, CACHE_WORKSTATION_LOCAL);
    expect_refused(station_submit(&w, &r), 409, "WORKSTATION_IS_LOCAL");
    r = station_request(CHANGE, CACHE_WORKSTATION_LOCAL);
    r.name = "here";
    r.address = "10.0.0.1:8765";
    expect_done(station_submit(&w, &r));
    world_crash(&w);
    station_listen(&w);
    cr_assert_str_eq(station(&w, CACHE_WORKSTATION_LOCAL)->row.name, "here");
    cr_assert_eq(ctl_workstations_count(w.workstations), 1);
    world_settle(&w);
    cr_assert_eq(fake_reach_n_begun(), 0, "nobody connects to himself");
}

Test(ctl_workstations_change, two_cannot_have_one_name)
{
    char id[UUID_SIZE];
    station_add(&w, "one", "");
    str_copy(id, sizeof(id), station_add(&w, "two", ""));
    struct ctl_workstation_request r = station_request(ADD, NULL);
    r.name = "one";
    expect_refused(station_submit(&w, &r), 409, "WORKSTATION_EXISTS");
    r = station_request(CHANGE, id);
    r.name = "one";
    expect_refused(station_submit(&w, &r), 409, "WORKSTATION_EXISTS");
    cr_assert_str_eq(station(&w, id)->row.name, "two");
}

Test(ctl_workstations_change, of_two_at_once_with_one_name_the_first_wins)
{
    struct station_answer a = {0}, b = {0};
    struct ctl_workstation_request r = station_request(ADD, NULL);
    r.name = "one";
    ctl_workstations_submit(w.workstations, &r, station_on_answer, &a);
    ctl_workstations_submit(w.workstations, &r, station_on_answer, &b);
    world_until(&w, a.n && b.n);
    expect_done(a);
    expect_refused(b, 409, "WORKSTATION_EXISTS");
    cr_assert_eq(ctl_workstations_count(w.workstations), 2);
}

static void begin_small(void)
{
    world_init(&w);
    w.standing.max = 2;
    world_open(&w);
    station_listen(&w);
}

TestSuite(ctl_workstations_full, .init = begin_small, .fini = end);

Test(ctl_workstations_full, there_is_a_limit)
{
    struct ctl_workstation_request r = station_request(ADD, NULL);
    char id[UUID_SIZE];
    str_copy(id, sizeof(id), station_add(&w, "one", ""));
    r.name = "two";
    expect_refused(station_submit(&w, &r), 409, "WORKSTATION_LIMIT");
    struct ctl_workstation_request gone = station_request(REMOVE, id);
    expect_done(station_submit(&w, &gone));
    expect_done(station_submit(&w, &r));
}

/* --- conditions --- */

struct condition {
    struct station_answer answer; /* first: it is the ARG of station_on_answer */
    bool is_allowed;
    char name[40]; /* that it was asked about */
};

static bool is_allowed(void *arg, const struct ctl_workstation *s)
{
    struct condition *c = arg;
    str_copy(c->name, sizeof(c->name), s->row.name);
    return c->is_allowed;
}

static void submit_if(struct condition *c, enum ctl_workstation_action action, const char *id,
                      const char *name)
{
    struct ctl_workstation_request r = station_request(action, id);
    r.name = name;
    r.may_change = is_allowed;
    ctl_workstations_submit(w.workstations, &r, station_on_answer, c);
}

Test(ctl_workstations_change, a_condition_is_asked_of_what_the_change_before_left)
{
    struct condition first = {.is_allowed = true}, second = {.is_allowed = false};
    char id[UUID_SIZE];
    str_copy(id, sizeof(id), station_add(&w, "one", ""));
    submit_if(&first, CHANGE, id, "two");
    submit_if(&second, REMOVE, id, NULL);
    world_until(&w, first.answer.n && second.answer.n);
    expect_done(first.answer);
    cr_assert_str_eq(first.name, "one");
    expect_refused(second.answer, 412, "PRECONDITION_FAILED");
    cr_assert_str_eq(second.name, "two");
    cr_assert_str_eq(station(&w, id)->row.name, "two");
}

/* --- keys --- */

static struct ctl_workstation_request with_key(struct ctl_workstation_request r, const char *key,
                                               const char *fingerprint)
{
    r.key = (struct cache_key){"tester", key, fingerprint};
    return r;
}

static struct ctl_workstation_request add_with_key(const char *name, const char *key)
{
    struct ctl_workstation_request r = station_request(ADD, NULL);
    r.name = name;
    return with_key(r, key, name);
}

Test(ctl_workstations_change, a_repeated_request_gets_what_it_had)
{
    struct ctl_workstation_request r = add_with_key("one", "k");
    struct station_answer a = station_submit(&w, &r), b = station_submit(&w, &r);
    expect_done(a);
    expect_done(b);
    cr_assert_str_eq(a.id, b.id);
    cr_assert(b.has_station);
    cr_assert_eq(ctl_workstations_count(w.workstations), 2);
    world_crash(&w);
    station_listen(&w);
    b = station_submit(&w, &r);
    expect_done(b);
    cr_assert_str_eq(a.id, b.id);
}

Test(ctl_workstations_change, requests_that_meet_share_one_change)
{
    struct ctl_workstation_request r = add_with_key("one", "k"), other = add_with_key("two", "k");
    struct station_answer a = {0}, b = {0}, c = {0};
    ctl_workstations_submit(w.workstations, &r, station_on_answer, &a);
    ctl_workstations_submit(w.workstations, &r, station_on_answer, &b);
    ctl_workstations_submit(w.workstations, &other, station_on_answer, &c);
    world_until(&w, a.n && b.n && c.n);
    expect_done(a);
    expect_done(b);
    cr_assert_str_eq(a.id, b.id);
    expect_refused(c, 422, "IDEMPOTENCY_KEY_REUSED");
    cr_assert_eq(ctl_workstations_count(w.workstations), 2);
}

Test(ctl_workstations_change, a_key_is_good_for_one_request_of_one_user)
{
    struct ctl_workstation_request r = add_with_key("one", "k"), other = add_with_key("two", "k");
    expect_done(station_submit(&w, &r));
    expect_refused(station_submit(&w, &other), 422, "IDEMPOTENCY_KEY_REUSED");
    other.key.owner = "somebody else";
    expect_done(station_submit(&w, &other));
}

Test(ctl_workstations_change, a_key_that_an_operation_took_meanwhile_is_refused)
{
    struct ctl_workstation_request r = add_with_key("one", "k");
    struct station_answer a = {0};
    ctl_workstations_submit(w.workstations, &r, station_on_answer, &a);
    cr_assert_eq(cache_idempotency_remember(w.idempotency,
                                            &(struct cache_key){"tester", "k", "start"}, "op"),
                 0);
    world_until(&w, a.n);
    expect_refused(a, 422, "IDEMPOTENCY_KEY_REUSED");
    cr_assert_eq(ctl_workstations_count(w.workstations), 1);
}

Test(ctl_workstations_change, a_repeated_removal_is_a_success_after_a_restart_too)
{
    char id[UUID_SIZE];
    str_copy(id, sizeof(id), station_add(&w, "one", ""));
    struct ctl_workstation_request r = with_key(station_request(REMOVE, id), "k", "remove one");
    expect_done(station_submit(&w, &r));
    expect_done(station_submit(&w, &r));
    world_crash(&w);
    station_listen(&w);
    struct station_answer a = station_submit(&w, &r);
    expect_done(a);
    cr_assert_not(a.has_station);
}

Test(ctl_workstations_change, a_refusal_does_not_use_up_the_key)
{
    struct ctl_workstation_request r = add_with_key("one", "k");
    char id[UUID_SIZE];
    str_copy(id, sizeof(id), station_add(&w, "one", ""));
    expect_refused(station_submit(&w, &r), 409, "WORKSTATION_EXISTS");
    struct ctl_workstation_request gone = station_request(REMOVE, id);
    expect_done(station_submit(&w, &gone));
    expect_done(station_submit(&w, &r));
}

Test(ctl_workstations_change, too_many_keys_are_refused)
{
    char key[20];
    for (int i = 0; i < CACHE_IDEMPOTENCY_MAX_KEYS; i++) {
        snprintf(key, sizeof(key), "%d", i);
        cr_assert_eq(
            cache_idempotency_remember(w.idempotency, &(struct cache_key){"x", key, "f"}, "o"), 0);
    }
    struct ctl_workstation_request r = add_with_key("one", "k");
    expect_refused(station_submit(&w, &r), 503, "IDEMPOTENCY_FULL");
    cr_assert_eq(ctl_workstations_count(w.workstations), 1);
}

/* --- the database --- */

Test(ctl_workstations_change, what_cannot_be_written_is_not_so)
{
    char id[UUID_SIZE];
    str_copy(id, sizeof(id), station_add(&w, "one", ""));
    world_break_store(&w, true);
    struct ctl_workstation_request add = add_with_key("two", "k");
    struct ctl_workstation_request change = station_request(CHANGE, id);
    struct ctl_workstation_request gone = station_request(REMOVE, id);
    change.name = "other";
    expect_refused(station_submit(&w, &add), 503, "STORE_UNAVAILABLE");
    expect_refused(station_submit(&w, &change), 503, "STORE_UNAVAILABLE");
    expect_refused(station_submit(&w, &gone), 503, "STORE_UNAVAILABLE");
    cr_assert_eq(ctl_workstations_count(w.workstations), 2);
    cr_assert_str_eq(station(&w, id)->row.name, "one");
    world_break_store(&w, false);
    /* The key is free again. */
    expect_done(station_submit(&w, &add));
    expect_done(station_submit(&w, &change));
    expect_done(station_submit(&w, &gone));
}

/* --- the end --- */

static void on_refused(void *arg, const char *id, const struct ctl_workstation *station,
                       const struct ctl_refusal *refusal)
{
    station_on_answer(arg, id, station, refusal);
    uv_sem_post(&gate);
}

Test(ctl_workstations_change, closing_refuses_what_waits_and_ends_what_is_written)
{
    struct station_answer a = {0}, b = {0}, late = {0};
    struct ctl_workstation_request r = station_request(ADD, NULL);
    r.name = "one";
    submit_held(&r, &a);
    r.name = "two";
    ctl_workstations_submit(w.workstations, &r, on_refused, &b);
    ctl_workstations_close(w.workstations, note_turn, &w.is_closed);
    expect_refused(b, 503, "STOPPING");
    ctl_workstations_submit(w.workstations, &r, station_on_answer, &late);
    world_until(&w, w.is_closed);
    expect_refused(late, 503, "STOPPING");
    expect_done(a);
    w.workstations = NULL;
    world_close(&w);
    world_open(&w);
    station_listen(&w);
    cr_assert_eq(ctl_workstations_count(w.workstations), 2);
}
