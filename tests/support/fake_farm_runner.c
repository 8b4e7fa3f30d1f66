/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "ldconsole/verbs/adb_serial.h"
#include "tests/support/fake_farm_state.h"

enum { MAX_RUNS = 64, DEADLINE_LOOK_MS = 500 };

struct run {
    struct farm_runner *runner;
    struct farm_verb *verb;
    char **args;
    size_t n_args;
    run_fn done;
    void *arg;
    bool is_used, is_hanging, is_ending;
    uint64_t until_ms; /* its deadline */
    struct run_result result;
    struct buf output;
};

struct farm_runner {
    struct runner base;
    uv_timer_t deadlines; /* of a farm that lives */
    struct fake_farm *farm;
    struct loop *loop;
    struct run runs[MAX_RUNS];
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

/* --- what the verbs do --- */

static const char *value_of(const struct run *run, const char *flag)
{
    for (size_t i = 1; i + 1 < run->n_args; i++) {
        if (strcmp(run->args[i], flag) == 0)
            return run->args[i + 1];
    }
    return NULL;
}

static int number_of(const struct run *run, const char *flag)
{
    const char *text = value_of(run, flag);
    return text ? atoi(text) : -1;
}

static int lowest_free(const struct fake_farm *farm)
{
    int index = 0;
    while (farm_find(farm, index))
        index++;
    return index;
}

static bool is_one_of(const char *list, const char *value)
{
    char item[32];
    snprintf(item, sizeof(item), ",%s,", value);
    return strstr(list, item) != NULL;
}

static bool is_in_range(const struct fake_farm *farm, const struct run *run)
{
    bool is_old = farm->profile == FARM_LD4;
    const char *cpu = value_of(run, "--cpu"), *memory = value_of(run, "--memory");
    return (!cpu || is_one_of(is_old ? ",1,2,3,4," : ",1,2,3,4,6,8,", cpu)) &&
           (!memory || is_one_of(is_old ? ",512,1024,2048,4096,8192,"
                                        : ",256,512,768,1024,1536,2048,3072,4096,6144,8192,",
                                 memory));
}

static int do_modify(struct fake_farm *farm, struct run *run, struct farm_instance *i)
{
    const char *resolution = value_of(run, "--resolution"), *model = value_of(run, "--model");
    if (!is_in_range(farm, run)) {
        (void)buf_append_str(&run->output, "parameter error!");
        return -1005;
    }
    if (value_of(run, "--cpu"))
        i->cpu = number_of(run, "--cpu");
    if (value_of(run, "--memory"))
        i->memory = number_of(run, "--memory");
    if (model)
        str_copy(i->model, sizeof(i->model), model);
    if (value_of(run, "--imei"))
        i->imei = strcmp(value_of(run, "--imei"), "auto") == 0 ? i->imei + 1
                                                               : atoll(value_of(run, "--imei"));
    if (resolution)
        farm_must(sscanf(resolution, "%d,%d,%d", &i->width, &i->height, &i->dpi) == 3,
                  "resolution");
    farm_write_config(farm, i);
    return 0;
}

/* Without a disk there is no VM, and what is left of the last run keeps a new one away. */
static void do_launch(struct fake_farm *farm, struct farm_instance *i)
{
    int held = i->headless;
    bool can_start = farm->has_launch_vm && farm->vm_service == 0;
    bool has_vm = can_start && held <= 0 && fake_farm_has_disk(farm, i->index);
    if (i->pid > 0)
        return;
    int pid = farm->next_pid++;
    farm_set(i,
             has_vm || (!farm->has_launch_vm && farm->vm_service == 0) ? farm->launch_android : 2,
             pid, has_vm ? farm->next_pid++ : -1);
    if (held > 0)
        fake_farm_set_processes(farm, i->index, pid, held);
}

/* Reaches only what list2 shows. */
static void do_quit(struct farm_instance *i)
{
    if (i->pid > 0)
        farm_set(i, 0, -1, -1);
}

static void set_title(struct farm_instance *i, const char *title)
{
    str_copy(i->title, sizeof(i->title), title);
    i->is_untitled = false;
}

static int do_add(struct fake_farm *farm, const char *name, const char *fallback, bool is_copy)
{
    char title[120];
    int index = lowest_free(farm);
    snprintf(title, sizeof(title), index > 0 || is_copy ? "%s-%d" : "%s", fallback, index);
    fake_farm_put(farm, index, name ? name : title);
    return index;
}

/* All digits is an index, anything else a title. */
static struct farm_instance *find_source(struct fake_farm *farm, const char *from)
{
    if (from && strspn(from, "0123456789") == strlen(from))
        return farm_find(farm, atoi(from));
    for (size_t i = 0; from && i < FARM_MAX_INSTANCES; i++) {
        if (farm->instances[i].exists && strcmp(farm->instances[i].title, from) == 0)
            return &farm->instances[i];
    }
    return NULL;
}

static int fail_with_usage(struct fake_farm *farm, struct run *run, int exit_code)
{
    (void)buf_append_str(&run->output, farm->usage);
    return exit_code;
}

static int fail_with_text(struct run *run, int exit_code)
{
    (void)buf_append_str(&run->output, "player don't exist!");
    return exit_code;
}

static int do_copy(struct fake_farm *farm, struct run *run)
{
    struct farm_instance *from = find_source(farm, value_of(run, "--from"));
    if (!from)
        return farm->profile == FARM_LD14 ? fail_with_text(run, 0)
                                          : fail_with_usage(farm, run, -1000);
    int index = do_add(farm, value_of(run, "--name"), from->title, true);
    struct farm_instance *made = farm_find(farm, index);
    made->cpu = from->cpu;
    made->memory = from->memory;
    made->width = from->width;
    made->height = from->height;
    made->dpi = from->dpi;
    farm_write_config(farm, made);
    return index;
}

/* What each verb does, and how it answers where there is no such instance (reference 2.2). */
static const struct {
    const char *name;
    enum { MISSING_FAILS, MISSING_SUCCEEDS, MISSING_USAGE, MISSING_SILENT } missing;
} verbs_of_one[] = {
    {"launch", MISSING_USAGE},    {"launchex", MISSING_USAGE},  {"quit", MISSING_FAILS},
    {"reboot", MISSING_FAILS},    {"remove", MISSING_FAILS},    {"rename", MISSING_FAILS},
    {"modify", MISSING_SILENT},   {"runapp", MISSING_SUCCEEDS}, {"killapp", MISSING_SUCCEEDS},
    {"action", MISSING_SUCCEEDS},
};

static int answer_missing(struct fake_farm *farm, struct run *run)
{
    for (size_t i = 0; i < countof(verbs_of_one); i++) {
        if (strcmp(verbs_of_one[i].name, run->verb->name) != 0)
            continue;
        switch (verbs_of_one[i].missing) {
        case MISSING_FAILS:
            return fail_with_text(run, -1001);
        case MISSING_SUCCEEDS:
            return fail_with_text(run, 0);
        case MISSING_USAGE:
            return fail_with_usage(farm, run, -1001);
        case MISSING_SILENT:
            return 0;
        }
    }
    return fail_with_usage(farm, run, -1000);
}

static bool is_known(const char *verb)
{
    for (size_t i = 0; i < countof(verbs_of_one); i++) {
        if (strcmp(verbs_of_one[i].name, verb) == 0)
            return true;
    }
    return false;
}

/* Returns the exit code. */
static int carry_out(struct fake_farm *farm, struct run *run)
{
    const char *verb = run->verb->name;
    if (strcmp(verb, "add") == 0)
        return do_add(farm, value_of(run, "--name"), "LDPlayer", false);
    if (strcmp(verb, "copy") == 0)
        return do_copy(farm, run);
    struct farm_instance *i = farm_find(farm, number_of(run, "--index"));
    if (!i || !is_known(verb))
        return answer_missing(farm, run);
    if (strcmp(verb, "modify") == 0)
        return do_modify(farm, run, i);
    if (strcmp(verb, "launch") == 0)
        farm->is_live ? farm_life_launch(farm, i) : do_launch(farm, i);
    else if (strcmp(verb, "quit") == 0)
        farm->is_live ? farm_life_quit(farm, i) : do_quit(i);
    else if (strcmp(verb, "remove") == 0 && !farm_is_held(i))
        fake_farm_drop(farm, i->index);
    else if (strcmp(verb, "rename") == 0)
        set_title(i, value_of(run, "--title"));
    if (farm_find(farm, i->index) && !farm->is_live)
        farm_write_config(farm, i);
    return 0;
}

static void print_row(const struct fake_farm *farm, struct farm_instance *i, struct buf *out)
{
    char title[120];
    farm_write_title(farm, i, title, sizeof(title));
    (void)buf_printf(out, "%d,%s,%d,%d,%d,%d,%d", i->index, title, i->pid > 0 ? 1000 + i->index : 0,
                     i->pid > 0 ? 2000 + i->index : 0, i->android, i->pid, i->vbox_pid);
    if (farm->profile != FARM_LD4)
        (void)buf_printf(out, ",%d,%d,%d", i->width, i->height, i->dpi);
    if (farm->more_columns)
        (void)buf_printf(out, ",%s", farm->more_columns);
    (void)buf_append_str(out, "\r\n");
}

static bool is_hidden(struct farm_instance *i)
{
    if (i->n_hidden == 0)
        return false;
    i->n_hidden--;
    return true;
}

static void print_list(struct fake_farm *farm, enum farm_answer answer, struct buf *out)
{
    farm_lock();
    if (farm->is_live)
        farm_life_follow(farm);
    farm_unlock();
    if (answer == FARM_EMPTY)
        return;
    if (answer == FARM_GARBAGE) {
        (void)buf_append_str(out, "what is this\r\nno list at all\r\n");
        return;
    }
    if (answer == FARM_NOISE)
        (void)buf_append_str(out, "Active code page: 65001\r\n");
    for (size_t i = 0; i < FARM_MAX_INSTANCES; i++) {
        if (!farm->instances[i].exists || is_hidden(&farm->instances[i]))
            continue;
        print_row(farm, &farm->instances[i], out);
        if (answer == FARM_TORN) {
            (void)buf_append_str(out, "7,torn");
            return;
        }
    }
}

/* --- the runner --- */

static void deliver(void *arg)
{
    struct run *run = arg;
    run->runner->base.n_running--;
    run->verb->running--;
    run->done(run->arg, &run->result);
    buf_deinit(&run->output);
    for (size_t i = 0; i < run->n_args; i++)
        mem_free(run->args[i]);
    mem_free(run->args);
    run->is_used = false;
}

static void end(struct run *run, enum run_status status, int exit_code)
{
    if (run->is_ending)
        return;
    run->is_ending = true;
    run->is_hanging = false;
    (void)buf_append_str(&run->output, "");
    run->result = (struct run_result){
        .status = status,
        .error = status == RUN_NOT_STARTED ? UV_ENOENT : 0,
        .exit_code = exit_code,
        .output = run->output.data,
        .output_len = run->output.len,
        .pid = 4242,
        .duration_ms = 1,
    };
    loop_post(run->runner->loop, deliver, run);
}

static void lie(struct fake_farm *farm, struct run *run)
{
    int exit_code = carry_out(farm, run);
    if (exit_code > 0) {
        end(run, RUN_EXITED, exit_code + 70);
        return;
    }
    (void)buf_append_str(&run->output, "player don't exist!");
    end(run, RUN_EXITED, -1001);
}

static int make_without_disk(struct fake_farm *farm, struct run *run)
{
    int index = carry_out(farm, run);
    fake_farm_lose_disk(farm, index);
    return index;
}

static int remove_in_vain(struct fake_farm *farm, struct run *run)
{
    int index = number_of(run, "--index");
    int exit_code = carry_out(farm, run);
    if (exit_code == 0 && !farm_find(farm, index))
        fake_farm_recreate(farm, index);
    run->verb->answer = FARM_OBEY;
    return exit_code;
}

static bool makes_instance(const struct run *run)
{
    return strcmp(run->verb->name, "add") == 0 || strcmp(run->verb->name, "copy") == 0;
}

static void answer_wrongly(struct fake_farm *farm, struct run *run)
{
    switch (run->verb->answer) {
    case FARM_NO_PLAYER:
        (void)buf_append_str(&run->output, "player don't exist!");
        end(run, RUN_EXITED, -1001);
        break;
    case FARM_PARAMETER:
        (void)buf_append_str(&run->output, "parameter error!");
        end(run, RUN_EXITED, -1005);
        break;
    case FARM_LIE:
        lie(farm, run);
        break;
    case FARM_LATE_DISK:
        end(run, RUN_EXITED, make_without_disk(farm, run));
        break;
    case FARM_RECREATE:
        end(run, RUN_EXITED, remove_in_vain(farm, run));
        break;
    case FARM_HANG:
        run->is_hanging = true;
        break;
    case FARM_CRASH:
        end(run, RUN_EXITED, (int)0xC0000008);
        break;
    case FARM_NOT_STARTED:
        end(run, RUN_NOT_STARTED, 0);
        break;
    case FARM_BUSY:
        end(run, RUN_NOT_STARTED, 0);
        run->result.error = UV_EAGAIN;
        break;
    case FARM_NO_SESSION:
        end(run, RUN_NOT_STARTED, 0);
        run->result.error = UV_ENOTCONN;
        break;
    default: /* with the index that a good one would give */
        end(run, RUN_EXITED, makes_instance(run) ? lowest_free(farm) : 0);
        break;
    }
}

static void note(struct fake_farm *farm, const struct run *run)
{
    const char *name = run->verb->name;
    bool is_copy = strcmp(name, "copy") == 0;
    (void)buf_printf(&farm->log, "%s%s", farm->log.len ? "; " : "", name);
    if (strcmp(name, "add") != 0)
        (void)buf_printf(&farm->log, " %d", number_of(run, is_copy ? "--from" : "--index"));
}

static bool is_guest(const char *name)
{
    return strcmp(name, "ld") == 0 || strcmp(name, "adb") == 0;
}

static void answer(struct fake_farm *farm, struct run *run)
{
    const char *name = run->verb->name;
    bool is_obeyed = run->verb->answer == FARM_OBEY;

    if (strcmp(name, "list2") == 0 && run->verb->answer != FARM_HANG &&
        run->verb->answer != FARM_CRASH && run->verb->answer != FARM_NOT_STARTED &&
        run->verb->answer != FARM_BUSY) {
        print_list(farm, run->verb->answer, &run->output);
        end(run, RUN_EXITED, 0);
    } else if (strcmp(name, "usage") == 0) {
        (void)buf_append_str(&run->output, farm->usage);
        end(run, RUN_EXITED, 1);
    } else if (is_guest(name) && is_obeyed && farm->is_live) {
        bool by_port = strcmp(name, "adb") == 0;
        int index = by_port ? ldc_adb_serial_index(run->args[1]) : atoi(run->args[1]);
        run->is_hanging = !farm_life_ask(farm, index, by_port, &run->output);
        if (!run->is_hanging)
            end(run, RUN_EXITED, 0);
    } else if (is_guest(name) && is_obeyed) {
        (void)buf_append_str(&run->output, farm->guests_say);
        end(run, RUN_EXITED, 0);
    } else if (is_obeyed) {
        end(run, RUN_EXITED, carry_out(farm, run));
    } else {
        answer_wrongly(farm, run);
    }
}

static struct run *free_run(struct farm_runner *runner)
{
    for (size_t i = 0; i < MAX_RUNS; i++) {
        if (!runner->runs[i].is_used)
            return &runner->runs[i];
    }
    farm_must(false, "too many runs at once");
    return NULL;
}

static void copy_args(struct run *run, const struct argv *args)
{
    run->n_args = args->n_items;
    run->args = mem_calloc(args->n_items, sizeof(char *));
    for (size_t i = 0; i < args->n_items; i++)
        run->args[i] = mem_strdup(args->items[i]);
}

static const char *name_of(const struct run *run, const char *program)
{
    if (strcmp(program, "ldconsole") != 0)
        return program;
    return run->n_args > 0 ? run->args[0] : "usage";
}

static bool is_mutating(const char *name)
{
    static const char *const others[] = {"list2", "usage", "ld", "adb"};
    for (size_t i = 0; i < countof(others); i++) {
        if (strcmp(name, others[i]) == 0)
            return false;
    }
    return true;
}

static struct run *start(struct runner *base, const struct run_request *request, run_fn done,
                         void *arg)
{
    struct farm_runner *runner = container_of(base, struct farm_runner, base);
    struct fake_farm *farm = runner->farm;
    struct run *run = free_run(runner);
    const char *program = fs_basename(request->file);

    *run = (struct run){.runner = runner, .done = done, .arg = arg, .is_used = true};
    copy_args(run, request->args);
    buf_init(&run->output, 0);
    run->verb = farm_verb_of(farm, name_of(run, program));
    run->verb->count++;
    run->verb->deadline_ms = request->deadline_ms;
    run->until_ms = clock_mono_ms() + request->deadline_ms;
    run->verb->running++;
    if (run->verb->running > run->verb->peak)
        run->verb->peak = run->verb->running;
    base->n_running++;
    if (is_mutating(run->verb->name))
        note(farm, run);
    if (farm->before)
        farm->before(farm->before_arg, run->verb->name);
    answer(farm, run);
    return run;
}

static void cancel(struct run *run)
{
    end(run, RUN_CANCELLED, 0);
}

static void on_deadline(uv_timer_t *timer)
{
    struct farm_runner *runner = container_of(timer, struct farm_runner, deadlines);
    uint64_t now = clock_mono_ms();
    for (size_t i = 0; i < MAX_RUNS; i++) {
        struct run *run = &runner->runs[i];
        if (!run->is_used || !run->is_hanging || now < run->until_ms)
            continue;
        end(run, RUN_TIMED_OUT, 0);
        run->result.duration_ms = run->verb->deadline_ms;
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct farm_runner *runner = container_of((uv_timer_t *)handle, struct farm_runner, deadlines);
    void (*on_closed)(void *arg) = runner->on_closed;
    void *on_closed_arg = runner->on_closed_arg;
    runner->farm->runner = NULL;
    mem_free(runner);
    on_closed(on_closed_arg);
}

static void finish_closing(void *arg)
{
    struct farm_runner *runner = arg;
    uv_close((uv_handle_t *)&runner->deadlines, on_timer_closed);
}

static void close_runner(struct runner *base, void (*on_closed)(void *arg), void *arg)
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

static const struct runner_ops farm_ops = {start, cancel, close_runner};

struct runner *fake_farm_runner(struct fake_farm *farm, struct loop *loop)
{
    struct farm_runner *runner = mem_new(struct farm_runner);
    runner->base.ops = &farm_ops;
    runner->farm = farm;
    runner->loop = loop;
    farm->runner = runner;
    uv_timer_init(&loop->uv, &runner->deadlines);
    uv_unref((uv_handle_t *)&runner->deadlines); /* nobody waits for it alone */
    if (farm->is_live)
        uv_timer_start(&runner->deadlines, on_deadline, DEADLINE_LOOK_MS, DEADLINE_LOOK_MS);
    return &runner->base;
}

void fake_farm_set_absence(struct fake_farm *farm, const char *sentence)
{
    farm->runner->base.absence = sentence;
}

void fake_farm_end_hung(struct fake_farm *farm, enum run_status status)
{
    for (size_t i = 0; i < MAX_RUNS; i++) {
        struct run *run = &farm->runner->runs[i];
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
