/* SPDX-License-Identifier: MIT */
#include "control/jobs/request.h"

#include <string.h>

#include "base/memory/mem.h"
#include "base/text/json.h"
#include "base/text/str.h"

char *ctl_request_write(const struct ctl_request *request)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);

    json_add_str(doc, root, "revision", request->revision);
    json_add_str(doc, root, "name", request->name);
    if (request->settings)
        ldc_settings_write(request->settings, doc, root);
    yyjson_mut_obj_add_bool(doc, root, "until_ready", request->until_ready);
    yyjson_mut_obj_add_bool(doc, root, "force", request->force);
    yyjson_mut_obj_add_bool(doc, root, "ends_vm_service", request->ends_vm_service);
    yyjson_mut_obj_add_int(doc, root, "window", request->window);
    yyjson_mut_obj_add_uint(doc, root, "timeout_ms", request->timeout_ms);
    yyjson_mut_obj_add_uint(doc, root, "begin_within_ms", request->begin_within_ms);
    json_add_str(doc, root, "labels", request->local.labels);
    json_add_str(doc, root, "group", request->local.group);
    yyjson_mut_obj_add_int(doc, root, "desired", request->local.desired);
    if (request->local.repair)
        json_add_str(doc, root, "repair", cache_repair_names[*request->local.repair]);
    if (request->local.quarantine)
        yyjson_mut_obj_add_bool(doc, root, "ends_quarantine", true);
    yyjson_mut_obj_add_int(doc, root, "priority", request->priority);
    return json_write(doc);
}

void ctl_request_read(const char *json, struct ctl_params *ret)
{
    yyjson_doc *doc cleanup(json_doc_freep) = yyjson_read(json, strlen(json), YYJSON_READ_NOFLAG);
    yyjson_val *root = yyjson_doc_get_root(doc);
    const char *revision = yyjson_get_str(yyjson_obj_get(root, "revision"));
    const char *name = yyjson_get_str(yyjson_obj_get(root, "name"));
    const char *group = yyjson_get_str(yyjson_obj_get(root, "group"));
    yyjson_val *desired = yyjson_obj_get(root, "desired");

    *ret = (struct ctl_params){0};
    str_copy(ret->revision, sizeof(ret->revision), revision ? revision : "");
    str_copy(ret->name, sizeof(ret->name), name ? name : "");
    ldc_settings_read(root, &ret->settings);
    ret->until_ready = yyjson_get_bool(yyjson_obj_get(root, "until_ready"));
    ret->force = yyjson_get_bool(yyjson_obj_get(root, "force"));
    ret->ends_vm_service = yyjson_get_bool(yyjson_obj_get(root, "ends_vm_service"));
    ret->window = (enum ldc_window)yyjson_get_int(yyjson_obj_get(root, "window"));
    ret->timeout_ms = (unsigned)yyjson_get_uint(yyjson_obj_get(root, "timeout_ms"));
    ret->begin_within_ms = (unsigned)yyjson_get_uint(yyjson_obj_get(root, "begin_within_ms"));
    ret->labels = mem_strdup(yyjson_get_str(yyjson_obj_get(root, "labels")));
    ret->has_group = group != NULL;
    str_copy(ret->group, sizeof(ret->group), group ? group : "");
    ret->desired = desired ? (int)yyjson_get_int(desired) : -1;
    yyjson_val *repair = yyjson_obj_get(root, "repair");
    for (int i = 0; i < CACHE_REPAIR_COUNT; i++) {
        if (!yyjson_equals_str(repair, cache_repair_names[i]))
            continue;
        ret->repair = (enum cache_repair_mode)i;
        ret->has_repair = true;
    }
    ret->ends_quarantine = yyjson_get_bool(yyjson_obj_get(root, "ends_quarantine"));
    ret->priority = (enum ctl_priority)yyjson_get_int(yyjson_obj_get(root, "priority"));
}

void ctl_params_deinit(struct ctl_params *params)
{
    mem_free(params->labels);
    params->labels = NULL;
}

bool ctl_params_has_local(const struct ctl_params *params)
{
    return params->labels || params->has_group || params->desired >= 0 || params->has_repair ||
           params->ends_quarantine;
}
