/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
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
    int64_t pid = 0;
    cr_assert_eq(svc_lock_take(dir, &lock, &pid), 0);
    cr_assert_eq(svc_lock_take(dir, &other, &pid), UV_EBUSY);
    cr_assert_eq(pid, getpid());
    svc_lock_release(lock);
}

Test(svc_lock, can_be_taken_again_after_its_release)
{
    struct svc_lock *lock;
    int64_t pid = 0;
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(svc_lock_take(dir, &lock, &pid), 0);
        svc_lock_release(lock);
    }
    cr_assert_eq(pid, 0);
}

Test(svc_lock, says_what_the_system_said)
{
    struct svc_lock *lock;
    int64_t pid = 0;
    cr_assert_eq(svc_lock_take("/nonexistent", &lock, &pid), UV_ENOENT);
}
