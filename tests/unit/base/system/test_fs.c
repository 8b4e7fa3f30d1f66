/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
