/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>
#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "cache/tables/operation.h"

static void operation_freep(struct cache_operation **op)
{
    cache_operation_free(*op);
}

static void expect_json(const struct cache_operation *op, const char *waiting_for,
                        const char *children, const char *expected)
{
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    cache_operation_append_json(op, waiting_for, children, &out);
    cr_assert_str_eq(out.data, expected);
}

Test(cache_operation, a_new_one_is_queued_now_with_an_id_that_grows)
{
    int64_t before = clock_wall_ms();
    struct cache_operation *a cleanup(operation_freep) = cache_operation_new(CACHE_OP_START);
    struct cache_operation *b cleanup(operation_freep) = cache_operation_new(CACHE_OP_STOP);
    cr_assert_eq(a->kind, CACHE_OP_START);
    cr_assert_eq(a->status, CACHE_OP_QUEUED);
    cr_assert_geq(a->created_at, before);
    cr_assert_str_eq(a->params, "{}");
    cr_assert_str_eq(a->evidence, "[]");
    cr_assert_eq(strlen(a->id), UUID_SIZE - 1);
    cr_assert_lt(strcmp(a->id, b->id), 0);
    cr_assert_null(cache_operation_free(NULL));
}

Test(cache_operation, json_has_the_fields_of_the_contract_in_order)
{
    struct cache_operation *op cleanup(operation_freep) = cache_operation_new(CACHE_OP_CLONE);
    str_copy(op->id, sizeof(op->id), "the-id");
    str_copy(op->target, sizeof(op->target), "the-target");
    str_copy(op->parent, sizeof(op->parent), "the-parent");
    op->status = CACHE_OP_TIMED_OUT;
    op->created_at = INT64_C(1795184880123);
    op->started_at = op->created_at + 1000;
    op->ended_at = op->created_at + 2000;
    op->percent = 40;
    op->step = mem_strdup("copying \"a\"");
    op->requested_by = mem_strdup("token:ci");
    op->idempotency_key = mem_strdup("key 1");
    op->result = mem_strdup("{\"index\":3}");
    op->error = mem_strdup("{\"code\":\"TIMED_OUT\"}");
    mem_free(op->evidence);
    op->evidence = mem_strdup("[1,2]");
    expect_json(
        op, "{\"code\":\"gate\"}", "[{\"id\":\"x\"}]",
        "{\"id\":\"the-id\",\"kind\":\"clone\",\"target\":\"the-target\","
        "\"status\":\"timed_out\",\"created_at\":\"2026-11-20T14:28:00.123Z\","
        "\"started_at\":\"2026-11-20T14:28:01.123Z\","
        "\"ended_at\":\"2026-11-20T14:28:02.123Z\","
        "\"progress\":{\"percent\":40,\"step\":\"copying \\\"a\\\"\"},"
        "\"waiting_for\":{\"code\":\"gate\"},"
        "\"requested_by\":\"token:ci\",\"idempotency_key\":\"key 1\","
        "\"result\":{\"index\":3},\"error\":{\"code\":\"TIMED_OUT\"},"
        "\"evidence\":[1,2],\"has_diagnostics\":false,\"children\":[{\"id\":\"x\"}],\"parent\":\"the-parent\"}");
}

Test(cache_operation, what_is_not_there_is_null)
{
    struct cache_operation *op cleanup(operation_freep) = cache_operation_new(CACHE_OP_CREATE);
    str_copy(op->id, sizeof(op->id), "the-id");
    op->created_at = INT64_C(1795184880123);
    expect_json(
        op, NULL, NULL,
        "{\"id\":\"the-id\",\"kind\":\"create\",\"target\":null,\"status\":\"queued\","
        "\"created_at\":\"2026-11-20T14:28:00.123Z\",\"started_at\":null,"
        "\"ended_at\":null,\"progress\":{\"percent\":0,\"step\":null},"
        "\"waiting_for\":null,"
        "\"requested_by\":null,\"idempotency_key\":null,\"result\":null,"
        "\"error\":null,\"evidence\":[],\"has_diagnostics\":false,\"children\":null,\"parent\":null}");
}

Test(cache_operation, every_kind_has_a_name_that_reads_back)
{
    static const char *const names[] = {"create", "start", "stop",   "restart", "modify",
                                        "rename", "clone", "remove", "repair",  "batch"};
    cr_assert_eq(countof(names), CACHE_OP_KIND_COUNT);
    for (int i = 0; i < CACHE_OP_KIND_COUNT; i++) {
        enum cache_op_kind kind;
        cr_expect_str_eq(cache_op_kind_name((enum cache_op_kind)i), names[i]);
        cr_expect_eq(cache_op_kind_parse(names[i], &kind), 0);
        cr_expect_eq((int)kind, i);
    }
    enum cache_op_kind kind;
    cr_assert_eq(cache_op_kind_parse("reboot", &kind), UV_EINVAL);
}

Test(cache_operation, every_status_has_a_name_that_reads_back)
{
    static const char *const names[] = {
        "queued", "waiting_for_session", "running",   "succeeded",
        "failed", "timed_out",           "cancelled", "interrupted"};
    cr_assert_eq(countof(names), CACHE_OP_STATUS_COUNT);
    for (int i = 0; i < CACHE_OP_STATUS_COUNT; i++) {
        enum cache_op_status status;
        cr_expect_str_eq(cache_op_status_name((enum cache_op_status)i), names[i]);
        cr_expect_eq(cache_op_status_parse(names[i], &status), 0);
        cr_expect_eq((int)status, i);
        cr_expect_eq(cache_op_has_ended(status), i >= CACHE_OP_SUCCEEDED);
    }
    enum cache_op_status status;
    cr_assert_eq(cache_op_status_parse("", &status), UV_EINVAL);
}
