/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>
#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"
#include "cache/tables/events.h"
#include "tests/unit/cache/fixture.h"

/* An event log on a store, and what a subscriber heard. */
struct log {
    struct fixture f;
    struct cache_events *events;
    struct cache_subscriber *subscriber;
    struct buf heard; /* "1:a 2:b" */
    uint64_t wanted;  /* is_there turns true with this seq */
    bool is_there;
};

static void on_event(void *arg, const struct cache_event *event)
{
    struct log *log = arg;
    (void)buf_printf(&log->heard, "%s%" PRIu64 ":%s", log->heard.len ? " " : "", event->seq,
                     event->type);
    log->is_there = log->is_there || event->seq == log->wanted;
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

/* A page as "seq:type ...", with "gap" in front. */
struct page {
    int n_calls, status;
    size_t n;
    uint64_t first, last;
    bool is_gap;
    char text[256];
};

static void on_page(void *arg, int status, const struct cache_event *items, size_t n_items,
                    bool is_gap)
{
    struct page *page = arg;
    page->n_calls++;
    page->status = status;
    page->n = n_items;
    page->is_gap = is_gap;
    for (size_t i = 0; i < n_items; i++) {
        char start[64];
        snprintf(start, sizeof(start), "{\"seq\":%" PRIu64 ",\"time\":\"", items[i].seq);
        cr_assert(str_has_prefix(items[i].json->data, start), "%s", items[i].json->data);
        cr_assert(i == 0 || items[i].seq == items[i - 1].seq + 1);
        if (i < 5)
            snprintf(page->text + strlen(page->text), sizeof(page->text) - strlen(page->text),
                     "%s%" PRIu64 ":%s", i ? " " : "", items[i].seq, items[i].type);
    }
    page->first = n_items ? items[0].seq : 0;
    page->last = n_items ? items[n_items - 1].seq : 0;
}

static struct page read_page(struct log *log, uint64_t since, unsigned limit)
{
    struct page page = {0};
    cache_events_read(log->events, since, limit, on_page, &page);
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
    cr_assert_eq(cache_events_last_seq(log.events), 0);
    cache_events_emit(log.events, "instance.added", "{\"id\":\"a\"}");
    cache_events_emit(log.events, "instance.changed", "{\"id\":\"a\"}");
    expect_heard(&log, "");
    cr_assert_eq(cache_events_last_seq(log.events), 0);
    loop_run(&log.f.loop);
    expect_heard(&log, "1:instance.added 2:instance.changed");
    cr_assert_eq(cache_events_last_seq(log.events), 2);
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
    cr_assert(str_has_prefix(kept->data, "{\"seq\":1,\"time\":\"20"), "%s", kept->data);
    cr_assert_str_eq(kept->data + 17 + 24, "\",\"type\":\"a \\\"type\\\"\",\"data\":{\"b\":[1]}}");
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
    cr_assert_eq(cache_events_last_seq(log.events), 5);
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
    cr_assert_eq(query_number(db, "SELECT max(seq) FROM events"), 700);
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
    cr_assert_eq(cache_events_last_seq(log.events), 3);
    log_stop(&log);
}

Test(cache_events, a_burst_is_written_without_loss_and_in_order)
{
    struct log log;
    log_start(&log, 100000);
    emit_many(&log, 5000);
    loop_run(&log.f.loop);
    cr_assert_eq(cache_events_last_seq(log.events), 5000);
    struct page page = read_page(&log, 0, 10000);
    cr_assert_eq(page.n, 5000);
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

Test(cache_events, a_reader_from_another_history_starts_over)
{
    struct log log;
    log_start(&log, 10);
    emit_many(&log, 3);
    loop_run(&log.f.loop);
    struct page page = read_page(&log, 4000, 10);
    cr_assert_str_eq(page.text, "1:x 2:x 3:x");
    cr_assert(page.is_gap);
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

static void on_history(void *arg, int status, const struct cache_event *items, size_t n_items,
                       bool is_gap)
{
    struct stream *s = arg;
    (void)is_gap;
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
        emit_many(&log, 7);
        cache_events_read(log.events, 0, 10000, on_history, &streams[i]);
        if (i % 3 == 0)
            uv_run(&log.f.loop.uv, UV_RUN_NOWAIT);
    }
    emit_many(&log, 7);
    loop_run(&log.f.loop);
    for (size_t i = 0; i < countof(streams); i++) {
        cr_expect_not(streams[i].is_broken, "stream %d", (int)i);
        cr_expect_eq(streams[i].last, 30 + 41 * 7, "stream %d", (int)i);
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

/* Another program holds the write lock, so the event log is refused. */
static sqlite3 *refuse_writes(struct log *log)
{
    sqlite3 *other = open_beside(log->f.folder);
    execute(other, "BEGIN IMMEDIATE");
    cache_store_read_local(log->f.store, exec_short_patience, NULL, NULL);
    return other;
}

Test(cache_events, refused_events_wait_and_are_written_when_the_database_can)
{
    struct log log;
    log_start(&log, 10);
    sqlite3 *other = refuse_writes(&log);
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
    sqlite3 *other = refuse_writes(&log);
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
                                  " FROM events WHERE seq = 1"),
                 1);
    cache_db_close(db);
    log_stop(&log);
}

Test(cache_events, dropped_events_of_several_refusals_are_told_once)
{
    struct log log;
    log_start(&log, 100000);
    sqlite3 *other = refuse_writes(&log);
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
                                  " WHERE seq = 1"),
                 1);
    cache_db_close(db);
    log_stop(&log);
}

Test(cache_events, stopping_while_refused_ends_cleanly)
{
    struct log log;
    log_start(&log, 10);
    sqlite3 *other = refuse_writes(&log);
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
