/* SPDX-License-Identifier: MIT */
#include "ldconsole/install/install.h"

#include <string.h>

#include <uv.h>

#include <windows.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/wide_win.h"

/* Every installation that the registry names or a usual place holds is looked at; the newest stays.
 */

static const HKEY roots[] = {HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE};
/* Installers are 32-bit or 64-bit programs and write to the view of their kind. */
static const REGSAM views[] = {KEY_WOW64_64KEY, KEY_WOW64_32KEY};

struct product_key {
    const wchar_t *path;
    const char *version; /* of the installation when its folder's name has none; NULL unknown */
};

static const struct product_key product_keys[] = {
    {L"SOFTWARE\\XuanZhi\\LDPlayer", "4"},    {L"SOFTWARE\\XuanZhi\\LDPlayer64", "4"},
    {L"SOFTWARE\\XuanZhi\\LDPlayer9", "9"},   {L"SOFTWARE\\XuanZhi\\LDPlayer14", "14"},
    {L"SOFTWARE\\leidian\\ldplayer", "4"},    {L"SOFTWARE\\leidian\\ldplayer64", "4"},
    {L"SOFTWARE\\leidian\\ldplayer5", "5"},   {L"SOFTWARE\\leidian\\ldplayer9", "9"},
    {L"SOFTWARE\\leidian\\ldplayer14", "14"}, {L"SOFTWARE\\ChangZhi\\dnplayer", "3"},
    {L"SOFTWARE\\ChangZhi\\LDPlayer", "3"},   {L"SOFTWARE\\ChangZhi2\\dnplayer", "3"},
    {L"SOFTWARE\\ChangZhi2\\dnplayer2", "3"}, {L"SOFTWARE\\baizhi\\lsplayer", NULL},
    {L"SOFTWARE\\baizhi\\lsplayer64", NULL},
};

static const wchar_t uninstall[] = L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\";
static const wchar_t *const uninstall_keys[] = {L"LDPlayer",   L"LDPlayer4", L"LDPlayer9",
                                                L"LDPlayer14", L"leidian",   L"leidian4",
                                                L"leidian9",   L"leidian14"};

static const char *const usual_folders[] = {
    "\\LDPlayer\\LDPlayer14",  "\\LDPlayer\\LDPlayer9", "\\LDPlayer\\LDPlayer64",
    "\\LDPlayer\\LDPlayer4.0", "\\leidian\\LDPlayer14", "\\leidian\\LDPlayer9",
    "\\leidian\\LDPlayer64",   "\\leidian\\LDPlayer4",  "\\XuanZhi\\LDPlayer9",
    "\\XuanZhi\\LDPlayer",     "\\ChangZhi\\dnplayer2",
};

/* A string value, or NULL. */
static char *read_value(HKEY key, const wchar_t *name)
{
    wchar_t text[1024];
    DWORD size = sizeof(text);
    if (RegGetValueW(key, NULL, name, RRF_RT_REG_SZ, NULL, text, &size) != ERROR_SUCCESS || !*text)
        return NULL;
    return wide_to_utf8(text, -1);
}

static void consider(struct ldc_install *best, const char *dir, const char *data_dir,
                     const char *version)
{
    struct ldc_install found;
    if (!dir || !ldc_install_from_dir(dir, &found))
        return;
    if (data_dir)
        ldc_install_set_data_dir(&found, data_dir);
    if (!found.version || (version && strchr(version, '.'))) {
        mem_free(found.version);
        found.version = mem_strdup(version);
    }
    ldc_install_keep_newer(best, &found);
}

static void consider_product(struct ldc_install *best, HKEY key, const char *version)
{
    char *dir cleanup(mem_freep) = read_value(key, L"InstallDir");
    char *data_dir cleanup(mem_freep) = read_value(key, L"DataDir");
    consider(best, dir, data_dir, version);
}

/* UninstallString is the path of dnuninst.exe, with or without quotes. */
static void consider_uninstall(struct ldc_install *best, HKEY key)
{
    char *command cleanup(mem_freep) = read_value(key, L"UninstallString");
    char *version cleanup(mem_freep) = read_value(key, L"DisplayVersion");
    if (!command)
        return;
    const char *start = command + (*command == '"');
    char *dir cleanup(mem_freep) = fs_dirname(start);
    consider(best, dir, NULL, version);
}

static HKEY open_key(HKEY root, const wchar_t *path, REGSAM view)
{
    HKEY key;
    return RegOpenKeyExW(root, path, 0, KEY_READ | view, &key) == ERROR_SUCCESS ? key : NULL;
}

static void search_registry(struct ldc_install *best, HKEY root, REGSAM view)
{
    for (size_t i = 0; i < countof(product_keys); i++) {
        HKEY key = open_key(root, product_keys[i].path, view);
        if (key) {
            consider_product(best, key, product_keys[i].version);
            RegCloseKey(key);
        }
    }
    for (size_t i = 0; i < countof(uninstall_keys); i++) {
        wchar_t path[160];
        wcscpy(path, uninstall);
        wcscat(path, uninstall_keys[i]);
        HKEY key = open_key(root, path, view);
        if (key) {
            consider_uninstall(best, key);
            RegCloseKey(key);
        }
    }
}

static void search_drives(struct ldc_install *best)
{
    for (char drive = 'C'; drive <= 'E'; drive++) {
        for (size_t i = 0; i < countof(usual_folders); i++) {
            char *dir cleanup(mem_freep) = mem_printf("%c:%s", drive, usual_folders[i]);
            consider(best, dir, NULL, NULL);
        }
    }
}

int ldc_install_find(struct ldc_install *ret)
{
    struct ldc_install best = {0};
    for (size_t i = 0; i < countof(roots); i++) {
        for (size_t j = 0; j < countof(views); j++)
            search_registry(&best, roots[i], views[j]);
    }
    search_drives(&best);
    if (!best.ldconsole)
        return UV_ENOENT;
    *ret = best;
    return 0;
}
