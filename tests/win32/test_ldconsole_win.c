/* SPDX-License-Identifier: MIT */

/* The *_win.c files of ldconsole/. Usage: test_ldconsole_win CHILD.EXE, tests/support/child.c. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include <windows.h>

#include "base/loop/loop.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "base/text/wide_win.h"
#include "ldconsole/install/install.h"
#include "ldconsole/output/row.h"
#include "ldconsole/process/process.h"
#include "runner/runner.h"
#include "tests/support/folder.h"

static const char *child, *self;
static char *folder;
static int n_failed;

#define check(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                                 \
            n_failed++;                                                                            \
        }                                                                                          \
    } while (0)

/* As the system shows it: TEMP may be a short name. */
static char *canonical(const char *path)
{
    uv_fs_t req;
    check(uv_fs_realpath(NULL, &req, path, NULL) == 0);
    char *real = mem_strdup(req.ptr);
    uv_fs_req_cleanup(&req);
    return real;
}

/* --- text --- */

static void test_text(void)
{
    char out[32];
    ldc_text_decode("\xc0\xd7\xb5\xe7\xff", 5, LDC_CODEPAGE_GBK, out, sizeof(out));
    check(strcmp(out, "\xe9\x9b\xb7\xe7\x94\xb5\xef\xbf\xbd") == 0);
    ldc_text_decode("caf\xe9", 4, LDC_CODEPAGE_1252, out, sizeof(out));
    check(strcmp(out, "caf\xc3\xa9") == 0);
    ldc_text_decode("a\xc0", 2, LDC_CODEPAGE_GBK, out, sizeof(out));
    check(strcmp(out, "a\xef\xbf\xbd") == 0);
}

static void test_wide(void)
{
    static const char text[] = "\xe9\x9b\xb7 \xf0\x9f\x98\x80 x";
    wchar_t *wide cleanup(mem_freep) = wide_from_utf8(text);
    char *back cleanup(mem_freep) = wide_to_utf8(wide, -1);
    char *start cleanup(mem_freep) = wide_to_utf8(wide, 1);
    char *nothing cleanup(mem_freep) = wide_to_utf8(L"", -1);
    check(wcslen(wide) == 6);
    check(strcmp(back, text) == 0);
    check(strcmp(start, "\xe9\x9b\xb7") == 0);
    check(strcmp(nothing, "") == 0);
}

/* --- processes --- */

static PROCESS_INFORMATION start_player(const char *arguments)
{
    PROCESS_INFORMATION started = {0};
    STARTUPINFOW startup = {.cb = sizeof(startup)};
    char *program cleanup(mem_freep) = fs_join(folder, "dnplayer.exe");
    char *line cleanup(mem_freep) = mem_printf("\"%s\" sleep 60000 %s", program, arguments);
    wchar_t *wide cleanup(mem_freep) = wide_from_utf8(line);
    check(fs_exists(program) || fs_copy(child, program) == 0);
    check(CreateProcessW(NULL, wide, NULL, NULL, FALSE, CREATE_NO_WINDOW, NULL, NULL, &startup,
                         &started));
    return started;
}

static void test_processes(void)
{
    struct ldc_processes list = {0};
    PROCESS_INFORMATION player = start_player("index=4123|");
    check(ldc_processes_scan(&list) == 0);
    const struct ldc_process *p = ldc_processes_find_pid(&list, player.dwProcessId);
    check(p && p->role == LDC_PROCESS_PLAYER && p->index == 4123);
    check(p && ldc_process_is_in(p, folder));
    for (size_t i = 1; i < list.n_items; i++)
        check(list.items[i - 1].pid < list.items[i].pid);

    struct ldc_process other = {.pid = player.dwProcessId, .role = LDC_PROCESS_PLAYER, .index = 1};
    check(ldc_process_kill(&other) == UV_ESRCH);
    check(WaitForSingleObject(player.hProcess, 0) == WAIT_TIMEOUT);
    check(p && ldc_process_kill(p) == 0);
    check(WaitForSingleObject(player.hProcess, 10000) == WAIT_OBJECT_0);
    check(p && ldc_process_kill(p) == UV_ESRCH);
    CloseHandle(player.hThread);
    CloseHandle(player.hProcess);
    ldc_processes_deinit(&list);
}

static void test_is_in(void)
{
    struct ldc_process p = {.image = (char *)"C:\\LDPlayer\\LDPlayer9\\dnplayer.exe"};
    check(ldc_process_is_in(&p, "c:/ldplayer/ldplayer9/"));
    check(ldc_process_is_in(&p, "C:\\LDPlayer"));
    check(!ldc_process_is_in(&p, "C:\\LDPlayer\\LDPlayer"));
    check(!ldc_process_is_in(&p, "D:\\LDPlayer"));
}

/* --- children --- */

struct outcome {
    int n_calls;
    enum run_status status;
    int error, exit_code;
    char output[256];
};

static void note(void *arg, const struct run_result *result)
{
    struct outcome *o = arg;
    o->n_calls++;
    o->status = result->status;
    o->error = result->error;
    o->exit_code = result->exit_code;
    snprintf(o->output, sizeof(o->output), "%s", result->output);
}

static void note_closed(void *arg)
{
    (void)arg;
}

/* The arguments end with NULL. */
static struct outcome run(const char *file, unsigned deadline_ms, ...)
{
    struct loop loop;
    struct argv args;
    struct outcome o = {0};
    va_list list;
    argv_init(&args);
    va_start(list, deadline_ms);
    for (const char *arg; (arg = va_arg(list, const char *));)
        argv_add(&args, arg);
    va_end(list);
    check(loop_init(&loop) == 0);
    struct runner *runner = runner_direct_new(&loop);
    struct run_request request = {file, &args, deadline_ms, 1000};
    runner->ops->start(runner, &request, note, &o);
    loop_run(&loop);
    runner->ops->close(runner, note_closed, NULL);
    loop_run(&loop);
    check(loop_deinit(&loop) == 0);
    check(o.n_calls == 1);
    argv_deinit(&args);
    return o;
}

static void test_children(void)
{
    struct outcome o = run(child, 60000, "print", "player don't exist!", "exit", "-1001", NULL);
    check(o.status == RUN_EXITED);
    check(o.exit_code == -1001);
    check(strcmp(o.output, "player don't exist!") == 0);
    o = run(child, 60000, "args", "a b", "", "c\\", "d \\", "e,f", "g\"h", "--title", NULL);
    check(strcmp(o.output, "a b\n\nc\\\nd \\\ne,f\ng\"h\n--title\n") == 0);
    o = run(child, 1000, "print", "so far", "hang", NULL);
    check(o.status == RUN_TIMED_OUT);
    check(strcmp(o.output, "so far") == 0);
    o = run(child, 60000, "flood", "10000000", "hang", NULL);
    check(o.status == RUN_FLOODED);
    o = run(child, 15000, "print", "done", "hold", "20000", NULL);
    check(o.status == RUN_EXITED);
    o = run("C:\\nowhere\\ldconsole.exe", 1000, "list2", NULL);
    check(o.status == RUN_NOT_STARTED);
    check(o.error == UV_ENOENT);
}

/* What ldconsole hands on to the player that it starts. */
static int print_show_window(void)
{
    STARTUPINFOW startup = {.cb = sizeof(startup)};
    GetStartupInfoW(&startup);
    printf("%s", startup.wShowWindow == SW_HIDE ? "hidden" : "shown");
    return 0;
}

static void test_windows_are_shown(void)
{
    struct outcome o = run(self, 60000, "--show-window", NULL);
    check(o.status == RUN_EXITED);
    check(strcmp(o.output, "shown") == 0);
}

/* --- installations --- */

/* Both hives are redirected below a key of our own, so nothing of the machine's is seen or
 * changed. */
static const wchar_t scratch[] = L"SOFTWARE\\ldplayerd-test";

static HKEY make_key(const wchar_t *name)
{
    HKEY parent, key;
    check(RegCreateKeyW(HKEY_CURRENT_USER, scratch, &parent) == ERROR_SUCCESS);
    check(RegCreateKeyW(parent, name, &key) == ERROR_SUCCESS);
    RegCloseKey(parent);
    return key;
}

static void write_value(HKEY root, const wchar_t *path, const wchar_t *name, const char *text)
{
    wchar_t *wide cleanup(mem_freep) = wide_from_utf8(text);
    check(RegSetKeyValueW(root, path, name, REG_SZ, wide,
                          (DWORD)((wcslen(wide) + 1) * sizeof(*wide))) == ERROR_SUCCESS);
}

static char *make_install(const char *name)
{
    char *dir = fs_join(folder, name);
    char *program cleanup(mem_freep) = fs_join(dir, "ldconsole.exe");
    check(fs_make_dirs(dir) == 0);
    check(fs_write_atomic(program, "", 0) == 0);
    return dir;
}

static void assert_found(const char *dir, const char *version)
{
    struct ldc_install install;
    int r = ldc_install_find(&install);
    check(r == 0);
    if (r < 0)
        return;
    check(strcmp(install.dir, dir) == 0);
    check(strcmp(install.version, version) == 0);
    ldc_install_deinit(&install);
}

/* Each names the only installation there is, whose folder has no version in its name. */
static void test_product_keys(void)
{
    static const struct {
        const wchar_t *path;
        const char *version;
    } keys[] = {
        {L"SOFTWARE\\leidian\\ldplayer64", "4"}, {L"SOFTWARE\\leidian\\ldplayer5", "5"},
        {L"SOFTWARE\\ChangZhi\\LDPlayer", "3"},  {L"SOFTWARE\\ChangZhi2\\dnplayer", "3"},
        {L"SOFTWARE\\baizhi\\lsplayer", NULL},   {L"SOFTWARE\\baizhi\\lsplayer64", NULL},
    };
    char *dir cleanup(mem_freep) = fs_join(folder, "somewhere");
    char *program cleanup(mem_freep) = fs_join(dir, "lsconsole.exe");
    check(fs_make_dirs(dir) == 0);
    check(fs_write_atomic(program, "", 0) == 0);
    for (size_t i = 0; i < countof(keys); i++) {
        HKEY root = i % 2 ? HKEY_CURRENT_USER : HKEY_LOCAL_MACHINE;
        struct ldc_install install;
        write_value(root, keys[i].path, L"InstallDir", dir);
        int r = ldc_install_find(&install);
        check(r == 0);
        check(r < 0 || strcmp(install.ldconsole, program) == 0);
        check(r < 0 || str_is_equal(install.version, keys[i].version));
        if (r == 0)
            ldc_install_deinit(&install);
        RegDeleteTreeW(root, keys[i].path);
    }
}

static void test_installs(void)
{
    char *nine cleanup(mem_freep) = make_install("LDPlayer9");
    char *fourteen cleanup(mem_freep) = make_install("leidian14");
    char *uninstall cleanup(mem_freep) = mem_printf("\"%s\\dnuninst.exe\"", fourteen);
    HKEY user = make_key(L"user");
    HKEY machine = make_key(L"machine");
    check(RegOverridePredefKey(HKEY_LOCAL_MACHINE, machine) == ERROR_SUCCESS);
    check(RegOverridePredefKey(HKEY_CURRENT_USER, user) == ERROR_SUCCESS);
    test_product_keys();
    write_value(HKEY_CURRENT_USER, L"SOFTWARE\\XuanZhi\\LDPlayer9", L"InstallDir", nine);
    assert_found(nine, "9");
    write_value(HKEY_LOCAL_MACHINE,
                L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\leidian14",
                L"UninstallString", uninstall);
    write_value(HKEY_LOCAL_MACHINE,
                L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\leidian14",
                L"DisplayVersion", "14.0.25.1");
    assert_found(fourteen, "14.0.25.1");
    RegOverridePredefKey(HKEY_CURRENT_USER, NULL);
    RegOverridePredefKey(HKEY_LOCAL_MACHINE, NULL);
    RegCloseKey(user);
    RegCloseKey(machine);
    RegDeleteTreeW(HKEY_CURRENT_USER, scratch);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--show-window") == 0)
        return print_show_window();
    if (argc != 2) {
        fprintf(stderr, "usage: test_ldconsole_win CHILD.EXE\n");
        return 2;
    }
    self = argv[0];
    child = argv[1];
    char *made = folder_make();
    folder = canonical(made);
    test_text();
    test_wide();
    test_processes();
    test_is_in();
    test_children();
    test_windows_are_shown();
    test_installs();
    printf("%d failed\n", n_failed);
    mem_free(folder);
    folder_remove(made);
    return n_failed ? 1 : 0;
}
