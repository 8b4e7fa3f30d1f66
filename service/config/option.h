/* SPDX-License-Identifier: MIT */
#ifndef SVC_OPTION_H
#define SVC_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What an option is; config.h has the values. */
enum svc_option_type { SVC_OPTION_TEXT, SVC_OPTION_NUMBER, SVC_OPTION_BOOL, SVC_OPTION_CHOICE };

struct svc_option {
    const char *section; /* heading in the documentation */
    const char *name;
    enum svc_option_type type;
    size_t offset;              /* of the field in struct svc_config */
    const char *fallback;       /* default as text; "" = none */
    const char *fallback_note;  /* what the default is, where it depends on the machine; or NULL */
    int64_t min, max;           /* numbers */
    const char *unit;           /* of numbers: "ms", "bytes", or NULL */
    const char *const *choices; /* NULL-terminated, or NULL */
    const char *bare;           /* what --flag without "=VALUE" means; NULL: it needs a value */
    const char *alias;          /* another environment variable, of an earlier system; or NULL */
    bool is_reloadable;         /* a reload applies it to the running service */
    bool is_secret;             /* the value is not shown */
    const char *help;           /* a sentence */
};

/** All of them (config_table.c). */
extern const struct svc_option svc_option_table[];
extern const size_t svc_option_count;

/** NULL when there is none. */
const struct svc_option *svc_option_find(const char *name);
size_t svc_option_position(const struct svc_option *option);
/** What values are allowed, in words, in OUT (which is returned). */
const char *svc_option_rule(const struct svc_option *option, char *out, size_t size);
/** "LDPLAYERD_MAX_CONNECTIONS" and "max-connections". */
void svc_option_env_name(const struct svc_option *option, char *out, size_t size);
void svc_option_flag_name(const struct svc_option *option, char *out, size_t size);
/** The option behind "max-connections", or NULL. */
const struct svc_option *svc_option_find_flag(const char *flag);

#endif
