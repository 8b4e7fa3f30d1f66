/* SPDX-License-Identifier: MIT */
#include "service/config/problems.h"

#include <stdarg.h>
#include <stdio.h>

void svc_problems_init(struct svc_problems *p)
{
    buf_init(&p->text, 0);
    p->n = 0;
}

void svc_problems_deinit(struct svc_problems *p)
{
    buf_deinit(&p->text);
}

void svc_problems_add(struct svc_problems *p, const char *fmt, ...)
{
    char line[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    (void)buf_printf(&p->text, "%s\n", line); /* has no maximum */
    p->n++;
}

const char *svc_problems_text(const struct svc_problems *p)
{
    return p->n ? p->text.data : "";
}
