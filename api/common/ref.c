/* SPDX-License-Identifier: MIT */
#include "api/common/ref.h"

#include <stdio.h>

#include "base/text/str.h"
#include "ldconsole/verbs/adb_serial.h"

static enum api_ref found(const struct cache_entry *entry, const struct cache_entry **ret)
{
    *ret = entry;
    return entry ? API_REF_FOUND : API_REF_MISSING;
}

enum api_ref api_ref_find(const struct cache_snapshot *s, const char *ref,
                          const struct cache_entry **ret)
{
    uint64_t index;
    size_t n;
    if (str_parse_u64(ref, INT32_MAX, &index) == 0)
        return found(cache_snapshot_by_index(s, (int)index), ret);
    if (str_has_prefix(ref, "adb:"))
        return found(cache_snapshot_by_index(s, ldc_adb_serial_index(ref + 4)), ret);
    if (!str_has_prefix(ref, "name:"))
        return found(cache_snapshot_by_id(s, ref), ret);
    *ret = cache_snapshot_by_name(s, ref + 5, &n);
    if (n > 1)
        return API_REF_AMBIGUOUS;
    return *ret ? API_REF_FOUND : API_REF_MISSING;
}

void api_ref_explain(enum api_ref outcome, const char *ref, struct api_problem *problem,
                     char *detail, size_t size)
{
    char shown[120];
    str_copy(shown, sizeof(shown), ref);
    if (outcome == API_REF_AMBIGUOUS) {
        snprintf(detail, size, "Several instances are called '%s'; use an index or an id.",
                 shown + 5);
        api_problem_init(problem, API_NAME_NOT_UNIQUE, detail);
    } else {
        snprintf(detail, size,
                 str_has_prefix(shown, "name:") ? "No instance has the name in '%s'."
                 : str_has_prefix(shown, "adb:")
                     ? "No instance has the serial in '%s'; index 0 has adb:emulator-5554 and "
                       "adb:127.0.0.1:5555, and each further index is two ports higher."
                     : "'%s' is neither the index nor the id of an instance; a name is written "
                       "name:TITLE, a serial adb:SERIAL.",
                 shown);
        api_problem_init(problem, API_INSTANCE_NOT_FOUND, detail);
    }
}
