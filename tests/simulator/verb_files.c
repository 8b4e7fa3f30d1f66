/* SPDX-License-Identifier: MIT */
#include "guest.h"
#include "os.h"
#include "run.h"
#include "verbs.h"

#include <string.h>

/* Files of the host: copied, or written as small stand-ins for the real thing. */

void verb_pull(struct call *call)
{
    const char *remote = call_option(call, "--remote");
    const char *local = call_option(call, "--local");

    if (remote && local)
        (void)os_copy_file(guest_file(call->home, call->index, remote), local);
}

void verb_push(struct call *call)
{
    const char *remote = call_option(call, "--remote");
    const char *local = call_option(call, "--local");

    if (remote && local)
        (void)os_copy_file(local, guest_file(call->home, call->index, remote));
}

/* A real backup is an archive of the disks; ours is the configuration.  Without the extension
 * nothing is done. */
static const char *backup_file(const struct call *call)
{
    const char *file = call_option(call, "--file");

    return file && text_ends(file, ".ldbk") ? file : NULL;
}

void verb_backup(struct call *call)
{
    const char *file = backup_file(call);

    if (file)
        (void)os_copy_file(home_config_path(call->home, call->index), file);
}

void verb_restore(struct call *call)
{
    const char *file = backup_file(call);
    struct text bytes = {0};
    struct run run;
    intptr_t lock;

    if (!file || os_read_file(file, &bytes) < 0)
        return;
    lock = home_lock(call->home);
    if (run_load(call->home, call->index, &run) < 0)
        (void)os_replace_file(home_config_path(call->home, call->index), bytes.data, bytes.len);
    home_unlock(lock);
}

void verb_backupapp(struct call *call)
{
    const char *package = call_option(call, "--packagename");
    const char *file = call_option(call, "--file");

    if (package && file && guest_has_package(call->home, call->index, package))
        (void)os_write_file(file, package, strlen(package));
}

void verb_restoreapp(struct call *call)
{
    const char *package = call_option(call, "--packagename");
    const char *file = call_option(call, "--file");

    if (package && file && os_exists(file))
        guest_install(call->home, call->index, package);
}

void verb_operaterecord(struct call *call)
{
    const char *content = call_option(call, "--content");
    char *dir = home_path(call->home, "vms/operationRecords");

    if (content && os_make_dirs(dir) == 0)
        (void)os_write_file(mem_printf("%s/leidian%d.record", dir, call->index), content,
                            strlen(content));
}

/* --fps is the only one of which it is known where it goes. */
void verb_globalsetting(struct call *call)
{
    const char *fps = call_option(call, "--fps");
    const char *clean = call_option(call, "--cleanmode");
    intptr_t lock = home_lock(call->home);
    struct config config = config_open(home_path(call->home, "vms/config/leidians.config"));
    int number;

    if (fps && text_to_int(fps, &number) && number >= 0 && number <= 60)
        config_set_int(&config, "framesPerSecond", number);
    if (clean && text_list_has("0,1", clean))
        config_set_bool(&config, "cleanMode", *clean == '1');
    (void)config_save(&config);
    home_unlock(lock);
}
