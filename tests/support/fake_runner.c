/* SPDX-License-Identifier: MIT */
#include "tests/support/fake_runner.h"

#include <string.h>

#include "base/memory/mem.h"

enum { MAX_RUNS = 256, MAX_ANSWERS = 16 };

struct run {
    struct fake_runner *fake;
    char *command;
    unsigned deadline_ms;
    run_fn done;
    void *arg;
    bool is_ending;
    struct run_result result;
    char *output;
};

struct fake_runner {
    struct runner base;
    struct loop *loop;
    struct run runs[MAX_RUNS];
    size_t n_runs;
    struct {
        int exit_code;
        const char *output;
    } answers[MAX_ANSWERS];
    size_t n_answers, next_answer;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

static void finish_closing(void *arg)
{
    struct fake_runner *fake = arg;
    void (*on_closed)(void *arg) = fake->on_closed;
    void *on_closed_arg = fake->on_closed_arg;
    for (size_t i = 0; i < fake->n_runs; i++) {
        mem_free(fake->runs[i].command);
        mem_free(fake->runs[i].output);
    }
    mem_free(fake);
    on_closed(on_closed_arg);
}

static void deliver(void *arg)
{
    struct run *run = arg;
    run->fake->base.n_running--;
    run->done(run->arg, &run->result);
}

static void end(struct run *run, enum run_status status, int exit_code, const char *output)
{
    if (run->is_ending)
        return;
    run->is_ending = true;
    run->output = mem_strdup(output);
    run->result = (struct run_result){
        .status = status,
        .exit_code = exit_code,
        .output = run->output,
        .output_len = strlen(output),
        .pid = 4242,
        .duration_ms = 1,
    };
    loop_post(run->fake->loop, deliver, run);
}

static struct run *start(struct runner *runner, const struct run_request *request, run_fn done,
                         void *arg)
{
    struct fake_runner *fake = container_of(runner, struct fake_runner, base);
    struct run *run = &fake->runs[fake->n_runs++];
    char *args = argv_format(request->args);
    fake->base.n_running++;
    run->fake = fake;
    run->command = mem_printf("%s %s", request->file, args);
    run->deadline_ms = request->deadline_ms;
    run->done = done;
    run->arg = arg;
    mem_free(args);
    if (fake->next_answer < fake->n_answers) {
        size_t i = fake->next_answer++;
        end(run, RUN_EXITED, fake->answers[i].exit_code, fake->answers[i].output);
    }
    return run;
}

static void cancel(struct run *run)
{
    end(run, RUN_CANCELLED, 0, "");
}

static void close_runner(struct runner *runner, void (*on_closed)(void *arg), void *arg)
{
    struct fake_runner *fake = container_of(runner, struct fake_runner, base);
    fake->on_closed = on_closed;
    fake->on_closed_arg = arg;
    for (size_t i = 0; i < fake->n_runs; i++)
        cancel(&fake->runs[i]);
    /* Behind the endings in the same queue. */
    loop_post(fake->loop, finish_closing, fake);
}

static const struct runner_ops fake_ops = {start, cancel, close_runner};

struct fake_runner *fake_runner_new(struct loop *loop)
{
    struct fake_runner *fake = mem_new(struct fake_runner);
    fake->base.ops = &fake_ops;
    fake->loop = loop;
    return fake;
}

struct runner *fake_runner_base(struct fake_runner *fake)
{
    return &fake->base;
}

size_t fake_runner_n_started(const struct fake_runner *fake)
{
    return fake->n_runs;
}

const char *fake_runner_command(const struct fake_runner *fake, size_t run)
{
    return fake->runs[run].command;
}

unsigned fake_runner_deadline(const struct fake_runner *fake, size_t run)
{
    return fake->runs[run].deadline_ms;
}

void fake_runner_exit(struct fake_runner *fake, size_t run, int exit_code, const char *output)
{
    end(&fake->runs[run], RUN_EXITED, exit_code, output);
}

void fake_runner_end(struct fake_runner *fake, size_t run, enum run_status status)
{
    end(&fake->runs[run], status, 0, "");
}

void fake_runner_answer_next(struct fake_runner *fake, int exit_code, const char *output)
{
    fake->answers[fake->n_answers].exit_code = exit_code;
    fake->answers[fake->n_answers++].output = output;
}
