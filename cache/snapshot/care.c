/* SPDX-License-Identifier: MIT */
#include "cache/snapshot/care.h"

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/text/json.h"
#include "base/text/str.h"

void cache_care_add_boot(struct cache_care *care, unsigned ms)
{
    if (care->n_boots == CACHE_CARE_BOOTS) {
        memmove(care->boots_ms, care->boots_ms + 1, sizeof(care->boots_ms) - sizeof(unsigned));
        care->n_boots--;
    }
    care->boots_ms[care->n_boots++] = ms;
}

void cache_care_add_act(struct cache_care *care, int64_t at)
{
    if (care->n_acts == CACHE_CARE_ACTS) {
        memmove(care->acted_at, care->acted_at + 1, sizeof(care->acted_at) - sizeof(int64_t));
        care->n_acts--;
    }
    care->acted_at[care->n_acts++] = at;
}

unsigned cache_care_count_acts(const struct cache_care *care, int64_t since)
{
    unsigned n = 0;
    for (unsigned i = 0; i < care->n_acts; i++)
        n += care->acted_at[i] > since;
    return n;
}

unsigned cache_care_longest_boot_ms(const struct cache_care *care)
{
    unsigned longest = 0;
    for (unsigned i = 0; i < care->n_boots; i++)
        longest = care->boots_ms[i] > longest ? care->boots_ms[i] : longest;
    return longest;
}

char *cache_care_write(const struct cache_care *care)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_val *boots = yyjson_mut_obj_add_arr(doc, root, "boots_ms");
    for (unsigned i = 0; i < care->n_boots; i++)
        yyjson_mut_arr_add_uint(doc, boots, care->boots_ms[i]);
    yyjson_mut_val *acts = yyjson_mut_obj_add_arr(doc, root, "acted_at");
    for (unsigned i = 0; i < care->n_acts; i++)
        yyjson_mut_arr_add_sint(doc, acts, care->acted_at[i]);
    if (care->booted.vm) {
        yyjson_mut_val *booted = yyjson_mut_obj_add_obj(doc, root, "booted");
        yyjson_mut_obj_add_sint(doc, booted, "vm", care->booted.vm);
        yyjson_mut_obj_add_str(doc, booted, "mac", care->booted.mac);
        yyjson_mut_obj_add_str(doc, booted, "android_id", care->booted.android_id);
        yyjson_mut_obj_add_str(doc, booted, "sim_serial", care->booted.sim_serial);
    }
    yyjson_mut_obj_add_bool(doc, root, "has_answered", care->has_answered);
    return json_write(doc);
}

static void read_text(yyjson_val *object, const char *key, char *ret, size_t size)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, key));
    str_copy(ret, size, text ? text : "");
}

static void read_booted(yyjson_val *object, struct cache_booted *ret)
{
    ret->vm = yyjson_get_sint(yyjson_obj_get(object, "vm"));
    read_text(object, "mac", ret->mac, sizeof(ret->mac));
    read_text(object, "android_id", ret->android_id, sizeof(ret->android_id));
    read_text(object, "sim_serial", ret->sim_serial, sizeof(ret->sim_serial));
}

void cache_care_read(const char *json, struct cache_care *ret)
{
    yyjson_doc *doc cleanup(json_doc_freep) = yyjson_read(json, strlen(json), YYJSON_READ_NOFLAG);
    yyjson_val *root = yyjson_doc_get_root(doc), *item;
    size_t i, max;
    *ret = (struct cache_care){0};
    read_booted(yyjson_obj_get(root, "booted"), &ret->booted);
    yyjson_val *boots = yyjson_obj_get(root, "boots_ms"), *acts = yyjson_obj_get(root, "acted_at");
    yyjson_arr_foreach(boots, i, max, item)
        cache_care_add_boot(ret, (unsigned)yyjson_get_uint(item));
    yyjson_arr_foreach(acts, i, max, item)
        cache_care_add_act(ret, yyjson_get_sint(item));
    ret->has_answered = yyjson_is_true(yyjson_obj_get(root, "has_answered"));
}
