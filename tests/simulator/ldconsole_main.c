/* SPDX-License-Identifier: MIT */
#include "calllog.h"
#include "codepage.h"
#include "faults.h"
#include "job.h"
#include "os.h"
#include "verbs.h"

#include <string.h>

static void run_verb(struct call *call, const struct verb *verb)
{
    if (call->index < 0) {
        switch (verb->missing) {
        case VERB_TEXT_FAILS:
            call_fail(call, "player don't exist!", CALL_MISSING);
            return;
        case VERB_TEXT_SUCCEEDS:
            call_fail(call, "player don't exist!", 0);
            return;
        case VERB_USAGE:
            call_fail_with_usage(call, CALL_MISSING);
            return;
        case VERB_SILENT:
            return;
        case VERB_ANY:
        case VERB_OWN:
            break;
        }
    }
    if (verb->run)
        verb->run(call);
}

static void print(struct call *call)
{
    const char *codepage = settings_text(call->settings, "codepage");
    struct text bytes = call->is_raw ? call->out : codepage_encode(&call->out, codepage);

    faults_print(call->settings, call_scope(call), &bytes);
}

/* A call that ignores its work still has to say what a good one would: add the next index. */
static void pretend(struct call *call)
{
    if (text_list_has("add,copy", call->verb))
        call->exit_code = catalogue_free_index(&call->catalogue);
}

static int answer(struct call *call)
{
    const struct verb *verb = verb_find(call->verb, call->profile);

    call->catalogue = catalogue_load(call->settings);
    call_select(call);
    faults_before(call->settings, call_scope(call));
    if (faults_crash(call->settings, call_scope(call)))
        return faults_crash_code;
    if (!verb)
        call_fail_with_usage(call, CALL_UNKNOWN);
    else if (faults_ignore(call->settings, call_scope(call)))
        pretend(call);
    else
        run_verb(call, verb);
    print(call);
    return faults_after(call->settings, call_scope(call), call->exit_code);
}

static const char *program_name(const char *path)
{
    const char *name = path;

    for (const char *at = path; *at; at++)
        if (*at == '/' || *at == '\\')
            name = at + 1;
    return text_starts(name, "dnconsole") ? "dnconsole" : "ldconsole";
}

int program_main(int argc, char **argv)
{
    struct home home = {.dir = os_self_dir()};
    struct call call = {.home = &home, .verb = argc > 1 ? argv[1] : "", .index = -1};
    struct settings settings;
    struct calllog log;
    char *error;
    int exit_code;

    if (settings_load(&home, &settings, &error) < 0) {
        os_write_stderr(error, strlen(error));
        return 1;
    }
    if (strcmp(call.verb, job_verb) == 0)
        return job_main(&settings, argc - 2, argv + 2);
    call.settings = &settings;
    call.profile = profile_get(&settings);
    call.program = program_name(argv[0]);
    call.argc = argc > 2 ? argc - 2 : 0;
    call.argv = argv + argc - call.argc;
    log = calllog_start(&settings, "ldconsole", argc - 1, argv + 1);
    exit_code = settings_bool(&settings, "error740") ? os_exit_not_elevated : answer(&call);
    calllog_end(&log, exit_code);
    if (exit_code == faults_crash_code)
        os_crash();
    return exit_code;
}
