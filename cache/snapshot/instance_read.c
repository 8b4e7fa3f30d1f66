/* SPDX-License-Identifier: MIT */
#include "cache/snapshot/instance.h"

#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"

static void read_text(yyjson_val *root, const char *key, char *out, size_t size)
{
    const char *text = yyjson_get_str(yyjson_obj_get(root, key));
    str_copy(out, size, text ? text : "");
}

static int64_t read_i64(yyjson_val *root, const char *key)
{
    return yyjson_get_sint(yyjson_obj_get(root, key));
}

static char *read_object(yyjson_val *root, const char *key)
{
    yyjson_val *value = yyjson_obj_get(root, key);
    return yyjson_is_obj(value) ? json_write_value(value) : mem_strdup("{}");
}

static enum cache_desired read_desired(yyjson_val *root)
{
    const char *name = yyjson_get_str(yyjson_obj_get(root, "desired_state"));
    if (name && strcmp(name, "running") == 0)
        return CACHE_DESIRED_RUNNING;
    if (name && strcmp(name, "stopped") == 0)
        return CACHE_DESIRED_STOPPED;
    return CACHE_DESIRED_NONE;
}

static unsigned read_name(yyjson_val *object, const char *key, const char *const *names, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        if (yyjson_equals_str(yyjson_obj_get(object, key), names[i]))
            return i;
    }
    return 0;
}

static void read_quarantine(yyjson_val *value, struct cache_quarantine *ret)
{
    const char *since = yyjson_get_str(yyjson_obj_get(value, "since"));
    if (since && clock_parse(since, &ret->since) == 0)
        read_text(value, "reason", ret->reason, sizeof(ret->reason));
}

static struct cache_adb read_adb(yyjson_val *adb)
{
    yyjson_val *reachable = yyjson_obj_get(adb, "reachable");
    return (struct cache_adb){
        .verified = read_name(adb, "verified", cache_verified_names, CACHE_VERIFIED_COUNT),
        .reachable = yyjson_is_true(reachable)    ? CACHE_REACHABLE_YES
                     : yyjson_is_false(reachable) ? CACHE_REACHABLE_NO
                                                  : CACHE_REACHABLE_UNKNOWN,
        .debug = read_name(adb, "debug", cache_adb_debug_names, CACHE_ADB_DEBUG_COUNT),
    };
}

static void read_numbers(yyjson_val *root, struct cache_instance *i)
{
    i->pid = read_i64(root, "pid");
    i->vbox_pid = read_i64(root, "vbox_pid");
    i->top_window = read_i64(root, "top_window");
    i->bind_window = read_i64(root, "bind_window");
    yyjson_val *resolution = yyjson_obj_get(root, "resolution");
    i->width = (int)read_i64(resolution, "width");
    i->height = (int)read_i64(resolution, "height");
    i->dpi = (int)read_i64(resolution, "dpi");
}

int cache_instance_from_json(const char *text, struct cache_instance *ret)
{
    yyjson_doc *doc cleanup(json_doc_freep) = yyjson_read(text, strlen(text), YYJSON_READ_NOFLAG);
    yyjson_val *root = doc ? yyjson_doc_get_root(doc) : NULL;
    const char *state = yyjson_get_str(yyjson_obj_get(root, "state"));
    yyjson_val *id = yyjson_obj_get(root, "id"), *index = yyjson_obj_get(root, "index");

    size_t id_length = yyjson_get_len(id);
    if (id_length == 0 || id_length >= UUID_SIZE || !yyjson_is_int(index) || !state)
        return UV_EINVAL;
    struct cache_instance i;
    memset(&i, 0, sizeof(i));
    if (cache_state_parse(state, &i.state) < 0)
        return UV_EINVAL;
    read_text(root, "id", i.id, sizeof(i.id));
    i.index = yyjson_get_int(index);
    read_text(root, "name", i.name, sizeof(i.name));
    read_text(root, "state_reason", i.reason, sizeof(i.reason));
    read_text(root, "adb_serial", i.adb_serial, sizeof(i.adb_serial));
    i.adb = read_adb(yyjson_obj_get(root, "adb"));
    read_text(root, "group", i.group, sizeof(i.group));
    read_text(root, "revision", i.revision, sizeof(i.revision));
    i.desired = read_desired(root);
    i.repair = read_name(root, "repair", cache_repair_names, CACHE_REPAIR_COUNT);
    read_quarantine(yyjson_obj_get(root, "quarantine"), &i.quarantine);
    read_numbers(root, &i);
    ldc_settings_from_record(&i.settings, yyjson_obj_get(root, "settings"));
    i.evidence = read_object(root, "evidence");
    i.labels = read_object(root, "labels");
    *ret = i;
    return 0;
}
