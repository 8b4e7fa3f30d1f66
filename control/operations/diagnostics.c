/* SPDX-License-Identifier: MIT */
/*      begin -> a worker reads the config file
 *      end   -> not wanted: forgotten
 *               wanted: what the engine knows is written down -> figures -> a worker reads the
 *               config file, the log and the process table -> the store -> forgotten
 *
 * A bundle lives from the begin of an operation to that; one thing of it is under way at a time. */
#include "control/operations/diagnostics.h"

#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "cache/faults/diagnostics.h"
#include "ldconsole/install/vm_log.h"

enum {
    MAX_CONFIG_FILE = 1 << 20,
    SHOWN_CONFIG = 16 * 1024,
    SHOWN_LOG = 32 * 1024,
    SHOWN_PROCESSES = 64,
    FIGURES_AGE_MS = 2000,
};

/* A file as it was read. */
struct seen {
    int64_t read_at; /* wall ms; 0 = it was not */
    char *text;      /* NULL with an error */
    int error;
};

struct bundle {
    struct list link;
    struct ctl_diagnostics *diagnostics; /* NULL: it is gone, and nobody waits for this */
    char operation[UUID_SIZE];
    bool has_places;
    struct ctl_places places;
    bool is_busy; /* a worker has it */
    bool is_ended;
    bool is_dropped;
    uv_work_t work;
    struct ctl_figures_wait *figures_wait;

    struct seen before, after, log;
    struct ldc_vm_log_tail log_tail;
    struct ldc_processes processes;
    int processes_status;
    yyjson_mut_doc *doc; /* what is to be kept, as far as it is there */
};

struct ctl_diagnostics {
    struct ctl_diagnostics_parts parts;
    struct list bundles;
    bool is_hurried;
};

/* --- bundles --- */

static struct bundle *find(const struct ctl_diagnostics *d, const char *operation)
{
    list_foreach(item, (struct list *)&d->bundles) {
        struct bundle *b = list_entry(item, struct bundle, link);
        if (strcmp(b->operation, operation) == 0)
            return b;
    }
    return NULL;
}

static struct bundle *bundle_new(struct ctl_diagnostics *d, const struct ctl_job *job)
{
    struct bundle *b = mem_new(struct bundle);
    b->diagnostics = d;
    str_copy(b->operation, sizeof(b->operation), job->op->id);
    b->has_places = ctl_observer_locate(job->observer, job->subject, &b->places);
    list_append(&d->bundles, &b->link);
    return b;
}

static void bundle_free(struct bundle *b)
{
    list_unlink(&b->link);
    if (b->has_places)
        ctl_places_deinit(&b->places);
    mem_free(b->before.text);
    mem_free(b->after.text);
    mem_free(b->log.text);
    ldc_processes_deinit(&b->processes);
    json_mut_doc_freep(&b->doc);
    mem_free(b);
}

/* A worker may still have it. */
static void drop(struct bundle *b)
{
    b->is_dropped = true;
    if (!b->is_busy)
        bundle_free(b);
}

/* --- files, on a worker --- */

/* As text that breaks no terminal, for people. */
static char *clean(const char *bytes, size_t n)
{
    char *text = mem_alloc(n + 1);
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)bytes[i];
        bool is_control = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
        if (c != '\r')
            text[len++] = is_control ? '?' : (char)c;
    }
    text[len] = '\0';
    str_make_utf8(text);
    return text;
}

static void read_config(const struct ctl_places *places, struct seen *ret)
{
    char *path cleanup(mem_freep) = ldc_configs_path(places->vms_dir, places->claim.index);
    struct buf file cleanup(buf_deinit), shown cleanup(buf_deinit);
    buf_init(&file, MAX_CONFIG_FILE);
    buf_init(&shown, 0);
    ret->read_at = clock_wall_ms();
    ret->error = fs_read(path, &file);
    if (ret->error < 0)
        return;
    ldc_config_show(file.data ? file.data : "", file.len, SHOWN_CONFIG, &shown);
    ret->text = clean(shown.data ? shown.data : "", shown.len);
}

static void read_log(struct bundle *b)
{
    char *path cleanup(mem_freep) = ldc_vm_log_path(b->places.vms_dir, b->places.claim.index);
    struct buf tail cleanup(buf_deinit);
    buf_init(&tail, 0);
    b->log.read_at = clock_wall_ms();
    b->log.error = ldc_vm_log_read_tail(path, SHOWN_LOG, &tail, &b->log_tail);
    if (b->log.error == 0)
        b->log.text = clean(tail.data ? tail.data : "", tail.len);
}

static void work_before(uv_work_t *work)
{
    struct bundle *b = container_of(work, struct bundle, work);
    read_config(&b->places, &b->before);
}

static void work_after(uv_work_t *work)
{
    struct bundle *b = container_of(work, struct bundle, work);
    b->processes_status = ldc_processes_scan(&b->processes);
    if (!b->has_places)
        return;
    read_config(&b->places, &b->after);
    read_log(b);
}

/* --- what is kept, as JSON --- */

/* Commands and what they answered apart from what was seen. */
static void add_evidence(yyjson_mut_doc *doc, yyjson_mut_val *root, const char *evidence)
{
    yyjson_doc *all cleanup(json_doc_freep) =
        yyjson_read(evidence, strlen(evidence), YYJSON_READ_NOFLAG);
    yyjson_mut_val *commands = yyjson_mut_obj_add_arr(doc, root, "commands");
    yyjson_mut_val *seen = yyjson_mut_obj_add_arr(doc, root, "evidence");
    yyjson_val *entry;
    size_t i, max;
    yyjson_arr_foreach(yyjson_doc_get_root(all), i, max, entry)
        yyjson_mut_arr_append(yyjson_obj_get(entry, "command") ? commands : seen,
                              yyjson_val_mut_copy(doc, entry));
}

/* The watchdog's reason is the first note (request.h). */
static void add_reason(yyjson_mut_doc *doc, yyjson_mut_val *root, const struct ctl_job *job)
{
    const char *evidence = job->op->evidence;
    yyjson_doc *all cleanup(json_doc_freep) =
        yyjson_read(evidence, strlen(evidence), YYJSON_READ_NOFLAG);
    yyjson_val *first = yyjson_arr_get_first(yyjson_doc_get_root(all));
    bool is_watchdogs = job->params.priority == CTL_PRIORITY_WATCHDOG;
    json_add_str(doc, root, "reason",
                 is_watchdogs ? yyjson_get_str(yyjson_obj_get(first, "note")) : NULL);
}

static void add_instance(yyjson_mut_doc *doc, yyjson_mut_val *root, const struct ctl_job *job)
{
    struct cache_snapshot *s = ctl_observer_snapshot(job->observer);
    const struct cache_entry *entry = cache_snapshot_by_id(s, job->subject);
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    if (entry)
        cache_snapshot_append_instance(s, entry, clock_mono_ms(), true, &out);
    json_add_raw(doc, root, "instance", entry ? out.data : NULL);
}

/* What is known now, and will be gone with the job. */
static void write_head(struct bundle *b, const struct ctl_job *job)
{
    const struct cache_operation *op = job->op;
    yyjson_mut_doc *doc = b->doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    json_add_str(doc, root, "operation", op->id);
    json_add_str(doc, root, "kind", cache_op_kind_name(op->kind));
    json_add_str(doc, root, "status", cache_op_status_name(op->status));
    json_add_str(doc, root, "requested_by", op->requested_by);
    json_add_time(doc, root, "created_at", op->created_at);
    json_add_time(doc, root, "started_at", op->started_at);
    json_add_time(doc, root, "ended_at", op->ended_at);
    json_add_str(doc, root, "step", op->step);
    add_reason(doc, root, job);
    json_add_raw(doc, root, "error", op->error);
    add_evidence(doc, root, op->evidence);
    add_instance(doc, root, job);
}

static void add_config(yyjson_mut_doc *doc, yyjson_mut_val *config, const char *key,
                       const struct seen *seen)
{
    if (!seen->read_at) {
        yyjson_mut_obj_add_null(doc, config, key);
        return;
    }
    yyjson_mut_val *one = yyjson_mut_obj_add_obj(doc, config, key);
    json_add_time(doc, one, "read_at", seen->read_at);
    json_add_str(doc, one, "text", seen->text);
    json_add_str(doc, one, "error", seen->error < 0 ? uv_strerror(seen->error) : NULL);
}

static void add_files(struct bundle *b, yyjson_mut_val *root)
{
    yyjson_mut_doc *doc = b->doc;
    if (!b->has_places) {
        yyjson_mut_obj_add_null(doc, root, "config");
        yyjson_mut_obj_add_null(doc, root, "vm_log");
        return;
    }
    char *path cleanup(mem_freep) = ldc_configs_path(b->places.vms_dir, b->places.claim.index);
    yyjson_mut_val *config = yyjson_mut_obj_add_obj(doc, root, "config");
    json_add_str(doc, config, "path", path);
    add_config(doc, config, "before", &b->before);
    add_config(doc, config, "after", &b->after);

    char *log_path cleanup(mem_freep) = ldc_vm_log_path(b->places.vms_dir, b->places.claim.index);
    bool is_read = b->log.error == 0;
    yyjson_mut_val *log = yyjson_mut_obj_add_obj(doc, root, "vm_log");
    json_add_str(doc, log, "path", log_path);
    json_add_time(doc, log, "written_at", is_read ? b->log_tail.written_at : 0);
    yyjson_mut_obj_add_sint(doc, log, "size", is_read ? b->log_tail.size : 0);
    json_add_str(doc, log, "text", b->log.text);
    json_add_str(doc, log, "error", is_read ? NULL : uv_strerror(b->log.error));
}

/* Those that may have to do with it: its own, those that may be, and those that all instances
 * share. */
static void add_processes(struct bundle *b, yyjson_mut_val *root)
{
    static const char *const roles[] = {
        [LDC_PROCESS_PLAYER] = "player",   [LDC_PROCESS_HEADLESS] = "headless",
        [LDC_PROCESS_MANAGER] = "manager", [LDC_PROCESS_VM_SERVICE] = "vm_service",
        [LDC_PROCESS_CONSENT] = "consent",
    };
    yyjson_mut_doc *doc = b->doc;
    if (b->processes_status < 0) {
        yyjson_mut_obj_add_null(doc, root, "processes");
        return;
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "processes");
    for (size_t i = 0; i < b->processes.n_items; i++) {
        const struct ldc_process *p = &b->processes.items[i];
        bool is_shared = p->role == LDC_PROCESS_MANAGER || p->role == LDC_PROCESS_VM_SERVICE ||
                         p->role == LDC_PROCESS_CONSENT;
        bool is_own = b->has_places && !is_shared &&
                      ldc_match_owns(&b->processes, b->places.dir, &b->places.claim, p);
        /* A player that is not its own is another installation's, if it shows where it is from. */
        bool is_possible = b->has_places && p->index == b->places.claim.index &&
                           (p->role == LDC_PROCESS_HEADLESS || !p->image);
        if (!(is_own || is_shared || is_possible) || yyjson_mut_arr_size(list) >= SHOWN_PROCESSES)
            continue;
        yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_sint(doc, one, "pid", p->pid);
        yyjson_mut_obj_add_str(doc, one, "role", roles[p->role]);
        yyjson_mut_obj_add_bool(doc, one, "is_own", is_own);
        yyjson_mut_obj_add_uint(doc, one, "age_ms", p->age_ms);
        yyjson_mut_obj_add_uint(doc, one, "cpu_ms", p->cpu_ms);
        yyjson_mut_obj_add_uint(doc, one, "private_bytes", p->private_bytes);
        json_add_str(doc, one, "image", p->image);
    }
}

/* As text, owned by the caller. What takes the room of the rest is left out, the less telling
 * first. */
static char *write_bounded(yyjson_mut_doc *doc)
{
    static const char *const members[] = {"config", "vm_log", "evidence", "commands"};
    char *json = json_write(doc);
    for (size_t i = 0; i < countof(members) && strlen(json) > CACHE_DIAGNOSTICS_MAX_BYTES; i++) {
        yyjson_mut_obj_put(yyjson_mut_doc_get_root(doc), yyjson_mut_str(doc, members[i]),
                           yyjson_mut_null(doc));
        mem_free(json);
        json = json_write(doc);
    }
    return json;
}

/* --- the way of a bundle that is wanted --- */

static void on_kept(void *arg, int status)
{
    struct bundle *b = arg;
    struct ctl_diagnostics *d = b->diagnostics;
    (void)status; /* what the database refuses is not there: the API says so */
    bundle_free(b);
    if (!ctl_diagnostics_is_busy(d))
        d->parts.on_idle(d->parts.arg);
}

static void on_after(uv_work_t *work, int status)
{
    struct bundle *b = container_of(work, struct bundle, work);
    yyjson_mut_val *root = yyjson_mut_doc_get_root(b->doc);
    (void)status; /* it is never cancelled */
    b->is_busy = false;
    add_files(b, root);
    add_processes(b, root);
    json_add_time(b->doc, root, "collected_at", clock_wall_ms());
    char *json cleanup(mem_freep) = write_bounded(b->doc);
    cache_diagnostics_put(b->diagnostics->parts.store, b->operation, json, on_kept, b);
}

static void on_figures(void *arg, const struct ctl_sample *sample)
{
    struct bundle *b = arg;
    yyjson_mut_val *root = yyjson_mut_doc_get_root(b->doc);
    b->figures_wait = NULL;
    if (sample)
        ctl_sample_add(b->doc, yyjson_mut_obj_add_obj(b->doc, root, "system"), sample);
    else
        yyjson_mut_obj_add_null(b->doc, root, "system");
    b->is_busy = true;
    uv_queue_work(&b->diagnostics->parts.loop->uv, &b->work, work_after, on_after);
}

static void collect(struct bundle *b)
{
    struct ctl_diagnostics *d = b->diagnostics;
    if (d->parts.figures && !d->is_hurried)
        b->figures_wait = ctl_figures_want(d->parts.figures, FIGURES_AGE_MS, on_figures, b);
    else
        on_figures(b, NULL);
}

static void on_before(uv_work_t *work, int status)
{
    struct bundle *b = container_of(work, struct bundle, work);
    (void)status;
    b->is_busy = false;
    if (b->is_dropped)
        bundle_free(b);
    else if (b->is_ended)
        collect(b);
}

/* --- what the engine tells --- */

struct ctl_diagnostics *ctl_diagnostics_new(const struct ctl_diagnostics_parts *parts)
{
    struct ctl_diagnostics *d = mem_new(struct ctl_diagnostics);
    d->parts = *parts;
    list_init(&d->bundles);
    return d;
}

void ctl_diagnostics_free(struct ctl_diagnostics *d)
{
    if (!d)
        return;
    list_foreach(item, &d->bundles) {
        struct bundle *b = list_entry(item, struct bundle, link);
        list_unlink(&b->link);
        b->diagnostics = NULL;
        drop(b);
    }
    mem_free(d);
}

void ctl_diagnostics_begin(struct ctl_diagnostics *d, const struct ctl_job *job)
{
    struct bundle *b = bundle_new(d, job);
    if (!b->has_places)
        return;
    b->is_busy = true;
    uv_queue_work(&d->parts.loop->uv, &b->work, work_before, on_before);
}

static bool is_wanted(const struct ctl_job *job)
{
    enum cache_op_status status = job->op->status;
    bool is_bad =
        status == CACHE_OP_FAILED || status == CACHE_OP_TIMED_OUT || status == CACHE_OP_INTERRUPTED;
    return job->flow && (is_bad || job->op->kind == CACHE_OP_REPAIR ||
                         job->params.priority == CTL_PRIORITY_WATCHDOG);
}

bool ctl_diagnostics_end(struct ctl_diagnostics *d, const struct ctl_job *job)
{
    struct bundle *b = find(d, job->op->id);
    if (!is_wanted(job)) {
        if (b)
            drop(b);
        return false;
    }
    if (!b)
        b = bundle_new(d, job);
    else if (!b->has_places)
        b->has_places = ctl_observer_locate(job->observer, job->subject, &b->places);
    b->is_ended = true;
    write_head(b, job);
    if (!b->is_busy)
        collect(b);
    return true;
}

bool ctl_diagnostics_is_collecting(const struct ctl_diagnostics *d, const char *operation)
{
    const struct bundle *b = find(d, operation);
    return b && b->is_ended;
}

void ctl_diagnostics_hurry(struct ctl_diagnostics *d)
{
    d->is_hurried = true;
    list_foreach(item, &d->bundles) {
        struct bundle *b = list_entry(item, struct bundle, link);
        if (!b->figures_wait)
            continue;
        ctl_figures_cancel_want(take_ptr(b->figures_wait));
        on_figures(b, NULL);
    }
}

bool ctl_diagnostics_is_busy(const struct ctl_diagnostics *d)
{
    list_foreach(item, (struct list *)&d->bundles) {
        if (list_entry(item, struct bundle, link)->is_ended)
            return true;
    }
    return false;
}
