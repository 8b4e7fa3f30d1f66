/* SPDX-License-Identifier: MIT */
#include "calllog.h"

#include "json.h"
#include "os.h"

#include <string.h>
#include <time.h>

static char *time_text(int64_t wall_ns)
{
    time_t seconds = (time_t)(wall_ns / 1000000000);
    struct tm *utc = gmtime(&seconds);

    return mem_printf("%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc->tm_year + 1900, utc->tm_mon + 1,
                      utc->tm_mday, utc->tm_hour, utc->tm_min, utc->tm_sec,
                      (int)(wall_ns / 1000000 % 1000));
}

static yyjson_mut_doc *new_line(const struct calllog *log, const char *event)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(&json_alc);
    yyjson_mut_val *root = yyjson_mut_obj(doc);

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "event", event);
    yyjson_mut_obj_add_strcpy(doc, root, "time", time_text(os_wall_ns()));
    yyjson_mut_obj_add_int(doc, root, "pid", os_pid());
    yyjson_mut_obj_add_str(doc, root, "program", log->program);
    return doc;
}

static void append(const struct calllog *log, yyjson_mut_doc *doc)
{
    char *line = mem_printf("%s\n", json_line(doc));

    /* A log that cannot be written must not change what the call does. */
    (void)os_append_file(home_path(log->settings->home, "sim/calls.log"), line, strlen(line),
                         (uint64_t)settings_int(log->settings, "log_max_kb") * 1024);
}

struct calllog calllog_start(const struct settings *settings, const char *program, int argc,
                             char **argv)
{
    struct calllog log = {.program = program, .started_ms = os_now_ms()};
    yyjson_mut_doc *doc;
    yyjson_mut_val *list;

    if (!settings_bool(settings, "log"))
        return log;
    log.settings = settings;
    doc = new_line(&log, "start");
    list = yyjson_mut_obj_add_arr(doc, yyjson_mut_doc_get_root(doc), "argv");
    for (int i = 0; i < argc; i++)
        yyjson_mut_arr_add_strcpy(doc, list, text_valid_utf8(argv[i]));
    append(&log, doc);
    return log;
}

void calllog_end(const struct calllog *log, int exit_code)
{
    yyjson_mut_doc *doc;

    if (!log->settings)
        return;
    doc = new_line(log, "end");
    yyjson_mut_obj_add_int(doc, yyjson_mut_doc_get_root(doc), "exit", exit_code);
    yyjson_mut_obj_add_int(doc, yyjson_mut_doc_get_root(doc), "ms", os_now_ms() - log->started_ms);
    append(log, doc);
}
