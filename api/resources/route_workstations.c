/* SPDX-License-Identifier: MIT */
#include "api/resources/handlers.h"

#include <stdio.h>
#include <string.h>

#include "api/common/cached.h"
#include "api/common/input.h"
#include "api/common/workstation_body.h"
#include "api/exchange/parts.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/address.h"
#include "base/text/json.h"
#include "base/text/str.h"

/* --- which one --- */

static struct ctl_workstations *all(const struct api_exchange *x)
{
    return x->context->workstations;
}

static void respond_not_found(struct api_exchange *x, const char *id)
{
    char shown[64];
    str_copy(shown, sizeof(shown), id);
    api_respond_code(x, API_WORKSTATION_NOT_FOUND,
                     "'%s' is not the id of a workstation; GET /api/workstations lists them.",
                     shown);
}

/* The one that the path names; NULL when X has been answered. */
static const struct ctl_workstation *find(struct api_exchange *x)
{
    const char *id = x->http.request.params[0];
    const struct ctl_workstation *w = ctl_workstations_find(all(x), id);
    if (!w)
        respond_not_found(x, id);
    return w;
}

/* The one that the path names if it is this one; NULL when X has been answered. WHAT of another is
 * to be had under PATH there. */
static const struct ctl_workstation *find_local(struct api_exchange *x, const char *what,
                                                const char *path)
{
    const struct ctl_workstation *w = find(x);
    if (!w || ctl_workstation_is_local(w))
        return w;
    const char *address = w->row.address;
    const char *scheme = str_has_prefix(address, "http://") ? "" : "http://";
    if (*address)
        api_respond_code(x, API_WORKSTATION_NOT_MIRRORED,
                         "The %s of other workstations are not known here. Ask '%s' itself: "
                         "GET %s%s%s.",
                         what, w->row.name, scheme, address, path);
    else
        api_respond_code(x, API_WORKSTATION_NOT_MIRRORED,
                         "The %s of other workstations are not known here, and '%s' has no "
                         "address. Ask the ldplayerd there: GET %s.",
                         what, w->row.name, path);
    return NULL;
}

/* --- reading --- */

/* What is cached, unless the client has it. */
static void answer(struct api_exchange *x)
{
    char tag[API_WORKSTATION_TAG_SIZE];
    api_workstations_tag(x->body->data, x->body->len, tag);
    if (api_exchange_matches(x, tag))
        api_respond_empty(x, 304);
    else
        api_respond_blob(x, 200, API_JSON, blob_ref(x->body));
}

static const struct api_stages read_stages = {.answer = answer};

void api_handle_workstations_list(struct api_exchange *x)
{
    api_cached_body(x, API_CACHEABLE_WORKSTATIONS, "", &read_stages);
}

void api_handle_workstations_get(struct api_exchange *x)
{
    const struct ctl_workstation *w = find(x);
    if (w)
        api_cached_body(x, API_CACHEABLE_WORKSTATION, w->row.id, &read_stages);
}

/* What was just changed is shown as it is, not as it was kept. */
static void respond_changed(struct api_exchange *x, const struct ctl_workstation *w)
{
    char tag[API_WORKSTATION_TAG_SIZE];
    api_workstations_append_one(x->context, w, &x->http.reply);
    api_workstations_tag(x->http.reply.data, x->http.reply.len, tag);
    (void)api_exchange_matches(x, tag);
    api_respond_reply(x, 200, API_JSON);
}

void api_handle_workstations_instances(struct api_exchange *x)
{
    if (find_local(x, "instances", "/api/instances"))
        api_handle_instances_list(x);
}

/* --- figures --- */

enum { FIGURES_AGE_MS = 1000, FIGURES_TIMEOUT_MS = 10000 };

static unsigned figures_timeout_ms(const struct api_exchange *x)
{
    unsigned ms = x->server->options.first_survey_ms;
    return ms < FIGURES_TIMEOUT_MS ? ms : FIGURES_TIMEOUT_MS;
}

static void on_figures(void *arg, const struct ctl_sample *sample)
{
    struct api_exchange *x = arg;
    http_exchange_woken(&x->http);
    const struct ctl_workstation *w = ctl_workstations_find(all(x), CACHE_WORKSTATION_LOCAL);
    if (!sample) {
        api_respond_code(x, API_STOPPING, "The service is stopping.");
        return;
    }
    api_workstations_append_system(x->context, w, sample, &x->http.reply);
    api_respond_reply(x, 200, API_JSON);
}

static void cancel_figures(void *want)
{
    ctl_figures_cancel_want(want);
}

static void figures_time_up(struct http_exchange *h)
{
    struct api_exchange *x = api_exchange_of(h);
    if (api_exchange_is_stopping(x))
        api_respond_code(x, API_STOPPING, "The service is stopping.");
    else
        api_respond_code(x, API_NOT_READY,
                         "The figures of this machine were not read within %u ms; a drive may not "
                         "answer. GET /api/workstations/local shows the last ones.",
                         figures_timeout_ms(x));
}

static const struct http_wait figures_wait = {
    .is_long = true, .cancel = cancel_figures, .time_up = figures_time_up};

void api_handle_workstations_system_info(struct api_exchange *x)
{
    if (!find_local(x, "figures", "/api/workstations/local/system-info"))
        return;
    http_exchange_wait(&x->http, &figures_wait, figures_timeout_ms(x));
    http_exchange_wait_for(&x->http, ctl_figures_want(ctl_workstations_figures(all(x)),
                                                      FIGURES_AGE_MS, on_figures, x));
}

/* --- tests --- */

static void on_tested(void *arg, const struct ctl_reach_result *result)
{
    struct api_exchange *x = arg;
    http_exchange_woken(&x->http);
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    json_add_str(doc, root, "status", "success");
    yyjson_mut_obj_add_bool(doc, root, "reachable", result->is_reachable);
    yyjson_mut_obj_add_uint(doc, root, "latency_ms", result->latency_ms);
    json_add_str(doc, root, "detail", result->detail);
    api_respond_doc(x, 200, doc);
}

static void cancel_test(void *test)
{
    ctl_workstations_cancel_test(test);
}

static void test_time_up(struct http_exchange *h)
{
    struct api_exchange *x = api_exchange_of(h);
    if (api_exchange_is_stopping(x))
        api_respond_code(x, API_STOPPING, "The service is stopping.");
    else
        api_respond_code(x, API_LDCONSOLE_TIMED_OUT,
                         "No survey of the instances ended in time; see GET /api/health.");
}

static const struct http_wait test_wait = {
    .is_long = true, .cancel = cancel_test, .time_up = test_time_up};

void api_handle_workstations_test(struct api_exchange *x)
{
    const struct ctl_workstation *w = find(x);
    if (!w)
        return;
    if (!ctl_workstation_is_local(w) && !w->row.address[0]) {
        api_respond_code(x, API_WORKSTATION_HAS_NO_ADDRESS,
                         "'%s' has no address to connect to; set one with PATCH.", w->row.name);
        return;
    }
    http_exchange_wait(&x->http, &test_wait, x->server->options.first_survey_ms);
    http_exchange_wait_for(&x->http, ctl_workstations_test(all(x), w->row.id, on_tested, x));
}

/* --- changing --- */

/* A change on its way; the exchange's state. */
struct wish {
    enum ctl_workstation_action action;
    char name[CACHE_WORKSTATION_NAME_SIZE];
    char address[CACHE_WORKSTATION_ADDRESS_SIZE];
    char *labels; /* owned; NULL = not given */
    bool has_name, has_address;
    int maintenance;
};

static void deinit(void *state)
{
    struct wish *wish = state;
    mem_free(wish->labels);
}

static struct wish *wish_new(struct api_exchange *x, enum ctl_workstation_action action)
{
    struct wish *wish = api_exchange_new_state(x, sizeof(*wish), deinit);
    wish->action = action;
    wish->maintenance = -1;
    return wish;
}

static const char *read_name(yyjson_val *value, struct wish *wish)
{
    const char *text = api_field_text(value);
    size_t n = text ? str_utf8_length(text) : 0;
    if (n == 0 || n > CACHE_WORKSTATION_NAME_MAX)
        return "must be a string of 1 to 64 characters";
    if (str_has_controls(text))
        return "must not contain control characters";
    str_copy(wish->name, sizeof(wish->name), text);
    wish->has_name = true;
    return NULL;
}

static const char *read_address(yyjson_val *value, struct wish *wish)
{
    struct address address;
    const char *text = yyjson_is_null(value) ? "" : api_field_text(value);
    if (!text || (*text && address_parse(text, &address) < 0) || (!*text && !yyjson_is_null(value)))
        return "must be HOST:PORT or http://HOST:PORT with a port from 1 to 65535 (an IPv6 host in "
               "brackets), or null for none";
    str_copy(wish->address, sizeof(wish->address), text);
    wish->has_address = true;
    return NULL;
}

static const char *read_maintenance(yyjson_val *value, struct wish *wish)
{
    if (!yyjson_is_bool(value))
        return "must be true or false";
    wish->maintenance = yyjson_get_bool(value);
    return NULL;
}

static const char *read_field(const struct api_field *field, yyjson_val *value, struct wish *wish)
{
    const char *refusal;
    switch (field->kind) {
    case API_FIELD_WORKSTATION_NAME:
        return read_name(value, wish);
    case API_FIELD_ADDRESS:
        return read_address(value, wish);
    case API_FIELD_MAINTENANCE:
        return read_maintenance(value, wish);
    default:
        refusal = api_labels_refusal(value);
        if (!refusal)
            wish->labels = json_write_value(value);
        return refusal;
    }
}

/* Returns false when X has been answered. */
static bool read_body(struct api_exchange *x, const struct api_field *fields, struct wish *wish)
{
    yyjson_doc *doc cleanup(json_doc_freep) = NULL;
    struct api_field_errors errors = {0};
    struct api_field_reader reader = {"", &errors, false, NULL};
    if (!api_input_body(x, &doc))
        return false;
    yyjson_val *root = yyjson_doc_get_root(doc);
    bool is_readable = api_field_check(&reader, fields, root);
    for (; is_readable && fields->name; fields++) {
        yyjson_val *value = yyjson_obj_get(root, fields->name);
        const char *refusal = value ? read_field(fields, value, wish) : NULL;
        if (refusal)
            api_field_refuse(&reader, fields->name, refusal);
    }
    if (errors.n_all > 0)
        api_respond_errors(x, &errors);
    return errors.n_all == 0;
}

static void respond_refusal(struct api_exchange *x, const struct ctl_refusal *refusal)
{
    struct api_problem problem;
    struct api_field_errors errors = {0};
    api_problem_foreign(&problem, refusal->http_status, refusal->code, refusal->detail);
    problem.retry_ms = refusal->retry_ms;
    if (refusal->http_status == 422)
        api_field_errors_add(&errors, "Idempotency-Key", "%s", refusal->detail);
    else if (strcmp(refusal->code, "WORKSTATION_EXISTS") == 0)
        api_field_errors_add(&errors, "name", "%s", refusal->detail);
    if (errors.n_all > 0)
        problem.errors = &errors;
    api_respond_problem(x, &problem);
}

static void respond_added(struct api_exchange *x, const char *id)
{
    char location[sizeof("/api/workstations/") + UUID_SIZE];
    snprintf(location, sizeof(location), "/api/workstations/%s", id);
    api_exchange_header(x, "Location", location);
    (void)buf_printf(&x->http.reply, "{\"id\":\"%s\"}", id);
    api_respond_reply(x, 201, API_JSON);
}

static void on_changed(void *arg, const char *id, const struct ctl_workstation *w,
                       const struct ctl_refusal *refusal)
{
    struct api_exchange *x = arg;
    const struct wish *wish = x->http.state;
    if (refusal)
        respond_refusal(x, refusal);
    else if (wish->action == CTL_WORKSTATION_ADD)
        respond_added(x, id);
    else if (wish->action == CTL_WORKSTATION_REMOVE)
        api_respond_empty(x, 204);
    else if (w)
        respond_changed(x, w);
    else /* removed since the request that this one repeats */
        respond_not_found(x, id);
}

static bool may_change(void *arg, const struct ctl_workstation *w)
{
    char revision[API_WORKSTATION_REVISION_SIZE];
    api_workstation_revision(w, revision);
    return api_exchange_may_change(arg, revision) != HTTP_PRECONDITION_FAILS;
}

static void submit(struct api_exchange *x)
{
    const struct wish *wish = x->http.state;
    struct ctl_workstation_request request = {
        .action = wish->action,
        .id = wish->action == CTL_WORKSTATION_ADD ? NULL : x->http.request.params[0],
        .name = wish->has_name ? wish->name : NULL,
        .address = wish->has_address ? wish->address : NULL,
        .labels = wish->labels,
        .maintenance = wish->maintenance,
        .may_change = may_change,
        .key = {x->who.id, x->key, x->fingerprint},
    };
    ctl_workstations_submit(all(x), &request, on_changed, x);
}

void api_handle_workstations_create(struct api_exchange *x)
{
    if (read_body(x, api_fields_workstation, wish_new(x, CTL_WORKSTATION_ADD)))
        submit(x);
}

void api_handle_workstations_change(struct api_exchange *x)
{
    struct wish *wish = wish_new(x, CTL_WORKSTATION_CHANGE);
    if (!read_body(x, api_fields_workstation_change, wish))
        return;
    if (!wish->has_name && !wish->has_address && !wish->labels && wish->maintenance < 0)
        api_respond_field(x, "body", "must name at least one thing to change");
    else
        submit(x);
}

void api_handle_workstations_remove(struct api_exchange *x)
{
    (void)wish_new(x, CTL_WORKSTATION_REMOVE);
    submit(x);
}
