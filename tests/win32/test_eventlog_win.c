/* SPDX-License-Identifier: MIT */

/* service/reporting/eventlog_win.c and the message table in the program, whose path is the
 * argument. */

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include <uv.h>

#include <windows.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/wide_win.h"
#include "service/reporting/eventlog.h"

static int n_failed;

#define check(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                                 \
            n_failed++;                                                                            \
        }                                                                                          \
    } while (0)

static const enum svc_eventlog_id ids[] = {
    SVC_EVENTLOG_STARTED,          SVC_EVENTLOG_STOPPED,
    SVC_EVENTLOG_START_FAILED,     SVC_EVENTLOG_CRASHED,
    SVC_EVENTLOG_BREAKER_OPEN,     SVC_EVENTLOG_BREAKER_CLOSED,
    SVC_EVENTLOG_PIPE_TAKEN,       SVC_EVENTLOG_AGENT_REFUSED,
    SVC_EVENTLOG_CALLER_REFUSED,   SVC_EVENTLOG_AGENT_STARTED,
    SVC_EVENTLOG_AGENT_LOST,       SVC_EVENTLOG_NO_SESSION,
    SVC_EVENTLOG_LOG_TROUBLE,      SVC_EVENTLOG_DATABASE_REPAIRED,
    SVC_EVENTLOG_DATABASE_FAILING, SVC_EVENTLOG_DATABASE_RECOVERED,
    SVC_EVENTLOG_DISK_LOW,         SVC_EVENTLOG_DATABASE_MISSING,
};

static DWORD full_id(enum svc_eventlog_id id)
{
    return (DWORD)svc_eventlog_level(id) << 30 | (DWORD)id;
}

/* What the event viewer does. */
static void test_texts(HMODULE program)
{
    wchar_t text[1024], details[] = L"the details";
    DWORD_PTR inserts[] = {(DWORD_PTR)details};
    for (size_t i = 0; i < countof(ids); i++) {
        DWORD n =
            FormatMessageW(FORMAT_MESSAGE_FROM_HMODULE | FORMAT_MESSAGE_ARGUMENT_ARRAY, program,
                           full_id(ids[i]), 0, text, countof(text), (va_list *)inserts);
        check(n > 20);
        check(n > 0 && wcsstr(text, details));
    }
}

/* The newest entry of the Application log, or false where it cannot be read. */
static bool read_newest(EVENTLOGRECORD *record, DWORD size)
{
    DWORD n = 0, needed = 0;
    HANDLE log = OpenEventLogW(NULL, L"Application");
    if (!log)
        return false;
    BOOL is_read = ReadEventLogW(log, EVENTLOG_SEQUENTIAL_READ | EVENTLOG_BACKWARDS_READ, 0, record,
                                 size, &n, &needed);
    CloseEventLog(log);
    return is_read && n > 0;
}

static void test_entries(void)
{
    EVENTLOGRECORD *record cleanup(mem_freep) = mem_alloc(65536);
    HANDLE source = RegisterEventSourceW(NULL, L"ldplayerd");
    check(source != NULL);
    check(ReportEventW(source, EVENTLOG_INFORMATION_TYPE, 0, full_id(SVC_EVENTLOG_STARTED), NULL, 0,
                       0, NULL, NULL));
    DeregisterEventSource(source);
    svc_eventlog_write(SVC_EVENTLOG_STOPPED, "before it is open, nothing");
    svc_eventlog_open();
    svc_eventlog_write(SVC_EVENTLOG_BREAKER_OPEN, "name: list2 \xc3\xa4 \xff");
    svc_eventlog_close();
    if (!read_newest(record, 65536)) {
        printf("entries cannot be read back here (Wine keeps none); only their writing was seen\n");
        return;
    }
    check(record->EventID == full_id(SVC_EVENTLOG_BREAKER_OPEN));
    check(wcscmp((const wchar_t *)(record + 1), L"ldplayerd") == 0);
}

/* What Explorer shows as the file's properties. */
static void test_version(const wchar_t *path)
{
    HMODULE program = LoadLibraryExW(path, NULL, LOAD_LIBRARY_AS_DATAFILE);
    check(program && FindResourceW(program, MAKEINTRESOURCEW(1), MAKEINTRESOURCEW(16)));
    HRSRC manifest = FindResourceW(program, MAKEINTRESOURCEW(1), MAKEINTRESOURCEW(24));
    HGLOBAL loaded = manifest ? LoadResource(program, manifest) : NULL;
    const char *text = loaded ? LockResource(loaded) : NULL;
    DWORD n = SizeofResource(program, manifest);
    char *copy cleanup(mem_freep) = mem_strndup(text, n);
    check(copy && strstr(copy, "level=\"asInvoker\""));
    check(copy && strstr(copy, "longPathAware"));
    test_texts(program);
    FreeLibrary(program);
}

int main(int argc, char **argv)
{
    wchar_t *path cleanup(mem_freep) = wide_from_utf8(argc > 1 ? argv[1] : "ldplayerd.exe");
    test_version(path);
    test_entries();
    printf("%d failed\n", n_failed);
    return n_failed ? 1 : 0;
}
