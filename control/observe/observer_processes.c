/* SPDX-License-Identifier: MIT */
/* The processes of one instance: how they are told from others, and ending them. */
#include <inttypes.h>

#include "base/memory/mem.h"
#include "control/observe/observer_private.h"
#include "ldconsole/process/vm_service.h"

/* Not the numbers that list2 named at the last look: they may be somebody else's by now, and what
 * they named then is known with its birth. */
static struct ldc_claim claim_of(struct ctl_observer *o, const struct cache_instance *i)
{
    const struct ctl_watch *w = ctl_observer_watch(o, i->id);
    return (struct ldc_claim){
        .index = i->index,
        .player = w->player,
        .headless = w->headless,
        .vm_dir = o->vm_dir,
        .has_neighbour = o->has_neighbour,
    };
}

bool ctl_observer_locate(struct ctl_observer *o, const char *id, struct ctl_places *ret)
{
    const struct cache_entry *entry = cache_snapshot_by_id(o->snapshot, id);
    const struct ldc_install *install = ldc_client_install(o->parts.client);
    if (!entry)
        return false;
    *ret = (struct ctl_places){
        .dir = mem_strdup(install->dir),
        .vms_dir = mem_strdup(install->vms_dir),
        .vm_dir = mem_strdup(o->vm_dir),
        .claim = claim_of(o, &entry->instance),
    };
    ret->claim.vm_dir = ret->vm_dir;
    return true;
}

void ctl_places_deinit(struct ctl_places *places)
{
    mem_free(places->dir);
    mem_free(places->vms_dir);
    mem_free(places->vm_dir);
}

/* Returns whether it is ended. */
static bool end_process(const struct ldc_process *process, struct buf *ret_report)
{
    const char *what = process->role == LDC_PROCESS_PLAYER ? "player" : "VM";
    const char *comma = ret_report->len > 0 ? "; " : "";
    int r = ldc_process_kill(process);
    if (r == 0)
        (void)buf_printf(ret_report, "%sended %s %" PRId64, comma, what, process->pid);
    else if (r != UV_ESRCH)
        (void)buf_printf(ret_report, "%s%s %" PRId64 " could not be ended: %s", comma, what,
                         process->pid, uv_strerror(r));
    return r == 0;
}

unsigned ctl_observer_end_processes(struct ctl_observer *o, const char *id, struct buf *ret_report)
{
    const struct cache_entry *entry = cache_snapshot_by_id(o->snapshot, id);
    struct ldc_processes now cleanup(ldc_processes_deinit) = {0};
    unsigned n_ended = 0;
    if (!entry || ldc_processes_scan(&now) < 0)
        return 0;
    struct ldc_claim claim = claim_of(o, &entry->instance);
    const char *dir = ldc_client_install(o->parts.client)->dir;
    struct ldc_match match;
    for (size_t n = 0; n < now.n_items; n++) {
        if (ldc_match_owns(&now, dir, &claim, &now.items[n]))
            n_ended += end_process(&now.items[n], ret_report);
    }
    ldc_match_find(&now, dir, &claim, &match);
    if (match.possible)
        (void)buf_printf(ret_report,
                         "%sVM %" PRId64 " (%s) was left alone: it is this instance's or another "
                         "installation's, and nothing tells which; end it if you know",
                         ret_report->len > 0 ? "; " : "", match.possible->pid,
                         match.possible->image ? match.possible->image : "its path is hidden");
    return n_ended;
}

int ctl_observer_end_vm_service(struct ctl_observer *o, int64_t *ret_pid)
{
    int r = ldc_vm_service_end(ret_pid);
    if (r == 0)
        ldc_client_try_vm_service(o->parts.client);
    return r;
}
