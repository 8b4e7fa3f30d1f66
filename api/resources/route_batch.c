/* SPDX-License-Identifier: MIT */
#include "api/resources/handlers.h"

#include <stdio.h>
#include <string.h>

#include "api/common/cached.h"
#include "api/common/command.h"
#include "api/common/filter.h"
#include "api/common/ref.h"
#include "base/memory/mem.h"
#include "base/text/json.h"

enum { MAX_IDS = 10000 };

/* What a batch may do: its action, the operation behind it, and the options it takes. */
static const struct action {
    const char *name;
    enum cache_op_kind kind;
    const struct api_field *fields;
} actions[] = {
    {"start", CACHE_OP_START, api_fields_start},
    {"stop", CACHE_OP_STOP, api_fields_stop},
    {"restart", CACHE_OP_RESTART, api_fields_restart},
    {"remove", CACHE_OP_REMOVE, api_fields_remove},
    {"modify", CACHE_OP_MODIFY, api_fields_change},
};

/* The members of `select`. */
static bool is_select_member(yyjson_val *key)
{
    static const char *const names[] = {"ids", "all", "state", "group", "labels"};
    for (size_t i = 0; i < countof(names); i++) {
        if (yyjson_equals_str(key, names[i]))
            return true;
    }
    return false;
}

static const struct action *find_action(yyjson_val *value)
{
    for (size_t i = 0; i < countof(actions); i++) {
        if (yyjson_equals_str(value, actions[i].name))
            return &actions[i];
    }
    return NULL;
}

static void check_select(yyjson_val *select, struct api_field_errors *errors)
{
    size_t i, max;
    yyjson_val *key, *value;
    if (!yyjson_is_obj(select)) {
        api_field_errors_add(errors, "select", "must be an object");
        return;
    }
    yyjson_obj_foreach(select, i, max, key, value) {
        if (!is_select_member(key))
            api_field_errors_add(errors, "select", "takes ids, all, state, group and labels only");
    }
    yyjson_val *ids = yyjson_obj_get(select, "ids"), *all = yyjson_obj_get(select, "all");
    if (all && !yyjson_is_true(all))
        api_field_errors_add(errors, "select.all", "must be true");
    if (ids && (!yyjson_is_arr(ids) || yyjson_arr_size(ids) > MAX_IDS))
        api_field_errors_add(errors, "select.ids",
                             "must be a list of at most 10000 ids or indexes");
    if (yyjson_obj_size(select) == 0)
        api_field_errors_add(errors, "select", "must say which instances are meant");
    if ((ids || all) && yyjson_obj_size(select) > 1)
        api_field_errors_add(errors, "select",
                             "takes ids or all alone, or state, group and "
                             "labels together");
}

static bool has_target(const struct api_pending *p, const char *id)
{
    for (size_t i = 0; i < p->n_targets; i++) {
        if (strcmp(p->targets[i], id) == 0)
            return true;
    }
    return false;
}

static void add_target(struct api_pending *p, size_t *cap, const char *id)
{
    p->targets = mem_grow(p->targets, p->n_targets, cap, sizeof(*p->targets));
    p->targets[p->n_targets++] = mem_strdup(id);
}

/* A reference may be a number as well as a string. */
static enum api_ref find_item(const struct cache_snapshot *s, yyjson_val *item,
                              const struct cache_entry **ret)
{
    char number[24];
    const char *ref = api_field_text(item);
    if (!ref && yyjson_is_uint(item)) {
        snprintf(number, sizeof(number), "%llu", (unsigned long long)yyjson_get_uint(item));
        ref = number;
    }
    return ref ? api_ref_find(s, ref, ret) : API_REF_MISSING;
}

static void select_ids(const struct cache_snapshot *s, yyjson_val *ids, struct api_pending *p)
{
    size_t i, max, cap = 0;
    yyjson_val *item;
    yyjson_arr_foreach(ids, i, max, item) {
        const struct cache_entry *entry;
        char field[40];
        snprintf(field, sizeof(field), "select.ids[%zu]", i);
        enum api_ref outcome = find_item(s, item, &entry);
        if (outcome == API_REF_AMBIGUOUS)
            api_field_errors_add(&p->errors, field, "is the name of several instances");
        else if (outcome != API_REF_FOUND)
            api_field_errors_add(&p->errors, field, "is no instance");
        else if (!has_target(p, entry->instance.id))
            add_target(p, &cap, entry->instance.id);
    }
}

static void select_matching(const struct cache_snapshot *s, yyjson_val *select,
                            struct api_pending *p)
{
    struct api_filter filter;
    size_t cap = 0;
    api_filter_from_json(select, &filter, &p->errors);
    for (size_t i = 0; i < cache_snapshot_count(s); i++) {
        const struct cache_entry *entry = cache_snapshot_at(s, i);
        if (api_filter_matches(&filter, &entry->instance))
            add_target(p, &cap, entry->instance.id);
    }
}

/* The body was checked when it came; here only the selection is looked at. */
static void submit(struct api_exchange *x)
{
    struct api_pending *p = x->http.state;
    const struct cache_snapshot *s = api_cached_snapshot(x);
    yyjson_doc *doc cleanup(json_doc_freep) = NULL;
    if (!api_input_body(x, &doc))
        return;
    yyjson_val *select = yyjson_obj_get(yyjson_doc_get_root(doc), "select");
    yyjson_val *ids = yyjson_obj_get(select, "ids");
    if (ids)
        select_ids(s, ids, p);
    else
        select_matching(s, select, p);
    if (p->errors.n_all == 0 && p->n_targets == 0)
        api_field_errors_add(&p->errors, "select", "means no instance");
    if (p->errors.n_all == 0) {
        api_pending_submit(x);
        return;
    }
    snprintf(p->detail, sizeof(p->detail), "%s %s.", p->errors.items[0].field,
             p->errors.items[0].rule);
    api_problem_init(&p->refusal, API_VALIDATION_FAILED, p->detail);
    p->refusal.errors = &p->errors;
    api_pending_refuse(x);
}

static const struct api_stages submit_stages = {.answer = submit};

static void read_options(struct api_exchange *x, yyjson_val *root, struct api_field_errors *errors)
{
    struct api_pending *p = x->http.state;
    const struct action *action = find_action(yyjson_obj_get(root, "action"));
    if (!action) {
        if (yyjson_obj_get(root, "action"))
            api_field_errors_add(errors, "action",
                                 "must be one of start, stop, restart, remove, modify");
        return;
    }
    struct api_field_reader reader = {"options.", errors, api_pending_has_guest(x), NULL};
    p->kind = action->kind;
    api_command_read(&reader, action->fields, yyjson_obj_get(root, "options"), &p->command);
    if (p->kind == CACHE_OP_MODIFY && errors->n_all == 0 && api_command_is_empty(&p->command))
        api_field_errors_add(errors, "options", "must name at least one thing to change");
    if (p->kind == CACHE_OP_MODIFY && p->command.name[0])
        api_field_errors_add(errors, "options.name", "would give all instances one name");
}

/* What only an admin may do to one instance, only an admin may do to many. */
static bool may_act(struct api_exchange *x)
{
    const struct api_pending *p = x->http.state;
    bool is_for_admin = p->kind == CACHE_OP_REMOVE ||
                        (p->kind == CACHE_OP_MODIFY && api_command_changes_settings(&p->command));
    if (!is_for_admin || x->who.role >= CACHE_ROLE_ADMIN)
        return true;
    api_respond_code(x, API_FORBIDDEN, "This action needs the role admin; '%s' has the role %s.",
                     x->who.name, cache_role_name(x->who.role));
    return false;
}

void api_handle_instances_batch(struct api_exchange *x)
{
    yyjson_doc *doc cleanup(json_doc_freep) = NULL;
    struct api_field_errors errors = {0};
    struct api_field_reader reader = {"", &errors, false, NULL};
    struct api_filter unused;
    if (!api_input_body(x, &doc))
        return;
    struct api_pending *p = api_pending_new(x, CACHE_OP_BATCH);
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (!api_input_wait(x, &p->wait_ms, &p->has_wait))
        return;
    if (api_field_check(&reader, api_fields_batch, root)) {
        read_options(x, root, &errors);
        if (yyjson_obj_get(root, "select"))
            check_select(yyjson_obj_get(root, "select"), &errors);
        api_filter_from_json(yyjson_obj_get(root, "select"), &unused, &errors);
    }
    if (errors.n_all > 0)
        api_respond_errors(x, &errors);
    else if (may_act(x))
        api_cached_known_instances(x, &submit_stages);
}
