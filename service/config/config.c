/* SPDX-License-Identifier: MIT */
#include "service/config/config.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "service/config/nearest.h"
#include "service/process/platform.h"

enum { ENV_MAX = 4096 };

static void *field(struct svc_config *c, const struct svc_option *option)
{
    return (char *)c + option->offset;
}

static bool is_text(const struct svc_option *option)
{
    return option->type == SVC_OPTION_TEXT || option->type == SVC_OPTION_CHOICE;
}

static void store_text(struct svc_config *c, const struct svc_option *option, const char *text)
{
    char **slot = field(c, option);
    mem_free(*slot);
    *slot = mem_strdup(text);
}

static void set_origin(struct svc_config *c, const struct svc_option *option,
                       struct svc_origin origin)
{
    c->origins[svc_option_position(option)] = origin;
}

static void refuse(const struct svc_option *option, const char *where, const char *got,
                   struct svc_problems *problems)
{
    char rule[200];
    svc_problems_add(problems, "%s: %s is not allowed; it must be %s", where, got,
                     svc_option_rule(option, rule, sizeof(rule)));
}

void svc_config_set_number(struct svc_config *c, const struct svc_option *option, int64_t number,
                           struct svc_origin origin, const char *where,
                           struct svc_problems *problems)
{
    char got[32];
    snprintf(got, sizeof(got), "%" PRId64, number);
    if (number < option->min || number > option->max) {
        refuse(option, where, got, problems);
        return;
    }
    *(int64_t *)field(c, option) = number;
    set_origin(c, option, origin);
}

static bool is_choice(const struct svc_option *option, const char *text)
{
    for (const char *const *choice = option->choices; *choice; choice++) {
        if (strcmp(*choice, text) == 0)
            return true;
    }
    return false;
}

void svc_config_set_string(struct svc_config *c, const struct svc_option *option, const char *text,
                           struct svc_origin origin, const char *where,
                           struct svc_problems *problems)
{
    const char *refusal = svc_platform_refusal(option->name);
    if (refusal) {
        svc_problems_add(problems, "%s: %s", where, refusal);
        return;
    }
    if (!*text || (option->choices && !is_choice(option, text))) {
        char *got cleanup(mem_freep) = mem_printf("\"%s\"", text);
        refuse(option, where, got, problems);
        return;
    }
    store_text(c, option, text);
    set_origin(c, option, origin);
}

void svc_config_set_bool(struct svc_config *c, const struct svc_option *option, bool value,
                         struct svc_origin origin)
{
    *(bool *)field(c, option) = value;
    set_origin(c, option, origin);
}

static int parse_bool(const char *text, bool *ret)
{
    *ret = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    return *ret || strcmp(text, "false") == 0 || strcmp(text, "0") == 0 ? 0 : UV_EINVAL;
}

void svc_config_set_text(struct svc_config *c, const struct svc_option *option, const char *text,
                         enum svc_source source, const char *where, struct svc_problems *problems)
{
    struct svc_origin origin = {.source = source};
    int64_t number;
    bool value;
    if (is_text(option)) {
        svc_config_set_string(c, option, text, origin, where, problems);
        return;
    }
    if (option->type == SVC_OPTION_NUMBER && str_parse_i64n(text, strlen(text), &number) == 0) {
        svc_config_set_number(c, option, number, origin, where, problems);
        return;
    }
    if (option->type == SVC_OPTION_BOOL && parse_bool(text, &value) == 0) {
        svc_config_set_bool(c, option, value, origin);
        return;
    }
    char *got cleanup(mem_freep) = mem_printf("\"%s\"", text);
    refuse(option, where, got, problems);
}

static void set_default(struct svc_config *c, const struct svc_option *option)
{
    struct svc_origin origin = {.source = SVC_SOURCE_DEFAULT};
    if (is_text(option)) {
        store_text(c, option, option->fallback);
        set_origin(c, option, origin);
        return;
    }
    struct svc_problems none cleanup(svc_problems_deinit);
    svc_problems_init(&none);
    svc_config_set_text(c, option, option->fallback, SVC_SOURCE_DEFAULT, option->name, &none);
}

void svc_config_init(struct svc_config *c)
{
    *c = (struct svc_config){.file = NULL};
    for (size_t i = 0; i < svc_option_count; i++)
        set_default(c, &svc_option_table[i]);
    mem_free(c->data_dir);
    c->data_dir = svc_platform_data_dir();
}

void svc_config_deinit(struct svc_config *c)
{
    for (size_t i = 0; i < svc_option_count; i++) {
        if (is_text(&svc_option_table[i]))
            mem_free(*(char **)field(c, &svc_option_table[i]));
    }
    mem_free(c->file);
    *c = (struct svc_config){.file = NULL};
}

/* The variable's value in OUT; an empty one counts as none. */
static bool get_env(const char *name, char out[ENV_MAX])
{
    size_t n = ENV_MAX;
    return uv_os_getenv(name, out, &n) == 0 && *out;
}

/* One that is nearly the name of an option is a mistake; other names are none of ours. */
static void check_env_name(const char *name, struct svc_problems *problems)
{
    static const char prefix[] = "LDPLAYERD_";
    char typed[64], known[64], hint[80];
    struct svc_nearest nearest;
    if (!str_has_prefix(name, prefix) || strcmp(name, "LDPLAYERD_CONFIG") == 0)
        return;
    str_copy(typed, sizeof(typed), name + strlen(prefix));
    for (char *p = typed; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    svc_nearest_init(&nearest, typed);
    for (size_t i = 0; i < svc_option_count; i++) {
        svc_option_env_name(&svc_option_table[i], known, sizeof(known));
        if (strcmp(known, name) == 0)
            return;
        svc_nearest_offer(&nearest, svc_option_table[i].name);
    }
    if (nearest.best)
        svc_problems_add(problems, "%s: the environment names no option so%s", name,
                         svc_nearest_hint(&nearest, "", hint, sizeof(hint)));
}

static void check_env_names(struct svc_problems *problems)
{
    uv_env_item_t *items = NULL;
    int n = 0;
    if (uv_os_environ(&items, &n) < 0)
        return;
    for (int i = 0; i < n; i++)
        check_env_name(items[i].name, problems);
    uv_os_free_environ(items, n);
}

void svc_config_read_env(struct svc_config *c, struct svc_problems *problems)
{
    char name[64], text[ENV_MAX];
    for (size_t i = 0; i < svc_option_count; i++) {
        const struct svc_option *option = &svc_option_table[i];
        if (option->alias && get_env(option->alias, text)) {
            svc_config_set_text(c, option, text, SVC_SOURCE_ENV, option->alias, problems);
            c->origins[i].is_alias = c->origins[i].source == SVC_SOURCE_ENV;
        }
        svc_option_env_name(option, name, sizeof(name));
        if (get_env(name, text))
            svc_config_set_text(c, option, text, SVC_SOURCE_ENV, name, problems);
    }
    check_env_names(problems);
}

void svc_config_read_flags(struct svc_config *c, const struct svc_flag *flags, size_t n_flags,
                           struct svc_problems *problems)
{
    char where[64];
    for (size_t i = 0; i < n_flags; i++) {
        const struct svc_option *option = svc_option_find_flag(flags[i].name);
        if (!option)
            continue;
        snprintf(where, sizeof(where), "--%s", flags[i].name);
        svc_config_set_text(c, option, flags[i].value, SVC_SOURCE_FLAG, where, problems);
    }
}

/* An empty FIELD becomes VALUE, which is given up; NULL is none. */
static void fill(char **slot, char *value)
{
    if (**slot) {
        mem_free(value);
        return;
    }
    mem_free(*slot);
    *slot = value ? value : mem_strdup("none");
}

/* These defaults depend on another option or on the system. */
static void fill_local(struct svc_config *c)
{
    fill(&c->socket, svc_platform_socket(c->data_dir));
    fill(&c->pipe, svc_platform_pipe());
}

static const char *find_flag(const struct svc_flag *flags, size_t n_flags, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < n_flags; i++) {
        if (strcmp(flags[i].name, name) == 0)
            value = flags[i].value;
    }
    return value;
}

/* The file to read, owned by the caller, or NULL. A file that is named must exist; the one in the
 * data directory may. */
static char *choose_file(const struct svc_config *defaults, const struct svc_flag *flags,
                         size_t n_flags)
{
    char text[ENV_MAX];
    const char *named = find_flag(flags, n_flags, "config");
    if (named)
        return mem_strdup(named);
    if (get_env("LDPLAYERD_CONFIG", text))
        return mem_strdup(text);

    const char *data_dir = find_flag(flags, n_flags, "data-dir");
    if (!data_dir)
        data_dir = get_env("LDPLAYERD_DATA_DIR", text) ? text : defaults->data_dir;
    char *path cleanup(mem_freep) = fs_join(data_dir, "config.json");
    return fs_exists(path) ? take_ptr(path) : NULL;
}

int svc_config_load(const struct svc_flag *flags, size_t n_flags, struct svc_config *ret,
                    struct svc_problems *problems)
{
    unsigned before = problems->n;
    svc_config_init(ret);
    ret->file = choose_file(ret, flags, n_flags);
    if (ret->file)
        svc_config_read_file(ret, ret->file, problems);
    svc_config_read_env(ret, problems);
    svc_config_read_flags(ret, flags, n_flags, problems);
    fill_local(ret);
    svc_config_check(ret, problems);
    return problems->n == before ? 0 : UV_EINVAL;
}

char *svc_config_value(const struct svc_config *c, const struct svc_option *option)
{
    const char *at = (const char *)c + option->offset;
    if (is_text(option))
        return mem_strdup(*(char *const *)at);
    if (option->type == SVC_OPTION_BOOL)
        return mem_strdup(*(const bool *)at ? "true" : "false");
    return mem_printf("%" PRId64, *(const int64_t *)at);
}

char *svc_config_shown(const struct svc_config *c, const struct svc_option *option)
{
    char *value cleanup(mem_freep) = svc_config_value(c, option);
    if (option->is_secret && strcmp(value, option->fallback) != 0)
        return mem_strdup("(not shown)");
    return *value ? take_ptr(value) : mem_strdup("-");
}

char *svc_config_source(const struct svc_config *c, const struct svc_option *option)
{
    char name[64];
    struct svc_origin origin = c->origins[svc_option_position(option)];
    switch (origin.source) {
    case SVC_SOURCE_FILE:
        return mem_printf("file %s line %u", c->file, origin.line);
    case SVC_SOURCE_ENV:
        if (origin.is_alias)
            return mem_printf("environment %s", option->alias);
        svc_option_env_name(option, name, sizeof(name));
        return mem_printf("environment %s", name);
    case SVC_SOURCE_FLAG:
        svc_option_flag_name(option, name, sizeof(name));
        return mem_printf("flag --%s", name);
    case SVC_SOURCE_DEFAULT:
        break;
    }
    return mem_strdup("default");
}
