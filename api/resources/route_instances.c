/* SPDX-License-Identifier: MIT */
#include "api/resources/handlers.h"

#include <string.h>

#include "api/common/cached.h"
#include "api/common/filter.h"
#include "api/common/input.h"
#include "api/common/ref.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"

/* Members of the Instance object, for `?fields=`. */
static const char *const field_names[] = {
    "id",       "index",        "name",       "state",       "state_reason", "evidence",
    "labels",   "group",        "adb_serial", "pid",         "vbox_pid",     "top_window",
    "settings", "resolution",   "age_ms",     "bind_window", "observed_at",  "desired_state",
    "source",   "stale_reason", "revision",   "adb",         "repair",       "quarantine"};

/* What a list with parameters is made from. */
struct listing {
    struct api_filter filter;
    unsigned fields; /* 1 << position in field_names; 0 = all */
    unsigned limit;  /* 0 = all */
    int after;       /* cursor: the last index that was seen; -1 = from the start */
    size_t n_items, total;
    int last_index;
    bool has_more;
};

static bool add_field(void *arg, const char *name)
{
    unsigned *fields = arg;
    for (unsigned i = 0; i < countof(field_names); i++) {
        if (strcmp(field_names[i], name) == 0) {
            *fields |= 1u << i;
            return true;
        }
    }
    return false;
}

static bool read_fields(struct api_exchange *x, unsigned *ret)
{
    const char *list = api_exchange_query(x, "fields");
    *ret = 0;
    if (!list || (*list && api_input_each(list, add_field, ret)))
        return true;
    api_respond_field(x, "fields", "must be names of members of an instance, separated by commas");
    return false;
}

/* The chosen members of the object that stands at the end of OUT, from START on. */
static void project(struct buf *out, size_t start, unsigned fields)
{
    yyjson_doc *doc cleanup(json_doc_freep) =
        yyjson_read(out->data + start, out->len - start, YYJSON_READ_NOFLAG);
    yyjson_mut_doc *chosen cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *object = yyjson_mut_obj(chosen);
    yyjson_mut_doc_set_root(chosen, object);
    size_t i, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach(yyjson_doc_get_root(doc), i, max, key, value) {
        unsigned wanted = 0;
        if (add_field(&wanted, yyjson_get_str(key)) && (wanted & fields))
            yyjson_mut_obj_add_val(chosen, object, yyjson_get_str(key),
                                   yyjson_val_mut_copy(chosen, value));
    }
    char *text cleanup(mem_freep) = json_write(chosen);
    out->len = start;
    (void)buf_append_str(out, text);
}

static void append_instance(struct api_exchange *x, const struct cache_entry *entry,
                            unsigned fields)
{
    size_t start = x->http.reply.len;
    cache_snapshot_append_instance(api_cached_snapshot(x), entry, clock_mono_ms(), x->is_live,
                                   &x->http.reply);
    if (fields)
        project(&x->http.reply, start, fields);
}

static void append_items(struct api_exchange *x, struct listing *l)
{
    const struct cache_snapshot *s = api_cached_snapshot(x);
    for (size_t i = 0; i < cache_snapshot_count(s); i++) {
        const struct cache_entry *entry = cache_snapshot_at(s, i);
        if (!api_filter_matches(&l->filter, &entry->instance))
            continue;
        l->total++;
        if (entry->instance.index <= l->after)
            continue;
        if (l->limit && l->n_items == l->limit) {
            l->has_more = true;
            continue;
        }
        if (l->n_items++)
            (void)buf_append(&x->http.reply, ",", 1);
        append_instance(x, entry, l->fields);
        l->last_index = entry->instance.index;
    }
}

static void respond_listing(struct api_exchange *x, struct listing *l)
{
    const struct cache_snapshot *s = api_cached_snapshot(x);
    (void)buf_append_str(&x->http.reply, "{\"items\":[");
    append_items(x, l);
    (void)buf_printf(&x->http.reply, "],\"total\":%u,\"next_cursor\":", (unsigned)l->total);
    if (l->has_more)
        (void)buf_printf(&x->http.reply, "\"%d\"", l->last_index);
    else
        (void)buf_append_str(&x->http.reply, "null");
    cache_snapshot_append_instance(s, NULL, clock_mono_ms(), x->is_live, &x->http.reply);
    api_respond_reply(x, 200, API_JSON);
}

/* Nobody waits for a survey to be told of a mistake. What was read is kept as the state; without
 * parameters there is nothing to keep. */
static bool check_listing(struct api_exchange *x)
{
    struct api_field_errors errors = {0};
    uint64_t after;
    if (x->http.request.n_query == 0)
        return true;
    struct listing *l = api_exchange_new_state(x, sizeof(*l), NULL);
    api_filter_from_query(&x->http.request, &l->filter, &errors);
    if (errors.n_all > 0) {
        api_respond_errors(x, &errors);
        return false;
    }
    if (!read_fields(x, &l->fields) || !api_input_limit(x, 0, &l->limit) ||
        !api_input_number(x, "cursor", 0, INT32_MAX, UINT64_MAX, &after))
        return false;
    l->after = after == UINT64_MAX ? -1 : (int)after;
    return true;
}

/* Whether the client has what STRONG, the tag of the content, stands for. The answer's own is weak,
 * because it tells its age, and another one when it comes from somewhere else. */
static bool is_unchanged(struct api_exchange *x, const char *strong)
{
    char tag[64] = "W/";
    size_t n = strlen(strong) - 1; /* its closing quote comes last */
    memcpy(tag + 2, strong, n);
    tag[2 + n] = '-';
    strcpy(tag + 2 + n + 1, cache_snapshot_source(api_cached_snapshot(x), x->is_live));
    strcat(tag, "\"");
    return api_exchange_matches(x, tag);
}

static void answer_list(struct api_exchange *x)
{
    struct cache_snapshot *s = api_cached_snapshot(x);
    api_cached_snapshot_headers(x, s);
    if (is_unchanged(x, cache_snapshot_etag(s)))
        api_respond_empty(x, 304);
    else if (x->http.state)
        respond_listing(x, x->http.state);
    else
        api_respond_blob(x, 200, API_JSON, cache_snapshot_list(s, clock_mono_ms(), x->is_live));
}

static const struct api_stages list_stages = {check_listing, answer_list};

void api_handle_instances_list(struct api_exchange *x)
{
    api_cached_instances(x, &list_stages);
}

static void answer_one(struct api_exchange *x)
{
    const struct cache_snapshot *s = api_cached_snapshot(x);
    const struct cache_entry *entry;
    const char *ref = x->http.request.params[0];
    unsigned fields = 0;
    enum api_ref outcome = api_ref_find(s, ref, &entry);
    if (outcome != API_REF_FOUND) {
        struct api_problem problem;
        char detail[400];
        api_ref_explain(outcome, ref, &problem, detail, sizeof(detail));
        api_respond_problem(x, &problem);
        return;
    }
    if (x->http.request.n_query > 0 && !read_fields(x, &fields))
        return;
    api_cached_snapshot_headers(x, s);
    if (is_unchanged(x, entry->etag)) {
        api_respond_empty(x, 304);
        return;
    }
    append_instance(x, entry, fields);
    api_respond_reply(x, 200, API_JSON);
}

static const struct api_stages get_stages = {.answer = answer_one};

void api_handle_instances_get(struct api_exchange *x)
{
    api_cached_instances(x, &get_stages);
}
