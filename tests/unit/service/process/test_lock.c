/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "service/process/lock.h"

static char dir[] = "/tmp/ldp_lock_XXXXXX";

static void make_dir(void)
{
    cr_assert_not_null(mkdtemp(dir));
}

static void remove_dir(void)
{
    char *path cleanup(mem_freep) = fs_join(dir, "ldplayerd.lock");
    unlink(path);
    rmdir(dir);
}

TestSuite(svc_lock, .init = make_dir, .fini = remove_dir);

Test(svc_lock, is_held_by_one_and_names_it)
{
    struct svc_lock *lock, *other;
    struct svc_lock_holder holder = {0};
    cr_assert_eq(svc_lock_take(dir, "token create", &lock, &holder), 0);
    cr_assert_eq(svc_lock_take(dir, "serve", &other, &holder), UV_EBUSY);
    cr_assert_eq(holder.pid, getpid());
    cr_assert_str_eq(holder.what, "token create");
    cr_assert_not(svc_lock_is_service(&holder));
    svc_lock_release(lock);
}

Test(svc_lock, can_be_taken_again_after_its_release)
{
    struct svc_lock *lock;
    struct svc_lock_holder holder = {0};
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(svc_lock_take(dir, "serve", &lock, &holder), 0);
        svc_lock_release(lock);
    }
    cr_assert_eq(holder.pid, 0);
}

Test(svc_lock, goes_with_its_file_and_is_another_one_then)
{
    struct svc_lock *lock, *other;
    struct svc_lock_holder holder = {0};
    char *path cleanup(mem_freep) = fs_join(dir, SVC_LOCK_FILE);
    cr_assert_eq(svc_lock_take(dir, "data remove", &lock, &holder), 0);
    cr_assert_eq(svc_lock_remove(lock), 0);
    cr_assert_not(fs_exists(path));
    cr_assert_eq(svc_lock_take(dir, "serve", &lock, &holder), 0);
    cr_assert(fs_exists(path));
    cr_assert_eq(svc_lock_take(dir, "token create", &other, &holder), UV_EBUSY);
    svc_lock_release(lock);
}

/* Who holds the lock removes it after we have opened the file and before we lock it. */
static char *goes_now;

int flock(int fd, int operation)
{
    if (goes_now)
        unlink(take_ptr(goes_now));
    return (int)syscall(SYS_flock, fd, operation);
}

Test(svc_lock, of_a_file_that_went_meanwhile_is_none)
{
    struct svc_lock *lock, *other;
    struct svc_lock_holder holder = {0};
    char *path cleanup(mem_freep) = fs_join(dir, SVC_LOCK_FILE);
    goes_now = path;
    cr_assert_eq(svc_lock_take(dir, "serve", &lock, &holder), 0);
    cr_assert_null(goes_now);
    cr_assert(fs_exists(path));
    cr_assert_eq(svc_lock_take(dir, "serve", &other, &holder), UV_EBUSY);
    svc_lock_release(lock);
}

/* Root works on the data of a service that is stopped. */
Test(svc_lock, belongs_to_whom_the_folder_does)
{
    struct svc_lock *lock;
    struct svc_lock_holder holder = {0};
    struct stat st;
    char *path cleanup(mem_freep) = fs_join(dir, SVC_LOCK_FILE);
    if (chown(dir, 65534, 65534) < 0) {
        fprintf(stderr, "skipped: only root makes files in the folder of another account\n");
        cr_skip_test("only root makes files in the folder of another account");
    }
    cr_assert_eq(svc_lock_take(dir, "token list", &lock, &holder), 0);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_uid, 65534);
    svc_lock_release(lock);
}

Test(svc_lock, is_no_link)
{
    struct svc_lock *lock;
    struct svc_lock_holder holder = {0};
    char *path cleanup(mem_freep) = fs_join(dir, SVC_LOCK_FILE);
    cr_assert_eq(symlink("elsewhere", path), 0);
    cr_assert_eq(svc_lock_take(dir, "serve", &lock, &holder), UV_ELOOP);
    char *elsewhere cleanup(mem_freep) = fs_join(dir, "elsewhere");
    cr_assert_not(fs_exists(elsewhere));
}

Test(svc_lock, says_what_the_system_said)
{
    struct svc_lock *lock;
    struct svc_lock_holder holder = {0};
    cr_assert_eq(svc_lock_take("/nonexistent", "serve", &lock, &holder), UV_ENOENT);
}

Test(svc_lock, reads_what_a_file_says_of_its_holder)
{
    static const struct {
        const char *text, *what;
        int64_t pid;
    } cases[] = {{"12 serve\n", "serve", 12}, {"12\n", "", 12}, {"", "", 0}, {"x y", "x y", 0}};
    for (size_t i = 0; i < countof(cases); i++) {
        struct svc_lock_holder holder;
        svc_lock_read_text(cases[i].text, &holder);
        cr_assert_eq(holder.pid, cases[i].pid);
        cr_assert_str_eq(holder.what, cases[i].what);
        cr_assert_eq(svc_lock_is_service(&holder), i == 0);
    }
}
