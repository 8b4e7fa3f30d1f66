/* SPDX-License-Identifier: MIT */
#include "ldconsole/process/process.h"

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/str.h"

static const struct {
    const char *name;
    enum ldc_process_role role;
} images[] = {
    {"dnplayer", LDC_PROCESS_PLAYER},         {"Ld9BoxHeadless", LDC_PROCESS_HEADLESS},
    {"LdVBoxHeadless", LDC_PROCESS_HEADLESS}, {"LdBoxHeadless", LDC_PROCESS_HEADLESS},
    {"dnmultiplayer", LDC_PROCESS_MANAGER},   {"dnmultiplayerex", LDC_PROCESS_MANAGER},
    {"ldmultiplayer", LDC_PROCESS_MANAGER},   {"Ld9BoxSVC", LDC_PROCESS_VM_SERVICE},
    {"LdVBoxSVC", LDC_PROCESS_VM_SERVICE},    {"LdBoxSVC", LDC_PROCESS_VM_SERVICE},
    {"consent", LDC_PROCESS_CONSENT},
};

bool ldc_process_is_emulator(const char *image_name, enum ldc_process_role *ret_role)
{
    char name[20];
    const char *base = fs_basename(image_name);
    size_t n = strlen(base);
    if (n > 4 && str_is_equal_nocase(base + n - 4, ".exe"))
        n -= 4;
    if (n >= sizeof(name))
        return false;
    memcpy(name, base, n);
    name[n] = '\0';
    for (size_t i = 0; i < countof(images); i++) {
        if (str_is_equal_nocase(name, images[i].name)) {
            *ret_role = images[i].role;
            return true;
        }
    }
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The number right behind the first MARK that starts a word and has one; -1 without. */
static int number_behind(const char *text, const char *mark)
{
    for (const char *at = text; (at = strstr(at, mark)); at++) {
        const char *p = at + strlen(mark);
        int value = 0, n_digits = 0;
        for (; is_digit(*p) && n_digits < 9; p++, n_digits++)
            value = value * 10 + (*p - '0');
        if (n_digits > 0 && !is_word(*p) && (at == text || !is_word(at[-1])))
            return value;
    }
    return -1;
}

/* dnplayer is started as `dnplayer.exe index=3|...`, the VM as `... --comment leidian3
 * --startvm <uuid>`. */
static int read_index(const char *command_line, enum ldc_process_role role)
{
    if (!command_line || role == LDC_PROCESS_VM_SERVICE || role == LDC_PROCESS_CONSENT)
        return -1;
    if (role == LDC_PROCESS_PLAYER)
        return number_behind(command_line, "index=");
    const char *comment = strstr(command_line, "--comment");
    return comment ? number_behind(comment, "leidian") : -1;
}

bool ldc_process_classify(const char *image_name, const char *command_line, struct ldc_process *ret)
{
    enum ldc_process_role role;
    if (!ldc_process_is_emulator(image_name, &role))
        return false;
    ret->role = role;
    ret->index = read_index(command_line, role);
    ret->is_repairer =
        role == LDC_PROCESS_PLAYER && command_line && strstr(command_line, "from=repairer");
    return true;
}

void ldc_processes_deinit(struct ldc_processes *processes)
{
    for (size_t i = 0; i < processes->n_items; i++)
        mem_free(processes->items[i].image);
    mem_free(processes->items);
    *processes = (struct ldc_processes){0};
}

const struct ldc_process *ldc_processes_find_pid(const struct ldc_processes *processes, int64_t pid)
{
    size_t low = 0, high = processes->n_items;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (processes->items[middle].pid == pid)
            return &processes->items[middle];
        if (processes->items[middle].pid < pid)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct ldc_process *ldc_processes_find_manager(const struct ldc_processes *processes,
                                                     const char *dir)
{
    for (size_t i = 0; i < processes->n_items; i++) {
        const struct ldc_process *p = &processes->items[i];
        if (p->role == LDC_PROCESS_MANAGER && (!p->image || ldc_process_is_in(p, dir)))
            return p;
    }
    return NULL;
}

const struct ldc_process *ldc_processes_find_consent(const struct ldc_processes *processes)
{
    for (size_t i = 0; i < processes->n_items; i++) {
        if (processes->items[i].role == LDC_PROCESS_CONSENT)
            return &processes->items[i];
    }
    return NULL;
}
