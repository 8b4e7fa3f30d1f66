/* SPDX-License-Identifier: MIT */
#include "service/process/win_error.h"

#include <stdarg.h>
#include <stdio.h>

#include <uv.h>

#include <windows.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/wide_win.h"

static const struct {
    unsigned long error;
    const char *advice;
} advices[] = {
    {ERROR_ACCESS_DENIED, "run this in a console that was opened as administrator"},
    {ERROR_SERVICE_DOES_NOT_EXIST, "install it with `ldplayerd service install`"},
    {ERROR_SERVICE_MARKED_FOR_DELETE,
     "something still has it open: close services.msc and other programs that show services and "
     "try again; a restart of Windows helps in any case"},
    {ERROR_SERVICE_NOT_ACTIVE, "start it with `ldplayerd service start`"},
    {ERROR_SERVICE_DISABLED, "enable it with `sc config ldplayerd start= delayed-auto`"},
    {ERROR_SERVICE_REQUEST_TIMEOUT,
     "the event log and the log file in the data directory say what the service did"},
    {ERROR_SERVICE_CANNOT_ACCEPT_CTRL, "it is starting or stopping; wait a moment and try again"},
    {ERROR_NONE_MAPPED, "name a user as DOMAIN\\NAME, COMPUTER\\NAME or by SID"},
    {ERROR_SHARING_VIOLATION, "another program has it open; stop the service first"},
    {ERROR_FILE_NOT_FOUND, "install it again: its program file is no longer there"},
};

static const char *find_advice(unsigned long error)
{
    for (size_t i = 0; i < countof(advices); i++) {
        if (advices[i].error == error)
            return advices[i].advice;
    }
    return NULL;
}

char *svc_win_error_text(unsigned long error)
{
    wchar_t text[512];
    DWORD n = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
                             error, 0, text, countof(text), NULL);
    while (n > 0 && (text[n - 1] <= L' ' || text[n - 1] == L'.'))
        n--;
    return n > 0 ? wide_to_utf8(text, (int)n) : mem_strdup("the system has no text for it");
}

enum svc_exit svc_win_error_fail(unsigned long error, const char *fmt, ...)
{
    char what[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    char *text cleanup(mem_freep) = svc_win_error_text(error);
    const char *advice = find_advice(error);
    return svc_exit_fail("%s: %s (error %lu)%s%s", what, text, error, advice ? "; " : "",
                         advice ? advice : "");
}
