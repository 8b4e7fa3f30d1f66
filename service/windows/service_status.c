/* SPDX-License-Identifier: MIT */
#include "service/windows/service_status.h"

#include <inttypes.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/json.h"
#include "service/windows/service_code.h"

#define put(out, ...) ((void)buf_printf(out, __VA_ARGS__))

static void put_exit(const struct svc_service_status *status, struct buf *out)
{
    const char *meaning = svc_service_code_meaning(status->specific_code);
    if (status->specific_code)
        put(out, "exit code    %" PRId64 " (%s)\n", status->specific_code,
            meaning ? meaning : "not one that this version knows");
    else
        put(out, "exit code    %" PRId64 "\n", status->exit_code);
}

void svc_service_status_text(const struct svc_service_status *status, struct buf *out)
{
    put(out, "state        %s\n", status->state);
    if (status->pid)
        put(out, "process      %" PRId64 "\n", status->pid);
    put(out, "start        %s\n", status->start_type);
    put_exit(status, out);
    put(out, "command      %s\n", status->command);
    put(out, "data         %s\n", status->data_dir ? status->data_dir : "-");
    put(out, "config file  %s\n", status->config_file ? status->config_file : "-");
}

void svc_service_status_json(const struct svc_service_status *status, struct buf *out)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    json_add_str(doc, root, "state", status->state);
    yyjson_mut_obj_add_int(doc, root, "pid", status->pid);
    json_add_str(doc, root, "start_type", status->start_type);
    yyjson_mut_obj_add_int(doc, root, "exit_code", status->exit_code);
    yyjson_mut_obj_add_int(doc, root, "specific_code", status->specific_code);
    json_add_str(doc, root, "meaning", svc_service_code_meaning(status->specific_code));
    json_add_str(doc, root, "command", status->command);
    json_add_str(doc, root, "data_dir", status->data_dir);
    json_add_str(doc, root, "config_file", status->config_file);
    char *text cleanup(mem_freep) = json_write(doc);
    put(out, "%s\n", text);
}
