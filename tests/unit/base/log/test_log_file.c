/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/log/log_file.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"
#include "base/text/json.h"
#include "tests/support/folder.h"

static char *folder, *path;
static struct log_file *file;
static int64_t now;
static unsigned n_troubles;
static char trouble[400];

static void on_trouble(void *arg, const char *sentence)
{
    (void)arg;
    n_troubles++;
    snprintf(trouble, sizeof(trouble), "%s", sentence);
}

static void open_with(uint64_t max_bytes, unsigned keep_files, unsigned keep_days)
{
    log_file_free(file);
    file = log_file_new(&(struct log_file_options){
        .path = path,
        .max_bytes = max_bytes,
        .keep_files = keep_files,
        .keep_days = keep_days,
        .on_trouble = on_trouble,
    });
}

static void set_up(void)
{
    folder = folder_make();
    path = mem_printf("%s/logs/ldplayerd.log", folder);
    n_troubles = 0;
    cr_assert_eq(clock_parse("2030-01-01T10:00:00Z", &now), 0);
    open_with(1000000, 10, 30);
}

static void tear_down(void)
{
    log_file_free(take_ptr(file));
    mem_free(path);
    folder_remove(folder);
}

TestSuite(log_file, .init = set_up, .fini = tear_down);

static void write_one(const char *message)
{
    struct log_record record = {now, LOG_INFO, "test", message};
    log_file_write(file, &record);
}

static char *read_log(void)
{
    return folder_read(folder, "logs/ldplayerd.log");
}

static size_t count_files(void)
{
    char *logs cleanup(mem_freep) = fs_join(folder, "logs");
    return folder_count(logs);
}

Test(log_file, a_record_is_one_json_object_on_one_line)
{
    write_one("two\nlines, a \"quote\" and a torn \xc3");
    char *text cleanup(mem_freep) = read_log();
    yyjson_doc *doc cleanup(json_doc_freep) = NULL;
    const char *error;
    cr_assert_not_null(text);
    cr_expect_eq(strchr(text, '\n'), text + strlen(text) - 1);
    cr_assert_eq(json_parse(text, strlen(text) - 1, &doc, &error), 0, "%s", text);
    yyjson_val *root = yyjson_doc_get_root(doc);
    cr_expect_str_eq(yyjson_get_str(yyjson_obj_get(root, "time")), "2030-01-01T10:00:00.000Z");
    cr_expect_str_eq(yyjson_get_str(yyjson_obj_get(root, "level")), "info");
    cr_expect_str_eq(yyjson_get_str(yyjson_obj_get(root, "component")), "test");
    cr_expect_str_eq(yyjson_get_str(yyjson_obj_get(root, "message")),
                     "two\nlines, a \"quote\" and a torn ?");
}

Test(log_file, a_full_file_is_put_aside)
{
    open_with(150, 10, 30);
    write_one("first");
    write_one("second, which does not fit");
    char *aside cleanup(mem_freep) = folder_read(folder, "logs/ldplayerd-20300101T100000Z.log");
    char *text cleanup(mem_freep) = read_log();
    cr_assert_not_null(aside);
    cr_expect_not_null(strstr(aside, "first"));
    cr_expect_not_null(strstr(text, "second"));
    cr_expect_null(strstr(text, "first"));
}

Test(log_file, files_put_aside_in_one_second_have_names_of_their_own)
{
    open_with(10, 10, 30);
    for (int i = 0; i < 4; i++)
        write_one("each is too much");
    cr_expect_eq(count_files(), 4);
    char *third cleanup(mem_freep) = folder_read(folder, "logs/ldplayerd-20300101T100000Z-2.log");
    cr_expect_not_null(third);
}

Test(log_file, a_new_day_has_a_new_file)
{
    write_one("evening");
    now += 14 * 3600 * 1000; /* midnight */
    write_one("morning");
    char *aside cleanup(mem_freep) = folder_read(folder, "logs/ldplayerd-20300102T000000Z.log");
    cr_assert_not_null(aside);
    cr_expect_not_null(strstr(aside, "evening"));
    cr_expect_eq(count_files(), 2);
}

Test(log_file, what_a_former_process_wrote_is_gone_on_with)
{
    now = clock_wall_ms(); /* the file system knows no other */
    write_one("before");
    open_with(1000000, 10, 30);
    write_one("after");
    char *text cleanup(mem_freep) = read_log();
    cr_expect_not_null(strstr(text, "before"));
    cr_expect_not_null(strstr(text, "after"));
}

Test(log_file, only_so_many_are_kept)
{
    open_with(10, 2, 30);
    for (int i = 0; i < 6; i++) {
        now += 1000;
        write_one("each is too much");
    }
    cr_expect_eq(count_files(), 3);
    char *newest cleanup(mem_freep) = folder_read(folder, "logs/ldplayerd-20300101T100006Z.log");
    cr_expect_not_null(newest);
}

Test(log_file, none_is_kept_for_longer_than_said_and_nothing_else_is_removed)
{
    folder_write(folder, "logs/ldplayerd-20291220T000000Z.log", "old");
    folder_write(folder, "logs/ldplayerd-20291230T000000Z.log", "newer");
    folder_write(folder, "logs/ldplayerd-notes.log", "somebody's");
    open_with(10, 10, 7);
    write_one("one");
    write_one("two");
    char *old cleanup(mem_freep) = folder_read(folder, "logs/ldplayerd-20291220T000000Z.log");
    char *newer cleanup(mem_freep) = folder_read(folder, "logs/ldplayerd-20291230T000000Z.log");
    char *notes cleanup(mem_freep) = folder_read(folder, "logs/ldplayerd-notes.log");
    cr_expect_null(old);
    cr_expect_not_null(newer);
    cr_expect_not_null(notes);
}

/* /dev/full is a disk without room. */
Test(log_file, a_full_disk_is_told_once_and_what_is_missing_is_counted)
{
    char *logs cleanup(mem_freep) = fs_join(folder, "logs");
    cr_assert_eq(fs_make_dirs(logs), 0);
    cr_assert_eq(symlink("/dev/full", path), 0);
    for (int i = 0; i < 3; i++) {
        write_one("lost");
        now += 20000; /* each of them is tried */
    }
    write_one("lost");
    write_one("lost too, without a try");
    cr_expect_eq(n_troubles, 1);
    cr_expect_not_null(strstr(trouble, "no space left"), "%s", trouble);
    cr_assert_eq(unlink(path), 0);
    write_one("lost, for it is not looked at again yet");
    now += 20000;
    write_one("here again");
    char *text cleanup(mem_freep) = read_log();
    cr_assert_not_null(text);
    cr_expect_not_null(strstr(text, "6 records could not be written"), "%s", text);
    cr_expect_not_null(strstr(text, "here again"));
    cr_expect_eq(n_troubles, 1);
}

Test(log_file, a_folder_that_cannot_be_made_stops_nothing)
{
    folder_write(folder, "logs", "a file");
    write_one("lost");
    cr_expect_eq(n_troubles, 1);
    cr_expect_not_null(strstr(trouble, path));
}

Test(log_file, a_clock_that_was_set_back_does_not_silence_it)
{
    folder_write(folder, "logs", "a file");
    write_one("lost");
    char *blocker cleanup(mem_freep) = fs_join(folder, "logs");
    cr_assert_eq(unlink(blocker), 0);
    now -= 3600 * 1000;
    write_one("here");
    char *text cleanup(mem_freep) = read_log();
    cr_expect_not_null(text);
}
