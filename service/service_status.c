/* SPDX-License-Identifier: MIT */
#include "service/service_status.h"

#include <inttypes.h>

#include <uv.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"

#define put(out, ...) ((void)buf_printf(out, __VA_ARGS__))

static const char *const meanings[] = {
    [SVC_SCM_EXIT_START] = "the start failed; the log file and the event log say why",
    [SVC_SCM_EXIT_CONFIG] = "the configuration is wrong; `ldplayerd config check` says where",
    [SVC_SCM_EXIT_DATA_IN_USE] = "another ldplayerd uses the data directory",
    [SVC_SCM_EXIT_ADDRESS_USED] = "another program listens on the address of the service",
    [SVC_SCM_EXIT_NO_ACCESS] = "a folder or file of the service may not be used",
};

enum svc_scm_exit svc_service_status_code(int uv_error)
{
    switch (uv_error) {
    case UV_EBUSY:
        return SVC_SCM_EXIT_DATA_IN_USE;
    case UV_EADDRINUSE:
        return SVC_SCM_EXIT_ADDRESS_USED;
    case UV_EACCES:
    case UV_EPERM:
        return SVC_SCM_EXIT_NO_ACCESS;
    default:
        return SVC_SCM_EXIT_START;
    }
}

const char *svc_service_status_meaning(int64_t specific_code)
{
    bool is_ours = specific_code > 0 && specific_code < (int64_t)countof(meanings);
    return is_ours ? meanings[specific_code] : NULL;
}

static void put_exit(const struct svc_service_status *status, struct buf *out)
{
    const char *meaning = svc_service_status_meaning(status->specific_code);
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
    json_add_str(doc, root, "meaning", svc_service_status_meaning(status->specific_code));
    json_add_str(doc, root, "command", status->command);
    json_add_str(doc, root, "data_dir", status->data_dir);
    json_add_str(doc, root, "config_file", status->config_file);
    char *text cleanup(mem_freep) = json_write(doc);
    put(out, "%s\n", text);
}
