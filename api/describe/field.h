/* SPDX-License-Identifier: MIT */
#ifndef API_FIELD_H
#define API_FIELD_H

#include <stdbool.h>

#include <yyjson.h>

#include "api/describe/problem.h"
#include "cache/snapshot/instance.h"
#include "ldconsole/output/row.h"
#include "ldconsole/verbs/command.h"

/** The fields of request bodies: one table per body says which there are. Reading, refusing and
 *  the schemas of the OpenAPI document come from the same rows. */
enum api_field_kind {
    API_FIELD_TITLE,
    API_FIELD_SETTINGS,
    API_FIELD_RESOLUTION,
    API_FIELD_LABELS,
    API_FIELD_GROUP,
    API_FIELD_DESIRED,
    API_FIELD_REPAIR,
    API_FIELD_QUARANTINE,
    API_FIELD_UNTIL,
    API_FIELD_WINDOW,
    API_FIELD_FORCE,
    API_FIELD_TIMEOUT,
    API_FIELD_BEGIN_WITHIN,
    API_FIELD_PROFILE,
    API_FIELD_TOKEN_NAME,
    API_FIELD_ROLE,
    API_FIELD_EXPIRES,
    API_FIELD_ACTION,
    API_FIELD_SELECT,
    API_FIELD_OPTIONS,
    API_FIELD_WORKSTATION_NAME,
    API_FIELD_ADDRESS,
    API_FIELD_MAINTENANCE,
    API_FIELD_STAGED,
    API_FIELD_NOTE,
    API_FIELD_CHAOS_KIND,
    API_FIELD_CHAOS_VERB,
    API_FIELD_PERCENT,
    API_FIELD_LATENCY,
    API_FIELD_DURATION,
    API_FIELD_KIND_COUNT
};

struct api_field {
    const char *name; /* NULL ends a table */
    enum api_field_kind kind;
    bool is_required;
};

/** What the fields of a command say. */
struct api_command {
    char name[LDC_TITLE_SIZE]; /* "" = not given */
    struct ldc_settings settings;
    bool has_settings; /* settings or a resolution were given */
    char *labels;      /* JSON object text, owned; NULL = not given */
    char group[CACHE_GROUP_SIZE];
    bool has_group;
    int desired; /* enum cache_desired, -1 = not given */
    enum cache_repair_mode repair;
    bool has_repair;
    bool ends_quarantine;
    bool until_ready, force;
    enum ldc_window window;
    unsigned timeout_ms, begin_within_ms; /* 0 = not given */
};

void api_command_init(struct api_command *command);
void api_command_deinit(struct api_command *command);
/** Whether nothing at all is to be changed. */
bool api_command_is_empty(const struct api_command *command);
/** Whether it changes what is LDPlayer's, the name or settings, and not only what we keep. */
bool api_command_changes_settings(const struct api_command *command);

/** Where errors go and how their fields are called: PREFIX is "" or ends in a dot. */
struct api_field_reader {
    const char *prefix;
    struct api_field_errors *errors;
    bool has_guest; /* a guest tool stands beside ldconsole, so `until: ready` can be waited for */
    const struct ldc_settings *actual; /* of the one instance it is for; NULL = not known */
};

/** Reads OBJECT (NULL reads as {}) by the rows of FIELDS, kinds up to PROFILE. */
void api_command_read(const struct api_field_reader *reader, const struct api_field *fields,
                      yyjson_val *object, struct api_command *ret);
/** Refuses what is no object, unknown members and missing required ones. Returns false when
 *  OBJECT cannot be read at all. */
bool api_field_check(const struct api_field_reader *reader, const struct api_field *fields,
                     yyjson_val *object);
/** Adds an error for field NAME under the reader's prefix. */
void api_field_refuse(const struct api_field_reader *reader, const char *name, const char *rule);
/** The text of a JSON string without an embedded NUL, else NULL. */
const char *api_field_text(yyjson_val *value);
/** Why a label's key or value is refused, or NULL. */
const char *api_label_key_refusal(const char *key);
const char *api_label_value_refusal(yyjson_val *value);
/** Why VALUE is no set of labels, or NULL. */
const char *api_labels_refusal(yyjson_val *value);

enum {
    API_MAX_LABELS = 32,
    API_MAX_LABEL_KEY = 63,
    API_MAX_LABEL_VALUE = 256,
    API_MAX_TIMEOUT_S = 3600,
    API_MAX_BEGIN_WITHIN_S = 86400
};

extern const struct api_field api_fields_create[], api_fields_change[], api_fields_start[],
    api_fields_stop[], api_fields_restart[], api_fields_clone[], api_fields_rename[],
    api_fields_remove[], api_fields_batch[], api_fields_token[], api_fields_workstation[],
    api_fields_workstation_change[], api_fields_restore[], api_fields_breaker_force[],
    api_fields_breaker_disable[], api_fields_chaos[];

#endif
