/* SPDX-License-Identifier: MIT */
#include "service/config/option.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text/str.h"

const struct svc_option *svc_option_find(const char *name)
{
    for (size_t i = 0; i < svc_option_count; i++) {
        if (strcmp(svc_option_table[i].name, name) == 0)
            return &svc_option_table[i];
    }
    return NULL;
}

size_t svc_option_position(const struct svc_option *option)
{
    return (size_t)(option - svc_option_table);
}

void svc_option_env_name(const struct svc_option *option, char *out, size_t size)
{
    snprintf(out, size, "LDPLAYERD_%s", option->name);
    for (char *p = out; *p; p++) {
        if (*p >= 'a' && *p <= 'z')
            *p -= 'a' - 'A';
    }
}

void svc_option_flag_name(const struct svc_option *option, char *out, size_t size)
{
    snprintf(out, size, "%s", option->name);
    for (char *p = out; *p; p++) {
        if (*p == '_')
            *p = '-';
    }
}

const struct svc_option *svc_option_find_flag(const char *flag)
{
    char name[64];
    for (size_t i = 0; i < svc_option_count; i++) {
        svc_option_flag_name(&svc_option_table[i], name, sizeof(name));
        if (strcmp(name, flag) == 0)
            return &svc_option_table[i];
    }
    return NULL;
}

static void append_choices(const struct svc_option *option, char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "one of");
    for (size_t i = 0; option->choices[i] && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s %s", i ? "," : "", option->choices[i]);
}

const char *svc_option_rule(const struct svc_option *option, char *out, size_t size)
{
    switch (option->type) {
    case SVC_OPTION_NUMBER:
        snprintf(out, size, "a whole number from %" PRId64 " to %" PRId64 "%s%s", option->min,
                 option->max, option->unit ? " " : "", option->unit ? option->unit : "");
        break;
    case SVC_OPTION_BOOL:
        str_copy(out, size, "true or false");
        break;
    case SVC_OPTION_CHOICE:
        append_choices(option, out, size);
        break;
    case SVC_OPTION_TEXT:
        str_copy(out, size, "a text that is not empty");
        break;
    }
    return out;
}
