/* SPDX-License-Identifier: MIT */
#include "service/config/config_docs.h"

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"

/* Appends to a buffer without a maximum, which cannot fail. */
#define put(out, ...) ((void)buf_printf(out, __VA_ARGS__))

static const char intro[] =
    "# Options of ldplayerd\n"
    "\n"
    "This page is what `ldplayerd config docs` prints; a test compares the two.\n"
    "\n"
    "Every option can be given in three places. An option `max_connections` is\n"
    "\n"
    "- the flag `--max-connections VALUE` of `ldplayerd serve`,\n"
    "- the environment variable `LDPLAYERD_MAX_CONNECTIONS`,\n"
    "- the key `\"max_connections\"` of the configuration file,\n"
    "\n"
    "and the first of these that is given wins; otherwise the default holds. The configuration\n"
    "file is the one that `--config FILE` or `LDPLAYERD_CONFIG` names, or `config.json` in the\n"
    "data directory where there is one. It holds one JSON object; comments (`//` and `/* */`)\n"
    "and trailing commas are allowed. Keys that do not exist, keys that stand twice, values of\n"
    "the wrong type and values out of range are refused, all of them at once, with file and\n"
    "line. Relative paths start at the working directory.\n"
    "\n"
    "`ldplayerd config show` prints the value of every option and where it comes from,\n"
    "`ldplayerd config check` says whether they are good; it does not look at the paths and addresses in them.\n"
    "\n"
    "Options marked *reload* are applied to a running service when it receives SIGHUP. A file\n"
    "with mistakes changes nothing then: the last good configuration stays.\n";

static const char *skip_repeat(const char *section, const char *before)
{
    return before && strcmp(section, before) == 0 ? NULL : section;
}

static void append_default(const struct svc_option *option, struct buf *out)
{
    if (option->fallback_note)
        put(out, "%s", option->fallback_note);
    else
        put(out, "`%s`", option->fallback);
}

static void append_row(const struct svc_option *option, struct buf *out)
{
    char rule[200];
    put(out, "| `%s` | %s | ", option->name, svc_option_rule(option, rule, sizeof(rule)));
    append_default(option, out);
    put(out, " | %s%s", option->help, option->is_reloadable ? " *reload*" : "");
    if (option->alias)
        put(out, " Also the environment variable `%s`.", option->alias);
    if (option->bare) {
        char flag[64];
        svc_option_flag_name(option, flag, sizeof(flag));
        put(out, " The flag `--%s` alone means `%s`.", flag, option->bare);
    }
    put(out, " |\n");
}

void svc_config_docs(struct buf *out)
{
    const char *before = NULL;
    put(out, "%s", intro);
    for (size_t i = 0; i < svc_option_count; i++) {
        const struct svc_option *option = &svc_option_table[i];
        const char *section = skip_repeat(option->section, before);
        if (section)
            put(out, "\n## %s\n\n| option | value | default | meaning |\n|---|---|---|---|\n",
                section);
        append_row(option, out);
        before = option->section;
    }
}

void svc_config_show(const struct svc_config *c, struct buf *out)
{
    for (size_t i = 0; i < svc_option_count; i++) {
        const struct svc_option *option = &svc_option_table[i];
        char *value cleanup(mem_freep) = svc_config_shown(c, option);
        char *source cleanup(mem_freep) = svc_config_source(c, option);
        put(out, "%-28s  %-24s  %s\n", option->name, value, source);
    }
}

void svc_config_help(struct buf *out)
{
    for (size_t i = 0; i < svc_option_count; i++) {
        const struct svc_option *option = &svc_option_table[i];
        char flag[64], rule[200];
        svc_option_flag_name(option, flag, sizeof(flag));
        put(out, "  --%s%s\n        %s\n        Value: %s.", flag,
            option->bare ? "[=VALUE]" : " VALUE", option->help,
            svc_option_rule(option, rule, sizeof(rule)));
        put(out, " Default: %s.\n",
            option->fallback_note ? option->fallback_note : option->fallback);
    }
}
