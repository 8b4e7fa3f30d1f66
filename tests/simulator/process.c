/* SPDX-License-Identifier: MIT */
#include "process.h"

#include "os.h"

#include <stdio.h>
#include <string.h>

enum { LINGER_POLL_MS = 100, KILL_ROUNDS = 50, KILL_PAUSE_MS = 10, MAX_ARGUMENTS = 16 };

bool process_is_alive(struct process process)
{
    return process.pid > 0 && process.birth && os_birth(process.pid) == process.birth;
}

void process_kill(struct process process)
{
    if (process.pid > 0 && process.birth)
        os_kill(process.pid, process.birth);
}

static char *file_of(const struct home *home, const char *kind, int index, struct process process)
{
    return home_path(home, "sim/proc/%d-%s-%lld-%llu", index, kind, (long long)process.pid,
                     (unsigned long long)process.birth);
}

struct process process_start(const struct home *home, const char *kind, int index,
                             const char *const argv[], bool keep_output)
{
    struct process ret = {0};
    char *copy[MAX_ARGUMENTS + 1] = {NULL};
    int64_t pid;

    for (int i = 0; argv[i] && i < MAX_ARGUMENTS; i++)
        copy[i] = mem_text(argv[i]);
    if (!strpbrk(argv[0], "/\\"))
        copy[0] = home_path(home, "%s%s", argv[0], os_exe_suffix);
    copy[0] = os_native_path(copy[0]);
    pid = os_spawn(copy, keep_output);
    if (pid > 0)
        ret = (struct process){.pid = pid, .birth = os_birth(pid)};
    if (ret.birth)
        (void)os_write_file(file_of(home, kind, index, ret), "", 0);
    return ret;
}

static char *own_file(const struct home *home, const char *kind, int index)
{
    struct process self = {.pid = os_pid(), .birth = os_birth(os_pid())};

    return file_of(home, kind, index, self);
}

void process_register(const struct home *home, const char *kind, int index)
{
    /* When it fails the installation is gone, which everyone notices for himself. */
    (void)os_write_file(own_file(home, kind, index), "", 0);
}

void process_unregister(const struct home *home, const char *kind, int index)
{
    os_remove_file(own_file(home, kind, index));
}

struct search {
    const struct home *home;
    int index;
    struct process_list found;
};

static void add(struct process_list *list, struct listed_process item)
{
    if (list->n_items == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        struct listed_process *items = mem_alloc(capacity * sizeof(*items));

        if (list->n_items)
            memcpy(items, list->items, list->n_items * sizeof(*items));
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->n_items++] = item;
}

static void look_at(void *arg, const char *name, const struct os_info *info)
{
    struct search *search = arg;
    struct listed_process item = {0};
    unsigned long long birth;
    long long pid;
    char kind[16];

    (void)info;
    if (sscanf(name, "%d-%15[a-z]-%lld-%llu", &item.index, kind, &pid, &birth) != 4)
        return;
    if (search->index >= 0 && item.index != search->index)
        return;
    item.process = (struct process){.pid = pid, .birth = birth};
    item.kind = mem_text(kind);
    if (process_is_alive(item.process))
        add(&search->found, item);
    else
        os_remove_file(home_path(search->home, "sim/proc/%s", name));
}

struct process_list process_find(const struct home *home, int index)
{
    struct search search = {.home = home, .index = index};

    os_list_dir(home_path(home, "sim/proc"), false, look_at, &search);
    return search.found;
}

bool process_instance_is_alive(const struct home *home, int index)
{
    struct process_list list = process_find(home, index);

    for (size_t i = 0; i < list.n_items; i++)
        if (text_list_has("player,second,vm", list.items[i].kind))
            return true;
    return false;
}

int process_kill_all(const struct home *home)
{
    int killed = 0;

    for (int round = 0; round < KILL_ROUNDS; round++) {
        struct process_list list = process_find(home, -1);

        if (list.n_items == 0)
            break;
        for (size_t i = 0; i < list.n_items; i++) {
            process_kill(list.items[i].process);
            killed += round == 0;
        }
        os_sleep_ms(KILL_PAUSE_MS);
    }
    return killed;
}

void process_linger(const struct home *home, const char *kind, int index, int64_t lifetime_ms)
{
    int64_t end = os_now_ms() + lifetime_ms;
    struct mem_mark mark = mem_mark();

    process_register(home, kind, index);
    while (home_exists(home) && os_now_ms() < end) {
        os_sleep_ms(LINGER_POLL_MS);
        mem_release(mark);
    }
    process_unregister(home, kind, index);
}
