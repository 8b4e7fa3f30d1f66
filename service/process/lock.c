/* SPDX-License-Identifier: MIT */
#include "service/process/lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/text/str.h"

const char svc_lock_service[] = "serve";

bool svc_lock_is_service(const struct svc_lock_holder *holder)
{
    return strcmp(holder->what, svc_lock_service) == 0;
}

void svc_lock_write_text(const char *what, char out[SVC_LOCK_TEXT_SIZE])
{
    snprintf(out, SVC_LOCK_TEXT_SIZE, "%d %.31s\n", (int)uv_os_getpid(), what);
}

void svc_lock_read_text(const char *text, struct svc_lock_holder *ret)
{
    char *rest;
    *ret = (struct svc_lock_holder){.pid = strtoll(text, &rest, 10)};
    str_copy(ret->what, sizeof(ret->what), rest + (*rest == ' '));
    ret->what[strcspn(ret->what, "\r\n")] = '\0';
}
