/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_CONFIG_H
#define SIMULATOR_CONFIG_H

#include "profile.h"

#include <yyjson.h>

/* The configuration of an instance, vms/config/leidian<N>.config: UTF-8 JSON with flat dotted
 * keys, 4 spaces of indent, CRLF.  Sparse: an absent key means its default.  Keys that we do not
 * know are kept. */
struct config {
    const char *path;
    yyjson_mut_doc *doc;
    yyjson_mut_val *root;
};

/** What list2 and a launch need to know of it; defaults filled in. */
struct config_summary {
    const char *title; /* NULL: the default title is in use */
    int width;
    int height;
    int dpi;
    int memory_mb;
    int adb_debug;
    const char *mac;
    const char *imei;
    const char *sim_serial;
    const char *android_id;
    bool truncated; /* shows the signs of a file that was cut while it was written */
};

/** An empty one, on no disk yet. */
struct config config_new(const char *path);

/** Open the file for a change; one that is missing counts as empty, and so does one that is no JSON
 *  in another way than LDPlayer's own: bare values such as 2/8*9 are read, and written again. */
struct config config_open(const char *path);
int config_save(const struct config *config);

void config_set_text(struct config *config, const char *key, const char *value);
void config_set_int(struct config *config, const char *key, int64_t value);
void config_set_bool(struct config *config, const char *key, bool value);
void config_set_size(struct config *config, const char *key, int width, int height);
bool config_has(const struct config *config, const char *key);

struct config_summary config_summary(const char *path, const struct profile *profile);

/** Make a configuration what it is after `add`; `title` NULL for the default one. */
void config_fill_new(struct config *config, const struct settings *settings, const char *title);

/** New identity numbers, as a copy gets them. */
void config_fill_identity(struct config *config);

/** Add what LDPlayer adds at the first launch. */
void config_fill_first_launch(struct config *config, const struct profile *profile);

/** Do to the file what a killed player does to it: `effect` is a value of kill_effect. */
void config_damage(const char *path, const char *effect);

/** Make the file what was found in the wild: `shape` is one of config_shapes. */
void config_reshape(const char *path, const char *shape);

/** Comma list. */
extern const char config_shapes[];

/** Write vms/config/leidians.config when it is not there. */
void config_write_global(const struct home *home);

/** Random text of `len` characters out of `alphabet`. */
char *config_random(const char *alphabet, size_t len);

#endif
