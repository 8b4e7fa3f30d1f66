/* SPDX-License-Identifier: MIT */
#include "verbs.h"

#include <stdio.h>
#include <string.h>

/* modify: flags that we do not know are passed over without a word, as the real program does; a
 * value out of range refuses the whole call. */

enum { DIGITS, HEX_LOWER, HEX_UPPER };

struct flag {
    const char *name;
    const char *key;
    enum { FLAG_TEXT, FLAG_SIZE, FLAG_CPU, FLAG_MEMORY, FLAG_BOOL, FLAG_NUMBER } kind;
    size_t len;     /* FLAG_NUMBER: characters of it */
    int alphabet;   /* FLAG_NUMBER */
    bool root_only; /* only where the profile has it */
};

static const struct flag flags[] = {
    {"--resolution", "advancedSettings.resolution", FLAG_SIZE, 0, 0, false},
    {"--cpu", "advancedSettings.cpuCount", FLAG_CPU, 0, 0, false},
    {"--memory", "advancedSettings.memorySize", FLAG_MEMORY, 0, 0, false},
    {"--manufacturer", "propertySettings.phoneManufacturer", FLAG_TEXT, 0, 0, false},
    {"--model", "propertySettings.phoneModel", FLAG_TEXT, 0, 0, false},
    {"--pnumber", "propertySettings.phoneNumber", FLAG_TEXT, 0, 0, false},
    {"--imei", "propertySettings.phoneIMEI", FLAG_NUMBER, 15, DIGITS, false},
    {"--imsi", "propertySettings.phoneIMSI", FLAG_NUMBER, 15, DIGITS, false},
    {"--simserial", "propertySettings.phoneSimSerial", FLAG_NUMBER, 20, DIGITS, false},
    {"--androidid", "propertySettings.phoneAndroidId", FLAG_NUMBER, 16, HEX_LOWER, false},
    {"--mac", "propertySettings.macAddress", FLAG_NUMBER, 12, HEX_UPPER, false},
    {"--autorotate", "basicSettings.autoRotate", FLAG_BOOL, 0, 0, false},
    {"--lockwindow", "basicSettings.lockWindow", FLAG_BOOL, 0, 0, false},
    {"--root", "basicSettings.rootMode", FLAG_BOOL, 0, 0, true},
};

static const char *const alphabets[] = {
    [DIGITS] = "0123456789",
    [HEX_LOWER] = "0123456789abcdef",
    [HEX_UPPER] = "0123456789ABCDEF",
};

static bool read_size(const char *value, int *ret_size)
{
    char rest;

    return sscanf(value, "%d,%d,%d%c", &ret_size[0], &ret_size[1], &ret_size[2], &rest) == 3 &&
           ret_size[0] > 0 && ret_size[1] > 0 && ret_size[2] > 0;
}

static bool is_valid(const struct flag *flag, const char *value, const struct profile *profile)
{
    int size[3];

    switch (flag->kind) {
    case FLAG_SIZE:
        return read_size(value, size);
    case FLAG_CPU:
        return text_list_has(profile->cpu_values, value);
    case FLAG_MEMORY:
        return text_list_has(profile->memory_values, value);
    case FLAG_BOOL:
        return text_list_has("0,1", value);
    case FLAG_NUMBER:
        return strcmp(value, "auto") == 0 ||
               (strlen(value) == flag->len &&
                strspn(value, flag->alphabet == DIGITS ? "0123456789" : "0123456789abcdefABCDEF") ==
                    flag->len);
    case FLAG_TEXT:
        return true;
    }
    return false;
}

static void apply(struct config *config, const struct flag *flag, const char *value)
{
    int size[3];
    int number;

    switch (flag->kind) {
    case FLAG_SIZE:
        if (read_size(value, size)) {
            config_set_size(config, flag->key, size[0], size[1]);
            config_set_int(config, "advancedSettings.resolutionDpi", size[2]);
        }
        break;
    case FLAG_CPU:
    case FLAG_MEMORY:
        if (text_to_int(value, &number))
            config_set_int(config, flag->key, number);
        break;
    case FLAG_BOOL:
        config_set_bool(config, flag->key, strcmp(value, "1") == 0);
        break;
    case FLAG_NUMBER:
    case FLAG_TEXT:
        config_set_text(config, flag->key, value);
        break;
    }
}

static const struct flag *find_flag(const char *name, const struct profile *profile)
{
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (strcmp(flags[i].name, name) == 0 && (profile->has_root || !flags[i].root_only))
            return &flags[i];
    return NULL;
}

/* "auto" has to be the same number in every copy of the configuration, so it is drawn once. */
static void draw_numbers(struct call *call)
{
    for (int i = 0; i + 1 < call->argc; i++) {
        const struct flag *flag = find_flag(call->argv[i], call->profile);

        if (flag && flag->kind == FLAG_NUMBER && strcmp(call->argv[i + 1], "auto") == 0)
            call->argv[i + 1] = config_random(alphabets[flag->alphabet], flag->len);
    }
}

static void edit(struct config *config, void *arg)
{
    const struct call *call = arg;

    for (int i = 0; i + 1 < call->argc; i++) {
        const struct flag *flag = find_flag(call->argv[i], call->profile);

        if (flag)
            apply(config, flag, call->argv[++i]);
    }
}

void verb_modify(struct call *call)
{
    intptr_t lock;

    for (int i = 0; i + 1 < call->argc; i++) {
        const struct flag *flag = find_flag(call->argv[i], call->profile);

        if (flag && !is_valid(flag, call->argv[++i], call->profile)) {
            call_fail(call, "parameter error!", CALL_PARAMETER);
            return;
        }
    }
    draw_numbers(call);
    lock = home_lock(call->home);
    call_edit_config(call, edit, call);
    home_unlock(lock);
}
