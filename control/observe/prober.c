/* SPDX-License-Identifier: MIT */
/* Each survey visits every instance (ctl_prober_visit). One that is up is asked when its time has
 * come; the answer is noted in its watch, with the time of the next question. A guest belongs to
 * one VM: with another pid everything that was known of it is forgotten, and an answer that was
 * asked of the former one is not counted.
 *
 *      UNKNOWN --answers--> ANSWERS --3 failures--> SILENT      OTHER: somebody else's answers
 *         ^--not up, other VM--'<-----answers---------'        CLOSED: ADB is off, and no ld */
#include "control/observe/prober.h"

#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/str.h"
#include "control/judge/guest_identity.h"
#include "ldconsole/verbs/adb_serial.h"
#include "ldconsole/verbs/timing.h"

enum { BOOT_ATTEMPTS = LDC_TIMING_GUEST_GIVE_UP_MS / LDC_TIMING_GUEST_BOOT_MS };

const char ctl_prober_closed[] =
    "its guest cannot be asked: ADB debugging is off (basicSettings.adbDebug of its config file) "
    "and no ld stands beside ldconsole";

struct ctl_prober {
    struct ldc_client *client;
    const struct cache_snapshot *all;
    struct map *watches;
    void (*on_change)(void *arg);
    void *arg;
    unsigned n_calls;
    bool is_closing;
};

struct probe {
    struct ctl_prober *prober;
    char id[UUID_SIZE];
    int64_t vm_pid;
    uint64_t asked_ms;
    bool is_by_adb;
};

struct ctl_prober *ctl_prober_new(struct ldc_client *client, const struct cache_snapshot *all,
                                  struct map *watches, void (*on_change)(void *arg), void *arg)
{
    struct ctl_prober *p = mem_new(struct ctl_prober);
    p->client = client;
    p->all = all;
    p->watches = watches;
    p->on_change = on_change;
    p->arg = arg;
    return p;
}

static void free_if_done(struct ctl_prober *p)
{
    if (p->is_closing && p->n_calls == 0)
        mem_free(p);
}

void ctl_prober_close(struct ctl_prober *p)
{
    p->is_closing = true;
    free_if_done(p);
}

/* What one answer, or its absence, says of the guest. */
struct reply {
    struct ldc_guest guest;
    struct ctl_guest_identity identity;
    bool is_answer;
};

static void read_reply(const struct ctl_prober *p, const struct probe *probe,
                       const struct cache_booted *booted, const struct ldc_outcome *outcome,
                       struct reply *ret)
{
    bool is_accepted = !outcome->is_rejected && outcome->answer == LDC_ANSWER_ACCEPTED;
    ldc_guest_read(outcome->result ? outcome->result->output : "", &ret->guest);
    ctl_guest_identify(p->all, probe->id, booted, &ret->guest, probe->is_by_adb, &ret->identity);
    ret->is_answer = is_accepted && ret->guest.is_booted && ret->guest.has_server;
}

static void note_guest(struct ctl_watch *watch, const struct reply *reply)
{
    watch->guest_reason[0] = '\0';
    if (reply->identity.reason[0]) {
        watch->guest = CTL_GUEST_OTHER;
        watch->guest_failures = 0;
        str_copy(watch->guest_reason, sizeof(watch->guest_reason), reply->identity.reason);
        return;
    }
    if (reply->is_answer) {
        watch->guest = CTL_GUEST_ANSWERS;
        watch->guest_failures = 0;
        watch->guest_has_answered = true;
        return;
    }
    watch->guest_failures++;
    if (watch->guest == CTL_GUEST_OTHER)
        watch->guest = CTL_GUEST_UNKNOWN;
    else if (watch->guest == CTL_GUEST_ANSWERS &&
             watch->guest_failures >= LDC_TIMING_GUEST_FAILURES)
        watch->guest = CTL_GUEST_SILENT;
    if (reply->guest.is_booted)
        str_copy(watch->guest_reason, sizeof(watch->guest_reason),
                 "its system server does not answer, only the shell does");
}

/* A failure before the first answer only means "not yet". */
static unsigned pause_after(const struct ctl_watch *watch)
{
    if (watch->guest == CTL_GUEST_ANSWERS && watch->guest_failures == 0)
        return LDC_TIMING_GUEST_CHECK_MS;
    if (watch->guest != CTL_GUEST_UNKNOWN)
        return LDC_TIMING_GUEST_RETRY_MS;
    return watch->guest_failures < BOOT_ATTEMPTS ? LDC_TIMING_GUEST_BOOT_MS
                                                 : LDC_TIMING_GUEST_CHECK_MS;
}

static void note_adb(struct cache_adb *adb, const struct reply *reply)
{
    adb->reachable = reply->guest.has_shell ? CACHE_REACHABLE_YES : CACHE_REACHABLE_NO;
    adb->verified = reply->identity.verified;
}

static void note_reply(struct ctl_prober *p, const struct probe *probe, struct ctl_watch *watch,
                       const struct reply *reply)
{
    struct ctl_watch before = *watch;
    note_guest(watch, reply);
    if (probe->is_by_adb)
        note_adb(&watch->adb, reply);
    if (watch->guest == CTL_GUEST_ANSWERS && watch->guest_failures == 0)
        watch->guest_answered_ms = probe->asked_ms;
    watch->guest_replied_ms = clock_mono_ms();
    watch->guest_next_ms =
        probe->asked_ms < watch->guest_wanted_ms ? 0 : watch->guest_replied_ms + pause_after(watch);
    if (watch->guest != before.guest || memcmp(&watch->adb, &before.adb, sizeof(before.adb)) != 0 ||
        strcmp(watch->guest_reason, before.guest_reason) != 0)
        p->on_change(p->arg);
}

static void on_answer(void *arg, const struct ldc_outcome *outcome)
{
    struct probe *probe = arg;
    struct ctl_prober *p = probe->prober;

    p->n_calls--;
    struct map_node *node = p->is_closing ? NULL : map_find(p->watches, probe->id);
    if (node) {
        struct ctl_watch *watch = container_of(node, struct ctl_watch, by_id);
        watch->guest_is_asked = false;
        struct reply reply;
        read_reply(p, probe, &watch->care.booted, outcome, &reply);
        if (watch->guest_pid == probe->vm_pid)
            note_reply(p, probe, watch, &reply);
    }
    mem_free(probe);
    free_if_done(p);
}

static void ask(struct ctl_prober *p, struct ctl_watch *watch, int index)
{
    const char *const question[] = {ldc_guest_question, NULL};
    const struct ldc_install *install = ldc_client_install(p->client);
    struct ldc_command command;
    char serial[LDC_ADB_SERIAL_SIZE];

    if (install->ld) {
        ldc_command_ld_shell(&command, index, ldc_guest_question);
    } else if (install->adb) {
        ldc_adb_serial_write(index, serial);
        ldc_command_adb_shell(&command, serial, question);
    } else {
        return;
    }
    struct probe *probe = mem_new(struct probe);
    probe->prober = p;
    probe->vm_pid = watch->guest_pid;
    probe->asked_ms = clock_mono_ms();
    probe->is_by_adb = !install->ld;
    memcpy(probe->id, watch->id, sizeof(probe->id));
    watch->guest_is_asked = true;
    p->n_calls++;
    ldc_client_call(p->client, &command, LDC_PURPOSE_RUN, on_answer, probe);
}

bool ctl_prober_is_closed(const struct ldc_install *install, enum cache_adb_debug debug)
{
    return !install->ld && install->adb && debug == CACHE_ADB_DEBUG_OFF;
}

static void forget(struct ctl_watch *watch, int64_t vm_pid, uint64_t now_ms)
{
    watch->guest = CTL_GUEST_UNKNOWN;
    watch->guest_reason[0] = '\0';
    watch->guest_pid = vm_pid;
    watch->guest_failures = 0;
    watch->guest_answered_ms = 0;
    watch->guest_next_ms = now_ms;
    watch->adb.verified = CACHE_VERIFIED_UNKNOWN;
    watch->adb.reachable = CACHE_REACHABLE_UNKNOWN;
}

void ctl_prober_visit(struct ctl_prober *p, struct ctl_watch *watch, int index, bool is_up,
                      int64_t vm_pid, uint64_t now_ms)
{
    bool is_closed = ctl_prober_is_closed(ldc_client_install(p->client), watch->adb.debug);
    bool was_closed = watch->guest == CTL_GUEST_CLOSED;

    if (!is_up || watch->guest_pid != vm_pid || is_closed != was_closed)
        forget(watch, vm_pid, now_ms);
    if (is_up && is_closed) {
        watch->guest = CTL_GUEST_CLOSED;
        watch->adb.reachable = CACHE_REACHABLE_NO;
        str_copy(watch->guest_reason, sizeof(watch->guest_reason), ctl_prober_closed);
    } else if (is_up && !watch->guest_is_asked && now_ms >= watch->guest_next_ms) {
        ask(p, watch, index);
    }
}
