/* SPDX-License-Identifier: MIT */
#include "api/resources/handlers.h"

#include <string.h>

#include "api/common/input.h"
#include "base/memory/cleanup.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "cache/faults/breakers.h"
#include "ldconsole/guard/client.h"

/* --- one as JSON --- */

static void add_window(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct ldc_breaker *b)
{
    struct ldc_breaker_shares shares = ldc_breaker_shares(b);
    yyjson_mut_val *window = yyjson_mut_obj_add_obj(doc, object, "window");
    yyjson_mut_obj_add_uint(doc, window, "size", LDC_BREAKER_WINDOW);
    yyjson_mut_obj_add_uint(doc, window, "calls", b->n_window);
    yyjson_mut_obj_add_uint(doc, window, "failures", shares.n_failed);
    yyjson_mut_obj_add_uint(doc, window, "failure_percent",
                            b->n_window ? shares.n_failed * 100 / b->n_window : 0);
    yyjson_mut_obj_add_uint(doc, window, "slow", shares.n_slow);
    yyjson_mut_obj_add_uint(doc, window, "slow_percent",
                            b->n_window ? shares.n_slow * 100 / b->n_window : 0);
    yyjson_mut_obj_add_uint(doc, window, "consecutive_failures", b->consecutive);
    yyjson_mut_obj_add_uint(doc, window, "consecutive_hangs", b->n_hangs);
    yyjson_mut_obj_add_uint(doc, window, "consecutive_missing_effects", b->n_missing);
}

/* The moment, of which MEMORY has the wall clock, is so far away; null for 0. */
static void add_wait(yyjson_mut_doc *doc, yyjson_mut_val *object, int64_t until)
{
    int64_t now = clock_wall_ms();
    if (until > 0)
        yyjson_mut_obj_add_sint(doc, object, "retry_after_ms", until > now ? until - now : 0);
    else
        yyjson_mut_obj_add_null(doc, object, "retry_after_ms");
}

static void add_totals(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct ldc_breaker *b)
{
    yyjson_mut_val *totals = yyjson_mut_obj_add_obj(doc, object, "totals");
    yyjson_mut_obj_add_uint(doc, totals, "successes", b->n_success);
    yyjson_mut_obj_add_uint(doc, totals, "failures", b->n_failure);
    yyjson_mut_obj_add_uint(doc, totals, "rejected", b->n_rejected);
    yyjson_mut_obj_add_uint(doc, totals, "opened", b->n_opened);
    yyjson_mut_val *faults = yyjson_mut_obj_add_obj(doc, totals, "faults");
    for (int i = LDC_FAULT_SPAWN; i < LDC_FAULT_COUNT; i++)
        yyjson_mut_obj_add_uint(doc, faults, ldc_fault_name((enum ldc_fault)i), b->n_faults[i]);
}

static void add_optional(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key,
                         const char *text)
{
    json_add_str(doc, object, key, *text ? text : NULL);
}

static void add_calls(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct ldc_breaker *b)
{
    yyjson_mut_val *calls = yyjson_mut_obj_add_arr(doc, object, "last_failures");
    for (size_t i = 0; i < b->n_calls; i++) {
        const struct ldc_breaker_call *call = &b->calls[i];
        yyjson_mut_val *item = yyjson_mut_arr_add_obj(doc, calls);
        json_add_time(doc, item, "time", call->at);
        json_add_str(doc, item, "fault", ldc_fault_name(call->fault));
        json_add_str(doc, item, "code", call->code);
        add_optional(doc, item, "instance", call->instance);
        add_optional(doc, item, "command", call->command);
        yyjson_mut_obj_add_int(doc, item, "exit_code", call->exit_code);
        json_add_str(doc, item, "output", call->output);
        yyjson_mut_obj_add_uint(doc, item, "duration_ms", call->duration_ms);
    }
}

static yyjson_mut_val *make_breaker(yyjson_mut_doc *doc, const struct ldc_breaker *b)
{
    struct ldc_breaker_memory memory;
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    ldc_client_remember_breaker(b, &memory);
    json_add_str(doc, object, "name", b->name);
    add_optional(doc, object, "instance", b->instance);
    json_add_str(doc, object, "state", ldc_breaker_state_name(b->state));
    add_optional(doc, object, "reason", b->reason);
    add_optional(doc, object, "note", b->note);
    add_optional(doc, object, "by", b->by);
    json_add_time(doc, object, "expires_at", memory.expires_at);
    json_add_time(doc, object, "opened_at", b->opened_at);
    add_wait(doc, object, memory.open_until);
    add_window(doc, object, b);
    add_totals(doc, object, b);
    add_calls(doc, object, b);
    return object;
}

/* --- reading --- */

void api_handle_breakers_list(struct api_exchange *x)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_val *items = yyjson_mut_obj_add_arr(doc, root, "items");
    const struct ldc_client *client = x->context->client;
    for (const struct ldc_breaker *b = ldc_client_next_breaker(client, NULL); b;
         b = ldc_client_next_breaker(client, b))
        yyjson_mut_arr_append(items, make_breaker(doc, b));
    yyjson_mut_obj_add_uint(doc, root, "total", yyjson_mut_arr_size(items));
    api_respond_doc(x, 200, doc);
}

/* --- orders --- */

/* The answer while what it says is written; the exchange's state. */
struct order {
    struct api_exchange *x;
    char note[LDC_BREAKER_NOTE_SIZE];
    int64_t expires_at;
    yyjson_mut_doc *doc;
};

static void deinit(void *state)
{
    struct order *order = state;
    yyjson_mut_doc_free(order->doc);
}

static const char *read_note(yyjson_val *value, struct order *order)
{
    const char *text = api_field_text(value);
    size_t n = text ? strlen(text) : 0;
    if (n == 0 || n >= sizeof(order->note) || str_has_controls(text) || strspn(text, " ") == n)
        return "must be a text of 1 to 256 bytes in one line that says why";
    str_copy(order->note, sizeof(order->note), text);
    return NULL;
}

static const char *read_expires(yyjson_val *value, struct order *order)
{
    const char *text = api_field_text(value);
    if (yyjson_is_null(value))
        return NULL;
    if (!text || clock_parse(text, &order->expires_at) < 0 || order->expires_at <= clock_wall_ms())
        return "must be a time in the future as in RFC 3339, or null for never";
    return NULL;
}

/* Returns false when X has been answered. */
static bool read_order(struct api_exchange *x, const struct api_field *fields, struct order *order)
{
    yyjson_doc *doc cleanup(json_doc_freep) = NULL;
    struct api_field_errors errors = {0};
    struct api_field_reader reader = {"", &errors, false, NULL};
    if (!api_input_body(x, &doc))
        return false;
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (api_field_check(&reader, fields, root)) {
        yyjson_val *note = yyjson_obj_get(root, "note");
        yyjson_val *expires = yyjson_obj_get(root, "expires_at");
        const char *refusal = note ? read_note(note, order) : NULL;
        if (refusal)
            api_field_refuse(&reader, "note", refusal);
        refusal = expires ? read_expires(expires, order) : NULL;
        if (refusal)
            api_field_refuse(&reader, "expires_at", refusal);
    }
    if (errors.n_all > 0)
        api_respond_errors(x, &errors);
    return errors.n_all == 0;
}

static void on_written(void *arg, int status)
{
    struct order *order = arg;
    if (status < 0)
        api_respond_code(order->x, API_STORE_UNAVAILABLE,
                         "The breaker is so now, but the database refused to remember it (%s: %s): "
                         "it is forgotten when the service ends.",
                         cache_sql_strerror(status), cache_sql_advice(status));
    else
        api_respond_doc(order->x, 200, order->doc);
}

static void steer(struct api_exchange *x, enum ldc_breaker_state state,
                  const struct api_field *fields)
{
    struct order *order = api_exchange_new_state(x, sizeof(*order), deinit);
    struct ldc_breaker_memory memory;
    order->x = x;
    if (fields && !read_order(x, fields, order))
        return;
    const struct ldc_breaker *b = ldc_client_steer(
        x->context->client, x->http.request.params[0],
        &(struct ldc_breaker_order){
            .state = state,
            .by = x->who.name,
            .note = order->note,
            .for_ms = order->expires_at > 0 ? (uint64_t)(order->expires_at - clock_wall_ms()) : 0,
        });
    if (!b) {
        api_respond_code(x, API_BREAKER_NOT_FOUND,
                         "GET /api/breakers lists the breakers there are. One of an instance is "
                         "there from a failure on until that is long ago.");
        return;
    }
    order->doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_doc_set_root(order->doc, make_breaker(order->doc, b));
    ldc_client_remember_breaker(b, &memory);
    cache_breakers_put(x->context->store, &memory, on_written, order);
}

void api_handle_breakers_force_open(struct api_exchange *x)
{
    steer(x, LDC_BREAKER_FORCED_OPEN, api_fields_breaker_force);
}

void api_handle_breakers_force_close(struct api_exchange *x)
{
    steer(x, LDC_BREAKER_FORCED_CLOSED, api_fields_breaker_force);
}

void api_handle_breakers_disable(struct api_exchange *x)
{
    steer(x, LDC_BREAKER_DISABLED, api_fields_breaker_disable);
}

void api_handle_breakers_reset(struct api_exchange *x)
{
    steer(x, LDC_BREAKER_CLOSED, NULL);
}
