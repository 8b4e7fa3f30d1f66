/* SPDX-License-Identifier: MIT */
#include "service/process/endpoint.h"

#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/json.h"

enum { MAX_FILE_BYTES = 16384 };

static char *path_in(const char *data_dir)
{
    return fs_join(data_dir, SVC_ENDPOINT_FILE);
}

int svc_endpoint_write(const char *data_dir, const struct svc_endpoint *endpoint)
{
    char *path cleanup(mem_freep) = path_in(data_dir);
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_int(doc, root, "pid", endpoint->pid);
    json_add_str(doc, root, "http", endpoint->http);
    json_add_str(doc, root, "pipe", endpoint->pipe);
    char *text cleanup(mem_freep) = json_write(doc);
    return fs_write_for_now(path, text, strlen(text));
}

void svc_endpoint_remove(const char *data_dir)
{
    char *path cleanup(mem_freep) = path_in(data_dir);
    (void)fs_remove(path);
}

static char *text_of(yyjson_val *root, const char *key)
{
    return mem_strdup(yyjson_get_str(yyjson_obj_get(root, key)));
}

int svc_endpoint_read(const char *data_dir, struct svc_endpoint *ret)
{
    char *path cleanup(mem_freep) = path_in(data_dir);
    struct buf text cleanup(buf_deinit);
    yyjson_doc *doc cleanup(json_doc_freep) = NULL;
    const char *error;
    buf_init(&text, MAX_FILE_BYTES);
    int r = fs_read(path, &text);
    if (r == 0)
        r = json_parse(text.data, text.len, &doc, &error);
    if (r < 0)
        return r;
    yyjson_val *root = yyjson_doc_get_root(doc);
    int64_t pid = yyjson_get_sint(yyjson_obj_get(root, "pid"));
    if (pid <= 0)
        return UV_EINVAL;
    *ret = (struct svc_endpoint){
        .pid = pid, .http = text_of(root, "http"), .pipe = text_of(root, "pipe")};
    return 0;
}

void svc_endpoint_withdraw(const char *data_dir)
{
    struct svc_endpoint found cleanup(svc_endpoint_deinit) = {0};
    if (svc_endpoint_read(data_dir, &found) == 0 && found.pid == uv_os_getpid())
        svc_endpoint_remove(data_dir);
}

void svc_endpoint_deinit(struct svc_endpoint *endpoint)
{
    mem_free(endpoint->http);
    mem_free(endpoint->pipe);
    *endpoint = (struct svc_endpoint){0};
}
