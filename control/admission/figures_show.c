/* SPDX-License-Identifier: MIT */
#include "control/admission/figures.h"

#include "base/machine/hyper_v.h"

uint64_t ctl_sample_memory_used(const struct system_figures *s)
{
    return s->memory_total_bytes > s->memory_available_bytes
               ? s->memory_total_bytes - s->memory_available_bytes
               : 0;
}

static void add_memory(yyjson_mut_doc *doc, yyjson_mut_val *system, const struct system_figures *s)
{
    yyjson_mut_val *memory = yyjson_mut_obj_add_obj(doc, system, "memory");
    yyjson_mut_obj_add_uint(doc, memory, "total_bytes", s->memory_total_bytes);
    yyjson_mut_obj_add_uint(doc, memory, "used_bytes", ctl_sample_memory_used(s));
    yyjson_mut_obj_add_uint(doc, memory, "available_bytes", s->memory_available_bytes);
    yyjson_mut_val *commit = yyjson_mut_obj_add_obj(doc, system, "commit");
    yyjson_mut_obj_add_uint(doc, commit, "limit_bytes", s->commit_limit_bytes);
    yyjson_mut_obj_add_uint(doc, commit, "used_bytes", s->commit_used_bytes);
}

static void add_disks(yyjson_mut_doc *doc, yyjson_mut_val *system, const struct system_figures *s)
{
    yyjson_mut_val *disks = yyjson_mut_obj_add_arr(doc, system, "disks");
    for (size_t i = 0; i < s->n_disks; i++) {
        yyjson_mut_val *disk = yyjson_mut_arr_add_obj(doc, disks);
        json_add_str(doc, disk, "mount", s->disks[i].mount);
        yyjson_mut_obj_add_uint(doc, disk, "total_bytes", s->disks[i].total_bytes);
        yyjson_mut_obj_add_uint(doc, disk, "free_bytes", s->disks[i].free_bytes);
    }
}

static void add_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name,
                     const char *text)
{
    json_add_str(doc, object, name, *text ? text : NULL);
}

void ctl_sample_add(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct ctl_sample *sample)
{
    const struct system_figures *s = &sample->system;
    add_text(doc, object, "hostname", s->hostname);
    json_add_percent(doc, object, "cpu_percent", sample->cpu_percent);
    add_memory(doc, object, s);
    add_disks(doc, object, s);
    yyjson_mut_val *os = yyjson_mut_obj_add_obj(doc, object, "os");
    add_text(doc, os, "name", s->os_name);
    add_text(doc, os, "version", s->os_version);
    add_text(doc, os, "arch", s->arch);
    yyjson_mut_obj_add_uint(doc, object, "uptime_s", s->uptime_s);
    yyjson_mut_obj_add_bool(doc, object, "hyper_v", system_has_hyper_v());
    json_add_time(doc, object, "observed_at", sample->taken_at);
}
