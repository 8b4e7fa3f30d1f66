/* SPDX-License-Identifier: MIT */
#include "service/app/simulate.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/log/log.h"
#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "runner/argv.h"

enum { PATH_MAX_BYTES = 4096 };

/* Where ldsim may stand, seen from the folder of this program: an installed copy, a package with a
 * folder of its own for it, the build tree. */
static const char *const places[] = {"ldsim", "simulator/ldsim", "../tests/simulator/ldsim"};

struct child {
    uv_process_t process;
    int64_t exit_status;
};

static int find_self(char *ret_path, const char **ret_suffix)
{
    size_t n = PATH_MAX_BYTES;
    int r = uv_exepath(ret_path, &n);
    /* Programs have the suffix that this one has. */
    *ret_suffix = str_has_suffix(ret_path, ".exe") ? ".exe" : "";
    return r;
}

/* The first place that has it, owned by the caller, or NULL. */
static char *find_ldsim(const char *self, const char *suffix)
{
    char *dir cleanup(mem_freep) = fs_dirname(self);
    for (size_t i = 0; i < countof(places); i++) {
        char *path cleanup(mem_freep) = mem_printf("%s/%s%s", dir, places[i], suffix);
        if (fs_exists(path))
            return take_ptr(path);
    }
    return NULL;
}

static void on_ended(uv_process_t *process, int64_t exit_status, int term_signal)
{
    struct child *child = container_of(process, struct child, process);
    child->exit_status = term_signal ? -term_signal : exit_status;
    uv_close((uv_handle_t *)process, NULL);
}

/* Runs ARGS to their end on a loop of their own. Returns the exit code, or a UV code. */
static int run(char **args)
{
    struct child child = {.exit_status = 0};
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = 2},
    };
    uv_process_options_t options = {
        .exit_cb = on_ended,
        .file = args[0],
        .args = args,
        .stdio = stdio,
        .stdio_count = countof(stdio),
        .flags = UV_PROCESS_WINDOWS_HIDE,
    };
    uv_loop_t loop;
    int r = uv_loop_init(&loop);
    if (r < 0)
        return r;
    r = uv_spawn(&loop, &child.process, &options);
    if (r < 0)
        uv_close((uv_handle_t *)&child.process, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return r < 0 ? r : (int)child.exit_status;
}

static int run_init(const char *ldsim, const char *dir, const struct svc_config *config)
{
    struct argv args cleanup(argv_deinit);
    argv_init(&args);
    argv_add(&args, ldsim);
    argv_add(&args, "init");
    argv_add(&args, dir);
    argv_add(&args, "--instances");
    argv_add_number(&args, config->simulate);
    argv_add(&args, "--speed");
    argv_add_number(&args, config->simulate_speed);
    return run(args.items);
}

/* What is made is whole when its mark is there, which says how many instances it was made with. */
static int write_mark(const char *mark, const struct svc_config *config)
{
    char *text cleanup(mem_freep) = mem_printf("%u\n", (unsigned)config->simulate);
    return fs_write_atomic(mark, text, strlen(text));
}

/* It has perhaps been used since: it is never made anew. */
static void compare(const char *mark, const char *dir, const struct svc_config *config)
{
    char text[24] = "";
    struct buf content cleanup(buf_deinit);
    buf_init(&content, sizeof(text));
    if (fs_read(mark, &content) == 0 && content.len)
        str_copy(text, sizeof(text), content.data);
    if (strtoll(text, NULL, 10) != (long long)config->simulate)
        log_warning(
            "service",
            "simulate: %s was made with %lld instances and stays as it is; to begin with %lld "
            "remove that folder while nothing runs",
            dir, strtoll(text, NULL, 10), (long long)config->simulate);
}

int svc_simulate(const struct svc_config *config, const char *data_dir, char **ret_ldconsole,
                 struct svc_simulate_error *reterr)
{
    char self[PATH_MAX_BYTES];
    const char *suffix;
    int r = find_self(self, &suffix);
    if (r < 0) {
        snprintf(reterr->text, sizeof(reterr->text), "the path of this program is not known: %s",
                 uv_strerror(r));
        return r;
    }
    char *ldsim cleanup(mem_freep) = find_ldsim(self, suffix);
    if (!ldsim) {
        snprintf(reterr->text, sizeof(reterr->text),
                 "simulate: the simulator is not here: %s%s is neither beside %.500s nor in the "
                 "folder simulator there; build it with the tests",
                 "ldsim", suffix, self);
        return UV_ENOENT;
    }
    char *dir cleanup(mem_freep) = fs_join(data_dir, "simulator");
    char *mark cleanup(mem_freep) = fs_join(dir, "made");
    bool is_new = !fs_exists(dir);
    if (!is_new && !fs_exists(mark)) {
        snprintf(
            reterr->text, sizeof(reterr->text),
            "simulate: %.500s is not whole, because the start that made it was cut off: remove "
            "that folder and start again",
            dir);
        return UV_EIO;
    }
    r = run_init(ldsim, dir, config);
    if (r != 0) {
        snprintf(reterr->text, sizeof(reterr->text), "simulate: %.500s init failed: %s", ldsim,
                 r < 0 ? uv_strerror(r) : "see above");
        return r < 0 ? r : UV_EIO;
    }
    r = is_new ? write_mark(mark, config) : 0;
    if (r < 0) {
        snprintf(reterr->text, sizeof(reterr->text), "simulate: %.500s cannot be written: %s", mark,
                 uv_strerror(r));
        return r;
    }
    compare(mark, dir, config);
    *ret_ldconsole = mem_printf("%s/ldconsole%s", dir, suffix);
    return 0;
}
