/* SPDX-License-Identifier: MIT */
/* The config files of one installation, kept up to date by their times and sizes. This runs beside
 * every list2, so in the usual case (same files, nothing changed) it costs two stats an instance,
 * and four for the first hour of one. */
#include "ldconsole/install/configs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "ldconsole/install/config_keep.h"
#include "ldconsole/verbs/timing.h"

enum { MAX_INDEX_DIGITS = 9 };

/* So many are held against their copies at once: the first look at a farm of thousands goes on. */
enum { COPIES_A_LOOK = 256 };

struct indexes {
    int *items;
    size_t n_items, cap;
};

static bool parse_name(const char *name, int *ret_index)
{
    static const char prefix[] = "leidian", suffix[] = ".config";
    size_t n = strlen(name);
    if (!str_has_prefix(name, prefix) || !str_has_suffix(name, suffix) ||
        n < strlen(prefix) + strlen(suffix))
        return false;
    const char *digits = name + strlen(prefix);
    size_t n_digits = n - strlen(prefix) - strlen(suffix);
    int64_t index;
    if (n_digits > MAX_INDEX_DIGITS || *digits == '-' ||
        str_parse_i64n(digits, n_digits, &index) < 0)
        return false;
    *ret_index = (int)index;
    return true;
}

static int compare_index(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* "leidian1.config" and "leidian01.config" are the same instance to us. */
static void drop_repeats(struct indexes *list)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n_items; i++) {
        if (i == 0 || list->items[i] != list->items[i - 1])
            list->items[n++] = list->items[i];
    }
    list->n_items = n;
}

static bool has_index(const struct indexes *list, size_t n, int index)
{
    return n > 0 && bsearch(&index, list->items, n, sizeof(*list->items), compare_index);
}

static void add_index(struct indexes *list, int index)
{
    list->items = mem_grow(list->items, list->n_items, &list->cap, sizeof(*list->items));
    list->items[list->n_items++] = index;
}

static void sort(struct indexes *list)
{
    if (list->n_items > 0)
        qsort(list->items, list->n_items, sizeof(*list->items), compare_index);
    drop_repeats(list);
}

static int list_indexes(const char *folder, struct indexes *ret)
{
    uv_fs_t req;
    uv_dirent_t entry;
    int index, r = uv_fs_scandir(NULL, &req, folder, 0, NULL);
    while (r >= 0 && uv_fs_scandir_next(&req, &entry) == 0) {
        if (!parse_name(entry.name, &index))
            continue;
        add_index(ret, index);
    }
    uv_fs_req_cleanup(&req);
    sort(ret);
    return r < 0 ? r : 0;
}

static bool is_same_set(const struct ldc_configs *configs, const struct indexes *list)
{
    if (configs->n_items != list->n_items)
        return false;
    for (size_t i = 0; i < list->n_items; i++) {
        if (configs->items[i].index != list->items[i])
            return false;
    }
    return true;
}

/* Of those that are in the list no more. */
static void forget_copies(const struct ldc_configs *configs, const struct indexes *list)
{
    for (size_t i = 0; configs->keep_dir && i < configs->n_items; i++) {
        const struct ldc_config *config = &configs->items[i];
        if (config->disk_id[0] && !has_index(list, list->n_items, config->index))
            ldc_config_forget(configs->keep_dir, config->index, config->disk_id);
    }
}

/* Makes CONFIGS hold exactly the listed indexes; what was known of them stays known. */
static void reshape(struct ldc_configs *configs, const struct indexes *list)
{
    struct ldc_configs next = {
        .n_items = list->n_items, .cap = list->n_items, .keep_dir = configs->keep_dir};
    next.items = mem_calloc(list->n_items, sizeof(*next.items));
    for (size_t i = 0; i < list->n_items; i++) {
        const struct ldc_config *known = ldc_configs_find(configs, list->items[i]);
        if (known)
            next.items[i] = *known;
        else
            next.items[i] =
                (struct ldc_config){.index = list->items[i], .data_bytes = -1, .disk_bytes = -1};
    }
    ldc_configs_deinit(configs);
    *configs = next;
}

static int stat_file(const char *path, uv_stat_t *ret)
{
    uv_fs_t req;
    int r = uv_fs_stat(NULL, &req, path, NULL);
    if (r == 0)
        *ret = req.statbuf;
    uv_fs_req_cleanup(&req);
    return r;
}

static uint64_t nanoseconds(uv_timespec_t t)
{
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The lowest bit says whether the file has settled. */
static uint64_t stamp_of(const uv_stat_t *st, bool is_settled)
{
    uint64_t h = nanoseconds(st->st_mtim);
    h = (h ^ st->st_size) * 0x100000001b3u;
    h = (h ^ st->st_ino) * 0x100000001b3u;
    return (h & ~(uint64_t)1) | is_settled;
}

char *ldc_configs_path(const char *vms_dir, int index)
{
    return mem_printf("%s/config/leidian%d.config", vms_dir, index);
}

static void update_text(struct ldc_config *config, const char *path)
{
    uv_stat_t st = {0};
    config->is_missing = stat_file(path, &st) < 0;
    config->born_ms = (int64_t)(nanoseconds(st.st_birthtim) / 1000000);
    int64_t age_ms = clock_wall_ms() - (int64_t)(nanoseconds(st.st_mtim) / 1000000);
    bool is_settled = age_ms > LDC_TIMING_FILE_SETTLE_MS;
    uint64_t stamp = stamp_of(&st, is_settled);
    if (stamp == config->stamp && is_settled)
        return;
    config->stamp = stamp;
    config->revision++;
    ldc_config_read(path, config);
    char *resbak cleanup(mem_freep) = mem_printf("%s.resbak", path);
    config->has_resbak = (!config->is_readable || config->is_truncated) && fs_exists(resbak);
}

/* One that was written just now may be half a one: it waits for a later look, as do those that are
 * too many for this one. */
static void update_copy(struct ldc_config *config, const char *keep_dir, const char *path,
                        unsigned *n_left)
{
    bool is_settled = config->stamp & 1;
    if (!config->is_unkept || !is_settled || !config->disk_id[0] || config->is_missing ||
        *n_left == 0)
        return;
    --*n_left;
    config->is_unkept = false;
    char before[LDC_LOSS_SIZE];
    memcpy(before, config->loss, sizeof(before));
    ldc_config_keep(keep_dir, path, config);
    config->revision += strcmp(before, config->loss) != 0;
}

char *ldc_configs_disk_path(const char *vms_dir, int index, const char *name)
{
    return mem_printf("%s/leidian%d/%s", vms_dir, index, name);
}

const char *const ldc_disk_names[LDC_DISK_COUNT] = {"data.vmdk", "system.vmdk", "sdcard.vmdk"};

static int stat_disk(int index, const char *vms_dir, const char *name, uv_stat_t *ret)
{
    char *path cleanup(mem_freep) = ldc_configs_disk_path(vms_dir, index, name);
    return stat_file(path, ret);
}

bool ldc_configs_has_open_disk(const char *vms_dir, int index)
{
    for (size_t i = 0; i < LDC_DISK_COUNT; i++) {
        char *path cleanup(mem_freep) = ldc_configs_disk_path(vms_dir, index, ldc_disk_names[i]);
        if (fs_is_open(path))
            return true;
    }
    return false;
}

/* By its attribute on Windows, and where nobody may write elsewhere: who looks is not who starts
 * it.
 */
static void see_read_only(struct ldc_config *config, unsigned disk, const uv_stat_t *st)
{
    bool is_read_only = (st->st_mode & 0222) == 0;
    config->read_only_disks = (config->read_only_disks & ~(1u << disk)) | (unsigned)is_read_only
                                                                              << disk;
}

/* A copy takes its time and leaves the others for later. They are looked at where data.vmdk is
 * young or has changed. */
static int64_t measure_disks(struct ldc_config *config, const char *vms_dir, const uv_stat_t *data)
{
    int64_t age_ms = clock_wall_ms() - (int64_t)(nanoseconds(data->st_birthtim) / 1000000);
    int64_t bytes = (int64_t)data->st_size;
    uv_stat_t st;
    if (bytes == config->data_bytes && age_ms > LDC_TIMING_YOUNG_DISK_MS)
        return config->disk_bytes;
    config->data_bytes = bytes;
    config->n_disks = 1;
    config->read_only_disks &= 1;
    config->disk_time = nanoseconds(data->st_mtim);
    for (unsigned i = 1; i < LDC_DISK_COUNT; i++) {
        if (stat_disk(config->index, vms_dir, ldc_disk_names[i], &st) != 0)
            continue;
        see_read_only(config, i, &st);
        bytes += (int64_t)st.st_size;
        config->n_disks++;
        config->disk_time += nanoseconds(st.st_mtim);
    }
    return bytes;
}

static void update_disk(struct ldc_config *config, const char *vms_dir)
{
    char disk_id[sizeof(config->disk_id)] = "";
    uv_stat_t st;
    if (stat_disk(config->index, vms_dir, "data.vmdk", &st) == 0) {
        snprintf(disk_id, sizeof(disk_id), "%llx-%llx", (unsigned long long)st.st_ino,
                 (unsigned long long)nanoseconds(st.st_birthtim));
        config->disk_born_ms = (int64_t)(nanoseconds(st.st_birthtim) / 1000000);
        see_read_only(config, 0, &st);
        config->disk_bytes = measure_disks(config, vms_dir, &st);
    } else {
        config->disk_born_ms = 0;
        config->data_bytes = config->disk_bytes = -1;
        config->n_disks = config->read_only_disks = 0;
    }
    config->revision += strcmp(config->disk_id, disk_id) != 0;
    memcpy(config->disk_id, disk_id, sizeof(disk_id));
}

/* A file may be away for a moment while LDPlayer writes it: its disk says that the instance is
 * still there. */
static void keep_those_with_disks(const struct ldc_configs *configs, const char *vms_dir,
                                  struct indexes *list)
{
    size_t n_listed = list->n_items;
    uv_stat_t st;
    for (size_t i = 0; i < configs->n_items; i++) {
        int index = configs->items[i].index;
        if (has_index(list, n_listed, index) || stat_disk(index, vms_dir, "data.vmdk", &st) < 0)
            continue;
        add_index(list, index);
    }
    sort(list);
}

static void update(const struct ldc_configs *configs, struct ldc_config *config,
                   const char *vms_dir, unsigned *n_left)
{
    char *path cleanup(mem_freep) = ldc_configs_path(vms_dir, config->index);
    uint64_t before = config->revision;
    update_text(config, path);
    update_disk(config, vms_dir);
    config->is_unkept |= config->revision != before;
    if (configs->keep_dir)
        update_copy(config, configs->keep_dir, path, n_left);
}

int ldc_configs_refresh(struct ldc_configs *configs, const char *vms_dir)
{
    char *folder cleanup(mem_freep) = fs_join(vms_dir, "config");
    struct indexes list = {0};
    unsigned n_left = COPIES_A_LOOK;
    int r = list_indexes(folder, &list);
    if (!is_same_set(configs, &list)) {
        keep_those_with_disks(configs, vms_dir, &list);
        if (r == 0)
            forget_copies(configs, &list);
        reshape(configs, &list);
    }
    mem_free(list.items);
    for (size_t i = 0; i < configs->n_items; i++)
        update(configs, &configs->items[i], vms_dir, &n_left);
    return r;
}

const struct ldc_config *ldc_configs_find(const struct ldc_configs *configs, int index)
{
    size_t low = 0, high = configs->n_items;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (configs->items[middle].index == index)
            return &configs->items[middle];
        if (configs->items[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void ldc_configs_deinit(struct ldc_configs *configs)
{
    mem_free(configs->items);
    *configs = (struct ldc_configs){.keep_dir = configs->keep_dir};
}
