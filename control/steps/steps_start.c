/* SPDX-License-Identifier: MIT */
/* Starting, in three steps: the launch, which ends when Android is up and holds the launch gate
 * until then; waiting for Android, for a start that found the instance on its way already; and, if
 * that was asked for, waiting until the guest answers. */
#include <inttypes.h>
#include <stdio.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "control/judge/state.h"
#include "control/observe/prober.h"
#include "control/steps/steps.h"
#include "ldconsole/verbs/timing.h"

/* A launch too soon after a stop leaves the instance stuck (reference 2.6), whoever stopped it.
 * Where nothing shows whether old processes are gone, the tail of what ran counts too. */
static bool has_settled(const struct ctl_job *job, const struct cache_instance *i)
{
    bool is_blind =
        !ctl_observer_sees_processes(job->observer) && ctl_observer_has_run(job->observer, i->id);
    unsigned tail_ms = is_blind && job->timeouts->settle_ms ? LDC_TIMING_PLAYER_TAIL_MS : 0;
    return ctl_observer_gone_ms(job->observer, i->id) >= job->timeouts->settle_ms + tail_ms;
}

static int64_t memory_of(const struct cache_instance *i)
{
    const struct ldc_setting_value *memory = &i->settings.values[LDC_SETTING_MEMORY_MB];
    return memory->is_set ? memory->number : LDC_MEMORY_LOW_MB;
}

bool ctl_steps_lacks_memory(const struct cache_instance *i, char *why, size_t size)
{
    if (memory_of(i) > LDC_MEMORY_FLOOR_MB)
        return false;
    snprintf(why, size,
             "'%.100s' is configured for %" PRId64
             " MB of memory, and with %d MB or less its guest "
             "crashes in a loop: give it %d MB or more (settings.memory_mb), or start it with "
             "\"force\": true",
             i->name, memory_of(i), LDC_MEMORY_FLOOR_MB, LDC_MEMORY_LOW_MB);
    return true;
}

/* What a config file that cannot be used has lost is known one look after it was written; without
 * its disk nothing is kept of it. */
static bool is_config_doubtful(const struct ctl_job *job, const struct cache_instance *i)
{
    return ctl_observer_has_bad_config(job->observer, i->id) &&
           !ctl_observer_knows_config_loss(job->observer, i->id) &&
           ctl_observer_disks(job->observer, i->id).bytes >= 0;
}

static enum ctl_plan plan_off(struct ctl_job *job, const struct cache_instance *i,
                              struct ctl_why *why)
{
    if (!job->params.force && ctl_steps_lacks_memory(i, why->detail, sizeof(why->detail))) {
        str_copy(why->code, sizeof(why->code), "MEMORY_BELOW_FLOOR");
        return CTL_PLAN_FAIL;
    }
    if (!has_settled(job, i) || ctl_observer_is_in_the_making(job->observer, i->id) ||
        is_config_doubtful(job, i))
        return CTL_PLAN_LATER;
    struct ldc_obstacle obstacle;
    if (!job->params.force && ctl_observer_find_obstacle(job->observer, i, &obstacle)) {
        ctl_why_set(why, obstacle.code, "nothing was launched: %s", obstacle.sentence);
        return CTL_PLAN_FAIL;
    }
    if (memory_of(i) < LDC_MEMORY_LOW_MB) {
        char *note cleanup(mem_freep) =
            mem_printf("it has %" PRId64 " MB of memory, and with less than %d MB its guest may "
                       "crash (settings.memory_mb)",
                       memory_of(i), LDC_MEMORY_LOW_MB);
        ctl_job_note(job, note);
    }
    return CTL_PLAN_RUN;
}

static enum ctl_plan plan_launch(struct ctl_job *job, const struct cache_instance *i,
                                 struct ctl_why *why)
{
    if (!i)
        return ctl_why_left(job, why) ? CTL_PLAN_FAIL : ctl_why_gone(why);
    switch (i->state) {
    case CACHE_STATE_STOPPED:
        return plan_off(job, i, why);
    case CACHE_STATE_STOPPING:
        return CTL_PLAN_LATER;
    case CACHE_STATE_STARTING:
    case CACHE_STATE_BOOTING:
    case CACHE_STATE_RUNNING:
    case CACHE_STATE_READY:
        if (job->params.window != LDC_WINDOW_NORMAL)
            ctl_job_note(job, "it was started already, and its window stays as it is");
        return CTL_PLAN_SKIP;
    default:
        if (ctl_observer_is_doubted(job->observer, i->id))
            return CTL_PLAN_LATER;
        ctl_why_set(
            why, "INSTANCE_NOT_STARTABLE", "the instance is %s (%s) and launch would do nothing%s",
            cache_state_name(i->state), i->reason,
            i->state == CACHE_STATE_UNKNOWN ? "" : "; restart it, with force if quit is ignored");
        return CTL_PLAN_FAIL;
    }
}

static void build_launch(struct ctl_job *job, const struct cache_instance *i,
                         struct ldc_command *ret)
{
    (void)ctl_steps_mend_config(job, i);
    ldc_command_launch(ret, i->index, job->params.window);
}

/* A boot after a forced end writes the config file anew, also one that was put back before. Whether
 * it did is known one look after it was written; a file that is written for ever is not waited for.
 * Returns whether it is known. */
static bool tell_config(struct ctl_job *job, const struct cache_instance *i)
{
    uint64_t now = clock_mono_ms();
    const char *loss = ctl_observer_config_loss(job->observer, i->id);
    if (job->up_since_ms == 0)
        job->up_since_ms = now;
    if (!ctl_observer_knows_config_loss(job->observer, i->id) &&
        now < job->up_since_ms + LDC_TIMING_CONFIG_EFFECT_MS)
        return false;
    if (!*loss) {
        ctl_steps_tell_mended(job);
        return true;
    }
    char *note cleanup(mem_freep) =
        mem_printf("its config file: %s%s, as LDPlayer does after a forced end; stop it and start "
                   "it once more: the copy is put back before the launch",
                   loss, job->mended[0] ? " again by this boot, after the copy was put back" : "");
    ctl_job_note(job, note);
    return true;
}

/* A boot may write the config file anew. */
static void note_drift(struct ctl_job *job, const struct cache_instance *i)
{
    char names[200];
    if (*ctl_observer_config_loss(job->observer, i->id) ||
        !ctl_observer_drift(job->observer, i->id, names, sizeof(names)))
        return;
    char *note cleanup(mem_freep) =
        mem_printf("not as they were set, LDPlayer or somebody changed them since: %s", names);
    ctl_job_note(job, note);
}

static enum ctl_check check_up(struct ctl_job *job, const struct cache_instance *i,
                               struct ctl_why *why)
{
    if (!i) {
        if (!ctl_why_left(job, why))
            (void)ctl_why_gone(why);
        return CTL_CHECK_FAILED;
    }
    if (ctl_state_is_up(i->state)) {
        if (!tell_config(job, i))
            return CTL_CHECK_PENDING;
        note_drift(job, i);
        return CTL_CHECK_DONE;
    }
    /* Slow is for the operation's own limit to judge; dead is dead, and what is stuck without a VM
     * never gets one. */
    if (i->state == CACHE_STATE_ZOMBIE ||
        (i->state == CACHE_STATE_STUCK && i->vbox_pid == 0 && i->headless.pid == 0)) {
        ctl_why_set(why, "START_FAILED", "the start failed: %s", i->reason);
        return CTL_CHECK_FAILED;
    }
    /* `starting` without a process is what we expect, not what list2 shows. It shows 0 also in the
     * middle of a repairer's pass, which ends well (reference 5.2): hence no failure until
     * `effect_ms`. */
    bool is_untouched =
        i->state == CACHE_STATE_STOPPED || (i->state == CACHE_STATE_STARTING && i->pid == 0);
    if (!is_untouched)
        return CTL_CHECK_PENDING;
    ctl_why_set(why, "NO_EFFECT", "the start came to nothing: the instance is %s (%s)",
                cache_state_name(i->state), i->reason);
    return CTL_CHECK_NO_EFFECT;
}

/* The log is begun anew by each start, and the clock of the file system may be behind ours. */
static bool explain_start(struct ctl_job *job, struct ctl_why *ret, bool *ret_is_lasting)
{
    struct ldc_vm_fault fault;
    if (ctl_observer_read_vm_log(job->observer, job->subject,
                                 job->op->started_at - LDC_TIMING_LOG_SLACK_MS, &fault)) {
        ctl_why_set(ret, "", "the VM's log says: %s", fault.sentence);
        *ret_is_lasting = fault.is_lasting;
        return true;
    }
    if (!ctl_observer_has_bad_config(job->observer, job->subject))
        return false;
    const char *loss = ctl_observer_config_loss(job->observer, job->subject);
    if (*loss) {
        ctl_why_set(ret, "", "its config file: %s; the copy is put back before the next launch",
                    loss);
        *ret_is_lasting = false;
        return true;
    }
    ctl_why_set(ret, "",
                "its config file is cut off or cannot be parsed, and no copy of it is kept: "
                "put a good one in its place (LDPlayer may have left a .resbak beside it)");
    *ret_is_lasting = true;
    return true;
}

const struct ctl_step ctl_step_launch = {
    .name = "launching",
    .verb = LDC_VERB_LAUNCH,
    .gate = CTL_GATE_LAUNCH,
    .expect = CTL_EXPECT_START,
    .percent = 10,
    .timeout_percent = 100,
    .effect_ms = LDC_TIMING_LAUNCH_EFFECT_MS,
    .plan = plan_launch,
    .build = build_launch,
    .check = check_up,
    .explain = explain_start,
};

static enum ctl_plan plan_until_up(struct ctl_job *job, const struct cache_instance *i,
                                   struct ctl_why *why)
{
    (void)job;
    if (!i)
        return ctl_why_gone(why);
    return ctl_state_is_up(i->state) ? CTL_PLAN_SKIP : CTL_PLAN_RUN;
}

/* The start of somebody else has come to nothing, or what we believed was one: a former launch of
 * ours that had timed out. Ours is still to be given. */
static enum ctl_check check_others_start(struct ctl_job *job, const struct cache_instance *i,
                                         struct ctl_why *why)
{
    enum ctl_check check = check_up(job, i, why);
    if (check != CTL_CHECK_NO_EFFECT || job->has_called || i->state != CACHE_STATE_STOPPED)
        return check;
    bool is_over = ctl_observer_life(job->observer, i->id) == CTL_LIFE_NONE ||
                   ctl_observer_gone_ms(job->observer, i->id) >= LDC_TIMING_LAUNCH_EFFECT_MS;
    return is_over ? CTL_CHECK_BACK : CTL_CHECK_PENDING;
}

const struct ctl_step ctl_step_until_up = {
    .name = "waiting for Android",
    .percent = 30,
    .timeout_percent = 100,
    .effect_ms = LDC_TIMING_LAUNCH_EFFECT_MS,
    .plan = plan_until_up,
    .check = check_others_start,
    .explain = explain_start,
};

/* A guest that has hung since it was asked last is still taken for ready (prober.h): only an answer
 * to a question of after this was asked for counts. */
static bool is_ready_now(const struct ctl_job *job, const struct cache_instance *i)
{
    return i->state == CACHE_STATE_READY &&
           ctl_observer_guest_answered_ms(job->observer, i->id) >= job->accepted_ms;
}

static enum ctl_plan plan_until_ready(struct ctl_job *job, const struct cache_instance *i,
                                      struct ctl_why *why)
{
    if (!i)
        return ctl_why_gone(why);
    if (!job->params.until_ready || is_ready_now(job, i))
        return CTL_PLAN_SKIP;
    if (!ctl_observer_is_guest_closed(job->observer, i))
        return CTL_PLAN_RUN;
    ctl_why_set(why, "GUEST_NOT_REACHABLE", "the instance is %s, but %s",
                cache_state_name(i->state), ctl_prober_closed);
    return CTL_PLAN_FAIL;
}

static void ask_guest(struct ctl_job *job, const struct cache_instance *i)
{
    ctl_observer_ask_guest(job->observer, i->id);
}

static enum ctl_check check_ready(struct ctl_job *job, const struct cache_instance *i,
                                  struct ctl_why *why)
{
    if (!i || !ctl_state_is_up(i->state))
        return check_up(job, i, why);
    if (!is_ready_now(job, i))
        return CTL_CHECK_PENDING;
    char *note cleanup(mem_freep) =
        mem_printf("%sthe guest answered a question of %" PRIu64 " ms ago",
                   job->has_called ? "" : "it was already so: asked once more, ",
                   clock_mono_ms() - ctl_observer_guest_answered_ms(job->observer, i->id));
    ctl_job_note(job, note);
    return CTL_CHECK_DONE;
}

/* What list2 says of it does not tell. */
static bool explain_ready(struct ctl_job *job, struct ctl_why *ret, bool *ret_is_lasting)
{
    const struct cache_instance *i = ctl_job_instance(job);
    if (!i || !ctl_state_is_up(i->state))
        return explain_start(job, ret, ret_is_lasting);
    uint64_t answered_ms = ctl_observer_guest_answered_ms(job->observer, i->id);
    unsigned n = ctl_observer_guest_failures(job->observer, i->id);
    *ret_is_lasting = false;
    if (answered_ms)
        ctl_why_set(ret, "",
                    "its guest last answered %" PRIu64 " s ago, and %u questions since "
                    "had no answer",
                    (clock_mono_ms() - answered_ms) / 1000, n);
    else
        ctl_why_set(ret, "", "its guest has not answered any of %u questions", n);
    return true;
}

const struct ctl_step ctl_step_until_ready = {
    .name = "waiting for the guest to answer",
    .percent = 80,
    .timeout_percent = 100,
    .effect_ms = LDC_TIMING_LAUNCH_EFFECT_MS,
    .plan = plan_until_ready,
    .act = ask_guest,
    .check = check_ready,
    .explain = explain_ready,
};
