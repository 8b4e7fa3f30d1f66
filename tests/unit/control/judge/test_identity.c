/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"
#include "control/judge/identity.h"

#define ONE "11111111-1111-4111-8111-111111111111"
#define TWO "22222222-2222-4222-8222-222222222222"
#define GONE "33333333-3333-4333-8333-333333333333"

/* What an instance is known by, read from "DISK TITLE MAC ANDROID_ID"; "" = that is not known, or
 * not there: "-". */
struct marks {
    char disk[8], title[8], mac[8], android_id[8];
};

static void read_marks(const char *text, struct marks *ret)
{
    char *const parts[] = {ret->disk, ret->title, ret->mac, ret->android_id};
    cr_assert_eq(sscanf(text, "%7s %7s %7s %7s", ret->disk, ret->title, ret->mac, ret->android_id),
                 4);
    for (size_t i = 0; i < countof(parts); i++) {
        if (strcmp(parts[i], "-") == 0)
            *parts[i] = '\0';
    }
}

static void set_marks(struct ldc_settings *settings, const struct marks *marks)
{
    struct ldc_setting_value *mac = &settings->values[LDC_SETTING_MAC];
    struct ldc_setting_value *android_id = &settings->values[LDC_SETTING_ANDROID_ID];
    mac->is_set = marks->mac[0];
    str_copy(mac->text, sizeof(mac->text), marks->mac);
    android_id->is_set = marks->android_id[0];
    str_copy(android_id->text, sizeof(android_id->text), marks->android_id);
}

static void make(struct cache_instance *i, int index, const char *id, const char *text)
{
    struct marks marks;
    read_marks(text, &marks);
    cache_instance_init(i);
    i->index = index;
    str_copy(i->id, sizeof(i->id), id);
    str_copy(i->name, sizeof(i->name), marks.title);
    str_copy(i->disk_id, sizeof(i->disk_id), marks.disk);
    set_marks(&i->settings, &marks);
}

/* Instance 1 is known as given, 2 has disk-b, and a third that had index 3 is gone, as given. */
static const struct {
    const char *what;
    const char *one, *gone;
    int index;
    const char *seen;
    const char *id; /* NULL = a new one */
} rows[] = {
    {"same disk", "a one - -", "g - - -", 1, "a other - -", ONE},
    {"another disk", "a one - -", "g - - -", 1, "x one - -", NULL},
    {"moved to another index", "a one - -", "g - - -", 7, "a one - -", ONE},
    {"moved to the index of another", "a one - -", "g - - -", 1, "b one m1 x1", TWO},
    {"an index that nobody had", "a one - -", "g - - -", 5, "x one m1 x1", NULL},
    {"rewritten", "a one m1 x1", "g - - -", 1, "x one m1 x1", ONE},
    {"rewritten, one mark known", "a one m1 -", "g - - -", 1, "x one m1 -", ONE},
    {"rewritten, no mark known", "a one - -", "g - - -", 1, "x one - -", NULL},
    {"rewritten and another title", "a one m1 -", "g - - -", 1, "x two m1 -", NULL},
    {"rewritten and another MAC", "a one m1 x1", "g - - -", 1, "x one m2 x1", NULL},
    {"no disk to see", "a one - -", "g - - -", 1, "- one - -", ONE},
    {"no disk to see, renamed", "a one m1 -", "g - - -", 1, "- two m1 -", ONE},
    {"no disk to see, all set anew", "a one m1 -", "g - - -", 1, "- one m2 -", ONE},
    {"given away, no disk yet", "a one m1 -", "g - - -", 1, "- two m2 -", NULL},
    {"its disk was never seen", "- one m1 -", "g - - -", 1, "- two m2 -", ONE},
    {"its first disk", "- one - -", "g - - -", 1, "x one - -", ONE},
    {"back with its disk", "a one - -", "g three - -", 3, "g x - -", GONE},
    {"back at another index", "a one - -", "g three - -", 9, "g x - -", GONE},
    {"back in the place of another", "a one - -", "g three - -", 1, "g x - -", GONE},
    {"back as a copy", "a one - -", "g three m3 -", 3, "x three m3 -", GONE},
    {"back without a disk", "a one - -", "- three m3 -", 3, "- three m3 -", GONE},
    {"its title is back", "a one - -", "g three - -", 3, "x three - -", NULL},
    {"a copy of it at another index", "a one - -", "g three m3 -", 4, "x three m3 -", NULL},
};

Test(ctl_identity, disk_then_marks_then_index)
{
    for (size_t n = 0; n < countof(rows); n++) {
        struct cache_snapshot *snapshot = cache_snapshot_new(NULL, NULL);
        struct ctl_tombstones *tombstones = ctl_tombstones_new();
        struct cache_instance one, two, gone;
        struct marks seen;
        read_marks(rows[n].seen, &seen);
        make(&one, 1, ONE, rows[n].one);
        make(&two, 2, TWO, "b two m9 x9");
        make(&gone, 3, GONE, rows[n].gone);
        cache_snapshot_put_one(snapshot, &one);
        cache_snapshot_put_one(snapshot, &two);
        ctl_tombstones_add(tombstones, &gone);
        struct ldc_config config = {.index = rows[n].index, .is_readable = true};
        str_copy(config.disk_id, sizeof(config.disk_id), seen.disk);
        set_marks(&config.settings, &seen);
        struct ldc_configs configs = {.items = &config, .n_items = 1};
        struct ldc_row row = {.index = rows[n].index};
        str_copy(row.title, sizeof(row.title), seen.title);
        struct ctl_identity is;
        ctl_identity_find(snapshot, tombstones, &configs, &row, &is);
        const char *id = is.known ? is.known->instance.id : is.former ? is.former->id : NULL;
        cr_expect(rows[n].id ? id && strcmp(id, rows[n].id) == 0 : !id, "%s: %s", rows[n].what, id);
        ctl_tombstones_free(tombstones);
        cache_snapshot_free(snapshot);
        cache_instance_deinit(&one);
        cache_instance_deinit(&two);
        cache_instance_deinit(&gone);
    }
}

/* Its disk was moved, and something else lies where it was. */
Test(ctl_identity, whose_disk_is_at_another_index_is_not_here)
{
    struct cache_snapshot *snapshot = cache_snapshot_new(NULL, NULL);
    struct ctl_tombstones *tombstones = ctl_tombstones_new();
    struct cache_instance one;
    make(&one, 1, ONE, "a one m1 -");
    cache_snapshot_put_one(snapshot, &one);
    struct ldc_config files[2] = {{.index = 1}, {.index = 7, .disk_id = "a"}};
    struct ldc_configs configs = {.items = files, .n_items = 2};
    struct ldc_row here = {.index = 1, .title = "one"}, there = {.index = 7, .title = "one"};
    struct ctl_identity is;
    ctl_identity_find(snapshot, tombstones, &configs, &here, &is);
    cr_expect(!is.known && !is.former);
    ctl_identity_find(snapshot, tombstones, &configs, &there, &is);
    cr_expect(is.known && strcmp(is.known->instance.id, ONE) == 0);
    ctl_tombstones_free(tombstones);
    cache_snapshot_free(snapshot);
    cache_instance_deinit(&one);
}

/* Somebody has made another instance with a link to its disk. */
Test(ctl_identity, a_second_name_of_a_disk_is_another_instances)
{
    struct cache_snapshot *snapshot = cache_snapshot_new(NULL, NULL);
    struct ctl_tombstones *tombstones = ctl_tombstones_new();
    struct cache_instance one;
    make(&one, 1, ONE, "a one m1 -");
    cache_snapshot_put_one(snapshot, &one);
    struct ldc_config files[2] = {{.index = 1, .disk_id = "a"}, {.index = 5, .disk_id = "a"}};
    struct ldc_configs configs = {.items = files, .n_items = 2};
    struct ldc_row first = {.index = 1, .title = "one"}, second = {.index = 5, .title = "five"};
    struct ctl_identity is;
    ctl_identity_find(snapshot, tombstones, &configs, &second, &is);
    cr_expect(!is.known && !is.former);
    ctl_identity_find(snapshot, tombstones, &configs, &first, &is);
    cr_expect(is.known && strcmp(is.known->instance.id, ONE) == 0);
    ctl_tombstones_free(tombstones);
    cache_snapshot_free(snapshot);
    cache_instance_deinit(&one);
}
