/* SPDX-License-Identifier: MIT */
#include "timeline.h"

#include "os.h"
#include "profile.h"

#include <string.h>

enum { SLOW_FACTOR = 4, POLL_MS = 150, LEAST_POLL_MS = 10 };

/* Faults that are decided at the launch; the others are looked up whenever they matter. */
static const char *const launch_faults[] = {
    "stuck_starting", "no_kernel_boot", "vbox_gutted", "readonly_vmdk", "repairer",
    "slow_boot",      "crash_loop",     "orphan_vm",   "second_player",
};

static const char *collect_faults(const struct settings *settings, int index)
{
    struct text list = {0};

    for (size_t i = 0; i < sizeof(launch_faults) / sizeof(launch_faults[0]); i++)
        if (settings_fault(settings, index, launch_faults[i]))
            text_printf(&list, "%s%s", list.len ? "," : "", launch_faults[i]);
    return mem_text(text_str(&list));
}

static int64_t not_negative(int64_t ms)
{
    return ms > 0 ? ms : 0;
}

/* 2 -> 0 -> 2 -> 1: the first player shows up and goes away, a second one does the work. */
static void plan_repair(struct run *run, int64_t now, int64_t whole)
{
    run->repair_at = now + whole / 5;
    run->vm_at = now + whole * 6 / 10;
    run->boot_ms = whole * 85 / 100 - whole * 6 / 10;
    run->adb_ms = whole - whole * 85 / 100;
}

struct run timeline_plan(const struct settings *settings, int index)
{
    int64_t now = os_now_ms();
    const char *faults = collect_faults(settings, index);
    int64_t slow = text_list_has(faults, "slow_boot") ? SLOW_FACTOR : 1;
    int64_t vm = settings_duration(settings, "ms.vm", index) * slow;
    int64_t android = settings_duration(settings, "ms.android", index) * slow;
    int64_t adb = settings_duration(settings, "ms.adb", index) * slow;
    int64_t boot = settings_duration(settings, "ms.boot", index) * slow;
    struct run run = {
        .index = index,
        .id = (int64_t)(os_random() >> 2),
        .launched_at = now,
        .visible_at = now + settings_duration(settings, "ms.visible", index),
        .vm_at = now + vm,
        .boot_ms = not_negative(android - vm),
        .adb_ms = not_negative(adb - android),
        .done_ms = not_negative(boot - adb),
        .column5_at = now + settings_duration(settings, "ms.column5", index),
        .has_no_starting = profile_get(settings)->has_no_starting,
        .row_gap_ms = settings_duration(settings, "ms.row_gap", index),
        .off_ms = settings_duration(settings, "ms.off", index),
        .row_late_ms = settings_duration(settings, "ms.row_late", index),
        .vm_late_ms = settings_duration(settings, "ms.vm_late", index),
        .settle_ms = settings_duration(settings, "ms.settle", index),
        .tail_ms = settings_duration(settings, "ms.tail", index),
        .crash_ms = settings_duration(settings, "ms.crash", index),
        .end_at = now + settings_int(settings, "lifetime_s") * 1000,
        .faults = faults,
        .stuck = text_list_has(faults, "stuck_starting") || settings_bool(settings, "svc_dead"),
        .app = "",
        .mac = "",
        .imei = "",
        .sim_serial = "",
        .android_id = "",
        .window = "normal",
    };

    run.poll_ms = settings_duration(settings, "ms.off", index) / 10;
    if (run.poll_ms > POLL_MS)
        run.poll_ms = POLL_MS;
    if (run.poll_ms < LEAST_POLL_MS)
        run.poll_ms = LEAST_POLL_MS;
    if (text_list_has(faults, "repairer"))
        plan_repair(&run, now, settings_duration(settings, "ms.repair", index));
    return run;
}

void timeline_restart(struct run *run, int64_t now)
{
    run->vm = (struct process){0};
    run->vm_at = now;
    run->vm_started_at = 0;
    run->vm_died_at = 0;
    run->restart_at = 0;
}

/* Whether Android came up at all: a VM that died earlier stays "starting" for ever. */
static bool has_booted(const struct run *run, int64_t now)
{
    int64_t up_at = run->vm_started_at + run->boot_ms;

    if (!run->vm_started_at || now < up_at || text_list_has(run->faults, "no_kernel_boot"))
        return false;
    return !run->vm_died_at || run->vm_died_at >= up_at;
}

struct view timeline_view(const struct run *run, bool hidden, int64_t now)
{
    struct view view = {.pid = -1, .vm_pid = -1};
    int64_t window;

    if (!run || hidden || run->off || now < run->visible_at || !process_is_alive(run->player))
        return view;
    view.pid = run->player.pid;
    window = 0x10000 + run->player.pid * 4;
    if (process_is_alive(run->vm))
        view.vm_pid = run->vm.pid;
    view.is_left_out = run->vm_started_at && now < run->vm_started_at + run->row_gap_ms;
    if (now < run->column5_at || (run->has_no_starting && !has_booted(run, now))) {
        /* As others saw it: `8,Farm,0,0,0,123,-1`, then `2,Booting,140,0,0,5120,5133`. */
        view.top_window = view.vm_pid > 0 ? window : 0;
        return view;
    }
    view.top_window = window;
    view.bind_window = window + 2;
    view.state = has_booted(run, now) ? 1 : 2;
    return view;
}

bool timeline_is_up(const struct run *run, int64_t now)
{
    return run && !run->off && has_booted(run, now) && process_is_alive(run->vm);
}

bool timeline_adb_answers(const struct run *run, int64_t now)
{
    return timeline_is_up(run, now) && run->adb_debug &&
           now >= run->vm_started_at + run->boot_ms + run->adb_ms;
}

bool timeline_boot_completed(const struct run *run, int64_t now)
{
    return timeline_is_up(run, now) &&
           now >= run->vm_started_at + run->boot_ms + run->adb_ms + run->done_ms;
}
