/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "tests/support/folder.h"

static char *folder;

static void make_folder(void)
{
    folder = folder_make();
}

static void remove_folder(void)
{
    folder_remove(folder);
}

TestSuite(fs, .init = make_folder, .fini = remove_folder);

Test(fs, reads_back_what_was_written)
{
    char *path cleanup(mem_freep) = fs_join(folder, "file");
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    cr_assert_eq(fs_write_atomic(path, "one", 3), 0);
    cr_assert_eq(fs_write_atomic(path, "a\0b", 3), 0);
    cr_assert_eq(fs_read(path, &out), 0);
    cr_assert_eq(out.len, 3);
    cr_assert_arr_eq(out.data, "a\0b", 4);
    buf_clear(&out);
    cr_assert_eq(fs_write_for_now(path, "two", 3), 0);
    cr_assert_eq(fs_read(path, &out), 0);
    cr_assert_str_eq(out.data, "two");
}

Test(fs, leaves_nothing_else_behind_after_an_atomic_write)
{
    char *path cleanup(mem_freep) = fs_join(folder, "file");
    cr_assert_eq(fs_write_atomic(path, "x", 1), 0);
    cr_assert_eq(folder_count(folder), 1);
    char *target cleanup(mem_freep) = fs_join(folder, "dir");
    cr_assert_eq(fs_make_dirs(target), 0);
    cr_assert_lt(fs_write_atomic(target, "x", 1), 0, "a folder cannot be replaced by a file");
    cr_assert_eq(folder_count(folder), 2);
}

Test(fs, waits_for_nobody_behind_what_is_no_plain_file)
{
    char *path cleanup(mem_freep) = fs_join(folder, "fifo"), byte;
    char *text cleanup(mem_freep) = fs_join(folder, "file");
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(fs_check_file(path), UV_EFTYPE);
    cr_assert_eq(fs_read(path, &out), UV_EFTYPE);
    cr_assert_eq(fs_read_head(path, &byte, 1), UV_EFTYPE);
    cr_assert_eq(fs_read("/dev/zero", &out), UV_EFTYPE);
    cr_assert_eq(fs_check_file(folder), UV_EISDIR);
    cr_assert_eq(fs_read(folder, &out), UV_EISDIR);
    cr_assert_eq(fs_check_file(text), UV_ENOENT);
    cr_assert_eq(fs_write_atomic(text, "x", 1), 0);
    cr_assert_eq(fs_check_file(text), 0);
}

Test(fs, tells_a_link_from_what_it_leads_to)
{
    char *text cleanup(mem_freep) = fs_join(folder, "file");
    char *link cleanup(mem_freep) = fs_join(folder, "link");
    cr_assert_not(fs_is_link(link));
    cr_assert_eq(symlink(text, link), 0);
    cr_assert(fs_is_link(link), "also one that leads nowhere");
    cr_assert_eq(fs_write_atomic(text, "x", 1), 0);
    cr_assert(fs_is_link(link));
    cr_assert_not(fs_is_link(text));
    cr_assert_not(fs_is_link(folder));
}

Test(fs, knows_a_file_by_its_number_and_its_drive)
{
    struct fs_identity one, other, far;
    char *a cleanup(mem_freep) = fs_join(folder, "a");
    char *b cleanup(mem_freep) = fs_join(folder, "b");
    cr_assert_eq(fs_write_atomic(a, "x", 1), 0);
    cr_assert_eq(link(a, b), 0);
    cr_assert_eq(fs_identify(a, &one), 0);
    cr_assert_eq(fs_identify(b, &other), 0);
    cr_assert(fs_is_same(&one, &other), "it has two names");
    cr_assert_eq(fs_identify("/proc/self/status", &far), 0);
    far.file = one.file;
    cr_assert_not(fs_is_same(&one, &far), "another drive has the same number");
    far.drive = 0;
    cr_assert(fs_is_same(&one, &far), "where it is not known the file's number decides");
    other.file++;
    cr_assert_not(fs_is_same(&one, &other));
}

/* FOLDER is somebody else's from now on. */
static void give_away_the_folder(void)
{
    if (chown(folder, 65534, 65534) == 0)
        return;
    fprintf(stderr, "skipped: only root makes files in the folder of another account\n");
    cr_skip_test("only root makes files in the folder of another account");
}

static unsigned owner_of(const char *path)
{
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    return st.st_uid;
}

Test(fs, gives_a_file_to_the_owner_of_its_folder)
{
    char *path cleanup(mem_freep) = fs_join(folder, "file");
    give_away_the_folder();
    cr_assert_eq(fs_write_atomic(path, "x", 1), 0);
    cr_assert_eq(owner_of(path), geteuid());
    cr_assert_eq(fs_give(path), 0);
    cr_assert_eq(owner_of(path), 65534);
    cr_assert_eq(fs_give(path), 0, "it has it already");
}

/* The owner of the folder must not get what is not in it by a name that he puts there. */
Test(fs, gives_nothing_away_that_has_a_name_elsewhere)
{
    char *elsewhere = folder_make();
    char *file cleanup(mem_freep) = fs_join(elsewhere, "file");
    char *second cleanup(mem_freep) = fs_join(folder, "second"),
                 *soft cleanup(mem_freep) = fs_join(folder, "soft");
    give_away_the_folder();
    cr_assert_eq(fs_write_atomic(file, "x", 1), 0);
    cr_assert_eq(link(file, second), 0);
    cr_assert_eq(symlink(file, soft), 0);
    cr_assert_eq(fs_give(second), UV_EPERM);
    cr_assert_eq(unlink(second), 0);
    cr_assert_eq(fs_give(soft), UV_ELOOP);
    cr_assert_eq(owner_of(file), geteuid());
    folder_remove(elsewhere);
}

Test(fs, reads_an_empty_file_as_an_empty_string)
{
    char *path cleanup(mem_freep) = fs_join(folder, "empty");
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    cr_assert_eq(fs_write_atomic(path, "", 0), 0);
    cr_assert_eq(fs_read(path, &out), 0);
    cr_assert_eq(out.len, 0);
    cr_assert_str_eq(out.data, "");
}

Test(fs, stops_reading_at_the_maximum)
{
    char *path cleanup(mem_freep) = fs_join(folder, "file");
    struct buf fits cleanup(buf_deinit), small cleanup(buf_deinit);
    buf_init(&fits, 5);
    buf_init(&small, 4);
    cr_assert_eq(fs_write_atomic(path, "12345", 5), 0);
    cr_assert_eq(fs_read(path, &fits), 0);
    cr_assert_str_eq(fits.data, "12345");
    cr_assert_eq(fs_read(path, &small), UV_EFBIG);
}

Test(fs, says_what_is_missing)
{
    char *path cleanup(mem_freep) = fs_join(folder, "none/file");
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    cr_assert_eq(fs_read(path, &out), UV_ENOENT);
    cr_assert_eq(fs_write_atomic(path, "x", 1), UV_ENOENT);
    cr_assert_eq(fs_copy(path, folder), UV_ENOENT);
    cr_assert_not(fs_exists(path));
}

Test(fs, makes_folders_with_their_parents_and_again)
{
    char *path cleanup(mem_freep) = fs_join(folder, "a/b/c");
    cr_assert_eq(fs_make_dirs(path), 0);
    cr_assert(fs_exists(path));
    cr_assert_eq(fs_make_dirs(path), 0);
}

Test(fs, refuses_to_take_a_file_for_a_folder)
{
    char *path cleanup(mem_freep) = fs_join(folder, "file");
    char *below cleanup(mem_freep) = fs_join(path, "x");
    cr_assert_eq(fs_write_atomic(path, "x", 1), 0);
    cr_assert_eq(fs_make_dirs(path), UV_ENOTDIR);
    cr_assert_lt(fs_make_dirs(below), 0);
}

Test(fs, moves_and_copies)
{
    char *a cleanup(mem_freep) = fs_join(folder, "a");
    char *b cleanup(mem_freep) = fs_join(folder, "b");
    char *c cleanup(mem_freep) = fs_join(folder, "c");
    cr_assert_eq(fs_write_atomic(a, "x", 1), 0);
    cr_assert_eq(fs_rename(a, b), 0);
    cr_assert_eq(fs_copy(b, c), 0);
    cr_assert_not(fs_exists(a));
    cr_assert(fs_exists(b));
    cr_assert(fs_exists(c));
}

static void assert_parts(const char *path, const char *dir, const char *base)
{
    char *found cleanup(mem_freep) = fs_dirname(path);
    cr_assert_str_eq(found, dir, "folder of %s is %s", path, found);
    cr_assert_str_eq(fs_basename(path), base);
}

Test(fs_path, takes_paths_apart_and_joins_them)
{
    assert_parts("/a/b", "/a", "b");
    assert_parts("/a", "/", "a");
    assert_parts("a", ".", "a");
    assert_parts("C:\\LDPlayer\\ldconsole.exe", "C:\\LDPlayer", "ldconsole.exe");
    char *plain cleanup(mem_freep) = fs_join("/a", "b");
    char *slash cleanup(mem_freep) = fs_join("C:\\x\\", "b");
    char *windows cleanup(mem_freep) = fs_join("C:\\x", "b");
    cr_assert_str_eq(plain, "/a/b");
    cr_assert_str_eq(slash, "C:\\x\\b");
    cr_assert_str_eq(windows, "C:\\x\\b");
}

Test(fs, a_file_that_somebody_has_open_is_known_where_the_system_tells)
{
    char *path = fs_join(folder, "disk");
    bool is_told = UV_FS_O_EXLOCK != 0; /* on Windows */
    uv_fs_t req;
    cr_assert_eq(fs_write_atomic(path, "x", 1), 0);
    cr_expect_not(fs_is_open(path));
    int file = uv_fs_open(NULL, &req, path, UV_FS_O_RDWR, 0, NULL);
    uv_fs_req_cleanup(&req);
    cr_assert(file >= 0);
    cr_expect_eq(fs_is_open(path), is_told);
    uv_fs_close(NULL, &req, file, NULL);
    uv_fs_req_cleanup(&req);
    cr_expect_not(fs_is_open(path));
    cr_expect_eq(fs_remove(path), 0);
    cr_expect_not(fs_is_open(path));
    mem_free(path);
}

Test(fs, says_what_is_free_on_a_disk)
{
    uint64_t n = fs_free_bytes(folder);
    cr_expect(n > 0 && n < UINT64_MAX);
    cr_expect_eq(fs_free_bytes("no/such/folder"), UINT64_MAX);
}
