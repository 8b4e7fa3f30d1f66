/* SPDX-License-Identifier: MIT */
#include "api/resources/handlers.h"

#include "api/common/cached.h"
#include "api/exchange/parts.h"
#include "base/memory/cleanup.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "control/operations/engine.h"
#include "ldconsole/guard/client.h"

static const char *const capabilities[] = {"instances", "batch",    "operations",
                                           "events",    "breakers", "workstations",
                                           "tokens",    "metrics",  "idempotency-key"};

void api_handle_version(struct api_exchange *x)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    json_add_str(doc, root, "name", "ldplayerd");
    json_add_str(doc, root, "version", x->context->version);
    json_add_str(doc, root, "revision", x->context->revision);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "capabilities");
    for (size_t i = 0; i < countof(capabilities); i++)
        yyjson_mut_arr_add_str(doc, list, capabilities[i]);
    api_respond_doc(x, 200, doc);
}

static void add_instances(const struct api_exchange *x, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    const struct cache_snapshot *s = api_cached_snapshot(x);
    unsigned counts[CACHE_STATE_COUNT] = {0};
    for (size_t i = 0; i < cache_snapshot_count(s); i++)
        counts[cache_snapshot_at(s, i)->instance.state]++;
    yyjson_mut_val *instances = yyjson_mut_obj_add_obj(doc, root, "instances");
    yyjson_mut_obj_add_uint(doc, instances, "total", cache_snapshot_count(s));
    yyjson_mut_val *states = yyjson_mut_obj_add_obj(doc, instances, "by_state");
    for (int i = 0; i < CACHE_STATE_COUNT; i++) {
        if (counts[i])
            yyjson_mut_obj_add_uint(doc, states, cache_state_name((enum cache_state)i), counts[i]);
    }
}

static void add_operations(const struct api_exchange *x, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    unsigned counts[CACHE_OP_STATUS_COUNT] = {0};
    ctl_engine_counts(x->context->engine, counts);
    yyjson_mut_val *operations = yyjson_mut_obj_add_obj(doc, root, "operations");
    for (int i = 0; i < CACHE_OP_STATUS_COUNT; i++) {
        if (!cache_op_has_ended((enum cache_op_status)i))
            yyjson_mut_obj_add_uint(doc, operations, cache_op_status_name((enum cache_op_status)i),
                                    counts[i]);
    }
}

static void add_paths(const struct api_exchange *x, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    const struct ldc_install *install = ldc_client_install(x->context->client);
    yyjson_mut_val *paths = yyjson_mut_obj_add_obj(doc, root, "paths");
    json_add_str(doc, paths, "data_dir", x->context->data_dir);
    json_add_str(doc, paths, "ldconsole", install->ldconsole);
    json_add_str(doc, paths, "vms_dir", install->vms_dir);
    json_add_str(doc, paths, "adb", install->adb);
    json_add_str(doc, paths, "ld", install->ld);
}

static void add_limits(const struct api_exchange *x, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    const struct http_limits *o = &x->server->options.http;
    yyjson_mut_val *limits = yyjson_mut_obj_add_obj(doc, root, "limits");
    yyjson_mut_obj_add_uint(doc, limits, "connections", o->max_connections);
    yyjson_mut_obj_add_uint(doc, limits, "header_bytes", o->max_head_bytes);
    yyjson_mut_obj_add_uint(doc, limits, "body_bytes", o->max_body_bytes);
    yyjson_mut_obj_add_uint(doc, limits, "event_backlog_bytes", o->max_backlog_bytes);
    if (x->context->limits)
        json_add_raw(doc, limits, "service", x->context->limits);
}

/* Of the banner, which is what runs; else of the installation. */
static const char *ldplayer_version(const struct ldc_client *client)
{
    const char *running = ldc_client_abilities(client)->version;
    return *running ? running : ldc_client_install(client)->version;
}

void api_handle_info(struct api_exchange *x)
{
    const struct api_context *c = x->context;
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    json_add_str(doc, root, "version", c->version);
    json_add_str(doc, root, "ldplayer_version", ldplayer_version(c->client));
    json_add_time(doc, root, "started_at", c->started_at);
    yyjson_mut_obj_add_uint(doc, root, "uptime_s", (clock_mono_ms() - c->started_mono_ms) / 1000);
    json_add_str(doc, root, "runner", c->runner);
    add_instances(x, doc, root);
    add_operations(x, doc, root);
    yyjson_mut_val *connections = yyjson_mut_obj_add_obj(doc, root, "connections");
    yyjson_mut_obj_add_uint(doc, connections, "open", http_server_stats(x->server->http)->n_conns);
    yyjson_mut_obj_add_uint(doc, connections, "event_streams",
                            http_server_stats(x->server->http)->n_streams);
    add_paths(x, doc, root);
    add_limits(x, doc, root);
    if (c->restored)
        json_add_raw(doc, root, "restored", c->restored);
    api_respond_doc(x, 200, doc);
}
