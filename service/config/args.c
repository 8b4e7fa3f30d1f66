/* SPDX-License-Identifier: MIT */
#include "service/config/args.h"

#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "service/config/nearest.h"

enum { FLAG_NAME_MAX = 64 };

struct parser {
    const struct svc_args_rule *rule;
    struct svc_args *args;
    struct svc_problems *problems;
    char **next; /* NULL-terminated */
};

/* "force?" is what --force alone says. */
static bool is_switch(const char *flag, const char *name)
{
    size_t n = strlen(name);
    return strncmp(flag, name, n) == 0 && strcmp(flag + n, "?") == 0;
}

static bool is_own_flag(const struct svc_args_rule *rule, const char *name, const char **ret_bare)
{
    for (const char *const *flag = rule->flags; flag && *flag; flag++) {
        if (is_switch(*flag, name))
            *ret_bare = "true";
        if (*ret_bare || strcmp(*flag, name) == 0)
            return true;
    }
    return rule->takes_options && strcmp(name, "config") == 0;
}

/* *RET_BARE is what the flag means without a value, or NULL. */
static bool is_known(const struct parser *p, const char *name, const char **ret_bare)
{
    *ret_bare = NULL;
    if (is_own_flag(p->rule, name, ret_bare))
        return true;
    const struct svc_option *option = p->rule->takes_options ? svc_option_find_flag(name) : NULL;
    if (option)
        *ret_bare = option->bare;
    return option != NULL;
}

static void refuse_flag(const struct parser *p, const char *name)
{
    char names[SVC_CONFIG_MAX_OPTIONS][FLAG_NAME_MAX], hint[80];
    struct svc_nearest nearest;
    svc_nearest_init(&nearest, name);
    for (const char *const *flag = p->rule->flags; flag && *flag; flag++) {
        if (!str_has_suffix(*flag, "?"))
            svc_nearest_offer(&nearest, *flag);
    }
    for (size_t i = 0; p->rule->takes_options && i < svc_option_count; i++) {
        svc_option_flag_name(&svc_option_table[i], names[i], sizeof(names[i]));
        svc_nearest_offer(&nearest, names[i]);
    }
    svc_problems_add(p->problems, "--%.60s: there is no such flag%s", name,
                     svc_nearest_hint(&nearest, "--", hint, sizeof(hint)));
}

static void add_flag(struct parser *p, const char *name, const char *value)
{
    struct svc_args *args = p->args;
    args->flags[args->n_flags++] = (struct svc_flag){name, value};
}

static void parse_flag(struct parser *p, char *name)
{
    const char *bare, *value = NULL;
    char *equals = strchr(name, '=');
    if (equals) {
        *equals = '\0';
        value = equals + 1;
    }
    if (!is_known(p, name, &bare)) {
        refuse_flag(p, name);
        /* Its value, if it had one, is not a word of the command. */
        if (!value && *p->next && **p->next != '-')
            p->next++;
        return;
    }
    if (!value)
        value = bare ? bare : *p->next ? *p->next++ : NULL;
    if (value)
        add_flag(p, name, value);
    else
        svc_problems_add(p->problems, "--%s: a value must follow", name);
}

static void add_word(struct parser *p, const char *word)
{
    p->args->words[p->args->n_words++] = word;
}

static void check_words(const struct parser *p)
{
    const struct svc_args *args = p->args;
    if (args->n_words < p->rule->min_words)
        svc_problems_add(p->problems, "an argument is missing");
    else if (args->n_words > p->rule->max_words)
        svc_problems_add(
            p->problems, "\"%.60s\" is one argument too many%s", args->words[p->rule->max_words],
            p->rule->takes_options
                ? "; a value that an option can do without follows =, as in --simulate=5"
                : "");
}

int svc_args_parse(const struct svc_args_rule *rule, char **argv, struct svc_args *ret,
                   struct svc_problems *problems)
{
    unsigned before = problems->n;
    bool only_words = false;
    size_t n = 0;
    while (argv[n])
        n++;
    *ret = (struct svc_args){
        .words = mem_calloc(n + 1, sizeof(*ret->words)),
        .flags = mem_calloc(n + 1, sizeof(*ret->flags)),
    };
    struct parser p = {.rule = rule, .args = ret, .problems = problems, .next = argv};
    while (*p.next) {
        char *arg = *p.next++;
        if (only_words || *arg != '-' || arg[1] == '\0')
            add_word(&p, arg);
        else if (strcmp(arg, "--") == 0)
            only_words = true;
        else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
            ret->wants_help = true;
        else if (str_has_prefix(arg, "--"))
            parse_flag(&p, arg + 2);
        else
            svc_problems_add(problems, "%.60s: flags have two dashes", arg);
    }
    check_words(&p);
    return problems->n == before ? 0 : UV_EINVAL;
}

void svc_args_deinit(struct svc_args *args)
{
    mem_free(args->words);
    mem_free(args->flags);
}

const char *svc_args_flag(const struct svc_args *args, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < args->n_flags; i++) {
        if (strcmp(args->flags[i].name, name) == 0)
            value = args->flags[i].value;
    }
    return value;
}
