/* SPDX-License-Identifier: MIT */
#include "service/commands/report.h"

#include <stdio.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "service/reporting/eventlog.h"

enum { FILE_MAX = 1 << 16 };

static void tell_event_log(const char *file)
{
    struct buf text cleanup(buf_deinit);
    buf_init(&text, FILE_MAX);
    if (fs_read(file, &text) < 0 || text.len == 0)
        return;
    svc_eventlog_open();
    svc_eventlog_write(SVC_EVENTLOG_SETUP_FAILED, text.data);
    svc_eventlog_close();
}

enum svc_exit svc_report_run(enum svc_exit (*run)(const struct svc_args *args),
                             const struct svc_args *args, const char *file)
{
    char *folder cleanup(mem_freep) = fs_dirname(file);
    (void)fs_make_dirs(folder);
    if (!freopen(file, "w", stderr))
        return run(args); /* what it does matters more than what it says */
    enum svc_exit status = run(args);
    fclose(stderr);
    if (status == SVC_EXIT_OK)
        (void)fs_remove(file);
    else
        tell_event_log(file);
    return status;
}
