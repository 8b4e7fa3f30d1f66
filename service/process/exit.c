/* SPDX-License-Identifier: MIT */
#include "service/process/exit.h"

#include <stdarg.h>
#include <stdio.h>

enum svc_exit svc_exit_fail(const char *fmt, ...)
{
    va_list args;
    fputs("ldplayerd: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return SVC_EXIT_FAILED;
}

enum svc_exit svc_exit_print(const struct buf *text)
{
    if (text->len > 0)
        fwrite(text->data, 1, text->len, stdout);
    if (fflush(stdout) != 0 || ferror(stdout))
        return svc_exit_fail("standard output cannot be written");
    return SVC_EXIT_OK;
}
