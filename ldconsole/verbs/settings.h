/* SPDX-License-Identifier: MIT */
#ifndef LDC_SETTINGS_H
#define LDC_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <yyjson.h>

#include "runner/argv.h"

/** The settings that can be changed and the config file shows: one table row each says the API
 *  name, the flag of `modify`, the config key, and which values are allowed (reference 1.4, 3.1).
 * Validation of requests, the `modify` command line, reading back, comparing, the API's JSON and
 * the OpenAPI document all come from that table. */
enum ldc_setting {
    LDC_SETTING_CPU,
    LDC_SETTING_MEMORY_MB,
    LDC_SETTING_MANUFACTURER,
    LDC_SETTING_MODEL,
    LDC_SETTING_PHONE_NUMBER,
    LDC_SETTING_IMEI,
    LDC_SETTING_IMSI,
    LDC_SETTING_SIM_SERIAL,
    LDC_SETTING_ANDROID_ID,
    LDC_SETTING_MAC,
    LDC_SETTING_AUTO_ROTATE,
    LDC_SETTING_LOCK_WINDOW,
    LDC_SETTING_ROOT,
    LDC_SETTING_ADB_DEBUG,
    LDC_SETTING_COUNT
};

enum ldc_setting_type { LDC_SETTING_INT, LDC_SETTING_TEXT, LDC_SETTING_BOOL };

struct ldc_setting_info {
    const char *name;       /* in the API: "memory_mb" */
    const char *flag;       /* for modify: "--memory"; NULL = it has none: see ldc_config_set */
    const char *config_key; /* in leidian<N>.config: "advancedSettings.memorySize" */
    enum ldc_setting_type type;
    const char *rule;   /* the allowed values in words, for refusals and documents */
    const int *allowed; /* integers: zero-terminated list of what every version takes */
    const int *newer;   /* and of what newer ones may take, which is tried (reference 11) */
    unsigned digits;    /* text: exact count of digits or hex digits, or the word auto; 0 = free */
    bool hex;           /* the digits are hexadecimal */
    const char *const *words; /* text: one of these, NULL-terminated; the file has its place */
};

extern const struct ldc_setting_info ldc_setting_table[LDC_SETTING_COUNT];

enum { LDC_SETTING_TEXT_MAX = 64 }; /* bytes of a free text value */

struct ldc_setting_value {
    bool is_set;
    int64_t number; /* integers and booleans */
    char text[LDC_SETTING_TEXT_MAX + 1];
};

/** With this much memory or less a guest crashes in a loop, and below that much it may
 *  (reference 5.2). */
enum { LDC_MEMORY_FLOOR_MB = 768, LDC_MEMORY_LOW_MB = 1536 };

/** A value type: copy by assignment. Resolution belongs to `modify` too but is one value of three.
 */
struct ldc_settings {
    struct ldc_setting_value values[LDC_SETTING_COUNT];
    bool has_resolution;
    int width, height, dpi;
};

/** One refused field, for a problem document. */
struct ldc_setting_error {
    char field[32];
    char rule[128];
};

/** Reads an object of the API ({"cpu": 2, ...}) into SETTINGS (values not named stay as they are).
 *  A number that ACTUAL has, the settings of the instance they are for (NULL: not known), is taken
 *  whatever it is. Returns the number of fields refused, of which the first MAX are in ERRORS. */
size_t ldc_settings_from_json(struct ldc_settings *settings, yyjson_val *object,
                              const struct ldc_settings *actual, struct ldc_setting_error *errors,
                              size_t max);
/** Adds the members `settings` and, where it is set, `resolution` to OBJECT. */
void ldc_settings_write(const struct ldc_settings *settings, yyjson_mut_doc *doc,
                        yyjson_mut_val *object);
/** Reads what ldc_settings_write added, allowed or not; of any other object nothing is set. */
void ldc_settings_read(yyjson_val *object, struct ldc_settings *ret);
/** Reads what ldc_settings_to_json wrote, allowed or not. */
void ldc_settings_from_record(struct ldc_settings *settings, yyjson_val *object);
/** Takes the numbers out of WANTED that ACTUAL has: ldconsole may refuse them all the same. */
void ldc_settings_drop_numbers(struct ldc_settings *wanted, const struct ldc_settings *actual);
/** Whether WANTED has a value that only newer versions may take and ACTUAL (may be NULL) has not;
 *  then the setting's name is in RET_NAME (static). */
bool ldc_settings_need_newer(const struct ldc_settings *wanted, const struct ldc_settings *actual,
                             const char **ret_name);
/** Reads {"width","height","dpi"}: 1 to 16384 pixels, 1 to 2000 dpi. Returns as above. */
size_t ldc_settings_resolution_from_json(struct ldc_settings *settings, yyjson_val *object,
                                         struct ldc_setting_error *errors, size_t max);
/** An object with every setting that is set; resolution is not part of it. */
yyjson_mut_val *ldc_settings_to_json(yyjson_mut_doc *doc, const struct ldc_settings *settings);
bool ldc_settings_is_empty(const struct ldc_settings *settings);
/** ADB debugging as the config file says it: 0 off, 1 local, 2 remote; -1 = not set. */
int ldc_settings_adb_debug(const struct ldc_settings *settings);
/** Another number than these is not set. */
void ldc_settings_set_adb_debug(struct ldc_settings *settings, int number);
/** Appends the flags of `modify` for every value that is set. */
void ldc_settings_append_flags(const struct ldc_settings *settings, struct argv *argv);
/** Whether a value is `auto`: LDPlayer is to make up another one. */
bool ldc_settings_has_auto(const struct ldc_settings *settings);
/** Those set in WANTED that do not stand in ACTUAL: 1 << enum ldc_setting, 1 << LDC_SETTING_COUNT
 * for the resolution. */
unsigned ldc_settings_differing(const struct ldc_settings *wanted,
                                const struct ldc_settings *before,
                                const struct ldc_settings *actual);
/** "cpu"; "resolution" for LDC_SETTING_COUNT. */
const char *ldc_setting_name(unsigned setting);
/** Takes over into SET those that are set in WANTED, as they are in ACTUAL; NULL: takes them out.
 */
void ldc_settings_take(struct ldc_settings *set, const struct ldc_settings *wanted,
                       const struct ldc_settings *actual);
/** Whether everything set in WANTED stands in ACTUAL. `auto` holds when the value is another than
 *  in BEFORE, or, where BEFORE is NULL, when there is one. Otherwise the first differing setting's
 *  name is in RET_NAME (static). */
bool ldc_settings_hold(const struct ldc_settings *wanted, const struct ldc_settings *before,
                       const struct ldc_settings *actual, const char **ret_name);

#endif
