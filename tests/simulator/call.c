/* SPDX-License-Identifier: MIT */
#include "call.h"

#include "os.h"
#include "usage.h"

#include <string.h>

const char *call_option(const struct call *call, const char *name)
{
    for (int i = 0; i + 1 < call->argc; i++)
        if (strcmp(call->argv[i], name) == 0)
            return call->argv[i + 1];
    return NULL;
}

void call_print_line(struct call *call, const char *line)
{
    text_printf(&call->out, "%s\r\n", line);
}

void call_fail(struct call *call, const char *text, int exit_code)
{
    text_add(&call->out, text);
    call->exit_code = exit_code;
}

void call_fail_with_usage(struct call *call, int exit_code)
{
    usage_add(&call->out, call->program, call->settings, call->profile);
    call->exit_code = exit_code;
}

void call_select(struct call *call)
{
    const char *index_text = call_option(call, "--index");
    const char *title = call_option(call, "--name");
    const struct instance *found = NULL;
    int index;

    call->index = -1;
    if (index_text && text_to_int(index_text, &index))
        found = catalogue_find(&call->catalogue, index);
    else if (!index_text && title)
        found = catalogue_find_title(call->settings, &call->catalogue, text_valid_utf8(title));
    if (found)
        call->index = found->index;
}

struct scope call_scope(const struct call *call)
{
    return (struct scope){.verb = call->verb, .index = call->index};
}

const struct instance *call_instance(const struct call *call)
{
    return catalogue_find(&call->catalogue, call->index);
}

void call_edit_config(const struct call *call, void (*edit)(struct config *config, void *arg),
                      void *arg)
{
    char *paths[] = {home_config_path(call->home, call->index),
                     home_run_config_path(call->home, call->index)};

    for (int i = 0; i < 2; i++) {
        struct config config;

        if (!os_exists(paths[i]))
            continue;
        config = config_open(paths[i]);
        edit(&config, arg);
        (void)config_save(&config);
    }
}
