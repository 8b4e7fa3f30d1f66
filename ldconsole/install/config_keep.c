/* SPDX-License-Identifier: MIT */
#include "ldconsole/install/config_keep.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/str.h"

enum { MAX_FILE = 1 << 20 };

static char *path_of(const char *dir, int index, const char *disk_id)
{
    return mem_printf("%s/%d-%s.config", dir, index, disk_id);
}

static bool is_good(const struct ldc_config *config)
{
    return config->is_readable && !config->is_truncated;
}

static char *reset_path_of(const char *dir, int index, const char *disk_id)
{
    return mem_printf("%s/%d-%s.reset", dir, index, disk_id);
}

/* Without one, or with a default that a reset may leave (reference 3.1), which is that of the first
 * one or its own. */
static bool has_name(const struct ldc_config *config)
{
    return config->player_name[0] && !ldc_title_is_default(config->player_name, 0) &&
           !ldc_title_is_default(config->player_name, config->index);
}

/* By what LDPlayer makes up for each machine. */
static bool is_same_machine(const struct ldc_config *kept, const struct ldc_config *now)
{
    unsigned own = 1u << LDC_SETTING_IMEI | 1u << LDC_SETTING_ANDROID_ID | 1u << LDC_SETTING_MAC;
    return !(ldc_settings_differing(&kept->settings, NULL, &now->settings) & own);
}

/* What the boot after a forced end writes: a machine that takes itself for a new one, without its
 * name (reference 5.2). A name that is missing alone was taken away by somebody. */
static bool is_reset(const struct ldc_config *kept, const struct ldc_config *now)
{
    bool is_new = now->is_new_player == 1;
    if (has_name(now))
        return false;
    return (kept->is_new_player == 0 && is_new) ||
           (has_name(kept) && (is_new || !is_same_machine(kept, now)));
}

/* Whether somebody has set something since the reset. LDPlayer itself fills in what is missing, and
 * may go on resetting at the next boot: size, ADB off (reference 5.2). */
static bool is_set_since(const struct ldc_config *reset, const struct ldc_config *now)
{
    const struct ldc_setting_value *was = reset->settings.values, *is = now->settings.values;
    const unsigned by_hand = 1u << LDC_SETTING_CPU | 1u << LDC_SETTING_MEMORY_MB |
                             1u << LDC_SETTING_MANUFACTURER | 1u << LDC_SETTING_MODEL |
                             1u << LDC_SETTING_PHONE_NUMBER | 1u << LDC_SETTING_ROOT |
                             1u << LDC_SETTING_ADB_DEBUG | 1u << LDC_SETTING_COUNT;
    unsigned changed = ldc_settings_differing(&reset->settings, NULL, &now->settings) & by_hand;
    for (unsigned i = 0; i < LDC_SETTING_COUNT; i++) {
        if (!was[i].is_set || !is[i].is_set)
            changed &= ~(1u << i);
    }
    if (is[LDC_SETTING_ADB_DEBUG].number == 0)
        changed &= ~(1u << LDC_SETTING_ADB_DEBUG);
    if (now->settings.width == 1920 && now->settings.height == 1080)
        changed &= ~(1u << LDC_SETTING_COUNT);
    return changed != 0;
}

static void say_loss(const char *what, const struct ldc_config *kept, struct ldc_config *config)
{
    char names[LDC_LOSS_SIZE - 40] = "";
    unsigned lost = ldc_settings_differing(&kept->settings, NULL, &config->settings);
    if (has_name(kept) && strcmp(kept->player_name, config->player_name) != 0)
        str_copy(names, sizeof(names), "name");
    for (unsigned i = 0; i <= LDC_SETTING_COUNT; i++) {
        size_t n = strlen(names);
        if (lost & 1u << i)
            snprintf(names + n, sizeof(names) - n, "%s%s", n ? ", " : "", ldc_setting_name(i));
    }
    bool has_names = config->is_readable && names[0];
    snprintf(config->loss, sizeof(config->loss), "%s%s%s%s", what, has_names ? " (" : "",
             has_names ? names : "", has_names ? ")" : "");
}

static bool is_same_text(const char *a_path, const char *b_path)
{
    struct buf a cleanup(buf_deinit), b cleanup(buf_deinit);
    buf_init(&a, MAX_FILE);
    buf_init(&b, MAX_FILE);
    return fs_read(a_path, &a) == 0 && fs_read(b_path, &b) == 0 && a.len == b.len &&
           memcmp(a.data, b.data, a.len) == 0;
}

static void copy(const char *dir, const char *from, const char *to)
{
    char *tmp cleanup(mem_freep) = mem_printf("%s.tmp", to);
    if (fs_make_dirs(dir) < 0 || fs_copy(from, tmp) < 0)
        return;
    if (fs_rename(tmp, to) < 0)
        (void)fs_remove(tmp);
}

void ldc_config_keep(const char *dir, const char *path, struct ldc_config *config)
{
    char *to cleanup(mem_freep) = path_of(dir, config->index, config->disk_id);
    char *reset_path cleanup(mem_freep) = reset_path_of(dir, config->index, config->disk_id);
    struct ldc_config kept = {.index = config->index}, reset = {.index = config->index};
    config->loss[0] = '\0';
    if (is_same_text(path, to))
        return; /* nothing has changed since it was copied */
    ldc_config_read(to, &kept);
    ldc_config_read(reset_path, &reset);
    bool is_taken_on = is_good(&reset) && is_set_since(&reset, config);
    bool was_reset = is_good(config) && is_reset(&kept, config) && !is_taken_on;
    const char *loss = !is_good(&kept)        ? ""
                       : !config->is_readable ? "it cannot be read any more"
                       : config->is_truncated ? "it was cut off"
                       : was_reset            ? "it was reset"
                                              : "";
    if (*loss) {
        say_loss(loss, &kept, config);
        if (was_reset)
            copy(dir, path, reset_path);
    } else if (is_good(config)) {
        (void)fs_remove(reset_path);
        copy(dir, path, to);
    }
}

int ldc_config_restore(const char *dir, const char *path, int index, const char *disk_id)
{
    char *from cleanup(mem_freep) = path_of(dir, index, disk_id);
    char *reset_path cleanup(mem_freep) = reset_path_of(dir, index, disk_id);
    char *former cleanup(mem_freep) = mem_printf("%s.ldplayerd.bak", path);
    struct ldc_config kept = {0};
    struct buf text cleanup(buf_deinit);
    buf_init(&text, MAX_FILE);
    int r = fs_read(from, &text);
    if (r < 0)
        return r;
    if (ldc_config_parse(text.data ? text.data : "", text.len, &kept) < 0 || !is_good(&kept))
        return UV_EINVAL;
    (void)fs_remove(reset_path);
    r = fs_exists(path) ? fs_copy(path, former) : 0;
    return r < 0 ? r : fs_write_atomic(path, text.data, text.len);
}

void ldc_config_forget(const char *dir, int index, const char *disk_id)
{
    char *path cleanup(mem_freep) = path_of(dir, index, disk_id);
    char *reset_path cleanup(mem_freep) = reset_path_of(dir, index, disk_id);
    (void)fs_remove(path);
    (void)fs_remove(reset_path);
}
