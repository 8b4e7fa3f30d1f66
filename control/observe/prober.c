/* SPDX-License-Identifier: MIT */
/* Each survey visits every instance (ctl_prober_visit). One that is up is asked when its time has
 * come; the answer is noted in its watch, with the time of the next question. A guest belongs to
 * one VM: with another pid everything that was known of it is forgotten, and an answer that was
 * asked of the former one is not counted.
 *
 *      UNKNOWN --answers--> ANSWERS --3 failures--> SILENT
 *         ^--not up, other VM--'<-----answers---------' */
#include "control/observe/prober.h"

#include <stdio.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "ldconsole/verbs/timing.h"

enum {
    BOOT_ATTEMPTS = LDC_TIMING_GUEST_GIVE_UP_MS / LDC_TIMING_GUEST_BOOT_MS,
    SILENT_AFTER = 3 /* failures in a row of a guest that had answered */
};

struct ctl_prober {
    struct ldc_client *client;
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
};

struct ctl_prober *ctl_prober_new(struct ldc_client *client, struct map *watches,
                                  void (*on_change)(void *arg), void *arg)
{
    struct ctl_prober *p = mem_new(struct ctl_prober);
    p->client = client;
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

/* Some versions echo the command line first (reference 2.4), so the answer is a line of its own. */
static bool says_booted(const struct ldc_outcome *outcome)
{
    if (outcome->is_rejected || outcome->answer != LDC_ANSWER_ACCEPTED || !outcome->result)
        return false;
    for (const char *line = outcome->result->output; line;) {
        size_t n = strcspn(line, "\r\n");
        if (n == 1 && *line == '1')
            return true;
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return false;
}

/* What one answer, or its absence, says of the guest, and when to ask again. A failure before the
 * first answer only means "not yet". */
static void note_answer(struct ctl_prober *p, struct ctl_watch *watch, bool is_answer)
{
    enum ctl_guest before = watch->guest;
    unsigned pause_ms = LDC_TIMING_GUEST_RETRY_MS;

    watch->guest_failures = is_answer ? 0 : watch->guest_failures + 1;
    if (is_answer)
        watch->guest = CTL_GUEST_ANSWERS;
    else if (before == CTL_GUEST_ANSWERS && watch->guest_failures >= SILENT_AFTER)
        watch->guest = CTL_GUEST_SILENT;
    if (is_answer)
        pause_ms = LDC_TIMING_GUEST_CHECK_MS;
    else if (watch->guest == CTL_GUEST_UNKNOWN)
        pause_ms = watch->guest_failures < BOOT_ATTEMPTS ? LDC_TIMING_GUEST_BOOT_MS
                                                         : LDC_TIMING_GUEST_CHECK_MS;
    watch->guest_next_ms = clock_mono_ms() + pause_ms;
    if (watch->guest != before)
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
        if (watch->guest_pid == probe->vm_pid)
            note_answer(p, watch, says_booted(outcome));
    }
    mem_free(probe);
    free_if_done(p);
}

static void ask(struct ctl_prober *p, struct ctl_watch *watch, int index)
{
    static const char *const getprop[] = {"getprop", "sys.boot_completed", NULL};
    const struct ldc_install *install = ldc_client_install(p->client);
    struct ldc_command command;
    char serial[32];

    if (install->ld) {
        ldc_command_ld_shell(&command, index, "getprop sys.boot_completed");
    } else if (install->adb) {
        snprintf(serial, sizeof(serial), "emulator-%d", 5554 + 2 * index);
        ldc_command_adb_shell(&command, serial, getprop);
    } else {
        return;
    }
    struct probe *probe = mem_new(struct probe);
    probe->prober = p;
    probe->vm_pid = watch->guest_pid;
    memcpy(probe->id, watch->id, sizeof(probe->id));
    watch->guest_is_asked = true;
    p->n_calls++;
    ldc_client_call(p->client, &command, LDC_PURPOSE_RUN, on_answer, probe);
}

void ctl_prober_visit(struct ctl_prober *p, struct ctl_watch *watch, int index, bool is_up,
                      int64_t vm_pid, uint64_t now_ms)
{
    if (!is_up || watch->guest_pid != vm_pid) {
        watch->guest = CTL_GUEST_UNKNOWN;
        watch->guest_pid = vm_pid;
        watch->guest_failures = 0;
        watch->guest_next_ms = now_ms;
    }
    if (is_up && !watch->guest_is_asked && now_ms >= watch->guest_next_ms)
        ask(p, watch, index);
}
