/* SPDX-License-Identifier: MIT */
#include "catalogue.h"

#include "config.h"
#include "kv.h"
#include "os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file changed longer ago than this shows any further change by another time. */
enum { SETTLED_NS = 100 * 1000 * 1000 };

static void add(struct catalogue *catalogue, struct instance item)
{
    if (catalogue->n_items == catalogue->capacity) {
        size_t capacity = catalogue->capacity ? catalogue->capacity * 2 : 64;
        struct instance *items = mem_alloc(capacity * sizeof(*items));

        if (catalogue->n_items)
            memcpy(items, catalogue->items, catalogue->n_items * sizeof(*items));
        catalogue->items = items;
        catalogue->capacity = capacity;
    }
    catalogue->items[catalogue->n_items++] = item;
}

static void add_file(void *arg, const char *name, const struct os_info *info)
{
    const char *digits = name + strlen("leidian");
    char *end;
    long index;

    if (!text_starts(name, "leidian") || *digits < '0' || *digits > '9')
        return;
    index = strtol(digits, &end, 10);
    if (strcmp(end, ".config") == 0 && index < 1000000)
        add(arg, (struct instance){
                     .index = (int)index, .size = info->size, .changed_ns = info->changed_ns});
}

static int by_index(const void *a, const void *b)
{
    return ((const struct instance *)a)->index - ((const struct instance *)b)->index;
}

/* A line: index, size, time, width, height, dpi, then `=title`, or `-` for the default one. */
static bool parse_line(const char *line, struct instance *ret_item)
{
    const char *at = line;
    int64_t numbers[6];

    for (int i = 0; i < 6; i++) {
        char *end;

        numbers[i] = strtoll(at, &end, 10);
        if (end == at || *end != ' ')
            return false;
        at = end + 1;
    }
    *ret_item = (struct instance){
        .index = (int)numbers[0],
        .size = (uint64_t)numbers[1],
        .changed_ns = numbers[2],
        .width = (int)numbers[3],
        .height = (int)numbers[4],
        .dpi = (int)numbers[5],
        .title = *at == '=' ? at + 1 : NULL,
    };
    return true;
}

/* Both lists are sorted, so one pass brings them together.  Entries of the cache carry over where
 * the file did not change. */
static struct catalogue read_cache(const struct home *home, const char *profile)
{
    struct catalogue cache = {0};
    struct text bytes = {0};
    const char *cursor;
    struct instance item;
    char *line;

    if (os_read_file(home_path(home, "sim/catalogue"), &bytes) < 0)
        return cache;
    cursor = text_str(&bytes);
    line = text_next_line(&cursor);
    if (!line || strcmp(line, profile) != 0)
        return cache;
    while ((line = text_next_line(&cursor)))
        if (parse_line(line, &item))
            add(&cache, item);
    return cache;
}

static void write_cache(const struct home *home, const char *profile,
                        const struct catalogue *catalogue)
{
    struct text out = {0};

    text_printf(&out, "%s\n", profile);
    for (size_t i = 0; i < catalogue->n_items; i++) {
        const struct instance *item = &catalogue->items[i];

        /* A title with a line end in it is not worth a line format: it is read every time. */
        if (item->title && strpbrk(item->title, "\r\n"))
            continue;
        text_printf(&out, "%d %llu %lld %d %d %d %s%s\n", item->index,
                    (unsigned long long)item->size, (long long)item->changed_ns, item->width,
                    item->height, item->dpi, item->title ? "=" : "-",
                    item->title ? item->title : "");
    }
    /* Two calls may write at once: either one is right, and every entry is checked when used. */
    (void)os_replace_file(home_path(home, "sim/catalogue"), out.data, out.len);
}

static void read_config(const struct home *home, const struct profile *profile,
                        struct instance *item)
{
    struct config_summary summary = config_summary(home_config_path(home, item->index), profile);

    item->title = summary.title;
    item->width = summary.width;
    item->height = summary.height;
    item->dpi = summary.dpi;
}

struct catalogue catalogue_load(const struct settings *settings)
{
    const struct profile *profile = profile_get(settings);
    struct catalogue cache = read_cache(settings->home, profile->name);
    struct catalogue now = {0};
    int64_t settled = os_wall_ns() - SETTLED_NS;
    bool is_news = false;
    size_t at = 0;

    os_list_dir(home_path(settings->home, "vms/config"), true, add_file, &now);
    if (now.n_items)
        qsort(now.items, now.n_items, sizeof(*now.items), by_index);
    for (size_t i = 0; i < now.n_items; i++) {
        struct instance *item = &now.items[i];

        while (at < cache.n_items && cache.items[at].index < item->index)
            at++;
        if (at < cache.n_items && cache.items[at].index == item->index &&
            cache.items[at].size == item->size && cache.items[at].changed_ns == item->changed_ns &&
            item->changed_ns < settled) {
            *item = cache.items[at];
            continue;
        }
        read_config(settings->home, profile, item);
        is_news = is_news || item->changed_ns < settled;
    }
    if (is_news)
        write_cache(settings->home, profile->name, &now);
    return now;
}

const struct instance *catalogue_find(const struct catalogue *catalogue, int index)
{
    struct instance key = {.index = index};

    if (!catalogue->n_items)
        return NULL;
    return bsearch(&key, catalogue->items, catalogue->n_items, sizeof(key), by_index);
}

const struct instance *catalogue_find_title(const struct settings *settings,
                                            const struct catalogue *catalogue, const char *title)
{
    const struct instance *best = NULL;
    struct kv made = {0};
    bool have_made = false;

    for (size_t i = 0; i < catalogue->n_items; i++) {
        const struct instance *item = &catalogue->items[i];

        if (strcmp(catalogue_title(settings, item), title) != 0)
            continue;
        if (best && !have_made) {
            (void)kv_load(home_path(settings->home, "sim/made"), &made);
            have_made = true;
        }
        if (!best || kv_get_int(&made, mem_printf("%d", item->index)) >=
                         kv_get_int(&made, mem_printf("%d", best->index)))
            best = item;
    }
    return best;
}

int catalogue_free_index(const struct catalogue *catalogue)
{
    int index = 0;

    while ((size_t)index < catalogue->n_items && catalogue->items[index].index == index)
        index++;
    return index;
}

const char *catalogue_title(const struct settings *settings, const struct instance *instance)
{
    const char *base = settings_text(settings, "default_title");

    if (instance->title)
        return instance->title;
    return instance->index == 0 ? base : mem_printf("%s-%d", base, instance->index);
}

void catalogue_note_made(const struct home *home, int index)
{
    char *path = home_path(home, "sim/made");
    struct kv made;

    (void)kv_load(path, &made);
    kv_set_int(&made, "last", kv_get_int(&made, "last") + 1);
    kv_set_int(&made, mem_printf("%d", index), kv_get_int(&made, "last"));
    (void)kv_save(path, &made);
}

void catalogue_note_gone(const struct home *home, int index)
{
    char *path = home_path(home, "sim/made");
    struct kv made;

    if (kv_load(path, &made) < 0)
        return;
    kv_remove(&made, mem_printf("%d", index));
    (void)kv_save(path, &made);
}
