/* SPDX-License-Identifier: MIT */
#include "adb.h"
#include "guest.h"
#include "os.h"
#include "timeline.h"
#include "verbs.h"
#include "words.h"

#include <string.h>

/* What goes into the guest.  All of it answers 0, whether it had any effect or not. */

static bool is_up(const struct call *call)
{
    struct run run;

    return run_load(call->home, call->index, &run) == 0 && timeline_is_up(&run, os_now_ms());
}

static char *package_of_file(const char *file)
{
    const char *name = file;

    for (const char *at = file; *at; at++)
        if (*at == '/' || *at == '\\')
            name = at + 1;
    return mem_text_n(name, strlen(name) - (text_ends(name, ".apk") ? 4 : 0));
}

void verb_installapp(struct call *call)
{
    const char *file = call_option(call, "--filename");
    const char *package = call_option(call, "--packagename");

    if (!is_up(call))
        return;
    if (file && os_exists(file))
        guest_install(call->home, call->index, package_of_file(file));
    else if (!file && package)
        guest_install(call->home, call->index, package);
}

void verb_uninstallapp(struct call *call)
{
    const char *package = call_option(call, "--packagename");

    if (package && is_up(call))
        (void)guest_uninstall(call->home, call->index, package);
}

void verb_runapp(struct call *call)
{
    const char *package = call_option(call, "--packagename");

    if (package && is_up(call))
        guest_run_app(call->home, call->index, package);
}

void verb_killapp(struct call *call)
{
    const char *package = call_option(call, "--packagename");

    if (package && is_up(call))
        guest_kill_app(call->home, call->index, package);
}

/* adb's exit code is lost on the way, and its complaints come out of standard output. */
void verb_adb(struct call *call)
{
    const char *command = call_option(call, "--command");
    struct words words =
        words_split(mem_printf("-s %s %s", adb_serial(call->index), command ? command : ""));
    struct adb adb = {.settings = call->settings};

    if (settings_bool(call->settings, "adb_echo"))
        text_printf(&call->out, "adb.exe %s\r\n", words_join(words.argc, words.argv));
    (void)adb_run(&adb, words.argc, words.argv);
    text_add_bytes(&call->out, adb.out.data, adb.out.len);
    text_add_bytes(&call->out, adb.err.data, adb.err.len);
    call->is_raw = true;
}

void verb_getprop(struct call *call)
{
    const char *key = call_option(call, "--key");

    if (!is_up(call))
        return;
    if (key)
        text_printf(&call->out, "%s\n", guest_get_prop(call->home, call->index, key));
    else
        guest_list_props(call->home, call->index, &call->out);
}

void verb_setprop(struct call *call)
{
    const char *key = call_option(call, "--key");
    const char *value = call_option(call, "--value");

    if (key && value && is_up(call))
        guest_set_prop(call->home, call->index, key, text_valid_utf8(value));
}

/* Actions are properties of the guest, as they were set by hand on LD3. */
void verb_action(struct call *call)
{
    const char *key = call_option(call, "--key");
    const char *value = call_option(call, "--value");
    const char *package = value ? strrchr(value, '/') : NULL;

    if (!key || !value || !is_up(call))
        return;
    if (strcmp(key, "call.launchapp") == 0)
        guest_run_app(call->home, call->index, value);
    else if (strcmp(key, "call.quitapp") == 0)
        guest_kill_app(call->home, call->index, value);
    else if (strcmp(key, "call.reboot") == 0)
        verb_reboot(call);
    if (strcmp(key, "call.reboot") == 0 && strcmp(value, "null") != 0)
        guest_run_app(call->home, call->index, package ? package + 1 : value);
    guest_set_prop(call->home, call->index, key, text_valid_utf8(value));
}

void verb_locate(struct call *call)
{
    const char *place = call_option(call, "--LLI");

    if (place)
        guest_set_prop(call->home, call->index, "locate", place);
}

void verb_downcpu(struct call *call)
{
    const char *rate = call_option(call, "--rate");

    if (rate)
        guest_set_prop(call->home, call->index, "downcpu", rate);
}
