/* SPDX-License-Identifier: MIT */
#include "api/resources/handlers.h"

#include <stdio.h>
#include <string.h>

#include "api/common/cached.h"
#include "api/common/command.h"
#include "api/common/input.h"
#include "api/common/ref.h"
#include "base/memory/mem.h"
#include "base/text/json.h"
#include "base/text/str.h"

/* Of the instance in the path, as far as it is known before it is looked for. */
static const struct ldc_settings *actual_settings(const struct api_exchange *x)
{
    const struct cache_entry *entry;
    const char *ref = x->http.request.params[0];
    bool is_known = ref && api_ref_find(api_cached_snapshot(x), ref, &entry) == API_REF_FOUND;
    return is_known ? &entry->instance.settings : NULL;
}

/* Reads body and headers into a new command. Returns NULL when X has been answered. */
static struct api_pending *read_command(struct api_exchange *x, enum cache_op_kind kind,
                                        const struct api_field *fields)
{
    yyjson_doc *doc cleanup(json_doc_freep) = NULL;
    if (!api_input_body(x, &doc))
        return NULL;
    struct api_pending *p = api_pending_new(x, kind);
    if (!api_input_wait(x, &p->wait_ms, &p->has_wait))
        return NULL;
    struct api_field_errors errors = {0};
    struct api_field_reader reader = {"", &errors, api_pending_has_guest(x),
                                      kind == CACHE_OP_CREATE ? NULL : actual_settings(x)};
    api_command_read(&reader, fields, yyjson_doc_get_root(doc), &p->command);
    if (errors.n_all == 0)
        return p;
    api_respond_errors(x, &errors);
    return NULL;
}

/* The instance is known: checks If-Match and hands over. What holds now must hold again when the
 * change is made, so the revision goes with the command. */
static void submit(struct api_exchange *x)
{
    struct api_pending *p = x->http.state;
    const struct cache_entry *entry;
    const char *ref = x->http.request.params[0];
    enum api_ref outcome = api_ref_find(api_cached_snapshot(x), ref, &entry);
    if (outcome != API_REF_FOUND) {
        api_ref_explain(outcome, ref, &p->refusal, p->detail, sizeof(p->detail));
        api_pending_refuse(x);
        return;
    }
    const char *revision = entry->instance.revision;
    enum http_precondition precondition = api_exchange_may_change(x, revision);
    if (precondition == HTTP_PRECONDITION_FAILS) {
        api_problem_init(&p->refusal, API_PRECONDITION_FAILED,
                         "The instance's revision is not, or no longer, the one in If-Match.");
        api_pending_refuse(x);
        return;
    }
    if (precondition == HTTP_PRECONDITION_HOLDS)
        str_copy(p->revision, sizeof(p->revision), revision);
    str_copy(p->target, sizeof(p->target), entry->instance.id);
    api_pending_submit(x);
}

static const struct api_stages submit_stages = {.answer = submit};

static void handle(struct api_exchange *x, enum cache_op_kind kind, const struct api_field *fields)
{
    if (read_command(x, kind, fields))
        api_cached_known_instances(x, &submit_stages);
}

void api_handle_instances_create(struct api_exchange *x)
{
    if (read_command(x, CACHE_OP_CREATE, api_fields_create))
        api_pending_submit(x);
}

void api_handle_instances_change(struct api_exchange *x)
{
    struct api_pending *p = read_command(x, CACHE_OP_MODIFY, api_fields_change);
    if (!p)
        return;
    if (api_command_is_empty(&p->command))
        api_respond_field(x, "body", "must name at least one thing to change");
    else if (api_command_changes_settings(&p->command) && x->who.role < CACHE_ROLE_ADMIN)
        api_respond_code(
            x, API_FORBIDDEN,
            "`name`, `settings` and `resolution` need the role admin; '%s' has the role "
            "%s, with which labels, group, desired_state, repair and quarantine can be "
            "changed.",
            x->who.name, cache_role_name(x->who.role));
    else
        api_cached_known_instances(x, &submit_stages);
}

void api_handle_instances_remove(struct api_exchange *x)
{
    struct api_pending *p = api_pending_new(x, CACHE_OP_REMOVE);
    uint64_t timeout_s;
    if (!api_input_wait(x, &p->wait_ms, &p->has_wait) ||
        !api_input_bool(x, "force", &p->command.force) ||
        !api_input_number(x, "timeout_s", 1, API_MAX_TIMEOUT_S, 0, &timeout_s))
        return;
    p->command.timeout_ms = (unsigned)timeout_s * 1000;
    api_cached_known_instances(x, &submit_stages);
}

void api_handle_instances_start(struct api_exchange *x)
{
    handle(x, CACHE_OP_START, api_fields_start);
}

void api_handle_instances_stop(struct api_exchange *x)
{
    handle(x, CACHE_OP_STOP, api_fields_stop);
}

void api_handle_instances_restart(struct api_exchange *x)
{
    handle(x, CACHE_OP_RESTART, api_fields_restart);
}

void api_handle_instances_clone(struct api_exchange *x)
{
    handle(x, CACHE_OP_CLONE, api_fields_clone);
}

void api_handle_instances_rename(struct api_exchange *x)
{
    handle(x, CACHE_OP_RENAME, api_fields_rename);
}
