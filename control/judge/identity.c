/* SPDX-License-Identifier: MIT */
#include "control/judge/identity.h"

#include <string.h>

#include "base/memory/cleanup.h"

/* What was seen, of the row and of the files of its index. */
struct seen {
    int index;
    const char *title; /* NULL = not known */
    const char *disk_id;
    const struct ldc_config *config; /* NULL = there is none */
};

static bool is_disk(const char *a, const char *b)
{
    return a[0] && strcmp(a, b) == 0;
}

struct marks {
    unsigned n_same, n_other;
};

/* A title that LDPlayer or somebody has set says something only beside the others. */
static struct marks compare_marks(const struct cache_instance *i, const struct seen *seen)
{
    static const enum ldc_setting settings[] = {LDC_SETTING_MAC, LDC_SETTING_ANDROID_ID};
    struct marks marks = {0};
    for (size_t n = 0; seen->config && n < countof(settings); n++) {
        const char *a = i->settings.values[settings[n]].text;
        const char *b = seen->config->settings.values[settings[n]].text;
        if (!a[0] || !b[0])
            continue;
        if (strcmp(a, b) == 0)
            marks.n_same++;
        else
            marks.n_other++;
    }
    return marks;
}

static bool has_all_marks(const struct cache_instance *i, const struct seen *seen)
{
    struct marks marks = compare_marks(i, seen);
    bool is_titled = !seen->title || strcmp(i->name, seen->title) == 0;
    return is_titled && marks.n_same > 0 && marks.n_other == 0;
}

static bool has_no_mark(const struct cache_instance *i, const struct seen *seen)
{
    struct marks marks = compare_marks(i, seen);
    bool is_titled = seen->title && strcmp(i->name, seen->title) == 0;
    return !is_titled && marks.n_other > 0 && marks.n_same == 0;
}

/* I has the index of what is seen. */
static bool is_same_at_index(const struct cache_instance *i, const struct seen *seen)
{
    if (!i->disk_id[0] || is_disk(i->disk_id, seen->disk_id))
        return true;
    return seen->disk_id[0] ? has_all_marks(i, seen) : !has_no_mark(i, seen);
}

static bool has_disk_elsewhere(const struct cache_instance *i, const struct ldc_configs *configs)
{
    for (size_t n = 0; i->disk_id[0] && n < configs->n_items; n++) {
        const struct ldc_config *config = &configs->items[n];
        if (config->index != i->index && is_disk(config->disk_id, i->disk_id))
            return true;
    }
    return false;
}

/* Whose disk has come to another index. One that is still where it was has a second name there, by
 * a link: what that name belongs to is another instance. */
static const struct cache_entry *find_moved(const struct cache_snapshot *snapshot,
                                            const struct ldc_configs *configs, const char *disk_id)
{
    for (size_t n = 0; disk_id[0] && n < cache_snapshot_count(snapshot); n++) {
        const struct cache_entry *entry = cache_snapshot_at(snapshot, n);
        if (!is_disk(disk_id, entry->instance.disk_id))
            continue;
        const struct ldc_config *there = ldc_configs_find(configs, entry->instance.index);
        if (!there || !is_disk(disk_id, there->disk_id))
            return entry;
    }
    return NULL;
}

static const struct cache_instance *find_former(const struct ctl_tombstones *tombstones,
                                                const struct seen *seen)
{
    for (size_t n = ctl_tombstones_count(tombstones); n > 0; n--) {
        const struct cache_instance *i = ctl_tombstones_at(tombstones, n - 1);
        if (i->index == seen->index && has_all_marks(i, seen))
            return i;
    }
    return NULL;
}

static const char *title_of(const struct ldc_config *config)
{
    return config && config->is_readable && config->player_name[0] ? config->player_name : NULL;
}

void ctl_identity_find(const struct cache_snapshot *snapshot,
                       const struct ctl_tombstones *tombstones, const struct ldc_configs *configs,
                       const struct ldc_row *row, struct ctl_identity *ret)
{
    const struct cache_entry *at = cache_snapshot_by_index(snapshot, row->index);
    const struct ldc_config *config = ldc_configs_find(configs, row->index);
    const char *title = title_of(config);
    struct seen seen = {row->index, title ? title : row->title, config ? config->disk_id : "",
                        config};
    *ret = (struct ctl_identity){0};
    if (at && is_disk(seen.disk_id, at->instance.disk_id)) {
        ret->known = at;
        return;
    }
    ret->known = find_moved(snapshot, configs, seen.disk_id);
    if (!ret->known)
        ret->former = ctl_tombstones_find(tombstones, seen.disk_id);
    if (ret->known || ret->former)
        return;
    if (at && is_same_at_index(&at->instance, &seen) && !has_disk_elsewhere(&at->instance, configs))
        ret->known = at;
    else
        ret->former = find_former(tombstones, &seen);
}

bool ctl_identity_has_files(const struct cache_instance *i, const struct ldc_config *config)
{
    struct seen seen = {config->index, title_of(config), config->disk_id, config};
    return is_same_at_index(i, &seen);
}
