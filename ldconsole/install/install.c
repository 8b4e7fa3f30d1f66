/* SPDX-License-Identifier: MIT */
#include "ldconsole/install/install.h"

#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "ldconsole/output/banner.h"

/* DIR/NAME or DIR/NAME.exe, whichever exists, or NULL. */
static char *find_program(const char *dir, const char *name)
{
    static const char *const suffixes[] = {".exe", ""};
    for (size_t i = 0; i < countof(suffixes); i++) {
        char *file cleanup(mem_freep) = mem_printf("%s%s", name, suffixes[i]);
        char *path cleanup(mem_freep) = fs_join(dir, file);
        if (fs_exists(path))
            return take_ptr(path);
    }
    return NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "14.0.25.1" at the start of TEXT, or NULL. */
static char *number_at(const char *text)
{
    size_t n = 0;
    while (is_digit(text[n]) || (text[n] == '.' && is_digit(text[n + 1])))
        n++;
    return n > 0 && is_digit(text[0]) ? mem_strndup(text, n) : NULL;
}

/* Folders end in the product's name: LDPlayer9, LDPlayer4.0, leidian14; LDPlayer64 is the 64-bit
 * version 4, LDPlayer64.v9.0 is version 9.0 and dnplayer2 is version 3. */
static char *version_of_folder(const char *dir)
{
    static const char *const names[] = {"ldplayer", "leidian"};
    const char *base = fs_basename(dir), *rest = NULL;
    if (str_is_equal_nocase(base, "dnplayer2"))
        return mem_strdup("3");
    for (size_t i = 0; i < countof(names); i++) {
        size_t n = strlen(names[i]);
        char *start cleanup(mem_freep) = mem_strndup(base, strlen(base) < n ? strlen(base) : n);
        if (str_is_equal_nocase(start, names[i]))
            rest = base + n;
    }
    for (const char *p = rest; p && *p; p++) {
        if ((*p == 'v' || *p == 'V') && (p == rest || strchr("._- ", p[-1])) && is_digit(p[1]))
            return number_at(p + 1);
    }
    char *version cleanup(mem_freep) = rest ? number_at(rest) : NULL;
    return str_is_equal(version, "64") ? mem_strdup("4") : take_ptr(version);
}

/* --- where it is --- */

static const char *const console_names[] = {"ldconsole", "dnconsole", "lsconsole"};

static bool is_console(const char *path)
{
    static const char *const suffixes[] = {"", ".exe", ".cmd", ".bat", ".sh"};
    const char *base = fs_basename(path);
    for (size_t i = 0; i < countof(console_names); i++) {
        for (size_t j = 0; j < countof(suffixes); j++) {
            char *name cleanup(mem_freep) = mem_printf("%s%s", console_names[i], suffixes[j]);
            if (str_is_equal_nocase(base, name))
                return true;
        }
    }
    return false;
}

static bool is_folder(const char *path)
{
    uv_fs_t req;
    int r = uv_fs_stat(NULL, &req, path, NULL);
    bool is_one = r == 0 && (req.statbuf.st_mode & S_IFMT) == S_IFDIR;
    uv_fs_req_cleanup(&req);
    return is_one;
}

void ldc_install_from_path(const char *ldconsole, struct ldc_install *ret)
{
    char *given cleanup(mem_freep) = fs_dirname(ldconsole);
    ret->dir = fs_real(given);
    ret->ldconsole = fs_join(ret->dir, fs_basename(ldconsole));
    ret->vms_dir = fs_join(ret->dir, "vms");
    ret->adb = find_program(ret->dir, "adb");
    ret->ld = find_program(ret->dir, "ld");
    ret->version = version_of_folder(ret->dir);
}

bool ldc_install_from_dir(const char *dir, struct ldc_install *ret)
{
    char *path cleanup(mem_freep) = NULL;
    for (size_t i = 0; i < countof(console_names) && !path; i++)
        path = find_program(dir, console_names[i]);
    if (!path)
        return false;
    ldc_install_from_path(path, ret);
    return true;
}

int ldc_install_from_option(const char *path, struct ldc_install *ret, bool *ret_is_other)
{
    char *dir cleanup(mem_freep) = fs_dirname(path);
    *ret = (struct ldc_install){0};
    *ret_is_other = false;
    bool is_there = fs_exists(path) && !is_folder(path);
    if (!is_console(path) || !is_there) {
        *ret_is_other = ldc_install_from_dir(is_folder(path) ? path : dir, ret);
        if (*ret_is_other)
            return 0;
        if (!is_console(path) || is_folder(path))
            return UV_EINVAL;
    }
    ldc_install_from_path(path, ret);
    return 0;
}

/* Unverified for real installations: DataDir may name the vms folder or the one around it. */
void ldc_install_set_data_dir(struct ldc_install *install, const char *data_dir)
{
    char *vms cleanup(mem_freep) = fs_join(data_dir, "vms");
    const char *const candidates[] = {data_dir, vms};
    for (size_t i = 0; i < countof(candidates); i++) {
        char *config cleanup(mem_freep) = fs_join(candidates[i], "config");
        if (fs_exists(config)) {
            mem_free(install->vms_dir);
            install->vms_dir = mem_strdup(candidates[i]);
            return;
        }
    }
}

/* Compares dotted numbers; an unknown version is older than any. */
static int compare_versions(const char *a, const char *b)
{
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    while (*a || *b) {
        char *a_end, *b_end;
        unsigned long x = strtoul(a, &a_end, 10), y = strtoul(b, &b_end, 10);
        if (x != y)
            return x > y ? 1 : -1;
        a = *a_end == '.' ? a_end + 1 : "";
        b = *b_end == '.' ? b_end + 1 : "";
    }
    return 0;
}

void ldc_install_keep_newer(struct ldc_install *best, struct ldc_install *candidate)
{
    if (!best->ldconsole || compare_versions(candidate->version, best->version) > 0) {
        struct ldc_install former = *best;
        *best = *candidate;
        *candidate = former;
    }
    ldc_install_deinit(candidate);
}

void ldc_install_copy(const struct ldc_install *from, struct ldc_install *ret)
{
    *ret = (struct ldc_install){
        .dir = mem_strdup(from->dir),
        .ldconsole = mem_strdup(from->ldconsole),
        .vms_dir = mem_strdup(from->vms_dir),
        .is_missing = from->is_missing,
        .adb = mem_strdup(from->adb),
        .ld = mem_strdup(from->ld),
        .version = mem_strdup(from->version),
    };
}

void ldc_install_deinit(struct ldc_install *install)
{
    mem_free(install->dir);
    mem_free(install->ldconsole);
    mem_free(install->vms_dir);
    mem_free(install->adb);
    mem_free(install->ld);
    mem_free(install->version);
    *install = (struct ldc_install){0};
}

char *ldc_install_banner_version(const char *text)
{
    size_t n;
    const char *line = ldc_banner_find(text, strlen(text), &n);
    for (const char *p = line; p && p + 1 < line + n; p++) {
        if (*p == 'v' && is_digit(p[1]) && p > line && p[-1] == ' ')
            return number_at(p + 1);
    }
    return NULL;
}

void ldc_install_read_abilities(const char *text, struct ldc_abilities *ret)
{
    size_t banner_len;
    *ret = (struct ldc_abilities){0};
    if (!ldc_banner_find(text, strlen(text), &banner_len))
        return;
    char *version cleanup(mem_freep) = ldc_install_banner_version(text);
    ret->is_known = true;
    str_copy(ret->version, sizeof(ret->version), version ? version : "");
    ret->has_root = strstr(text, "--root") != NULL;
    ret->has_window = ret->has_root || strstr(text, "--mini") != NULL;
}

bool ldc_install_is_old(const struct ldc_install *install, const struct ldc_abilities *abilities)
{
    const char *version = *abilities->version ? abilities->version : install->version;
    return version && compare_versions(version, "9") < 0;
}
