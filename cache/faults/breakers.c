/* SPDX-License-Identifier: MIT */
#include "cache/faults/breakers.h"

#include <stdio.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "cache/tables/preferences.h"

static const char prefix[] = "breaker."; /* of the names that they have among the preferences */

/* --- as text --- */

static void add_call(yyjson_mut_doc *doc, yyjson_mut_val *calls,
                     const struct ldc_breaker_call *call)
{
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, calls);
    yyjson_mut_obj_add_sint(doc, object, "at", call->at);
    yyjson_mut_obj_add_str(doc, object, "fault", ldc_fault_name(call->fault));
    json_add_str(doc, object, "code", call->code);
    json_add_str(doc, object, "instance", call->instance);
    json_add_str(doc, object, "command", call->command);
    json_add_str(doc, object, "output", call->output);
    yyjson_mut_obj_add_int(doc, object, "exit_code", call->exit_code);
    yyjson_mut_obj_add_uint(doc, object, "duration_ms", call->duration_ms);
}

static char *write_memory(const struct ldc_breaker_memory *m)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "state", ldc_breaker_state_name(m->state));
    json_add_str(doc, root, "instance", m->instance);
    yyjson_mut_obj_add_sint(doc, root, "opened_at", m->opened_at);
    yyjson_mut_obj_add_sint(doc, root, "open_until", m->open_until);
    yyjson_mut_obj_add_sint(doc, root, "closed_at", m->closed_at);
    yyjson_mut_obj_add_sint(doc, root, "expires_at", m->expires_at);
    yyjson_mut_obj_add_uint(doc, root, "open_ms", m->open_ms);
    yyjson_mut_obj_add_bool(doc, root, "is_by_effect", m->is_by_effect);
    json_add_str(doc, root, "reason", m->reason);
    json_add_str(doc, root, "note", m->note);
    json_add_str(doc, root, "by", m->by);
    yyjson_mut_val *calls = yyjson_mut_obj_add_arr(doc, root, "calls");
    for (size_t i = 0; i < m->n_calls; i++)
        add_call(doc, calls, &m->calls[i]);
    return json_write(doc);
}

static void read_text(yyjson_val *object, const char *key, char *out, size_t size)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, key));
    str_copy(out, size, text ? text : "");
}

static int64_t read_number(yyjson_val *object, const char *key)
{
    return yyjson_get_sint(yyjson_obj_get(object, key));
}

static void read_call(yyjson_val *object, struct ldc_breaker_call *ret)
{
    const char *fault = yyjson_get_str(yyjson_obj_get(object, "fault"));
    *ret = (struct ldc_breaker_call){.fault = LDC_FAULT_UNKNOWN};
    for (int i = 0; fault && i < LDC_FAULT_COUNT; i++) {
        if (strcmp(fault, ldc_fault_name((enum ldc_fault)i)) == 0)
            ret->fault = (enum ldc_fault)i;
    }
    ret->at = read_number(object, "at");
    ret->exit_code = (int32_t)read_number(object, "exit_code");
    ret->duration_ms = (unsigned)read_number(object, "duration_ms");
    read_text(object, "code", ret->code, sizeof(ret->code));
    read_text(object, "instance", ret->instance, sizeof(ret->instance));
    read_text(object, "command", ret->command, sizeof(ret->command));
    read_text(object, "output", ret->output, sizeof(ret->output));
}

static void read_memory(const char *text, struct ldc_breaker_memory *m)
{
    yyjson_doc *doc cleanup(json_doc_freep) = yyjson_read(text, strlen(text), YYJSON_READ_NOFLAG);
    yyjson_val *root = yyjson_doc_get_root(doc), *call;
    const char *state = yyjson_get_str(yyjson_obj_get(root, "state"));
    size_t i, max;
    /* A state of another version is as in a new one. */
    if (state)
        (void)ldc_breaker_state_parse(state, &m->state);
    m->opened_at = read_number(root, "opened_at");
    m->open_until = read_number(root, "open_until");
    m->closed_at = read_number(root, "closed_at");
    m->expires_at = read_number(root, "expires_at");
    m->open_ms = (unsigned)read_number(root, "open_ms");
    m->is_by_effect = yyjson_get_bool(yyjson_obj_get(root, "is_by_effect"));
    read_text(root, "instance", m->instance, sizeof(m->instance));
    read_text(root, "reason", m->reason, sizeof(m->reason));
    read_text(root, "note", m->note, sizeof(m->note));
    read_text(root, "by", m->by, sizeof(m->by));
    yyjson_arr_foreach(yyjson_obj_get(root, "calls"), i, max, call) {
        if (m->n_calls < LDC_BREAKER_CALLS)
            read_call(call, &m->calls[m->n_calls++]);
    }
}

/* --- rows --- */

int cache_breakers_load(sqlite3 *db, struct ldc_breaker_memory **ret_items, size_t *ret_n)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    struct ldc_breaker_memory *items = NULL;
    size_t n = 0, cap = 0;
    int stepped,
        r = cache_sql_query(db, &stmt,
                            "SELECT name, value FROM preferences WHERE name GLOB 'breaker.*'"
                            " ORDER BY name",
                            "");
    if (r < 0)
        return r;
    while ((stepped = sqlite3_step(stmt)) == SQLITE_ROW) {
        items = mem_grow(items, n, &cap, sizeof(*items));
        items[n] = (struct ldc_breaker_memory){0};
        str_copy(items[n].name, sizeof(items[n].name), cache_sql_text(stmt, 0) + strlen(prefix));
        read_memory(cache_sql_text(stmt, 1), &items[n++]);
    }
    if (stepped != SQLITE_DONE) {
        mem_free(items);
        return cache_sql_error_code(db);
    }
    *ret_items = items;
    *ret_n = n;
    return 0;
}

struct job {
    char name[LDC_BREAKER_NAME_SIZE + sizeof(prefix)];
    char *json; /* NULL: the row goes */
    cache_done_fn done;
    void *arg;
};

static int exec_put(sqlite3 *db, void *arg)
{
    struct job *job = arg;
    if (!job->json)
        return cache_sql_run(db, "DELETE FROM preferences WHERE name = ?", "s", job->name);
    return cache_preferences_write(db, job->name, job->json);
}

static void on_put(void *arg, int status)
{
    struct job *job = arg;
    if (job->done)
        job->done(job->arg, status);
    mem_free(job->json);
    mem_free(job);
}

void cache_breakers_put(struct cache_store *store, const struct ldc_breaker_memory *memory,
                        cache_done_fn done, void *arg)
{
    bool is_needless = *memory->instance && memory->state == LDC_BREAKER_CLOSED;
    struct job *job = mem_new(struct job);
    *job = (struct job){.done = done, .arg = arg};
    snprintf(job->name, sizeof(job->name), "%s%s", prefix, memory->name);
    job->json = is_needless ? NULL : write_memory(memory);
    cache_store_write(store, exec_put, on_put, job);
}
