/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>
#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"
#include "base/system/clock.h"
#include "cache/tables/events.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/cache/fixture.h"

/* An event log on a store, and what a subscriber heard. Numbers here count from where the new
 * database begins. */
struct log {
    struct fixture f;
    struct cache_events *events;
    struct cache_subscriber *subscriber;
    struct buf heard; /* "1:a 2:b" */
    uint64_t base;
    uint64_t wanted; /* is_there turns true with this seq */
    bool is_there;
};

static void on_event(void *arg, const struct cache_event *event)
{
    struct log *log = arg;
    uint64_t seq = event->seq - log->base;
    (void)buf_printf(&log->heard, "%s%" PRIu64 ":%s", log->heard.len ? " " : "", seq, event->type);
    log->is_there = log->is_there || seq == log->wanted;
}

static void log_reopen(struct log *log, unsigned keep)
{
    sqlite3 *db = open_db(log->f.folder);
    cr_assert_eq(cache_events_new(db, keep, &log->events), 0);
    log->f.store = cache_store_new(&log->f.loop, db, NULL);
    cache_events_set_store(log->events, log->f.store);
    log->subscriber = cache_events_subscribe(log->events, on_event, log);
}

static void log_start(struct log *log, unsigned keep)
{
    *log = (struct log){.wanted = 0};
    cache_db_close(fixture_init(&log->f));
    buf_init(&log->heard, 0);
    log_reopen(log, keep);
    log->base = cache_events_last_seq(log->events);
}

static uint64_t last_seq(const struct log *log)
{
    return cache_events_last_seq(log->events) - log->base;
}

static void log_shut(struct log *log)
{
    fixture_close_store(&log->f);
    cache_events_free(log->events);
    cache_events_unsubscribe(log->subscriber);
}

static void log_stop(struct log *log)
{
    log_shut(log);
    buf_deinit(&log->heard);
    fixture_stop(&log->f);
}

static void expect_heard(struct log *log, const char *expected)
{
    cr_assert_str_eq(log->heard.len ? log->heard.data : "", expected);
    buf_clear(&log->heard);
}

static void emit_many(struct log *log, int n)
{
    for (int i = 0; i < n; i++)
        cache_events_emit(log->events, "x", "{}");
}

/* A page as "seq:type ...". */
struct page {
    uint64_t base, since;
    int n_calls, status;
    size_t n;
    uint64_t first, last;
    bool is_gap, has_hole;
    char text[256];
};

static void on_page(void *arg, int status, const struct cache_event *items, size_t n_items)
{
    struct page *page = arg;
    page->n_calls++;
    page->status = status;
    page->n = n_items;
    page->is_gap = n_items > 0 && items[0].seq > page->since + 1;
    for (size_t i = 0; i < n_items; i++) {
        char start[64];
        snprintf(start, sizeof(start), "{\"seq\":%" PRIu64 ",\"time\":\"", items[i].seq);
        cr_assert(str_has_prefix(items[i].json->data, start), "%s", items[i].json->data);
        cr_assert(i == 0 || items[i].seq > items[i - 1].seq);
        page->has_hole = page->has_hole || (i > 0 && items[i].seq > items[i - 1].seq + 1);
        if (i < 5)
            snprintf(page->text + strlen(page->text), sizeof(page->text) - strlen(page->text),
                     "%s%" PRIu64 ":%s", i ? " " : "", items[i].seq - page->base, items[i].type);
    }
    page->first = n_items ? items[0].seq - page->base : 0;
    page->last = n_items ? items[n_items - 1].seq - page->base : 0;
}

static struct page read_page(struct log *log, uint64_t since, unsigned limit)
{
    struct page page = {.base = log->base, .since = log->base + since};
    cache_events_read(log->events, page.since, limit, on_page, &page);
    cr_assert_eq(page.n_calls, 0, "never inside the call");
    loop_run(&log->f.loop);
    cr_assert_eq(page.n_calls, 1);
    cr_assert_eq(page.status, 0);
    return page;
}

Test(cache_events, an_event_is_heard_once_it_is_on_disk)
{
    struct log log;
    log_start(&log, 100);
    cr_assert_eq(last_seq(&log), 0);
    cache_events_emit(log.events, "instance.added", "{\"id\":\"a\"}");
    cache_events_emit(log.events, "instance.changed", "{\"id\":\"a\"}");
    expect_heard(&log, "");
    cr_assert_eq(last_seq(&log), 0);
    loop_run(&log.f.loop);
    expect_heard(&log, "1:instance.added 2:instance.changed");
    cr_assert_eq(last_seq(&log), 2);
    sqlite3 *db = open_beside(log.f.folder);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM events"), 2);
    cache_db_close(db);
    log_stop(&log);
}

static void keep_json(void *arg, const struct cache_event *event)
{
    struct blob **kept = arg;
    blob_unref(*kept);
    *kept = blob_ref(event->json);
}

Test(cache_events, json_is_the_envelope_of_the_contract)
{
    struct log log;
    struct blob *kept cleanup(blob_unrefp) = NULL;
    log_start(&log, 100);
    struct cache_subscriber *s = cache_events_subscribe(log.events, keep_json, &kept);
    cache_events_emit(log.events, "a \"type\"", "{\"b\":[1]}");
    loop_run(&log.f.loop);
    cache_events_unsubscribe(s);
    log_stop(&log);
    /* The time is 24 characters. */
    char start[64];
    snprintf(start, sizeof(start), "{\"seq\":%" PRIu64 ",\"time\":\"", log.base + 1);
    cr_assert(str_has_prefix(kept->data, start), "%s", kept->data);
    cr_assert_str_eq(kept->data + strlen(start) + 24,
                     "\",\"type\":\"a \\\"type\\\"\",\"data\":{\"b\":[1]}}");
    cr_assert_eq(kept->len, strlen(kept->data));
}

Test(cache_events, seq_goes_on_after_a_restart)
{
    struct log log;
    log_start(&log, 2);
    emit_many(&log, 5);
    log_shut(&log);
    buf_clear(&log.heard);
    log_reopen(&log, 2);
    cr_assert_eq(last_seq(&log), 5);
    emit_many(&log, 1);
    loop_run(&log.f.loop);
    expect_heard(&log, "6:x");
    log_stop(&log);
}

Test(cache_events, what_was_emitted_before_the_store_came_is_written_then)
{
    struct log log = {.wanted = 0};
    sqlite3 *db = fixture_init(&log.f);
    buf_init(&log.heard, 0);
    cr_assert_eq(cache_events_new(db, 10, &log.events), 0);
    log.base = cache_events_last_seq(log.events);
    log.subscriber = cache_events_subscribe(log.events, on_event, &log);
    cache_events_emit(log.events, "early", "{}");
    log.f.store = cache_store_new(&log.f.loop, db, NULL);
    cache_events_set_store(log.events, log.f.store);
    loop_run(&log.f.loop);
    expect_heard(&log, "1:early");
    log_stop(&log);
}

Test(cache_events, the_database_keeps_the_newest)
{
    struct log log;
    log_start(&log, 10);
    emit_many(&log, 700);
    loop_run(&log.f.loop);
    sqlite3 *db = open_beside(log.f.folder);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM events"), 10);
    cr_assert_eq(query_number(db, "SELECT max(seq) FROM events"), (int64_t)log.base + 700);
    cache_db_close(db);
    log_stop(&log);
}

Test(cache_events, a_limit_of_nothing_still_keeps_the_last_seq)
{
    struct log log;
    log_start(&log, 0);
    emit_many(&log, 3);
    log_shut(&log);
    log_reopen(&log, 0);
    cr_assert_eq(last_seq(&log), 3);
    log_stop(&log);
}

Test(cache_events, a_burst_is_written_without_loss_and_in_order)
{
    struct log log;
    log_start(&log, 100000);
    emit_many(&log, 5000);
    loop_run(&log.f.loop);
    cr_assert_eq(last_seq(&log), 5000);
    struct page page = read_page(&log, 0, 10000);
    cr_assert_eq(page.n, 5000);
    cr_assert_not(page.has_hole);
    cr_assert_not(page.is_gap);
    log_stop(&log);
}

Test(cache_events, history_comes_from_memory_and_disk_alike)
{
    struct log log;
    log_start(&log, 100000);
    emit_many(&log, 3);
    loop_run(&log.f.loop);
    struct page page = read_page(&log, 1, 10);
    cr_assert_str_eq(page.text, "2:x 3:x");
    cr_assert_str_eq(read_page(&log, 0, 2).text, "1:x 2:x");
    cr_assert_str_eq(read_page(&log, 3, 2).text, "");
    cr_assert_not(read_page(&log, 3, 2).is_gap);

    emit_many(&log, 2000);
    loop_run(&log.f.loop);
    page = read_page(&log, 1, 2);
    cr_assert_str_eq(page.text, "2:x 3:x");
    cr_assert_not(page.is_gap);
    page = read_page(&log, 900, 1000);
    cr_assert_eq(page.first, 901);
    cr_assert_eq(page.last, 1900);
    page = read_page(&log, 1990, 1000);
    cr_assert_eq(page.first, 1991);
    cr_assert_eq(page.last, 2003);

    log_shut(&log);
    log_reopen(&log, 100000);
    page = read_page(&log, 2000, 10);
    cr_assert_str_eq(page.text, "2001:x 2002:x 2003:x");
    cr_assert_str_eq(read_page(&log, 2003, 10).text, "");
    log_stop(&log);
}

Test(cache_events, the_edge_of_memory_is_exact)
{
    struct log log;
    log_start(&log, 100000);
    emit_many(&log, CACHE_EVENTS_IN_MEMORY + 1);
    loop_run(&log.f.loop);
    for (uint64_t since = 0; since <= 3; since++) {
        struct page page = read_page(&log, since, 2);
        cr_assert_eq(page.first, since + 1);
        cr_assert_eq(page.n, 2);
        cr_assert_not(page.is_gap);
    }
    log_stop(&log);
}

Test(cache_events, a_gap_is_told_where_history_was_not_kept)
{
    struct log log;
    log_start(&log, 10);
    emit_many(&log, 20);
    log_shut(&log);
    log_reopen(&log, 10);
    struct page page = read_page(&log, 5, 3);
    cr_assert_str_eq(page.text, "11:x 12:x 13:x");
    cr_assert(page.is_gap);
    cr_assert_not(read_page(&log, 10, 3).is_gap);
    log_stop(&log);
}

Test(cache_events, a_history_that_cannot_be_read_says_so)
{
    struct log log;
    struct page page = {0};
    log_start(&log, 10);
    emit_many(&log, 3);
    log_shut(&log);
    log_reopen(&log, 10);
    sqlite3 *other = open_beside(log.f.folder);
    execute(other, "DROP TABLE events");
    cache_db_close(other);
    cache_events_read(log.events, 0, 10, on_page, &page);
    loop_run(&log.f.loop);
    cr_assert_eq(page.n_calls, 1);
    cr_assert_lt(page.status, 0);
    cr_assert_eq(page.n, 0);
    log_stop(&log);
}

/* Reads history, then goes on live, as a client's stream does. */
struct stream {
    struct log *log;
    struct cache_subscriber *subscriber;
    uint64_t last;
    bool is_broken;
};

static void on_live(void *arg, const struct cache_event *event)
{
    struct stream *s = arg;
    s->is_broken = s->is_broken || event->seq != s->last + 1;
    s->last = event->seq;
}

static void on_history(void *arg, int status, const struct cache_event *items, size_t n_items)
{
    struct stream *s = arg;
    s->is_broken = s->is_broken || status < 0;
    for (size_t i = 0; i < n_items; i++)
        on_live(s, &items[i]);
    s->subscriber = cache_events_subscribe(s->log->events, on_live, s);
}

Test(cache_events, a_stream_misses_nothing_between_history_and_live)
{
    struct log log;
    struct stream streams[40] = {{0}};
    log_start(&log, 100000);
    emit_many(&log, 30);
    log_shut(&log);
    log_reopen(&log, 100000);
    for (size_t i = 0; i < countof(streams); i++) {
        streams[i].log = &log;
        streams[i].last = log.base;
        emit_many(&log, 7);
        cache_events_read(log.events, 0, 10000, on_history, &streams[i]);
        if (i % 3 == 0)
            uv_run(&log.f.loop.uv, UV_RUN_NOWAIT);
    }
    emit_many(&log, 7);
    loop_run(&log.f.loop);
    for (size_t i = 0; i < countof(streams); i++) {
        cr_expect_not(streams[i].is_broken, "stream %d", (int)i);
        cr_expect_eq(streams[i].last, log.base + 30 + 41 * 7, "stream %d", (int)i);
        cache_events_unsubscribe(streams[i].subscriber);
    }
    log_stop(&log);
}

static void unsubscribe_both(void *arg, const struct cache_event *event)
{
    struct cache_subscriber **both = arg;
    (void)event;
    for (int i = 0; i < 2; i++) {
        cache_events_unsubscribe(both[i]);
        both[i] = NULL;
    }
}

Test(cache_events, a_subscriber_may_end_itself_and_others_while_it_hears)
{
    struct log log;
    struct cache_subscriber *both[2];
    log_start(&log, 10);
    both[0] = cache_events_subscribe(log.events, unsubscribe_both, both);
    both[1] = cache_events_subscribe(log.events, unsubscribe_both, both);
    emit_many(&log, 3);
    loop_run(&log.f.loop);
    cr_assert_null(both[0]);
    expect_heard(&log, "1:x 2:x 3:x");
    cache_events_unsubscribe(NULL);
    log_stop(&log);
}

struct late {
    struct log *log;
    struct cache_subscriber *subscriber;
};

static void subscribe_log(void *arg, const struct cache_event *event)
{
    struct late *late = arg;
    (void)event;
    if (late->subscriber)
        return;
    late->subscriber = cache_events_subscribe(late->log->events, on_event, late->log);
    cache_events_emit(late->log->events, "more", "{}");
}

Test(cache_events, who_subscribes_while_hearing_hears_from_the_next_on)
{
    struct log log;
    struct late late = {.log = &log};
    log_start(&log, 10);
    cache_events_unsubscribe(log.subscriber);
    log.subscriber = cache_events_subscribe(log.events, subscribe_log, &late);
    emit_many(&log, 1);
    loop_run(&log.f.loop);
    expect_heard(&log, "2:more");
    cache_events_unsubscribe(late.subscriber);
    log_stop(&log);
}

Test(cache_events, refused_events_wait_and_are_written_when_the_database_can)
{
    struct log log;
    log_start(&log, 10);
    sqlite3 *other = lock_out(&log.f.loop, log.f.store, log.f.folder);
    cache_events_emit(log.events, "a", "{}");
    loop_run(&log.f.loop);
    cache_events_emit(log.events, "b", "{}");
    loop_run(&log.f.loop);
    expect_heard(&log, "");
    cr_assert_lt(cache_store_health(log.f.store).write_error, 0);
    cache_db_close(other);
    log.wanted = 2;
    fixture_run_until(&log.f, &log.is_there);
    expect_heard(&log, "1:a 2:b");
    log_stop(&log);
}

Test(cache_events, beyond_a_thousand_waiting_the_oldest_give_way_to_a_gap)
{
    struct log log;
    log_start(&log, 100000);
    sqlite3 *other = lock_out(&log.f.loop, log.f.store, log.f.folder);
    emit_many(&log, 600);
    loop_run(&log.f.loop);
    emit_many(&log, 600);
    cache_events_emit(log.events, "last", "{}");
    cache_db_close(other);
    log.wanted = 1001;
    fixture_run_until(&log.f, &log.is_there);
    cr_assert(str_has_prefix(log.heard.data, "1:gap 2:x 3:x "), "%.40s", log.heard.data);
    cr_assert(str_has_suffix(log.heard.data, " 1000:x 1001:last"));
    sqlite3 *db = open_beside(log.f.folder);
    cr_assert_eq(query_number(db, "SELECT json LIKE '%\"type\":\"gap\",\"data\":{\"dropped\":201}}'"
                                  " FROM events ORDER BY seq LIMIT 1"),
                 1);
    cache_db_close(db);
    log_stop(&log);
}

Test(cache_events, dropped_events_of_several_refusals_are_told_once)
{
    struct log log;
    log_start(&log, 100000);
    sqlite3 *other = lock_out(&log.f.loop, log.f.store, log.f.folder);
    emit_many(&log, 1300);
    loop_run(&log.f.loop);
    /* Let the second try fail too. */
    uint64_t n_failed = cache_store_stats(log.f.store).n_failed;
    while (cache_store_stats(log.f.store).n_failed == n_failed) {
        uv_ref((uv_handle_t *)&log.f.loop.wake);
        uv_run(&log.f.loop.uv, UV_RUN_ONCE);
    }
    uv_unref((uv_handle_t *)&log.f.loop.wake);
    emit_many(&log, 10);
    cache_db_close(other);
    log.wanted = 1001;
    fixture_run_until(&log.f, &log.is_there);
    sqlite3 *db = open_beside(log.f.folder);
    cr_assert_eq(query_number(db, "SELECT count(*) FROM events WHERE type = 'gap'"), 1);
    cr_assert_eq(query_number(db, "SELECT json LIKE '%{\"dropped\":310}}' FROM events"
                                  " ORDER BY seq LIMIT 1"),
                 1);
    cache_db_close(db);
    log_stop(&log);
}

Test(cache_events, stopping_while_refused_ends_cleanly)
{
    struct log log;
    log_start(&log, 10);
    sqlite3 *other = lock_out(&log.f.loop, log.f.store, log.f.folder);
    emit_many(&log, 3);
    log_shut(&log);
    cache_db_close(other);
    expect_heard(&log, "");
    buf_deinit(&log.heard);
    fixture_stop(&log.f);
}

Test(cache_events, freeing_with_a_page_under_way_still_calls_done)
{
    struct log log;
    struct page page = {0};
    log_start(&log, 10);
    emit_many(&log, 3);
    loop_run(&log.f.loop);
    cache_events_read(log.events, 0, 10, on_page, &page);
    cache_events_free(log.events);
    cache_events_unsubscribe(log.subscriber);
    loop_run(&log.f.loop);
    cr_assert_eq(page.n_calls, 1);
    cr_assert_eq(page.n, 3);
    buf_deinit(&log.heard);
    fixture_stop(&log.f);
}

/* --- where numbers begin --- */

static const int64_t day = 24 * 3600 * 1000;

/* Opens the folder's database, as another program or before the service. */
static void execute_beside(struct log *log, const char *sql)
{
    sqlite3 *db = open_beside(log->f.folder);
    execute(db, sql);
    cache_db_close(db);
}

static void renumber(struct log *log)
{
    sqlite3 *db = open_beside(log->f.folder);
    cr_assert_eq(cache_events_renumber(db), 0);
    cache_db_close(db);
}

static int64_t count_rows(struct log *log)
{
    sqlite3 *db = open_beside(log->f.folder);
    int64_t n = query_number(db, "SELECT count(*) FROM events");
    cache_db_close(db);
    return n;
}

/* A log of the first version, whose numbers began at 1. */
static void log_start_old(struct log *log, unsigned keep, int n)
{
    *log = (struct log){.wanted = 0};
    cache_db_close(fixture_init(&log->f));
    buf_init(&log->heard, 0);
    char *sql = mem_printf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT"
                           " %d) INSERT INTO events SELECT i, 1, 'x',"
                           " format('{\"seq\":%%d,\"time\":\"\"}', i) FROM n",
                           n);
    execute_beside(log, sql);
    mem_free(sql);
    log_reopen(log, keep);
}

Test(cache_events, a_new_log_begins_at_the_clock)
{
    struct log log;
    int64_t before = clock_wall_ms();
    log_start(&log, 100);
    cr_assert_geq((int64_t)log.base, before * 1000);
    cr_assert_leq((int64_t)log.base, clock_wall_ms() * 1000);
    cr_assert_lt(log.base, UINT64_C(1) << 52);
    cr_assert_eq(cache_events_origin(log.events), log.base);
    log_stop(&log);
}

Test(cache_events, the_origin_is_where_the_history_begins_whatever_is_kept_of_it)
{
    struct log log;
    log_start(&log, 10);
    emit_many(&log, 20);
    log_shut(&log);
    log_reopen(&log, 10);
    cr_assert_eq(cache_events_origin(log.events), log.base);
    log_stop(&log);
}

Test(cache_events, a_log_of_the_first_version_goes_on_in_its_numbers)
{
    struct log log;
    log_start_old(&log, 10, 20);
    cr_assert_eq(cache_events_origin(log.events), 0);
    cr_assert_eq(last_seq(&log), 20);
    emit_many(&log, 1);
    loop_run(&log.f.loop);
    expect_heard(&log, "21:x");
    cr_assert_eq(count_rows(&log), 10);
    log_stop(&log);
}

Test(cache_events, renumbering_goes_on_from_the_clock_and_keeps_what_there_was)
{
    struct log log;
    int64_t before = clock_wall_ms();
    log_start_old(&log, 30, 20);
    log_shut(&log);
    renumber(&log);
    log_reopen(&log, 30);
    uint64_t floor = cache_events_last_seq(log.events);
    cr_assert_geq((int64_t)floor, before * 1000);
    cr_assert_eq(cache_events_origin(log.events), 0);
    emit_many(&log, 5);
    loop_run(&log.f.loop);
    struct page page = read_page(&log, 18, 3);
    cr_assert_eq(page.n, 3);
    cr_assert_eq(page.first, 19);
    cr_assert_eq(page.last, floor + 1);
    cr_assert(page.has_hole);
    page = read_page(&log, 20, 10);
    cr_assert_eq(page.n, 5);
    cr_assert(page.is_gap);
    cr_assert(read_page(&log, 25, 10).is_gap, "in the hole");
    cr_assert_not(read_page(&log, floor, 10).is_gap);

    /* Rows are counted, whatever their numbers are. */
    emit_many(&log, 10);
    loop_run(&log.f.loop);
    cr_assert_eq(count_rows(&log), 30);
    log_shut(&log);
    log_reopen(&log, 30);
    emit_many(&log, 1);
    loop_run(&log.f.loop);
    cr_assert_eq(count_rows(&log), 30);
    cr_assert_eq(read_page(&log, 0, 1).first, 7);
    log_stop(&log);
}

Test(cache_events, numbers_that_no_history_has_are_not_gone_on_from)
{
    struct log log;
    log_start_old(&log, 30, 20);
    log_shut(&log);
    sqlite3 *db = open_db(log.f.folder);
    execute(db,
            "INSERT INTO events VALUES (9223372036854775807, 1, 'x', '{}'), (-5, 1, 'x', '{}')");
    cache_db_close(db);
    renumber(&log);
    log_reopen(&log, 30);
    cr_assert_eq(count_rows(&log), 20);
    cr_assert_lt(cache_events_last_seq(log.events), UINT64_C(1) << 53);
    log_stop(&log);
}

Test(cache_events, renumbering_is_durable_before_the_first_event)
{
    struct log log;
    log_start_old(&log, 30, 20);
    log_shut(&log);
    renumber(&log);
    log_reopen(&log, 30);
    uint64_t floor = cache_events_last_seq(log.events);
    log_shut(&log);
    log_reopen(&log, 30);
    cr_assert_eq(cache_events_last_seq(log.events), floor);
    log_stop(&log);
}

Test(cache_events, a_log_that_was_emptied_uses_no_number_again_also_when_the_clock_is_behind)
{
    struct log log;
    log_start(&log, 100);
    emit_many(&log, 50);
    loop_run(&log.f.loop);
    uint64_t last = cache_events_last_seq(log.events);
    log_shut(&log);
    for (int i = 0; i < 2; i++) {
        execute_beside(&log, "DELETE FROM events");
        fake_clock_set_wall(-30 * day);
        log_reopen(&log, 100);
        cr_assert_gt(cache_events_last_seq(log.events), last);
        cr_assert_lt(cache_events_last_seq(log.events), UINT64_C(1) << 53);
        emit_many(&log, 50);
        loop_run(&log.f.loop);
        last = cache_events_last_seq(log.events);
        log_shut(&log);
    }
    log_reopen(&log, 100);
    log_stop(&log);
}

Test(cache_events, a_clock_in_a_far_century_is_not_believed)
{
    struct log log;
    fake_clock_set_wall(200 * 365 * day);
    log_start(&log, 100);
    cr_assert_lt(log.base, UINT64_C(1) << 52);
    log_stop(&log);
}

Test(cache_events, a_lower_limit_is_reached_in_pieces)
{
    struct log log;
    log_start(&log, 100000);
    emit_many(&log, 2000);
    log_shut(&log);
    log_reopen(&log, 10);
    emit_many(&log, 1);
    loop_run(&log.f.loop);
    cr_assert_eq(count_rows(&log), 2001 - 514);
    for (int i = 0; i < 3; i++) {
        emit_many(&log, 1);
        loop_run(&log.f.loop);
    }
    cr_assert_eq(count_rows(&log), 10);
    log_stop(&log);
}

Test(cache_events, making_a_log_returns_what_failed)
{
    sqlite3 *db;
    struct cache_events *events = NULL;
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    cr_assert_lt(cache_events_new(db, 10, &events), 0);
    cr_assert_null(events);
    cache_events_free(NULL);
    cache_db_close(db);
}
