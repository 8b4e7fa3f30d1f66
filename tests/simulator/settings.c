/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include "json.h"
#include "os.h"

#include <stdlib.h>
#include <string.h>

/* Somebody may save the file by hand just now, in two steps. */
enum { READ_TRIES = 10, READ_PAUSE_MS = 10 };

char *settings_path(const struct home *home)
{
    return home_path(home, "sim.json");
}

int settings_load(const struct home *home, struct settings *ret_settings, char **ret_error)
{
    char *path = settings_path(home);
    char *error = NULL;

    *ret_settings = (struct settings){.home = home};
    for (int i = 0; i < READ_TRIES; i++) {
        if (!os_exists(path))
            return 0;
        ret_settings->doc = json_read_file(path, &error);
        if (ret_settings->doc)
            return 0;
        os_sleep_ms(READ_PAUSE_MS);
    }
    *ret_error = mem_printf("%s: %s", path, error);
    return -1;
}

const char *settings_value_text(yyjson_val *value)
{
    if (yyjson_is_str(value))
        return yyjson_get_str(value);
    if (yyjson_is_bool(value))
        return yyjson_get_bool(value) ? "true" : "false";
    if (yyjson_is_int(value))
        return mem_printf("%lld", (long long)yyjson_get_sint(value));
    if (yyjson_is_real(value))
        return mem_printf("%.17g", yyjson_get_real(value));
    return NULL;
}

static const char *lookup(const struct settings *settings, const struct knob *knob, const char *key)
{
    yyjson_val *root = settings->doc ? yyjson_doc_get_root(settings->doc) : NULL;
    const char *value = settings_value_text(yyjson_obj_get(root, key));

    return value && knob_accepts(knob, value) ? value : NULL;
}

/* *ret_key is the key that answered, NULL when it is the initial value. */
static const char *resolve(const struct settings *settings, const char *name, struct scope scope,
                           char **ret_key)
{
    const struct knob *knob = knob_find(name);
    char *keys[4] = {NULL, NULL, NULL, mem_text(name)};

    if (!knob)
        abort();
    if (scope.index >= 0 && (knob->scope & KNOB_BY_INDEX))
        keys[2] = mem_printf("%s.%d", name, scope.index);
    if (*scope.verb && (knob->scope & KNOB_BY_VERB)) {
        keys[1] = mem_printf("%s.%s", name, scope.verb);
        keys[0] = keys[2] ? mem_printf("%s.%d", keys[1], scope.index) : NULL;
    }
    for (int i = 0; i < 4; i++) {
        const char *value = keys[i] ? lookup(settings, knob, keys[i]) : NULL;

        *ret_key = keys[i];
        if (value)
            return value;
    }
    *ret_key = NULL;
    return knob->initial;
}

const char *settings_text_at(const struct settings *settings, const char *knob, struct scope scope)
{
    char *key;

    return resolve(settings, knob, scope, &key);
}

const char *settings_text(const struct settings *settings, const char *knob)
{
    return settings_text_at(settings, knob, (struct scope){"", -1});
}

bool settings_bool(const struct settings *settings, const char *knob)
{
    return strcmp(settings_text(settings, knob), "true") == 0;
}

int64_t settings_int_at(const struct settings *settings, const char *knob, struct scope scope)
{
    return strtoll(settings_text_at(settings, knob, scope), NULL, 10);
}

int64_t settings_int(const struct settings *settings, const char *knob)
{
    return settings_int_at(settings, knob, (struct scope){"", -1});
}

int64_t settings_duration(const struct settings *settings, const char *knob, int index)
{
    double speed = strtod(settings_text(settings, "speed"), NULL);

    return (int64_t)((double)settings_int_at(settings, knob, (struct scope){"", index}) / speed);
}

/* Another call may have used up the last one between our reading and our lock, so read again. */
static bool use_one(const struct settings *settings, const char *knob, struct scope scope)
{
    intptr_t lock = home_lock(settings->home);
    struct settings fresh;
    char *key = NULL;
    char *error;
    int left = 0;
    bool taken = false;

    if (settings_load(settings->home, &fresh, &error) == 0 &&
        text_to_int(resolve(&fresh, knob, scope, &key), &left) && left > 0)
        taken = settings_store(settings->home, key, mem_printf("%d", left - 1)) == 0;
    home_unlock(lock);
    return taken;
}

bool settings_take(const struct settings *settings, const char *knob, struct scope scope)
{
    const char *value = settings_text_at(settings, knob, scope);

    if (text_list_has("always,true", value))
        return true;
    if (text_list_has("never,false,0", value))
        return false;
    return use_one(settings, knob, scope);
}

bool settings_fault(const struct settings *settings, int index, const char *fault)
{
    return text_list_has(settings_text(settings, "fault"), fault) ||
           text_list_has(settings_text_at(settings, "fault", (struct scope){"", index}), fault);
}

static yyjson_mut_val *to_json(yyjson_mut_doc *doc, const char *key, const char *value)
{
    const struct knob *knob;
    const char *verb;
    int64_t number;
    int index;

    if (!knob_parse_key(key, &knob, &verb, &index) || knob->kind == KNOB_TEXT)
        return yyjson_mut_strcpy(doc, value);
    if (text_list_has("true,false", value))
        return yyjson_mut_bool(doc, *value == 't');
    if (text_to_int64(value, &number))
        return yyjson_mut_sint(doc, number);
    if (knob->kind == KNOB_REAL)
        return yyjson_mut_real(doc, strtod(value, NULL));
    return yyjson_mut_strcpy(doc, value);
}

int settings_store(const struct home *home, const char *key, const char *value)
{
    struct settings now;
    yyjson_mut_doc *doc;
    yyjson_mut_val *root;
    yyjson_mut_val *name;
    char *error;

    if (settings_load(home, &now, &error) < 0)
        return -1;
    doc = now.doc ? yyjson_doc_mut_copy(now.doc, &json_alc) : yyjson_mut_doc_new(&json_alc);
    root = yyjson_mut_doc_get_root(doc);
    if (!root) {
        root = yyjson_mut_obj(doc);
        yyjson_mut_doc_set_root(doc, root);
    }
    name = yyjson_mut_strcpy(doc, key);
    if (!value)
        yyjson_mut_obj_remove_key(root, key);
    else if (yyjson_mut_obj_get(root, key))
        yyjson_mut_obj_replace(root, name, to_json(doc, key, value));
    else
        yyjson_mut_obj_add(root, name, to_json(doc, key, value));
    return json_replace_file(settings_path(home), doc, "\n");
}
