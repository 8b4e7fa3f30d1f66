/* SPDX-License-Identifier: MIT */
#include "control/flow.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "control/evidence.h"
#include "control/state.h"

__attribute__((format(printf, 3, 4))) static void say(struct ctl_why *why, const char *code,
                                                      const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why->detail, sizeof(why->detail), fmt, args);
    va_end(args);
    str_copy(why->code, sizeof(why->code), code);
}

static enum ctl_plan plan_gone(struct ctl_why *why)
{
    say(why, "INSTANCE_GONE", "the instance is no longer listed by ldconsole");
    return CTL_PLAN_FAIL;
}

/* --- starting --- */

/* Where nothing shows whether old processes are gone, a launch right after a stop waits this long:
 * too soon means stuck for ever (reference 2.6). */
enum { BLIND_SETTLE_MS = 3000 };

static bool must_settle(const struct ctl_job *job)
{
    return job->op->kind == CACHE_OP_RESTART &&
           !ctl_observer_sees_processes(job->engine->parts.observer) &&
           clock_mono_ms() - job->entered_ms < BLIND_SETTLE_MS;
}

static enum ctl_plan plan_launch(struct ctl_job *job, const struct cache_instance *i,
                                 struct ctl_why *why)
{
    if (!i)
        return plan_gone(why);
    switch (i->state) {
    case CACHE_STATE_STOPPED:
        return must_settle(job) ? CTL_PLAN_LATER : CTL_PLAN_RUN;
    case CACHE_STATE_STOPPING:
        return CTL_PLAN_LATER;
    case CACHE_STATE_STARTING:
    case CACHE_STATE_BOOTING:
    case CACHE_STATE_RUNNING:
    case CACHE_STATE_READY:
        return CTL_PLAN_SKIP;
    default:
        say(why, "INSTANCE_NOT_STARTABLE",
            "the instance is %s (%s) and launch would do nothing; restart it, with force if quit is "
            "ignored",
            cache_state_name(i->state), i->reason);
        return CTL_PLAN_FAIL;
    }
}

static void build_launch(struct ctl_job *job, const struct cache_instance *i,
                         struct ldc_command *ret)
{
    (void)job;
    ldc_command_launch(ret, i->index);
}

static enum ctl_check check_up(struct ctl_job *job, const struct cache_instance *i,
                               struct ctl_why *why)
{
    (void)job;
    if (!i) {
        (void)plan_gone(why);
        return CTL_CHECK_FAILED;
    }
    if (ctl_state_is_up(i->state))
        return CTL_CHECK_DONE;
    if (i->state == CACHE_STATE_STUCK) {
        say(why, "START_STUCK", "the start does not get on: %s", i->reason);
        return CTL_CHECK_FAILED;
    }
    /* Also 0 in the middle of a repairer's pass, which ends well (reference 5.2): hence pending
     * until `effect_ms`. */
    return i->state == CACHE_STATE_STOPPED ? CTL_CHECK_NO_EFFECT : CTL_CHECK_PENDING;
}

static enum ctl_plan plan_until_up(struct ctl_job *job, const struct cache_instance *i,
                                   struct ctl_why *why)
{
    (void)job;
    if (!i)
        return plan_gone(why);
    return ctl_state_is_up(i->state) ? CTL_PLAN_SKIP : CTL_PLAN_RUN;
}

static enum ctl_plan plan_until_ready(struct ctl_job *job, const struct cache_instance *i,
                                      struct ctl_why *why)
{
    if (!i)
        return plan_gone(why);
    bool is_wanted = job->params.until_ready && i->state != CACHE_STATE_READY;
    return is_wanted ? CTL_PLAN_RUN : CTL_PLAN_SKIP;
}

static enum ctl_check check_ready(struct ctl_job *job, const struct cache_instance *i,
                                  struct ctl_why *why)
{
    if (i && i->state == CACHE_STATE_READY)
        return CTL_CHECK_DONE;
    return i && i->state == CACHE_STATE_RUNNING ? CTL_CHECK_PENDING : check_up(job, i, why);
}

static const struct ctl_step launch = {
    .name = "launching",
    .gate = CTL_GATE_LAUNCH,
    .expect = CTL_EXPECT_START,
    .percent = 10,
    .timeout_percent = 100,
    .effect_ms = 30000,
    .plan = plan_launch,
    .build = build_launch,
    .check = check_up,
};

static const struct ctl_step until_up = {
    .name = "waiting for Android",
    .percent = 30,
    .timeout_percent = 100,
    .effect_ms = 30000,
    .plan = plan_until_up,
    .check = check_up,
};

static const struct ctl_step until_ready = {
    .name = "waiting for the guest to answer",
    .percent = 80,
    .timeout_percent = 100,
    .effect_ms = 30000,
    .plan = plan_until_ready,
    .check = check_ready,
};

/* --- stopping --- */

static bool is_off(const struct cache_instance *i)
{
    return !i || i->state == CACHE_STATE_STOPPED;
}

static enum ctl_plan plan_quit(struct ctl_job *job, const struct cache_instance *i,
                               struct ctl_why *why)
{
    (void)why;
    if (job->op->kind == CACHE_OP_REMOVE && !job->params.force)
        return CTL_PLAN_SKIP;
    return is_off(i) ? CTL_PLAN_SKIP : CTL_PLAN_RUN;
}

static void build_quit(struct ctl_job *job, const struct cache_instance *i, struct ldc_command *ret)
{
    (void)job;
    ldc_command_quit(ret, i->index);
}

static enum ctl_check check_off(struct ctl_job *job, const struct cache_instance *i,
                                struct ctl_why *why)
{
    (void)job;
    (void)why;
    return is_off(i) ? CTL_CHECK_DONE : CTL_CHECK_PENDING;
}

static enum ctl_plan plan_kill(struct ctl_job *job, const struct cache_instance *i,
                               struct ctl_why *why)
{
    if (plan_quit(job, i, why) == CTL_PLAN_SKIP)
        return CTL_PLAN_SKIP;
    if (job->params.force)
        return CTL_PLAN_RUN;
    say(why, "QUIT_IGNORED",
        "quit was sent twice and the instance is still %s (%s); force ends its processes, at the "
        "risk of its configuration",
        cache_state_name(i->state), i->reason);
    return CTL_PLAN_FAIL;
}

static void act_kill(struct ctl_job *job, const struct cache_instance *i)
{
    char note[120];
    int n = ctl_observer_end_processes(job->engine->parts.observer, i->id);
    snprintf(note, sizeof(note), "ended %d process(es) of the instance by force", n);
    ctl_evidence_add_note(job->op, note);
}

static const struct ctl_step quit = {
    .name = "quitting",
    .expect = CTL_EXPECT_STOP,
    .percent = 10,
    .timeout_percent = 35,
    .is_optional = true,
    .plan = plan_quit,
    .build = build_quit,
    .check = check_off,
};

static const struct ctl_step quit_again = {
    .name = "quitting again",
    .expect = CTL_EXPECT_STOP,
    .percent = 30,
    .timeout_percent = 35,
    .is_optional = true,
    .plan = plan_quit,
    .build = build_quit,
    .check = check_off,
};

static const struct ctl_step kill_processes = {
    .name = "ending processes by force",
    .expect = CTL_EXPECT_STOP,
    .percent = 40,
    .timeout_percent = 30,
    .plan = plan_kill,
    .act = act_kill,
    .check = check_off,
};

/* --- adding --- */

static void remember_baseline(struct ctl_job *job)
{
    const struct cache_snapshot *s = ctl_observer_snapshot(job->engine->parts.observer);
    job->n_baseline = cache_snapshot_count(s);
    mem_free(job->baseline);
    job->baseline = mem_calloc(job->n_baseline, sizeof(int));
    for (size_t n = 0; n < job->n_baseline; n++)
        job->baseline[n] = cache_snapshot_at(s, n)->instance.index;
}

static enum ctl_plan plan_add(struct ctl_job *job, const struct cache_instance *i,
                              struct ctl_why *why)
{
    (void)why;
    (void)i;
    remember_baseline(job);
    ctl_job_save_memo(job);
    return CTL_PLAN_RUN;
}

static void build_add(struct ctl_job *job, const struct cache_instance *i, struct ldc_command *ret)
{
    (void)i;
    ldc_command_add(ret, job->params.name[0] ? job->params.name : NULL);
}

static bool is_in_baseline(const struct ctl_job *job, int index)
{
    for (size_t n = 0; n < job->n_baseline; n++) {
        if (job->baseline[n] == index)
            return true;
    }
    return false;
}

/* Others may add instances at the same time, by hand for instance: of several new ones it is the
 * one with our name, else the one whose index ldconsole returned, else the only one. */
static const struct cache_instance *find_added(const struct ctl_job *job)
{
    const struct cache_snapshot *s = ctl_observer_snapshot(job->engine->parts.observer);
    const struct cache_instance *any = NULL, *by_exit_code = NULL;
    size_t n_new = 0;

    for (size_t n = 0; n < cache_snapshot_count(s); n++) {
        const struct cache_instance *i = &cache_snapshot_at(s, n)->instance;
        if (is_in_baseline(job, i->index))
            continue;
        if (job->params.name[0] && strcmp(i->name, job->params.name) == 0)
            return i;
        if (job->has_exit_code && job->exit_code == i->index)
            by_exit_code = i;
        any = i;
        n_new++;
    }
    return by_exit_code ? by_exit_code : n_new == 1 ? any : NULL;
}

static enum ctl_check check_added(struct ctl_job *job, const struct cache_instance *i,
                                  struct ctl_why *why)
{
    (void)why;
    (void)i;
    const struct cache_instance *added = find_added(job);
    if (!added)
        return CTL_CHECK_NO_EFFECT;
    str_copy(job->subject, sizeof(job->subject), added->id);
    if (job->op->kind == CACHE_OP_CREATE)
        str_copy(job->op->target, sizeof(job->op->target), added->id);
    ctl_job_save_memo(job);
    return CTL_CHECK_DONE;
}

static const struct ctl_step add = {
    .name = "adding",
    .gate = CTL_GATE_EXCLUSIVE,
    .percent = 10,
    .timeout_percent = 100,
    .effect_ms = 15000,
    .needs_no_instance = true,
    .plan = plan_add,
    .build = build_add,
    .check = check_added,
};

static enum ctl_plan plan_copy(struct ctl_job *job, const struct cache_instance *i,
                               struct ctl_why *why)
{
    if (!i)
        return plan_gone(why);
    if (i->state == CACHE_STATE_STOPPING)
        return CTL_PLAN_LATER;
    if (i->state != CACHE_STATE_STOPPED) {
        say(why, "INSTANCE_NOT_STOPPED", "a clone needs its source stopped; it is %s",
            cache_state_name(i->state));
        return CTL_PLAN_FAIL;
    }
    return plan_add(job, i, why);
}

static void build_copy(struct ctl_job *job, const struct cache_instance *i, struct ldc_command *ret)
{
    ldc_command_copy(ret, job->params.name[0] ? job->params.name : NULL, i->index);
}

/* The row of a copy may come long after the command (reference 2.6), so no effect yet proves
 * nothing before the deadline. */
static const struct ctl_step copy = {
    .name = "copying",
    .gate = CTL_GATE_EXCLUSIVE,
    .percent = 10,
    .timeout_percent = 100,
    .effect_ms = 0,
    .plan = plan_copy,
    .build = build_copy,
    .check = check_added,
};

/* --- changing --- */

static enum ctl_plan plan_rename(struct ctl_job *job, const struct cache_instance *i,
                                 struct ctl_why *why)
{
    if (!i)
        return plan_gone(why);
    bool is_wanted = job->params.name[0] && strcmp(job->params.name, i->name) != 0;
    return is_wanted ? CTL_PLAN_RUN : CTL_PLAN_SKIP;
}

static void build_rename(struct ctl_job *job, const struct cache_instance *i,
                         struct ldc_command *ret)
{
    ldc_command_rename(ret, i->index, job->params.name);
}

static enum ctl_check check_renamed(struct ctl_job *job, const struct cache_instance *i,
                                    struct ctl_why *why)
{
    if (!i) {
        (void)plan_gone(why);
        return CTL_CHECK_FAILED;
    }
    if (strcmp(i->name, job->params.name) == 0)
        return CTL_CHECK_DONE;
    say(why, "NO_EFFECT", "ldconsole accepted rename, but the name is still '%.100s'", i->name);
    return CTL_CHECK_NO_EFFECT;
}

static const struct ctl_step rename_title = {
    .name = "renaming",
    .gate = CTL_GATE_EXCLUSIVE,
    .percent = 40,
    .timeout_percent = 100,
    .effect_ms = 5000,
    .plan = plan_rename,
    .build = build_rename,
    .check = check_renamed,
};

/* The instance's settings with the resolution where ldc_settings_hold looks for it. */
static struct ldc_settings actual_settings(const struct cache_instance *i)
{
    struct ldc_settings actual = i->settings;
    if (i->width > 0) {
        actual.has_resolution = true;
        actual.width = i->width;
        actual.height = i->height;
        actual.dpi = i->dpi;
    }
    return actual;
}

static enum ctl_plan plan_modify(struct ctl_job *job, const struct cache_instance *i,
                                 struct ctl_why *why)
{
    const char *differing;
    if (!i)
        return plan_gone(why);
    struct ldc_settings actual = actual_settings(i);
    bool is_so = ldc_settings_is_empty(&job->params.settings) ||
                 ldc_settings_hold(&job->params.settings, &actual, &differing);
    return is_so ? CTL_PLAN_SKIP : CTL_PLAN_RUN;
}

static void build_modify(struct ctl_job *job, const struct cache_instance *i,
                         struct ldc_command *ret)
{
    ldc_command_modify(ret, i->index, &job->params.settings);
}

static enum ctl_check check_modified(struct ctl_job *job, const struct cache_instance *i,
                                     struct ctl_why *why)
{
    const char *differing;
    if (!i) {
        (void)plan_gone(why);
        return CTL_CHECK_FAILED;
    }
    struct ldc_settings actual = actual_settings(i);
    if (ldc_settings_hold(&job->params.settings, &actual, &differing))
        return CTL_CHECK_DONE;
    say(why, "NO_EFFECT",
        "ldconsole accepted modify, but '%s' in the instance's config file is not what was asked",
        differing);
    return CTL_CHECK_NO_EFFECT;
}

static const struct ctl_step modify = {
    .name = "modifying",
    .gate = CTL_GATE_EXCLUSIVE,
    .percent = 60,
    .timeout_percent = 100,
    .effect_ms = 5000,
    .plan = plan_modify,
    .build = build_modify,
    .check = check_modified,
};

static enum ctl_plan plan_local(struct ctl_job *job, const struct cache_instance *i,
                                struct ctl_why *why)
{
    if (!i)
        return plan_gone(why);
    return ctl_params_has_local(&job->params) ? CTL_PLAN_RUN : CTL_PLAN_SKIP;
}

static void act_local(struct ctl_job *job, const struct cache_instance *i)
{
    struct ctl_local local = {
        .labels = job->params.labels,
        .group = job->params.has_group ? job->params.group : NULL,
        .desired = job->params.desired,
    };
    ctl_observer_set_local(job->engine->parts.observer, i->id, &local);
}

static const struct ctl_step set_local = {
    .name = "writing labels",
    .percent = 90,
    .timeout_percent = 100,
    .plan = plan_local,
    .act = act_local,
};

/* --- removing --- */

static enum ctl_plan plan_remove(struct ctl_job *job, const struct cache_instance *i,
                                 struct ctl_why *why)
{
    if (!i)
        return CTL_PLAN_SKIP;
    job->subject_index = i->index;
    ctl_job_save_memo(job);
    if (i->state == CACHE_STATE_STOPPING)
        return CTL_PLAN_LATER;
    if (i->state == CACHE_STATE_STOPPED)
        return CTL_PLAN_RUN;
    say(why, "INSTANCE_NOT_STOPPED", "the instance is %s; stop it first or remove it with force",
        cache_state_name(i->state));
    return CTL_PLAN_FAIL;
}

static void build_remove(struct ctl_job *job, const struct cache_instance *i,
                         struct ldc_command *ret)
{
    (void)i;
    ldc_command_remove(ret, job->subject_index);
}

static const struct cache_entry *at_old_index(const struct ctl_job *job)
{
    const struct cache_snapshot *s = ctl_observer_snapshot(job->engine->parts.observer);
    return job->subject_index < 0 ? NULL : cache_snapshot_by_index(s, job->subject_index);
}

static enum ctl_check check_removed(struct ctl_job *job, const struct cache_instance *i,
                                    struct ctl_why *why)
{
    (void)job;
    say(why, "NO_EFFECT", "ldconsole accepted remove, but the instance is still listed");
    return i ? CTL_CHECK_NO_EFFECT : CTL_CHECK_DONE;
}

static const struct ctl_step remove_instance = {
    .name = "removing",
    .gate = CTL_GATE_EXCLUSIVE,
    .percent = 50,
    .timeout_percent = 100,
    .effect_ms = 15000,
    .settle_ms = 700,
    .needs_no_instance = true,
    .plan = plan_remove,
    .build = build_remove,
    .check = check_removed,
};

/* LDPlayer 14 may make an empty instance of the same number again (reference 1.3). Only one that
 * appeared within this operation is taken for it: the exclusive gate keeps our own adds out. */
static enum ctl_plan plan_remove_again(struct ctl_job *job, const struct cache_instance *i,
                                       struct ctl_why *why)
{
    (void)i;
    (void)why;
    const struct cache_entry *left = at_old_index(job);
    return left && left->instance.state == CACHE_STATE_STOPPED && !job->is_recovered
               ? CTL_PLAN_RUN
               : CTL_PLAN_SKIP;
}

static enum ctl_check check_removed_again(struct ctl_job *job, const struct cache_instance *i,
                                          struct ctl_why *why)
{
    (void)i;
    say(why, "NO_EFFECT", "ldconsole made an empty instance %d again and does not remove it",
        job->subject_index);
    return at_old_index(job) ? CTL_CHECK_NO_EFFECT : CTL_CHECK_DONE;
}

static const struct ctl_step remove_again = {
    .name = "removing the empty instance that came back",
    .gate = CTL_GATE_EXCLUSIVE,
    .percent = 80,
    .timeout_percent = 100,
    .effect_ms = 15000,
    .settle_ms = 700,
    .needs_no_instance = true,
    .plan = plan_remove_again,
    .build = build_remove,
    .check = check_removed_again,
};

/* --- the table --- */

#define STEPS(...) (const struct ctl_step *const[]){__VA_ARGS__}
#define FLOW(...)                                                                                  \
    {STEPS(__VA_ARGS__), sizeof(STEPS(__VA_ARGS__)) / sizeof(const struct ctl_step *)}

static const struct ctl_flow flows[CACHE_OP_KIND_COUNT] = {
    [CACHE_OP_CREATE] = FLOW(&add, &rename_title, &modify, &set_local),
    [CACHE_OP_START] = FLOW(&launch, &until_up, &until_ready),
    [CACHE_OP_STOP] = FLOW(&quit, &quit_again, &kill_processes),
    [CACHE_OP_RESTART] = FLOW(&quit, &quit_again, &kill_processes, &launch, &until_up, &until_ready),
    [CACHE_OP_MODIFY] = FLOW(&rename_title, &modify, &set_local),
    [CACHE_OP_RENAME] = FLOW(&rename_title),
    [CACHE_OP_CLONE] = FLOW(&copy, &rename_title),
    [CACHE_OP_REMOVE] = FLOW(&quit, &quit_again, &kill_processes, &remove_instance, &remove_again),
};

const struct ctl_flow *ctl_flow_of(enum cache_op_kind kind)
{
    return flows[kind].steps ? &flows[kind] : NULL;
}

unsigned ctl_flow_timeout_ms(const struct ctl_job *job)
{
    const struct ctl_engine_options *o = &job->engine->options;
    unsigned start = o->start_timeout_ms + (job->params.until_ready ? o->ready_timeout_ms : 0);

    if (job->params.timeout_ms)
        return job->params.timeout_ms;
    switch (job->op->kind) {
    case CACHE_OP_START:
        return start;
    case CACHE_OP_STOP:
        return o->stop_timeout_ms;
    case CACHE_OP_RESTART:
        return start > o->stop_timeout_ms ? start : o->stop_timeout_ms;
    case CACHE_OP_CLONE:
        return o->clone_timeout_ms;
    default:
        return o->manage_timeout_ms;
    }
}

static bool is_listed_kind(enum cache_op_kind kind)
{
    return kind != CACHE_OP_CREATE && kind != CACHE_OP_BATCH;
}

bool ctl_flow_accepts(const struct ctl_request *request, const struct cache_instance *i,
                      struct ctl_refusal *reterr)
{
    *reterr = (struct ctl_refusal){0};
    if (is_listed_kind(request->kind) && !i) {
        reterr->http_status = 404;
        str_copy(reterr->code, sizeof(reterr->code), "INSTANCE_NOT_FOUND");
        snprintf(reterr->detail, sizeof(reterr->detail), "there is no such instance");
        return false;
    }
    bool needs_off = (request->kind == CACHE_OP_REMOVE && !request->force) ||
                     request->kind == CACHE_OP_CLONE;
    if (needs_off && i->state != CACHE_STATE_STOPPED && i->state != CACHE_STATE_STOPPING) {
        reterr->http_status = 409;
        str_copy(reterr->code, sizeof(reterr->code), "INSTANCE_NOT_STOPPED");
        snprintf(reterr->detail, sizeof(reterr->detail),
                 "'%.120s' is %s; stop it first%s", i->name, cache_state_name(i->state),
                 request->kind == CACHE_OP_REMOVE ? " or use force" : "");
        return false;
    }
    return true;
}
