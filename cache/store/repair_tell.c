/* SPDX-License-Identifier: MIT */

/* What people and programs are told of a repair: repair.h. */
#include "cache/store/repair.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "cache/store/files.h"

/* Then the file alone is whole, and does not say what is missing. */
static bool is_log_lost(const struct cache_repair *repair)
{
    return strcmp(repair->finding, CACHE_DB_LOG_LOST) == 0;
}

bool cache_repair_is_loss(const struct cache_repair *repair)
{
    if (!repair->kept)
        return repair->at > 0;
    if (is_log_lost(repair))
        return true;
    for (size_t i = 0; i < repair->saved.n_tables; i++) {
        if (repair->saved.tables[i].n_lost != 0)
            return true;
    }
    return false;
}

static void append_rows(const struct cache_salvage *saved, struct buf *out)
{
    uint64_t n_kept = 0;
    bool is_unknown = false;
    for (size_t i = 0; i < saved->n_tables; i++)
        n_kept += saved->tables[i].n_kept;
    (void)buf_printf(out, "%" PRIu64 " rows were kept", n_kept);
    for (size_t i = 0; i < saved->n_tables; i++) {
        const struct cache_salvage_table *t = &saved->tables[i];
        if (t->n_lost > 0)
            (void)buf_printf(out, ", %" PRId64 " of %s are lost", t->n_lost, t->name);
    }
    for (size_t i = 0; i < saved->n_tables; i++) {
        const struct cache_salvage_table *t = &saved->tables[i];
        if (t->n_lost < 0)
            (void)buf_printf(out, "%s %s", is_unknown ? "," : ", it is not known how many of",
                             t->name);
        is_unknown |= t->n_lost < 0;
    }
    if (is_unknown)
        (void)buf_append_str(out, " are lost");
}

char *cache_repair_sentence(const struct cache_repair *repair)
{
    struct buf out;
    buf_init(&out, 0);
    if (repair->kept) {
        (void)buf_printf(&out,
                         "the database was damaged (%s) and has been repaired: ", repair->finding);
        append_rows(&repair->saved, &out);
        if (is_log_lost(repair))
            (void)buf_append_str(&out, "; Idempotency-Keys used last may be lost, so look at the "
                                       "instances before you repeat a request");
        (void)buf_printf(&out, "; the damaged file is kept as %s", repair->kept);
    } else {
        (void)buf_printf(&out,
                         "the database was in doubt (%s) and was then found to be sound: what "
                         "stands there may be an older one, which knows nothing of what was done "
                         "since, nor of Idempotency-Keys used since, so look at the instances "
                         "before you repeat a request",
                         repair->finding);
    }
    if (repair->copy) {
        char *folder cleanup(mem_freep) = fs_dirname(repair->copy);
        char *data_dir cleanup(mem_freep) = fs_dirname(folder);
        char *command cleanup(mem_freep) = cache_files_restore_command(repair->copy, data_dir);
        (void)buf_printf(&out, "; the newest daily copy comes back by: %s", command);
    } else
        (void)buf_append_str(&out, "; there is no daily copy of it");
    return buf_take(&out, NULL);
}

void cache_repair_add_json(const struct cache_repair *repair, yyjson_mut_doc *doc,
                           yyjson_mut_val *object)
{
    json_add_time(doc, object, "at", repair->at);
    json_add_str(doc, object, "finding", repair->finding);
    json_add_str(doc, object, "kept", repair->kept);
    json_add_str(doc, object, "copy", repair->copy);
    yyjson_mut_val *tables = yyjson_mut_obj_add_arr(doc, object, "tables");
    for (size_t i = 0; i < repair->saved.n_tables; i++) {
        const struct cache_salvage_table *t = &repair->saved.tables[i];
        yyjson_mut_val *item = yyjson_mut_arr_add_obj(doc, tables);
        json_add_str(doc, item, "name", t->name);
        yyjson_mut_obj_add_uint(doc, item, "kept", t->n_kept);
        if (t->n_lost >= 0)
            yyjson_mut_obj_add_int(doc, item, "lost", t->n_lost);
        else
            yyjson_mut_obj_add_null(doc, item, "lost");
    }
}
