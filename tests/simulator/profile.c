/* SPDX-License-Identifier: MIT */
#include "profile.h"

#include <string.h>

static const struct profile profiles[] = {
    {
        .name = "ld9",
        .banner = "dnplayer Command Line Management Interface",
        .columns = 10,
        .has_list3 = true,
        .has_root = true,
        .has_window_flags = true,
        .memory_values = "256,512,768,1024,1536,2048,3072,4096,6144,8192",
        .cpu_values = "1,2,3,4,6,8",
        .copy_missing_is_usage = true,
        .headless = "Ld9BoxHeadless",
        .documents = "XuanZhi9",
        .width = 1280,
        .height = 720,
        .dpi = 240,
    },
    {
        .name = "ld4",
        .banner = "dnplayer Command Line Management Interface",
        .columns = 7,
        .has_no_starting = true,
        .memory_values = "512,1024,2048,4096,8192",
        .cpu_values = "1,2,3,4",
        .copy_missing_is_usage = true,
        .headless = "LdVBoxHeadless",
        .documents = "XuanZhi",
        .width = 1280,
        .height = 720,
        .dpi = 240,
    },
    {
        .name = "ld14",
        .banner = "dnplayer v14.0.25.1 Command Line Management Interface",
        .columns = 10,
        .has_root = true,
        .has_window_flags = true,
        .memory_values = "256,512,768,1024,1536,2048,3072,4096,6144,8192",
        .cpu_values = "1,2,3,4,6,8",
        .isrunning_says_stop = true,
        .headless = "Ld9BoxHeadless",
        .documents = "leidian14",
        .width = 1280,
        .height = 720,
        .dpi = 280,
    },
};

const struct profile *profile_get(const struct settings *settings)
{
    const char *name = settings_text(settings, "profile");

    for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++)
        if (strcmp(profiles[i].name, name) == 0)
            return &profiles[i];
    return &profiles[0];
}
