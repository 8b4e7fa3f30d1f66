/* SPDX-License-Identifier: MIT */
#include "service/reporting/logging.h"

#include <stdio.h>
#include <string.h>

#include "base/log/log_file.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "service/reporting/eventlog.h"

static struct log_file *file;

char *svc_logging_path(const struct svc_config *config, bool is_service)
{
    if (strcmp(config->log_file, "none") == 0 || (!*config->log_file && !is_service))
        return NULL;
    if (*config->log_file)
        return mem_strdup(config->log_file);
    char *dir cleanup(mem_freep) = fs_join(config->data_dir, "logs");
    return fs_join(dir, "ldplayerd.log");
}

/* The log cannot be told of its own trouble. */
static void on_trouble(void *arg, const char *sentence)
{
    (void)arg;
    fprintf(stderr, "ldplayerd: %s\n", sentence);
    svc_eventlog_write(SVC_EVENTLOG_LOG_TROUBLE, sentence);
}

void svc_logging_start(const struct svc_config *config, bool is_service)
{
    enum log_level level;
    char *path cleanup(mem_freep) = svc_logging_path(config, is_service);
    if (log_level_parse(config->log_level, &level) == 0)
        log_set_level(level);
    if (!path)
        return;
    struct log_file_options options = {
        .path = path,
        .max_bytes = (uint64_t)config->log_max_mb << 20,
        .keep_files = (unsigned)config->log_keep_files,
        .keep_days = (unsigned)config->log_keep_days,
        .on_trouble = on_trouble,
    };
    file = log_file_new(&options);
    log_set_sink(log_file_write, file);
}

void svc_logging_stop(void)
{
    log_set_sink(NULL, NULL);
    log_file_free(take_ptr(file));
}
