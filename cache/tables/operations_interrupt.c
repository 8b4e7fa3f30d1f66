/* SPDX-License-Identifier: MIT */
#include "cache/tables/operations.h"

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"

#define OPEN "status IN ('queued', 'waiting_for_session', 'running')"

static char *write_error(const char *detail)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "code", "INTERRUPTED");
    json_add_str(doc, root, "detail", detail);
    yyjson_mut_obj_add_bool(doc, root, "retryable", true);
    return json_write(doc);
}

/* A batch counts its children as it would have when the last of them ended. */
int cache_operations_interrupt_all(sqlite3 *db, const char *detail, unsigned *ret_n)
{
    char *error cleanup(mem_freep) = write_error(detail);
    int64_t now = clock_wall_ms(), before = sqlite3_total_changes64(db);
    int r = cache_sql_run(db,
                          "UPDATE operations SET status = 'interrupted', ended_at = ?1,"
                          " started_at = iif(started_at = 0, ?1, started_at), error = ?2"
                          " WHERE " OPEN " AND n_children = 0",
                          "is", now, error);
    if (r == 0)
        r = cache_sql_run(
            db,
            "UPDATE operations AS batch SET n_children_ended = n_children,"
            " n_children_failed = n_children -"
            "  (SELECT count(*) FROM operations AS child WHERE child.parent = batch.id"
            "   AND child.parent <> '' AND child.status = 'succeeded')"
            " WHERE " OPEN,
            "");
    int64_t n_batches = sqlite3_changes64(db);
    if (r == 0)
        r = cache_sql_run(
            db,
            "UPDATE operations SET status = 'interrupted', ended_at = ?1, percent = 100,"
            " started_at = iif(started_at = 0, ?1, started_at), error = ?2,"
            " result = json_object('total', n_children,"
            "  'succeeded', n_children - n_children_failed, 'not_succeeded', n_children_failed)"
            " WHERE " OPEN,
            "is", now, error);
    if (r == 0)
        *ret_n = (unsigned)(sqlite3_total_changes64(db) - before - n_batches);
    return r;
}
