/* SPDX-License-Identifier: MIT */
#include "job.h"

#include "catalogue.h"
#include "config.h"
#include "guest.h"
#include "machine.h"
#include "os.h"
#include "process.h"
#include "run.h"

#include <stdlib.h>
#include <string.h>

const char job_verb[] = "--job";

void job_copy_row(const struct settings *settings, const struct job_copy *copy)
{
    struct config config = config_open(home_config_path(settings->home, copy->from));

    config.path = home_config_path(settings->home, copy->index);
    config_fill_identity(&config);
    config_set_text(&config, "statusSettings.playerName", copy->title);
    (void)config_save(&config);
    catalogue_note_made(settings->home, copy->index);
}

static void copy_disks(const struct settings *settings, const struct job_copy *copy)
{
    machine_create(settings->home, copy->index, copy->from);
    guest_create(settings->home, copy->index, copy->from);
    if (copy->from >= 0 && settings_bool(settings, "copy_readonly"))
        machine_set_read_only(settings->home, copy->index);
}

void job_remove(const struct settings *settings, int index)
{
    const struct home *home = settings->home;

    if (process_instance_is_alive(home, index))
        return; /* launched meanwhile */
    os_remove_file(home_config_path(home, index));
    os_remove_file(home_settle_path(home, index));
    run_remove(home, index);
    machine_remove(home, index);
    guest_create(home, index, -1);
    catalogue_note_gone(home, index);
}

void job_recreate(const struct settings *settings, int index)
{
    char *path = home_config_path(settings->home, index);
    struct config config = config_new(path);

    if (os_exists(path))
        return; /* still there, or made by somebody meanwhile */
    config_fill_new(&config, settings, NULL);
    (void)config_save(&config);
    if (settings_bool(settings, "recreate_disk"))
        machine_create(settings->home, index, -1);
}

static char *number(int64_t value)
{
    return mem_printf("%lld", (long long)value);
}

struct process job_start_copy(const struct home *home, const struct job_copy *copy)
{
    const char *const argv[] = {"ldconsole",
                                job_verb,
                                "copy",
                                number(copy->from),
                                number(copy->index),
                                copy->title,
                                number(copy->disk_ms),
                                number(copy->copy_ms),
                                number(copy->row_ms),
                                copy->with_row ? "1" : "0",
                                NULL};

    return process_start(home, copy->copy_ms < 0 ? "job" : "copy", copy->index, argv, false);
}

bool job_is_copying(const struct home *home, int index)
{
    struct process_list list = process_find(home, index);

    for (size_t i = 0; i < list.n_items; i++)
        if (strcmp(list.items[i].kind, "copy") == 0)
            return true;
    return false;
}

void job_start_remove(const struct home *home, int index, int64_t after_ms, int64_t recreate_ms)
{
    const char *const argv[] = {"ldconsole",   job_verb,         "remove",
                                number(index), number(after_ms), number(recreate_ms),
                                NULL};

    (void)process_start(home, "job", index, argv, false);
}

/* Sleep in pieces, so that a deleted installation has no visitors for long. */
static bool wait_in(const struct home *home, int64_t ms)
{
    enum { PIECE_MS = 100 };

    for (; ms > 0 && home_exists(home); ms -= PIECE_MS)
        os_sleep_ms(ms < PIECE_MS ? ms : PIECE_MS);
    return home_exists(home);
}

/* The disk appears with a fifth of its bytes and gains another one from time to time. */
static void grow(const struct home *home, const struct job_copy *copy)
{
    enum { PARTS = 5 };
    intptr_t lock;

    for (int part = 1; part < PARTS && copy->disk_ms < copy->copy_ms; part++) {
        if (!wait_in(home,
                     part == 1 ? copy->disk_ms : (copy->copy_ms - copy->disk_ms) / (PARTS - 1)))
            return;
        lock = home_lock(home);
        machine_grow(home, copy->index, copy->from, part * 100 / PARTS);
        home_unlock(lock);
    }
}

/* The disks have their size at once, and are written to until the copy is over. */
static void fill(const struct home *home, const struct job_copy *copy, int64_t end)
{
    enum { PIECE_MS = 100 };
    intptr_t lock, file;

    if (!wait_in(home, copy->disk_ms))
        return;
    lock = home_lock(home);
    machine_create(home, copy->index, copy->from);
    home_unlock(lock);
    file = os_open_file(machine_disk_path(home, copy->index));
    while (file >= 0 && os_now_ms() < end && wait_in(home, PIECE_MS))
        os_touch_file(file);
}

static void run_copy(const struct settings *settings, struct job_copy *copy)
{
    const struct home *home = settings->home;
    int64_t end = os_now_ms() + copy->copy_ms;
    intptr_t lock;

    process_register(home, "copy", copy->index);
    if (copy->from >= 0 && settings_bool(settings, "copy_allocates"))
        fill(home, copy, end);
    else
        grow(home, copy);
    if (wait_in(home, end - os_now_ms())) {
        lock = home_lock(home);
        copy_disks(settings, copy);
        if (copy->with_row && copy->row_ms <= 0)
            job_copy_row(settings, copy);
        home_unlock(lock);
    }
    process_unregister(home, "copy", copy->index);
    if (!copy->with_row || copy->row_ms <= 0)
        return;
    copy->copy_ms = -1;
    (void)job_start_copy(home, copy);
}

static void show_row(const struct settings *settings, const struct job_copy *copy)
{
    intptr_t lock;

    process_register(settings->home, "job", copy->index);
    if (wait_in(settings->home, copy->row_ms)) {
        lock = home_lock(settings->home);
        job_copy_row(settings, copy);
        home_unlock(lock);
    }
    process_unregister(settings->home, "job", copy->index);
}

static void run_remove_job(const struct settings *settings, int index, int64_t after_ms,
                           int64_t recreate_ms)
{
    intptr_t lock;

    process_register(settings->home, "job", index);
    if (wait_in(settings->home, after_ms)) {
        lock = home_lock(settings->home);
        job_remove(settings, index);
        home_unlock(lock);
    }
    if (recreate_ms >= 0 && wait_in(settings->home, recreate_ms)) {
        lock = home_lock(settings->home);
        job_recreate(settings, index);
        home_unlock(lock);
    }
    process_unregister(settings->home, "job", index);
}

int job_main(const struct settings *settings, int argc, char **argv)
{
    if (argc == 8 && strcmp(argv[0], "copy") == 0) {
        struct job_copy copy = {.from = atoi(argv[1]),
                                .index = atoi(argv[2]),
                                .title = argv[3],
                                .disk_ms = atoll(argv[4]),
                                .copy_ms = atoll(argv[5]),
                                .row_ms = atoll(argv[6]),
                                .with_row = argv[7][0] == '1'};

        if (copy.copy_ms >= 0)
            run_copy(settings, &copy);
        else
            show_row(settings, &copy);
        return 0;
    }
    if (argc == 4 && strcmp(argv[0], "remove") == 0) {
        run_remove_job(settings, atoi(argv[1]), atoll(argv[2]), atoll(argv[3]));
        return 0;
    }
    return 1;
}
