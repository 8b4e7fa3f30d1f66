/* SPDX-License-Identifier: MIT */
#include "tests/support/fake_farm_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "ldconsole/process/process.h"
#include "tests/support/folder.h"

/* The process table is read on a worker thread. */
static uv_mutex_t lock;
static struct fake_farm *the_farm;

void farm_must(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "fake farm: %s\n", what);
    abort();
}

struct farm_instance *farm_find(const struct fake_farm *farm, int index)
{
    for (size_t i = 0; i < FARM_MAX_INSTANCES; i++) {
        if (farm->instances[i].exists && farm->instances[i].index == index)
            return (struct farm_instance *)&farm->instances[i];
    }
    return NULL;
}

static struct farm_instance *must_find(const struct fake_farm *farm, int index)
{
    struct farm_instance *i = farm_find(farm, index);
    farm_must(i != NULL, "no such instance");
    return i;
}

struct farm_verb *farm_verb_of(const struct fake_farm *farm, const char *name)
{
    struct fake_farm *f = (struct fake_farm *)farm;
    for (size_t i = 0; i < f->n_verbs; i++) {
        if (strcmp(f->verbs[i].name, name) == 0)
            return &f->verbs[i];
    }
    farm_must(f->n_verbs < FARM_MAX_VERBS, "too many verbs");
    struct farm_verb *v = &f->verbs[f->n_verbs++];
    str_copy(v->name, sizeof(v->name), name);
    return v;
}

void farm_lock(void)
{
    uv_mutex_lock(&lock);
}

void farm_unlock(void)
{
    uv_mutex_unlock(&lock);
}

/* --- files --- */

void farm_write_file(const struct fake_farm *farm, const char *name, const char *text)
{
    uv_fs_t req;
    double now = (double)clock_wall_ms() / 1000;
    folder_write(farm->folder, name, text);
    if (!farm->is_live)
        return;
    char *path = fs_join(farm->folder, name);
    farm_must(uv_fs_utime(NULL, &req, path, now, now, NULL) == 0, "utime");
    uv_fs_req_cleanup(&req);
    mem_free(path);
}

void farm_write_config(const struct fake_farm *farm, const struct farm_instance *i)
{
    char name[64], text[1200], title[140] = "", adb_debug[40] = "";
    snprintf(name, sizeof(name), "vms/config/leidian%d.config", i->index);
    /* What no verb changes stays. */
    char *before cleanup(mem_freep) = folder_read(farm->folder, name);
    const char *at = before ? strstr(before, "\"basicSettings.adbDebug\":") : NULL;
    if (at)
        snprintf(adb_debug, sizeof(adb_debug), ",%.26s", at);
    if (!i->is_untitled)
        snprintf(title, sizeof(title), "\"statusSettings.playerName\":\"%s\",", i->title);
    snprintf(text, sizeof(text),
             "{%s\"advancedSettings.cpuCount\":%d,"
             "\"advancedSettings.memorySize\":%d,\"propertySettings.phoneModel\":\"%s\","
             "\"propertySettings.phoneIMEI\":\"%015lld\","
             "\"advancedSettings.resolution\":{\"width\":%d,\"height\":%d},"
             "\"advancedSettings.resolutionDpi\":%d,\"basicSettings.realWidth\":%d,"
             "\"basicSettings.realHeigh\":%d%s}",
             title, i->cpu, i->memory, i->model, i->imei, i->width, i->height, i->dpi, i->width,
             i->height, adb_debug);
    if (farm->is_live)
        snprintf(text + strlen(text) - 1, 240,
                 ",\"statusSettings.isNewPlayer\":false%s,"
                 "\"propertySettings.macAddress\":\"00db00000a%02x\","
                 "\"propertySettings.phoneAndroidId\":\"a1b2c3d4e5f600%02x\"}",
                 *adb_debug ? "" : ",\"basicSettings.adbDebug\":1", i->index, i->index);
    farm_write_file(farm, name, text);
}

bool farm_is_held(const struct farm_instance *i)
{
    return i->player > 0 || i->headless > 0 || i->second > 0;
}

void farm_write_title(const struct fake_farm *farm, struct farm_instance *i, char *ret, size_t size)
{
    char *config cleanup(mem_freep) = i->is_untitled ? fake_farm_read_config(farm, i->index) : NULL;
    if (config && strstr(config, "\"statusSettings.playerName\""))
        i->is_untitled = false; /* somebody has put it back */
    if (i->is_untitled && i->index > 0)
        snprintf(ret, size, "LDPlayer-%d", i->index);
    else
        str_copy(ret, size, i->is_untitled ? "LDPlayer" : i->title);
}

bool fake_farm_has_disk(const struct fake_farm *farm, int index)
{
    char name[64];
    snprintf(name, sizeof(name), "vms/leidian%d/data.vmdk", index);
    char *text cleanup(mem_freep) = folder_read(farm->folder, name);
    return text != NULL;
}

static void remove_file(const struct fake_farm *farm, const char *name)
{
    uv_fs_t req;
    char *path = fs_join(farm->folder, name);
    uv_fs_unlink(NULL, &req, path, NULL);
    uv_fs_req_cleanup(&req);
    mem_free(path);
}

void fake_farm_lose_disk(struct fake_farm *farm, int index)
{
    char name[64];
    snprintf(name, sizeof(name), "vms/leidian%d/data.vmdk", index);
    remove_file(farm, name);
}

void fake_farm_grow_disk(struct fake_farm *farm, int index, int n_bytes)
{
    char name[64];
    snprintf(name, sizeof(name), "vms/leidian%d/data.vmdk", index);
    if (!fake_farm_has_disk(farm, index))
        folder_write(farm->folder, name, "");
    char *path cleanup(mem_freep) = fs_join(farm->folder, name);
    FILE *disk = fopen(path, "wb"); /* it stays the same file */
    farm_must(disk && fprintf(disk, "%.*s", n_bytes, "disk") == n_bytes && fclose(disk) == 0,
              "disk");
}

static void put_instance(struct fake_farm *farm, int index, const char *title)
{
    farm_must(!farm_find(farm, index), "the index is taken");
    struct farm_instance *i = farm->instances;
    while (i->exists || i->is_away)
        i++;
    *i = (struct farm_instance){
        .exists = true,
        .index = index,
        .model = "SM-1",
        .cpu = 2,
        .memory = 2048,
        .width = 960,
        .height = 540,
        .dpi = 160,
        .pid = -1,
        .vbox_pid = -1,
    };
    str_copy(i->title, sizeof(i->title), title);
    farm_write_config(farm, i);
    fake_farm_grow_disk(farm, index, 4);
}

static void drop_instance(struct fake_farm *farm, int index)
{
    char name[64];
    must_find(farm, index)->exists = false;
    snprintf(name, sizeof(name), "vms/config/leidian%d.config", index);
    remove_file(farm, name);
    snprintf(name, sizeof(name), "vms/leidian%d/data.vmdk", index);
    remove_file(farm, name);
}

/* --- the test's side --- */

struct fake_farm *fake_farm_new(void)
{
    uv_fs_t req;
    struct fake_farm *farm = mem_new(struct fake_farm);
    char *made = folder_make();
    farm_must(uv_fs_realpath(NULL, &req, made, NULL) == 0, "realpath");
    farm->folder = mem_strdup(req.ptr);
    uv_fs_req_cleanup(&req);
    mem_free(made);
    farm->ldconsole = fs_join(farm->folder, "ldconsole");
    farm->usage = mem_strdup("");
    fake_farm_let_guests_answer(farm, false);
    farm->profile = FARM_LD9;
    farm->next_pid = 100000;
    farm->launch_android = 1;
    farm->has_launch_vm = true;
    buf_init(&farm->log, 0);
    (void)buf_append_str(&farm->log, "");
    folder_write(farm->folder, "vms/config/leidians.config", "{}");
    uv_mutex_init(&lock);
    the_farm = farm;
    return farm;
}

void fake_farm_free(struct fake_farm *farm)
{
    the_farm = NULL;
    uv_mutex_destroy(&lock);
    folder_remove(farm->folder);
    mem_free(farm->ldconsole);
    mem_free(farm->usage);
    mem_free(farm->guests_say);
    buf_deinit(&farm->log);
    mem_free(farm);
}

const char *fake_farm_ldconsole(const struct fake_farm *farm)
{
    return farm->ldconsole;
}

void fake_farm_have(struct fake_farm *farm, const char *program)
{
    folder_write(farm->folder, program, "");
}

void fake_farm_let_guests_say(struct fake_farm *farm, const char *text)
{
    mem_free(farm->guests_say);
    farm->guests_say = mem_strdup(text);
}

void fake_farm_let_guests_answer(struct fake_farm *farm, bool do_answer)
{
    fake_farm_let_guests_say(farm, do_answer ? "ldplayerd.boot\r\n1\r\nldplayerd.server\r\nnull\r\n"
                                               "ldplayerd.end\r\n"
                                             : "\r\n");
}

void fake_farm_put(struct fake_farm *farm, int index, const char *title)
{
    uv_mutex_lock(&lock);
    put_instance(farm, index, title);
    uv_mutex_unlock(&lock);
}

void fake_farm_drop(struct fake_farm *farm, int index)
{
    uv_mutex_lock(&lock);
    drop_instance(farm, index);
    uv_mutex_unlock(&lock);
}

void fake_farm_recreate(struct fake_farm *farm, int index)
{
    uv_mutex_lock(&lock);
    put_instance(farm, index, "");
    struct farm_instance *i = must_find(farm, index);
    i->is_untitled = true;
    farm_write_config(farm, i);
    fake_farm_lose_disk(farm, index);
    uv_mutex_unlock(&lock);
}

static void move(struct fake_farm *farm, bool is_away, const char *here, const char *there)
{
    uv_fs_t req;
    char *from = fs_join(farm->folder, is_away ? here : there);
    char *to = fs_join(farm->folder, is_away ? there : here);
    farm_must(uv_fs_rename(NULL, &req, from, to, NULL) == 0, "rename");
    uv_fs_req_cleanup(&req);
    mem_free(from);
    mem_free(to);
}

void fake_farm_move_away(struct fake_farm *farm, int index, bool is_away)
{
    char here[64], there[64];
    uv_mutex_lock(&lock);
    for (size_t n = 0; n < FARM_MAX_INSTANCES; n++) {
        struct farm_instance *i = &farm->instances[n];
        if (i->index != index || (is_away ? !i->exists : !i->is_away))
            continue;
        i->exists = !is_away;
        i->is_away = is_away;
    }
    snprintf(here, sizeof(here), "vms/config/leidian%d.config", index);
    snprintf(there, sizeof(there), "vms/away%d.config", index);
    move(farm, is_away, here, there);
    snprintf(here, sizeof(here), "vms/leidian%d/data.vmdk", index);
    snprintf(there, sizeof(there), "vms/away%d.vmdk", index);
    move(farm, is_away, here, there);
    uv_mutex_unlock(&lock);
}

void fake_farm_hide_row(struct fake_farm *farm, int index, unsigned n_lists)
{
    must_find(farm, index)->n_hidden = n_lists;
}

unsigned fake_farm_kills(const struct fake_farm *farm, int index)
{
    return index < 0 ? farm->n_wrong_kills : must_find(farm, index)->n_kills;
}

unsigned fake_farm_rash_launches(const struct fake_farm *farm, int index)
{
    return must_find(farm, index)->n_rash;
}

void fake_farm_ignore_quits(struct fake_farm *farm, int index, unsigned n)
{
    must_find(farm, index)->n_ignored_quits = n;
}

void fake_farm_set_memory(struct fake_farm *farm, int index, int mb)
{
    must_find(farm, index)->memory = mb;
    farm_write_config(farm, must_find(farm, index));
}

void fake_farm_set_kill_effect(struct fake_farm *farm, int index, enum farm_effect effect)
{
    must_find(farm, index)->kill_effect = effect;
}

bool fake_farm_is_on(const struct fake_farm *farm, int index)
{
    const struct farm_instance *i = farm_find(farm, index);
    return i && i->pid > 0;
}

bool fake_farm_is_held(const struct fake_farm *farm, int index)
{
    const struct farm_instance *i = farm_find(farm, index);
    return i && farm_is_held(i);
}

bool fake_farm_is_whole(const struct fake_farm *farm, int index)
{
    const struct farm_instance *i = must_find(farm, index);
    return i->second == 0 && i->player == (i->pid > 0 ? i->pid : 0) &&
           i->headless == (i->vbox_pid > 0 ? i->vbox_pid : 0);
}

bool fake_farm_has_lost_neighbour(const struct fake_farm *farm)
{
    return farm->has_lost_neighbour;
}

void farm_set(struct farm_instance *i, int android, int pid, int vbox_pid)
{
    uv_mutex_lock(&lock);
    i->android = android;
    i->pid = pid;
    i->vbox_pid = vbox_pid;
    i->player = pid > 0 ? pid : 0;
    i->headless = vbox_pid > 0 ? vbox_pid : 0;
    uv_mutex_unlock(&lock);
}

void fake_farm_set(struct fake_farm *farm, int index, int android, int pid, int vbox_pid)
{
    farm_set(must_find(farm, index), android, pid, vbox_pid);
}

void fake_farm_set_processes(struct fake_farm *farm, int index, int player, int headless)
{
    struct farm_instance *i = must_find(farm, index);
    uv_mutex_lock(&lock);
    i->player = player;
    i->headless = headless;
    uv_mutex_unlock(&lock);
}

void fake_farm_end_process(struct fake_farm *farm, int index, bool is_player)
{
    struct farm_instance *i = must_find(farm, index);
    uv_mutex_lock(&lock);
    *(is_player ? &i->player : &i->headless) = 0;
    uv_mutex_unlock(&lock);
}

void fake_farm_show_processes(struct fake_farm *farm, bool do_show)
{
    uv_mutex_lock(&lock);
    farm->shows_processes = do_show;
    uv_mutex_unlock(&lock);
}

void fake_farm_open_manager(struct fake_farm *farm, int pid, bool is_elsewhere)
{
    uv_mutex_lock(&lock);
    farm->manager_pid = pid;
    farm->is_manager_elsewhere = is_elsewhere;
    uv_mutex_unlock(&lock);
}

bool fake_farm_has(const struct fake_farm *farm, int index)
{
    return farm_find(farm, index) != NULL;
}

void fake_farm_write_config(struct fake_farm *farm, int index, const char *text)
{
    char name[64];
    snprintf(name, sizeof(name), "vms/config/leidian%d.config", index);
    farm_write_file(farm, name, text);
}

void fake_farm_write_log(struct fake_farm *farm, int index, const char *text)
{
    char name[64];
    snprintf(name, sizeof(name), "vms/leidian%d/Logs/VBox.log", index);
    farm_write_file(farm, name, text);
}

char *fake_farm_read_config(const struct fake_farm *farm, int index)
{
    char name[64];
    snprintf(name, sizeof(name), "vms/config/leidian%d.config", index);
    return folder_read(farm->folder, name);
}

void fake_farm_set_profile(struct fake_farm *farm, const char *profile)
{
    static const char *const names[] = {"ld4", "ld9", "ld14"};
    for (size_t i = 0; i < countof(names); i++) {
        if (strcmp(names[i], profile) == 0)
            farm->profile = (enum farm_profile)i;
    }
}

void fake_farm_add_columns(struct fake_farm *farm, const char *columns)
{
    farm->more_columns = columns;
}

void fake_farm_set_usage(struct fake_farm *farm, const char *text)
{
    mem_free(farm->usage);
    farm->usage = mem_strdup(text);
}

void fake_farm_answer(struct fake_farm *farm, const char *verb, enum farm_answer answer)
{
    farm_verb_of(farm, verb)->answer = answer;
}

void fake_farm_launch_to(struct fake_farm *farm, int android, bool has_vm)
{
    farm->launch_android = android;
    farm->has_launch_vm = has_vm;
}

void fake_farm_on_verb(struct fake_farm *farm, void (*before)(void *arg, const char *verb),
                       void *arg)
{
    farm->before = before;
    farm->before_arg = arg;
}

unsigned fake_farm_count(const struct fake_farm *farm, const char *verb)
{
    return farm_verb_of(farm, verb)->count;
}

unsigned fake_farm_peak(const struct fake_farm *farm, const char *verb)
{
    return farm_verb_of(farm, verb)->peak;
}

unsigned fake_farm_deadline_ms(const struct fake_farm *farm, const char *verb)
{
    return farm_verb_of(farm, verb)->deadline_ms;
}

const char *fake_farm_log(const struct fake_farm *farm)
{
    return farm->log.data;
}

/* --- the process table --- */

int __wrap_ldc_processes_scan(struct ldc_processes *ret);
int __wrap_ldc_process_kill(const struct ldc_process *process);
bool __wrap_ldc_process_lives(int64_t pid);

void fake_farm_rename_programs(struct fake_farm *farm, int index)
{
    uv_mutex_lock(&lock);
    must_find(farm, index)->is_renamed = true;
    uv_mutex_unlock(&lock);
}

void fake_farm_set_neighbour(struct fake_farm *farm, int index, int player, int headless)
{
    uv_mutex_lock(&lock);
    farm->neighbour = (struct farm_instance){
        .exists = true, .index = index, .player = player, .headless = headless};
    uv_mutex_unlock(&lock);
}

void fake_farm_set_age(struct fake_farm *farm, uint64_t ms)
{
    uv_mutex_lock(&lock);
    farm->age_ms = ms;
    uv_mutex_unlock(&lock);
}

void fake_farm_set_used(struct fake_farm *farm, uint64_t cpu_ms, uint64_t private_bytes)
{
    uv_mutex_lock(&lock);
    farm->cpu_ms = cpu_ms;
    farm->private_bytes = private_bytes;
    uv_mutex_unlock(&lock);
}

void fake_farm_break_vm_service(struct fake_farm *farm, int pid)
{
    uv_mutex_lock(&lock);
    farm->vm_service = pid;
    uv_mutex_unlock(&lock);
}

static void add_process(struct ldc_processes *list, const char *folder, int pid,
                        enum ldc_process_role role, int index)
{
    if (pid <= 0)
        return;
    list->items = mem_grow(list->items, list->n_items, &list->cap, sizeof(*list->items));
    list->items[list->n_items++] = (struct ldc_process){
        .pid = pid,
        .role = role,
        .index = index,
        .age_ms = the_farm->age_ms,
        .cpu_ms = the_farm->cpu_ms,
        .private_bytes = the_farm->private_bytes,
        /* VMs run from a folder that all installations share (reference 5.1). */
        .image = role == LDC_PROCESS_HEADLESS ? mem_strdup("/opt/ldplayer9box/Ld9BoxHeadless")
                                              : mem_printf("%s/program", folder),
    };
}

static int compare_pid(const void *a, const void *b)
{
    const struct ldc_process *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

int __wrap_ldc_processes_scan(struct ldc_processes *ret)
{
    ldc_processes_deinit(ret);
    uv_mutex_lock(&lock);
    if (the_farm->is_live)
        farm_life_follow(the_farm);
    for (size_t n = 0; the_farm->shows_processes && n < FARM_MAX_INSTANCES; n++) {
        const struct farm_instance *i = &the_farm->instances[n];
        if (!i->exists || i->is_renamed)
            continue;
        add_process(ret, the_farm->folder, i->player, LDC_PROCESS_PLAYER, i->index);
        if (i->player > 0 && i->player_ms)
            ret->items[ret->n_items - 1].age_ms = clock_mono_ms() - i->player_ms;
        if (i->player > 0)
            ret->items[ret->n_items - 1].is_repairer = i->has_repairer;
        add_process(ret, the_farm->folder, i->second, LDC_PROCESS_PLAYER, i->index);
        add_process(ret, the_farm->folder, i->headless, LDC_PROCESS_HEADLESS, i->index);
    }
    if (the_farm->neighbour.exists) {
        const struct farm_instance *i = &the_farm->neighbour;
        add_process(ret, "/elsewhere", i->player, LDC_PROCESS_PLAYER, i->index);
        add_process(ret, "/elsewhere", i->headless, LDC_PROCESS_HEADLESS, i->index);
    }
    add_process(ret, the_farm->is_manager_elsewhere ? "/elsewhere" : the_farm->folder,
                the_farm->manager_pid, LDC_PROCESS_MANAGER, -1);
    add_process(ret, "/opt/ldplayer9box", the_farm->vm_service, LDC_PROCESS_VM_SERVICE, -1);
    uv_mutex_unlock(&lock);
    if (ret->n_items > 0)
        qsort(ret->items, ret->n_items, sizeof(*ret->items), compare_pid);
    return 0;
}

bool __wrap_ldc_process_lives(int64_t pid)
{
    bool lives = false;
    uv_mutex_lock(&lock);
    for (size_t n = 0; n < FARM_MAX_INSTANCES; n++) {
        const struct farm_instance *i = &the_farm->instances[n];
        lives |= i->exists && (i->player == pid || i->headless == pid || i->second == pid);
    }
    uv_mutex_unlock(&lock);
    return lives;
}

int __wrap_ldc_process_kill(const struct ldc_process *process)
{
    int r = UV_ESRCH;
    uv_mutex_lock(&lock);
    the_farm->has_lost_neighbour |=
        the_farm->neighbour.exists && (process->pid == the_farm->neighbour.player ||
                                       process->pid == the_farm->neighbour.headless);
    the_farm->n_wrong_kills +=
        process->role != LDC_PROCESS_VM_SERVICE && (process->pid == the_farm->neighbour.player ||
                                                    process->pid == the_farm->neighbour.headless);
    if (process->role == LDC_PROCESS_VM_SERVICE && process->pid == the_farm->vm_service) {
        for (size_t n = 0; n < FARM_MAX_INSTANCES; n++)
            farm_must(!the_farm->instances[n].exists || the_farm->instances[n].headless <= 0,
                      "the VM service was ended, and every VM with it");
        the_farm->vm_service = 0;
        farm_verb_of(the_farm, "kill")->count++;
        r = 0;
    }
    for (size_t n = 0; n < FARM_MAX_INSTANCES; n++) {
        struct farm_instance *i = &the_farm->instances[n];
        int *pid = process->role == LDC_PROCESS_HEADLESS ? &i->headless
                   : i->second == process->pid           ? &i->second
                                                         : &i->player;
        if (!i->exists || *pid != process->pid || i->index != process->index)
            continue;
        *pid = 0;
        i->n_kills++;
        farm_verb_of(the_farm, "kill")->count++;
        r = 0;
        if (pid == &i->second)
            continue;
        if (the_farm->is_live)
            farm_life_note_end(i, process->role == LDC_PROCESS_PLAYER);
        i->vbox_pid = -1; /* a zombie, unless the window went too */
        if (process->role == LDC_PROCESS_PLAYER) {
            i->android = 0;
            i->pid = -1;
        }
    }
    uv_mutex_unlock(&lock);
    return r;
}
