/* SPDX-License-Identifier: MIT */
/* Making an instance, new or as a copy. ldconsole does not say which one it made, so who exists
 * before the command is remembered (`baseline`, in the memo on disk), and the new one is found
 * among those that were not there (newcomer.c). From then on the job's `subject` is the new
 * instance, and the steps that follow in its flow rename and modify that. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "control/steps/newcomer.h"
#include "control/steps/steps.h"
#include "ldconsole/verbs/timing.h"

/* Ids are random: a part of one is enough to know it by among some hundreds. */
static uint32_t key_of(const char *id)
{
    return (uint32_t)strtoul(id, NULL, 16);
}

static int compare_keys(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static enum ctl_plan plan_add(struct ctl_job *job, const struct cache_instance *i,
                              struct ctl_why *why)
{
    (void)why;
    (void)i;
    const struct cache_snapshot *s = ctl_observer_snapshot(job->observer);
    job->n_baseline = cache_snapshot_count(s);
    mem_free(job->baseline);
    job->baseline = mem_calloc(job->n_baseline + 1, sizeof(*job->baseline));
    for (size_t n = 0; n < job->n_baseline; n++)
        job->baseline[n] = key_of(cache_snapshot_at(s, n)->instance.id);
    qsort(job->baseline, job->n_baseline, sizeof(*job->baseline), compare_keys);
    ctl_job_save_memo(job);
    return CTL_PLAN_RUN;
}

static void build_add(struct ctl_job *job, const struct cache_instance *i, struct ldc_command *ret)
{
    (void)i;
    ldc_command_add(ret, job->params.name[0] ? job->params.name : NULL);
}

/* An index that was freed meanwhile is given away again at once: the id counts. */
static bool is_in_baseline(const struct ctl_job *job, const struct cache_instance *i)
{
    uint32_t key = key_of(i->id);
    return bsearch(&key, job->baseline, job->n_baseline, sizeof(key), compare_keys) != NULL;
}

/* The title of the source, where that is known: a copy begins with it, or with one made of it. */
static const char *title_of_source(const struct ctl_job *job)
{
    const struct cache_instance *source =
        job->op->kind == CACHE_OP_CLONE ? ctl_job_instance(job) : NULL;
    return source ? source->name : "";
}

/* add comes back when the config file is there (reference 2.6); copy does not say what it has done
 * by then, nor does a child that was ended. */
static bool is_behind(const struct ctl_job *job, const struct cache_instance *i)
{
    return job->op->kind == CACHE_OP_CREATE && job->answer == LDC_ANSWER_ACCEPTED &&
           job->called_wall_ms &&
           ctl_observer_born_ms(job->observer, i->id) >
               job->called_wall_ms + LDC_TIMING_FILE_TICK_MS;
}

static const struct cache_instance *find_added(const struct ctl_job *job)
{
    const struct cache_snapshot *s = ctl_observer_snapshot(job->observer);
    struct ctl_newcomers new = {
        .name = job->params.name,
        .source = title_of_source(job),
        .returned = job->has_exit_code ? job->exit_code : -1,
        .is_late = clock_mono_ms() - job->called_ms >= LDC_TIMING_LATE_ROW_MS,
    };
    for (size_t n = 0; job->baseline && n < cache_snapshot_count(s); n++) {
        const struct cache_instance *i = &cache_snapshot_at(s, n)->instance;
        if (!is_in_baseline(job, i))
            ctl_newcomers_add(&new, i, ctl_observer_has_title(job->observer, i->id),
                              is_behind(job, i));
    }
    return ctl_newcomers_choose(&new);
}

static enum ctl_check take_added(struct ctl_job *job, const struct cache_instance *added)
{
    str_copy(job->subject, sizeof(job->subject), added->id);
    if (job->op->kind == CACHE_OP_CREATE)
        ctl_job_set_target(job, added->id);
    ctl_job_save_memo(job);
    return CTL_CHECK_DONE;
}

static enum ctl_check check_added(struct ctl_job *job, const struct cache_instance *i,
                                  struct ctl_why *why)
{
    (void)why;
    (void)i;
    const struct cache_instance *added = find_added(job);
    return added ? take_added(job, added) : CTL_CHECK_NO_EFFECT;
}

const struct ctl_step ctl_step_add = {
    .name = "adding",
    .verb = LDC_VERB_ADD,
    .gate = CTL_GATE_EXCLUSIVE,
    .percent = 10,
    .timeout_percent = 100,
    .effect_ms = LDC_TIMING_ADD_EFFECT_MS,
    .plan = plan_add,
    .build = build_add,
    .check = check_added,
};

static enum ctl_plan plan_copy(struct ctl_job *job, const struct cache_instance *i,
                               struct ctl_why *why)
{
    if (!i)
        return ctl_why_gone(why);
    if (i->state == CACHE_STATE_STOPPING)
        return CTL_PLAN_LATER;
    if (i->state != CACHE_STATE_STOPPED) {
        ctl_why_set(why, "INSTANCE_NOT_STOPPED", "a clone needs its source stopped; it is %s",
                    cache_state_name(i->state));
        return CTL_PLAN_FAIL;
    }
    return plan_add(job, i, why);
}

/* Whether ldconsole, or who works behind it, was ended, or may have been: what it leaves is whole
 * only when it is as large as the source. */
static bool is_cut_off(const struct ctl_job *job)
{
    return job->answer != LDC_ANSWER_ACCEPTED || job->is_recovered;
}

/* It has what the source had; one that is smaller is not whole, however quiet it is. */
static bool is_as_large(const struct ctl_job *job, const struct ctl_disks *is)
{
    struct ctl_disks wanted = ctl_observer_disks(job->observer, job->op->target);
    /* Somebody may work on the source, or remove it. */
    if (job->source.n_files > 0 && (wanted.bytes < 0 || job->source.bytes < wanted.bytes))
        wanted = job->source;
    return is->bytes >= 0 && is->bytes >= wanted.bytes && is->n_files >= wanted.n_files;
}

/* The row of a copy comes long before its disks (reference 11). */
static enum ctl_check check_copied(struct ctl_job *job, const struct cache_instance *i,
                                   struct ctl_why *why)
{
    const struct cache_instance *copy = find_added(job);
    (void)i;
    if (!copy)
        return CTL_CHECK_NO_EFFECT;
    struct ctl_disks is = ctl_observer_disks(job->observer, copy->id);
    /* Its size tells nothing of whether all of it is written: it may have that at once. */
    if (is.n_same < LDC_TIMING_DISK_LOOKS || is.same_ms < LDC_TIMING_DISK_QUIET_MS)
        return CTL_CHECK_PENDING;
    if (is_as_large(job, &is))
        return ctl_observer_has_open_disk(job->observer, copy->id) ? CTL_CHECK_PENDING
                                                                   : take_added(job, copy);
    if (!is_cut_off(job))
        return CTL_CHECK_PENDING;
    ctl_why_set(why, job->is_recovered ? "INTERRUPTED" : ldc_answer_code(job->answer),
                "the copy was cut off; give copies more time where that is why");
    return CTL_CHECK_FAILED;
}

/* What there is of it, which nobody else tells. */
static bool explain_copied(struct ctl_job *job, struct ctl_why *ret, bool *ret_is_lasting)
{
    const struct cache_instance *copy = find_added(job);
    if (!copy)
        return false;
    struct ctl_disks is = ctl_observer_disks(job->observer, copy->id);
    struct ctl_disks wanted = ctl_observer_disks(job->observer, job->op->target);
    if (job->source.bytes > wanted.bytes)
        wanted = job->source;
    *ret_is_lasting = false;
    ctl_why_set(ret, "COPY_NOT_WHOLE",
                "instance %d ('%.80s', %s) is there and not whole: %u of %u disks, %" PRId64
                " of %" PRId64 " bytes; remove it",
                copy->index, copy->name, copy->id, is.n_files, wanted.n_files,
                is.bytes < 0 ? 0 : is.bytes, wanted.bytes < 0 ? 0 : wanted.bytes);
    return true;
}

static void build_copy(struct ctl_job *job, const struct cache_instance *i, struct ldc_command *ret)
{
    job->source = ctl_observer_disks(job->observer, i->id);
    ldc_command_copy(ret, job->params.name[0] ? job->params.name : NULL, i->index);
}

/* Even the row of a copy may come long after the command (reference 2.6), so no effect yet proves
 * nothing before the deadline. */
const struct ctl_step ctl_step_copy = {
    .name = "copying",
    .verb = LDC_VERB_COPY,
    .gate = CTL_GATE_EXCLUSIVE,
    .percent = 10,
    .timeout_percent = 100,
    .plan = plan_copy,
    .build = build_copy,
    .check = check_copied,
    .explain = explain_copied,
};

/* --- the disk of what was added --- */

/* Where no other instance shows one, none is to be seen on this machine. */
static bool are_disks_seen(struct ctl_observer *o, const struct cache_instance *but)
{
    const struct cache_snapshot *s = ctl_observer_snapshot(o);
    for (size_t n = 0; n < cache_snapshot_count(s); n++) {
        const struct cache_instance *i = &cache_snapshot_at(s, n)->instance;
        if (i->index != but->index && i->disk_id[0])
            return true;
    }
    return false;
}

static enum ctl_check check_disk(struct ctl_job *job, const struct cache_instance *i,
                                 struct ctl_why *why)
{
    if (!i) {
        (void)ctl_why_gone(why);
        return CTL_CHECK_FAILED;
    }
    bool is_awaited = !i->disk_id[0] && ctl_observer_is_in_the_making(job->observer, i->id) &&
                      are_disks_seen(job->observer, i);
    return is_awaited ? CTL_CHECK_PENDING : CTL_CHECK_DONE;
}

static enum ctl_plan plan_disk(struct ctl_job *job, const struct cache_instance *i,
                               struct ctl_why *why)
{
    if (!i)
        return ctl_why_gone(why);
    return check_disk(job, i, why) == CTL_CHECK_DONE ? CTL_PLAN_SKIP : CTL_PLAN_RUN;
}

/* The row comes first (reference 11). An instance that is stored without its disk would be taken
 * for any other that gets its index, by a backup that is restored for one. */
const struct ctl_step ctl_step_until_disk = {
    .name = "waiting for its disk",
    .percent = 95,
    .timeout_percent = 100,
    .is_optional = true,
    .plan = plan_disk,
    .check = check_disk,
};

static bool is_making(const struct ctl_job *job)
{
    const struct ctl_step *step = ctl_job_step(job);
    return step == &ctl_step_add || step == &ctl_step_copy;
}

void ctl_steps_leave_making(const struct ctl_job *job, enum cache_op_status status)
{
    bool is_failure = status == CACHE_OP_FAILED && job->answer == LDC_ANSWER_ACCEPTED;
    bool is_refused = job->answer != LDC_ANSWER_ACCEPTED && job->has_exit_code;
    if (status == CACHE_OP_SUCCEEDED || !job->flow || !job->op->step_issued || !is_making(job) ||
        is_failure || is_refused)
        return;
    ctl_observer_note_left(job->observer, job->begun_ms ? job->begun_ms : job->entered_ms);
}

bool ctl_steps_may_be_making(const struct ctl_job *maker, const struct cache_instance *i)
{
    return is_making(maker) && maker->baseline && !is_in_baseline(maker, i);
}
