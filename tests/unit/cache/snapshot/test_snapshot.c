/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "cache/snapshot/snapshot.h"

/* 2026-11-20T14:28:00.123Z */
static const int64_t wall = INT64_C(1795184880123);

/* What on_change was told, as "+id ~id{diff} -id". */
struct fixture {
    struct cache_snapshot *s;
    struct buf changes;
};

static void on_change(void *arg, const struct cache_change *change)
{
    static const char marks[] = "+~-";
    struct fixture *f = arg;
    bool is_there = cache_snapshot_by_id(f->s, change->instance->id) != NULL;
    cr_assert_eq(is_there, change->kind != CACHE_CHANGE_REMOVED);
    cr_assert_eq(change->diff != NULL, change->kind == CACHE_CHANGE_CHANGED);
    (void)buf_printf(&f->changes, "%s%c%s%s", f->changes.len ? " " : "", marks[change->kind],
                     change->instance->id, change->diff ? change->diff : "");
}

static void fixture_start(struct fixture *f)
{
    buf_init(&f->changes, 0);
    f->s = cache_snapshot_new(on_change, f);
}

static void fixture_stop(struct fixture *f)
{
    cache_snapshot_free(f->s);
    buf_deinit(&f->changes);
}

static void expect_changes(struct fixture *f, const char *expected)
{
    cr_assert_str_eq(f->changes.len ? f->changes.data : "", expected);
    buf_clear(&f->changes);
}

static struct cache_instance make(const char *id, int index, const char *name)
{
    struct cache_instance i;
    cache_instance_init(&i);
    str_copy(i.id, sizeof(i.id), id);
    i.index = index;
    str_copy(i.name, sizeof(i.name), name);
    return i;
}

static void put(struct cache_snapshot *s, const char *id, int index, const char *name)
{
    struct cache_instance i cleanup(cache_instance_deinit) = make(id, index, name);
    cache_snapshot_put(s, &i);
}

static void end(struct fixture *f, uint64_t observed_ms)
{
    cache_snapshot_end(f->s, observed_ms, wall);
    cr_assert_not(cache_snapshot_report(f->s, SIZE_MAX));
}

static void update_abc(struct fixture *f)
{
    cache_snapshot_begin(f->s);
    put(f->s, "a", 0, "zero");
    put(f->s, "b", 1, "one");
    put(f->s, "c", 5, "five");
    end(f, 1000);
}

/* Ids in order, joined; owned by the caller. */
static char *order_of(const struct cache_snapshot *s)
{
    struct buf ids;
    buf_init(&ids, 0);
    for (size_t i = 0; i < cache_snapshot_count(s); i++)
        (void)buf_append_str(&ids, cache_snapshot_at(s, i)->instance.id);
    return buf_take(&ids, NULL);
}

static void expect_order(const struct cache_snapshot *s, const char *expected)
{
    char *ids cleanup(mem_freep) = order_of(s);
    cr_assert_str_eq(ids, expected);
}

static void expect_list(struct cache_snapshot *s, uint64_t now_ms, bool is_live,
                        const char *expected)
{
    struct blob *list cleanup(blob_unrefp) = cache_snapshot_list(s, now_ms, is_live);
    cr_assert_str_eq(list->data, expected);
    cr_assert_eq(list->len, strlen(expected));
}

Test(cache_snapshot, a_new_one_is_empty_and_knows_nothing)
{
    struct cache_snapshot *s = cache_snapshot_new(NULL, NULL);
    size_t n = 7;
    cr_assert_eq(cache_snapshot_count(s), 0);
    cr_assert_null(cache_snapshot_at(s, 0));
    cr_assert_null(cache_snapshot_by_id(s, "a"));
    cr_assert_null(cache_snapshot_by_index(s, 0));
    cr_assert_null(cache_snapshot_by_name(s, "x", &n));
    cr_assert_eq(n, 0);
    cr_assert_eq(cache_snapshot_age_ms(s, 5), UINT64_MAX);
    cr_assert_not(cache_snapshot_is_observed(s));
    cr_assert_eq(cache_snapshot_observed_wall_ms(s), 0);
    expect_list(s, 5, false,
                "{\"items\":[],\"total\":0,\"observed_at\":null,\"age_ms\":null,"
                "\"source\":\"cache\",\"stale_reason\":null}");
    cache_snapshot_free(s);
    cache_snapshot_free(NULL);
}

Test(cache_snapshot, an_update_adds_changes_and_removes)
{
    struct fixture f;
    fixture_start(&f);
    update_abc(&f);
    expect_changes(&f, "+a +b +c");
    update_abc(&f);
    expect_changes(&f, "");

    cache_snapshot_begin(f.s);
    put(f.s, "a", 0, "zero");
    put(f.s, "c", 5, "cinq");
    put(f.s, "d", 6, "six");
    end(&f, 2000);
    expect_changes(&f, "~c{\"name\":{\"from\":\"five\",\"to\":\"cinq\"}} +d -b");
    expect_order(f.s, "acd");
    cr_assert_null(cache_snapshot_by_id(f.s, "b"));
    cr_assert_str_eq(cache_snapshot_by_id(f.s, "c")->instance.name, "cinq");

    cache_snapshot_begin(f.s);
    end(&f, 3000);
    expect_changes(&f, "-a -c -d");
    cr_assert_eq(cache_snapshot_count(f.s), 0);
    fixture_stop(&f);
}

Test(cache_snapshot, items_are_in_order_of_index_however_they_are_put)
{
    struct fixture f;
    fixture_start(&f);
    cache_snapshot_begin(f.s);
    put(f.s, "d", 9, "");
    put(f.s, "a", 0, "");
    put(f.s, "c", 7, "");
    put(f.s, "b", 3, "");
    end(&f, 1000);
    expect_order(f.s, "abcd");
    cr_assert_str_eq(cache_snapshot_by_index(f.s, 7)->instance.id, "c");
    cr_assert_null(cache_snapshot_by_index(f.s, 8));
    cr_assert_null(cache_snapshot_by_index(f.s, -1));
    cr_assert_null(cache_snapshot_by_index(f.s, 10));
    fixture_stop(&f);
}

Test(cache_snapshot, an_index_that_moves_keeps_the_identity)
{
    struct fixture f;
    fixture_start(&f);
    update_abc(&f);
    buf_clear(&f.changes);
    cache_snapshot_begin(f.s);
    put(f.s, "b", 0, "one");
    put(f.s, "c", 1, "five");
    put(f.s, "a", 8, "zero");
    cr_assert_str_eq(cache_snapshot_by_index(f.s, 1)->instance.id, "b", "as it was before");
    end(&f, 2000);
    expect_order(f.s, "bca");
    expect_changes(&f, "~b{\"index\":{\"from\":1,\"to\":0}} ~c{\"index\":{\"from\":5,\"to\":1}}"
                       " ~a{\"index\":{\"from\":0,\"to\":8}}");
    fixture_stop(&f);
}

Test(cache_snapshot, a_reused_index_is_another_instance)
{
    struct fixture f;
    fixture_start(&f);
    update_abc(&f);
    buf_clear(&f.changes);
    cache_snapshot_begin(f.s);
    put(f.s, "a", 0, "zero");
    put(f.s, "x", 1, "new");
    put(f.s, "c", 5, "five");
    cr_assert_str_eq(cache_snapshot_by_index(f.s, 1)->instance.id, "b", "as it was before");
    end(&f, 2000);
    cr_assert_str_eq(cache_snapshot_by_index(f.s, 1)->instance.id, "x");
    expect_changes(&f, "+x -b");
    expect_order(f.s, "axc");
    fixture_stop(&f);
}

static void expect_abc(struct fixture *f, const char *tag, const struct blob *list)
{
    expect_order(f->s, "abc");
    cr_assert_str_eq(cache_snapshot_etag(f->s), tag);
    cr_assert_str_eq(cache_snapshot_by_id(f->s, "c")->instance.name, "five");
    cr_assert_null(cache_snapshot_by_id(f->s, "d"));
    struct blob *now cleanup(blob_unrefp) = cache_snapshot_list(f->s, 1500, false);
    cr_assert_str_eq(now->data, list->data);
    cr_assert_eq(cache_snapshot_age_ms(f->s, 1500), 500);
}

Test(cache_snapshot, readers_see_all_as_before_until_an_update_ends)
{
    struct fixture f;
    fixture_start(&f);
    update_abc(&f);
    buf_clear(&f.changes);
    char *tag cleanup(mem_freep) = mem_strdup(cache_snapshot_etag(f.s));
    struct blob *list cleanup(blob_unrefp) = cache_snapshot_list(f.s, 1500, false);
    cache_snapshot_begin(f.s);
    expect_abc(&f, tag, list);
    put(f.s, "c", 5, "cinq");
    expect_abc(&f, tag, list);
    put(f.s, "d", 6, "six");
    expect_abc(&f, tag, list);
    cache_snapshot_keep(f.s, cache_snapshot_by_id(f.s, "a"));
    cr_assert_not(cache_snapshot_report(f.s, SIZE_MAX), "nothing is told before the end");
    expect_changes(&f, "");
    cache_snapshot_end(f.s, 2000, wall);
    expect_order(f.s, "acd");
    expect_changes(&f, "");
    cr_assert(cache_snapshot_report(f.s, 1));
    expect_changes(&f, "~c{\"name\":{\"from\":\"five\",\"to\":\"cinq\"}}");
    cr_assert(cache_snapshot_report(f.s, 1));
    expect_changes(&f, "+d");
    cr_assert_not(cache_snapshot_report(f.s, 1));
    expect_changes(&f, "-b");
    cr_assert_not(cache_snapshot_report(f.s, 1));
    expect_changes(&f, "");
    fixture_stop(&f);
}

Test(cache_snapshot, an_update_that_did_not_end_leaves_nothing)
{
    struct fixture f;
    fixture_start(&f);
    update_abc(&f);
    buf_clear(&f.changes);
    cache_snapshot_begin(f.s);
    put(f.s, "a", 0, "zwei");
    put(f.s, "x", 9, "new");
    update_abc(&f);
    expect_changes(&f, "");
    expect_order(f.s, "abc");
    cache_snapshot_begin(f.s);
    put(f.s, "a", 0, "zwei");
    put(f.s, "x", 9, "new");
    fixture_stop(&f);
}

Test(cache_snapshot, what_was_not_told_is_told_by_the_next_update_or_released)
{
    struct fixture f;
    fixture_start(&f);
    update_abc(&f);
    buf_clear(&f.changes);
    cache_snapshot_begin(f.s);
    put(f.s, "b", 1, "uno");
    cache_snapshot_end(f.s, 2000, wall);
    cache_snapshot_begin(f.s);
    expect_changes(&f, "~b{\"name\":{\"from\":\"one\",\"to\":\"uno\"}} -a -c");
    put(f.s, "d", 3, "three");
    cache_snapshot_end(f.s, 3000, wall);
    fixture_stop(&f);
}

/* KEEP_NAME: the update shows b with the name it had. */
static void set_group_amid_update(bool keep_name)
{
    struct fixture f;
    fixture_start(&f);
    update_abc(&f);
    buf_clear(&f.changes);
    char revision[CACHE_REVISION_SIZE];
    strcpy(revision, cache_snapshot_by_id(f.s, "b")->instance.revision);
    cache_snapshot_begin(f.s);
    put(f.s, "a", 0, "zero");
    put(f.s, "b", 1, keep_name ? "one" : "uno");

    struct cache_instance i cleanup(cache_instance_deinit) = make("b", 1, "one");
    str_copy(i.group, sizeof(i.group), "blue");
    mem_free(i.labels);
    i.labels = mem_strdup("{\"k\":\"v\"}");
    i.desired = CACHE_DESIRED_RUNNING;
    cache_snapshot_put_one(f.s, &i);
    cr_assert_str_eq(cache_snapshot_by_id(f.s, "b")->instance.group, "blue");
    buf_clear(&f.changes);
    char set_revision[CACHE_REVISION_SIZE];
    strcpy(set_revision, cache_snapshot_by_id(f.s, "b")->instance.revision);
    cr_assert_str_neq(set_revision, revision);

    put(f.s, "c", 5, "five");
    end(&f, 2000);
    expect_changes(&f, keep_name ? "" : "~b{\"name\":{\"from\":\"one\",\"to\":\"uno\"}}");
    const struct cache_entry *b = cache_snapshot_by_id(f.s, "b");
    cr_assert_str_eq(b->instance.name, keep_name ? "one" : "uno");
    cr_assert_str_eq(b->instance.group, "blue");
    cr_assert_str_eq(b->instance.labels, "{\"k\":\"v\"}");
    cr_assert_eq(b->instance.desired, CACHE_DESIRED_RUNNING);
    cr_assert_not_null(strstr(b->json->data, "\"group\":\"blue\""));
    cr_assert_str_neq(b->instance.revision, revision);
    cr_assert_eq(strcmp(b->instance.revision, set_revision) == 0, keep_name);
    fixture_stop(&f);
}

Test(cache_snapshot, what_is_set_amid_an_update_stays)
{
    set_group_amid_update(true);
    set_group_amid_update(false);
}

Test(cache_snapshot, what_is_set_before_an_update_is_told_comes_after_it)
{
    struct fixture f;
    fixture_start(&f);
    cache_snapshot_begin(f.s);
    put(f.s, "a", 0, "zero");
    put(f.s, "b", 1, "one");
    cache_snapshot_end(f.s, 1000, wall);
    struct cache_instance i cleanup(cache_instance_deinit) = make("b", 1, "one");
    str_copy(i.group, sizeof(i.group), "blue");
    cache_snapshot_put_one(f.s, &i);
    expect_changes(&f, "+b ~b{\"group\":{\"from\":null,\"to\":\"blue\"}}");
    cr_assert_not(cache_snapshot_report(f.s, SIZE_MAX));
    expect_changes(&f, "+a");
    fixture_stop(&f);
}

Test(cache_snapshot, names_may_repeat)
{
    struct fixture f;
    fixture_start(&f);
    cache_snapshot_begin(f.s);
    put(f.s, "b", 4, "same");
    put(f.s, "a", 2, "same");
    put(f.s, "c", 3, "other");
    end(&f, 1000);
    size_t n;
    cr_assert_str_eq(cache_snapshot_by_name(f.s, "same", &n)->instance.id, "a");
    cr_assert_eq(n, 2);
    cr_assert_str_eq(cache_snapshot_by_name(f.s, "other", &n)->instance.id, "c");
    cr_assert_eq(n, 1);
    fixture_stop(&f);
}

Test(cache_snapshot, one_can_be_put_outside_an_update)
{
    struct fixture f;
    fixture_start(&f);
    update_abc(&f);
    buf_clear(&f.changes);
    struct cache_instance i cleanup(cache_instance_deinit) = make("b", 1, "one");
    str_copy(i.group, sizeof(i.group), "blue");
    cache_snapshot_put_one(f.s, &i);
    expect_changes(&f, "~b{\"group\":{\"from\":null,\"to\":\"blue\"}}");
    cache_snapshot_put_one(f.s, &i);
    expect_changes(&f, "");
    str_copy(i.id, sizeof(i.id), "n");
    i.index = 3;
    cache_snapshot_put_one(f.s, &i);
    expect_changes(&f, "+n");
    expect_order(f.s, "abnc");
    cr_assert_eq(cache_snapshot_age_ms(f.s, 1500), 500, "the observation is the same");
    fixture_stop(&f);
}

Test(cache_snapshot, new_evidence_is_shown_but_is_no_change)
{
    struct fixture f;
    fixture_start(&f);
    update_abc(&f);
    buf_clear(&f.changes);
    char *tag cleanup(mem_freep) = mem_strdup(cache_snapshot_by_id(f.s, "a")->etag);
    char *list_tag cleanup(mem_freep) = mem_strdup(cache_snapshot_etag(f.s));
    struct blob *before cleanup(blob_unrefp) = cache_snapshot_list(f.s, 1000, false);

    struct cache_instance i cleanup(cache_instance_deinit) = make("a", 0, "zero");
    i.evidence = mem_strdup("{\"look\":2}");
    cache_snapshot_put_one(f.s, &i);
    expect_changes(&f, "");
    const struct cache_entry *e = cache_snapshot_by_id(f.s, "a");
    cr_assert_not_null(strstr(e->json->data, "\"evidence\":{\"look\":2}"));
    cr_assert_str_eq(e->etag, tag);
    cr_assert_str_eq(cache_snapshot_etag(f.s), list_tag);
    struct blob *after cleanup(blob_unrefp) = cache_snapshot_list(f.s, 1000, false);
    cr_assert_neq(after, before);
    cr_assert_not_null(strstr(after->data, "\"evidence\":{\"look\":2}"));
    fixture_stop(&f);
}

Test(cache_snapshot, what_the_json_does_not_show_is_kept_up_to_date)
{
    struct fixture f;
    fixture_start(&f);
    struct cache_instance i cleanup(cache_instance_deinit) = make("a", 0, "zero");
    cache_snapshot_put_one(f.s, &i);
    buf_clear(&f.changes);
    str_copy(i.disk_id, sizeof(i.disk_id), "disk");
    cache_snapshot_put_one(f.s, &i);
    cr_assert_str_eq(cache_snapshot_by_id(f.s, "a")->instance.disk_id, "disk");
    expect_changes(&f, "");
    fixture_stop(&f);
}

Test(cache_snapshot, unchanged_instances_keep_their_bytes)
{
    struct fixture f;
    fixture_start(&f);
    update_abc(&f);
    const struct blob *json = cache_snapshot_by_id(f.s, "a")->json;
    update_abc(&f);
    cr_assert_eq(cache_snapshot_by_id(f.s, "a")->json, json);
    fixture_stop(&f);
}

Test(cache_snapshot, tags_follow_the_content)
{
    struct fixture f, g;
    fixture_start(&f);
    fixture_start(&g);
    update_abc(&f);
    update_abc(&g);
    cr_assert_str_eq(cache_snapshot_etag(f.s), cache_snapshot_etag(g.s));
    cr_assert_str_eq(cache_snapshot_by_id(f.s, "a")->etag, cache_snapshot_by_id(g.s, "a")->etag);
    cr_assert_str_neq(cache_snapshot_by_id(f.s, "a")->etag, cache_snapshot_by_id(f.s, "b")->etag);
    const char *tag = cache_snapshot_by_id(f.s, "a")->etag;
    cr_assert_eq(tag[0], '"');
    cr_assert_eq(tag[strlen(tag) - 1], '"');

    char *list_tag cleanup(mem_freep) = mem_strdup(cache_snapshot_etag(f.s));
    struct cache_instance i cleanup(cache_instance_deinit) = make("b", 1, "one");
    i.state = CACHE_STATE_READY;
    cache_snapshot_put_one(f.s, &i);
    cr_assert_str_neq(cache_snapshot_etag(f.s), list_tag);
    i.state = CACHE_STATE_UNKNOWN;
    cache_snapshot_put_one(f.s, &i);
    cr_assert_str_eq(cache_snapshot_etag(f.s), list_tag, "back to the same content");

    /* Who set something and took it back has another revision, which no client may miss. */
    char *b_tag cleanup(mem_freep) = mem_strdup(cache_snapshot_by_id(f.s, "b")->etag);
    strcpy(i.group, "g");
    cache_snapshot_put_one(f.s, &i);
    i.group[0] = i.revision[0] = '\0';
    cache_snapshot_put_one(f.s, &i);
    cr_assert_str_neq(cache_snapshot_by_id(f.s, "b")->etag, b_tag);
    cr_assert_str_neq(cache_snapshot_etag(f.s), list_tag);

    cache_snapshot_begin(f.s);
    put(f.s, "a", 0, "zero");
    end(&f, 2000);
    cr_assert_str_neq(cache_snapshot_etag(f.s), list_tag);
    fixture_stop(&f);
    fixture_stop(&g);
}

Test(cache_snapshot, freshness_of_the_list_and_of_its_items)
{
    struct fixture f;
    fixture_start(&f);
    cache_snapshot_begin(f.s);
    put(f.s, "a", 0, "zero");
    put(f.s, "b", 1, "one");
    end(&f, 1000);
    char *expected cleanup(mem_freep) = mem_printf(
        "{\"items\":[%s,%s%s,%s],\"total\":2,%s,\"stale_reason\":null}",
        cache_snapshot_at(f.s, 0)->json->data,
        "\"observed_at\":\"2026-11-20T14:28:00.123Z\",\"age_ms\":250,\"source\":\"cache\"},",
        cache_snapshot_at(f.s, 1)->json->data,
        "\"observed_at\":\"2026-11-20T14:28:00.123Z\",\"age_ms\":250,\"source\":\"cache\"}",
        "\"observed_at\":\"2026-11-20T14:28:00.123Z\",\"age_ms\":250,\"source\":\"cache\"");
    expect_list(f.s, 1250, false, expected);
    fixture_stop(&f);
}

/* Whoever waited for this look does not get as live what it did not show. */
Test(cache_snapshot, what_a_look_did_not_show_keeps_its_own_age)
{
#define OLD "\"observed_at\":\"2026-11-20T14:28:00.123Z\",\"age_ms\":"
    struct fixture f;
    fixture_start(&f);
    update_abc(&f);
    for (int looks = 1; looks <= 2; looks++) {
        cache_snapshot_begin(f.s);
        cache_snapshot_keep_unseen(f.s, cache_snapshot_by_id(f.s, "a"), "left out");
        cache_snapshot_keep(f.s, cache_snapshot_by_id(f.s, "b"));
        cache_snapshot_keep_unseen(f.s, cache_snapshot_by_id(f.s, "c"), "broken");
        cr_assert_eq(cache_snapshot_by_id(f.s, "a")->unseen == NULL, looks == 1, "until the end");
        cache_snapshot_end(f.s, 1000 + (uint64_t)looks * 500, wall + looks * 500);
        struct blob *list cleanup(blob_unrefp) = cache_snapshot_list(f.s, 2100, true);
        cr_assert_eq(list->len, strlen(list->data));
        yyjson_doc *doc = yyjson_read(list->data, list->len, 0);
        cr_assert(doc, "%s", list->data);
        yyjson_doc_free(doc);
        cr_expect(strstr(list->data, OLD), "%s", list->data);
        cr_expect(strstr(list->data, "\"source\":\"stale\",\"stale_reason\":\"left out\"}"));
        cr_expect(strstr(list->data, "\"source\":\"stale\",\"stale_reason\":\"broken\"}"));
        cr_expect(strstr(list->data, "\"source\":\"live\"}"), "%s", list->data);
        cr_expect_eq(cache_snapshot_by_id(f.s, "a")->seen_wall_ms, wall);
    }
    cache_snapshot_begin(f.s);
    cache_snapshot_keep(f.s, cache_snapshot_by_id(f.s, "a"));
    end(&f, 3000);
    cr_expect_null(cache_snapshot_by_id(f.s, "a")->unseen);
    fixture_stop(&f);
#undef OLD
}

static void expect_freshness(const struct cache_snapshot *s, bool is_live, const char *expected)
{
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    cache_snapshot_append_instance(s, NULL, 1250, is_live, &out);
    cr_assert_str_eq(out.data, expected);
}

Test(cache_snapshot, the_source_is_live_cache_or_stale_with_the_reason)
{
#define SEEN ",\"observed_at\":\"2026-11-20T14:28:00.123Z\",\"age_ms\":250,"
    struct fixture f;
    fixture_start(&f);
    update_abc(&f);
    expect_freshness(f.s, true, SEEN "\"source\":\"live\"}");
    expect_freshness(f.s, false, SEEN "\"source\":\"cache\"}");
    cache_snapshot_set_stale(f.s, "the \"list2\" breaker is open");
    cr_assert_str_eq(cache_snapshot_stale_reason(f.s), "the \"list2\" breaker is open");
    expect_freshness(f.s, false,
                     SEEN "\"source\":\"stale\","
                          "\"stale_reason\":\"the \\\"list2\\\" breaker is open\"}");
    expect_freshness(f.s, true, SEEN "\"source\":\"live\"}");
    update_abc(&f);
    cr_assert_not_null(cache_snapshot_stale_reason(f.s), "only set_stale ends it");
    cache_snapshot_set_stale(f.s, NULL);
    cr_assert_null(cache_snapshot_stale_reason(f.s));
    expect_freshness(f.s, false, SEEN "\"source\":\"cache\"}");
    fixture_stop(&f);
#undef SEEN
}

Test(cache_snapshot, one_instance_is_a_whole_object)
{
    struct fixture f;
    fixture_start(&f);
    update_abc(&f);
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    const struct cache_entry *e = cache_snapshot_by_id(f.s, "a");
    cache_snapshot_append_instance(f.s, e, 1000, true, &out);
    char *expected cleanup(mem_freep) =
        mem_printf("%s,\"observed_at\":\"2026-11-20T14:28:00.123Z\",\"age_ms\":0,"
                   "\"source\":\"live\"}",
                   e->json->data);
    cr_assert_str_eq(out.data, expected);
    fixture_stop(&f);
}

Test(cache_snapshot, the_stale_list_carries_the_reason_twice)
{
    struct fixture f;
    fixture_start(&f);
    update_abc(&f);
    cache_snapshot_set_stale(f.s, "why");
    struct blob *list cleanup(blob_unrefp) = cache_snapshot_list(f.s, 1000, false);
    cr_assert(str_has_suffix(list->data, "\"source\":\"stale\",\"stale_reason\":\"why\"}"));
    cr_assert_not_null(strstr(list->data, "\"stale_reason\":\"why\"}]"));
    struct blob *live cleanup(blob_unrefp) = cache_snapshot_list(f.s, 1000, true);
    cr_assert(str_has_suffix(live->data, "\"source\":\"live\",\"stale_reason\":null}"));
    fixture_stop(&f);
}

Test(cache_snapshot, readers_of_one_millisecond_share_the_bytes)
{
    struct fixture f;
    fixture_start(&f);
    update_abc(&f);
    struct blob *a = cache_snapshot_list(f.s, 1000, false);
    struct blob *b = cache_snapshot_list(f.s, 1000, false);
    struct blob *live = cache_snapshot_list(f.s, 1000, true);
    struct blob *later = cache_snapshot_list(f.s, 1001, false);
    cr_assert_eq(a, b);
    cr_assert_neq(a, live);
    cr_assert_neq(a, later);
    update_abc(&f);
    struct blob *updated = cache_snapshot_list(f.s, 1001, false);
    cr_assert_neq(later, updated, "the observation is another");
    fixture_stop(&f);
    cr_assert(str_has_prefix(a->data, "{\"items\":["), "readers outlive the snapshot");
    struct blob *all[] = {a, b, live, later, updated};
    for (size_t i = 0; i < countof(all); i++)
        blob_unref(all[i]);
}

Test(cache_snapshot, age_never_goes_below_zero)
{
    struct fixture f;
    fixture_start(&f);
    update_abc(&f);
    cr_assert(cache_snapshot_is_observed(f.s));
    cr_assert_eq(cache_snapshot_observed_wall_ms(f.s), wall);
    cr_assert_eq(cache_snapshot_age_ms(f.s, 1300), 300);
    cr_assert_eq(cache_snapshot_age_ms(f.s, 900), 0);
    fixture_stop(&f);
}

Test(cache_snapshot, what_was_loaded_is_cache_without_an_observation)
{
    struct fixture f;
    struct cache_instance items[] = {make("b", 4, "four"), make("a", 2, "two")};
    fixture_start(&f);
    cache_snapshot_load(f.s, items, 2, clock_wall_ms() - 60000);
    expect_changes(&f, "");
    expect_order(f.s, "ab");
    cr_assert_not(cache_snapshot_is_observed(f.s));
    cr_assert_eq(cache_snapshot_age_ms(f.s, 5), UINT64_MAX);
    struct blob *list cleanup(blob_unrefp) = cache_snapshot_list(f.s, 5, false);
    cr_assert_not_null(strstr(list->data, "\"source\":\"cache\""));
    unsigned long age = 0;
    cr_assert_eq(sscanf(strstr(list->data, "\"age_ms\":"), "\"age_ms\":%lu", &age), 1);
    cr_assert_geq(age, 60000, "by the wall clock");

    cache_snapshot_begin(f.s);
    cache_snapshot_put(f.s, &items[0]);
    end(&f, 1000);
    expect_changes(&f, "-a");
    cr_assert(cache_snapshot_is_observed(f.s));
    fixture_stop(&f);
    for (size_t i = 0; i < countof(items); i++)
        cache_instance_deinit(&items[i]);
}

Test(cache_snapshot, loading_replaces_everything)
{
    struct fixture f;
    struct cache_instance item cleanup(cache_instance_deinit) = make("z", 4, "four");
    fixture_start(&f);
    update_abc(&f);
    buf_clear(&f.changes);
    cache_snapshot_load(f.s, &item, 1, 0);
    expect_order(f.s, "z");
    expect_changes(&f, "");
    struct blob *list cleanup(blob_unrefp) = cache_snapshot_list(f.s, 5, false);
    cr_assert(str_has_suffix(list->data, "\"observed_at\":null,\"age_ms\":null,"
                                         "\"source\":\"cache\",\"stale_reason\":null}"));
    fixture_stop(&f);
}

Test(cache_snapshot, ten_thousand_random_updates_agree_with_a_plain_table)
{
    enum { N = 64 };
    struct fixture f;
    int index_of[N];
    fixture_start(&f);
    uint64_t random = 88172645463325252u;
    for (int round = 0; round < 200; round++) {
        size_t n = 0;
        cache_snapshot_begin(f.s);
        for (int id = 0; id < N; id++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            index_of[id] = random % 3 == 0 ? -1 : (int)(random / 3 % 1000) * N + id;
            if (index_of[id] < 0)
                continue;
            char name[8];
            snprintf(name, sizeof(name), "%d", id);
            put(f.s, name, index_of[id], name);
            n++;
        }
        end(&f, 1000);
        cr_assert_eq(cache_snapshot_count(f.s), n);
        for (size_t i = 1; i < n; i++)
            cr_assert_lt(cache_snapshot_at(f.s, i - 1)->instance.index,
                         cache_snapshot_at(f.s, i)->instance.index);
        for (int id = 0; id < N; id++) {
            const struct cache_entry *e = cache_snapshot_by_index(f.s, index_of[id]);
            cr_assert_eq(e != NULL, index_of[id] >= 0);
            cr_assert(!e || atoi(e->instance.id) == id);
        }
    }
    fixture_stop(&f);
}
