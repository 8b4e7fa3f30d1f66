/* SPDX-License-Identifier: MIT */
#include "api/resources/handlers.h"

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "ldconsole/guard/client.h"

static void add_window(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct ldc_breaker *b)
{
    unsigned failures = ldc_breaker_window_failures(b);
    yyjson_mut_val *window = yyjson_mut_obj_add_obj(doc, object, "window");
    yyjson_mut_obj_add_uint(doc, window, "size", LDC_BREAKER_WINDOW);
    yyjson_mut_obj_add_uint(doc, window, "calls", b->n_window);
    yyjson_mut_obj_add_uint(doc, window, "failures", failures);
    yyjson_mut_obj_add_uint(doc, window, "failure_percent",
                            b->n_window ? failures * 100 / b->n_window : 0);
    yyjson_mut_obj_add_uint(doc, window, "consecutive_failures", b->consecutive);
}

static void add_times(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct ldc_breaker *b)
{
    uint64_t now = clock_mono_ms(), until = b->opened_at_ms + b->current_open_ms;
    bool is_open = b->state == LDC_BREAKER_OPEN;
    json_add_time(doc, object, "opened_at",
                  is_open ? clock_wall_ms() - (int64_t)(now - b->opened_at_ms) : 0);
    if (is_open)
        yyjson_mut_obj_add_uint(doc, object, "retry_after_ms", until > now ? until - now : 0);
    else
        yyjson_mut_obj_add_null(doc, object, "retry_after_ms");
}

static yyjson_mut_val *make_breaker(yyjson_mut_doc *doc, const struct ldc_breaker *b)
{
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    json_add_str(doc, object, "name", b->name);
    json_add_str(doc, object, "state", ldc_breaker_state_name(b->state));
    json_add_str(doc, object, "reason", b->reason[0] ? b->reason : NULL);
    add_times(doc, object, b);
    add_window(doc, object, b);
    yyjson_mut_val *totals = yyjson_mut_obj_add_obj(doc, object, "totals");
    yyjson_mut_obj_add_uint(doc, totals, "successes", b->n_success);
    yyjson_mut_obj_add_uint(doc, totals, "failures", b->n_failure);
    yyjson_mut_obj_add_uint(doc, totals, "rejected", b->n_rejected);
    yyjson_mut_obj_add_uint(doc, totals, "opened", b->n_opened);
    return object;
}

static yyjson_mut_val *make_breaker_at(struct api_exchange *x, yyjson_mut_doc *doc,
                                       enum ldc_purpose purpose)
{
    return make_breaker(doc, ldc_client_breaker(x->context->client, purpose));
}

void api_handle_breakers_list(struct api_exchange *x)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_val *items = yyjson_mut_obj_add_arr(doc, root, "items");
    for (enum ldc_purpose p = 0; p < LDC_PURPOSE_COUNT; p++)
        yyjson_mut_arr_append(items, make_breaker_at(x, doc, p));
    yyjson_mut_obj_add_uint(doc, root, "total", LDC_PURPOSE_COUNT);
    api_respond_doc(x, 200, doc);
}

static bool find(const char *name, enum ldc_purpose *ret)
{
    for (*ret = 0; *ret < LDC_PURPOSE_COUNT; (*ret)++) {
        if (strcmp(ldc_purpose_name(*ret), name) == 0)
            return true;
    }
    return false;
}

static void steer(struct api_exchange *x, void (*command)(struct ldc_breaker *b))
{
    enum ldc_purpose purpose;
    if (!find(x->http.request.params[0], &purpose)) {
        api_respond_code(x, API_BREAKER_NOT_FOUND,
                         "GET /api/breakers lists the breakers there are.");
        return;
    }
    ldc_client_steer_breaker(x->context->client, purpose, command, x->who.name);
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_doc_set_root(doc, make_breaker_at(x, doc, purpose));
    api_respond_doc(x, 200, doc);
}

void api_handle_breakers_force_open(struct api_exchange *x)
{
    steer(x, ldc_breaker_force_open);
}

void api_handle_breakers_force_close(struct api_exchange *x)
{
    steer(x, ldc_breaker_force_close);
}

void api_handle_breakers_disable(struct api_exchange *x)
{
    steer(x, ldc_breaker_disable);
}

void api_handle_breakers_reset(struct api_exchange *x)
{
    steer(x, ldc_breaker_reset);
}
