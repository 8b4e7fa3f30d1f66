/* SPDX-License-Identifier: MIT */
#include "guest.h"
#include "job.h"
#include "machine.h"
#include "os.h"
#include "process.h"
#include "verbs.h"

#include <string.h>

/* Making, copying, removing and renaming instances. */

void verb_add(struct call *call)
{
    const char *title = call_option(call, "--name");
    intptr_t lock = home_lock(call->home);
    struct catalogue now = catalogue_load(call->settings);
    int index = catalogue_free_index(&now);
    struct config config = config_new(home_config_path(call->home, index));

    struct job_copy disks = {.from = -1,
                             .index = index,
                             .copy_ms = settings_duration(call->settings, "ms.add_disk", -1)};

    config_fill_new(&config, call->settings, title);
    if (disks.copy_ms <= 0)
        machine_create(call->home, index, -1);
    guest_create(call->home, index, -1);
    (void)config_save(&config);
    catalogue_note_made(call->home, index);
    home_unlock(lock);
    os_sleep_ms(settings_duration(call->settings, "ms.add", -1));
    if (disks.copy_ms > 0) {
        disks.disk_ms = disks.copy_ms / 2;
        disks.title = "";
        (void)job_start_copy(call->home, &disks);
    }
    call->exit_code = index;
}

/* All digits is an index, anything else a title. */
static const struct instance *find_source(struct call *call)
{
    const char *from = call_option(call, "--from");
    int index;

    if (!from)
        return NULL;
    if (*from && strspn(from, "0123456789") == strlen(from))
        return text_to_int(from, &index) ? catalogue_find(&call->catalogue, index) : NULL;
    return catalogue_find_title(call->settings, &call->catalogue, text_valid_utf8(from));
}

static void copy_instance(struct call *call, const struct instance *source)
{
    const char *title = call_option(call, "--name");
    bool early = strcmp(settings_text(call->settings, "copy_row"), "early") == 0;
    intptr_t lock = home_lock(call->home);
    struct process job;
    struct catalogue now = catalogue_load(call->settings);
    struct job_copy copy = {.from = source->index,
                            .index = catalogue_free_index(&now),
                            .disk_ms = settings_duration(call->settings, "ms.copy_disk", -1),
                            .copy_ms = settings_duration(call->settings, "ms.copy", -1),
                            .row_ms = settings_duration(call->settings, "ms.copy_row", -1),
                            .with_row = !early};

    copy.title = title && *title
                     ? text_valid_utf8(title)
                     : mem_printf("%s-%d", catalogue_title(call->settings, source), copy.index);
    if (early)
        job_copy_row(call->settings, &copy);
    home_unlock(lock);
    call->exit_code = copy.index;
    /* The work is another process's: it goes on when this one is killed. */
    job = job_start_copy(call->home, &copy);
    while (strcmp(settings_text(call->settings, "copy_returns"), "done") == 0 &&
           process_is_alive(job))
        os_sleep_ms(1);
}

void verb_copy(struct call *call)
{
    const struct instance *source = find_source(call);

    if (source)
        copy_instance(call, source);
    else if (call->profile->copy_missing_is_usage)
        call_fail_with_usage(call, CALL_UNKNOWN);
    else
        call_fail(call, "player don't exist!", 0);
}

static void kill_instance(const struct call *call)
{
    struct process_list list = process_find(call->home, call->index);

    for (size_t i = 0; i < list.n_items; i++)
        process_kill(list.items[i].process);
    while (process_instance_is_alive(call->home, call->index))
        os_sleep_ms(1);
}

void verb_remove(struct call *call)
{
    int64_t after_ms = settings_duration(call->settings, "ms.remove", -1);
    int64_t recreate_ms = -1;
    intptr_t lock;

    if (process_instance_is_alive(call->home, call->index)) {
        if (strcmp(settings_text(call->settings, "remove_running"), "kills") != 0)
            return;
        kill_instance(call);
    }
    if (settings_take(call->settings, "remove_recreates", call_scope(call)))
        recreate_ms = settings_duration(call->settings, "ms.recreate", -1);
    if (after_ms > 0 || recreate_ms > 0) {
        job_start_remove(call->home, call->index, after_ms, recreate_ms);
        return;
    }
    lock = home_lock(call->home);
    job_remove(call->settings, call->index);
    if (recreate_ms == 0)
        job_recreate(call->settings, call->index);
    home_unlock(lock);
}

static void set_title(struct config *config, void *title)
{
    config_set_text(config, "statusSettings.playerName", title);
}

void verb_rename(struct call *call)
{
    const char *title = call_option(call, "--title");
    intptr_t lock;

    if (!title || !*title) {
        call_fail(call, "parameter error!", CALL_PARAMETER);
        return;
    }
    lock = home_lock(call->home);
    call_edit_config(call, set_title, (void *)title);
    home_unlock(lock);
}
