/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "control/keep/reconciler_private.h"

static void tell_health(struct ctl_reconciler *r, const struct cache_instance *i,
                        enum ctl_illness illness, const char *reason)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "id", i->id);
    yyjson_mut_obj_add_int(doc, root, "index", i->index);
    yyjson_mut_obj_add_str(doc, root, "name", i->name);
    yyjson_mut_obj_add_str(doc, root, "state", cache_state_name(i->state));
    if (illness != CTL_ILLNESS_NONE) {
        yyjson_mut_obj_add_str(doc, root, "illness", ctl_illness_names[illness]);
        json_add_str(doc, root, "reason", reason);
        yyjson_mut_obj_add_str(doc, root, "repair", cache_repair_names[i->repair]);
    }
    char *data cleanup(mem_freep) = json_write(doc);
    cache_events_emit(r->parts.events,
                      illness != CTL_ILLNESS_NONE ? "instance.unhealthy" : "instance.healthy",
                      data);
}

void ctl_reconciler_describe(struct ctl_reconciler *r, const struct cache_instance *i,
                             enum ctl_illness illness, char *out, size_t size)
{
    enum { LOG_AGE_MS = 600000 };
    const struct ldc_setting_value *memory = &i->settings.values[LDC_SETTING_MEMORY_MB];
    const char *loss = ctl_observer_config_loss(r->parts.observer, i->id);
    struct ldc_vm_fault fault;

    str_copy(out, size, i->reason);
    if (illness == CTL_ILLNESS_CONFIG_LOST)
        snprintf(out, size, "it runs with a config file that has lost what was set: %s", loss);
    else if (illness == CTL_ILLNESS_CRASH_LOOP && memory->is_set &&
             memory->number <= LDC_MEMORY_FLOOR_MB)
        snprintf(
            out, size,
            "its VM ends and begins anew, again and again: it has %d MB of memory, with which the "
            "guest crashes; set settings.memory_mb to 1536 at least",
            (int)memory->number);
    else if (illness == CTL_ILLNESS_CRASH_LOOP)
        snprintf(out, size, "its VM ends and begins anew, again and again under the same window");
    else if ((illness == CTL_ILLNESS_STUCK || illness == CTL_ILLNESS_ZOMBIE) &&
             ctl_observer_read_vm_log(r->parts.observer, i->id, clock_wall_ms() - LOG_AGE_MS,
                                      &fault))
        snprintf(out, size, "%s; the VM's log says: %s", i->reason, fault.sentence);
    else if (illness == CTL_ILLNESS_STUCK && ctl_observer_has_bad_config(r->parts.observer, i->id))
        snprintf(out, size, "%s; its config file cannot be used: %s", i->reason,
                 *loss ? loss : "it is cut off or cannot be parsed");
    else if (illness == CTL_ILLNESS_STUCK && !r->has_vm &&
             !ctl_observer_launch_flaw(r->parts.observer, i->id))
        snprintf(out, size,
                 "%s; no VM of any instance lives: the VM service (Ld9BoxSVC) hangs, it seems",
                 i->reason);
}

void ctl_reconciler_tell(struct ctl_ward *w, const struct cache_instance *i,
                         enum ctl_illness illness, const char *reason)
{
    if (w->told == illness || (illness != CTL_ILLNESS_NONE && i->repair == CACHE_REPAIR_OFF))
        return;
    char known[CTL_WHY_SIZE];
    w->told = illness;
    if (!reason)
        ctl_reconciler_describe(w->reconciler, i, illness, known, sizeof(known));
    tell_health(w->reconciler, i, illness, reason ? reason : known);
}

void ctl_reconciler_tell_stopped(struct ctl_reconciler *r, const char *reason)
{
    if ((*reason != '\0') == (r->told[0] != '\0'))
        return;
    str_copy(r->told, sizeof(r->told), reason);
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_bool(doc, root, "is_stopped", *reason != '\0');
    json_add_str(doc, root, "reason", *reason ? reason : NULL);
    char *data cleanup(mem_freep) = json_write(doc);
    cache_events_emit(r->parts.events, "workstation.healing", data);
}
