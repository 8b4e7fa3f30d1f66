/* SPDX-License-Identifier: MIT */
#include "tests/support/fake_farm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "ldconsole/process.h"
#include "tests/support/folder.h"

enum { MAX_INSTANCES = 64, MAX_VERBS = 16, MAX_RUNS = 64 };

struct instance {
    bool exists;
    int index;
    char title[100], model[40];
    int cpu, memory, width, height, dpi;
    int android, pid, vbox_pid;
    int player, headless; /* in the process table */
};

struct verb {
    char name[16];
    enum farm_answer answer;
    unsigned count, running, peak;
};

struct ldc_run {
    struct farm_runner *runner;
    struct verb *verb;
    char **args;
    size_t n_args;
    ldc_run_fn done;
    void *arg;
    bool is_used, is_hanging, is_ending;
    struct ldc_run_result result;
    struct buf output;
};

struct farm_runner {
    struct ldc_runner base;
    struct fake_farm *farm;
    struct loop *loop;
    struct ldc_run runs[MAX_RUNS];
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

struct fake_farm {
    char *folder, *ldconsole;
    struct instance instances[MAX_INSTANCES];
    struct verb verbs[MAX_VERBS];
    size_t n_verbs;
    int next_pid, launch_android;
    bool has_launch_vm, shows_processes, do_guests_answer;
    struct farm_runner *runner;
    void (*before)(void *arg, const char *verb);
    void *before_arg;
    struct buf log;
};

/* The process table is read on a worker thread. */
static uv_mutex_t lock;
static struct fake_farm *the_farm;

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "fake farm: %s\n", what);
    abort();
}

static struct instance *find(const struct fake_farm *farm, int index)
{
    for (size_t i = 0; i < MAX_INSTANCES; i++) {
        if (farm->instances[i].exists && farm->instances[i].index == index)
            return (struct instance *)&farm->instances[i];
    }
    return NULL;
}

static struct instance *must_find(const struct fake_farm *farm, int index)
{
    struct instance *i = find(farm, index);
    must(i != NULL, "no such instance");
    return i;
}

static struct verb *verb_of(const struct fake_farm *farm, const char *name)
{
    struct fake_farm *f = (struct fake_farm *)farm;
    for (size_t i = 0; i < f->n_verbs; i++) {
        if (strcmp(f->verbs[i].name, name) == 0)
            return &f->verbs[i];
    }
    must(f->n_verbs < MAX_VERBS, "too many verbs");
    struct verb *v = &f->verbs[f->n_verbs++];
    str_copy(v->name, sizeof(v->name), name);
    return v;
}

/* --- files --- */

static void write_config(const struct fake_farm *farm, const struct instance *i)
{
    char name[64], text[800];
    snprintf(name, sizeof(name), "vms/config/leidian%d.config", i->index);
    snprintf(text, sizeof(text),
             "{\"statusSettings.playerName\":\"%s\",\"advancedSettings.cpuCount\":%d,"
             "\"advancedSettings.memorySize\":%d,\"propertySettings.phoneModel\":\"%s\","
             "\"advancedSettings.resolution\":{\"width\":%d,\"height\":%d},"
             "\"advancedSettings.resolutionDpi\":%d,\"basicSettings.realWidth\":%d,"
             "\"basicSettings.realHeigh\":%d}",
             i->title, i->cpu, i->memory, i->model, i->width, i->height, i->dpi, i->width,
             i->height);
    folder_write(farm->folder, name, text);
}

static void remove_file(const struct fake_farm *farm, const char *name)
{
    uv_fs_t req;
    char *path = fs_join(farm->folder, name);
    uv_fs_unlink(NULL, &req, path, NULL);
    uv_fs_req_cleanup(&req);
    mem_free(path);
}

static void put_instance(struct fake_farm *farm, int index, const char *title)
{
    char disk[64];
    must(!find(farm, index), "the index is taken");
    struct instance *i = farm->instances;
    while (i->exists)
        i++;
    *i = (struct instance){
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
    write_config(farm, i);
    snprintf(disk, sizeof(disk), "vms/leidian%d/data.vmdk", index);
    folder_write(farm->folder, disk, title);
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
    must(uv_fs_realpath(NULL, &req, made, NULL) == 0, "realpath");
    farm->folder = mem_strdup(req.ptr);
    uv_fs_req_cleanup(&req);
    mem_free(made);
    farm->ldconsole = fs_join(farm->folder, "ldconsole");
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
    buf_deinit(&farm->log);
    mem_free(farm);
}

const char *fake_farm_ldconsole(const struct fake_farm *farm)
{
    return farm->ldconsole;
}

void fake_farm_have_ld(struct fake_farm *farm)
{
    folder_write(farm->folder, "ld", "");
}

void fake_farm_let_guests_answer(struct fake_farm *farm, bool do_answer)
{
    farm->do_guests_answer = do_answer;
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

static void set_instance(struct instance *i, int android, int pid, int vbox_pid)
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
    set_instance(must_find(farm, index), android, pid, vbox_pid);
}

void fake_farm_set_processes(struct fake_farm *farm, int index, int player, int headless)
{
    struct instance *i = must_find(farm, index);
    uv_mutex_lock(&lock);
    i->player = player;
    i->headless = headless;
    uv_mutex_unlock(&lock);
}

void fake_farm_show_processes(struct fake_farm *farm, bool do_show)
{
    uv_mutex_lock(&lock);
    farm->shows_processes = do_show;
    uv_mutex_unlock(&lock);
}

bool fake_farm_has(const struct fake_farm *farm, int index)
{
    return find(farm, index) != NULL;
}

void fake_farm_write_config(struct fake_farm *farm, int index, const char *text)
{
    char name[64];
    snprintf(name, sizeof(name), "vms/config/leidian%d.config", index);
    folder_write(farm->folder, name, text);
}

char *fake_farm_read_config(const struct fake_farm *farm, int index)
{
    char name[64];
    snprintf(name, sizeof(name), "vms/config/leidian%d.config", index);
    return folder_read(farm->folder, name);
}

void fake_farm_answer(struct fake_farm *farm, const char *verb, enum farm_answer answer)
{
    verb_of(farm, verb)->answer = answer;
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
    return verb_of(farm, verb)->count;
}

unsigned fake_farm_peak(const struct fake_farm *farm, const char *verb)
{
    return verb_of(farm, verb)->peak;
}

const char *fake_farm_log(const struct fake_farm *farm)
{
    return farm->log.data;
}

/* --- what the verbs do --- */

static const char *value_of(const struct ldc_run *run, const char *flag)
{
    for (size_t i = 1; i + 1 < run->n_args; i++) {
        if (strcmp(run->args[i], flag) == 0)
            return run->args[i + 1];
    }
    return NULL;
}

static int number_of(const struct ldc_run *run, const char *flag)
{
    const char *text = value_of(run, flag);
    return text ? atoi(text) : -1;
}

static int lowest_free(const struct fake_farm *farm)
{
    int index = 0;
    while (find(farm, index))
        index++;
    return index;
}

static void do_modify(struct fake_farm *farm, struct ldc_run *run, struct instance *i)
{
    const char *resolution = value_of(run, "--resolution"), *model = value_of(run, "--model");
    if (value_of(run, "--cpu"))
        i->cpu = number_of(run, "--cpu");
    if (value_of(run, "--memory"))
        i->memory = number_of(run, "--memory");
    if (model)
        str_copy(i->model, sizeof(i->model), model);
    if (resolution)
        must(sscanf(resolution, "%d,%d,%d", &i->width, &i->height, &i->dpi) == 3, "resolution");
    write_config(farm, i);
}

static void do_launch(struct fake_farm *farm, struct instance *i)
{
    if (i->pid > 0)
        return;
    int pid = farm->next_pid++;
    set_instance(i, farm->launch_android, pid, farm->has_launch_vm ? farm->next_pid++ : -1);
}

static int do_add(struct fake_farm *farm, const char *name, const char *fallback)
{
    char title[120];
    int index = lowest_free(farm);
    snprintf(title, sizeof(title), "%s-%d", fallback, index);
    fake_farm_put(farm, index, name ? name : title);
    return index;
}

/* Returns the exit code. */
static int carry_out(struct fake_farm *farm, struct ldc_run *run)
{
    const char *verb = run->verb->name;
    if (strcmp(verb, "add") == 0)
        return do_add(farm, value_of(run, "--name"), "LDPlayer");
    struct instance *i = find(farm, number_of(run, strcmp(verb, "copy") ? "--index" : "--from"));
    if (!i) {
        (void)buf_append_str(&run->output, "player don't exist!");
        return -1001;
    }
    if (strcmp(verb, "copy") == 0)
        return do_add(farm, value_of(run, "--name"), i->title);
    if (strcmp(verb, "launch") == 0)
        do_launch(farm, i);
    else if (strcmp(verb, "quit") == 0)
        set_instance(i, 0, -1, -1);
    else if (strcmp(verb, "remove") == 0)
        fake_farm_drop(farm, i->index);
    else if (strcmp(verb, "modify") == 0)
        do_modify(farm, run, i);
    else if (strcmp(verb, "rename") == 0)
        str_copy(i->title, sizeof(i->title), value_of(run, "--title"));
    if (find(farm, i->index))
        write_config(farm, i);
    return 0;
}

static void print_row(const struct instance *i, struct buf *out)
{
    (void)buf_printf(out, "%d,%s,%d,%d,%d,%d,%d,%d,%d,%d\r\n", i->index, i->title,
                     i->pid > 0 ? 1000 + i->index : 0, i->pid > 0 ? 2000 + i->index : 0, i->android,
                     i->pid, i->vbox_pid, i->width, i->height, i->dpi);
}

static void print_list(const struct fake_farm *farm, enum farm_answer answer, struct buf *out)
{
    if (answer == FARM_EMPTY)
        return;
    if (answer == FARM_GARBAGE) {
        (void)buf_append_str(out, "what is this\r\nno list at all\r\n");
        return;
    }
    for (size_t i = 0; i < MAX_INSTANCES; i++) {
        if (!farm->instances[i].exists)
            continue;
        print_row(&farm->instances[i], out);
        if (answer == FARM_TORN) {
            (void)buf_append_str(out, "7,torn");
            return;
        }
    }
}

/* --- the runner --- */

static void deliver(void *arg)
{
    struct ldc_run *run = arg;
    run->runner->base.n_running--;
    run->verb->running--;
    run->done(run->arg, &run->result);
    buf_deinit(&run->output);
    for (size_t i = 0; i < run->n_args; i++)
        mem_free(run->args[i]);
    mem_free(run->args);
    run->is_used = false;
}

static void end(struct ldc_run *run, enum ldc_run_status status, int exit_code)
{
    if (run->is_ending)
        return;
    run->is_ending = true;
    run->is_hanging = false;
    (void)buf_append_str(&run->output, "");
    run->result = (struct ldc_run_result){
        .status = status,
        .error = status == LDC_RUN_NOT_STARTED ? UV_ENOENT : 0,
        .exit_code = exit_code,
        .output = run->output.data,
        .output_len = run->output.len,
        .pid = 4242,
        .duration_ms = 1,
    };
    loop_post(run->runner->loop, deliver, run);
}

static void answer_wrongly(struct fake_farm *farm, struct ldc_run *run)
{
    switch (run->verb->answer) {
    case FARM_NO_PLAYER:
        (void)buf_append_str(&run->output, "player don't exist!");
        end(run, LDC_RUN_EXITED, -1001);
        break;
    case FARM_PARAMETER:
        (void)buf_append_str(&run->output, "parameter error!");
        end(run, LDC_RUN_EXITED, -1005);
        break;
    case FARM_LIE:
        end(run, LDC_RUN_EXITED, carry_out(farm, run) + 70);
        break;
    case FARM_HANG:
        run->is_hanging = true;
        break;
    case FARM_NOT_STARTED:
        end(run, LDC_RUN_NOT_STARTED, 0);
        break;
    default:
        end(run, LDC_RUN_EXITED, 0);
        break;
    }
}

static void note(struct fake_farm *farm, const struct ldc_run *run)
{
    const char *name = run->verb->name;
    bool is_copy = strcmp(name, "copy") == 0;
    (void)buf_printf(&farm->log, "%s%s", farm->log.len ? "; " : "", name);
    if (strcmp(name, "add") != 0)
        (void)buf_printf(&farm->log, " %d", number_of(run, is_copy ? "--from" : "--index"));
}

static void answer(struct fake_farm *farm, struct ldc_run *run)
{
    const char *name = run->verb->name;
    bool is_obeyed = run->verb->answer == FARM_OBEY;

    if (strcmp(name, "list2") == 0 && run->verb->answer != FARM_HANG &&
        run->verb->answer != FARM_NOT_STARTED) {
        print_list(farm, run->verb->answer, &run->output);
        end(run, LDC_RUN_EXITED, 0);
    } else if (strcmp(name, "ld") == 0 && is_obeyed) {
        (void)buf_append_str(&run->output, farm->do_guests_answer ? "1\r\n" : "\r\n");
        end(run, LDC_RUN_EXITED, 0);
    } else if (is_obeyed) {
        end(run, LDC_RUN_EXITED, carry_out(farm, run));
    } else {
        answer_wrongly(farm, run);
    }
}

static struct ldc_run *free_run(struct farm_runner *runner)
{
    for (size_t i = 0; i < MAX_RUNS; i++) {
        if (!runner->runs[i].is_used)
            return &runner->runs[i];
    }
    must(false, "too many runs at once");
    return NULL;
}

static void copy_args(struct ldc_run *run, const struct ldc_argv *args)
{
    run->n_args = args->n_items;
    run->args = mem_calloc(args->n_items, sizeof(char *));
    for (size_t i = 0; i < args->n_items; i++)
        run->args[i] = mem_strdup(args->items[i]);
}

static struct ldc_run *start(struct ldc_runner *base, const struct ldc_run_request *request,
                             ldc_run_fn done, void *arg)
{
    struct farm_runner *runner = container_of(base, struct farm_runner, base);
    struct fake_farm *farm = runner->farm;
    struct ldc_run *run = free_run(runner);
    const char *program = fs_basename(request->file);
    bool is_guest = strcmp(program, "ldconsole") != 0;

    *run = (struct ldc_run){.runner = runner, .done = done, .arg = arg, .is_used = true};
    copy_args(run, request->args);
    buf_init(&run->output, 0);
    run->verb = verb_of(farm, is_guest ? program : run->args[0]);
    run->verb->count++;
    run->verb->running++;
    if (run->verb->running > run->verb->peak)
        run->verb->peak = run->verb->running;
    base->n_running++;
    if (!is_guest && strcmp(run->verb->name, "list2") != 0) {
        note(farm, run);
        if (farm->before)
            farm->before(farm->before_arg, run->verb->name);
    }
    answer(farm, run);
    return run;
}

static void cancel(struct ldc_run *run)
{
    end(run, LDC_RUN_CANCELLED, 0);
}

static void finish_closing(void *arg)
{
    struct farm_runner *runner = arg;
    void (*on_closed)(void *arg) = runner->on_closed;
    void *on_closed_arg = runner->on_closed_arg;
    runner->farm->runner = NULL;
    mem_free(runner);
    on_closed(on_closed_arg);
}

static void close_runner(struct ldc_runner *base, void (*on_closed)(void *arg), void *arg)
{
    struct farm_runner *runner = container_of(base, struct farm_runner, base);
    runner->on_closed = on_closed;
    runner->on_closed_arg = arg;
    for (size_t i = 0; i < MAX_RUNS; i++) {
        if (runner->runs[i].is_used)
            cancel(&runner->runs[i]);
    }
    /* Behind the endings in the same queue. */
    loop_post(runner->loop, finish_closing, runner);
}

static const struct ldc_runner_ops farm_ops = {start, cancel, close_runner};

struct ldc_runner *fake_farm_runner(struct fake_farm *farm, struct loop *loop)
{
    struct farm_runner *runner = mem_new(struct farm_runner);
    runner->base.ops = &farm_ops;
    runner->farm = farm;
    runner->loop = loop;
    farm->runner = runner;
    return &runner->base;
}

void fake_farm_end_hung(struct fake_farm *farm, enum ldc_run_status status)
{
    for (size_t i = 0; i < MAX_RUNS; i++) {
        struct ldc_run *run = &farm->runner->runs[i];
        if (run->is_used && run->is_hanging)
            end(run, status, 0);
    }
}

unsigned fake_farm_n_hung(const struct fake_farm *farm)
{
    unsigned n = 0;
    for (size_t i = 0; i < MAX_RUNS; i++)
        n += farm->runner->runs[i].is_used && farm->runner->runs[i].is_hanging;
    return n;
}

/* --- the process table --- */

int __wrap_ldc_processes_scan(struct ldc_processes *ret);
int __wrap_ldc_process_kill(const struct ldc_process *process);

static void add_process(struct ldc_processes *list, int pid, enum ldc_process_role role, int index)
{
    if (pid <= 0)
        return;
    list->items = mem_grow(list->items, list->n_items, &list->cap, sizeof(*list->items));
    list->items[list->n_items++] = (struct ldc_process){
        .pid = pid,
        .role = role,
        .index = index,
        /* VMs run from a folder that all installations share (reference 5.1). */
        .image = role == LDC_PROCESS_PLAYER ? mem_printf("%s/dnplayer", the_farm->folder)
                                            : mem_strdup("/opt/ldplayer9box/Ld9BoxHeadless"),
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
    for (size_t n = 0; the_farm->shows_processes && n < MAX_INSTANCES; n++) {
        const struct instance *i = &the_farm->instances[n];
        if (!i->exists)
            continue;
        add_process(ret, i->player, LDC_PROCESS_PLAYER, i->index);
        add_process(ret, i->headless, LDC_PROCESS_HEADLESS, i->index);
    }
    uv_mutex_unlock(&lock);
    if (ret->n_items > 0)
        qsort(ret->items, ret->n_items, sizeof(*ret->items), compare_pid);
    return 0;
}

int __wrap_ldc_process_kill(const struct ldc_process *process)
{
    int r = UV_ESRCH;
    uv_mutex_lock(&lock);
    for (size_t n = 0; n < MAX_INSTANCES; n++) {
        struct instance *i = &the_farm->instances[n];
        int *pid = process->role == LDC_PROCESS_PLAYER ? &i->player : &i->headless;
        if (!i->exists || *pid != process->pid || i->index != process->index)
            continue;
        *pid = 0;
        i->android = 0;
        i->pid = i->vbox_pid = -1;
        verb_of(the_farm, "kill")->count++;
        r = 0;
    }
    uv_mutex_unlock(&lock);
    return r;
}
