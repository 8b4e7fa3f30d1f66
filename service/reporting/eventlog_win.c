/* SPDX-License-Identifier: MIT */
#include "service/reporting/eventlog.h"

#include <string.h>

#include <uv.h>

#include <windows.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "base/text/wide_win.h"
#include "service/process/service_name.h"

/* Windows refuses an entry whose texts are longer than 31,839 characters. */
enum { MAX_DETAILS = 8000 };

static HANDLE source;

void svc_eventlog_open(void)
{
    if (!source)
        source = RegisterEventSourceW(NULL, SVC_SCM_NAME);
}

void svc_eventlog_close(void)
{
    if (source)
        DeregisterEventSource(source);
    source = NULL;
}

static WORD event_type(enum svc_eventlog_level level)
{
    static const WORD kinds[] = {
        [SVC_EVENTLOG_INFO] = EVENTLOG_INFORMATION_TYPE,
        [SVC_EVENTLOG_WARNING] = EVENTLOG_WARNING_TYPE,
        [SVC_EVENTLOG_ERROR] = EVENTLOG_ERROR_TYPE,
    };
    return kinds[level];
}

void svc_eventlog_write(enum svc_eventlog_id id, const char *details)
{
    enum svc_eventlog_level level = svc_eventlog_level(id);
    if (!source)
        return;
    char *text cleanup(mem_freep) = mem_strndup(details, MAX_DETAILS);
    str_make_utf8(text);
    char *plain cleanup(mem_freep) = svc_eventlog_plain(text);
    wchar_t *wide cleanup(mem_freep) = wide_from_utf8(plain);
    const wchar_t *inserts[] = {wide};
    /* Nothing can be done about one that is lost: the log has the same. */
    (void)ReportEventW(source, event_type(level), 0, (DWORD)level << 30 | (DWORD)id, NULL, 1, 0,
                       inserts, NULL);
}
