/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "json.h"
#include "os.h"

#include <string.h>

/* Configuration files as people have them (reference 11). */

const char config_shapes[] = "expression,texts,reals,minified,bom,truncated";

static void make_text(yyjson_mut_val *number)
{
    yyjson_mut_set_str(number, mem_printf("%lld", (long long)yyjson_mut_get_sint(number)));
}

static void make_real(yyjson_mut_val *number)
{
    yyjson_mut_set_real(number, (double)yyjson_mut_get_sint(number));
}

/* Every whole number, those of the resolution too. */
static void change_numbers(yyjson_mut_val *object, void (*change)(yyjson_mut_val *number))
{
    yyjson_mut_obj_iter iter = yyjson_mut_obj_iter_with(object);
    yyjson_mut_val *key;

    while ((key = yyjson_mut_obj_iter_next(&iter))) {
        yyjson_mut_val *value = yyjson_mut_obj_iter_get_val(key);

        if (yyjson_mut_is_obj(value))
            change_numbers(value, change);
        else if (yyjson_mut_is_int(value))
            change(value);
    }
}

static void minify(const struct config *config)
{
    char *line = json_line(config->doc);

    (void)os_replace_file(config->path, line, strlen(line));
}

static void add_bom(const char *path)
{
    struct text bytes = {0};
    struct text out = {0};

    text_add(&out, "\xEF\xBB\xBF");
    if (os_read_file(path, &bytes) < 0)
        return;
    text_add_bytes(&out, bytes.data, bytes.len);
    (void)os_replace_file(path, out.data, out.len);
}

void config_reshape(const char *path, const char *shape)
{
    struct config config = config_open(path);

    if (strcmp(shape, "truncated") == 0) {
        config_damage(path, "cut");
        return;
    }
    config_set_int(&config, "advancedSettings.cpuCount", 4);
    config_set_int(&config, "advancedSettings.memorySize", 3072);
    if (strcmp(shape, "expression") == 0)
        yyjson_mut_obj_put(config.root, yyjson_mut_str(config.doc, "basicSettings.mulFsAutoSize"),
                           yyjson_mut_raw(config.doc, "2/8*9"));
    else if (strcmp(shape, "texts") == 0)
        change_numbers(config.root, make_text);
    else if (strcmp(shape, "reals") == 0)
        change_numbers(config.root, make_real);
    if (strcmp(shape, "minified") == 0) {
        minify(&config);
        return;
    }
    (void)config_save(&config);
    if (strcmp(shape, "bom") == 0)
        add_bom(path);
}
