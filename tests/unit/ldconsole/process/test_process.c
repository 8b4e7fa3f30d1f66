/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "ldconsole/process/process.h"
#include "tests/support/folder.h"

Test(ldc_process, knows_emulators_by_their_names_and_command_lines)
{
    static const struct {
        const char *image, *line;
        enum ldc_process_role role;
        int index;
    } good[] = {
        {"dnplayer.exe", "C:\\LDPlayer\\LDPlayer9\\dnplayer.exe index=3|", LDC_PROCESS_PLAYER, 3},
        {"DNPlayer.EXE", "\"dnplayer.exe\" index=12|from=repairer", LDC_PROCESS_PLAYER, 12},
        {"C:\\LDPlayer\\dnplayer.exe", "dnplayer.exe", LDC_PROCESS_PLAYER, -1},
        {"dnplayer", "reindex=4 index=5|", LDC_PROCESS_PLAYER, 5},
        {"dnplayer", "index=4x", LDC_PROCESS_PLAYER, -1},
        {"dnplayer", NULL, LDC_PROCESS_PLAYER, -1},
        {"Ld9BoxHeadless.exe", "Ld9BoxHeadless.exe --comment leidian7 --startvm 2016", //
         LDC_PROCESS_HEADLESS, 7},
        {"LdVBoxHeadless", "--comment \"leidian0\" --startvm x", LDC_PROCESS_HEADLESS, 0},
        {"LdBoxHeadless", "--startvm leidian5", LDC_PROCESS_HEADLESS, -1},
        {"dnmultiplayer.exe", "dnmultiplayer.exe index=1|", LDC_PROCESS_MANAGER, -1},
        {"DnMultiPlayerEx.exe", NULL, LDC_PROCESS_MANAGER, -1},
        {"ldmultiplayer", NULL, LDC_PROCESS_MANAGER, -1},
        {"Ld9BoxSVC.exe", "Ld9BoxSVC.exe --comment leidian3", LDC_PROCESS_VM_SERVICE, -1},
        {"LdVBoxSVC", NULL, LDC_PROCESS_VM_SERVICE, -1},
        {"LdBoxSVC", NULL, LDC_PROCESS_VM_SERVICE, -1},
        {"consent.exe", NULL, LDC_PROCESS_CONSENT, -1},
    };
    for (size_t i = 0; i < countof(good); i++) {
        struct ldc_process p = {0};
        cr_assert(ldc_process_classify(good[i].image, good[i].line, &p), "case %zu", i);
        cr_assert_eq(p.role, good[i].role, "case %zu", i);
        cr_assert_eq(p.index, good[i].index, "case %zu: %d", i, p.index);
        cr_assert_eq(p.is_repairer, i == 1, "case %zu", i);
    }
}

Test(ldc_process, leaves_other_programs_alone)
{
    static const char *const others[] = {"",
                                         "dnplayerext2.exe",
                                         "Ld9BoxSVC2.exe",
                                         "VBoxHeadless",
                                         "dnmulti.exe",
                                         ".exe",
                                         "a-very-long-name-of-a-program"};
    struct ldc_process p;
    enum ldc_process_role role;
    for (size_t i = 0; i < countof(others); i++) {
        cr_assert_not(ldc_process_is_emulator(others[i], &role), "%s", others[i]);
        cr_assert_not(ldc_process_classify(others[i], "index=1|", &p), "%s", others[i]);
    }
}

/* Copies of the test's child under the emulators' names stand in for them. */
static char *folder;
static struct ldc_processes processes;

static void set_up(void)
{
    uv_fs_t req;
    char *given = folder_make();
    /* As the system shows it. */
    uv_fs_realpath(NULL, &req, given, NULL);
    folder = mem_strdup(req.ptr);
    uv_fs_req_cleanup(&req);
    mem_free(given);
}

static void tear_down(void)
{
    ldc_processes_deinit(&processes);
    folder_remove(folder);
}

TestSuite(ldc_processes, .init = set_up, .fini = tear_down);

static pid_t start(const char *name, const char *a, const char *b)
{
    char *path cleanup(mem_freep) = fs_join(folder, name);
    int ready[2];
    char byte;
    if (!fs_exists(path))
        cr_assert_eq(fs_copy(getenv("LDPLAYERD_TEST_CHILD"), path), 0);
    cr_assert_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ready[1], 1);
        execl(path, path, "print", "!", "sleep", "60000", a, b, (char *)NULL);
        _exit(127);
    }
    close(ready[1]);
    cr_assert_eq(read(ready[0], &byte, 1), 1, "it runs");
    close(ready[0]);
    return pid;
}

static void stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

Test(ldc_processes, finds_running_emulators)
{
    pid_t player = start("dnplayer", "index=4123|", "");
    pid_t headless = start("Ld9BoxHeadless", "--comment", "leidian4123");
    pid_t other = start("something", "index=4123|", "");
    cr_assert_eq(ldc_processes_scan(&processes), 0);
    const struct ldc_process *p = ldc_processes_find_pid(&processes, player);
    const struct ldc_process *h = ldc_processes_find_pid(&processes, headless);
    cr_assert_not_null(p);
    cr_assert_not_null(h);
    cr_assert(p->role == LDC_PROCESS_PLAYER && p->index == 4123);
    cr_assert(h->role == LDC_PROCESS_HEADLESS && h->index == 4123);
    cr_assert_null(ldc_processes_find_pid(&processes, other));
    cr_assert(ldc_process_is_in(p, folder));
    for (size_t i = 1; i < processes.n_items; i++)
        cr_assert_lt(processes.items[i - 1].pid, processes.items[i].pid);
    stop(player);
    stop(headless);
    stop(other);
}

Test(ldc_processes, knows_how_old_they_are_and_what_they_have_used)
{
    enum { HOUR_MS = 3600000, PAGE = 4096 };
    pid_t player = start("dnplayer", "index=4124|", "");
    cr_assert_eq(ldc_processes_scan(&processes), 0);
    const struct ldc_process *p = ldc_processes_find_pid(&processes, player);
    cr_expect(p->age_ms > 0 && p->age_ms < HOUR_MS, "%llu", (unsigned long long)p->age_ms);
    cr_expect(p->cpu_ms < HOUR_MS, "%llu", (unsigned long long)p->cpu_ms);
    cr_expect(p->private_bytes >= PAGE && p->private_bytes % PAGE == 0, "%llu",
              (unsigned long long)p->private_bytes);
    stop(player);
}

Test(ldc_processes, knows_of_any_program_whether_it_lives)
{
    siginfo_t info;
    pid_t other = start("Ld15BoxHeadless", "--comment", "leidian4");
    cr_expect(ldc_process_lives(other));
    kill(other, SIGKILL);
    cr_assert_eq(waitid(P_PID, (id_t)other, &info, WEXITED | WNOWAIT), 0, "a zombie from now on");
    cr_expect_not(ldc_process_lives(other));
    waitpid(other, NULL, 0);
    cr_expect_not(ldc_process_lives(other));
}

Test(ldc_processes, does_not_count_the_dead)
{
    pid_t player = start("dnplayer", "index=4125|", "");
    siginfo_t info;
    kill(player, SIGKILL);
    cr_assert_eq(waitid(P_PID, (id_t)player, &info, WEXITED | WNOWAIT), 0, "a zombie from now on");
    cr_assert_eq(ldc_processes_scan(&processes), 0);
    cr_assert_null(ldc_processes_find_pid(&processes, player));
    waitpid(player, NULL, 0);
}

Test(ldc_processes, a_second_scan_replaces_the_first)
{
    pid_t player = start("dnplayer", "index=4126|", "");
    cr_assert_eq(ldc_processes_scan(&processes), 0);
    cr_assert_not_null(ldc_processes_find_pid(&processes, player));
    stop(player);
    cr_assert_eq(ldc_processes_scan(&processes), 0);
    cr_assert_null(ldc_processes_find_pid(&processes, player));
}

Test(ldc_processes, kills_an_emulator)
{
    int status;
    pid_t player = start("dnplayer", "index=4127|", "");
    struct ldc_process p = {.pid = player, .role = LDC_PROCESS_PLAYER, .index = 4127};
    cr_assert_eq(ldc_process_kill(&p), 0);
    cr_assert_eq(waitpid(player, &status, 0), player);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    cr_assert_eq(ldc_process_kill(&p), UV_ESRCH);
}

Test(ldc_processes, does_not_kill_what_has_become_something_else)
{
    pid_t player = start("dnplayer", "index=4128|", "");
    pid_t other = start("something", "index=4128|", "");
    struct ldc_process wrong_index = {.pid = player, .role = LDC_PROCESS_PLAYER, .index = 1};
    struct ldc_process wrong_role = {.pid = player, .role = LDC_PROCESS_HEADLESS, .index = 4128};
    struct ldc_process no_emulator = {.pid = other, .role = LDC_PROCESS_PLAYER, .index = 4128};
    cr_assert_eq(ldc_process_kill(&wrong_index), UV_ESRCH);
    cr_assert_eq(ldc_process_kill(&wrong_role), UV_ESRCH);
    cr_assert_eq(ldc_process_kill(&no_emulator), UV_ESRCH);
    cr_assert_eq(kill(player, 0), 0);
    cr_assert_eq(waitpid(player, NULL, WNOHANG), 0, "still alive");
    cr_assert_eq(waitpid(other, NULL, WNOHANG), 0);
    stop(player);
    stop(other);
}

Test(ldc_process_is_in, compares_whole_folder_names)
{
    struct ldc_process p = {.image = (char *)"/opt/LDPlayer9/dnplayer"};
    cr_assert(ldc_process_is_in(&p, "/opt/LDPlayer9"));
    cr_assert(ldc_process_is_in(&p, "/opt/LDPlayer9/"));
    cr_assert(ldc_process_is_in(&p, "/opt"));
    cr_assert(ldc_process_is_in(&p, "/"));
    cr_assert_not(ldc_process_is_in(&p, "/opt/LDPlayer"));
    cr_assert_not(ldc_process_is_in(&p, "/opt/LDPlayer9/dnplayer/x"));
    p.image = NULL;
    cr_assert_not(ldc_process_is_in(&p, "/opt"));
}
