/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "os.h"

#include <string.h>

/* What stands in a configuration at which time of its life. */

/* Seeded once: thousands of instances are made in one go. */
static uint64_t next_random(void)
{
    static uint64_t state;

    if (!state)
        state = os_random() | 1;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

char *config_random(const char *alphabet, size_t len)
{
    char *ret = mem_alloc(len + 1);
    size_t n = strlen(alphabet);

    for (size_t i = 0; i < len; i++)
        ret[i] = alphabet[next_random() % n];
    return ret;
}

static char *random_digits(const char *prefix, size_t len)
{
    return mem_printf("%s%s", prefix, config_random("0123456789", len - strlen(prefix)));
}

void config_fill_identity(struct config *config)
{
    config_set_text(config, "propertySettings.phoneIMEI", random_digits("0100670", 15));
    config_set_text(config, "propertySettings.phoneIMSI", random_digits("460006", 15));
    config_set_text(config, "propertySettings.phoneSimSerial", random_digits("898600", 20));
    config_set_text(config, "propertySettings.phoneAndroidId",
                    config_random("0123456789abcdef", 16));
    config_set_text(config, "propertySettings.macAddress",
                    mem_printf("00DB%s", config_random("0123456789ABCDEF", 8)));
}

/* Eleven keys, and the title when it is not the default one. */
void config_fill_new(struct config *config, const struct settings *settings, const char *title)
{
    const struct profile *profile = profile_get(settings);

    config_fill_identity(config);
    config_set_text(config, "propertySettings.phoneModel", "SM-S9110");
    config_set_text(config, "propertySettings.phoneManufacturer", "samsung");
    if (title && *title)
        config_set_text(config, "statusSettings.playerName", title);
    config_set_int(config, "statusSettings.closeOption", 0);
    config_set_int(config, "basicSettings.adbDebug", settings_int(settings, "adb_debug_new"));
    config_set_size(config, "advancedSettings.resolution", profile->width, profile->height);
    config_set_int(config, "advancedSettings.resolutionDpi", profile->dpi);
}

static void set_int_once(struct config *config, const char *key, int64_t value)
{
    if (!config_has(config, key))
        config_set_int(config, key, value);
}

static void set_bool_once(struct config *config, const char *key, bool value)
{
    if (!config_has(config, key))
        config_set_bool(config, key, value);
}

static void set_text_once(struct config *config, const char *key, const char *value)
{
    if (!config_has(config, key))
        config_set_text(config, key, value);
}

static void fill_shared_folders(struct config *config, const struct profile *profile)
{
    static const char *const names[] = {"Applications", "Pictures", "Misc"};

    for (int i = 0; i < 3; i++)
        set_text_once(config, mem_printf("statusSettings.shared%s", names[i]),
                      mem_printf("C:/Users/user/Documents/%s/%s", profile->documents, names[i]));
}

void config_fill_first_launch(struct config *config, const struct profile *profile)
{
    fill_shared_folders(config, profile);
    set_bool_once(config, "statusSettings.isNewPlayer", false);
    set_int_once(config, "basicSettings.left", 320);
    set_int_once(config, "basicSettings.top", 120);
    set_int_once(config, "basicSettings.width", profile->width + 41);
    set_int_once(config, "basicSettings.height", profile->height + 36);
    set_int_once(config, "basicSettings.realWidth", profile->width + 42);
    set_int_once(config, "basicSettings.realHeigh", profile->height + 37);
    set_bool_once(config, "basicSettings.isForstStart", false);
    set_int_once(config, "basicSettings.mulFsAddSize", 0);
    set_int_once(config, "basicSettings.mulFsAutoSize", 2);
    set_bool_once(config, "basicSettings.verticalSync", true);
    set_int_once(config, "basicSettings.fsAutoSize", 0);
    set_int_once(config, "basicSettings.fps", 60);
    set_int_once(config, "advancedSettings.cpuCount", 2);
    set_int_once(config, "advancedSettings.memorySize", 2048);
}

/* The next boot takes the instance for a new machine: other size, ADB off, the name lost. */
static void reset(const char *path)
{
    struct config config = config_new(path);

    config_fill_identity(&config);
    config_set_bool(&config, "statusSettings.isNewPlayer", true);
    config_set_size(&config, "advancedSettings.resolution", 1920, 1080);
    config_set_int(&config, "advancedSettings.resolutionDpi", 280);
    (void)config_save(&config);
}

static void keep_backup(const char *path)
{
    (void)os_copy_file(path, mem_printf("%s.resbak", path));
}

/* Still JSON, most of it lost, the window sizes 0. */
static void truncate_config(const char *path)
{
    struct config config = config_new(path);

    keep_backup(path);
    for (int i = 0; i < 4; i++) {
        static const char *const keys[] = {"width", "height", "realWidth", "realHeigh"};

        config_set_int(&config, mem_printf("basicSettings.%s", keys[i]), 0);
    }
    (void)config_save(&config);
}

/* The first quarter of the bytes: no JSON any more. */
static void cut(const char *path)
{
    struct text bytes = {0};

    keep_backup(path);
    if (os_read_file(path, &bytes) == 0)
        (void)os_replace_file(path, bytes.data, bytes.len / 4);
}

void config_damage(const char *path, const char *effect)
{
    if (strcmp(effect, "reset") == 0)
        reset(path);
    else if (strcmp(effect, "truncate") == 0)
        truncate_config(path);
    else if (strcmp(effect, "cut") == 0)
        cut(path);
}

void config_write_global(const struct home *home)
{
    char *path = home_path(home, "vms/config/leidians.config");
    struct config config;

    if (os_exists(path))
        return;
    config = config_open(path);
    config_set_text(&config, "languageId", "en_US");
    config_set_text(&config, "productLanguageId", "en_US");
    config_set_bool(&config, "reduceAudio", false);
    config_set_bool(&config, "isSSD", true);
    config_set_bool(&config, "vmdkFastMode", false);
    config_set_bool(&config, "mulTab", false);
    config_set_text(&config, "basicSettings.lastIP", "");
    config_set_int(&config, "nextCheckupdateTime", 0);
    config_set_int(&config, "framesPerSecond", 60);
    config_set_int(&config, "windowsAlignType", 0);
    config_set_int(&config, "windowsRowCount", 4);
    config_set_int(&config, "batchStartInterval", 5);
    config_set_int(&config, "batchNewCount", 1);
    config_set_int(&config, "batchCloneCount", 1);
    (void)config_save(&config);
}
