/* SPDX-License-Identifier: MIT */
#include "run.h"

#include "os.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The numbers of the record, by name. */
static const struct {
    const char *key;
    size_t offset;
} numbers[] = {
    {"id", offsetof(struct run, id)},
    {"launched_at", offsetof(struct run, launched_at)},
    {"visible_at", offsetof(struct run, visible_at)},
    {"vm_at", offsetof(struct run, vm_at)},
    {"boot_ms", offsetof(struct run, boot_ms)},
    {"adb_ms", offsetof(struct run, adb_ms)},
    {"done_ms", offsetof(struct run, done_ms)},
    {"column5_at", offsetof(struct run, column5_at)},
    {"row_gap_ms", offsetof(struct run, row_gap_ms)},
    {"off_ms", offsetof(struct run, off_ms)},
    {"row_late_ms", offsetof(struct run, row_late_ms)},
    {"vm_late_ms", offsetof(struct run, vm_late_ms)},
    {"settle_ms", offsetof(struct run, settle_ms)},
    {"tail_ms", offsetof(struct run, tail_ms)},
    {"crash_ms", offsetof(struct run, crash_ms)},
    {"repair_at", offsetof(struct run, repair_at)},
    {"end_at", offsetof(struct run, end_at)},
    {"poll_ms", offsetof(struct run, poll_ms)},
    {"player", offsetof(struct run, player.pid)},
    {"vm", offsetof(struct run, vm.pid)},
    {"vm_started_at", offsetof(struct run, vm_started_at)},
    {"vm_died_at", offsetof(struct run, vm_died_at)},
    {"quit_at", offsetof(struct run, quit_at)},
    {"restart_at", offsetof(struct run, restart_at)},
};

enum { N_NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };

static int64_t *number_at(struct run *run, size_t offset)
{
    return (int64_t *)(void *)((char *)run + offset);
}

static const char *text_of(const struct kv *kv, const char *key)
{
    const char *value = kv_get(kv, key);

    return value ? value : "";
}

static uint64_t birth_of(const struct kv *kv, const char *key)
{
    return strtoull(text_of(kv, key), NULL, 10);
}

int run_load(const struct home *home, int index, struct run *ret_run)
{
    struct kv kv;

    if (kv_load(home_run_path(home, index), &kv) < 0)
        return -1;
    *ret_run = (struct run){
        .index = index,
        .vm_stopped = kv_get_int(&kv, "vm_stopped") != 0,
        .off = kv_get_int(&kv, "off") != 0,
        .stuck = kv_get_int(&kv, "stuck") != 0,
        .faults = text_of(&kv, "faults"),
        .has_no_starting = kv_get_int(&kv, "has_no_starting") != 0,
        .adb_debug = (int)kv_get_int(&kv, "adb_debug"),
        .window = text_of(&kv, "window"),
        .width = (int)kv_get_int(&kv, "width"),
        .height = (int)kv_get_int(&kv, "height"),
        .dpi = (int)kv_get_int(&kv, "dpi"),
        .mac = text_of(&kv, "mac"),
        .imei = text_of(&kv, "imei"),
        .sim_serial = text_of(&kv, "sim_serial"),
        .android_id = text_of(&kv, "android_id"),
        .app = text_of(&kv, "app"),
    };
    for (int i = 0; i < N_NUMBERS; i++)
        *number_at(ret_run, numbers[i].offset) = kv_get_int(&kv, numbers[i].key);
    ret_run->player.birth = birth_of(&kv, "player_birth");
    ret_run->vm.birth = birth_of(&kv, "vm_birth");
    return 0;
}

int run_save(const struct home *home, const struct run *run)
{
    struct run copy = *run;
    struct kv kv = {0};

    for (int i = 0; i < N_NUMBERS; i++)
        kv_set_int(&kv, numbers[i].key, *number_at(&copy, numbers[i].offset));
    kv_set(&kv, "player_birth", mem_printf("%llu", (unsigned long long)run->player.birth));
    kv_set(&kv, "vm_birth", mem_printf("%llu", (unsigned long long)run->vm.birth));
    kv_set_int(&kv, "has_no_starting", run->has_no_starting);
    kv_set_int(&kv, "vm_stopped", run->vm_stopped);
    kv_set_int(&kv, "off", run->off);
    kv_set_int(&kv, "stuck", run->stuck);
    kv_set(&kv, "faults", run->faults);
    kv_set_int(&kv, "adb_debug", run->adb_debug);
    kv_set(&kv, "window", run->window);
    kv_set_int(&kv, "width", run->width);
    kv_set_int(&kv, "height", run->height);
    kv_set_int(&kv, "dpi", run->dpi);
    kv_set(&kv, "mac", run->mac);
    kv_set(&kv, "imei", run->imei);
    kv_set(&kv, "sim_serial", run->sim_serial);
    kv_set(&kv, "android_id", run->android_id);
    kv_set(&kv, "app", run->app);
    return kv_save(home_run_path(home, run->index), &kv);
}

void run_remove(const struct home *home, int index)
{
    os_remove_file(home_run_path(home, index));
    os_remove_file(home_run_config_path(home, index));
}

struct search {
    const struct home *home;
    struct run_list found;
};

static void look_at(void *arg, const char *name, const struct os_info *info)
{
    struct search *search = arg;
    struct run_list *list = &search->found;
    int index;

    (void)info;
    if (!text_to_int(name, &index))
        return;
    if (list->n_items == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        struct run *items = mem_alloc(capacity * sizeof(*items));

        if (list->n_items)
            memcpy(items, list->items, list->n_items * sizeof(*items));
        list->items = items;
        list->capacity = capacity;
    }
    if (run_load(search->home, index, &list->items[list->n_items]) == 0)
        list->n_items++;
}

struct run_list run_load_all(const struct home *home)
{
    struct search search = {.home = home};

    os_list_dir(home_path(home, "sim/run"), false, look_at, &search);
    return search.found;
}

const struct run *run_list_find(const struct run_list *list, int index)
{
    for (size_t i = 0; i < list->n_items; i++)
        if (list->items[i].index == index)
            return &list->items[i];
    return NULL;
}
