/* SPDX-License-Identifier: MIT */
/* Drills: ldconsole fails on purpose, for a while (ldconsole/guard/chaos.h). What a drill changes
 * is told by events, which the service emits. */
#include "api/resources/handlers.h"

#include <string.h>

#include "api/common/input.h"
#include "base/memory/cleanup.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "ldconsole/guard/chaos.h"

static void add_drill(yyjson_mut_doc *doc, yyjson_mut_val *root, const struct ldc_chaos_drill *d)
{
    uint64_t now = clock_mono_ms();
    uint64_t left_ms = d->ends_ms > now ? d->ends_ms - now : 0;
    yyjson_mut_val *drill = yyjson_mut_obj_add_obj(doc, root, "drill");
    json_add_str(doc, drill, "kind", ldc_chaos_kind_names[d->kind]);
    json_add_str(doc, drill, "verb", d->verb[0] ? d->verb : NULL);
    yyjson_mut_obj_add_uint(doc, drill, "percent", d->percent);
    if (d->kind == LDC_CHAOS_LATENCY)
        yyjson_mut_obj_add_uint(doc, drill, "latency_ms", d->latency_ms);
    else
        yyjson_mut_obj_add_null(doc, drill, "latency_ms");
    json_add_str(doc, drill, "by", d->by);
    json_add_time(doc, drill, "ends_at", clock_wall_ms() + (int64_t)left_ms);
    yyjson_mut_obj_add_uint(doc, drill, "spoiled", d->n_spoiled);
}

static void answer(struct api_exchange *x)
{
    struct ldc_chaos *chaos = x->context->chaos;
    const struct ldc_chaos_drill *d = chaos ? ldc_chaos_drill(chaos) : NULL;
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_bool(doc, root, "is_allowed", chaos != NULL);
    if (d)
        add_drill(doc, root, d);
    else
        yyjson_mut_obj_add_null(doc, root, "drill");
    api_respond_doc(x, 200, doc);
}

static int find_kind(const char *text)
{
    for (int i = 0; text && i < LDC_CHAOS_KIND_COUNT; i++) {
        if (strcmp(ldc_chaos_kind_names[i], text) == 0)
            return i;
    }
    return -1;
}

/* A whole number from 1 to MAX. Refuses and leaves RET alone otherwise. */
static void read_number(const struct api_field_reader *reader, yyjson_val *root, const char *name,
                        unsigned max, const char *rule, unsigned *ret)
{
    yyjson_val *value = yyjson_obj_get(root, name);
    if (!value)
        return;
    if (!yyjson_is_uint(value) || yyjson_get_uint(value) < 1 || yyjson_get_uint(value) > max)
        api_field_refuse(reader, name, rule);
    else
        *ret = (unsigned)yyjson_get_uint(value);
}

static const char *read_verb(yyjson_val *value, struct ldc_chaos_drill *ret)
{
    const char *text = api_field_text(value);
    if (!text || !*text || strlen(text) >= sizeof(ret->verb) || str_has_controls(text))
        return "must be one verb of ldconsole, such as list2, of at most 31 bytes";
    str_copy(ret->verb, sizeof(ret->verb), text);
    return NULL;
}

static void read_drill(const struct api_field_reader *reader, yyjson_val *root,
                       struct ldc_chaos_drill *ret)
{
    unsigned duration_s = 0;
    int kind = find_kind(api_field_text(yyjson_obj_get(root, "kind")));
    if (kind < 0 && yyjson_obj_get(root, "kind"))
        api_field_refuse(reader, "kind", "must be latency, hang, error or garbage");
    else if (kind >= 0)
        ret->kind = (enum ldc_chaos_kind)kind;
    read_number(reader, root, "duration_s", LDC_CHAOS_MAX_DURATION_MS / 1000,
                "must be a whole number of seconds from 1 to 3600", &duration_s);
    read_number(reader, root, "percent", 100, "must be a whole number from 1 to 100",
                &ret->percent);
    read_number(reader, root, "latency_ms", LDC_CHAOS_MAX_LATENCY_MS,
                "must be a whole number of milliseconds from 1 to 60000", &ret->latency_ms);
    bool has_latency = yyjson_obj_get(root, "latency_ms") != NULL;
    if (kind >= 0 && has_latency != (kind == LDC_CHAOS_LATENCY))
        api_field_refuse(reader, "latency_ms",
                         has_latency ? "is only for the kind latency"
                                     : "is needed for the kind latency, from 1 to 60000");
    yyjson_val *verb = yyjson_obj_get(root, "verb");
    const char *refusal = verb && !yyjson_is_null(verb) ? read_verb(verb, ret) : NULL;
    if (refusal)
        api_field_refuse(reader, "verb", refusal);
    ret->duration_ms = duration_s * 1000;
}

/* Returns false when X has been answered. */
static bool is_allowed(struct api_exchange *x)
{
    if (!x->context->chaos)
        api_respond_code(x, API_CHAOS_NOT_ALLOWED,
                         "The configuration of this service allows no drills: set the option "
                         "`chaos` to true and start it again.");
    return x->context->chaos != NULL;
}

void api_handle_chaos_get(struct api_exchange *x)
{
    answer(x);
}

void api_handle_chaos_put(struct api_exchange *x)
{
    yyjson_doc *doc cleanup(json_doc_freep) = NULL;
    struct api_field_errors errors = {0};
    struct api_field_reader reader = {"", &errors, false, NULL};
    struct ldc_chaos_drill drill = {.percent = 100};
    if (!api_input_body(x, &doc))
        return;
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (api_field_check(&reader, api_fields_chaos, root))
        read_drill(&reader, root, &drill);
    if (errors.n_all > 0) {
        api_respond_errors(x, &errors);
        return;
    }
    if (!is_allowed(x))
        return;
    str_copy(drill.by, sizeof(drill.by), x->who.name);
    ldc_chaos_begin(x->context->chaos, &drill);
    answer(x);
}

void api_handle_chaos_delete(struct api_exchange *x)
{
    if (!is_allowed(x))
        return;
    ldc_chaos_end(x->context->chaos, "an admin ended it");
    answer(x);
}
