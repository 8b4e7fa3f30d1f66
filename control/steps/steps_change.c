/* SPDX-License-Identifier: MIT */
/* What is changed of an instance that is there: its name and its settings by the vendor's commands,
 * each believed when the config file shows it; labels, group and desired state by ourselves. */
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/mem.h"
#include "base/text/str.h"
#include "control/observe/evidence.h"
#include "control/steps/steps.h"
#include "ldconsole/verbs/timing.h"

bool ctl_steps_has_lost_config(struct ctl_job *job, const struct cache_instance *i)
{
    return i->state == CACHE_STATE_STOPPED && *ctl_observer_config_loss(job->observer, i->id);
}

bool ctl_steps_mend_config(struct ctl_job *job, const struct cache_instance *i)
{
    if (!ctl_steps_has_lost_config(job, i))
        return false;
    char *loss cleanup(mem_freep) = mem_strdup(ctl_observer_config_loss(job->observer, i->id));
    int r = ctl_observer_restore_config(job->observer, i->id);
    char *note cleanup(mem_freep) =
        r < 0 ? mem_printf("its config file: %s; the copy could not be put back: %s", loss,
                           uv_strerror(r))
              : mem_printf("its config file: %s; the copy was put back", loss);
    ctl_evidence_add_note(job->op, note);
    if (r == 0)
        str_copy(job->mended, sizeof(job->mended), loss);
    return r == 0;
}

void ctl_steps_tell_mended(struct ctl_job *job)
{
    if (!job->mended[0])
        return;
    char *note cleanup(mem_freep) =
        mem_printf("its config file: %s; the copy was put back", job->mended);
    ctl_job_note(job, note);
}

/* --- what a change that failed in the middle has done --- */

static void add_name(char *list, size_t size, const char *prefix, const char *name)
{
    size_t n = strlen(list);
    snprintf(list + n, size - n, "%s%s%s", n ? ", " : "", prefix, name);
}

/* `auto` is done when modify was given and the value is another. */
static bool is_done(const struct ctl_job *job, unsigned setting, unsigned differing)
{
    bool is_auto = setting < LDC_SETTING_COUNT &&
                   strcmp(job->params.settings.values[setting].text, "auto") == 0;
    return !(differing & 1u << setting) && (!is_auto || job->has_before);
}

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

static bool explain_change(struct ctl_job *job, struct ctl_why *ret, bool *ret_is_lasting)
{
    char done[200] = "", left[200] = "";
    const struct ctl_params *p = &job->params;
    const struct cache_instance *i = ctl_job_instance(job);
    if (job->op->kind != CACHE_OP_MODIFY || !i)
        return false;
    struct ldc_settings actual = actual_settings(i);
    unsigned differing =
        ldc_settings_differing(&p->settings, job->has_before ? &job->before : NULL, &actual);
    if (p->name[0])
        add_name(strcmp(p->name, i->name) == 0 ? done : left, sizeof(done), "", "name");
    for (unsigned s = 0; s <= LDC_SETTING_COUNT; s++) {
        bool is_asked =
            s < LDC_SETTING_COUNT ? p->settings.values[s].is_set : p->settings.has_resolution;
        if (is_asked)
            add_name(is_done(job, s, differing) ? done : left, sizeof(done),
                     s < LDC_SETTING_COUNT ? "settings." : "", ldc_setting_name(s));
    }
    /* Written last. */
    if (p->labels)
        add_name(left, sizeof(left), "", "labels");
    if (p->has_group)
        add_name(left, sizeof(left), "", "group");
    if (p->desired >= 0)
        add_name(left, sizeof(left), "", "desired_state");
    ctl_why_set(ret, "", "of what was asked, done: %s; not done: %s", *done ? done : "nothing",
                *left ? left : "nothing");
    *ret_is_lasting = false;
    return true;
}

/* --- the name --- */

static enum ctl_plan plan_rename(struct ctl_job *job, const struct cache_instance *i,
                                 struct ctl_why *why)
{
    if (!i)
        return ctl_why_gone(why);
    bool is_wanted = job->params.name[0] && strcmp(job->params.name, i->name) != 0;
    return is_wanted ? CTL_PLAN_RUN : CTL_PLAN_SKIP;
}

static void build_rename(struct ctl_job *job, const struct cache_instance *i,
                         struct ldc_command *ret)
{
    (void)ctl_steps_mend_config(job, i);
    ldc_command_rename(ret, i->index, job->params.name);
}

static enum ctl_check check_renamed(struct ctl_job *job, const struct cache_instance *i,
                                    struct ctl_why *why)
{
    if (!i) {
        (void)ctl_why_gone(why);
        return CTL_CHECK_FAILED;
    }
    if (strcmp(i->name, job->params.name) == 0) {
        ctl_steps_tell_mended(job);
        return CTL_CHECK_DONE;
    }
    ctl_why_set(why, "NO_EFFECT", "ldconsole accepted rename, but the name is still '%.100s'",
                i->name);
    return CTL_CHECK_NO_EFFECT;
}

const struct ctl_step ctl_step_rename = {
    .name = "renaming",
    .verb = LDC_VERB_RENAME,
    .gate = CTL_GATE_EXCLUSIVE,
    .percent = 40,
    .timeout_percent = 100,
    .effect_ms = LDC_TIMING_CONFIG_EFFECT_MS,
    .plan = plan_rename,
    .build = build_rename,
    .check = check_renamed,
    .explain = explain_change,
};

/* --- what modify has flags for, and before it: whether the rest can be done --- */

/* A player writes the file last when it ends, and where that is not seen it takes its time. */
static bool may_still_write(const struct ctl_job *job, const struct cache_instance *i)
{
    return i->state == CACHE_STATE_STOPPING ||
           (i->state == CACHE_STATE_STOPPED && !ctl_observer_sees_processes(job->observer) &&
            ctl_observer_gone_ms(job->observer, i->id) < LDC_TIMING_PLAYER_TAIL_MS);
}

static void guard_adb_debug(struct ctl_job *job, const struct cache_instance *i, bool is_so)
{
    struct ldc_settings only = {0};
    ldc_settings_set_adb_debug(&only, ldc_settings_adb_debug(&job->params.settings));
    ctl_observer_guard_settings(job->observer, i->id, &only, is_so);
}

static enum ctl_plan plan_adb_debug(struct ctl_job *job, const struct cache_instance *i,
                                    struct ctl_why *why)
{
    int wanted = ldc_settings_adb_debug(&job->params.settings);
    if (!i)
        return ctl_why_gone(why);
    if (wanted < 0)
        return CTL_PLAN_SKIP;
    if (wanted == ldc_settings_adb_debug(&i->settings) && !ctl_steps_has_lost_config(job, i)) {
        guard_adb_debug(job, i, true);
        return CTL_PLAN_SKIP;
    }
    if (may_still_write(job, i))
        return CTL_PLAN_LATER;
    if (i->state == CACHE_STATE_STOPPED)
        return CTL_PLAN_RUN;
    ctl_why_set(why, "INSTANCE_NOT_STOPPED",
                "the instance is %s; stop it first: settings.adb_debug stands in a file that it "
                "rewrites when it ends",
                cache_state_name(i->state));
    return CTL_PLAN_FAIL;
}

/* What modify has flags for of what is asked. */
static struct ldc_settings flagged(const struct ctl_job *job)
{
    struct ldc_settings settings = job->params.settings;
    settings.values[LDC_SETTING_ADB_DEBUG].is_set = false;
    return settings;
}

static enum ctl_plan plan_modify(struct ctl_job *job, const struct cache_instance *i,
                                 struct ctl_why *why)
{
    const char *differing;
    if (!i)
        return ctl_why_gone(why);
    struct ldc_settings actual = actual_settings(i);
    struct ldc_settings wanted = flagged(job);
    /* Nothing is changed when not all can be. */
    if (plan_adb_debug(job, i, why) == CTL_PLAN_FAIL)
        return CTL_PLAN_FAIL;
    bool is_so =
        ldc_settings_is_empty(&wanted) ||
        (!ldc_settings_has_auto(&wanted) && ldc_settings_hold(&wanted, NULL, &actual, &differing));
    bool will_last = ldc_settings_is_empty(&wanted) || !ctl_steps_has_lost_config(job, i);
    if (!is_so || !will_last)
        return CTL_PLAN_RUN;
    ctl_observer_guard_settings(job->observer, i->id, &wanted, true);
    return CTL_PLAN_SKIP;
}

static void build_modify(struct ctl_job *job, const struct cache_instance *i,
                         struct ldc_command *ret)
{
    struct ldc_settings changed = flagged(job);
    ctl_observer_guard_settings(job->observer, i->id, &changed, false);
    job->before = i->settings;
    job->has_before = !ctl_steps_mend_config(job, i);
    if (job->has_before)
        ldc_settings_drop_numbers(&changed, &i->settings);
    ldc_command_modify(ret, i->index, &changed);
}

static enum ctl_check check_modified(struct ctl_job *job, const struct cache_instance *i,
                                     struct ctl_why *why)
{
    const char *differing;
    if (!i) {
        (void)ctl_why_gone(why);
        return CTL_CHECK_FAILED;
    }
    struct ldc_settings actual = actual_settings(i), wanted = flagged(job);
    if (ldc_settings_hold(&wanted, job->has_before ? &job->before : NULL, &actual, &differing)) {
        ctl_observer_note_set(job->observer, i->id);
        ctl_observer_guard_settings(job->observer, i->id, &wanted, true);
        ctl_steps_tell_mended(job);
        if (i->state != CACHE_STATE_STOPPED)
            ctl_job_note(job, "it is not stopped: the settings take effect when it is stopped and "
                              "started");
        return CTL_CHECK_DONE;
    }
    ctl_why_set(why, "NO_EFFECT",
                "ldconsole accepted modify, but '%s' in the instance's config file is not what "
                "was asked",
                differing);
    return CTL_CHECK_NO_EFFECT;
}

const struct ctl_step ctl_step_modify = {
    .name = "modifying",
    .verb = LDC_VERB_MODIFY,
    .gate = CTL_GATE_EXCLUSIVE,
    .percent = 60,
    .timeout_percent = 100,
    .effect_ms = LDC_TIMING_CONFIG_EFFECT_MS,
    .plan = plan_modify,
    .build = build_modify,
    .check = check_modified,
    .explain = explain_change,
};

/* --- ADB debugging: modify has no flag for it (reference 1.4), so its file is written last --- */

static void act_adb_debug(struct ctl_job *job, const struct cache_instance *i)
{
    int wanted = ldc_settings_adb_debug(&job->params.settings);
    const char *key = ldc_setting_table[LDC_SETTING_ADB_DEBUG].config_key;
    char value[12];
    snprintf(value, sizeof(value), "%d", wanted);
    (void)ctl_steps_mend_config(job, i);
    guard_adb_debug(job, i, false);
    int r = ctl_observer_edit_config(job->observer, i->id, key, value);
    const char *failure = r == 0 ? "" : r == UV_EINVAL ? "it cannot be parsed" : uv_strerror(r);
    char *note cleanup(mem_freep) =
        mem_printf("%s: %s in its config file: %s", key, value,
                   *failure ? failure : "written; the former file is beside it");
    ctl_evidence_add_note(job->op, note);
    str_copy(job->said, sizeof(job->said), failure);
}

static enum ctl_check check_adb_debug(struct ctl_job *job, const struct cache_instance *i,
                                      struct ctl_why *why)
{
    if (!i) {
        (void)ctl_why_gone(why);
        return CTL_CHECK_FAILED;
    }
    if (job->said[0]) {
        ctl_why_set(why, "CONFIG_NOT_WRITTEN",
                    "settings.adb_debug could not be written to the config file of instance %d: "
                    "%s; nothing was changed",
                    i->index, job->said);
        return CTL_CHECK_FAILED;
    }
    if (ldc_settings_adb_debug(&job->params.settings) == ldc_settings_adb_debug(&i->settings)) {
        ctl_observer_note_set(job->observer, i->id);
        guard_adb_debug(job, i, true);
        ctl_steps_tell_mended(job);
        return CTL_CHECK_DONE;
    }
    ctl_why_set(why, "NO_EFFECT",
                "settings.adb_debug was written to the instance's config file, which does not say "
                "so: something else writes it, LDPlayer's manager window perhaps");
    return CTL_CHECK_NO_EFFECT;
}

const struct ctl_step ctl_step_adb_debug = {
    .name = "switching ADB debugging",
    .gate = CTL_GATE_EXCLUSIVE,
    .percent = 80,
    .timeout_percent = 100,
    .effect_ms = LDC_TIMING_CONFIG_EFFECT_MS,
    .plan = plan_adb_debug,
    .act = act_adb_debug,
    .check = check_adb_debug,
    .explain = explain_change,
};

/* --- what we keep ourselves --- */

static enum ctl_plan plan_local(struct ctl_job *job, const struct cache_instance *i,
                                struct ctl_why *why)
{
    if (!i)
        return ctl_why_gone(why);
    return ctl_params_has_local(&job->params) ? CTL_PLAN_RUN : CTL_PLAN_SKIP;
}

static void act_local(struct ctl_job *job, const struct cache_instance *i)
{
    static const struct cache_quarantine none;
    struct ctl_local local = {
        .labels = job->params.labels,
        .group = job->params.has_group ? job->params.group : NULL,
        .desired = job->params.desired,
        .repair = job->params.has_repair ? &job->params.repair : NULL,
        .quarantine = job->params.ends_quarantine ? &none : NULL,
    };
    ctl_observer_set_local(job->observer, i->id, &local);
}

const struct ctl_step ctl_step_set_local = {
    .name = "writing labels",
    .percent = 90,
    .timeout_percent = 100,
    .plan = plan_local,
    .act = act_local,
};
