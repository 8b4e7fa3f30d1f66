/* SPDX-License-Identifier: MIT */
#include "usage.h"

#include <string.h>

#define SELECTOR "<--name mnq_name | --index mnq_idx>"

static const char *const lines[] = {
    "quit " SELECTOR,
    "quitall",
    "launch " SELECTOR,
    "reboot " SELECTOR,
    "list",
    "runninglist",
    "isrunning " SELECTOR,
    "list2",
    "add [--name mnq_name]",
    "copy [--name mnq_name] --from <mnq_name | mnq_idx>",
    "remove " SELECTOR,
    "rename " SELECTOR " --title mnq_name",
    "modify " SELECTOR,
    "    [--resolution w,h,dpi]",
    "    [--cpu <1 | 2 | 3 | 4>]",
    NULL, /* --memory: its values depend on the version */
    "    [--manufacturer name]",
    "    [--model name]",
    "    [--pnumber number]",
    "    [--imei <auto | 15 digits>]",
    "    [--imsi <auto | 15 digits>]",
    "    [--simserial <auto | 20 digits>]",
    "    [--androidid <auto | 16 hex digits>]",
    "    [--mac <auto | 12 hex digits>]",
    "    [--autorotate <1 | 0>]",
    "    [--lockwindow <1 | 0>]",
    "    [--root <1 | 0>]",
    "installapp " SELECTOR " --filename apk_file",
    "installapp " SELECTOR " --packagename apk_package",
    "uninstallapp " SELECTOR " --packagename apk_package",
    "runapp " SELECTOR " --packagename apk_package",
    "killapp " SELECTOR " --packagename apk_package",
    "locate " SELECTOR " --LLI <longitude,latitude>",
    "adb " SELECTOR " --command \"adb arguments\"",
    "setprop " SELECTOR " --key name --value val",
    "getprop " SELECTOR " --key name",
    "downcpu " SELECTOR " --rate <0~100>",
    "backup " SELECTOR " --file path",
    "restore " SELECTOR " --file path",
    "action " SELECTOR " --key name --value val",
    "scan " SELECTOR " --file path",
    "sortWnd",
    "zoomIn " SELECTOR,
    "zoomOut " SELECTOR,
    "pull " SELECTOR " --remote path --local path",
    "push " SELECTOR " --remote path --local path",
    "backupapp " SELECTOR " --packagename apk_package --file path",
    "restoreapp " SELECTOR " --packagename apk_package --file path",
    "globalsetting [--fps <0~60>] [--audio <1 | 0>] [--fastplay <1 | 0>] [--cleanmode <1 | 0>]",
    "launchex " SELECTOR " --packagename apk_package",
    "operatelist " SELECTOR,
    "operateinfo " SELECTOR " --file path",
    "operaterecord " SELECTOR " --content json",
};

static void add_line(struct text *out, const char *line)
{
    text_printf(out, "%s\r\n", line);
}

void usage_add(struct text *out, const char *program, const struct settings *settings,
               const struct profile *profile)
{
    const char *banner = settings_text(settings, "banner");

    add_line(out, *banner ? banner : profile->banner);
    add_line(out, "All rights reserved.");
    add_line(out, "");
    add_line(out, "Usage:");
    add_line(out, "");
    add_line(out, mem_printf("%s <command> [parameter]", program));
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (!lines[i])
            add_line(out, mem_printf("    [--memory <%s>]", profile->memory_values));
        else if (profile->has_root || !strstr(lines[i], "--root"))
            add_line(out, lines[i]);
    }
}
