/* SPDX-License-Identifier: MIT */
#include "service/app/app_private.h"

#include <string.h>

#include "base/log/log.h"
#include "base/memory/mem.h"

static void log_problems(const struct svc_problems *problems)
{
    const char *line = svc_problems_text(problems);
    log_error("service", "the configuration has mistakes; the last good one stays");
    while (*line) {
        size_t n = strcspn(line, "\n");
        log_error("service", "%.*s", (int)n, line);
        line += n + 1;
    }
}

static void compare(struct svc_app *app, const struct svc_config *fresh,
                    const struct svc_option *option)
{
    struct svc_problems none cleanup(svc_problems_deinit);
    char *before cleanup(mem_freep) = svc_config_value(app->config, option);
    char *after cleanup(mem_freep) = svc_config_value(fresh, option);
    char *was cleanup(mem_freep) = svc_config_shown(app->config, option);
    char *is cleanup(mem_freep) = svc_config_shown(fresh, option);
    enum svc_source source = fresh->origins[svc_option_position(option)].source;
    svc_problems_init(&none);
    if (strcmp(before, after) == 0)
        return;
    if (option->is_reloadable) {
        log_info("service", "%s is now %s (was %s)", option->name, is, was);
        svc_config_set_text(app->config, option, after, source, option->name, &none);
    } else {
        log_warning("service", "%s is %s in the configuration; it stays %s until the next start",
                    option->name, is, was);
    }
}

void svc_app_reload(struct svc_app *app)
{
    struct svc_config fresh cleanup(svc_config_deinit);
    struct svc_problems problems cleanup(svc_problems_deinit);
    enum log_level level;
    svc_problems_init(&problems);
    if (app->is_stopping)
        return;
    if (svc_config_load(app->options.flags, app->options.n_flags, &fresh, &problems) < 0) {
        log_problems(&problems);
        return;
    }
    for (size_t i = 0; i < svc_option_count; i++)
        compare(app, &fresh, &svc_option_table[i]);
    if (log_level_parse(app->config->log_level, &level) == 0)
        log_set_level(level);
    log_info("service", "the configuration was read again");
    svc_app_tell_reloaded(app);
}
