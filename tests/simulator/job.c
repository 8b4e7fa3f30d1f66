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

void job_copy_disks(const struct settings *settings, const struct job_copy *copy)
{
    machine_create(settings->home, copy->index, copy->from);
    guest_create(settings->home, copy->index, copy->from);
    if (settings_bool(settings, "copy_readonly"))
        machine_set_read_only(settings->home, copy->index);
}

void job_remove(const struct settings *settings, int index, bool recreate)
{
    const struct home *home = settings->home;
    char *path = home_config_path(home, index);
    struct config config;

    if (process_instance_is_alive(home, index))
        return; /* launched meanwhile */
    os_remove_file(path);
    run_remove(home, index);
    machine_remove(home, index);
    guest_create(home, index, -1);
    catalogue_note_gone(home, index);
    if (!recreate)
        return;
    config = config_new(path);
    config_fill_new(&config, settings, NULL);
    (void)config_save(&config);
    machine_create(home, index, -1);
}

static char *number(int64_t value)
{
    return mem_printf("%lld", (long long)value);
}

void job_start_copy(const struct home *home, const struct job_copy *copy)
{
    const char *const argv[] = {"ldconsole",
                                job_verb,
                                "copy",
                                number(copy->from),
                                number(copy->index),
                                copy->title,
                                number(copy->copy_ms),
                                number(copy->row_ms),
                                copy->with_row ? "1" : "0",
                                NULL};

    (void)process_start(home, argv, false);
}

void job_start_remove(const struct home *home, int index, int64_t after_ms, bool recreate)
{
    const char *const argv[] = {"ldconsole",   job_verb,         "remove",
                                number(index), number(after_ms), recreate ? "1" : "0",
                                NULL};

    (void)process_start(home, argv, false);
}

/* Sleep in pieces, so that a deleted installation has no visitors for long. */
static bool wait_in(const struct home *home, int64_t ms)
{
    enum { PIECE_MS = 100 };

    for (; ms > 0 && home_exists(home); ms -= PIECE_MS)
        os_sleep_ms(ms < PIECE_MS ? ms : PIECE_MS);
    return home_exists(home);
}

static void run_copy(const struct settings *settings, char **argv)
{
    struct job_copy copy = {.from = atoi(argv[0]),
                            .index = atoi(argv[1]),
                            .title = argv[2],
                            .copy_ms = atoll(argv[3]),
                            .row_ms = atoll(argv[4]),
                            .with_row = argv[5][0] == '1'};
    intptr_t lock;

    if (copy.copy_ms >= 0 && wait_in(settings->home, copy.copy_ms)) {
        lock = home_lock(settings->home);
        job_copy_disks(settings, &copy);
        home_unlock(lock);
    }
    if (copy.with_row && wait_in(settings->home, copy.row_ms)) {
        lock = home_lock(settings->home);
        job_copy_row(settings, &copy);
        home_unlock(lock);
    }
}

static void run_remove_job(const struct settings *settings, char **argv)
{
    int index = atoi(argv[0]);
    intptr_t lock;

    if (!wait_in(settings->home, atoll(argv[1])))
        return;
    lock = home_lock(settings->home);
    job_remove(settings, index, argv[2][0] == '1');
    home_unlock(lock);
}

int job_main(const struct settings *settings, int argc, char **argv)
{
    if (argc == 7 && strcmp(argv[0], "copy") == 0) {
        process_register(settings->home, "job", atoi(argv[2]));
        run_copy(settings, argv + 1);
        process_unregister(settings->home, "job", atoi(argv[2]));
        return 0;
    }
    if (argc == 4 && strcmp(argv[0], "remove") == 0) {
        process_register(settings->home, "job", atoi(argv[1]));
        run_remove_job(settings, argv + 1);
        process_unregister(settings->home, "job", atoi(argv[1]));
        return 0;
    }
    return 1;
}
