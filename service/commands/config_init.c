/* SPDX-License-Identifier: MIT */
#include "service/commands/command.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/json.h"

enum { FILE_MAX = 1 << 20 };

static const char heading[] =
    "// Settings of ldplayerd. `ldplayerd config docs` describes every option,\n"
    "// `ldplayerd config check` finds mistakes before the next start does.\n";

static void append_value(const struct svc_config *config, const struct svc_option *option,
                         struct buf *out)
{
    char *value cleanup(mem_freep) = svc_config_value(config, option);
    if (option->type == SVC_OPTION_NUMBER || option->type == SVC_OPTION_BOOL)
        (void)buf_printf(out, "%s", value);
    else
        json_append_str(out, value);
}

/* What SOURCE gave, and not the place of the file itself. Returns how many. */
static unsigned append_options(const struct svc_config *config, enum svc_source source,
                               struct buf *out)
{
    const char *separator = "";
    unsigned n = 0;
    (void)buf_printf(out, "%s{", heading);
    for (size_t i = 0; i < svc_option_count; i++) {
        const struct svc_option *option = &svc_option_table[i];
        if (config->origins[i].source != source || strcmp(option->name, "data_dir") == 0)
            continue;
        (void)buf_printf(out, "%s\n    \"%s\": ", separator, option->name);
        append_value(config, option, out);
        separator = ",";
        n++;
    }
    (void)buf_printf(out, "\n}\n");
    return n;
}

/* Whether the file says, to the byte, what this command has once written there. Then what is asked
 * for now counts: who installs anew after a mistake has corrected it. */
static bool is_untouched(const char *path)
{
    struct svc_config config cleanup(svc_config_deinit);
    struct svc_problems problems cleanup(svc_problems_deinit);
    struct buf now cleanup(buf_deinit), made cleanup(buf_deinit);
    svc_config_init(&config);
    svc_problems_init(&problems);
    buf_init(&now, FILE_MAX);
    buf_init(&made, 0);
    svc_config_read_file(&config, path, &problems);
    (void)append_options(&config, SVC_SOURCE_FILE, &made);
    return problems.n == 0 && fs_read(path, &now) == 0 && now.len == made.len &&
           memcmp(now.data, made.data, now.len) == 0;
}

static enum svc_exit write_options(const struct svc_config *config, const char *path)
{
    struct buf text cleanup(buf_deinit);
    buf_init(&text, 0);
    bool is_there = fs_exists(path);
    if ((append_options(config, SVC_SOURCE_FLAG, &text) == 0 && is_there) ||
        (is_there && !is_untouched(path))) {
        printf("%s is there already and stays as it is.\n", path);
        return SVC_EXIT_OK;
    }
    int r = fs_make_dirs(config->data_dir);
    if (r == 0)
        r = fs_write_atomic(path, text.data, text.len);
    if (r < 0)
        return svc_exit_fail("%s cannot be written: %s", path, uv_strerror(r));
    (void)fs_give(path);
    printf("%s is written.\n", path);
    return SVC_EXIT_OK;
}

enum svc_exit svc_config_cmd_init(const struct svc_args *args)
{
    struct svc_config config cleanup(svc_config_deinit);
    enum svc_exit status = svc_command_config(args, &config);
    if (status != SVC_EXIT_OK)
        return status;
    char *path cleanup(mem_freep) = fs_join(config.data_dir, "config.json");
    return write_options(&config, path);
}
