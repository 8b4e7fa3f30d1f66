/* SPDX-License-Identifier: MIT */
#include "catalogue.h"
#include "json.h"
#include "ldsim.h"
#include "process.h"
#include "run.h"
#include "settings.h"

#include <string.h>

static bool is_valid(const char *key, const char *value)
{
    const struct knob *knob;
    const char *verb;
    int index;

    return value && knob_parse_key(key, &knob, &verb, &index) && knob_accepts(knob, value);
}

static void add_knobs(yyjson_mut_doc *doc, const struct settings *settings)
{
    yyjson_mut_val *root = yyjson_mut_doc_get_root(doc);
    yyjson_mut_val *set = yyjson_mut_obj_add_obj(doc, root, "knobs");
    yyjson_mut_val *bad = yyjson_mut_obj_add_arr(doc, root, "not_understood");
    yyjson_obj_iter iter =
        yyjson_obj_iter_with(settings->doc ? yyjson_doc_get_root(settings->doc) : NULL);
    yyjson_val *key;

    while ((key = yyjson_obj_iter_next(&iter))) {
        yyjson_val *value = yyjson_obj_iter_get_val(key);
        const char *name = yyjson_get_str(key);

        if (is_valid(name, settings_value_text(value)))
            yyjson_mut_obj_add_val(doc, set, name, yyjson_val_mut_copy(doc, value));
        else
            yyjson_mut_arr_add_str(doc, bad, name);
    }
}

static void add_instances(yyjson_mut_doc *doc, const struct settings *settings)
{
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, yyjson_mut_doc_get_root(doc), "instances");
    struct catalogue all = catalogue_load(settings);
    struct run_list runs = run_load_all(settings->home);

    for (size_t i = 0; i < all.n_items; i++) {
        yyjson_mut_val *item = yyjson_mut_arr_add_obj(doc, list);
        const struct run *run = run_list_find(&runs, all.items[i].index);

        yyjson_mut_obj_add_int(doc, item, "index", all.items[i].index);
        yyjson_mut_obj_add_strcpy(doc, item, "title", catalogue_title(settings, &all.items[i]));
        if (run)
            yyjson_mut_obj_add_strcpy(doc, item, "window", run->window);
    }
}

static void add_processes(yyjson_mut_doc *doc, const struct home *home)
{
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, yyjson_mut_doc_get_root(doc), "processes");
    struct process_list all = process_find(home, -1);

    for (size_t i = 0; i < all.n_items; i++) {
        yyjson_mut_val *item = yyjson_mut_arr_add_obj(doc, list);

        yyjson_mut_obj_add_int(doc, item, "index", all.items[i].index);
        yyjson_mut_obj_add_str(doc, item, "kind", all.items[i].kind);
        yyjson_mut_obj_add_int(doc, item, "pid", all.items[i].process.pid);
    }
}

int ldsim_show(const struct home *home)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(&json_alc);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    struct settings settings;
    char *error;

    if (settings_load(home, &settings, &error) < 0)
        return ldsim_fail(1, "%s", error);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "dir", home->dir);
    add_knobs(doc, &settings);
    add_instances(doc, &settings);
    add_processes(doc, home);
    ldsim_print("%s\n",
                yyjson_mut_write_opts(doc, YYJSON_WRITE_PRETTY_TWO_SPACES, &json_alc, NULL, NULL));
    return 0;
}
